package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"socho/bank"
	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/reconcile"
	"socho/projections"
)

// Desk is what the desk of whoever matches payments reads and has done.
// *reconcile.Desk, *reconcile.Files and *reconcile.Texts do it; none of them asks
// for a right.
type Desk struct {
	Lines LineSource
	Files StatementSource
	Texts TextSource
	// Rematch places what is sure by now, in an actor's name.
	Rematch func(ctx context.Context, organization, actor string) (*reconcile.Rematched, error)
	// Payer is the opaque person of whoever pays from an account, or under a name
	// where the bank prints no account; nil where nobody may ask.
	Payer func(ctx context.Context, organization, text string) (string, error)
	// Colleague is what somebody is called who works in the same place; empty where
	// that is not known.
	Colleague func(ctx context.Context, id string) string
}

// LineSource finds bank lines with why they wait and what they may be meant for.
type LineSource interface {
	Totals(ctx context.Context, organization string) ([]reconcile.TabTotal, error)
	Lines(ctx context.Context, organization string, tab reconcile.Tab, after string, limit int) (rows []reconcile.Row, next string, err error)
	// Line returns reconcile.ErrNoLine where there is none.
	Line(ctx context.Context, organization, line string, named map[string]bool) (*reconcile.Row, error)
	Find(ctx context.Context, organization string, s reconcile.Sought, after string, limit int) (rows []reconcile.Row, next string, err error)
	Books(ctx context.Context, organization string) ([]reconcile.Book, error)
	Credits(ctx context.Context, organization string, limit int) ([]reconcile.Credit, error)
	// OpenBill returns reconcile.ErrNoBill where there is none.
	OpenBill(ctx context.Context, organization, name string) (reconcile.Bill, error)
	// StandingBill finds one that may be paid already. It returns
	// reconcile.ErrNoBill where there is none.
	StandingBill(ctx context.Context, organization, name string) (reconcile.Bill, error)
	Oldest(ctx context.Context, organization string, holders []string) (map[string]reconcile.Bill, error)
	Held(ctx context.Context, organization string) ([]reconcile.Held, error)
	Outgoing(ctx context.Context, organization string, most int64) ([]reconcile.Row, error)
	Overpaid(ctx context.Context, organization string) (string, error)
	ChooseOverpaid(ctx context.Context, organization, choice, by string) error
}

// TextSource opens what is sealed in records of lines. It asks for no right.
type TextSource interface {
	Of(ctx context.Context, at []projections.Position) (map[projections.Position]reconcile.Text, error)
}

// linesPerPage is what a person looks through, and what one entry of the trail may
// speak for.
const linesPerPage = 25

// desk are the routes of whoever matches payments.
func (s *site) desk() []route {
	match := rights{identity.MatchPayments}
	return []route{
		{pattern: "GET /desk", rights: match, show: s.desks},
		{pattern: "GET /desk/{org}", rights: match, where: inPath, show: s.deskPage},
		{pattern: "POST /desk/{org}", rights: match, where: inPath, page: true, show: s.deskPage},
		{pattern: "GET /desk/{org}/find", rights: match, where: inPath, show: s.findLines},
		{pattern: "POST /desk/{org}/find", rights: match, where: inPath, show: s.findPayer},
		{pattern: "GET /desk/{org}/bulk", rights: match, where: inPath, show: s.bulk},
		{pattern: "POST /desk/{org}/bulk", rights: match, where: inPath, show: s.bulk},
		{pattern: "GET /desk/{org}/export", rights: rights{identity.ExportData}, where: inPath, show: s.exportLines},
		{pattern: "GET /desk/{org}/credits", rights: match, where: inPath, show: s.credits},
		{pattern: "POST /desk/{org}/credits", rights: match, where: inPath, page: true, show: s.credits},
		{pattern: "GET /desk/{org}/statements", rights: match, where: inPath, show: s.statements},
		{pattern: "POST /desk/{org}/statements", rights: match, where: inPath, page: true, upload: reconcile.MaxStatementBytes, show: s.statements},
		{pattern: "GET /desk/{org}/statements/{file}", rights: match, where: inPath, show: s.statement},
		{pattern: "POST /desk/{org}/statements/{file}", rights: match, where: inPath, page: true, show: s.statement},
		{pattern: "GET /lines/{org}/{line}", rights: match, where: inOrganization, show: s.line},
		{pattern: "POST /lines/{org}/{line}", rights: match, where: inOrganization, page: true, show: s.line},
	}
}

