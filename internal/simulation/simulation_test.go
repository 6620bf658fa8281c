package simulation

import (
	"flag"
	"testing"
)

var (
	seed = flag.Uint64("seed", 1, "the first seed")
	runs = flag.Int("runs", 8, "how many seeds")
)

// TestSeeds plays seeds with every fault that needs no process of its own. make
// sim plays a thousand.
func TestSeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("plays load and faults for half a minute")
	}
	faults, err := Named("all", false)
	if err != nil {
		t.Fatal(err)
	}
	host, err := NewHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close() //nolint:errcheck // its folder is temporary
	sum, err := Many(t.Context(), host, Options{Seed: *seed, Events: 300, Faults: faults}, *runs, func(r *Result) {
		for _, p := range r.Problems {
			t.Errorf("seed %d: %s", r.Seed, p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range sum.Faults {
		if n < *runs {
			t.Errorf("%s struck %d times in %d runs", name, n, *runs)
		}
	}
	t.Logf("%d runs, %d events, %v", sum.Runs, sum.Events, sum.Faults)
}
