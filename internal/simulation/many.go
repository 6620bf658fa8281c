package simulation

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// Summary is what many runs found together.
type Summary struct {
	Seed     uint64         `json:"seed"` // the first
	Runs     int            `json:"runs"` // seeds played from there on
	Events   int            `json:"events"`
	Faults   map[string]int `json:"faults"`
	OK       bool           `json:"ok"`
	Problems []string       `json:"problems"` // each with the seed and how to play it again
}

// aCore is how many runs are played at a time for each processor. A run waits
// about as long as it works; with more of them each takes longer, and what it does
// again and again meanwhile (beats, looks for what is new) costs more than is won.
const aCore = 2

// Many plays o.Seed and the seeds that follow it, several at a time, and calls
// each as they end. Runs with kills are played one after the other: each brings
// up processes of its own, and what they are killed at should be work rather than
// waiting for each other. A run that could not go on counts as a problem. Errors:
// the context's.
func Many(ctx context.Context, host *Host, o Options, runs int, each func(*Result)) (*Summary, error) {
	sum := &Summary{Seed: o.Seed, Faults: map[string]int{}, OK: true, Problems: []string{}}
	for _, f := range o.Faults {
		sum.Faults[f.Name] = 0
	}
	side := aCore * runtime.GOMAXPROCS(0)
	if kills(o.Faults) {
		side = 1
	}
	var lock sync.Mutex
	var group sync.WaitGroup
	turns := make(chan struct{}, side)
	for i := range runs {
		one := o
		one.Seed += uint64(i)
		turns <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-turns }()
			result, err := Run(ctx, host, one)
			lock.Lock()
			defer lock.Unlock()
			switch {
			case ctx.Err() != nil:
				return // nobody waits for it any more
			case err != nil:
				result = &Result{Seed: one.Seed, Problems: []string{"the simulation could not go on: " + err.Error()}}
			}
			sum.add(one, result)
			if each != nil {
				each(result)
			}
		})
	}
	group.Wait()
	return sum, context.Cause(ctx)
}

func (s *Summary) add(o Options, r *Result) {
	s.Runs++
	s.Events += r.Events
	s.OK = s.OK && r.OK
	for name, n := range r.Faults {
		s.Faults[name] += n
	}
	for _, p := range r.Problems {
		s.Problems = append(s.Problems, fmt.Sprintf("%s (%s)", p, o.Command()))
	}
}

func kills(of []Fault) bool {
	for _, f := range of {
		if f.Kill {
			return true
		}
	}
	return false
}

// Command is what plays a run again.
func (o Options) Command() string {
	list, more, n := "", "", 0
	for _, f := range o.Faults {
		if list != "" {
			list += ","
		}
		list += f.Name
		n++
		if f.Kill {
			more = " --kills"
		}
	}
	if all, err := Named("all", more != ""); err == nil && n == len(all) {
		list = "all"
	}
	return fmt.Sprintf("socho simulate --seed %d --events %d --faults %s%s", o.Seed, o.Events, list, more)
}
