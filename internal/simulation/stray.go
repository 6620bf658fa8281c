package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"socho/events"
	"socho/internal/service"
)

// stray writes to the log past intake, as a program does that has the broker's
// address and nothing else right. Now and then.
func (r *run) stray(ctx context.Context) error {
	if r.rng.IntN(3) > 0 {
		return nil
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(r.broker.addresses()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer c.Close()
	o := r.load.organizations[r.rng.IntN(len(r.load.organizations))]
	home := int32(events.ShardOf([]byte(o.name), service.EmbeddedPartitions))
	r.strays++
	id := fmt.Sprintf("stray%d", r.strays)
	fact, err := json.Marshal(o.envelope(id, "bank.line_received", money(o.amount(9_000), data{
		"effective_on": "2026-09-01", "line": id, "account": "main", "direction": "in", "kind": "payment"})))
	if err != nil {
		return err
	}
	rec := &kgo.Record{Topic: service.Topic, Partition: home, Key: []byte(o.name), Value: fact}
	switch r.rng.IntN(7) {
	case 0: // in another shard
		rec.Partition = (home + 1 + r.rng.Int32N(service.EmbeddedPartitions-1)) % service.EmbeddedPartitions
	case 1: // under another organization's key
		other := r.load.organizations[r.rng.IntN(len(r.load.organizations))].name + "-x"
		rec.Key, rec.Partition = []byte(other), int32(events.ShardOf([]byte(other), service.EmbeddedPartitions))
	case 2:
		rec.Key = nil
	case 3:
		rec.Value = []byte("\xff\x00 no event")
	case 4:
		rec.Value = nil
	case 5: // as nobody who writes canonically spells it
		rec.Value = append([]byte(" "), fact...)
	case 6: // all right, but with a stamp of its own
		rec.Headers = []kgo.RecordHeader{{Key: events.HeaderRecordedAt, Value: []byte(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339))}}
	}
	return c.ProduceSync(ctx, rec).FirstErr()
}
