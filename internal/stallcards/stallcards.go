// Package stallcards makes the cards that hang at a market's stalls: it gives each
// stall a card with a serial for life, draws them with their two codes, and says on
// the log that they were issued and printed.
//
// What is printed again keeps its serial: two prints of a card are one card. A card
// is made anew, and the one before replaced, where the account that it pays to has
// changed, or where somebody asks for it.
//
//	press := stallcards.Press{Read: s.Read, Say: s, Key: key, Sign: signer.Sign, Public: "https://cho.example", Now: time.Now}
//	document, report, err := press.Print(ctx, stallcards.Order{Organization: "hg-cho-dong-van", ID: id, Actor: "cli"}, nil)
//
// The package never decides what is owed and opens nothing that is sealed but the
// account of a card that is printed again for a trader.
package stallcards

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/print"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
	"socho/qr"
)

// Source names what is said here on the log.
const Source = events.OwnSources + "cards"

// Purpose is what the key of salts is derived for; see vault.Key.Derive.
const Purpose = "salts of stall cards"

// Read is what projections know; *readmodel.DB does.
type Read interface {
	Organization(ctx context.Context, organization string) (projections.Organization, error)
	Stalls(ctx context.Context, organization, period string, p readmodel.Page) ([]readmodel.StallRow, string, error)
	StallCards(ctx context.Context, organization, stall string) ([]projections.StallCard, error)
}

// Recorder says facts; *service.Service does.
type Recorder interface {
	Say(ctx context.Context, actor string, facts []events.Draft) ([]*ledger.Outcome, error)
}

// Press prints cards.
type Press struct {
	Read   Read
	Say    Recorder
	Key    []byte // what salts are derived under; secret
	Public string // where visitors find the pages; empty: small codes carry no address
	// Sign signs in the ledger's name; nil: cards have no small code.
	Sign func(text []byte) ([]byte, error)
	// Account opens the account that a trader's card pays to, and writes that down
	// first; nil: such cards are not printed again.
	Account func(ctx context.Context, actor string, card projections.StallCard) (Account, error)
	Now     func() time.Time
}

// Account is one at a bank. Its String keeps it out of anything printed.
type Account struct{ BIN, Number string }

// String implements fmt.Stringer.
func (Account) String() string { return "account" }

// GoString implements fmt.GoStringer.
func (Account) GoString() string { return "account" }

// Order says which cards to print.
type Order struct {
	Organization string
	Stalls       []string // none: all that the market has
	Layout       print.Layout
	// Own is for one stall: its card for sales, which pays to the trader's own
	// account; the zero value with Sales prints the one again that she has.
	Own   Account
	Sales bool
	// Anew makes a new card for each stall, for the reason: lost, damaged, swapped, ….
	Anew  bool
	Why   events.Word
	Actor string // as intake stamps it
	ID    string // of this printing: asking again under it is saying it once
}

// Report is what was printed.
type Report struct {
	Cards  int `json:"cards"`
	Issued int `json:"issued"` // of which are new
	Bytes  int `json:"bytes"`
}

// What stands in the way of printing.
var (
	ErrMarket   = errors.New("is not registered as a market")
	ErrAccount  = errors.New("has no receiving account; register it with bank_bin and account")
	ErrNoStalls = errors.New("has no stalls yet")
	ErrStall    = errors.New("has no such stall")
	ErrLong     = errors.New("its name has more than 25 characters, which no code carries; print its card under a shorter one")
	ErrOwn      = errors.New("a trader's own card is printed for one stall at a time, which is let to her")
	ErrTaken    = errors.New("somebody else is printing cards of this market at this moment; try again")
)

var ict = time.FixedZone("ICT", 7*3600)

// sayAtOnce bounds the facts that are said in one call.
const sayAtOnce = 250

// Print issues what is missing and returns the document, every code of which was
// read back. progress, if given, hears how many cards are drawn.
//
// A crash after the cards are issued leaves cards that are not printed: the next
// printing prints them. They are said to be printed just before the document is
// handed over: whoever never receives it has prints that nobody holds, and prints
// again.
//
// Errors: those above, *print.PieceError, *RefusedError, and those of Say.
func (p *Press) Print(ctx context.Context, o Order, progress func(done, of int)) ([]byte, Report, error) {
	market, stalls, err := p.stalls(ctx, &o)
	if err != nil {
		return nil, Report{}, err
	}
	known, err := p.Read.StallCards(ctx, o.Organization, "")
	if err != nil {
		return nil, Report{}, err
	}
	of := map[string][]projections.StallCard{}
	for _, c := range known {
		of[c.Stall] = append(of[c.Stall], c)
	}
	w := work{Press: p, order: &o, market: market, now: p.Now().In(ict)}
	for _, s := range stalls {
		if err := w.card(ctx, s, of[s.Stall.Stall]); err != nil {
			return nil, Report{}, fmt.Errorf("stall %s: %w", s.Stall.Stall, err)
		}
	}
	if err := w.say(ctx, w.issue); err != nil {
		return nil, Report{}, err
	}
	document, err := print.Cards(w.cards, print.Options{Layout: o.Layout, Title: "Thẻ mã QR · " + market.Name, At: w.now.UTC(), Progress: progress})
	if err != nil {
		return nil, Report{}, err
	}
	return document, Report{len(w.cards), w.issued, len(document)}, w.say(ctx, w.printed)
}

