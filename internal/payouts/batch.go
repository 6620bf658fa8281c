package payouts

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"socho/bank"
	"socho/bank/payfile"
	"socho/events"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// Formats of files, as events name them.
var formats = map[string]func(io.Writer, payfile.Order, payfile.Transfers) error{
	"pain_001_001_09": func(w io.Writer, o payfile.Order, t payfile.Transfers) error {
		return payfile.Pain001(w, payfile.V09, o, t)
	},
	"pain_001_001_03": func(w io.Writer, o payfile.Order, t payfile.Transfers) error {
		return payfile.Pain001(w, payfile.V03, o, t)
	},
	"xlsx": func(w io.Writer, o payfile.Order, t payfile.Transfers) error {
		return payfile.Sheet(w, payfile.Bulk, o, t)
	},
}

// Export says what to write.
type Export struct {
	Organization string
	Period       string
	Format       string // pain.001 or pain.001.001.09, pain.001.001.03, xlsx
	Method       string // account or ewallet; account if empty
	Account      string // the organization's own name for the account, or its number; the registered number if empty
	ExecuteOn    string // YYYY-MM-DD; today if empty
	Batch        string // write this one again; nothing new is batched
	Returned     bool   // those that came back, instead of those never sent
}

// Exported says what was written.
type Exported struct {
	Batch   string           `json:"batch"`
	Format  string           `json:"format"`
	Digest  string           `json:"digest"`
	Count   int64            `json:"count"`
	Sum     string           `json:"sum"`
	New     bool             `json:"new"`     // the batch was made by this call
	Refused map[string]int64 `json:"refused"` // how many payouts did not get into it, by code

	batch projections.Batch
}

// ErrNothing: no payout waits for the bank, and no batch was made before.
var ErrNothing = errors.New("no payout of the month waits for the bank, and none was sent")

// formatOf is the word that events name a format by.
func formatOf(format string) (word string, ok bool) {
	if format == "pain.001" {
		format = string(payfile.V09)
	}
	word = strings.ReplaceAll(format, ".", "_")
	_, ok = formats[word]
	return word, ok
}

// FormatKnown reports whether a file can be written so.
func FormatKnown(format string) bool { _, ok := formatOf(format); return ok }

