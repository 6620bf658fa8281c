// Package office is a finance office at its desk: what it hands on as sheets and
// paper, and the runs by which a school or a market bills. It joins what the pure
// packages books, billing and print work on (the read model, the ledger, the log,
// the keys) and decides nothing of its own.
//
//	desk := &office.Office{Ledger: db, Model: read, Log: log, Vault: vault, Words: words}
//	table, err := desk.Export(ctx, office.Export{Organization: "hg-truong-mau", Kind: "debts", On: "2026-09-30"})
//	err = table.WriteXLSX(w)
package office

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"socho/events"
	"socho/internal/books"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/internal/vault"
	"socho/projections"
)

// Records are the log's: those that follow each other from an offset on, none where
// nothing comes within the wait.
type Records interface {
	Read(ctx context.Context, shard int, offset int64, wait time.Duration) ([]events.Record, error)
}

// readWait bounds how long the log is waited for.
const readWait = 10 * time.Second

// records calls each for the records that stand at positions. A run's bills follow
// each other, so what one answer of the log holds is used for all of them.
func (o *Office) records(ctx context.Context, at []projections.Position, each func(i int, r *events.Record) error) error {
	order := make([]int, len(at))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(at[a].Shard, at[b].Shard), cmp.Compare(at[a].Offset, at[b].Offset))
	})
	var read []events.Record
	for _, i := range order {
		p := at[i]
		if len(read) == 0 || read[0].Shard != p.Shard || p.Offset < read[0].Offset || p.Offset >= read[0].Offset+int64(len(read)) {
			var err error
			if read, err = o.Log.Read(ctx, p.Shard, p.Offset, readWait); err != nil {
				return err
			}
			if len(read) == 0 || read[0].Offset != p.Offset {
				return fmt.Errorf("the log does not answer with record %d:%d", p.Shard, p.Offset)
			}
		}
		if err := each(i, &read[p.Offset-read[0].Offset]); err != nil {
			return err
		}
	}
	return nil
}

// Office reads through Ledger and Model, which may hold back what is of
// organizations that the principal of the context has nothing to do with. App are
// the tables of the service itself. Everything sees all organizations, which may
// share a receiving account.
type Office struct {
	Ledger     *postgres.DB
	Model      *readmodel.DB
	Everything *readmodel.DB
	App        *postgres.DB
	Log        Records
	Vault      *vault.Vault
	Words      books.Words // in Vietnamese: sheets and slips are
	Recorder   Recorder
	Actor      string // as intake stamps it
	Persons    []byte // the key that opaque ids of pupils come from
	References []byte // the key that reference codes are drawn by
	Links      []byte // the key that links of families come from
}

// For returns the same office in somebody's name.
func (o *Office) For(actor string) *Office {
	as := *o
	as.Actor = actor
	return &as
}

// Source names what the office says on the log.
const Source = events.OwnSources + "office"

// Progress hears how much of a long piece of work is done; it may be nil.
type Progress func(done, of int)

func (p Progress) tell(done, of int) {
	if p != nil {
		p(done, of)
	}
}

// ErrNoOrganization: nobody of that id keeps a book here.
var ErrNoOrganization = errors.New("no organization of that name is registered")

func (o *Office) organization(ctx context.Context, id string) (projections.Organization, error) {
	found, err := o.Model.Organization(ctx, id)
	if errors.Is(err, readmodel.ErrNotFound) {
		err = fmt.Errorf("%s: %w", id, ErrNoOrganization)
	}
	return found, err
}

// issued reads what only their events say of bills: the items, and with names the
// names that stand sealed in them. A bill that no event issued, such as an opening
// balance, has neither; a name whose key is destroyed is left out.
func (o *Office) issued(ctx context.Context, bills []projections.Bill, names bool, progress Progress) ([]books.Bill, error) {
	all := make([]books.Bill, len(bills))
	at := make([]projections.Position, len(bills))
	for i := range bills {
		all[i].Bill, at[i] = bills[i], bills[i].First
	}
	var refs []vault.Ref
	sealed := map[int]sealedName{}
	done := 0
	if err := o.records(ctx, at, func(i int, record *events.Record) error {
		progress.tell(done, len(bills))
		done++
		e, err := events.Decode(record.Value)
		if err != nil {
			return nil // no event has issued this bill
		}
		var of events.Of
		switch f := e.Fact.(type) {
		case *events.FeeAssessed:
			all[i].Items, of = f.Items, f.Of
		case *events.BillIssued:
			all[i].Items, of = f.Items, f.Of
		}
		if text := of.Sealed["name"]; names && text != "" {
			refs = append(refs, vault.Ref{Organization: e.Subject, Person: string(of.Person)})
			sealed[i] = sealedName{events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: "name"}, string(of.Person), text}
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading bills: %w", err)
	}
	progress.tell(len(bills), len(bills))
	if names && len(bills) > 0 {
		enrolled, err := o.Names(ctx, bills[0].Organization)
		if err != nil {
			return nil, err
		}
		for i := range all {
			all[i].Name = enrolled[all[i].Person]
		}
	}
	if len(refs) == 0 {
		return all, nil
	}
	keys, err := o.Vault.Opener(ctx, refs)
	if err != nil {
		return nil, err
	}
	for i, s := range sealed {
		if all[i].Name != "" {
			continue // as the school's list has it, which is later
		}
		clear, err := keys.Open(s.at, s.person, s.text)
		if errors.Is(err, vault.ErrErased) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the name in bill %s: %w", bills[i].Bill, err)
		}
		all[i].Name = clear
	}
	return all, nil
}

type sealedName struct {
	at           events.Place
	person, text string
}
