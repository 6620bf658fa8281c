package intake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/internal/intake"
)

// nowhere takes everything at once: what remains is intake's own work.
type nowhere struct{}

func (nowhere) Partitions() int { return 8 }
func (nowhere) Produce(context.Context, int, []events.Record) (int64, error) {
	return 0, nil
}

// One operation is one line with two personal fields, of one of 300 persons.
func BenchmarkPublish(b *testing.B) {
	var file strings.Builder
	for i := range b.N {
		file.WriteString(stall(fmt.Sprint("hg-", i%20), fmt.Sprint("e-", i), fmt.Sprint("p-", i%300)) + "\n")
	}
	v := keys(b)
	b.ResetTimer()
	if _, err := intake.New(v, nowhere{}, time.Now).Publish(context.Background(), strings.NewReader(file.String()), cli); err != nil {
		b.Fatal(err)
	}
}
