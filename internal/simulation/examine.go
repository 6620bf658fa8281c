package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"socho/events"
	"socho/internal/readmodel"
	"socho/internal/service"
	"socho/internal/simulation/auditor"
	"socho/projections"
)

// enough bounds how many problems of one kind are told.
const enough = 5

// examine holds what is left behind against what must be so. What it finds
// wrong are the run's problems; an error is one of the simulation's own.
func (r *run) examine(ctx context.Context, s *service.Service, brokers []string) error {
	if err := s.WaitForProjections(ctx); err != nil {
		return wrong("the ledger or its projections do not come to the end of the log: %v", err)
	}
	records, err := readLog(ctx, brokers)
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	kept, err := readTables(ctx, s.URL)
	if err != nil {
		return fmt.Errorf("reading the tables: %w", err)
	}
	r.checkAcknowledged(records)
	if err := r.checkAudit(records, kept); err != nil {
		return err
	}
	audit, err := s.Verify(ctx, false, true, nil)
	if err != nil {
		return wrong("verify: %v", err)
	}
	for _, p := range audit.Problems {
		r.problem("verify: %s", p)
	}
	for currency, sum := range audit.Sum {
		if sum != "0" {
			r.problem("the balances in %s sum to %s", currency, sum)
		}
	}
	return r.checkProjections(ctx, s)
}

// readLog reads every record with a client of its own, shards in order.
func readLog(ctx context.Context, brokers []string) ([]auditor.Record, error) {
	from := map[int32]kgo.Offset{}
	for shard := range int32(service.EmbeddedPartitions) {
		from[shard] = kgo.NewOffset().AtStart()
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{service.Topic: from}),
		kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	next, ends := map[int32]int64{}, map[int32]int64{}
	var records []auditor.Record
	complete := func() bool {
		for shard := range from {
			if end, known := ends[shard]; !known || next[shard] < end {
				return false
			}
		}
		return true
	}
	for !complete() {
		fetches := c.PollFetches(ctx)
		if err := errors.Join(fetches.Err(), ctx.Err()); err != nil {
			return nil, err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			ends[p.Partition] = p.HighWatermark
			for _, r := range p.Records {
				one := auditor.Record{Shard: int(r.Partition), Offset: r.Offset, Key: r.Key, Value: r.Value}
				for _, h := range r.Headers {
					if h.Key == events.HeaderRecordedAt {
						one.Stamps = append(one.Stamps, string(h.Value))
					}
				}
				records = append(records, one)
				next[p.Partition] = r.Offset + 1
			}
		})
	}
	slices.SortStableFunc(records, func(a, b auditor.Record) int { return a.Shard - b.Shard })
	return records, nil
}

// keyPlace is where franz-go puts a key, which is where Kafka's own clients do.
func keyPlace(key []byte, shards int) int {
	return kgo.StickyKeyPartitioner(nil).ForTopic(service.Topic).Partition(&kgo.Record{Key: key}, shards)
}

type place struct {
	shard  int
	offset int64
}

// tables is what the ledger holds, read past its own code.
type tables struct {
	outcomes map[place]outcome
	moves    map[place]map[[2]string]int64 // debit and credit → amount
	balances map[string]auditor.Sums
}

type outcome struct {
	status                   int16
	organization, source, id string
	code                     string
	recorded                 time.Time
	claims                   bool
}

// statuses are the numbers that the tables hold.
var statuses = map[string]int16{"posted": 1, "recorded": 2, "duplicate": 3, "conflict": 4, "refused": 5, "malformed": 6, "misrouted": 7}