// inOrganization: the right is needed in the whole organization that the address
// names.
func inOrganization(_ *site, r *request) (organization, object string, err error) {
	return r.PathValue("org"), "", nil
}

type desksPage struct {
	Desks []deskRow
}

type deskRow struct {
	Name, Link string
	Tabs       []deskTab
}

// desks leads to the desks where the visitor may match; to the only one at once.
func (s *site) desks(r *request) (*view, error) {
	if s.Desk == nil {
		return nil, errNoPage
	}
	var page desksPage
	for _, g := range r.who.Grants {
		o, err := s.Model.Organization(r.Context(), g.Organization)
		if err != nil || !r.who.May(identity.MatchPayments, o.Organization) || slices.ContainsFunc(page.Desks, func(d deskRow) bool { return d.Link == "/desk/"+o.Organization }) {
			continue
		}
		row := deskRow{Name: o.Name, Link: "/desk/" + o.Organization}
		if row.Tabs, err = s.deskTabs(r, o.Organization, ""); err != nil {
			return nil, err
		}
		page.Desks = append(page.Desks, row)
	}
	if len(page.Desks) == 1 {
		return see(page.Desks[0].Link, ""), nil
	}
	return &view{template: "desks", title: r.language.say("desk.all"), section: "desk", data: page}, nil
}

// deskTab is one pile with what lies on it.
type deskTab struct {
	Tab     reconcile.Tab
	Link    string
	Current bool
	Count   int64
	Sum     string
}

type deskPage struct {
	Organization     projections.Organization
	Tabs             []deskTab
	Tab              reconcile.Tab
	Lines            []deskLine
	Books            []reconcile.Book
	Gaps             []reconcile.Gap
	Action           string // this page, where its acts go
	MayOpen, Opened  bool
	MayExport        bool
	Sure             int64 // lines on the page whose suggestion is of the strongest kind
	Notice           *deskNotice
	Pager            pager
	Rematched        *reconcile.Rematched
	Overpaid         string
	OverpaidOptions  []option
	ChoiceID, BulkAt string
}

// deskNotice is what has just been done here, or was not, and how it is taken
// back.
type deskNotice struct {
	Kind, Text string
	Undo       []string // ids of events of ours
	IDs        []string // of the reversals
	Link       string   // where more of it is
	LinkText   string
}

// deskLine is a line as the desk shows it.
type deskLine struct {
	reconcile.Row
	Way    string // in or out, in words
	Says   string // why it waits
	Texts  []shownField
	Erased bool
	Offers []offer
	Placed []placedOn
}

// offer is a suggestion with what it takes to accept it.
type offer struct {
	Key      string
	Parts    []offerPart
	Above    int64
	Rest     int64
	Strength reconcile.Strength
	Reasons  []string
	IDs      []string // of the facts that accepting it says
}

type offerPart struct {
	Bill, Holder, Class, Period string
	Amount, Owed                int64
}

// placedOn is a part of a line's money in words.
type placedOn struct {
	What, Link string
	Amount     int64
}

