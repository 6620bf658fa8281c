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
	"context"
	"errors"
	"fmt"

	"socho/events"
	"socho/internal/books"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/internal/vault"
	"socho/projections"
)

// Records are the log's.
type Records interface {
	At(ctx context.Context, shard int, offset int64) (events.Record, error)
}

// Office reads through Ledger and Model, which may hold back what is of
// organizations that the principal of the context has nothing to do with. App are
// the tables of the service itself.
type Office struct {
	Ledger *postgres.DB
	Model  *readmodel.DB
	App    *postgres.DB
	Log    Records
	Vault  *vault.Vault
	Words  books.Words // in Vietnamese: sheets and slips are
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
	var refs []vault.Ref
	sealed := map[int]sealedName{}
	for i := range bills {
		all[i].Bill = bills[i]
		progress.tell(i, len(bills))
		record, err := o.Log.At(ctx, bills[i].First.Shard, bills[i].First.Offset)
		if err != nil {
			return nil, fmt.Errorf("record %d:%d of bill %s: %w", bills[i].First.Shard, bills[i].First.Offset, bills[i].Bill, err)
		}
		e, err := events.Decode(record.Value)
		if err != nil {
			continue
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
	}
	progress.tell(len(bills), len(bills))
	if len(refs) == 0 {
		return all, nil
	}
	keys, err := o.Vault.Opener(ctx, refs)
	if err != nil {
		return nil, err
	}
	for i, s := range sealed {
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
