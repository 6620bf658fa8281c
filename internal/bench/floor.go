package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"socho/events"
	"socho/internal/postgres"
	"socho/internal/service"
	"socho/ledger"
)

const floorSchema = "bench_floor"

// floorMost bounds the payments that are decided and held in memory at once.
const floorMost = 100_000

// floor is what the service's own tables cost: batches that were decided
// beforehand, written by the service's own writer into tables that began as a
// copy of the service's, from as many connections.
type floor struct {
	db        *postgres.DB
	streams   []*stream
	shards    []*floorShard
	transfers int64
	took      time.Duration
}

type floorShard struct {
	head  ledger.Head
	epoch int64
	book  *overlay
}

// newFloor copies the ledger as it stands. Its streams go on where the service's
// have come to.
func newFloor(ctx context.Context, url string, load Load) (*floor, error) {
	if err := postgres.Migrate(ctx, url, floorSchema, postgres.LedgerMigrations()); err != nil {
		return nil, err
	}
	owner, err := postgres.OpenMaintenance(ctx, url, floorSchema)
	if err != nil {
		return nil, err
	}
	defer owner.Close()
	if _, err := owner.Exec(ctx, `SET session_replication_role = replica;
		INSERT INTO positions SELECT * FROM ledger.positions;
		INSERT INTO accounts SELECT * FROM ledger.accounts ORDER BY shard, account;
		INSERT INTO balances SELECT * FROM ledger.balances ORDER BY shard, account;
		INSERT INTO rule_state SELECT * FROM ledger.rule_state;
		INSERT INTO outcomes SELECT * FROM ledger.outcomes ORDER BY shard, log_offset;
		INSERT INTO transfers SELECT * FROM ledger.transfers ORDER BY shard, log_offset, line;
		RESET session_replication_role;`); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	if _, err := owner.Exec(ctx, `VACUUM ANALYZE positions, accounts, balances, rule_state, outcomes, transfers`); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	f := &floor{streams: streams(load)}
	if f.db, err = postgres.Open(ctx, url, floorSchema); err != nil {
		return nil, err
	}
	for shard := range load.Shards {
		head, epoch, err := f.db.Acquire(ctx, shard, load.Shards)
		if err != nil {
			return nil, err
		}
		f.shards = append(f.shards, &floorShard{head, epoch, newOverlay()})
	}
	return f, nil
}

// skip takes over where the publisher's streams stand: after the books were
// opened, and so many payments.
func (f *floor) skip(payments int) {
	var room []byte
	for _, s := range f.streams {
		for range s.opening() {
			_, room = s.open(room[:0])
		}
		for range s.share(payments) {
			_, room = s.pay(room[:0])
		}
	}
}

// run decides n payments in batches of the given size, then writes them, and
// takes the time of the writing alone.
func (f *floor) run(ctx context.Context, n, batch int) error {
	ready := make([][]*ledger.Batch, len(f.shards))
	for i := range f.shards {
		var err error
		if ready[i], err = f.decide(ctx, i, f.streams[i].share(n), batch); err != nil {
			return fmt.Errorf("floor: %w", err)
		}
	}
	turn := make(chan int, len(ready))
	for i := range ready {
		turn <- i
	}
	close(turn)
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range service.Writers(len(f.shards)) {
		group.Go(func() error {
			for i := range turn {
				s := f.shards[i]
				for _, b := range ready[i] {
					if _, err := f.db.Write(ctx, i, s.epoch, func(ledger.Store) (*ledger.Batch, error) { return b, nil }); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	f.took += time.Since(began)
	for _, batches := range ready {
		for _, b := range batches {
			for _, t := range b.Transfers {
				f.transfers += int64(len(t))
			}
		}
	}
	return nil
}

// errLooked ends a transaction that was only to be looked through.
var errLooked = errors.New("looked")

// decide works out the batches of one shard against the floor's tables as they
// will be then.
func (f *floor) decide(ctx context.Context, shard, n, size int) (batches []*ledger.Batch, err error) {
	s := f.shards[shard]
	_, err = f.db.Write(ctx, shard, s.epoch, func(under ledger.Store) (*ledger.Batch, error) {
		s.book.Store = under
		for left := n; left > 0; {
			records := make([]events.Record, min(size, left))
			headers := stamps(time.Now())
			for i := range records {
				key, value := f.streams[shard].pay(nil)
				records[i] = events.Record{Shard: shard, Offset: s.head.NextOffset + int64(i), Key: []byte(key), Value: value, Headers: headers}
			}
			b, err := ledger.Decide(ctx, s.head, records, s.book)
			if err != nil {
				return nil, err
			}
			s.book.apply(b)
			s.head = b.Head
			batches = append(batches, b)
			left -= len(records)
		}
		return nil, errLooked
	})
	s.book.Store = nil
	if errors.Is(err, errLooked) {
		err = nil
	}
	return batches, err
}

func (f *floor) rate() float64 { return perSecond(f.transfers, f.took) }

// overlay is a store with the effects of batches that are not written yet over
// it. Payments open no claim twice, so claims are not looked for.
type overlay struct {
	ledger.Store
	accounts map[ledger.AccountName]ledger.Account
	state    map[ledger.StateKey][]byte
}

func newOverlay() *overlay {
	return &overlay{accounts: map[ledger.AccountName]ledger.Account{}, state: map[ledger.StateKey][]byte{}}
}

func (o *overlay) apply(b *ledger.Batch) {
	for _, a := range b.Accounts {
		o.accounts[ledger.AccountName{Organization: a.Organization, Path: a.Path}] = a
	}
	for _, c := range b.Changes {
		o.state[c.StateKey] = c.Value
	}
}

// Claims implements ledger.Store.
func (*overlay) Claims(context.Context, int, []ledger.Claim) (map[ledger.Claim]ledger.Claimed, error) {
	return nil, nil
}

// Accounts implements ledger.Store.
func (o *overlay) Accounts(ctx context.Context, shard int, names []ledger.AccountName) (map[ledger.AccountName]ledger.Account, error) {
	return over(o.accounts, names, func(missing []ledger.AccountName) (map[ledger.AccountName]ledger.Account, error) {
		return o.Store.Accounts(ctx, shard, missing)
	})
}

// State implements ledger.Store.
func (o *overlay) State(ctx context.Context, shard int, keys []ledger.StateKey) (map[ledger.StateKey][]byte, error) {
	return over(o.state, keys, func(missing []ledger.StateKey) (map[ledger.StateKey][]byte, error) {
		return o.Store.State(ctx, shard, missing)
	})
}

func over[K comparable, V any](known map[K]V, keys []K, read func([]K) (map[K]V, error)) (map[K]V, error) {
	found := make(map[K]V, len(keys))
	missing := slices.DeleteFunc(slices.Clone(keys), func(k K) bool {
		v, ok := known[k]
		if ok {
			found[k] = v
		}
		return ok
	})
	if len(missing) == 0 {
		return found, nil
	}
	under, err := read(missing)
	maps.Copy(found, under)
	maps.Copy(known, under)
	return found, err
}
