package simulation

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/service"
)

// TestDurableSteps fails every durable step once before it is done and once after
// it: what was to be written is not there, or is there and nobody was told. What
// ran into it is done again, as its caller would, and then all must be right.
func TestDurableSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("brings up a service for each case")
	}
	host, err := NewHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() }) //nolint:errcheck // its folder is temporary
	for _, c := range []struct {
		name string
		at   step
		do   func(ctx context.Context, r *run) error // one attempt at what has the step in it
		// When the step was not done (done false) or was (true), before anything is
		// tried again: what is wrong, or "".
		left func(ctx context.Context, r *run, done bool) string
	}{
		{"keys are written", stepKeys, published, keysLeft},
		{"records are produced", stepRecords, published, nil},
		{"a batch is committed", stepBatch, published, nil},
		{"projections are applied", stepProjections, published, nil},
		{"leases are taken", stepLease, published, nil},
		{"a shard is taken over", stepTakeover, restarted, nil},
		{"a person is erased", stepErasure, published, erasureLeft},
		{"a partition is opened", stepProvisioning, provisioned, nil},
		{"a replayed ledger takes the live one's place", stepSwap, replayed, nil},
		{"the sample is marked as loaded", stepMark, marked, markLeft},
	} {
		for _, how := range []how{failed, persisted} {
			name := c.name + "/failed"
			if how == persisted {
				name += " but persisted"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := begun(t, host, c.at == stepProvisioning)
				rule := newRule(c.at, true, how)
				r.opening = func(n *node) {
					if !rule.acted() {
						n.wire.arm(rule)
					}
				}
				if r.node != nil {
					r.opening(r.node)
				}
				attempt := c.do(t.Context(), r)
				if attempt != nil && rule.acted() && c.left != nil {
					if bad := c.left(t.Context(), r, how == persisted); bad != "" {
						t.Error(bad)
					}
				}
				for i := 0; attempt != nil && i < attempts; i++ {
					attempt = c.do(t.Context(), r)
				}
				if attempt != nil {
					t.Fatalf("it cannot be done again: %v", attempt)
				}
				if err := r.until(t.Context(), "the step comes by", rule.acted); err != nil {
					t.Fatal(err)
				}
				if err := r.deliver(t.Context(), r.load.lines[len(r.load.lines)-5:]); err != nil {
					t.Fatal(err)
				}
				if err := r.examine(t.Context(), r.node.Service, r.broker.addresses()); err != nil {
					t.Fatal(err)
				}
				for _, p := range r.result.Problems {
					t.Error(p)
				}
			})
		}
	}
}

