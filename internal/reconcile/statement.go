package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"

	"socho/bank"
	"socho/events"
	"socho/internal/money"
)

// span is what the booked lines of one statement show: their days, their currency
// and how many there are.
type span struct {
	from, until, currency string
	lines                 int
}

func spanned(spans map[int]*span, e *bank.Entry) map[int]*span {
	if spans == nil {
		spans = map[int]*span{}
	}
	on := day(e)
	s := spans[e.Statement]
	if s == nil {
		s = &span{from: on, until: on, currency: e.Currency}
		spans[e.Statement] = s
	}
	s.from, s.until, s.lines = min(s.from, on), max(s.until, on), s.lines+1
	return spans
}

// spanOf is what the booked lines of a file's i-th statement show; nil where it has
// none.
func (r *run) spanOf(i, of int) *span {
	s := r.spans[i+1]
	if s == nil && of == 1 {
		s = r.spans[0] // tables are one statement and do not number it
	}
	return s
}

// statements says what each statement of the file says of its account as a whole, so
// that the ledger sees where one does not begin with what the one before ended with.
// One without booked lines says nothing. Ids follow from what is said: the same file
// says it once.
func (r *run) statements(ctx context.Context, file io.ReadSeeker, all *bank.Statements) error {
	if len(r.spans) == 0 {
		return nil
	}
	heads, err := r.Books.Heads(ctx)
	if err != nil {
		return err
	}
	for _, head := range heads {
		if head.Shard == events.ShardOf([]byte(r.Organization), head.Shards) && head.Reads(events.Type("bank.statement_received")) != nil {
			return nil // the lines are what counts; handed in again under newer rules, the file says this as well
		}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	whole := sha256.New()
	if _, err := io.Copy(whole, file); err != nil {
		return err
	}
	digest := hex.EncodeToString(whole.Sum(nil))
	var text strings.Builder
	for i := range all.List {
		st, s := &all.List[i], r.spanOf(i, len(all.List))
		if s == nil {
			continue
		}
		account, id := r.accountName(st.Account), ""
		if st.ID != nil {
			id = *st.ID
		}
		name := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%s", account, s.currency, id, s.from, s.until))
		data := map[string]any{"effective_on": s.until, "from": s.from, "account": account, "statement": "st-" + hex.EncodeToString(name[:16]),
			"currency": s.currency, "lines": s.lines, "digest": digest}
		if opening, closing, ok := balances(st, money.Currency(s.currency)); ok {
			data["opening"], data["closing"] = opening, closing
		}
		said, err := json.Marshal(data, json.Deterministic(true))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(said)
		value, err := event("statement-"+hex.EncodeToString(sum[:20]), "bank.statement_received", r.Organization, s.until+"T00:00:00+07:00", "", data)
		if err != nil {
			return err
		}
		text.Write(value)
		text.WriteByte('\n')
	}
	if text.Len() == 0 {
		return nil
	}
	_, err = r.publish(ctx, text.String())
	return err
}

// balances are what a statement prints before and after, as the log spells them; not
// ok where it does not print both in the currency of its lines, or with fractions
// that the currency does not have.
func balances(st *bank.Statement, c money.Currency) (opening, closing string, ok bool) {
	scale, known := c.Scale()
	if !known || st.Opening == nil || st.Closing == nil || st.OpeningCurrency != nil && *st.OpeningCurrency != string(c) || st.ClosingCurrency != nil && *st.ClosingCurrency != string(c) {
		return "", "", false
	}
	var spelled [2]string
	for i, a := range []*bank.Amount{st.Opening, st.Closing} {
		d := a.Decimal()
		if !d.Equal(d.Truncate(scale)) {
			return "", "", false
		}
		spelled[i] = d.StringFixed(scale)
	}
	return spelled[0], spelled[1], true
}
