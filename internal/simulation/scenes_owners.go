package simulation

import (
	"context"
	"fmt"
	"time"

	"socho/internal/service"
)

// tasks is how many there are to be shared at least: the shards, the projections.
const tasks = service.EmbeddedPartitions + 1

// owner is the process that holds every task, "" where none does, as an
// instance that can ask sees it.
func owner(ctx context.Context, n *node) string {
	leases, err := n.DB.Leases(ctx)
	if err != nil || len(leases) < tasks {
		return ""
	}
	found := ""
	for _, p := range leases {
		if found != "" && p.ID != found {
			return ""
		}
		found = p.ID
	}
	return found
}

// sole waits until the run's instance holds every task, and returns its name.
func (r *run) sole(ctx context.Context) (name string, err error) {
	err = r.until(ctx, "the only instance holds every task", func() bool {
		name = owner(ctx, r.node)
		return name != ""
	})
	return name, err
}

// successor starts a second instance and waits until it holds every task.
func (r *run) successor(ctx context.Context, before string) (*node, error) {
	n, err := r.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("second instance: %w", err)
	}
	if err := r.until(ctx, "a second instance takes over from one that is not heard of", func() bool {
		now := owner(ctx, n)
		return now != "" && now != before
	}); err != nil {
		n.crash()
		return nil, err
	}
	return n, nil
}

// twoOwners keeps an instance from renewing its leases, and from learning that it
// has lost them, while another takes them: both work on every shard.
func (r *run) twoOwners(ctx context.Context, lines []*line) error {
	first := r.node
	if first.dead() {
		return r.restart(ctx)
	}
	name, err := r.sole(ctx)
	if err != nil {
		return err
	}
	// Each renewal is held up, times out and is tried again.
	var rules []*rule
	for range 200 {
		rules = append(rules, newRule(stepLease, false, held))
	}
	first.wire.arm(rules...)
	release := func() {
		first.wire.disarm()
		for _, rule := range rules {
			close(rule.free)
		}
	}
	second, err := r.successor(ctx, name)
	if err != nil {
		release()
		return err
	}
	// Both come to the same step at the same time.
	for _, n := range []*node{first, second} {
		for range 2 {
			for _, at := range []moment{{stepProjections, false}, {stepBatch, true}} {
				rule := newRule(at.step, at.completes, late)
				rule.delay = time.Duration(20+r.rng.IntN(60)) * time.Millisecond
				n.wire.arm(rule)
			}
		}
	}
	defer second.wire.disarm()
	// Whichever is published through, both decide, and one is told that it may not.
	r.node = []*node{first, second}[r.rng.IntN(2)]
	fenced := func() bool { return first.fenced.Load()+second.fenced.Load() > 0 }
	err = r.deliver(ctx, lines)
	for i := 0; err == nil && !fenced() && i < attempts; i++ {
		err = r.deliver(ctx, r.some(3, r.load.lines[:1]))
	}
	release()
	stays, goes := first, second
	if r.rng.IntN(2) == 0 {
		stays, goes = second, first
	}
	r.node = stays
	if err == nil && !fenced() {
		err = wrong("two instances wrote the same shards, and neither was fenced off")
	}
	if err != nil {
		goes.crash()
		return err
	}
	goes.leave()
	r.struck("two_owners")
	return nil
}

// or returns the lines, or others where there are none.
func or(lines, others []*line) []*line {
	if len(lines) == 0 {
		return others
	}
	return lines
}

// zombie freezes an instance in the middle of its work, lets another take over
// and post, and then lets everything through that the first one had to say.
func (r *run) zombie(ctx context.Context, lines []*line) error {
	moments := []moment{{stepBatch, false}, {stepBatch, true}, {stepProjections, false}, {stepProjections, true}, {stepRecords, true}}
	for _, at := range personal(lines) {
		moments = append(moments, moment{at, true})
	}
	return r.zombieAt(ctx, moments[r.rng.IntN(len(moments))], lines)
}

func (r *run) zombieAt(ctx context.Context, freezes moment, lines []*line) error {
	first := r.node
	name, err := r.sole(ctx)
	if err != nil {
		return err
	}
	at := newRule(freezes.step, freezes.completes, frozen)
	first.wire.arm(at)
	handing, cancel := context.WithCancel(ctx)
	defer cancel()
	handed := make(chan struct{})
	go func() {
		defer close(handed)
		for !at.acted() && handing.Err() == nil {
			r.hand(handing, first, or(lines, r.load.lines[:1])) //nolint:errcheck // it is about to freeze
		}
	}()
	err = r.until(ctx, "the instance comes to where it freezes", at.acted)
	var second *node
	if err == nil {
		second, err = r.successor(ctx, name)
	}
	cancel() // its publisher has given up; what it had said is still to come
	if err != nil {
		first.wire.disarm()
		first.wire.thaw()
		<-handed
		return err
	}
	r.node = second
	err = r.deliver(ctx, lines)
	first.wire.thaw()
	<-handed
	if err == nil {
		// While it takes part again, facts keep coming.
		err = r.deliver(ctx, r.some(5, r.load.lines[:1]))
	}
	if err != nil {
		first.crash()
		return err
	}
	if r.rng.IntN(2) == 0 {
		r.node = first
		second.leave()
	} else {
		first.leave()
	}
	r.struck("zombie")
	return nil
}
