package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/qr"
)

// SalesSource answers what a trader asks of her own sales; *readmodel.DB does. Every
// question names her: what others sold at her stall is not hers to see.
type SalesSource interface {
	SumOfDay(ctx context.Context, t readmodel.Trader, on events.Date) (readmodel.DaySum, error)
	SalesOfDay(ctx context.Context, t readmodel.Trader, on events.Date, limit int) ([]projections.Sale, error)
	SalesAfter(ctx context.Context, t readmodel.Trader, after int64, limit int) ([]projections.Sale, error)
	SalesBetween(ctx context.Context, t readmodel.Trader, from, until events.Date) ([]projections.Sale, error)
	Sale(ctx context.Context, t readmodel.Trader, source, event string) (projections.Sale, error)
	SalesConnections(ctx context.Context, t readmodel.Trader) ([]projections.SalesConnection, error)
	// MarketSees says whether a consent lets the market hear that receipts fell.
	MarketSees(ctx context.Context, organization, connection string) (bool, error)
}

// SaleAccounts knows which accounts are given for connections; *sales.Accounts does.
type SaleAccounts interface {
	Give(ctx context.Context, organization, trader, connection, number string) error
	Forget(ctx context.Context, organization, connection string) error
	State(ctx context.Context, organization, connection string) (string, error)
	Code(organization, connection string) string
}

// Takings tells when a trader's sales have changed; *readmodel.Takings does.
type Takings interface {
	Watch(who readmodel.Trader) (changed <-chan struct{}, leave func(), ok bool)
}

// TraderSources is what a trader's own pages read from. All are required.
type TraderSources struct {
	Sales    SalesSource
	Accounts SaleAccounts
	Takings  Takings
	// Receipt is the proof of a record on paper.
	Receipt  func(ctx context.Context, shard int, offset int64) (pdf []byte, err error)
	Draining <-chan struct{} // closed when the server is about to end; nil: never
}

// traders lists a trader's own pages. Only a card leads there: a sale belongs to a
// person, and an account of staff is no trader, whatever its role.
func (s *site) traders() []route {
	keep := rights{identity.KeepSales}
	at := "/trader/{org}/{stall}"
	return []route{
		{pattern: "GET /trader", rights: keep, show: s.traderDoor},
		{pattern: "GET " + at, rights: keep, where: inPath, show: s.traderHome},
		{pattern: "GET " + at + "/code", rights: keep, where: inPath, show: s.stallCode},
		{pattern: "POST " + at + "/code", rights: keep, where: inPath, show: s.ownCode},
		{pattern: "GET " + at + "/bills/{bill}/code", rights: keep, where: inPath, show: s.billCode},
		{pattern: "GET " + at + "/account", rights: keep, where: inPath, show: s.account},
		{pattern: "GET " + at + "/account/connect", rights: keep, where: inPath, show: s.connect},
		{pattern: "POST " + at + "/account/connect", rights: keep, where: inPath, page: true, show: s.connect},
		{pattern: "POST " + at + "/account/disconnect", rights: keep, where: inPath, show: s.disconnect},
		{pattern: "GET " + at + "/takings", rights: keep, where: inPath, show: s.takings},
		{pattern: "POST " + at + "/takings/undo", rights: keep, where: inPath, show: s.undoSale},
		{pattern: "GET " + at + "/cash", rights: keep, where: inPath, show: s.cashSale},
		{pattern: "POST " + at + "/cash", rights: keep, where: inPath, page: true, show: s.cashSale},
		{pattern: "GET " + at + "/book", rights: keep, where: inPath, show: s.salesBook},
		{pattern: "POST " + at + "/book", rights: keep, where: inPath, page: true, show: s.salesBookFile},
		{pattern: "GET " + at + "/receipts", rights: keep, where: inPath, show: s.traderReceipts},
		{pattern: "GET " + at + "/receipts/{bill}/{shard}/{offset}", rights: keep, where: inPath, show: s.traderReceipt},
	}
}

// traderNav are the tabs of somebody who came in by a card: what she opens every
// day. The first of them leads on.
func (s *site) traderNav(r *request) (items []navItem) {
	base := traderBase(r.who)
	for _, t := range []struct{ section, path string }{
		{"trader", ""}, {"takings", "/takings"}, {"cash_sale", "/cash"}, {"sales_book", "/book"},
	} {
		items = append(items, navItem{t.section, r.language.say("nav." + t.section), base + t.path})
	}
	return items
}