func readTables(ctx context.Context, url string) (*tables, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has only read
	t := &tables{map[place]outcome{}, map[place]map[[2]string]int64{}, map[string]auditor.Sums{}}
	var at place
	var o outcome
	err = each(ctx, conn, `SELECT shard, log_offset, status, coalesce(organization, ''), coalesce(source, ''), coalesce(event_id, ''), code, recorded_at, claims FROM ledger.outcomes`,
		[]any{&at.shard, &at.offset, &o.status, &o.organization, &o.source, &o.id, &o.code, &o.recorded, &o.claims}, func() { t.outcomes[at] = o })
	if err != nil {
		return nil, err
	}
	var debit, credit, account string
	var amount int64
	err = each(ctx, conn, `SELECT t.shard, t.log_offset, d.organization || ':' || d.path, c.organization || ':' || c.path, t.amount::bigint
		FROM ledger.transfers t JOIN ledger.accounts d ON (d.shard, d.account) = (t.shard, t.debit) JOIN ledger.accounts c ON (c.shard, c.account) = (t.shard, t.credit)`,
		[]any{&at.shard, &at.offset, &debit, &credit, &amount}, func() {
			if t.moves[at] == nil {
				t.moves[at] = map[[2]string]int64{}
			}
			t.moves[at][[2]string{debit, credit}] += amount
		})
	if err != nil {
		return nil, err
	}
	var sums auditor.Sums
	return t, each(ctx, conn, `SELECT organization || ':' || path, debits::bigint, credits::bigint FROM ledger.balances JOIN ledger.accounts USING (shard, account)`,
		[]any{&account, &sums.Debits, &sums.Credits}, func() { t.balances[account] = sums })
}

// connect opens one connection to an address that may hold a pool's settings.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}

func each(ctx context.Context, conn *pgx.Conn, sql string, into []any, take func()) error {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error { take(); return nil })
	return err
}

// checkAcknowledged: what a publisher was told is safe is where it was told.
func (r *run) checkAcknowledged(records []auditor.Record) {
	at := map[place]auditor.Record{}
	for _, rec := range records {
		at[place{rec.Shard, rec.Offset}] = rec
	}
	missing := 0
	for _, a := range r.acknowledged {
		for offset := a.First; offset < a.Next; offset++ {
			rec, there := at[place{a.Shard, offset}]
			id := idOf(rec.Value)
			if there && (a.ids[id] || strings.Contains(string(rec.Value), "intake.undecodable")) {
				continue
			}
			if missing++; missing <= enough {
				r.problem("%d:%d was acknowledged, and the log does not hold it there but %q", a.Shard, offset, id)
			}
		}
	}
}

// idOf finds an event's id in its text.
func idOf(value []byte) string {
	_, after, _ := strings.Cut(string(value), `"id":"`)
	id, _, _ := strings.Cut(after, `"`)
	return id
}

// checkAudit lets the auditor go through the log, and compares.
func (r *run) checkAudit(records []auditor.Record, kept *tables) error {
	a := auditor.New(service.EmbeddedPartitions, keyPlace)
	differences := 0
	differs := func(format string, args ...any) {
		if differences++; differences <= enough {
			r.problem(format, args...)
		}
	}
	for _, rec := range records {
		v, err := a.Take(rec)
		if err != nil {
			return err
		}
		at := place{rec.Shard, rec.Offset}
		o, decided := kept.outcomes[at]
		delete(kept.outcomes, at)
		switch {
		case !decided:
			differs("%d:%d has no outcome", at.shard, at.offset)
		case o.status != statuses[v.Status] || (v.Code != "" && o.code != v.Code):
			differs("%d:%d (%s of %s): the auditor says %s %s, the ledger outcome %d %s", at.shard, at.offset, v.ID, v.Organization, v.Status, v.Code, o.status, o.code)
		case o.organization != v.Organization || o.source != v.Source || o.id != v.ID:
			differs("%d:%d: the ledger takes %s of %s for %s of %s", at.shard, at.offset, v.ID, v.Organization, o.id, o.organization)
		case o.claims != (v.Status == "posted" || v.Status == "recorded" || v.Status == "refused"):
			differs("%d:%d (%s of %s) is %s, and whether it claims its id says %v", at.shard, at.offset, v.ID, v.Organization, v.Status, o.claims)
		case !o.recorded.Equal(v.RecordedAt):
			differs("%d:%d: recorded at %s, by its stamps %s", at.shard, at.offset, o.recorded, v.RecordedAt)
		}
		moves := map[[2]string]int64{}
		for _, m := range v.Moves {
			moves[[2]string{m.Debit, m.Credit}] += m.Amount
		}
		if !maps.Equal(moves, kept.moves[at]) {
			differs("%d:%d (%s %s of %s): the auditor moves %v, the ledger %v", at.shard, at.offset, v.Type, v.ID, v.Organization, moves, kept.moves[at])
		}
	}
	for at := range kept.outcomes {
		differs("%d:%d has an outcome and is not on the log", at.shard, at.offset)
	}
	for name, sums := range kept.balances {
		if a.Balances[name] != sums {
			differs("balance of %s: the auditor has %v, the ledger %v", name, a.Balances[name], sums)
		}
	}
	for name := range a.Balances {
		if _, there := kept.balances[name]; !there {
			differs("the ledger has no account %s", name)
		}
	}
	if bad := a.Unbalanced(); bad != "" {
		r.problem("debits and credits differ: %s", bad)
	}
	r.checkWanted(a)
	if differences > enough {
		r.problem("… and %d more differences", differences-enough)
	}
	return nil
}

