package simulation

import (
	"context"
	"errors"
	"strings"
	"time"

	"socho/internal/service"
)

// once arms one rule on the instance, publishes until it has acted, and counts
// it.
func (r *run) once(ctx context.Context, name string, rule *rule, lines []*line) error {
	r.node.wire.arm(rule)
	defer r.node.wire.disarm()
	if err := r.meet(ctx, rule, lines); err != nil {
		return err
	}
	r.struck(name)
	return nil
}

func (r *run) commitFailed(ctx context.Context, lines []*line) error {
	return r.once(ctx, "commit_failed", newRule(stepBatch, true, failed), lines)
}

func (r *run) commitLost(ctx context.Context, lines []*line) error {
	return r.once(ctx, "commit_lost", newRule(stepBatch, true, persisted), lines)
}

func (r *run) produceFailed(ctx context.Context, lines []*line) error {
	return r.once(ctx, "produce_failed", newRule(stepRecords, true, failed), lines)
}

func (r *run) produceLost(ctx context.Context, lines []*line) error {
	return r.once(ctx, "produce_lost", newRule(stepRecords, true, persisted), lines)
}

func (r *run) diskFull(ctx context.Context, lines []*line) error {
	return r.once(ctx, "disk_full", newRule(stepBatch, false, full), lines)
}

func (r *run) replays(ctx context.Context, lines []*line) error {
	return r.once(ctx, "replays", newRule(stepAnswered, true, again), lines)
}

func (r *run) cut(ctx context.Context, lines []*line) error {
	return r.once(ctx, "cut", newRule(stepRecordsRead, true, torn), lines)
}

// personal are the steps about keys that publishing these lines takes.
func personal(lines []*line) (steps []step) {
	for _, l := range lines {
		if l.newPerson {
			steps = append(steps, stepKeys)
		}
		if strings.Contains(l.text, "person.erased") {
			steps = append(steps, stepErasure)
		}
	}
	return steps
}

// stop ends the instance right before or right after a durable step.
func (r *run) stop(ctx context.Context, lines []*line) error {
	steps := append([]step{stepBatch, stepRecords, stepProjections, stepLease, stepTakeover}, personal(lines)...)
	rule := newRule(steps[r.rng.IntN(len(steps))], true, []how{failed, persisted}[r.rng.IntN(2)])
	rule.stop = true
	if rule.at.step != stepTakeover {
		return r.once(ctx, "stop", rule, lines)
	}
	// Shards are taken over when an instance starts.
	rule.skip = r.rng.IntN(service.EmbeddedPartitions)
	r.opening = func(n *node) { n.wire.arm(rule) }
	r.node.leave()
	n, err := r.open(ctx)
	r.opening = nil
	if waited := r.until(ctx, "a new instance takes the shards over", rule.acted); waited != nil {
		return errors.Join(waited, err)
	}
	if err != nil { // it was stopped while it started
		if n, err = r.open(ctx); err != nil {
			return err
		}
	}
	r.node = n
	r.struck("stop")
	return r.deliver(ctx, lines)
}

// duplicates mixes lines of old among new ones. The new ones keep their order,
// on which their outcomes depend.
func (r *run) duplicates(ctx context.Context, lines []*line) error {
	old := r.some(10+r.rng.IntN(20), lines)
	if len(old) == 0 {
		return nil
	}
	var mixed []*line
	for len(lines)+len(old) > 0 {
		if r.rng.IntN(len(lines)+len(old)) < len(old) {
			mixed, old = append(mixed, old[0]), old[1:]
		} else {
			mixed, lines = append(mixed, lines[0]), lines[1:]
		}
	}
	if err := r.deliver(ctx, mixed); err != nil {
		return err
	}
	r.struck("duplicates")
	return nil
}

// delays makes messages of every kind late, so that what belongs to different
// shards and connections overtakes each other.
func (r *run) delays(ctx context.Context, lines []*line) error {
	var rules []*rule
	for range 12 {
		kinds := []moment{{stepBatch, false}, {stepBatch, true}, {stepRecords, true}, {stepRead, true}, {stepProjections, false}}
		rule := newRule("", false, late)
		rule.at = kinds[r.rng.IntN(len(kinds))]
		rule.delay = time.Duration(1+r.rng.IntN(15)) * time.Millisecond
		rules = append(rules, rule)
	}
	r.node.wire.arm(rules...)
	defer r.node.wire.disarm()
	if err := r.deliver(ctx, lines); err != nil {
		return err
	}
	acted := func() (n int) {
		for _, rule := range rules {
			if rule.acted() {
				n++
			}
		}
		return n
	}
	if acted() == 0 {
		if err := r.deliver(ctx, r.some(5, r.load.lines[:1])); err != nil {
			return err
		}
	}
	r.result.Faults["delays"] += acted()
	return nil
}

// clockJumps publishes as of long ago, and then as of far ahead.
func (r *run) clockJumps(ctx context.Context, lines []*line) error {
	defer r.clock.Store(0)
	half := len(lines) / 2
	for i, part := range [][]*line{lines[:half], lines[half:]} {
		jump := time.Duration(1+r.rng.IntN(400*24)) * time.Hour
		if i == 0 {
			jump = -jump
		}
		r.clock.Store(int64(jump))
		if len(part) == 0 {
			part = r.some(3, r.load.lines[:1])
		}
		if err := r.deliver(ctx, part); err != nil {
			return err
		}
		r.struck("clock")
	}
	return nil
}
