package simulation

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"socho/internal/postgres"
	"socho/internal/service"
	"socho/ledger"
)

// stands is where each shard of the ledger stands: offset and root.
type stands map[int]string

func (r *run) stands(ctx context.Context) (stands, error) {
	heads, err := r.node.DB.Heads(ctx)
	found := stands{}
	for shard, h := range heads {
		found[shard] = fmt.Sprintf("%d %x", h.NextOffset, h.Frontier.Root())
	}
	return found, err
}

// tornTail tears off the end of the last segment, somewhere within its last
// batch or further.
func (r *run) tornTail(ctx context.Context, lines []*line) error {
	return r.damaged(ctx, "torn_tail", lines, func(shard int) error {
		return r.alter(shard, func(b []byte) []byte { return b[:len(b)-1-r.rng.IntN(len(b))] })
	})
}

// flippedByte alters one bit of a segment.
func (r *run) flippedByte(ctx context.Context, lines []*line) error {
	return r.damaged(ctx, "flipped_byte", lines, func(shard int) error {
		return r.alter(shard, func(b []byte) []byte {
			b[r.flippable(b)] ^= 1 << r.rng.IntN(8)
			return b
		})
	})
}

// flippable chooses a byte that a batch's checksum covers. The 21 bytes ahead of
// those are the batch's place, its length and the checksum itself: of them too,
// but for what the broker writes anew in each answer (its offset and the epoch
// of the partition's leader).
func (r *run) flippable(b []byte) int {
	const header, covered = 61, 17
	var starts []int
	for at := 0; at+header <= len(b); at += 12 + int(binary.BigEndian.Uint32(b[at+8:])) {
		starts = append(starts, at)
	}
	start := starts[r.rng.IntN(len(starts))]
	size := 12 + int(binary.BigEndian.Uint32(b[start+8:]))
	return start + covered + r.rng.IntN(size-covered)
}

func (r *run) alter(shard int, damage func([]byte) []byte) error {
	segments, err := r.broker.segments(shard)
	if err != nil || len(segments) == 0 {
		return fmt.Errorf("no segment of shard %d: %w", shard, err)
	}
	path := slices.Max(segments)
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, damage(b), 0o600)
}

// topicRecreated removes the topic and makes it anew, empty or with other
// records in the place of the lost ones.
func (r *run) topicRecreated(ctx context.Context, lines []*line) error {
	other := r.rng.IntN(2) == 0
	heads, err := r.node.DB.Heads(ctx)
	if err != nil {
		return err
	}
	return r.damaged(ctx, "topic_recreated", lines, func(shard int) error {
		if err := os.RemoveAll(r.broker.dir); err != nil {
			return err
		}
		// Made while the service cannot see it, on another port.
		aside := &broker{dir: r.broker.dir}
		if err := aside.start(); err != nil {
			return err
		}
		defer aside.stop()
		if err := aside.topic(ctx); err != nil || !other {
			return err
		}
		c, err := kgo.NewClient(kgo.SeedBrokers(aside.addresses()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			return err
		}
		defer c.Close()
		for _, s := range slices.Sorted(maps.Keys(heads)) {
			var records []*kgo.Record
			for range heads[s].NextOffset + 2 {
				records = append(records, &kgo.Record{Topic: service.Topic, Partition: int32(s), Value: []byte("{}")})
			}
			if err := c.ProduceSync(ctx, records...).FirstErr(); err != nil {
				return err
			}
		}
		return nil
	})
}

// damaged damages the log while the broker is down. The shard must stand still
// and say why, publish nothing, and leave the ledger as it is; with the good
// copy back, all goes on.
func (r *run) damaged(ctx context.Context, name string, lines []*line, damage func(shard int) error) error {
	if err := r.deliver(ctx, lines); err != nil {
		return err
	}
	if err := r.deliver(ctx, r.load.lines[:1]); err != nil { // one shard at least has facts
		return err
	}
	if err := r.node.WaitForLedger(ctx); err != nil { // records written past intake are nobody's to wait for
		return err
	}
	shard := r.load.shardOf(r.load.lines[0])
	before, err := r.stands(ctx)
	if err != nil {
		return err
	}
	r.broker.stop()
	copied := filepath.Join(r.dir, "good")
	if err := r.broker.keep(copied); err != nil {
		return err
	}
	if err := damage(shard); err != nil {
		return err
	}
	if err := r.broker.start(); err != nil {
		return err
	}
	if err := r.standsStill(ctx, name, shard, before); err != nil {
		return err
	}
	r.broker.stop()
	if err := r.broker.restore(copied); err != nil {
		return err
	}
	if err := r.broker.start(); err != nil {
		return err
	}
	r.struck(name)
	return r.restart(ctx)
}

// standsStill examines a shard whose log was damaged.
func (r *run) standsStill(ctx context.Context, name string, shard int, before stands) error {
	var stopped postgres.ShardState
	if err := r.until(ctx, fmt.Sprintf("shard %d stands still (%s)", shard, name), func() bool {
		states, err := r.node.DB.StoppedShards(ctx)
		for _, s := range states {
			if s.Shard == shard {
				stopped = s
			}
		}
		return err == nil && stopped.Stopped
	}); err != nil {
		return err
	}
	if stopped.Code != service.CodeBehind || stopped.Reason == "" {
		return wrong("%s: shard %d stands still with %q: %s", name, shard, stopped.Code, stopped.Reason)
	}
	if err := r.publish(ctx, r.node, r.load.lines[:1]); err == nil {
		return wrong("%s: a fact was published to shard %d, whose log is behind the ledger", name, shard)
	}
	after, err := r.stands(ctx)
	if err != nil {
		return err
	}
	if !maps.Equal(before, after) {
		return wrong("%s: the ledger has moved from %v to %v", name, before, after)
	}
	return nil
}

// databaseRestored takes a copy of the database, goes on, and then puts the copy
// in the database's place: the ledger decides anew what came since, to the same
// roots.
func (r *run) databaseRestored(ctx context.Context, lines []*line) error {
	r.node.crash()
	old, err := r.host.database(ctx, r.database)
	if err != nil {
		return err
	}
	if r.node, err = r.open(ctx); err != nil {
		return errors.Join(err, r.host.drop(ctx, old))
	}
	if len(lines) == 0 {
		lines = r.some(5, r.load.lines[:1])
	}
	if err := r.deliver(ctx, lines); err != nil {
		return errors.Join(err, r.host.drop(ctx, old))
	}
	before, err := r.heads(ctx)
	if err != nil {
		return errors.Join(err, r.host.drop(ctx, old))
	}
	r.node.crash()
	newer := r.database
	r.database = old
	if err := r.host.drop(ctx, newer); err != nil {
		return err
	}
	if r.node, err = r.open(ctx); err != nil {
		return err
	}
	if err := r.node.WaitForLedger(ctx); err != nil {
		return wrong("after PostgreSQL was restored to an older copy: %v", err)
	}
	after, err := r.heads(ctx)
	if err != nil {
		return err
	}
	for shard, b := range before {
		if a := after[shard]; a.NextOffset < b.NextOffset || a.NextOffset == b.NextOffset && a.Frontier.Root() != b.Frontier.Root() {
			return wrong("shard %d was at offset %d with root %x, and after a restore at %d with %x", shard,
				b.NextOffset, b.Frontier.Root(), a.NextOffset, a.Frontier.Root())
		}
	}
	r.struck("database_restored")
	return nil
}

func (r *run) heads(ctx context.Context) (map[int]ledger.Head, error) { return r.node.DB.Heads(ctx) }