// checkWanted: every event has come to what its author knew it would.
func (r *run) checkWanted(a *auditor.Auditor) {
	missed := 0
	for _, l := range r.load.lines {
		if l.id == "" || l.want == "conflict" {
			continue
		}
		got := a.Claims[[3]string{l.org, source, l.id}].Status
		if got == l.want {
			continue
		}
		if missed++; missed <= enough {
			r.problem("%s of %s was to be %s and is %q", l.id, l.org, l.want, got)
		}
	}
}

// checkProjections folds everything accepted once more, into empty tables, and
// compares them row by row.
func (r *run) checkProjections(ctx context.Context, s *service.Service) (err error) {
	again, err := r.host.database(ctx, template)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.host.drop(context.WithoutCancel(ctx), again)) }()
	url := r.host.cluster.URL(again)
	store, err := readmodel.Open(ctx, url)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := (&projections.Runner{Source: s.Accepted(), Store: store}).Fold(ctx); err != nil {
		return wrong("folding everything again: %v", err)
	}
	live, err := dump(ctx, s.URL)
	if err != nil {
		return err
	}
	folded, err := dump(ctx, url)
	if err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(live)) {
		if live[table] == folded[table] {
			continue
		}
		have, want := strings.Split(live[table], "\n"), strings.Split(folded[table], "\n")
		for _, row := range have {
			if !slices.Contains(want, row) {
				r.problem("projections.%s holds %s, folded again it does not", table, row)
				break
			}
		}
		for _, row := range want {
			if !slices.Contains(have, row) {
				r.problem("projections.%s lacks %s", table, row)
				break
			}
		}
	}
	return nil
}

// singly reads payments one by one: which of them share a row follows from how
// the log was cut, and says nothing.
const singly = `SELECT shard, organization, effective_on, period, method, currency, source, log_offsets[n], bills[n], coalesce(persons[n], ''),
	amounts[n], event_ids[n], recorded_ats[n], record_hashes[n] FROM ` + readmodel.Schema + `.payment_runs, generate_subscripts(log_offsets, 1) AS n`

// dump returns the text of every table of the projections.
func dump(ctx context.Context, url string) (map[string]string, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has only read
	var names []string
	var name string
	if err := each(ctx, conn, `SELECT tablename FROM pg_tables WHERE schemaname = '`+readmodel.Schema+`' AND tablename NOT IN ('goose_db_version', 'migration_digests')`,
		[]any{&name}, func() { names = append(names, name) }); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, name := range names {
		var text string
		from := pgx.Identifier{readmodel.Schema, name}.Sanitize()
		if name == "payment_runs" {
			from = "(" + singly + ")"
		}
		if err := conn.QueryRow(ctx, `SELECT coalesce(string_agg(t::text, E'\n' ORDER BY t::text COLLATE "C"), '') FROM `+from+` t`).Scan(&text); err != nil {
			return nil, err
		}
		found[name] = text
	}
	return found, nil
}