// Export puts the payouts that wait for the bank into a batch, closes it, and
// writes its file to path. Where none waits, it writes the last batch again, byte
// for byte.
//
// A crash leaves an open batch, which the next call fills up and closes, or a
// closed one, which it writes; the file is under its name only once the ledger has
// its digest.
//
// Errors: ErrNothing; *RefusedError, above all file_differs where the batch was
// exported otherwise before.
func (p *Process) Export(ctx context.Context, o Export, path string) (*Exported, error) {
	word, ok := formatOf(o.Format)
	if !ok {
		return nil, fmt.Errorf("no format %q", o.Format)
	}
	out, err := p.Gather(ctx, o)
	if err != nil {
		return nil, err
	}
	// Written beside its place, and put there once the ledger knows its digest: no
	// file lies about that is not on the log.
	file, err := os.CreateTemp(filepath.Dir(path), ".socho-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // gone where it was put in place
	defer file.Close()           //nolint:errcheck // closed below, where it matters
	if err := p.file(ctx, out, word, file); err != nil {
		return nil, err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	return out, os.Rename(file.Name(), path)
}

// Gather puts the payouts that wait for the bank into a batch and closes it. Where
// none waits, it finds the last batch. A crash leaves an open batch, which the next
// call fills up and closes. Errors: ErrNothing; *RefusedError.
func (p *Process) Gather(ctx context.Context, o Export) (*Exported, error) {
	release, err := p.DB.LockOnce(ctx, "payouts:"+o.Organization)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	out := &Exported{Refused: map[string]int64{}}
	if o.Method == "" {
		o.Method = "account"
	}
	if out.batch, err = p.batchFor(ctx, &o, out); err != nil {
		return nil, err
	}
	state, found, err := p.total(ctx, o.Organization, "batch:"+out.batch.Batch)
	if err != nil {
		return nil, err
	}
	if !found || state.State == projections.BatchOpen || state.State == projections.BatchCancelled {
		return nil, fmt.Errorf("batch %s is not closed", out.batch.Batch)
	}
	amount, err := state.sum()
	out.Batch, out.Count, out.Sum = out.batch.Batch, state.Count, string(amount.Amount)
	return out, err
}

// File makes the file of a closed batch, and hands it over once the ledger has its
// digest. It is kept packed in memory, so that nothing with names and accounts lies
// on the server's disk. Errors: *RefusedError, above all file_differs.
func (p *Process) File(ctx context.Context, o Export) (*Exported, io.Reader, error) {
	word, ok := formatOf(o.Format)
	if !ok || o.Batch == "" {
		return nil, nil, fmt.Errorf("no format %q, or no batch", o.Format)
	}
	out, err := p.Gather(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	var held bytes.Buffer
	pack, err := flate.NewWriter(&held, flate.BestSpeed)
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(p.file(ctx, out, word, pack), pack.Close()); err != nil {
		return nil, nil, err
	}
	return out, flate.NewReader(&held), nil
}

// file writes the file of a batch, and its digest onto the log.
func (p *Process) file(ctx context.Context, out *Exported, format string, w io.Writer) error {
	organization := out.batch.Organization
	state, _, err := p.total(ctx, organization, "batch:"+out.Batch)
	if err != nil {
		return err
	}
	digest := sha256.New()
	if err := p.write(ctx, out.batch, state, formats[format], w, digest); err != nil {
		return err
	}
	out.Format, out.Digest = format, hex.EncodeToString(digest.Sum(nil))
	_, err = p.say(ctx, p.envelope(organization, "export-"+hashed(40, "export", out.Batch, format, out.Digest), "benefit.batch_exported"),
		&events.BatchExported{Dated: events.Dated{EffectiveOn: out.batch.OpenedOn}, Batch: events.PayoutID(out.Batch), Format: events.Word(format), Digest: events.Digest(out.Digest)})
	return err
}

// batchFor finds the batch to write: the one named, one that was left open, a new
// one of what waits, or the last one.
func (p *Process) batchFor(ctx context.Context, o *Export, out *Exported) (projections.Batch, error) {
	prefix := "B" + monthOf(o.Period) + "-"
	suffix := "-" + hashed(12, "batch", o.Organization)
	all, err := p.Read.Batches(ctx, o.Organization, prefix)
	if err != nil {
		return projections.Batch{}, err
	}
	var last, named *projections.Batch
	number := 0
	for i := range all {
		b := &all[i]
		if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(b.Batch, prefix), suffix)); err == nil {
			number = max(number, n)
		}
		switch {
		case b.Batch == o.Batch:
			named = b
		case b.Method != o.Method || b.State == projections.BatchCancelled:
		default:
			last = b
		}
	}
	switch {
	case o.Batch != "" && named == nil:
		return projections.Batch{}, fmt.Errorf("%s has no batch %s for %s", o.Organization, o.Batch, o.Period)
	case named != nil:
		return *named, nil
	case last != nil && last.State == projections.BatchOpen:
		b := *last
		filled, err := p.fill(ctx, o, b, out)
		if err != nil || filled {
			return b, err
		}
		return p.batchFor(ctx, o, out) // it was empty, and is cancelled now
	}
	waiting, err := p.Read.Unsent(ctx, o.Organization, o.Period, o.Method, o.Returned, 1)
	if err != nil {
		return projections.Batch{}, err
	}
	if len(waiting) > 0 {
		b := projections.Batch{Organization: o.Organization, Batch: fmt.Sprintf("%s%03d%s", prefix, number+1, suffix), Method: o.Method, OpenedOn: p.today()}
		if b, err = p.openBatch(ctx, o, b); err != nil {
			return b, err
		}
		filled, err := p.fill(ctx, o, b, out)
		if err != nil || filled {
			return b, err
		}
	}
	if last == nil {
		return projections.Batch{}, ErrNothing
	}
	return *last, nil
}

func (p *Process) openBatch(ctx context.Context, o *Export, b projections.Batch) (projections.Batch, error) {
	if o.Account == "" {
		registered, err := p.Read.Organization(ctx, o.Organization)
		if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
			return b, err
		}
		if o.Account = registered.Account; o.Account == "" {
			return b, fmt.Errorf("%s has no account registered; name the one that pays with --account", o.Organization)
		}
	}
	if o.ExecuteOn == "" {
		o.ExecuteOn = string(p.today())
	}
	if _, err := p.say(ctx, p.envelope(o.Organization, "batch-"+hashed(40, "opened", b.Batch), "benefit.batch_opened"),
		&events.BatchOpened{Dated: events.Dated{EffectiveOn: b.OpenedOn}, Batch: events.PayoutID(b.Batch), Account: events.ID(o.Account), Method: events.Word(o.Method),
			Currency: money.VND, ExecuteOn: events.Date(o.ExecuteOn)}); err != nil {
		return b, err
	}
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return b, err
	}
	return p.Read.Batch(ctx, b.Batch) // as a later call finds it
}

