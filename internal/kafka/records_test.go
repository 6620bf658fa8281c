package kafka

import (
	"bytes"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// What is cut out of an answer is what kafka-go reads in it.
func TestRecordsAsKafkaGoReadsThem(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	text := func() []byte {
		switch n := random.IntN(12); n {
		case 0:
			return nil
		case 1:
			return []byte{}
		default:
			return bytes.Repeat([]byte{byte('a' + n)}, random.IntN(300))
		}
	}
	for range 300 {
		msgs := make([]Message, 1+random.IntN(20))
		var headers []Header
		for i := range msgs {
			if random.IntN(3) == 0 {
				headers = nil
				for range random.IntN(4) {
					headers = append(headers, Header{Name: string(text()), Value: text()})
				}
			}
			msgs[i] = Message{Key: text(), Value: text(), Headers: headers, Time: time.UnixMilli(int64(random.IntN(1e9))).UTC()}
		}
		set := encodeBatch(msgs, time.Now(), -1, -1, -1)
		r := reading{limit: len(msgs)}
		if err := r.collect(set, nil); err != nil || len(r.msgs) != len(msgs) {
			t.Fatalf("%d of %d messages: %v", len(r.msgs), len(msgs), err)
		}
		other := reading{limit: len(msgs)}
		if _, err := other.foreign(set, false); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r.msgs, other.msgs) {
			t.Fatalf("got  %+v\nwant %+v", r.msgs, other.msgs)
		}
	}
}

// An answer in which anything was flipped or cut off gives whole records of the
// batch before it or an error, and never another record.
func FuzzRecords(f *testing.F) {
	one := encodeBatch([]Message{{Key: []byte("k"), Value: []byte("v"), Headers: []Header{{Name: "a", Value: []byte("b")}}}}, time.UnixMilli(1), -1, -1, -1)
	f.Add(one)
	f.Add(append(bytes.Clone(one), one...))
	f.Add(one[:len(one)-3])
	f.Fuzz(func(t *testing.T, set []byte) {
		r := reading{limit: 100}
		if err := r.collect(set, nil); err != nil {
			return
		}
		for i, m := range r.msgs {
			if m.Offset != int64(i) {
				t.Fatalf("message %d is of offset %d", i, m.Offset)
			}
		}
	})
}

func TestRecordSetOfAnAnswer(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		want         recordSet
		fails        bool
	}{
		{"none", "\xff\xff\xff\xff", nil, false},
		{"empty", "\x00\x00\x00\x00", nil, false},
		{"three bytes", "\x00\x00\x00\x03abc", recordSet("abc"), false},
		{"cut short", "\x00\x00\x00\x03ab", nil, true},
		{"too large", "\x7f\xff\xff\xff", nil, true},
	} {
		var s recordSet
		_, err := s.ReadFrom(io.LimitReader(bytes.NewReader([]byte(c.answer)), int64(len(c.answer))))
		if (err != nil) != c.fails || err == nil && !bytes.Equal(s, c.want) {
			t.Errorf("%s: %q, %v", c.name, s, err)
		}
	}
}

// BenchmarkRecords reads an answer of records like those of the log.
func BenchmarkRecords(b *testing.B) {
	headers := []Header{{Name: "content-type", Value: []byte("application/cloudevents+json")}, {Name: "socho-recorded-at", Value: []byte("2026-09-02T08:15:00.000000Z")}, {Name: "socho-actor", Value: []byte("bench")}}
	msgs := make([]Message, 1000)
	for i := range msgs {
		msgs[i] = Message{Key: []byte("cho-bench-12"), Value: bytes.Repeat([]byte("v"), 317), Headers: headers}
	}
	set := encodeBatch(msgs, time.Now(), -1, -1, -1)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			r := reading{limit: len(msgs)}
			if err := r.collect(set, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("kafka-go", func(b *testing.B) {
		for b.Loop() {
			r := reading{limit: len(msgs)}
			if _, err := r.foreign(set, false); err != nil {
				b.Fatal(err)
			}
		}
	})
}
