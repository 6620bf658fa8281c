package web

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// saleReceived is the fact that a trader says herself.
const saleReceived = "market.sale_received"

// written is how people write whole đồng: 50000, 50.000, 50 000, 50.000 đ.
var written = regexp.MustCompile(`^[0-9]{1,3}([., ]?[0-9]{3})*$|^[0-9]{1,15}$`)

// wholeDong reads whole đồng as they are written, in groups of three where there are
// groups: half a đồng is none. Errors: errBad.
func wholeDong(text string) (string, error) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "đ"))
	if !written.MatchString(text) {
		return "", errBad
	}
	digits := strings.TrimLeft(strings.NewReplacer(".", "", ",", "", " ", "").Replace(text), "0")
	if digits == "" || len(digits) > 15 {
		return "", errBad
	}
	return digits, nil
}

// fillSale makes a sale that a telephone kept the signed-in trader's, in cash: what
// came by a bank only the bank says. Errors: errBad.
func fillSale(s *site, ctx context.Context, f *queuedFact) error {
	p := identity.From(ctx)
	var amount, stall, connection string
	if s.Traders == nil || !p.Card() || p.Holder == "" || len(f.Personal) > 0 || json.Unmarshal(f.Data["amount"], &amount) != nil || json.Unmarshal(f.Data["stall"], &stall) != nil {
		return errBad
	}
	if f.Data["connection"] != nil && json.Unmarshal(f.Data["connection"], &connection) != nil {
		return errBad
	}
	connection, err := s.bookOf(ctx, readmodel.Trader{Organization: f.Organization, Person: p.Holder, Stall: stall}, connection)
	if err != nil {
		return err
	}
	if amount, err = wholeDong(amount); err != nil {
		return err
	}
	for name, value := range map[string]string{"person": p.Holder, "method": "cash", "currency": string(money.VND), "amount": amount, "connection": connection} {
		if f.Data[name], err = json.Marshal(value); err != nil {
			return err
		}
	}
	delete(f.Data, "line")
	return nil
}

// bookOf is the consent under which a trader's sale is written down: the one that
// the page knew of, else one that stands; nothing where she has given none, which
// the ledger then refuses.
func (s *site) bookOf(ctx context.Context, t readmodel.Trader, known string) (string, error) {
	now, past, err := s.standing(ctx, t)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(past, func(c projections.SalesConnection) bool { return c.Connection == known }) {
		return known, nil
	}
	for _, c := range now {
		if c.Connection == known || known == "" {
			return c.Connection, nil
		}
	}
	if len(now) > 0 {
		return now[0].Connection, nil
	}
	return "none", nil
}

// stallOfSale finds the stall of a sale that the signed-in trader takes back, which
// is hers and in cash.
func stallOfSale(s *site, ctx context.Context, organization string, back *events.Reversed) (stall string, ok bool, err error) {
	p := identity.From(ctx)
	if s.Traders == nil || !p.Card() {
		return "", false, nil
	}
	for _, g := range p.Grants {
		sale, err := s.Traders.Sales.Sale(ctx, readmodel.Trader{Organization: organization, Person: p.Holder, Stall: g.Object}, string(back.ReversesSource), string(back.Reverses))
		if errors.Is(err, readmodel.ErrNotFound) {
			continue
		}
		return sale.Stall, err == nil && sale.Method == "cash", err
	}
	return "", false, nil
}

type cashSalePage struct {
	Base         string
	Organization string
	Stall        string
	Connection   string // the consent that stands; empty: she is asked for one
	Form         *form
}

// bookMonths is for how long a consent to keep nothing but the book of cash is given.
const bookMonths = "12"

// cashSale writes down what a customer paid in cash. Its form may wait for the
// network (static/offline.js). Who has not consented to have a book kept is asked
// for that first, once; then two facts are said.
func (s *site) cashSale(r *request) (*view, error) {
	t, _, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	base := traderBase(r.who)
	amount := r.ask("sale_amount", "text", "off")
	amount.Max = 20
	id, book := r.FormValue("id"), r.FormValue("book")
	if id == "" {
		id, book = newID(), newID()
	}
	now, _, err := s.standing(r.Context(), t)
	if err != nil {
		return nil, err
	}
	connection := ""
	fields := []formField{amount, hidden("id", id)}
	if len(now) > 0 {
		connection = now[0].Connection
	} else {
		fields = append(fields, formField{Name: "agree", Type: "checkbox", Label: r.language.say("cash_sale.agree"), Required: true, Value: r.FormValue("agree")}, hidden("book", book))
	}
	v, page := r.formView("cash_sale", base+"/cash", fields...)
	v.template, v.section, v.keep = "trader_cash", "cash_sale", connection != ""
	v.data = cashSalePage{base, t.Organization, t.Stall, connection, page.Form}
	if r.PostFormValue("id") == "" {
		return v, nil
	}
	var drafts []events.Draft
	if connection == "" {
		if r.FormValue("agree") == "" {
			return r.wrong(v, page, "agree", "problem.agree")
		}
		connection = book
		d, err := r.draft(t.Organization, book, "market.sales_connected", &events.SalesConnected{Dated: events.Dated{EffectiveOn: today()}, Of: events.Of{Person: events.ID(t.Person)},
			Connection: events.ID(book), Stall: events.ID(t.Stall), Until: monthsLater(today(), bookMonths), VisibleTo: onlyHers}, nil)
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, d)
	}
	digits, err := wholeDong(amount.Value)
	if err != nil {
		return r.wrong(v, page, "sale_amount", "problem.whole_dong")
	}
	d, err := r.draft(t.Organization, id, saleReceived, &events.SaleReceived{Dated: events.Dated{EffectiveOn: today()}, Of: events.Of{Person: events.ID(t.Person)},
		Sum: events.Sum{Amount: events.Decimal(digits), Currency: money.VND}, Stall: events.ID(t.Stall), Method: "cash", Connection: events.ID(connection)}, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, append(drafts, d)...); err != nil {
		return r.refuse(v, page, err)
	}
	return see(base+"/takings", "sale_written"), nil
}

// undoSale takes back a sale that the trader wrote down herself, on the day that it
// is taken back.
func (s *site) undoSale(r *request) (*view, error) {
	t, _, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	sale, err := s.Traders.Sales.Sale(r.Context(), t, source, r.PostFormValue("event"))
	if err != nil {
		return nil, err
	}
	if sale.Method != "cash" {
		return nil, errForbidden
	}
	if sale.UndoneOn == "" {
		d, err := r.draft(t.Organization, r.PostFormValue("id"), reversal, &events.Reversed{Dated: events.Dated{EffectiveOn: today()},
			Reverses: events.EventID(sale.EventID), ReversesSource: source, Reason: "entered_wrongly"}, nil)
		if err != nil {
			return nil, err
		}
		if _, err := s.record(r, d); err != nil {
			return nil, err
		}
	}
	return see(traderBase(r.who)+"/takings", "sale_undone"), nil
}