// traderBase is where the pages of a card's holder begin.
func traderBase(p *identity.Principal) string {
	for _, g := range p.Grants {
		if g.Role == identity.Trader {
			return "/trader/" + g.Organization + "/" + g.Object
		}
	}
	return "/work"
}

// traderDoor leads the holder of a card to her own pages.
func (s *site) traderDoor(r *request) (*view, error) {
	if !r.who.Card() {
		return nil, errForbidden
	}
	return see(traderBase(r.who), ""), nil
}

// trader is whose pages these are: the holder of the card that the visitor came in
// by, at the stall of the address. Who held the stall before her, or holds it now,
// is another.
func (s *site) trader(r *request) (readmodel.Trader, projections.Organization, error) {
	o, err := s.organization(r, "market")
	if err == nil && (!r.who.Card() || r.who.Holder == "") {
		err = errForbidden
	}
	return readmodel.Trader{Organization: o.Organization, Person: r.who.Holder, Stall: r.PathValue("stall")}, o, err
}

type traderPage struct {
	Base         string
	Market       string
	Sum          money.Total
	Count        int64
	Connected    bool
	Asked        bool // an account is given and not proved yet
	Owed         []moneySum
	Open         []shownBill
	MoreBills    bool
	Undone       bool
	Organization string
}

// shownCodes is how many bills show their code on the first page.
const shownCodes = 3

// traderHome is what a trader sees first: what came in today, her code, what she
// owes.
func (s *site) traderHome(r *request) (*view, error) {
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	page := traderPage{Base: traderBase(r.who), Market: o.Name, Organization: o.Organization}
	sum, err := s.Traders.Sales.SumOfDay(r.Context(), t, today())
	if err != nil {
		return nil, err
	}
	page.Sum, page.Count = sum.Sum, sum.Count
	now, _, err := s.standing(r.Context(), t)
	if err != nil {
		return nil, err
	}
	account := ofAccount(now)
	page.Connected, page.Asked = account != nil, account != nil && account.State != accountProved
	bills, err := s.ownBills(r, t, true)
	if err != nil {
		return nil, err
	}
	owed := &stallPage{}
	for i := range bills {
		b := shownBill{Bill: bills[i], Owed: bills[i].Owed(), Status: bills[i].Status()}
		owed.owe(b.Currency, b.Owed)
		if len(page.Open) < shownCodes {
			b.Pay = s.payment(r, o, &b.Bill)
			page.Open = append(page.Open, b)
		}
	}
	page.Owed, page.MoreBills = owed.Owed, len(bills) > len(page.Open)
	return &view{template: "trader", title: r.language.say("trader.title", "stall", t.Stall), section: "trader", data: page}, nil
}

// ownBills lists the bills of the stall that are the trader's, the oldest first; a
// bill that names nobody is whoever's the stall is.
func (s *site) ownBills(r *request, t readmodel.Trader, unpaid bool) ([]projections.Bill, error) {
	bills, _, err := s.Model.Bills(r.Context(), t.Organization, readmodel.BillFilter{Stall: t.Stall, Unpaid: unpaid}, readmodel.Page{Limit: readmodel.MaxLimit})
	bills = slices.DeleteFunc(bills, func(b projections.Bill) bool {
		return b.Person != "" && b.Person != t.Person || unpaid && (b.Owed() <= 0 || b.Reversed)
	})
	slices.SortStableFunc(bills, func(a, b projections.Bill) int { return bytes.Compare([]byte(a.Period), []byte(b.Period)) })
	return bills, err
}

// codePage is one code, as large as the screen.
type codePage struct {
	Base    string
	SVG     template.HTML
	Lead    string
	Bank    string
	Account string
	Owner   string
	Amount  string
	Save    string // address of the picture; empty: by the form
	Own     bool
}

// pixels of a module in a picture that is kept on a telephone.
const pictureModule = 12

