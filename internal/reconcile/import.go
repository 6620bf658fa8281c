// Package reconcile brings a bank's lines onto the log, each once however many
// files and messages show it, and places what carries the code of exactly one
// open bill. Everything else stays unplaced, for a person.
//
// It runs beside the ledger and decides nothing itself: lines are observations
// that always post, and a placement that the ledger refuses stays a case. Ids of
// what it says are made of what it saw, so a run that was cut off is run again.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/shopspring/decimal"

	"socho/bank"
	"socho/events"
	"socho/internal/intake"
	"socho/internal/money"
	"socho/internal/postgres"
	"socho/internal/refcode"
	"socho/ledger"
)

// Ledger is what reconciling needs of the service.
type Ledger interface {
	Publish(ctx context.Context, input io.Reader, o intake.Options) (intake.Report, error)
	Decided(ctx context.Context, report intake.Report) (map[ledger.Status]int64, error)
}

// Books are the ledger's tables.
type Books interface {
	Outcomes(ctx context.Context, shard int, from, to int64, each func(*ledger.Outcome) error) error
	BillsByReference(ctx context.Context, organization string, codes []string) ([]postgres.OpenBill, error)
	Unplaced(ctx context.Context, organization string, lines []string) (map[string]int64, error)
	Claims(ctx context.Context, organization, source string, ids []string) (map[string]*ledger.Outcome, error)
	Balances(ctx context.Context, prefix string, as postgres.AsOf, each func(postgres.Balance) error) error
	Heads(ctx context.Context) (map[int]ledger.Head, error)
}

// Importer takes the lines of one organization in.
type Importer struct {
	Ledger       Ledger
	Books        Books
	Organization string
	Actor        string // who hands them in, as intake stamps it
	// Pseudonym is a key of this installation: whoever pays from one account is
	// one opaque person, whom nobody else can compute.
	Pseudonym []byte
	// Account names the organization's account; empty where the file is to say it.
	Account string
	// Open has an account that the ledger does not know yet begin with the
	// statement's opening balance: for the first statement of an office.
	Open bool
	// Known is the account number that the organization is registered with; its
	// lines go to the account "main". Empty where none is.
	Known string
	// Readings keeps what the texts of lines that are not placed say of bills; nil:
	// nobody asks.
	Readings *Readings
	// Market says that traders may connect accounts of their own here.
	Market bool
}

// Report is what became of a file's lines.
type Report struct {
	New          int64            `json:"new"`           // lines that the ledger did not have
	AlreadyKnown int64            `json:"already_known"` // seen before, in this file or elsewhere
	Matched      int64            `json:"matched"`       // placed on the one bill whose code they carry
	Cases        int64            `json:"cases"`         // new lines that wait for a person
	NotBooked    int64            `json:"not_booked"`    // pending or for information: not money yet
	Erased       int64            `json:"not_published"` // of erased persons
	Accounts     []AccountBalance `json:"accounts"`      // where statements printed a closing balance
	Problems     []bank.Problem   `json:"problems"`      // what does not add up in the file
}

// AccountBalance holds the statement beside the ledger.
type AccountBalance struct {
	Account  string `json:"account"`
	Currency string `json:"currency"`
	Closing  string `json:"closing"`
	Ledger   string `json:"ledger"`
	Agrees   bool   `json:"agrees"`
}

// Refused is a file that cannot be taken in; nothing of it was.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return r.Reason }

// batchLines are published, decided and matched together.
const batchLines = 2000

// source names what this package says on the log.
const source = events.OwnSources + "bank"

