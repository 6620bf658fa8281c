package readmodel

import (
	"context"
	"sync"
	"time"
)

// Takings tells those who look on when a trader's sales have changed. While nobody
// looks it asks nothing; for all who do, it asks the database once a beat.
//
// It tells that there is something, not what: whoever is told reads on from where
// they are, so that a word that is lost costs time and no sale.
type Takings struct {
	db *DB

	mu       sync.Mutex
	watchers map[Trader]map[chan struct{}]bool
	count    int
	running  bool
}

// Bounds of looking on.
const (
	MaxWatchers = 2048
	perTrader   = 8 // telephones of one trader
	beat        = 200 * time.Millisecond
	lookMost    = 5 * time.Second
)

// NewTakings reads the tables that db reads, of every organization.
func NewTakings(db *DB) *Takings {
	return &Takings{db: db, watchers: map[Trader]map[chan struct{}]bool{}}
}

// Watch tells of changes to a trader's sales from now on, until leave is called. Not
// ok where too many look on already.
func (t *Takings) Watch(who Trader) (changed <-chan struct{}, leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count >= MaxWatchers || len(t.watchers[who]) >= perTrader {
		return nil, nil, false
	}
	word := make(chan struct{}, 1)
	if t.watchers[who] == nil {
		t.watchers[who] = map[chan struct{}]bool{}
	}
	t.watchers[who][word] = true
	t.count++
	if !t.running {
		t.running = true
		go t.look()
	}
	return word, sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.count--
		delete(t.watchers[who], word)
		if len(t.watchers[who]) == 0 {
			delete(t.watchers, who)
		}
	}), true
}

// look runs while anybody watches. What it cannot find out it finds out later.
func (t *Takings) look() {
	var seen map[int]int64 // by shard: offsets before it were told
	for range time.Tick(beat) {
		t.mu.Lock()
		if t.count == 0 {
			t.running = false
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), lookMost)
		seen = t.beat(ctx, seen)
		cancel()
	}
}

// beat tells of what has come since it was seen last, and returns how far that is.
// The first one tells everybody: what came before it was seen by nobody.
func (t *Takings) beat(ctx context.Context, seen map[int]int64) map[int]int64 {
	all, err := t.db.Positions(ctx)
	if err != nil {
		return seen
	}
	now := all["sales"]
	if seen == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		for who := range t.watchers {
			t.tell(who)
		}
		if now == nil {
			now = map[int]int64{}
		}
		return now
	}
	for shard, next := range now {
		if next <= seen[shard] {
			continue
		}
		touched, err := t.db.SalesTouched(ctx, shard, seen[shard])
		if err != nil {
			continue
		}
		seen[shard] = next
		t.mu.Lock()
		for _, who := range touched {
			t.tell(who)
		}
		t.mu.Unlock()
	}
	return seen
}

// tell leaves word; one that has not been taken yet will do.
func (t *Takings) tell(who Trader) {
	for word := range t.watchers[who] {
		select {
		case word <- struct{}{}:
		default:
		}
	}
}
