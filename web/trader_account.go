package web

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/bank"
	"socho/events"
	"socho/internal/readmodel"
	"socho/internal/sales"
	"socho/projections"
	"socho/qr"
)

// accountProved is the state of an account that takes sales in.
const accountProved = sales.Proved

// consent is a consent of a trader that stands today: one for her account, or one
// for nothing but the book of her cash.
type consent struct {
	projections.SalesConnection
	State  string // of its account; empty where it is for cash alone
	Code   string // for a transfer that proves the account
	Market bool   // hears when receipts fall
}

// standing lists the consents of a trader that stand today, the one for her account
// first, and those that do not.
func (s *site) standing(ctx context.Context, t readmodel.Trader) (now []consent, past []projections.SalesConnection, err error) {
	all, err := s.Traders.Sales.SalesConnections(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range all {
		if !c.Stands(today()) {
			past = append(past, c)
			continue
		}
		state, err := s.Traders.Accounts.State(ctx, t.Organization, c.Connection)
		if err != nil {
			return nil, nil, err
		}
		market, err := s.Traders.Sales.MarketSees(ctx, t.Organization, c.Connection)
		if err != nil {
			return nil, nil, err
		}
		now = append(now, consent{c, state, s.Traders.Accounts.Code(t.Organization, c.Connection), market})
	}
	slices.SortStableFunc(now, func(a, b consent) int {
		return len(b.State) - len(a.State) // proved, asked, none
	})
	return now, past, nil
}

// ofAccount is the consent for her account among those that stand; nil where there is
// none.
func ofAccount(now []consent) *consent {
	if len(now) == 0 || now[0].State == sales.None {
		return nil
	}
	return &now[0]
}

type accountPage struct {
	Base     string
	Market   string
	Account  bool // an account is given
	Standing []consent
	Past     []projections.SalesConnection
	ID       string // of the fact that takes the consent back
}

// account says what a trader has consented to, what has come of it, and how it is
// taken back.
func (s *site) account(r *request) (*view, error) {
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	page := accountPage{Base: traderBase(r.who), Market: o.Name, ID: newID()}
	if page.Standing, page.Past, err = s.standing(r.Context(), t); err != nil {
		return nil, err
	}
	page.Account = ofAccount(page.Standing) != nil
	return &view{template: "trader_account", title: r.language.say("account.title"), section: "trader", data: page}, nil
}

// To whom her sales are shown: to herself, or, as counts of payments where they fell
// suddenly, to the market as well.
const (
	onlyHers  = "trader"
	marketToo = "market"
)

// consentMonths are for how long a consent may be given.
var consentMonths = []string{"3", "6", "12"}

// connect asks a trader for her account and her consent. The account is noted
// before the consent is said: without a consent it takes nothing in, so that a
// crash between the two leaves nothing that could harm her.
func (s *site) connect(r *request) (*view, error) {
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	base := traderBase(r.who)
	now, _, err := s.standing(r.Context(), t)
	if err != nil {
		return nil, err
	}
	if ofAccount(now) != nil {
		return see(base+"/account", ""), nil // one at a time; this one is taken back first
	}
	bankOf, number, name, months := r.ask("own_bank", "select", ""), r.ask("own_number", "text", "off"), r.ask("own_name", "text", "off"), r.ask("consent_months", "select", "")
	bankOf.Options = []option{{Label: r.language.say("account.choose_bank")}}
	for _, b := range qr.Banks() {
		bankOf.Options = append(bankOf.Options, option{Value: b.BIN, Label: b.ShortName})
	}
	slices.SortStableFunc(bankOf.Options[1:], func(a, b option) int { return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)) })
	number.Max, name.Max = 19, 50
	for _, m := range consentMonths {
		months.Options = append(months.Options, option{Value: m, Label: r.language.say("account.months", "n", m)})
	}
	if months.Value == "" {
		months.Value = "6"
	}
	agree := formField{Name: "agree", Type: "checkbox", Label: r.language.say("account.agree", "market", o.Name), Required: true, Value: r.FormValue("agree")}
	market := formField{Name: "market", Type: "checkbox", Label: r.language.say("account.market"), Value: r.FormValue("market")}
	id := r.FormValue("id")
	if id == "" {
		id = newID()
	}
	v, page := r.formView("account.connect", base+"/account/connect", bankOf, number, name, months, agree, market, hidden("id", id))
	v.template, v.section, v.data = "trader_connect", "trader", page
	v.crumbs = []crumb{{r.language.say("nav.account"), base + "/account"}, {r.language.say("account.connect.title"), ""}}
	page.Form.Cancel = base + "/account"
	if r.PostFormValue("id") == "" {
		return v, nil
	}
	wrong := func(field, key string) (*view, error) { return r.wrong(v, page, field, key) }
	account := bank.Fold(number.Value)
	_, known := qr.BankByBIN(bankOf.Value)
	i := slices.Index(consentMonths, months.Value)
	switch {
	case !known:
		return wrong("own_bank", "problem.own_bank")
	case len(account) < 4 || len(account) > 19:
		return wrong("own_number", "problem.own_number")
	case strings.TrimSpace(name.Value) == "":
		return wrong("own_name", "problem.own_name")
	case i < 0:
		return wrong("consent_months", "problem.answer")
	case agree.Value == "":
		return wrong("agree", "problem.agree")
	}
	from := today()
	fact := &events.SalesConnected{Dated: events.Dated{EffectiveOn: from}, Of: events.Of{Person: events.ID(t.Person)},
		Connection: events.ID(id), Stall: events.ID(t.Stall), Until: monthsLater(from, months.Value), VisibleTo: onlyHers}
	if market.Value != "" {
		fact.VisibleTo = marketToo
	}
	d, err := r.draft(t.Organization, id, "market.sales_connected", fact,
		map[string]string{"bank_bin": bankOf.Value, "account_number": account, "account_name": strings.TrimSpace(name.Value)})
	if err != nil {
		return nil, err
	}
	if err := s.Traders.Accounts.Give(r.Context(), t.Organization, t.Person, id, account); errors.Is(err, sales.ErrTaken) {
		return wrong("own_number", "problem.account_taken")
	} else if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		if refused := new(refusedFact); errors.As(err, &refused) && refused.Code != "connection_exists" {
			if err := s.Traders.Accounts.Forget(r.Context(), t.Organization, id); err != nil {
				return nil, err
			}
		}
		return r.refuse(v, page, err)
	}
	return see(base+"/account", "sales_connected"), nil
}

