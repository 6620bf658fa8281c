package kafka_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"socho/internal/kafka"
)

func TestHolesAreNeverSkipped(t *testing.T) {
	b, c := start(t)
	serveBatches(b, 20, rawBatch(3, "d", "e"), rawBatch(5, "f"), rawBatch(9, "j"))

	got, high, err := c.Fetch(t.Context(), topic, 0, 4, 0, 1<<20, 0)
	if err != nil || high != 20 || !slices.Equal(values(got), []string{"e", "f"}) {
		t.Fatalf("up to the hole: %v, %d, %v", values(got), high, err)
	}
	for _, asked := range []int64{0, 6} {
		_, _, err = c.Fetch(t.Context(), topic, 0, asked, 0, 1<<20, 0)
		var e *kafka.Error
		want := map[int64]int64{0: 3, 6: 9}[asked]
		if !errors.Is(err, kafka.ErrGap) || !errors.As(err, &e) || e.Asked != asked || e.Next != want {
			t.Errorf("from %d: %v", asked, err)
		}
		if _, err := c.ReadAt(t.Context(), topic, 0, asked); !errors.Is(err, kafka.ErrNoRecord) {
			t.Errorf("ReadAt %d: %v", asked, err)
		}
	}
	if m, err := c.ReadAt(t.Context(), topic, 0, 9); err != nil || string(m.Value) != "j" {
		t.Errorf("ReadAt 9: %v %v", m, err)
	}
}

func TestDamagedBatch(t *testing.T) {
	b, c := start(t)
	bad := rawBatch(2, "c")
	bad[len(bad)-2] ^= 1
	serveBatches(b, 4, rawBatch(0, "a", "b"), bad, rawBatch(3, "d"))
	got, _, err := c.Fetch(t.Context(), topic, 0, 0, 0, 1<<20, 0)
	if err != nil || !slices.Equal(values(got), []string{"a", "b"}) {
		t.Fatalf("sound part: %v, %v", values(got), err)
	}
	serveBatches(b, 4, bad)
	begin := time.Now()
	if _, _, err := c.Fetch(t.Context(), topic, 0, 2, 0, 1<<20, 0); err == nil {
		t.Error("a damaged batch was read")
	} else if !errors.Is(err, kafka.ErrCorrupt) {
		t.Errorf("%v", err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("a damaged batch was retried for %v", d)
	}
}

// A foreign producer's transaction takes up offsets that hold no record: they are read as empty, in their place, and
// so are the records it aborted. From whatever offset the reading begins, it gives the same.
func TestForeignTransactions(t *testing.T) {
	b, c := start(t)
	produce(t, c, 0, "a")           // 0
	transact(t, b, true, "b", "c")  // 1, 2, marker 3
	transact(t, b, false, "x", "y") // 4, 5, marker 6
	produce(t, c, 0, "d")           // 7
	transact(t, b, true, "e")       // 8, marker 9 at the end of the log

	want := []string{"a", "b", "c", "", "", "", "", "d", "e", ""}
	for from := range int64(10) {
		offset := from
		for offset < 10 {
			got, high, err := c.Fetch(t.Context(), topic, 0, offset, 0, 1<<20, time.Second)
			if err != nil || len(got) == 0 {
				t.Fatalf("from %d, at %d of %d: %v", from, offset, high, err)
			}
			for _, m := range got {
				if m.Offset != offset || string(m.Value) != want[offset] || (m.Value == nil) != (want[offset] == "") || m.Key != nil && m.Value == nil {
					t.Errorf("from %d, offset %d: %+v", from, offset, m)
				}
				offset++
			}
		}
		if m, err := c.ReadAt(t.Context(), topic, 0, from); err != nil || string(m.Value) != want[from] {
			t.Errorf("ReadAt %d: %+v %v", from, m, err)
		}
	}
}
