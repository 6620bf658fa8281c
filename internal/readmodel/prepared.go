package readmodel

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"socho/internal/pgcopy"
	"socho/projections"
)

// Prepared is steps of one shard in the form that they are written in. What
// there is much of are rows already, and nothing of it leads to an event or a
// record, so that it may wait its turn at little cost.
type Prepared struct {
	shard  int
	steps  []projections.Step
	facts  *pgcopy.Rows
	runs   *pgcopy.Rows
	traced *pgcopy.Rows
}

// Prepare brings steps into that form and keeps nothing of them.
func Prepare(shard int, steps []projections.Step) *Prepared {
	p := &Prepared{shard: shard, facts: pgcopy.New(factColumns), runs: pgcopy.New(runColumns), traced: pgcopy.New(tracedColumns)}
	for _, s := range steps {
		c := s.Changes
		factRows(p.facts, runRows(p.runs, c.Facts))
		tracedRows(p.traced, c.Amounts)
		p.steps = append(p.steps, projections.Step{Projection: s.Projection, From: s.From, To: s.To, Changes: &projections.Changes{
			Bills: slices.Clone(c.Bills), Payouts: slices.Clone(c.Payouts), Entitlements: slices.Clone(c.Entitlements),
			Stops: slices.Clone(c.Stops), Withdrawn: slices.Clone(c.Withdrawn), Organizations: slices.Clone(c.Organizations),
			Stalls: slices.Clone(c.Stalls), Holdings: slices.Clone(c.Holdings), Links: slices.Clone(c.Links),
			Lists: slices.Clone(c.Lists), ListEntries: slices.Clone(c.ListEntries), Removed: slices.Clone(c.Removed), Batches: slices.Clone(c.Batches),
			Files: slices.Clone(c.Files), Moves: slices.Clone(c.Moves), MovesWithdrawn: slices.Clone(c.MovesWithdrawn), Lines: slices.Clone(c.Lines), Uses: slices.Clone(c.Uses),
			Terms: slices.Clone(c.Terms), TermsWithdrawn: slices.Clone(c.TermsWithdrawn),
			Connections: slices.Clone(c.Connections), Sales: slices.Clone(c.Sales), Undone: slices.Clone(c.Undone),
			Cards: slices.Clone(c.Cards), Inspections: slices.Clone(c.Inspections), Alerts: slices.Clone(c.Alerts), Receipts: slices.Clone(c.Receipts),
			Consents: slices.Clone(c.Consents)}})
	}
	return p
}

// Size is about how many bytes it holds.
func (p *Prepared) Size() int {
	n := p.facts.Room() + p.runs.Room() + p.traced.Room()
	for i := range p.steps {
		c := p.steps[i].Changes
		n += roomOfSum*(len(c.Bills)+len(c.Payouts)) + roomOfRow*(len(c.Entitlements)+len(c.Stops)+len(c.Links)+len(c.Holdings)+len(c.ListEntries)+len(c.Moves)+len(c.Lines)+len(c.Uses)+2*len(c.Terms)+len(c.Sales)+len(c.Cards)+len(c.Inspections)+len(c.Receipts))
	}
	return n
}

// About what a row that is no COPY takes, with the words it holds.
const (
	roomOfSum = 800
	roomOfRow = 300
)

// Free gives its room back. It may not be used after that.
func (p *Prepared) Free() {
	p.facts.Free()
	p.runs.Free()
	p.traced.Free()
}

// Write writes what was prepared, in one transaction with the positions.
// Errors: projections.ErrMoved.
//
// A crash before the commit leaves nothing, one after it leaves the rows and
// the positions: the next runner goes on from there, and no step is written
// twice.
func (db *DB) Write(ctx context.Context, p *Prepared) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// The positions first: whoever lost the race waits here and touches
		// nothing else.
		if err := advance(ctx, tx, p.shard, p.steps); err != nil {
			return err
		}
		conn := tx.Conn().PgConn()
		if _, err := p.facts.CopyTo(ctx, conn, "adoption_facts", factNames); err != nil {
			return fmt.Errorf("adoption: %w", err)
		}
		if _, err := p.runs.CopyTo(ctx, conn, "payment_runs", runNames); err != nil {
			return fmt.Errorf("adoption: %w", err)
		}
		if _, err := p.traced.CopyTo(ctx, conn, "traced_amounts", tracedNames); err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		for i := range p.steps {
			if err := write(ctx, tx, p.steps[i].Changes); err != nil {
				return fmt.Errorf("%s: %w", p.steps[i].Projection, err)
			}
		}
		return nil
	})
}
