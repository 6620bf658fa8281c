package postgres

import (
	"context"
	"strings"
	"sync"

	"socho/ledger"
)

// Bounds on what is remembered of one shard. Beyond them the half that was not
// used lately is forgotten.
const (
	rememberedAccounts = 4_096
	rememberedState    = 4_096
)

// carefulBatches is for how many batches after a claim that was taken the
// claims are looked up beforehand: what comes twice comes in runs.
const carefulBatches = 16

// memories are what is remembered of each shard between two batches. A memory
// that is in use is taken out, so that one whose batch fails is gone.
type memories struct {
	mu sync.Mutex
	of map[int]*memory
}

// take returns what is remembered of a shard by the holder of this epoch.
func (m *memories) take(shard int, epoch int64) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.of[shard]
	delete(m.of, shard)
	if found == nil || found.epoch != epoch {
		return newMemory(epoch)
	}
	return found
}

func (m *memories) keep(shard int, one *memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[int]*memory{}
	}
	m.of[shard] = one
}

// memory is what one shard's tables hold, as its only writer left them.
type memory struct {
	epoch    int64
	next     int64 // offset up to which it is true
	used     bool  // anything is remembered
	careful  int   // batches whose claims are to be looked up
	accounts recent[ledger.AccountName, ledger.Account]
	state    recent[ledger.StateKey, []byte]
}

func newMemory(epoch int64) *memory {
	return &memory{epoch: epoch, accounts: newRecent[ledger.AccountName, ledger.Account](rememberedAccounts), state: newRecent[ledger.StateKey, []byte](rememberedState)}
}

// remember takes in what a batch has written.
func (m *memory) remember(b *ledger.Batch) {
	m.next, m.used = b.Head.NextOffset, true
	for i := range b.Accounts {
		a := &b.Accounts[i]
		m.accounts.put(ledger.AccountName{Organization: a.Organization, Path: a.Path}, *a)
	}
	for _, c := range b.Changes {
		m.state.put(ledger.StateKey{Organization: strings.Clone(c.Organization), Key: c.Key}, c.Value)
	}
	if m.careful == 0 {
		return
	}
	m.careful--
	for i := range b.Outcomes {
		if s := b.Outcomes[i].Status; s == ledger.Duplicate || s == ledger.Conflict {
			m.careful = carefulBatches
			return
		}
	}
}

// recent is a map that forgets: when the newer half is full, it becomes the
// older half, and what that was is gone. It keeps no key that it is asked with.
type recent[K comparable, V any] struct {
	newer, older map[K]kept[K, V]
	half         int
}

type kept[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](most int) recent[K, V] {
	return recent[K, V]{newer: map[K]kept[K, V]{}, half: most / 2}
}

func (r *recent[K, V]) get(k K) (v V, ok bool) {
	found, ok := r.newer[k]
	if !ok {
		if found, ok = r.older[k]; ok {
			r.put(found.key, found.value)
		}
	}
	return found.value, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if len(r.newer) >= r.half {
		if _, there := r.newer[k]; !there {
			r.newer, r.older = make(map[K]kept[K, V], r.half), r.newer
		}
	}
	r.newer[k] = kept[K, V]{k, v}
}

// batchStore is what deciding a batch reads: what is remembered first, then
// the tables, within the batch's own transaction.
type batchStore struct {
	store
	memory  *memory
	presume bool
}

var _ ledger.Presumer = (*batchStore)(nil)

// Presumes implements ledger.Presumer.
func (s *batchStore) Presumes() bool { return s.presume }

// Accounts implements ledger.Store. That there is no such account is not
// remembered.
func (s *batchStore) Accounts(ctx context.Context, shard int, names []ledger.AccountName) (map[ledger.AccountName]ledger.Account, error) {
	return through(&s.memory.accounts, names, func(missing []ledger.AccountName) (map[ledger.AccountName]ledger.Account, error) {
		return s.store.Accounts(ctx, shard, missing)
	})
}

// State implements ledger.Store.
func (s *batchStore) State(ctx context.Context, shard int, keys []ledger.StateKey) (map[ledger.StateKey][]byte, error) {
	return through(&s.memory.state, keys, func(missing []ledger.StateKey) (map[ledger.StateKey][]byte, error) {
		return s.store.State(ctx, shard, missing)
	})
}

func through[K comparable, V any](known *recent[K, V], keys []K, read func([]K) (map[K]V, error)) (map[K]V, error) {
	found := make(map[K]V, len(keys))
	var missing []K
	for _, k := range keys {
		if v, ok := known.get(k); ok {
			found[k] = v
		} else {
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	under, err := read(missing)
	for k, v := range under {
		found[k] = v
		known.put(k, v)
	}
	return found, err
}