// mostBatched bounds a batch, as the ledger does.
const mostBatched = 10_000_000

// fill puts what waits into an open batch and closes it; false where nothing got
// in, and the batch is cancelled.
func (p *Process) fill(ctx context.Context, o *Export, b projections.Batch, out *Exported) (bool, error) {
	on := events.Dated{EffectiveOn: b.OpenedOn}
	all, err := p.Read.Unsent(ctx, o.Organization, o.Period, o.Method, o.Returned, mostBatched)
	if err != nil {
		return false, err
	}
	done, err := p.publish(ctx, o.Organization, func(say func(events.Envelope, events.Fact, map[string]string) error) error {
		for at, w := range all {
			if at%page == 0 {
				p.far(at, len(all))
			}
			amount, err := sum(w.Amount)
			if err != nil {
				return err
			}
			e := p.envelope(o.Organization, "batched-"+hashed(40, "batched", b.Batch, w.Payout), "benefit.payout_batched")
			e.Time = events.Time(string(b.OpenedOn) + "T00:00:00+07:00")
			if err := say(e, &events.PayoutBatched{Dated: on, Sum: amount, Batch: events.PayoutID(b.Batch), Payout: events.PayoutID(w.Payout)}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for code, n := range done.codes {
		out.Refused[code] += n
	}
	state, _, err := p.total(ctx, o.Organization, "batch:"+b.Batch)
	if err != nil {
		return false, err
	}
	if state.State != projections.BatchOpen {
		return true, nil
	}
	if state.Count == 0 {
		_, err := p.say(ctx, p.envelope(o.Organization, uuid.Must(uuid.NewV7()).String(), "benefit.batch_cancelled"),
			&events.BatchCancelled{Dated: on, Batch: events.PayoutID(b.Batch), Reason: "empty"})
		if err == nil {
			err = p.Service.WaitForProjections(ctx)
		}
		return false, err
	}
	amount, err := state.sum()
	if err != nil {
		return false, err
	}
	count := events.Count(state.Count)
	if _, err := p.say(ctx, p.envelope(o.Organization, "closed-"+hashed(40, "closed", b.Batch, string(state.Digest)), "benefit.batch_closed"),
		&events.BatchClosed{Dated: on, Sum: amount, Batch: events.PayoutID(b.Batch), Count: &count, Digest: state.Digest}); err != nil {
		return false, err
	}
	out.New = true
	return true, p.Service.WaitForProjections(ctx)
}

// personal fields that a file for the bank needs.
var instructed = []string{"account", "account_name", "bank_bin", "name"}

// write writes the file of a batch as the log has it.
func (p *Process) write(ctx context.Context, b projections.Batch, state total, format func(io.Writer, payfile.Order, payfile.Transfers) error, w io.Writer, digest hash.Hash) error {
	organization, err := p.Read.Organization(ctx, b.Organization)
	if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
		return err
	}
	if organization.Name == "" {
		organization.Name = b.Organization
	}
	account := b.Account
	if !digits(account, len(account)) && organization.Account != "" { // a name for it, not its number
		account = organization.Account
	}
	order := payfile.Order{ID: b.Batch, CreatedAt: b.OpenedAt.In(ict), ExecuteOn: string(b.ExecuteOn), Debtor: organization.Name, Account: account,
		BIN: organization.BankBIN, Count: state.Count, Sum: state.Sum}
	if err := p.unsealed(ctx, b.Organization, b.Batch, "payout_export", instructed); err != nil {
		return err
	}
	return format(io.MultiWriter(w, digest), order, func(say func(payfile.Transfer) error) error {
		done := 0
		for after := int64(-1); ; {
			some, err := p.Read.BatchedPayouts(ctx, b.Organization, b.Batch, after, page)
			if err != nil || len(some) == 0 {
				return err
			}
			after = some[len(some)-1].At
			places := make([]projections.Position, len(some))
			for i := range some {
				places[i] = some[i].Entry
			}
			clear, err := p.opened(ctx, b.Organization, places, instructed)
			if err != nil {
				return err
			}
			p.far(done, int(state.Count))
			done += len(some)
			for i, t := range some {
				c := clear[i]
				if c["account"] == "" || c["bank_bin"] == "" {
					return fmt.Errorf("payout %s has no account that can be read: its list gave none, or the person is erased", t.Payout)
				}
				name := c["account_name"]
				if name == "" {
					name = c["name"]
				}
				if err := say(payfile.Transfer{ID: t.Payout, Amount: t.Amount, Name: name, Account: c["account"], BIN: c["bank_bin"], Text: "TRO CAP " + b.Batch[1:7] + " " + t.Payout}); err != nil {
					return err
				}
			}
		}
	})
}

// Submitted is a file that was handed to the bank.
type Submitted struct {
	Organization string `json:"organization"`
	Batch        string `json:"batch"`
	Digest       string `json:"digest"`
}

// Submit records that a file goes to the bank. Errors: *sheet.FileError where it is no
// file of ours; *RefusedError, above all file_differs where it was altered.
func (p *Process) Submit(ctx context.Context, src io.ReadSeeker) (*Submitted, error) {
	digest := sha256.New()
	if _, err := io.Copy(digest, src); err != nil {
		return nil, err
	}
	out := &Submitted{Digest: hex.EncodeToString(digest.Sum(nil))}
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	b, err := p.Read.BatchOfFile(ctx, out.Digest)
	if errors.Is(err, readmodel.ErrNotFound) {
		// Not as it was exported: the ledger says so, of the batch it claims to be.
		var id string
		if id, err = batchIn(src); err == nil {
			b, err = p.Read.Batch(ctx, id)
		}
		if errors.Is(err, readmodel.ErrNotFound) {
			err = refuse("batch_unknown")
		}
	}
	if err != nil {
		return nil, err
	}
	if p.May != nil && !p.May(b.Organization) {
		return nil, refuse("batch_unknown")
	}
	out.Organization, out.Batch = b.Organization, b.Batch
	_, err = p.say(ctx, p.envelope(b.Organization, "submit-"+hashed(40, "submit", b.Batch, out.Digest), "benefit.batch_submitted"),
		&events.BatchSubmitted{Dated: events.Dated{EffectiveOn: p.today()}, Batch: events.PayoutID(b.Batch), Digest: events.Digest(out.Digest)})
	return out, err
}

// batchIn reads which batch a payment order or sheet says it is.
func batchIn(src io.ReadSeeker) (string, error) {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if r, err := bank.Parse(src, bank.Options{}, nil); err != nil {
		return "", err
	} else if r.Order != nil && r.Order.MessageID != "" {
		return r.Order.MessageID, nil
	}
	t, err := resultForm.Open(src)
	if err != nil {
		return "", refuse("no_order")
	}
	defer t.Close()
	if err := t.Next(); err != nil || t.Get("batch") == "" {
		return "", refuse("batch_missing")
	}
	return t.Get("batch"), nil
}
