package web

import (
	"strconv"
	"strings"

	"socho/projections"
)

// trend is a figure's last months as bars from 0 to 100 percent. Everything in
// it is whole numbers of drawing units.
type trend struct {
	Bars  []bar
	Label string // the whole picture in a sentence
	First string // month
	Last  string
}

type bar struct {
	X, Y, Height int
	Title        string
	Last         bool
	None         bool // no rate that month
}

// The picture: 240 × 64 units, of which the bars take 60 in height.
const (
	trendBase   = 62
	trendHeight = 60
	trendStep   = 20
)

func (l *language) trend(figures []projections.Figure) *trend {
	if len(figures) < 2 {
		return nil
	}
	t := &trend{First: month(figures[0].Period), Last: month(figures[len(figures)-1].Period)}
	var first, last *projections.Figure
	for i := range figures {
		f := &figures[i]
		b := bar{X: i*trendStep + 3, Y: trendBase - 1, Height: 1, Last: i == len(figures)-1}
		b.Title = month(f.Period) + ": " + l.rate(f.Rate)
		if tenths, ok := tenthsOf(f.Rate); ok {
			b.Height = max(tenths*trendHeight/1000, 1)
			b.Y = trendBase - b.Height
			if first == nil {
				first = f
			}
			last = f
		} else {
			b.None = true
		}
		t.Bars = append(t.Bars, b)
	}
	if first == nil {
		return nil
	}
	t.Label = l.say("trend.label", "first", l.rate(first.Rate), "from", month(first.Period), "last", l.rate(last.Rate), "to", month(last.Period))
	return t
}

// tenthsOf reads "86.2" as 862.
func tenthsOf(rate *string) (tenths int, ok bool) {
	if rate == nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.Replace(*rate, ".", "", 1))
	return min(n, 1000), err == nil
}
