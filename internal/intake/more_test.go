package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/kafka"
	"socho/internal/vault"
)

// asSealed is what is sealed of personal fields: those that have no name of
// ours go together.
func asSealed(personal map[string]string) map[string]string {
	fields, other := map[string]string{}, map[string]string{}
	for name, clear := range personal {
		if slices.Contains([]string{"name", "phone", "account"}, name) {
			fields[name] = clear
		} else {
			other[name] = clear
		}
	}
	if len(other) > 0 {
		text, err := json.Marshal(other)
		if err == nil {
			text, err = events.Canonical(text)
		}
		if err != nil {
			panic(err)
		}
		fields[events.OtherFields] = string(text)
	}
	return fields
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Any personal text, in lines good and bad: the same bytes twice, none of it in
// clear, all of it back by its key, and nothing back without.
func TestProperties(t *testing.T) {
	t.Parallel()
	v := keys(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		person := fmt.Sprint("p-", n)
		personal := rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,10}`), rapid.StringMatching(`[A-ZĐÂăờạ0-9]{12,40}`), 1, 5).Draw(t, "personal")
		text, _ := json.Marshal(personal)
		line := strings.Replace(stall("hg-cho", "e-1", person), `{"name":"Vàng Thị Máy","phone":"0912000001"}`, string(text), 1)
		bad := rapid.SampledFrom([]string{"", "unknown field", "cut off", "no organization"}).Draw(t, "bad")
		switch bad {
		case "unknown field":
			line = strings.Replace(line, `"stall"`, `"colour":"x","stall"`, 1)
		case "cut off":
			line = line[:len(line)-rapid.IntRange(1, 40).Draw(t, "cut")]
		case "no organization":
			line = strings.Replace(line, `"hg-cho"`, `"?"`, 1)
		}
		l := newTopic(3)
		report, err := intake.New(v, l, noon).Publish(context.Background(), strings.NewReader(line+"\n"+line), cli)
		records := l.all()
		if err != nil || report.Published != 2 || !bytes.Equal(records[0].Value, records[1].Value) {
			t.Fatalf("%v, %+v", err, report)
		}
		for _, clear := range personal {
			encoded := base64.RawURLEncoding.EncodeToString([]byte(clear))
			if bytes.Contains(records[0].Value, []byte(clear)) || bytes.Contains(records[0].Value, []byte(encoded[:12])) {
				t.Fatalf("in clear: %s", records[0].Value)
			}
		}
		e, err := events.Decode(records[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		var texts, sealed map[string]string
		switch f := e.Fact.(type) {
		case *events.StallLet:
			texts, sealed = asSealed(personal), f.Sealed
		case *events.Undecodable:
			texts, sealed = map[string]string{"/input": line}, map[string]string{"/input": string(f.Input)}
			person = string(f.Person)
		}
		for field, want := range texts {
			if got, err := v.Unseal(context.Background(), events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: field}, person, sealed[field]); err != nil || got != want {
				t.Fatalf("%s: %v", field, err)
			}
		}
		if person == "" {
			return
		}
		if err := v.Erase(context.Background(), e.Subject, person, vault.ScopeAll); err != nil {
			t.Fatal(err)
		}
		for field := range texts {
			if _, err := v.Unseal(context.Background(), events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: field}, person, sealed[field]); err == nil {
				t.Fatal("opens after the erasure")
			}
		}
		report, err = intake.New(v, l, noon).Publish(context.Background(), strings.NewReader(line), cli)
		if err != nil || report.NotPublished != 1 {
			t.Fatalf("published for an erased person: %v, %+v", err, report)
		}
	})
}

// broker is how a command joins the Kafka client to intake.
type broker struct {
	*kafka.Client
	topic      string
	partitions int
}

func (b broker) Partitions() int { return b.partitions }

func (b broker) Produce(ctx context.Context, partition int, records []events.Record) (int64, error) {
	messages := make([]kafka.Message, len(records))
	for i, r := range records {
		m := kafka.Message{Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, kafka.Header(h))
		}
		messages[i] = m
	}
	return b.Client.Produce(ctx, b.topic, partition, messages)
}

// A file of thousands over a real protocol: all of it arrives, where the report
// says it does.
func TestOverKafka(t *testing.T) {
	t.Parallel()
	client := kafka.New(testdb.Broker(t), kafka.Options{})
	t.Cleanup(func() { _ = client.Close() })
	if _, err := client.EnsureTopic(t.Context(), "socho.events", 4, 1); err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	const lines = 5000
	for i := range lines {
		file.WriteString(stall(fmt.Sprint("hg-", i%20), fmt.Sprint("e-", i), fmt.Sprint("p-", i%300)) + "\n")
	}
	v := keys(t)
	began := time.Now()
	report, err := intake.New(v, broker{client, "socho.events", 4}, time.Now).Publish(t.Context(), strings.NewReader(file.String()), cli)
	if err != nil || report.Published != lines || len(report.Ranges) != 4 {
		t.Fatalf("%v, %+v", err, report)
	}
	t.Logf("%d lines in %v", lines, time.Since(began))
	for _, r := range report.Ranges {
		for next := r.First; next < r.Next; {
			messages, _, err := client.Fetch(t.Context(), "socho.events", r.Shard, next, 1000, 1<<20, time.Second)
			if err != nil || len(messages) == 0 {
				t.Fatal(err)
			}
			for _, m := range messages {
				if _, err := events.Decode(m.Value); err != nil || events.ShardOf(m.Key, 4) != r.Shard {
					t.Fatal(err)
				}
			}
			next += int64(len(messages))
		}
	}
}
