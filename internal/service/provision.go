package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"socho/events"
	"socho/internal/kafka"
	"socho/internal/postgres"
	"socho/ledger"
)

// provision makes sure that there is a log to work on: the topic, and in each
// partition record 0 that names the ledger, and record 1 that activates rules.
// It never makes a new log under a ledger that has recorded one.
//
// A crash after the topic is made, or between two partitions, leaves empty
// partitions; the next start goes on with them.
func provision(ctx context.Context, client *kafka.Client, db *postgres.DB, replication, rules int, clock func() time.Time) (*Log, error) {
	// One process at a time: two that start together must not both open a shard.
	conn, err := db.LockOnce(ctx, "socho.provision")
	if err != nil {
		return nil, err
	}
	defer conn()
	heads, err := db.Heads(ctx)
	if err != nil {
		return nil, err
	}
	info, err := client.CheckTopic(ctx, Topic)
	if errors.Is(err, kafka.ErrTopicMissing) {
		partitions := EmbeddedPartitions
		if replication > 1 {
			partitions = 64
		}
		for _, h := range heads {
			if h.NextOffset > 0 {
				return nil, &BehindError{h.Shard, "the topic is gone"}
			}
		}
		if _, err = client.EnsureTopic(ctx, Topic, partitions, replication); err != nil {
			return nil, err
		}
		info, err = client.CheckTopic(ctx, Topic)
	}
	if err != nil {
		return nil, err
	}
	log := &Log{client, info.Partitions}
	name, empty, begun, err := log.survey(ctx, heads)
	if err != nil {
		return nil, err
	}
	if len(empty) > 0 && begun {
		return nil, &BehindError{empty[0], "the partition is empty, while others hold facts: its records are lost"}
	}
	if name == "" {
		name = "socho-" + rand.Text()
	}
	for _, shard := range empty {
		if err := log.open(ctx, name, shard, rules, clock().UTC()); err != nil {
			return nil, fmt.Errorf("open shard %d: %w", shard, err)
		}
	}
	return log, nil
}

// survey finds the ledger's name in the partitions that have a record 0, and
// the partitions that are empty and were never recorded. begun says that facts
// of organizations are on the log, so that every partition was opened once.
func (l *Log) survey(ctx context.Context, heads map[int]ledger.Head) (name string, empty []int, begun bool, err error) {
	for shard := range l.shards {
		_, high, err := l.client.Offsets(ctx, Topic, shard)
		if err != nil {
			return "", nil, false, err
		}
		if recorded := heads[shard]; recorded.NextOffset > 0 {
			if name == "" {
				name = recorded.Ledger
			}
			begun = true
			continue // whatever the log holds, the shard's own proof judges it
		}
		if high == 0 {
			empty = append(empty, shard)
			continue
		}
		first, err := l.At(ctx, shard, 0)
		if err != nil {
			return "", nil, false, err
		}
		event, err := events.Decode(first.Value)
		opened, ok := (*events.ShardOpened)(nil), false
		if err == nil {
			opened, ok = event.Fact.(*events.ShardOpened)
		}
		if !ok {
			return "", nil, false, fmt.Errorf("topic %s, partition %d: record 0 does not open a shard; the topic belongs to something else", Topic, shard)
		}
		if name != "" && name != string(opened.Ledger) {
			return "", nil, false, fmt.Errorf("topic %s, partition %d: belongs to ledger %s, other partitions to %s", Topic, shard, opened.Ledger, name)
		}
		name = string(opened.Ledger)
		last, err := l.At(ctx, shard, high-1)
		if err != nil {
			return "", nil, false, err
		}
		begun = begun || !events.IsShardSubject(string(last.Key))
	}
	return name, empty, begun, nil
}

func (l *Log) open(ctx context.Context, name string, shard, set int, at time.Time) error {
	opened, err := aboutShard(shard, "opened", "shard.opened",
		&events.ShardOpened{Ledger: events.ID(name), Format: count(ledger.Format), Shard: count(shard), Shards: count(l.shards)}, at)
	if err != nil {
		return err
	}
	rules, err := rulesActivated(shard, set, at)
	if err != nil {
		return err
	}
	base, err := l.Produce(ctx, shard, []events.Record{opened, rules})
	if err == nil && base != 0 {
		err = fmt.Errorf("another process wrote to the partition first")
	}
	return err
}

func rulesActivated(shard, set int, at time.Time) (events.Record, error) {
	return aboutShard(shard, fmt.Sprint("rules-", set), "shard.rules_activated", &events.RulesActivated{RuleSet: count(set)}, at)
}

// aboutShard is a fact about a shard of the log, as a record of it.
func aboutShard(shard int, id, name string, fact events.Fact, at time.Time) (events.Record, error) {
	e := events.Envelope{ID: events.EventID(id), Type: events.Type(name), Source: "urn:socho:provision",
		Subject: events.ShardSubject(shard), Time: events.Time(at.Format(time.RFC3339))}
	value, err := events.New(e, fact)
	return events.Record{Key: []byte(e.Subject), Value: value, Headers: stamps(at, "provision")}, err
}

func count(n int) *events.Count { c := events.Count(n); return &c }

func stamps(at time.Time, actor string) []events.Header {
	return []events.Header{
		{Name: events.HeaderContentType, Value: []byte(events.ContentType)},
		{Name: events.HeaderRecordedAt, Value: []byte(at.UTC().Format("2006-01-02T15:04:05.000000Z"))},
		{Name: events.HeaderActor, Value: []byte(actor)},
	}
}
