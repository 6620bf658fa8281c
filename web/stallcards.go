package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/qr"
)

// CardSource answers what pages ask of stall cards; *readmodel.DB does. It may hold
// back what is of organizations that the principal of the context has nothing to do
// with.
type CardSource interface {
	// StallCards lists a market's cards by stall, the newest first; "" is all stalls.
	StallCards(ctx context.Context, organization, stall string) ([]projections.StallCard, error)
	LastInspections(ctx context.Context, organization string) ([]projections.Inspection, error)
	// Inspections lists the latest looks at a stall, the one that counts first.
	Inspections(ctx context.Context, organization, stall string) ([]projections.Inspection, error)
	Alerts(ctx context.Context, organization string, closed bool) ([]projections.Alert, error)
	OpenAlerts(ctx context.Context, organization string) (int64, error)
}

// CardSources is what the pages about stall cards read from, and who prints.
type CardSources struct {
	Model CardSource
	// Serial finds cards by serial, whoever asks: a card hangs in public.
	Serial func(ctx context.Context, serial string) ([]projections.StallCard, error)
	Market func(ctx context.Context, organization string) (projections.Organization, error) // likewise
	Salt   func(serial string) []byte
	Signed func(text, signature []byte) bool // by one of the ledger's own keys
	Keys   func() [][]byte                   // these keys, 32 bytes each
	// Found is the opaque id that stands for an account which was found at a stall.
	Found func(organization, bin, account string) string
	// Print makes a document; progress hears how many cards are drawn. An error that
	// is a CardProblem is told to whoever printed.
	Print func(ctx context.Context, order CardOrder, progress func(done, of int)) ([]byte, error)
}

// CardOrder says which cards to print. Without Stalls all are.
type CardOrder struct {
	Organization string
	Stalls       []string
	Single       bool // a page of A6 for each, in place of four on A4
	Anew         bool // new cards in place of those before, for Why
	Why          string
	Sales        bool   // the trader's own card; with BIN and Account a new one
	BIN, Account string // hers
	Actor, ID    string
}

// CardProblem is what stands in the way of printing, by the key of its words.
type CardProblem struct{ Key string }

// Error implements error.
func (p *CardProblem) Error() string { return p.Key }

func (s *site) stallCards() []route {
	look, manage, inspect := rights{identity.SeeBoard}, rights{identity.ManageCards}, rights{identity.InspectCards}
	return []route{
		{pattern: "GET /markets/{org}/cards", rights: look, where: inPath, show: s.cardList},
		{pattern: "POST /markets/{org}/cards", rights: manage, where: inPath, page: true, show: s.printAll},
		{pattern: "GET /markets/{org}/cards/{stall}", rights: look, where: inPath, show: s.cardsOfStall},
		{pattern: "POST /markets/{org}/cards/{stall}", rights: manage, where: inPath, page: true, show: s.cardAct},
		{pattern: "GET /markets/{org}/prints/{print}", rights: manage, where: inPath, show: s.printing},
		{pattern: "GET /markets/{org}/prints/{print}/file", rights: manage, where: inPath, show: s.printed},
		{pattern: "GET /markets/{org}/alerts", rights: look, where: inPath, show: s.alertList},
		{pattern: "POST /markets/{org}/alerts", rights: manage, where: inPath, page: true, show: s.closeAlert},
		{pattern: "GET /inspect/{org}", rights: inspect, where: inPath, show: s.inspect},
		{pattern: "POST /inspect/{org}", rights: inspect, where: inPath, page: true, upload: photoMost, show: s.inspectPhoto},
		{pattern: "GET /c/{serial}", open: true, show: s.cardCheck},
		{pattern: "GET /C/{serial}/{code}", open: true, show: s.cardCheck},
	}
}

// stallLine is one stall in the list of cards.
type stallLine struct {
	Stall string
	Card  *projections.StallCard // that for fees, which may hang; nil for none
	Sales *projections.StallCard // the trader's own, likewise
	Last  *projections.Inspection
	Days  int // since then; -1 where nobody ever looked
	Due   bool
}

type cardListPage struct {
	Organization projections.Organization
	Manage       bool
	Inspect      bool
	Alerts       int64
	ID           string // of the next printing
	Stalls       []stallLine
	All, Without int // stalls, and those without a card
	Days         int // of a round: only stalls that nobody looked at for so long; 0: all
	Choices      []int
}

