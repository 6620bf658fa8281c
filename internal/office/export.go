package office

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"socho/events"
	"socho/internal/books"
	"socho/internal/money"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/projections"
)

// Kinds are the sheets that can be exported.
var Kinds = []string{"classes", "items", "pupils", "debts", "cashbook", "balance", "journal"}

// Export asks for a sheet.
type Export struct {
	Organization string
	Kind         string        // of Kinds
	Period       events.Period // bills of this month, or what is effective in it; empty: all
	Class        string        // bills of this class alone
	On           events.Date   // debts are aged by this day
	Names        bool          // personal: whoever asks has the right, and it is written down
	Progress     Progress
}

// Personal says that a sheet holds names of people where they are asked for.
func Personal(kind string) bool {
	return slices.Contains([]string{"items", "pupils", "debts"}, kind)
}

// ErrKind: there is no such sheet.
var ErrKind = fmt.Errorf("expected one of %s", strings.Join(Kinds, ", "))

// Export makes a sheet of đồng. Errors: ErrNoOrganization; ErrKind; books.ErrBalance.
func (o *Office) Export(ctx context.Context, e Export) (*books.Table, error) {
	org, err := o.organization(ctx, e.Organization)
	if err != nil {
		return nil, err
	}
	head := books.Head{Name: org.Name, Organization: org.Organization, Period: string(e.Period), Currency: money.VND}
	if !slices.Contains(Kinds, e.Kind) {
		return nil, fmt.Errorf("%q: %w", e.Kind, ErrKind)
	}
	if i := slices.Index(Kinds, e.Kind); i >= slices.Index(Kinds, "cashbook") {
		return o.fromLedger(ctx, e, org, head)
	}
	filter := readmodel.BillFilter{Period: string(e.Period), Class: e.Class, Unpaid: e.Kind == "debts"}
	found, at, err := o.Model.AllBills(ctx, org.Organization, filter)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(b projections.Bill) bool { return b.Currency != money.VND })
	head.AsOf = map[int]int64{org.At.Shard: at[org.At.Shard]}
	var bills []books.Bill
	if e.Names || e.Kind == "items" || e.Kind == "classes" {
		bills, err = o.issued(ctx, found, e.Names && Personal(e.Kind), e.Progress)
		if err != nil {
			return nil, err
		}
	} else {
		for _, b := range found {
			bills = append(bills, books.Bill{Bill: b})
		}
	}
	words, err := o.called(ctx, org.Organization)
	if err != nil {
		return nil, err
	}
	switch e.Kind {
	case "classes":
		return books.Classes(head, bills, words), nil
	case "items":
		return books.Items(head, bills, words), nil
	case "pupils":
		return books.Holders(head, bills), nil
	}
	return books.Debts(head, bills, e.On), nil
}

// fromLedger makes the sheets of accounts and postings, all as of one position.
func (o *Office) fromLedger(ctx context.Context, e Export, org projections.Organization, head books.Head) (*books.Table, error) {
	heads, err := o.App.Heads(ctx)
	if err != nil {
		return nil, err
	}
	shard := org.At.Shard
	head.AsOf = map[int]int64{shard: heads[shard].NextOffset}
	as := postgres.AsOf{Position: head.AsOf}
	codes, err := o.Codes(ctx, org)
	if err != nil {
		return nil, err
	}
	var from, to events.Date
	if e.Period != "" {
		from, to = events.Date(e.Period+"-01"), e.Period.End()
	}
	if e.Kind == "balance" {
		as.Effective = to
		balances, err := o.balances(ctx, org.Organization, as, "")
		if err != nil {
			return nil, err
		}
		return books.Trial(head, balances, codes)
	}
	var postings []books.Posting
	err = o.Ledger.Journal(ctx, org.Organization, money.VND, from, to, as, func(p postgres.Posting, minor int64) error {
		if tradersOwn(p.Debit) {
			return nil
		}
		postings = append(postings, books.Posting{At: projections.Position{Shard: p.Shard, Offset: p.Offset}, Line: p.Line, On: p.EffectiveOn, EventID: p.EventID, Code: p.Code,
			Debit: p.Debit, Credit: p.Credit, Minor: minor})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if e.Kind == "journal" {
		return books.Journal(head, postings, codes), nil
	}
	opening := map[string]int64{}
	if from != "" {
		as.Effective = events.Period(from[:7]).Previous().End()
		for _, box := range []string{"bank:", "cash:"} {
			held, err := o.balances(ctx, org.Organization, as, box)
			if err != nil {
				return nil, err
			}
			for _, b := range held {
				opening[b.Path] = b.Debits.Sub(b.Credits).IntPart()
			}
		}
	}
	return books.CashBook(head, opening, postings), nil
}

// balances lists accounts in đồng, by name.
func (o *Office) balances(ctx context.Context, organization string, as postgres.AsOf, prefix string) (all []books.Balance, err error) {
	err = o.Ledger.Balances(ctx, organization+":"+prefix, as, func(b postgres.Balance) error {
		_, path, _ := strings.Cut(b.Account, ":")
		if b.Currency != money.VND || tradersOwn(path) {
			return nil
		}
		debits, err := decimal.NewFromString(b.Debits)
		if err != nil {
			return err
		}
		credits, err := decimal.NewFromString(b.Credits)
		all = append(all, books.Balance{Path: path, Kind: b.Kind, Debits: debits, Credits: credits})
		return err
	})
	return all, err
}

// tradersOwn says that an account is a trader's own (decision 21): her takings are
// no part of the market's books, and nobody else's to hand on. Both sides of what
// moves there are hers, so the rest balances without them.
func tradersOwn(path string) bool { return strings.HasPrefix(path, "trader:") }

// File writes a sheet as a file of a format, xlsx or csv.
func File(t *books.Table, format string) (name, kind string, content []byte, err error) {
	var out bytes.Buffer
	write, kind := t.WriteXLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	if format == "csv" {
		write, kind = t.WriteCSV, "text/csv; charset=utf-8"
	} else {
		format = "xlsx"
	}
	name = t.Organization + "-" + t.Kind
	if t.Period != "" {
		name += "-" + t.Period
	}
	err = write(&out)
	return name + "." + format, kind, out.Bytes(), err
}

// Arrears adds up what is owed in đồng by class, or stall, and age on a day.
func (o *Office) Arrears(ctx context.Context, organization string, on events.Date) (groups []books.Owing, all books.Owing, err error) {
	bills, _, err := o.Model.AllBills(ctx, organization, readmodel.BillFilter{Unpaid: true})
	if err != nil {
		return nil, all, err
	}
	bills = slices.DeleteFunc(bills, func(b projections.Bill) bool { return b.Currency != money.VND })
	groups, all = books.Arrears(bills, on, books.GroupOf)
	return groups, all, nil
}