// codeView shows a payload as a page, or hands it over as a picture.
func (s *site) codeView(r *request, page codePage, payload, name string, picture bool) (*view, error) {
	if picture {
		content, err := qr.PNG(payload, qr.ImageOptions{Level: qr.LevelM, ModulePixels: pictureModule})
		return &view{file: &file{name: name + ".png", kind: "image/png", content: content}}, err
	}
	svg, err := qr.SVG(payload, qr.ImageOptions{Level: qr.LevelM, Title: page.Lead})
	page.SVG = template.HTML(svg) //nolint:gosec // drawn by us, text escaped
	return &view{template: "trader_code", title: r.language.say("trader.code.title"), section: "trader", data: page,
		crumbs: []crumb{{r.language.say("nav.trader"), page.Base}, {r.language.say("trader.code.title"), ""}}}, err
}

// stallCode is the market's code for the stall: what is paid by it reaches the
// market, for fees.
func (s *site) stallCode(r *request) (*view, error) {
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	payload, err := qr.Encode(qr.Request{BIN: o.BankBIN, Account: o.Account, Name: o.Name, Purpose: "SAP " + t.Stall})
	if err != nil {
		return nil, &failure{http.StatusNotFound, "thing"}
	}
	page := codePage{Base: traderBase(r.who), Lead: r.language.say("trader.code.fees"), Bank: bankName(o.BankBIN), Account: o.Account, Owner: o.Name,
		Save: traderBase(r.who) + "/code?picture=yes"}
	return s.codeView(r, page, payload, "ma-nop-phi-"+t.Stall, r.query.Get("picture") != "")
}

// billCode is the code of one bill of hers.
func (s *site) billCode(r *request) (*view, error) {
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	b, err := s.Model.Bill(r.Context(), t.Organization, r.PathValue("bill"))
	if err == nil && (b.Stall != t.Stall || b.Person != "" && b.Person != t.Person) {
		err = readmodel.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	pay := s.payment(r, o, &b)
	if pay == nil || pay.Why != "" {
		return nil, readmodel.ErrNotFound
	}
	page := codePage{Base: traderBase(r.who), Lead: r.language.say("trader.code.bill", "month", month(b.Period)), Bank: pay.Bank, Account: pay.Account, Owner: pay.Owner,
		Amount: r.language.vnd(pay.Amount), Save: r.with("picture", "yes")}
	return s.codeView(r, page, pay.payload, "ma-nop-phi-"+t.Stall+"-"+b.Period, r.query.Get("picture") != "")
}

// ownCode shows the code of the account that the trader has connected. Her account
// is opened for it, at her own asking, and that is written down.
func (s *site) ownCode(r *request) (*view, error) {
	t, _, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	now, _, err := s.standing(r.Context(), t)
	if err != nil {
		return nil, err
	}
	c := ofAccount(now)
	if c == nil || s.Unsealer == nil {
		return see(traderBase(r.who)+"/account", ""), nil
	}
	clear, err := s.openOwn(r, t, c.At, "bank_bin", "account_number", "account_name")
	if err != nil {
		return nil, err
	}
	payload, err := qr.Encode(qr.Request{BIN: clear["bank_bin"], Account: clear["account_number"], Name: clear["account_name"]})
	if err != nil {
		return nil, errors.Join(&failure{http.StatusNotFound, "thing"}, err)
	}
	page := codePage{Base: traderBase(r.who), Lead: r.language.say("trader.code.own"), Bank: bankName(clear["bank_bin"]), Account: clear["account_number"],
		Owner: clear["account_name"], Own: true}
	return s.codeView(r, page, payload, "ma-nhan-tien", r.PostFormValue("picture") != "")
}

// openOwn opens fields that a record of the trader's own holds sealed, and writes
// that down first.
func (s *site) openOwn(r *request, t readmodel.Trader, at projections.Position, fields ...string) (map[string]string, error) {
	record, err := s.Records.At(r.Context(), at.Shard, at.Offset)
	if err != nil {
		return nil, err
	}
	entry := identity.Entry{Action: identity.Unsealed, Organization: t.Organization, Object: t.Person, Detail: "account", Outcome: identity.OK}
	if err := s.People.Spend(r.Context(), entry, revealsMost, revealsWithin); err != nil {
		return nil, err
	}
	clear := map[string]string{}
	for _, f := range sealedIn(&record) {
		if f.person != t.Person || f.at.Organization != t.Organization || !slices.Contains(fields, f.at.Field) {
			continue
		}
		text, erased, err := s.Unsealer.Unseal(r.Context(), f.at, f.person, f.sealed)
		if err != nil {
			return nil, err
		}
		if !erased {
			clear[f.at.Field] = text
		}
	}
	return clear, nil
}
