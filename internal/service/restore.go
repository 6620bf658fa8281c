package service

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"socho/events"
	"socho/internal/devstack"
	"socho/internal/kafka"
	"socho/internal/logpublisher"
	"socho/internal/postgres"
	"socho/ledger/proof"
)

// Restored is what a restore has brought back.
type Restored struct {
	Ledger  string        `json:"ledger"`
	Records int64         `json:"records"`
	Shards  map[int]int64 `json:"shards"` // records of each
}

// Restore refills an empty topic from a published log: the same keys, headers,
// values and times at the same offsets. The whole log is examined first, against
// its signed checkpoints; nothing is written unless all of it is sound. progress
// sees the records examined, then those written.
//
// An offset that held no record gets an empty one, which has the same leaf.
//
// A crash leaves a topic with the first records of some partitions. It is no
// longer empty: delete it and begin again.
//
// Errors: damaged files, by name; a topic that holds records.
func Restore(ctx context.Context, o Options, from string, keys *proof.Keys, progress Progress) (*Restored, error) {
	report, err := examine(ctx, from, keys, progress)
	if err != nil {
		return nil, err
	}
	brokers, replication := o.Kafka, 3
	if len(brokers) == 0 {
		stack, err := devstack.Open(ctx, devstack.Options{Dir: o.Data, Log: o.Log})
		if errors.Is(err, devstack.ErrHeld) {
			stack, err = devstack.Attach(ctx, o.Data)
		}
		if err != nil {
			return nil, err
		}
		defer func() {
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			stack.Close(ending) //nolint:errcheck // the broker has acknowledged and synced every batch
		}()
		brokers, replication = stack.KafkaBrokers(), 1
	}
	client := kafka.New(brokers, kafka.Options{
		Log: o.Log, MinInSync: min(replication, 2), TLS: o.KafkaTLS, User: o.KafkaUser, Password: o.KafkaPassword})
	defer client.Close()
	if err := emptyTopic(ctx, client, len(report.Shards), replication); err != nil {
		return nil, err
	}
	var done int64
	for shard := range len(report.Shards) {
		w := &refill{client: client, shard: shard, written: func(n int64) {
			if done += n; progress != nil {
				progress(done, report.Records)
			}
		}}
		c := checker(from, shard, keys)
		c.Each = func(_ proof.Leaf, a *proof.Archived) error { return w.add(ctx, a) }
		if _, ok, err := c.Run(ctx); err != nil || !ok {
			return nil, errors.Join(err, damagedLog(from))
		}
		if err := w.flush(ctx); err != nil {
			return nil, err
		}
	}
	return report, nil
}

func damagedLog(from string) error {
	return fmt.Errorf("%s changed while it was read; nothing else may write to it. Delete the topic %s and begin again", from, Topic)
}

func checker(from string, shard int, keys *proof.Keys) *proof.Checker {
	return &proof.Checker{Read: logpublisher.Reader(from, shard), Keys: keys}
}

// examine goes through the whole published log, and makes sure that it is whole:
// record 0 of every shard says how many there are.
func examine(ctx context.Context, from string, keys *proof.Keys, progress Progress) (*Restored, error) {
	shards, err := Proof{Log: from}.Shards()
	if err != nil {
		return nil, err
	}
	report := &Restored{Shards: map[int]int64{}}
	var problems []error
	for _, shard := range shards {
		c := checker(from, shard, keys)
		c.Problem = func(err error) {
			problems = append(problems, fmt.Errorf("%s: %w", filepath.Join(from, fmt.Sprint(shard)), err))
		}
		c.Each = func(l proof.Leaf, a *proof.Archived) error {
			if l.Offset == 0 && a != nil { // where it is damaged, that is said below
				return report.opened(shard, len(shards), a)
			}
			return nil
		}
		c.Progress = func(done, _ int64) {
			if progress != nil {
				progress(report.Records+done, 0)
			}
		}
		signed, ok, err := c.Run(ctx)
		if err != nil {
			return nil, err
		}
		if !ok || len(problems) > 0 {
			return nil, fmt.Errorf("the published log is damaged, nothing was restored: %w", errors.Join(problems...))
		}
		if want := proof.Origin(report.Ledger, shard); signed.Origin != want {
			return nil, fmt.Errorf("%s holds the log of %s instead of %s", filepath.Join(from, fmt.Sprint(shard)), signed.Origin, want)
		}
		report.Shards[shard] = signed.Size
		report.Records += signed.Size
	}
	if len(shards) == 0 {
		return nil, fmt.Errorf("%s holds no published log; expected a folder for each shard with a checkpoint in it, as socho run writes below <data>/log", from)
	}
	return report, nil
}