func (s *site) deskPage(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	page := &deskPage{Organization: o, Action: r.with("act", "")}
	v := &view{template: "desk", title: r.language.say("desk.title", "organization", o.Name), section: "desk", crumbs: r.crumbs(o), data: page}
	if r.Method == http.MethodPost {
		if to, err := s.deskAct(r, page); to != nil || err != nil {
			return to, err
		}
	} else if ids := r.query.Get("act"); ids != "" {
		page.Notice = s.doneNotice(r, o.Organization, strings.Split(ids, ","))
	}
	tab := reconcile.Tab(r.query.Get("tab"))
	if !slices.Contains(reconcile.Tabs, tab) {
		tab = reconcile.Needs
	}
	page.Tab = tab
	if page.Tabs, err = s.deskTabs(r, o.Organization, tab); err != nil {
		return nil, err
	}
	rows, next, err := s.Desk.Lines.Lines(r.Context(), o.Organization, tab, r.query.Get("cursor"), linesPerPage)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		page.Lines = append(page.Lines, s.deskLine(r, o.Organization, &rows[i]))
		if sure(&rows[i]) {
			page.Sure++
		}
	}
	page.Pager = r.pager(next)
	page.MayOpen = r.who.May(identity.UnsealContact, o.Organization) && s.People != nil && len(rows) > 0
	page.MayExport = r.who.May(identity.ExportData, o.Organization)
	if page.Opened {
		if err := s.openTexts(r, o.Organization, page.Lines); err != nil {
			return nil, err
		}
	}
	if page.Books, err = s.Desk.Lines.Books(r.Context(), o.Organization); err != nil {
		return nil, err
	}
	if page.Gaps, err = s.Desk.Files.Gaps(r.Context(), o.Organization); err != nil {
		return nil, err
	}
	if page.Overpaid, err = s.Desk.Lines.Overpaid(r.Context(), o.Organization); err != nil {
		return nil, err
	}
	page.OverpaidOptions = r.language.options("desk.overpaid", []string{"keep", "refund"})
	page.BulkAt = "/desk/" + o.Organization + "/bulk?tab=" + string(tab)
	return v, nil
}

// deskOf is the organization of a desk's page. Errors: errNoPage where nothing
// keeps lines here.
func (s *site) deskOf(r *request) (projections.Organization, error) {
	if s.Desk == nil {
		return projections.Organization{}, errNoPage
	}
	return s.organization(r, "")
}

func (s *site) deskTabs(r *request, organization string, current reconcile.Tab) (tabs []deskTab, err error) {
	totals, err := s.Desk.Lines.Totals(r.Context(), organization)
	if err != nil {
		return nil, err
	}
	for _, tab := range reconcile.Tabs {
		t := deskTab{Tab: tab, Link: "/desk/" + organization + "?tab=" + string(tab), Current: tab == current}
		var sums []string
		for _, total := range totals {
			if total.Tab != tab {
				continue
			}
			t.Count += total.Lines
			sum := total.Amount
			if tab == reconcile.Needs || tab == reconcile.Unknown || tab == reconcile.Duplicates {
				sum = total.Left // what still waits
			}
			sums = append(sums, r.language.minor(sum, total.Currency))
		}
		if t.Sum = strings.Join(sums, " + "); t.Sum == "" {
			t.Sum = none
		}
		tabs = append(tabs, t)
	}
	return tabs, nil
}

// sure says that one suggestion of a line, and no other, is of the strongest kind.
func sure(l *reconcile.Row) bool {
	n := 0
	for i := range l.Suggestions {
		if l.Suggestions[i].Strength == reconcile.Strong {
			n++
		}
	}
	return n == 1 && l.Suggestions[0].Strength == reconcile.Strong && l.Placed == 0
}

// deskLine says a line in the reader's language.
func (s *site) deskLine(r *request, organization string, l *reconcile.Row) deskLine {
	shown := deskLine{Row: *l, Way: r.language.say("desk.direction." + l.Direction), Says: s.whyWords(r, l)}
	for i := range l.Suggestions {
		shown.Offers = append(shown.Offers, s.offerOf(r, &l.Suggestions[i]))
	}
	for _, u := range l.Uses {
		shown.Placed = append(shown.Placed, s.placedOn(r, organization, u))
	}
	return shown
}

func (s *site) offerOf(r *request, sug *reconcile.Suggestion) offer {
	o := offer{Key: sug.Key(), Above: sug.Above, Rest: sug.Rest, Strength: sug.Strength}
	for i := range sug.Parts {
		p := &sug.Parts[i]
		o.Parts = append(o.Parts, offerPart{p.Bill.Bill, r.language.holder(p.Holder), p.Class, p.Period, p.Amount, p.Owed})
		o.IDs = append(o.IDs, newID())
	}
	for _, reason := range sug.Reasons {
		text := r.language.say("desk.reason." + string(reason))
		if slip := slices.IndexFunc(sug.Slips, func(s bank.Slip) bool { return s.Reason == reason }); slip >= 0 {
			text += " " + string(sug.Slips[slip].Code)
		}
		o.Reasons = append(o.Reasons, text)
	}
	return o
}