// stalls finds the market and the stalls that are asked for.
func (p *Press) stalls(ctx context.Context, o *Order) (projections.Organization, []readmodel.StallRow, error) {
	market, err := p.Read.Organization(ctx, o.Organization)
	switch {
	case errors.Is(err, readmodel.ErrNotFound) || err == nil && market.Kind != "market":
		return market, nil, fmt.Errorf("%s %w", o.Organization, ErrMarket)
	case err != nil:
		return market, nil, err
	case market.Account == "" && !o.Sales:
		return market, nil, fmt.Errorf("%s %w", o.Organization, ErrAccount)
	case o.Sales && len(o.Stalls) != 1:
		return market, nil, ErrOwn
	}
	var all []readmodel.StallRow
	for page := (readmodel.Page{Limit: readmodel.MaxLimit}); ; {
		rows, next, err := p.Read.Stalls(ctx, o.Organization, "", page)
		if err != nil {
			return market, nil, err
		}
		all = append(all, rows...)
		if page.Cursor = next; next == "" {
			break
		}
	}
	if len(all) == 0 {
		return market, nil, fmt.Errorf("%s %w", o.Organization, ErrNoStalls)
	}
	if len(o.Stalls) == 0 {
		return market, all, nil
	}
	var some []readmodel.StallRow
	for _, stall := range slices.Compact(slices.Sorted(slices.Values(o.Stalls))) {
		i := slices.IndexFunc(all, func(r readmodel.StallRow) bool { return r.Stall.Stall == stall })
		if i < 0 {
			return market, nil, fmt.Errorf("%s %w: %s", o.Organization, ErrStall, stall)
		}
		some = append(some, all[i])
	}
	return market, some, nil
}

// Live says that a card may hang.
func Live(c *projections.StallCard) bool {
	return c.State == projections.CardIssued || c.State == projections.CardPosted
}

// Salt is a card's, which its small code carries.
func Salt(key []byte, serial string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("salt\x00" + serial)) //nolint:errcheck // a hash takes everything
	return mac.Sum(nil)[:qr.SaltBytes]
}

// work is one printing.
type work struct {
	*Press
	order          *Order
	market         projections.Organization
	now            time.Time
	issued         int
	issue, printed []events.Draft
	cards          []print.Card
}

// card finds the card of a stall, or makes one, and lays it out.
func (w *work) card(ctx context.Context, s readmodel.StallRow, known []projections.StallCard) error {
	stall, person := s.Stall.Stall, ""
	pays := Account{w.market.BankBIN, w.market.Account}
	var current *projections.StallCard
	n := 0
	for i := range known {
		if _, _, number, ok := qr.ReadSerial(known[i].Card); ok {
			n = max(n, number)
		}
		if current == nil && Live(&known[i]) && (known[i].Person != "") == w.order.Sales {
			current = &known[i]
		}
	}
	if w.order.Sales {
		var err error
		if person, pays, err = w.own(ctx, s.Person, current); err != nil {
			return err
		}
	}
	serial := ""
	if current != nil && !w.order.Anew && current.Person == person &&
		current.PaysTo == qr.PaysTo(current.Card, stall, pays.BIN, pays.Number, Salt(w.Key, current.Card)) {
		serial = current.Card
	} else {
		serial = qr.Serial(qr.ShortName(w.order.Organization), stall, n+1)
		w.makeAnew(serial, stall, person, pays, current)
	}
	copies := events.Count(1)
	w.draft(&w.printed, "printed", serial, w.order.ID, "market.card_printed", &events.CardPrinted{Dated: w.dated(), Card: events.ID(serial), Copies: &copies}, nil)
	return w.lay(serial, stall, pays)
}

// own is whose card for sales it is, and the account that it pays to.
func (w *work) own(ctx context.Context, trader string, current *projections.StallCard) (person string, pays Account, err error) {
	switch {
	case w.order.Own != (Account{}):
		if trader == "" {
			return "", pays, ErrOwn
		}
		return trader, w.order.Own, nil
	case current == nil || w.Account == nil:
		return "", pays, ErrOwn
	}
	pays, err = w.Account(ctx, w.order.Actor, *current)
	return current.Person, pays, err
}