// rounds are the days after which a stall is looked at again.
var rounds = []int{1, 7, 30, 90}

// may hang says that a card is good.
func mayHang(c *projections.StallCard) bool {
	return c.State == projections.CardIssued || c.State == projections.CardPosted
}

func (s *site) cardList(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	page := cardListPage{Organization: o, ID: newID(), Choices: rounds,
		Manage: r.who.May(identity.ManageCards, o.Organization), Inspect: r.who.May(identity.InspectCards, o.Organization)}
	if text := r.query.Get("days"); text != "" {
		if page.Days, err = strconv.Atoi(text); err != nil || page.Days < 0 || page.Days > 3650 {
			return nil, errBad
		}
	}
	lines, err := s.stallLines(r, o.Organization)
	if err != nil {
		return nil, err
	}
	page.All = len(lines)
	for i := range lines {
		l := &lines[i]
		if l.Card == nil {
			page.Without++
		}
		l.Due = l.Days < 0 || page.Days > 0 && l.Days >= page.Days
		if page.Days == 0 || l.Due {
			page.Stalls = append(page.Stalls, *l)
		}
	}
	if page.Alerts, err = s.Cards.Model.OpenAlerts(r.Context(), o.Organization); err != nil {
		return nil, err
	}
	return &view{template: "stallcards", title: r.language.say("stallcards.title", "market", o.Name), section: "market", crumbs: r.crumbs(o), data: page}, nil
}

// stallLines gathers what is known of each stall's cards, in the order in which
// one walks and prints.
func (s *site) stallLines(r *request, organization string) ([]stallLine, error) {
	cards, err := s.Cards.Model.StallCards(r.Context(), organization, "")
	if err != nil {
		return nil, err
	}
	looks, err := s.Cards.Model.LastInspections(r.Context(), organization)
	if err != nil {
		return nil, err
	}
	at := map[string]*stallLine{}
	line := func(stall string) *stallLine {
		if at[stall] == nil {
			at[stall] = &stallLine{Stall: stall, Days: -1}
		}
		return at[stall]
	}
	for p := (readmodel.Page{Limit: readmodel.MaxLimit}); ; {
		rows, next, err := s.Model.Stalls(r.Context(), organization, "", p)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			line(rows[i].Stall.Stall)
		}
		if p.Cursor = next; next == "" {
			break
		}
	}
	for i := range cards {
		c := &cards[i]
		l := line(c.Stall)
		switch {
		case !mayHang(c):
		case c.Person != "" && l.Sales == nil:
			l.Sales = c
		case c.Person == "" && l.Card == nil:
			l.Card = c
		}
	}
	today := time.Now().In(vietnam)
	for i := range looks {
		l := line(looks[i].Stall)
		l.Last = &looks[i]
		if day, err := time.ParseInLocation(time.DateOnly, string(looks[i].On), vietnam); err == nil {
			l.Days = max(0, int(today.Sub(day).Hours()/24))
		}
	}
	lines := make([]stallLine, 0, len(at))
	for _, l := range at {
		lines = append(lines, *l)
	}
	slices.SortFunc(lines, func(a, b stallLine) int { return byNumber(a.Stall, b.Stall) })
	return lines, nil
}