// begun is a run whose service is up, or, bare, one with nothing but an empty
// topic.
func begun(t *testing.T, host *Host, bare bool) *run {
	t.Helper()
	r := &run{Options: Options{Seed: 1}, host: host, rng: rand.New(rand.NewPCG(1, 1)), dir: t.TempDir(),
		load: generate(7, 200), result: Result{Faults: map[string]int{}}}
	r.data, r.broker = filepath.Join(r.dir, "data"), &broker{dir: filepath.Join(r.dir, "broker")}
	var err error
	if r.database, err = host.database(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
	if err := r.broker.start(); err != nil {
		t.Fatal(err)
	}
	if err := r.broker.topic(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bare {
		return r
	}
	if r.node, err = r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// published publishes everything in one attempt.
func published(ctx context.Context, r *run) error { return r.publish(ctx, r.node, r.load.lines) }

func keysLeft(ctx context.Context, r *run, done bool) string {
	return count(ctx, r, `SELECT count(*) FROM private.person_keys`, done, "keys")
}

func erasureLeft(ctx context.Context, r *run, done bool) string {
	return count(ctx, r, `SELECT count(*) FROM private.person_keys WHERE destroyed_at IS NOT NULL`, done, "destroyed keys")
}

// count compares whether there is anything with whether there should be.
func count(ctx context.Context, r *run, sql string, want bool, what string) string {
	conn, err := connect(ctx, r.host.cluster.URL(r.database))
	if err != nil {
		return err.Error()
	}
	defer conn.Close(ctx) //nolint:errcheck // it has only read
	var n int
	if err := conn.QueryRow(ctx, sql).Scan(&n); err != nil {
		return err.Error()
	}
	switch {
	case n == 0 && want:
		return "there are no " + what + ", though they were written"
	case n > 0 && !want:
		return "there are " + what + ", though none were written"
	}
	return ""
}

// restarted opens the service on a log that holds everything.
func restarted(ctx context.Context, r *run) error {
	if err := r.deliver(ctx, r.load.lines); err != nil {
		return err
	}
	r.node.leave()
	return reopened(ctx, r)
}

func reopened(ctx context.Context, r *run) error {
	n, err := r.open(ctx)
	if err == nil {
		r.node = n
	}
	return err
}

// provisioned opens the service for the first time.
func provisioned(ctx context.Context, r *run) (err error) {
	if err := reopened(ctx, r); err != nil {
		return err
	}
	return r.deliver(ctx, r.load.lines)
}

func replayed(ctx context.Context, r *run) error {
	if err := r.deliver(ctx, r.load.lines); err != nil {
		return err
	}
	return r.node.ReplayToEmpty(ctx, nil)
}

const task = "sample"

func marked(ctx context.Context, r *run) error {
	if err := r.deliver(ctx, r.load.lines); err != nil {
		return err
	}
	return r.node.DB.SetDone(ctx, task)
}

func markLeft(ctx context.Context, r *run, done bool) string {
	found, err := r.node.DB.Done(ctx, task)
	if err != nil {
		return err.Error()
	}
	if found != done {
		return "the mark is not as it was written"
	}
	return ""
}

// TestSteps holds the names of steps to the statements that they stand for.
func TestSteps(t *testing.T) {
	for sql, want := range map[string]moment{
		"COMMIT": {"", true},
		"INSERT INTO app.done (task) VALUES ($1) ON CONFLICT DO NOTHING": {stepMark, true},
		"copy outcomes (shard) from stdin binary":                        {stepBatch, true},
		"SELECT 1": {"", true},
	} {
		p := &postgresLink{link: &link{}, statements: map[string]string{}}
		if got := p.follow(sql); got != want {
			t.Errorf("%s: %v", sql, got)
		}
	}
	p := &postgresLink{link: &link{}, statements: map[string]string{}}
	for _, sql := range []string{"BEGIN; LOCK TABLE outcomes IN ROW EXCLUSIVE MODE", "copy outcomes (shard) from stdin binary", "UPDATE balances b SET debits = 1"} {
		p.follow(sql)
	}
	if got := p.follow("commit"); got != (moment{stepBatch, true}) {
		t.Errorf("commit: %v", got)
	}
}

// TestWorkload holds the generator to its seed, and to every outcome.
func TestWorkload(t *testing.T) {
	first, again := generate(3, 500), generate(3, 500)
	wanted := map[string]int{}
	for i, l := range first.lines {
		if l.text != again.lines[i].text {
			t.Fatal("the same seed gave other lines")
		}
		wanted[l.want]++
		if l.want == "malformed" {
			continue
		}
		if _, err := events.ParsePublished([]byte(l.text)); err != nil {
			t.Errorf("%s: %v", l.text, err)
		}
	}
	for _, status := range strings.Fields("posted recorded refused conflict malformed") {
		if wanted[status] == 0 {
			t.Errorf("no line that comes to %s", status)
		}
	}
	if len(first.lines) != 500 || first.shardOf(first.lines[0]) >= service.EmbeddedPartitions {
		t.Error("not what was asked for")
	}
}

func TestNamed(t *testing.T) {
	if all, err := Named("all", false); err != nil || len(all) < 8 {
		t.Errorf("%d kinds, %v", len(all), err)
	}
	if all, err := Named("all", true); err != nil || len(all) != len(faults) {
		t.Errorf("%d kinds, %v", len(all), err)
	}
	for _, list := range []string{"nothing", "", "kill_service", "stop,nothing"} {
		if _, err := Named(list, false); err == nil || !strings.Contains(err.Error(), "kill") {
			t.Errorf("%q: %v", list, err)
		}
	}
}