// makeAnew says that a card is issued, and that it takes the place of another.
func (w *work) makeAnew(serial, stall, person string, pays Account, before *projections.StallCard) {
	w.issued++
	fact := &events.CardIssued{Dated: w.dated(), Card: events.ID(serial), Stall: events.ID(stall),
		PaysTo: events.Digest(qr.PaysTo(serial, stall, pays.BIN, pays.Number, Salt(w.Key, serial)))}
	var personal map[string]string
	if person != "" {
		fact.Person = events.ID(person)
		personal = map[string]string{"account": pays.Number, "bank_bin": pays.BIN}
	}
	w.draft(&w.issue, "issued", serial, "", "market.card_issued", fact, personal)
	if before != nil {
		why := w.order.Why
		if why == "" {
			why = "account_changed"
		}
		w.draft(&w.issue, "replaced", before.Card, "", "market.card_replaced",
			&events.CardReplaced{Dated: w.dated(), Card: events.ID(before.Card), By: events.ID(serial), Reason: why}, nil)
	}
}

func (w *work) dated() events.Dated {
	return events.Dated{EffectiveOn: events.Date(w.now.Format(time.DateOnly))}
}

// draft adds a fact whose id is made of what it is about, so that two who print at
// once say it once.
func (w *work) draft(to *[]events.Draft, what, serial, more, name string, fact events.Fact, personal map[string]string) {
	sum := sha256.Sum256([]byte(w.order.Organization + "\x00" + serial + "\x00" + more))
	*to = append(*to, events.Draft{Envelope: events.Envelope{ID: events.EventID(what + "-" + hex.EncodeToString(sum[:20])), Source: Source, Type: events.Type(name),
		Subject: w.order.Organization, Time: events.Time(w.now.Format(time.RFC3339))}, Fact: fact, Personal: personal})
}

// lay writes the card's codes.
func (w *work) lay(serial, stall string, pays Account) error {
	purpose, err := Text(stall, w.market.Name)
	if err != nil {
		return err
	}
	request := qr.Request{BIN: pays.BIN, Account: pays.Number, Purpose: purpose}
	if len(serial) <= 25 { // what 62.07 holds; of a longer one the small code tells
		// It names the market too, whose account this is: with its name written out as
		// well, the modules would get narrower, and scuffed codes be read less often.
		request.Terminal, request.Purpose = serial, strings.TrimSuffix(purpose, " "+strings.ToUpper(qr.Fold(w.market.Name)))
	}
	// No name, which the payer's bank looks up itself, and capitals: the modules get
	// a quarter wider.
	payload, err := qr.Encode(request)
	if err != nil {
		return err
	}
	card := print.Card{Payload: payload, Use: print.ForFees, Stall: stall, Market: w.market.Name, Receiver: w.market.Name, Serial: serial}
	if w.order.Sales {
		card.Use, card.Receiver = print.ForSales, "Sạp "+stall
	}
	if w.Sign != nil {
		salt := Salt(w.Key, serial)
		mark := qr.CardMark{Serial: serial, Stall: stall, PaysTo: qr.PaysTo(serial, stall, pays.BIN, pays.Number, salt)}
		signature, err := w.Sign(mark.Signed())
		if err != nil {
			return err
		}
		card.Link = qr.CardLink{Serial: serial, Salt: salt, Signature: signature}.Text(w.Public)
	}
	w.cards = append(w.cards, card)
	return nil
}

// Text is what banks carry along with a payment: the whole name of the stall,
// which must never be cut, and of the market what there is room for. Errors:
// ErrLong.
func Text(stall, market string) (string, error) {
	const most = 25 // characters of 62.08
	switch whole := "SAP " + stall; {
	case len(whole) <= most:
		return whole + " " + strings.ToUpper(qr.Fold(market)), nil
	case len(stall) <= most:
		return stall, nil
	}
	return "", ErrLong
}

// RefusedError is a fact about a card that the ledger did not take.
type RefusedError struct {
	Card    string
	Outcome *ledger.Outcome
}

// Error names the card and why.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("card %s was not taken: %s", e.Card, e.Outcome.Code)
}

// Is lets a caller tell that somebody else was first.
func (e *RefusedError) Is(target error) bool {
	return target == ErrTaken && e.Outcome.Code == "card_exists"
}

func (w *work) say(ctx context.Context, drafts []events.Draft) error {
	for some := range slices.Chunk(drafts, sayAtOnce) {
		outcomes, err := w.Say.Say(ctx, w.order.Actor, some)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			if !o.Status.Accepted() {
				return &RefusedError{serialOf(some[i].Fact), o}
			}
		}
	}
	return nil
}

func serialOf(fact events.Fact) string {
	switch f := fact.(type) {
	case *events.CardIssued:
		return string(f.Card)
	case *events.CardReplaced:
		return string(f.Card)
	case *events.CardPrinted:
		return string(f.Card)
	}
	return ""
}