// File reads a file twice: to see that all of it can be taken, and to take it.
// Errors: *Refused; faults of the file or the service, after which the same file
// is handed in again.
func (im *Importer) File(ctx context.Context, file io.ReadSeeker, o bank.Options) (*Report, error) {
	if o.Account == "" && (im.Account == "" || im.Account == mainAccount) {
		o.Account = im.Known // as the bank's messages name it, or one line would be two
	}
	accounts := map[string]bool{}
	foreign := map[string]bool{}
	undated := 0
	began := map[string]string{} // by account: its first line's day
	result, err := bank.Parse(file, o, func(e *bank.Entry) error {
		if e.Booked {
			accounts[e.Account] = true
			if undated == 0 && day(e) == "" {
				undated = e.Line
			}
			if on := day(e); began[e.Account] == "" || on < began[e.Account] {
				began[e.Account] = on
			}
			if _, known := money.Currency(e.Currency).Scale(); !known {
				foreign[e.Currency] = true
			}
		}
		return ctx.Err()
	})
	switch {
	case err != nil:
		return nil, err
	case !result.Valid:
		return nil, &Refused{result.Reason}
	case result.Statements == nil:
		return nil, &Refused{fmt.Sprintf("%s holds no statement", result.Format)}
	case result.Malformed > 0:
		return nil, &Refused{fmt.Sprintf("%d entries cannot be read, the first at line %d; mend the file or ask the bank for it again", result.Malformed, result.Problems[0].Line)}
	case undated > 0:
		return nil, &Refused{fmt.Sprintf("line %d has no booking date", undated)}
	case len(foreign) > 0:
		return nil, &Refused{fmt.Sprintf("no account is kept here in %s", strings.Join(sorted(foreign), ", "))}
	case im.Account != "" && len(accounts) > 1:
		return nil, &Refused{fmt.Sprintf("the file is of %d accounts, --account names one", len(accounts))}
	}
	r := &Report{Problems: result.Problems, Accounts: []AccountBalance{}}
	run := run{Importer: im, report: r, ordinals: bank.NewOrdinals()}
	if im.Open {
		if err := run.open(ctx, result.Statements, began); err != nil {
			return r, err
		}
	}
	if _, err := bank.Parse(file, o, func(e *bank.Entry) error { return run.entry(ctx, e) }); err != nil {
		return r, err
	}
	if err := run.flush(ctx); err != nil {
		return r, err
	}
	if err := run.statements(ctx, file, result.Statements); err != nil {
		return r, err
	}
	return r, run.compare(ctx, result.Statements)
}

// run is one file under way.
type run struct {
	*Importer
	report   *Report
	ordinals *bank.Ordinals
	lines    []line
	spans    map[int]*span // by statement of the file
	bills    *Open         // that texts are read against, once asked for
}

// line is an entry as it goes onto the log.
type line struct {
	id, event string
	text      []byte // of the event
	at        string
	on        string
	codes     []refcode.Code
	content   string
	cut       bool  // more was printed than the log keeps
	minor     int64 // how much it is
	incoming  bool
	payment   bool
	currency  money.Currency
}

func (r *run) entry(ctx context.Context, e *bank.Entry) error {
	if !e.Booked { // and not counted among its equals: it comes again once it is
		r.report.NotBooked++
		return nil
	}
	id := r.ordinals.ID(e)
	if e.Amount.IsZero() {
		return nil // nothing moved
	}
	r.spans = spanned(r.spans, e)
	l, err := r.line(e, id)
	if err != nil {
		return err
	}
	if r.lines = append(r.lines, l); len(r.lines) < batchLines {
		return nil
	}
	return r.flush(ctx)
}

// flush publishes the lines at hand, waits for the ledger, and places what it
// can.
func (r *run) flush(ctx context.Context) error {
	if len(r.lines) == 0 {
		return nil
	}
	var text strings.Builder
	for i := range r.lines {
		text.Write(r.lines[i].text)
		text.WriteByte('\n')
	}
	fresh, err := r.publish(ctx, text.String())
	if err != nil {
		return err
	}
	placed, err := r.place(ctx)
	if err != nil {
		return err
	}
	if err := r.read(ctx, placed); err != nil {
		return err
	}
	for i := range r.lines {
		l := &r.lines[i]
		if !fresh[l.event] {
			r.report.AlreadyKnown++
		} else if r.report.New++; l.payment && !placed[l.id] {
			r.report.Cases++
		}
	}
	r.report.Matched += int64(len(placed))
	r.lines = r.lines[:0]
	return nil
}

