package service

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"sync"

	"socho/events"
	"socho/internal/intake"
	"socho/internal/vault"
	"socho/ledger"
)

// Trial is what would become of lines, had they been published.
type Trial struct {
	intake.Report
	// Outcomes are those of the lines that would be published, by shard, in the
	// order of the lines. Their offsets are those that the lines would take if
	// nobody else wrote meanwhile.
	Outcomes map[int][]ledger.Outcome
	// Heads are the positions that they were decided from: what the ledger had
	// decided, which may be behind the log.
	Heads map[int]int64
}

// Try decides lines as the ledger would, and leaves nothing behind: no key is
// made, nothing is published, every transaction only reads. Personal fields of
// a person without keys are sealed under none; what is decided does not depend
// on it.
// Errors: those of Publish.
func (s *Service) Try(ctx context.Context, input io.Reader, o intake.Options) (Trial, error) {
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return Trial{}, err
	}
	log := &trialLog{shards: s.Log.shards, heads: heads, records: map[int][]events.Record{}}
	trial := Trial{Outcomes: map[int][]ledger.Outcome{}, Heads: map[int]int64{}}
	o.Reads = reads(heads)
	trial.Report, err = intake.New[trialKeys](trialVault{s.Vault}, log, s.clock).Publish(ctx, input, o)
	if err = unread(trial.Report, o, err); err != nil {
		return trial, err
	}
	for shard, records := range log.records {
		err := s.DB.Trial(ctx, shard, func(head ledger.Head, store ledger.Store) error {
			for i := range records {
				records[i].Offset = head.NextOffset + int64(i)
			}
			batch, err := ledger.Decide(ctx, head, records, store)
			if err == nil {
				trial.Heads[shard], trial.Outcomes[shard] = head.NextOffset, batch.Outcomes
			}
			return err
		})
		if err != nil {
			return trial, err
		}
	}
	return trial, nil
}

// trialLog keeps what would have been written.
type trialLog struct {
	shards  int
	heads   map[int]ledger.Head
	mu      sync.Mutex
	records map[int][]events.Record
}

// Partitions implements intake.Log.
func (l *trialLog) Partitions() int { return l.shards }

// Produce implements intake.Log.
func (l *trialLog) Produce(_ context.Context, shard int, records []events.Record) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	base := l.heads[shard].NextOffset + int64(len(l.records[shard]))
	for _, r := range records {
		r.Shard = shard
		l.records[shard] = append(l.records[shard], r)
	}
	return base, nil
}

// trialVault finds keys, and neither makes nor destroys any.
type trialVault struct{ *vault.Vault }

// Sealer implements intake.Vault.
func (v trialVault) Sealer(ctx context.Context, batch []intake.Ref) (trialKeys, error) {
	looked := make([]intake.Ref, len(batch))
	for i, ref := range batch {
		ref.Check = true
		looked[i] = ref
	}
	keys, err := v.Vault.Sealer(ctx, looked)
	return trialKeys{keys}, err
}

// Remember implements intake.Vault.
func (trialVault) Remember(context.Context, []intake.Name) error { return nil }

// Hold implements intake.Vault: nothing that is sealed here reaches the log.
func (trialVault) Hold(context.Context) (release func(), err error) { return func() {}, nil }

// Erase implements intake.Vault.
func (trialVault) Erase(context.Context, string, string, string) error { return nil }

type trialKeys struct{ *vault.Keys }

// Seal implements intake.Keys. What is sealed under a key that is not there yet
// is not on the log either, so any text of the right form will do.
func (k trialKeys) Seal(at events.Place, person string, class events.KeyClass, clear string) (string, error) {
	sealed, err := k.Keys.Seal(at, person, class, clear)
	if errors.Is(err, vault.ErrNoKey) {
		// As long as the real one: AES-SIV adds 16 bytes.
		text := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\x00", len(clear)+16)))
		return string(rune(class)) + "1." + text, nil
	}
	return sealed, err
}
