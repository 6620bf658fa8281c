package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"socho/events"
	"socho/qr"
	"socho/qr/scan"
)

// photoMost bounds a photograph of a card: what telephones take.
const photoMost = 12 << 20

// knownCard is a card as an inspection knows it.
type knownCard struct {
	Serial, Stall string
	Live          bool
	PaysTo        string
	Salt          []byte
}

// found is what an inspection saw: Result as the ledger calls it, empty where more
// is needed to tell; Key, under which its words stand.
type found struct {
	Result, Key  string
	Card, Stall  string
	Belongs      string // the stall that the card is of, where it hangs at another
	BIN, Account string // what was found instead
}

// judge says what a code that hangs at a stall is; "" where the stall is not known.
// static/inspect.js says the same.
func judge(all []knownCard, text, stall string) found {
	p := qr.Decode(text)
	pays := func(c *knownCard) bool {
		return qr.PaysTo(c.Serial, c.Stall, p.BankBIN, p.Account, c.Salt) == c.PaysTo
	}
	bySerial := func(serial string) *knownCard {
		if i := slices.IndexFunc(all, func(c knownCard) bool { return c.Serial == serial }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	if p.BankBIN == "" || p.Account == "" || !p.EMVOK {
		link, err := qr.ReadCardLink(text)
		card := bySerial(link.Serial)
		switch {
		case err == nil && card != nil && !card.Live:
			return found{Result: "revoked", Key: "revoked", Card: card.Serial, Stall: or(stall, card.Stall)}
		case err == nil && card != nil:
			return found{Key: "large", Stall: or(stall, card.Stall)}
		case stall == "":
			return found{Key: "stall"}
		}
		return found{Result: "unknown", Key: "unknown", Stall: stall}
	}
	if card := bySerial(p.Additional["07"]); card != nil {
		f := found{Card: card.Serial, Stall: or(stall, card.Stall)}
		switch {
		case !pays(card):
			f.Result, f.Key, f.BIN, f.Account = "other_account", "other_account", p.BankBIN, p.Account
		case !card.Live:
			f.Result, f.Key = "revoked", "revoked"
		case f.Stall != card.Stall:
			f.Result, f.Key, f.Belongs = "unknown", "elsewhere", card.Stall
		default:
			f.Result, f.Key = "right", "right"
		}
		return f
	}
	if stall == "" {
		return found{Key: "stall"}
	}
	hangs := false
	for i := range all {
		c := &all[i]
		if c.Stall != stall {
			continue
		}
		hangs = hangs || c.Live
		if pays(c) {
			word := "revoked"
			if c.Live {
				word = "right"
			}
			return found{Result: word, Key: word, Card: c.Serial, Stall: stall}
		}
	}
	if hangs {
		return found{Result: "other_account", Key: "other_account", Stall: stall, BIN: p.BankBIN, Account: p.Account}
	}
	return found{Result: "unknown", Key: "unknown", Stall: stall}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// knownCards lists a market's cards, those that may hang first.
func (s *site) knownCards(ctx context.Context, organization string) ([]knownCard, error) {
	cards, err := s.Cards.Model.StallCards(ctx, organization, "")
	if err != nil {
		return nil, err
	}
	known := make([]knownCard, len(cards))
	for i := range cards {
		c := &cards[i]
		known[i] = knownCard{c.Card, c.Stall, mayHang(c), c.PaysTo, s.Cards.Salt(c.Card)}
	}
	slices.SortStableFunc(known, func(a, b knownCard) int {
		switch {
		case a.Live == b.Live:
			return 0
		case a.Live:
			return -1
		}
		return 1
	})
	return known, nil
}

type inspectPage struct {
	Organization string
	Cards        string // for the script; see static/inspect.js
	Stalls       []string
	ID           string
	Decoder      string // address of the script that reads codes where the browser does not
	Stall        string
	Verdict      *shownVerdict // of a photograph
}

// shownVerdict is what a photograph showed.
type shownVerdict struct{ Kind, Text string }

// pagePart is how many bytes of what a card pays to a telephone is given: enough
// that no other account is found which begins so.
const pagePart = 16

func (s *site) inspect(r *request) (*view, error) {
	v, _, _, err := s.inspectView(r)
	return v, err
}

func (s *site) inspectView(r *request) (*view, *inspectPage, []knownCard, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, nil, nil, err
	}
	known, err := s.knownCards(r.Context(), o.Organization)
	if err != nil {
		return nil, nil, nil, err
	}
	page := &inspectPage{Organization: o.Organization, ID: newID(), Decoder: s.assets.address("jsqr.js"), Stall: r.query.Get("stall")}
	rows := make([][5]any, len(known))
	for i := range known {
		c := &known[i]
		pays, err := hex.DecodeString(c.PaysTo)
		if err != nil || len(pays) < pagePart {
			return nil, nil, nil, errors.New("web: a card without a digest: " + c.Serial)
		}
		live := 0
		if c.Live {
			live = 1
		}
		rows[i] = [5]any{c.Serial, c.Stall, live, base64.StdEncoding.EncodeToString(pays[:pagePart]), base64.StdEncoding.EncodeToString(c.Salt)}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return nil, nil, nil, err
	}
	page.Cards = string(text)
	lines, err := s.stallLines(r, o.Organization)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range lines {
		page.Stalls = append(page.Stalls, lines[i].Stall)
	}
	return &view{template: "inspect", title: r.language.say("inspect.title", "market", o.Name), section: "market", crumbs: r.crumbs(o), data: page, keep: true, camera: true}, page, known, nil
}

// tones of what an inspection found.
var tones = map[string]string{"right": "good", "other_account": "bad", "revoked": "bad"}

// inspectPhoto reads a photograph here and says what it shows: for browsers that
// cannot do it themselves.
func (s *site) inspectPhoto(r *request) (*view, error) {
	v, page, known, err := s.inspectView(r)
	if err != nil {
		return nil, err
	}
	v.keep = false // it was made of what was sent
	page.Stall = strings.TrimSpace(r.PostFormValue("stall"))
	tell := func(key, kind string, pairs ...any) (*view, error) {
		page.Verdict = &shownVerdict{kind, r.language.say("inspect.is."+key, pairs...)}
		return v, nil
	}
	_, photo, err := r.uploaded("photo")
	if err != nil {
		return nil, err
	}
	var f found
	switch result := r.PostFormValue("result"); {
	case page.Stall != "" && !slices.Contains(page.Stalls, page.Stall):
		return tell("nostall", "warn", "stall", page.Stall)
	case len(photo) > 0:
		texts, err := scan.Read(photo)
		if err != nil {
			return tell("unread", "warn")
		}
		// The payment code is what decides; the small one only names the stall.
		slices.SortStableFunc(texts, func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
		f = judge(known, texts[0], page.Stall)
	case slices.Contains([]string{"missing", "unreadable"}, result) && page.Stall != "":
		f = found{Result: result, Key: result, Stall: page.Stall}
	default:
		return tell("stall", "calm")
	}
	if f.Result == "" {
		page.Stall = f.Stall
		return tell(f.Key, "calm", "stall", f.Stall, "other", "")
	}
	draft, err := s.inspected(r, page.Organization, r.PostFormValue("id"), &f)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, draft); err != nil {
		return nil, err
	}
	page.Stall = ""
	kind := tones[f.Key]
	if kind == "" {
		kind = "warn"
	}
	return tell(f.Key, kind, "stall", f.Stall, "other", f.Belongs)
}

func rank(text string) string {
	if qr.Decode(text).Valid {
		return "0"
	}
	return "1"
}

// inspected is the fact of what was found.
func (s *site) inspected(r *request, organization, id string, f *found) (events.Draft, error) {
	fact := &events.CardInspected{Dated: events.Dated{EffectiveOn: r.today()}, Card: events.ID(f.Card), Stall: events.ID(f.Stall), Result: events.Word(f.Result)}
	var personal map[string]string
	if f.Account != "" {
		fact.Person = events.ID(s.Cards.Found(organization, f.BIN, f.Account))
		personal = map[string]string{"account": f.Account, "bank_bin": f.BIN}
	}
	return r.draft(organization, id, "market.card_inspected", fact, personal)
}

// inspectedStall is the stall that an inspection was of.
func inspectedStall(f events.Fact) string {
	if i, ok := f.(*events.CardInspected); ok {
		return string(i.Stall)
	}
	return ""
}

var (
	bankBIN     = regexp.MustCompile(`^[0-9]{6}$`)
	bankAccount = regexp.MustCompile(`^[0-9A-Za-z]{1,19}$`)
)

// fillFound says which opaque id stands for an account that was found instead of
// the right one. The page does not say it, since no telephone may know how such ids
// are made.
// Errors: errBad where something else is said to be found, or the account is none.
func fillFound(s *site, _ context.Context, f *queuedFact) error {
	delete(f.Data, "person")
	if len(f.Personal) == 0 {
		return nil
	}
	bin, account := f.Personal["bank_bin"], f.Personal["account"]
	if s.Cards == nil || len(f.Personal) != 2 || !bankBIN.MatchString(bin) || !bankAccount.MatchString(account) {
		return errBad
	}
	b, err := json.Marshal(s.Cards.Found(f.Organization, bin, account))
	if err != nil {
		return err
	}
	f.Data["person"] = b
	return nil
}