// byNumber orders names as people count: A2 before A10.
func byNumber(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			m, n := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if c := cmp.Or(cmp.Compare(len(m), len(n)), strings.Compare(m, n)); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

type stallCardsPage struct {
	Organization projections.Organization
	Stall        string
	Manage       bool
	Inspect      bool
	Looks        []projections.Inspection // the first is what counts
	Cards        []projections.StallCard
	Fee, Sales   *projections.StallCard // which may hang
	ID           string
	Problem      string
	Reasons      []string
}

// why a card is made anew or revoked.
var cardReasons = []string{"damaged", "worn", "lost", "stolen", "swapped", "moved", "typo"}

func (s *site) cardsOfStall(r *request) (*view, error) {
	v, _, err := s.stallCardsView(r)
	return v, err
}

func (s *site) stallCardsView(r *request) (*view, *stallCardsPage, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, nil, err
	}
	page := &stallCardsPage{Organization: o, Stall: r.PathValue("stall"), ID: newID(), Reasons: cardReasons, Manage: r.who.May(identity.ManageCards, o.Organization), Inspect: r.who.May(identity.InspectCards, o.Organization)}
	if !events.ValidID(page.Stall) {
		return nil, nil, errBad
	}
	if page.Cards, err = s.Cards.Model.StallCards(r.Context(), o.Organization, page.Stall); err != nil {
		return nil, nil, err
	}
	if page.Looks, err = s.Cards.Model.Inspections(r.Context(), o.Organization, page.Stall); err != nil {
		return nil, nil, err
	}
	for i := range page.Cards {
		switch c := &page.Cards[i]; {
		case !mayHang(c):
		case c.Person != "" && page.Sales == nil:
			page.Sales = c
		case c.Person == "" && page.Fee == nil:
			page.Fee = c
		}
	}
	crumbs := append(r.crumbs(o), crumb{r.language.say("stallcards.link"), "/markets/" + o.Organization + "/cards"})
	return &view{template: "stallcardsof", title: r.language.say("stallcards.of", "stall", page.Stall), section: "market", crumbs: crumbs, data: page}, page, nil
}

// cardAct prints a stall's cards, or says that one hangs or is revoked.
func (s *site) cardAct(r *request) (*view, error) {
	v, page, err := s.stallCardsView(r)
	if err != nil {
		return nil, err
	}
	o, here := page.Organization.Organization, r.URL.Path
	order := CardOrder{Organization: o, Stalls: []string{page.Stall}, Single: true, Actor: actor(r.who), ID: r.PostFormValue("id")}
	switch r.PostFormValue("do") {
	case "print":
		return s.startPrint(r, order)
	case "anew":
		order.Anew, order.Why = true, r.PostFormValue("why")
		if !slices.Contains(cardReasons, order.Why) {
			return nil, errBad
		}
		return s.startPrint(r, order)
	case "sales":
		order.Sales, order.BIN, order.Account = true, strings.TrimSpace(r.PostFormValue("bin")), strings.TrimSpace(r.PostFormValue("account"))
		if order.BIN != "" || page.Sales == nil {
			if _, err := qr.Encode(qr.Request{BIN: order.BIN, Account: order.Account}); err != nil {
				page.Problem, v.status = r.language.say("stallcards.account.wrong"), http.StatusUnprocessableEntity
				return v, nil
			}
		}
		return s.startPrint(r, order)
	case "posted":
		fact := &events.CardPosted{Dated: events.Dated{EffectiveOn: r.today()}, Card: events.ID(r.PostFormValue("card"))}
		err = s.sayOfCard(r, o, "market.card_posted", page, fact.Card, fact)
	case "revoke":
		why := r.PostFormValue("why")
		if !slices.Contains(cardReasons, why) {
			return nil, errBad
		}
		if ask := r.sure("stallcards.revoke", here, hidden("do", "revoke"), hidden("id", r.PostFormValue("id")), hidden("card", r.PostFormValue("card")), hidden("why", why)); ask != nil {
			return ask, nil
		}
		fact := &events.CardRevoked{Dated: events.Dated{EffectiveOn: r.today()}, Card: events.ID(r.PostFormValue("card")), Reason: events.Word(why)}
		err = s.sayOfCard(r, o, "market.card_revoked", page, fact.Card, fact)
	default:
		return nil, errBad
	}
	var refused *refusedFact
	if errors.As(err, &refused) {
		page.Problem, v.status = r.language.say("problem.refused", "reason", r.language.word("reason", refused.Code)), http.StatusUnprocessableEntity
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	return see(here, "card_"+r.PostFormValue("do")), nil
}

// sayOfCard says a fact of one of the stall's cards. Errors: errBad for another
// card; those of record.
func (s *site) sayOfCard(r *request, organization, name string, page *stallCardsPage, card events.ID, fact events.Fact) error {
	if !slices.ContainsFunc(page.Cards, func(c projections.StallCard) bool { return c.Card == string(card) }) {
		return errBad
	}
	d, err := r.draft(organization, r.PostFormValue("id"), name, fact, nil)
	if err != nil {
		return err
	}
	_, err = s.record(r, d)
	return err
}