// publish hands facts in and returns the ids of those that posted.
func (r *run) publish(ctx context.Context, lines string) (posted map[string]bool, err error) {
	report, err := r.Ledger.Publish(ctx, strings.NewReader(lines), intake.Options{DefaultOrg: r.Organization, Actor: r.Actor, Own: true})
	if err != nil {
		return nil, err
	}
	if report.Undecodable > 0 {
		return nil, errors.New("a line could not be written as an event; this is a fault of the program")
	}
	r.report.Erased += int64(report.NotPublished)
	if _, err := r.Ledger.Decided(ctx, report); err != nil {
		return nil, err
	}
	posted = map[string]bool{}
	for _, at := range report.Ranges {
		if err := r.Books.Outcomes(ctx, at.Shard, at.First, at.Next, func(o *ledger.Outcome) error {
			if o.Source == source && o.Status == ledger.Posted {
				posted[o.EventID] = true
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return posted, nil
}

// place says of lines whose money is not placed, and that carry one code, the
// code of an open bill of this organization, that they pay it. A line beside
// another for the same bill finds it paid, and stays a case; so does one that a
// person has placed a part of, or taken a placement of back.
func (r *run) place(ctx context.Context) (placed map[string]bool, err error) {
	var ids, codes []string
	for i := range r.lines {
		if l := &r.lines[i]; l.incoming && l.payment && l.currency == money.VND && l.sure() {
			ids, codes = append(ids, l.id), append(codes, string(l.codes[0]))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	left, err := r.Books.Unplaced(ctx, r.Organization, ids)
	if err != nil {
		return nil, err
	}
	bills, err := r.Books.BillsByReference(ctx, r.Organization, codes)
	if err != nil {
		return nil, err
	}
	open := map[refcode.Code]*postgres.OpenBill{}
	for i := range bills {
		open[refcode.Code(bills[i].Reference)] = &bills[i]
	}
	var events []string
	lineOf, values := map[string]string{}, map[string][]byte{} // by the event that places it
	for i := range r.lines {
		l := &r.lines[i]
		amount := left[l.id]
		if !l.incoming || !l.payment || !l.sure() || amount == 0 || amount != l.minor {
			continue
		}
		b := open[l.codes[0]]
		if b == nil || b.Due <= 0 {
			continue
		}
		delete(left, l.id) // once, however often the file shows it
		b.Due -= amount
		event, value, err := r.allocation(l, b.Bill, amount)
		if err != nil {
			return nil, err
		}
		events = append(events, event)
		lineOf[event], values[event] = l.id, value
	}
	// What was said once is not said again: it was taken back, or refused.
	said, err := r.Books.Claims(ctx, r.Organization, source, events)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for _, event := range events {
		if said[event] == nil {
			text.Write(values[event])
			text.WriteByte('\n')
		}
	}
	if text.Len() == 0 {
		return nil, nil
	}
	posted, err := r.publish(ctx, text.String())
	if err != nil {
		return nil, err
	}
	placed = map[string]bool{}
	for event := range posted {
		placed[lineOf[event]] = true
	}
	return placed, nil
}

// sure says that the text names exactly one code, and that all of it was seen: of
// a text that was cut off, nobody knows what else it named.
func (l *line) sure() bool { return len(l.codes) == 1 && !l.cut }

// read keeps what the texts say of lines whose money, or a part of it, waits for a
// person.
func (r *run) read(ctx context.Context, placed map[string]bool) error {
	if r.Readings == nil {
		return nil
	}
	var ids []string
	for i := range r.lines {
		if l := &r.lines[i]; l.incoming && l.payment && !placed[l.id] {
			ids = append(ids, l.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	left, err := r.Books.Unplaced(ctx, r.Organization, ids)
	if err != nil {
		return err
	}
	if r.bills == nil {
		if r.bills, err = r.Readings.Open(ctx, r.Organization); err != nil {
			return err
		}
	}
	var some []read
	for i := range r.lines {
		if l := &r.lines[i]; left[l.id] > 0 && !placed[l.id] {
			some = append(some, read{l.id, r.bills.Read(l.content)})
		}
	}
	return r.Readings.keep(ctx, r.Organization, some)
}

// open gives accounts that were not opened yet what they held before the file. The
// bank's messages may have been there before the first statement: what they moved
// before its first day is part of what it begins with.
func (r *run) open(ctx context.Context, s *bank.Statements, began map[string]string) error {
	var text strings.Builder
	done := map[string]bool{}
	for _, st := range s.List {
		account, on := r.accountName(st.Account), began[st.Account]
		if st.Opening == nil || st.OpeningCurrency == nil || on == "" || done[account] {
			continue
		}
		done[account] = true
		currency := money.Currency(*st.OpeningCurrency)
		said, err := r.Books.Claims(ctx, r.Organization, source, []string{"open-" + account})
		if err != nil {
			return err
		}
		if len(said) > 0 {
			continue
		}
		held, err := r.held(ctx, account, currency, dayBefore(on))
		if err != nil {
			return err
		}
		before, err := decimal.NewFromString(held)
		if err != nil {
			return err
		}
		amount, side := st.Opening.Decimal().Sub(before), "debit"
		if amount.IsZero() {
			continue
		}
		if amount.IsNegative() {
			amount, side = amount.Neg(), "credit"
		}
		scale, _ := currency.Scale()
		value, err := event("open-"+account, "organization.opening_balance", r.Organization, on+"T00:00:00+07:00", "", map[string]any{
			"effective_on": on, "account": "bank:" + account, "side": side, "amount": amount.StringFixed(scale), "currency": currency})
		if err != nil {
			return err
		}
		text.Write(value)
		text.WriteByte('\n')
	}
	if text.Len() == 0 {
		return nil
	}
	_, err := r.publish(ctx, text.String())
	return err
}

// held is what the ledger has on a bank account by the end of a day.
func (r *run) held(ctx context.Context, account string, c money.Currency, on events.Date) (balance string, err error) {
	path := r.Organization + ":bank:" + account
	if c != money.VND {
		path += ":" + string(c)
	}
	balance = "0"
	err = r.Books.Balances(ctx, path, postgres.AsOf{Effective: on}, func(b postgres.Balance) error {
		if b.Account == path {
			balance = b.Balance
		}
		return nil
	})
	return balance, err
}

// compare holds each closing balance against the ledger's account as it was by the
// end of the statement's last day: the bank's messages of later days say nothing
// against it.
func (r *run) compare(ctx context.Context, s *bank.Statements) error {
	type closing struct {
		printed string
		on      events.Date
	}
	all := map[[2]string]closing{}
	for i, st := range s.List {
		if st.Closing == nil || st.ClosingCurrency == nil {
			continue
		}
		key := [2]string{r.accountName(st.Account), *st.ClosingCurrency}
		on := events.Date("")
		if s := r.spanOf(i, len(s.List)); s != nil {
			on = events.Date(s.until)
		}
		if last, ok := all[key]; !ok || on >= last.on {
			all[key] = closing{st.Closing.String(), on}
		}
	}
	for key, c := range all {
		held, err := r.held(ctx, key[0], money.Currency(key[1]), c.on)
		if err != nil {
			return err
		}
		r.report.Accounts = append(r.report.Accounts, AccountBalance{key[0], key[1], c.printed, held, sameDecimal(c.printed, held)})
	}
	return nil
}
