package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Fault is one kind of thing that goes wrong.
type Fault struct {
	Name string
	Kill bool // needs real processes
	What string
	play func(r *run, ctx context.Context, lines []*line) error
}

// Faults returns every kind, in a fixed order.
func Faults() []Fault { return slices.Clone(faults) }

var faults = []Fault{
	{Name: "stop", What: "the service is stopped right before or right after a durable step, and started again", play: (*run).stop},
	{Name: "commit_failed", What: "a batch's commit does not reach PostgreSQL", play: (*run).commitFailed},
	{Name: "commit_lost", What: "a batch is committed, and the answer is lost", play: (*run).commitLost},
	{Name: "produce_failed", What: "records do not reach the broker", play: (*run).produceFailed},
	{Name: "produce_lost", What: "records are on the log, and the acknowledgement is lost", play: (*run).produceLost},
	{Name: "duplicates", What: "lines are published again, shuffled across organizations", play: (*run).duplicates},
	{Name: "delays", What: "messages to PostgreSQL and the broker are late", play: (*run).delays},
	{Name: "replays", What: "the broker's answer to an earlier read is delivered again", play: (*run).replays},
	{Name: "cut", What: "the connection to the broker breaks in the middle of a batch", play: (*run).cut},
	{Name: "two_owners", What: "two instances both believe that they own the shards", play: (*run).twoOwners},
	{Name: "zombie", What: "an instance freezes, is replaced, and wakes late", play: (*run).zombie},
	{Name: "disk_full", What: "PostgreSQL's disk is full in the middle of a batch", play: (*run).diskFull},
	{Name: "torn_tail", What: "the end of a shard's log is torn off while the broker is down", play: (*run).tornTail},
	{Name: "flipped_byte", What: "a byte of a shard's log is altered while the broker is down", play: (*run).flippedByte},
	{Name: "topic_recreated", What: "the topic is gone and made anew, with other records", play: (*run).topicRecreated},
	{Name: "database_restored", What: "PostgreSQL is restored to an older copy", play: (*run).databaseRestored},
	{Name: "clock", What: "the clock jumps back and far ahead", play: (*run).clockJumps},
	{Name: "kill_service", What: "the process of socho run is killed", Kill: true},
	{Name: "kill_postgres", What: "PostgreSQL is killed under the service", Kill: true},
}

// Named returns the faults that a list names: "all" is every one, those that
// need kills only where kills are allowed. Errors name the faults there are.
func Named(list string, kills bool) ([]Fault, error) {
	var found []Fault
	var known []string
	for _, f := range faults {
		known = append(known, f.Name)
		if list == "all" && (kills || !f.Kill) {
			found = append(found, f)
		}
	}
	if list == "all" {
		return found, nil
	}
	for _, name := range strings.Split(list, ",") {
		i := slices.Index(known, name)
		switch {
		case i < 0:
			return nil, fmt.Errorf("%q is no fault; there are: %s, or all", name, strings.Join(known, ", "))
		case faults[i].Kill && !kills:
			return nil, fmt.Errorf("%s kills real processes; allow it with --kills", name)
		case !slices.ContainsFunc(found, func(f Fault) bool { return f.Name == name }):
			found = append(found, faults[i])
		}
	}
	return found, nil
}