// opened reads record 0 of a shard.
func (r *Restored) opened(shard, of int, a *proof.Archived) error {
	event, err := events.Decode(a.Value)
	if err != nil {
		return fmt.Errorf("record %d:0 does not open a shard: %w", shard, err)
	}
	fact, ok := event.Fact.(*events.ShardOpened)
	if !ok || fact.Shard == nil || fact.Shards == nil || int(*fact.Shard) != shard {
		return fmt.Errorf("record %d:0 does not open shard %d", shard, shard)
	}
	if int(*fact.Shards) != of {
		return fmt.Errorf("the ledger has %d shards, %d are there; a log is restored whole or not at all", int(*fact.Shards), of)
	}
	if r.Ledger == "" {
		r.Ledger = string(fact.Ledger)
	}
	return nil
}

// emptyTopic makes the topic, or finds it without records.
func emptyTopic(ctx context.Context, client *kafka.Client, partitions, replication int) error {
	if _, err := client.EnsureTopic(ctx, Topic, partitions, replication); err != nil {
		return err
	}
	if _, err := client.CheckTopic(ctx, Topic); err != nil {
		return err
	}
	for partition := range partitions {
		start, high, err := client.Offsets(ctx, Topic, partition)
		if err != nil {
			return err
		}
		if start != 0 || high != 0 {
			return fmt.Errorf("topic %s is not empty: partition %d has offsets %d to %d. Only an empty topic is restored, so that nothing is overwritten. Keep a copy of what is there, delete the topic (embedded: the folder broker/ in the data directory) and begin again",
				Topic, partition, start, high)
		}
	}
	return nil
}

// refill writes one partition.
type refill struct {
	client  *kafka.Client
	shard   int
	next    int64 // offset of the first of pending
	pending []kafka.Message
	bytes   int
	written func(int64)
}

func (w *refill) add(ctx context.Context, a *proof.Archived) error {
	if a == nil {
		return errors.New("a record is damaged")
	}
	m := kafka.Message{Key: a.Key, Value: a.Value, Headers: a.Headers, Time: time.UnixMilli(a.Time)}
	if a.Void {
		m = kafka.Message{}
	}
	w.pending = append(w.pending, m)
	if w.bytes += kafka.Size(m); w.bytes < kafka.MaxProduceBytes {
		return nil
	}
	return w.flush(ctx)
}

func (w *refill) flush(ctx context.Context) error {
	for len(w.pending) > 0 {
		n := kafka.ChunkSize(w.pending)
		base, err := w.client.Produce(ctx, Topic, w.shard, w.pending[:n])
		if err != nil {
			return err
		}
		if base != w.next {
			return fmt.Errorf("partition %d: the broker put record %d at offset %d: something else writes to topic %s. Stop it, delete the topic and begin again", w.shard, w.next, base, Topic)
		}
		w.next += int64(n)
		w.pending = w.pending[n:]
		w.written(int64(n))
	}
	w.pending, w.bytes = nil, 0
	return nil
}

// notOverArchive refuses to begin a new ledger where the published log of one is
// left and the topic is lost: it is to be restored.
func notOverArchive(ctx context.Context, client *kafka.Client, db *postgres.DB, data string) error {
	at := ProofIn(data, "")
	shards, err := at.Shards()
	if err != nil || len(shards) == 0 {
		return err
	}
	heads, err := db.Heads(ctx)
	if err != nil {
		return err
	}
	for _, head := range heads {
		if head.NextOffset > 0 {
			return nil // provision looks after a ledger that has its tables
		}
	}
	info, err := client.CheckTopic(ctx, Topic)
	if err != nil && !errors.Is(err, kafka.ErrTopicMissing) {
		return err
	}
	for partition := range info.Partitions {
		if _, high, err := client.Offsets(ctx, Topic, partition); err != nil || high > 0 {
			return err
		}
	}
	return fmt.Errorf("%s: the topic %s is empty, but %s holds the published log of a ledger. Bring it back with: socho log restore --from %s; or, for a new ledger, move that folder away", CodeBehind, Topic, at.Log, at.Log)
}
