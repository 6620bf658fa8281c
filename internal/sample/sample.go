package sample

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Bounds of Options. A hundredfold province is some eleven million lines.
const (
	DefaultSeed = 1
	MaxScale    = 1000
)

// What Generate says of options that it cannot follow.
var (
	ErrProvince = errors.New("sample: there is a sample of hagiang only")
	ErrScale    = fmt.Errorf("sample: the scale is 1 to %d", MaxScale)
)

// Options choose a sample. The zero value is Hà Giang at scale 1 with the
// default seed.
type Options struct {
	Province string // hagiang, also where empty
	Scale    int    // so many copies of markets, schools and the fund; 0 is 1
	Seed     uint64 // 0 is DefaultSeed
}

// Generate writes the sample to w, a line each, in the order of their times.
// The same options give the same bytes, on every machine. It holds about a
// month's lines in memory.
//
// Errors: ErrProvince, ErrScale, and those of w.
func Generate(w io.Writer, o Options) error {
	_, err := generate(w, o)
	return err
}

// organization is what takes part in the year. Each month is written in one
// call; its lines may lie up to lead before the month's first day, and any time
// after.
type organization interface {
	setUp()
	write(m month)
}

// lead is how long before a month its first lines may be written: the lists of
// those entitled are made up before the 25th of the month before.
const lead = 12 * oneDay

type generator struct {
	options       Options
	books         []*book
	organizations []organization
	waiting       []pending
	tally         *tally
}

func generate(w io.Writer, o Options) (*tally, error) {
	if o.Province != "" && o.Province != "hagiang" {
		return nil, ErrProvince
	}
	if o.Scale < 0 || o.Scale > MaxScale {
		return nil, ErrScale
	}
	o.Scale = max(o.Scale, 1)
	if o.Seed == 0 {
		o.Seed = DefaultSeed
	}
	g := &generator{options: o, tally: newTally()}
	g.organizations = append(g.organizations, newProvince(g))
	for copy := range o.Scale {
		suffix := ""
		if copy > 0 {
			suffix = fmt.Sprintf("-b%d", copy+1)
		}
		g.organizations = append(g.organizations, newFund(g, suffix))
		for i := range marketList {
			g.organizations = append(g.organizations, newMarket(g, i, suffix))
		}
		for i := range schoolList {
			g.organizations = append(g.organizations, newSchool(g, i, suffix))
		}
	}
	out := bufio.NewWriterSize(w, 1<<20)
	for _, each := range g.organizations {
		each.setUp()
	}
	for i := range Months {
		m := monthAt(i)
		for _, each := range g.organizations {
			each.write(m)
		}
		if err := g.flush(out, monthAt(i+1).start-lead); err != nil {
			return nil, err
		}
	}
	if err := g.flush(out, 1<<62); err != nil {
		return nil, err
	}
	return g.tally, out.Flush()
}

// flush writes the waiting lines of before a moment, by time. Within an
// organization lines of the same moment keep their order.
func (g *generator) flush(out *bufio.Writer, before int64) error {
	slices.SortFunc(g.waiting, func(a, b pending) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.book, b.book), cmp.Compare(a.seq, b.seq))
	})
	n := 0
	for n < len(g.waiting) && g.waiting[n].at < before {
		if _, err := out.Write(g.waiting[n].line); err != nil {
			return fmt.Errorf("sample: %w", err)
		}
		n++
	}
	g.tally.lines += n
	g.waiting = slices.Delete(g.waiting, 0, n)
	return nil
}