// monthsLater is the last day of so many months from a day on.
func monthsLater(from events.Date, months string) events.Date {
	day, err1 := time.Parse(time.DateOnly, string(from))
	n, err2 := strconv.Atoi(months)
	if err1 != nil || err2 != nil {
		return from
	}
	return events.Date(day.AddDate(0, n, -1).Format(time.DateOnly))
}

// wrong shows a form again with what is wrong beside one of its fields.
func (r *request) wrong(v *view, page *formPage, field, key string) (*view, error) {
	v.status = 422
	for i := range page.Form.Fields {
		if page.Form.Fields[i].Name == field {
			page.Form.Fields[i].Error = r.language.say(key)
		}
	}
	return v, nil
}

// disconnect takes the consent back, at once and without a question. Then the
// account is forgotten. A crash between the two leaves an account whose consent has
// ended: what is paid to it is not taken in, and the first message lets it go.
func (s *site) disconnect(r *request) (*view, error) {
	t, _, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	base := traderBase(r.who)
	now, _, err := s.standing(r.Context(), t)
	if err != nil {
		return nil, err
	}
	asked := r.PostFormValue("connection")
	if i := slices.IndexFunc(now, func(c consent) bool { return c.Connection == asked }); i >= 0 {
		d, err := r.draft(t.Organization, r.PostFormValue("id"), "market.sales_disconnected", &events.SalesDisconnected{
			Dated: events.Dated{EffectiveOn: today()}, Connection: events.ID(asked), Reason: "trader_asked"}, nil)
		if err != nil {
			return nil, err
		}
		if _, err := s.record(r, d); err != nil {
			return nil, err
		}
	}
	_, past, err := s.standing(r.Context(), t)
	if err != nil {
		return nil, err
	}
	for _, c := range past {
		if c.EndedOn != "" && c.Connection == asked {
			if err := s.Traders.Accounts.Forget(r.Context(), t.Organization, asked); err != nil {
				return nil, err
			}
		}
	}
	return see(base+"/account", "sales_disconnected"), nil
}
