package readmodel

import (
	"context"
	"errors"
	"io/fs"

	"socho/projections"
)

var errSoon = errors.New("not there yet")

// DB is a pool of connections to the tables of the projections.
type DB struct{}

// Open connects with the service's role.
func Open(ctx context.Context, url string) (*DB, error) { return nil, errSoon }

// Close closes every connection.
func (db *DB) Close() {}

// Migrations builds the tables; apply them with postgres.Migrate to Schema.
func Migrations() fs.FS { return nil }

// Figures answers a query: one figure for each kind of rate that it asks for,
// with the events behind it.
func (db *DB) Figures(ctx context.Context, q projections.Query) ([]projections.Figure, error) {
	return nil, errSoon
}

// Breakdown answers a query unit by unit, sorted by unit; q.Unit is ignored.
// Events are left out.
func (db *DB) Breakdown(ctx context.Context, q projections.Query) ([]projections.Figure, error) {
	return nil, errSoon
}

// Trend gives a figure for each of the latest complete months, the oldest
// first. q.Period is the last month, or empty; q.By must be set. Events are
// left out.
func (db *DB) Trend(ctx context.Context, q projections.Query, months int) ([]projections.Figure, error) {
	return nil, errSoon
}

// LatestPeriod is the latest complete month of a domain. Errors: ErrNotFound
// where the domain has no fact yet.
func (db *DB) LatestPeriod(ctx context.Context, domain string) (string, error) { return "", errSoon }

// Organizations lists organizations by name.
func (db *DB) Organizations(ctx context.Context, f OrganizationFilter, p Page) ([]projections.Organization, string, error) {
	return nil, "", errSoon
}

// Organization returns one. Errors: ErrNotFound.
func (db *DB) Organization(ctx context.Context, organization string) (projections.Organization, error) {
	return projections.Organization{}, errSoon
}

// BillPeriods lists the months for which an organization has bills, the latest
// first, at most MaxMonths.
func (db *DB) BillPeriods(ctx context.Context, organization string) ([]string, error) {
	return nil, errSoon
}

// Bills lists an organization's bills, by holder, period and bill.
func (db *DB) Bills(ctx context.Context, organization string, f BillFilter, p Page) ([]projections.Bill, string, error) {
	return nil, "", errSoon
}

// Bill returns one bill. Errors: ErrNotFound.
func (db *DB) Bill(ctx context.Context, organization, bill string) (projections.Bill, error) {
	return projections.Bill{}, errSoon
}

// BillTotals sums an organization's bills, a row for each currency.
func (db *DB) BillTotals(ctx context.Context, organization string, f BillFilter) ([]BillTotal, error) {
	return nil, errSoon
}

// Stalls lists a market's stalls with their bills of a period; with no period,
// of all time.
func (db *DB) Stalls(ctx context.Context, organization, period string, p Page) ([]StallRow, string, error) {
	return nil, "", errSoon
}

// Holdings lists money on its way: projections.HoldingCollector, … or all
// kinds. What is empty is left out.
func (db *DB) Holdings(ctx context.Context, organization, kind string, p Page) ([]projections.Holding, string, error) {
	return nil, "", errSoon
}

// Payouts lists a fund's payouts, by period, person and payout.
func (db *DB) Payouts(ctx context.Context, organization string, f PayoutFilter, p Page) ([]projections.Payout, string, error) {
	return nil, "", errSoon
}

// Payout returns one payout. Errors: ErrNotFound.
func (db *DB) Payout(ctx context.Context, organization, payout string) (projections.Payout, error) {
	return projections.Payout{}, errSoon
}

// PayoutSummary says where a fund's month stands.
func (db *DB) PayoutSummary(ctx context.Context, organization, period string) (PayoutSummary, error) {
	return PayoutSummary{}, errSoon
}

// Entitlements lists who may receive what in a period, by person and
// programme.
func (db *DB) Entitlements(ctx context.Context, organization, period string, p Page) ([]projections.Entitlement, string, error) {
	return nil, "", errSoon
}

// Trace lists the events behind a subject in log order.
func (db *DB) Trace(ctx context.Context, s Subject, p Page) ([]projections.TracedEvent, string, error) {
	return nil, "", errSoon
}

// Positions says how far each projection has folded each shard.
func (db *DB) Positions(ctx context.Context) (map[string]map[int]int64, error) { return nil, errSoon }