// whyWords says why a line waits.
func (s *site) whyWords(r *request, l *reconcile.Row) string {
	if l.Why == "" {
		return ""
	}
	var codes, slips []string
	bill := ""
	for _, c := range l.Codes {
		codes = append(codes, c.Code)
		if c.Bill != "" {
			bill = c.Bill
		}
	}
	for _, slip := range l.Slips {
		slips = append(slips, string(slip.Code))
	}
	values := map[string][]any{
		reconcile.WhyCodes:     {"n", len(codes), "codes", strings.Join(codes, ", ")},
		reconcile.WhyOpen:      {"code", strings.Join(codes, ", ")},
		reconcile.WhyClosed:    {"code", strings.Join(codes, ", "), "bill", bill},
		reconcile.WhyElsewhere: {"code", strings.Join(codes, ", ")},
		reconcile.WhyUnknown:   {"code", strings.Join(codes, ", ")},
		reconcile.WhySlip:      {"code", strings.Join(slips, ", ")},
		reconcile.WhyAmount:    {"n", l.Alike},
		reconcile.WhyPartly:    {"placed", r.language.minor(l.Placed, l.Currency), "left", r.language.minor(l.Left, l.Currency)},
	}
	return r.language.say("desk.why."+l.Why, values[l.Why]...)
}

// placedOn says what a line's money was placed on, by the path of the account.
func (s *site) placedOn(r *request, organization string, u reconcile.Use) placedOn {
	p := placedOn{What: r.language.account(u.Against), Amount: u.Amount}
	parts := strings.Split(u.Against, ":")
	switch {
	case len(parts) >= 4 && parts[2] == "receivable":
		p.What = r.language.say("desk.on.bill", "bill", parts[3], "holder", r.language.holder(parts[0]+":"+parts[1]))
		if r.who.May(identity.SeeBills, organization) {
			p.Link = "/bills/" + organization + "/" + url.PathEscape(parts[3])
		}
	case len(parts) >= 3 && parts[2] == "credit":
		p.What = r.language.say("desk.on.credit", "holder", r.language.holder(parts[0]+":"+parts[1]))
	case len(parts) >= 3 && parts[0] == "unallocated":
		p.What, p.Link = r.language.say("desk.on.line."+parts[1]), "/lines/"+organization+"/"+url.PathEscape(parts[2])
	}
	return p
}

// openTexts opens what the lines of one page say and who paid them: once, in the
// order of the page, written down before with everybody whom it is about.
func (s *site) openTexts(r *request, organization string, lines []deskLine) error {
	fields := []string{"content"}
	if err := s.Access.Require(r.Context(), identity.UnsealContact, organization); err != nil {
		return err
	}
	if r.who.May(identity.UnsealIdentity, organization) {
		fields = append(fields, "payer_name", "payer_account")
	}
	var persons []string
	at := make([]projections.Position, 0, len(lines))
	for i := range lines {
		if lines[i].Sightings == 0 {
			continue
		}
		at = append(at, lines[i].At)
		if p := lines[i].Person; p != "" && !slices.Contains(persons, p) {
			persons = append(persons, p)
		}
	}
	entry := identity.Entry{Action: identity.Unsealed, Organization: organization, Object: strings.Join(persons, ","), Detail: strings.Join(fields, ",") + " check", Outcome: identity.OK}
	if err := s.People.Spend(r.Context(), entry, revealsMost, revealsWithin); err != nil {
		return err
	}
	opened, err := s.Desk.Texts.Of(r.Context(), at)
	if err != nil {
		return err
	}
	for i := range lines {
		text := opened[lines[i].At]
		lines[i].Erased = text.Erased
		for _, field := range fields {
			if clear := text.Clear[field]; clear != "" {
				lines[i].Texts = append(lines[i].Texts, shownField{Name: field, Value: clear})
			}
		}
	}
	return nil
}

// deskError turns what the desk's sources say into what a visitor is told.
func deskError(err error) error {
	switch {
	case errors.Is(err, reconcile.ErrNoLine), errors.Is(err, reconcile.ErrNoFile):
		return &failure{http.StatusNotFound, "thing"}
	}
	return err
}

// sumOf writes minor units as a fact has them.
func sumOf(minor int64, c money.Currency) (events.Sum, error) {
	a, err := money.New(minor, c)
	if err != nil {
		return events.Sum{}, errBad
	}
	return events.Sum{Amount: events.Decimal(a.String()), Currency: c}, nil
}
