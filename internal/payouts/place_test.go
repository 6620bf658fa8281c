package payouts

import (
	"testing"

	"socho/projections"
)

// TestPlace: what a result comes to beside what is known of its payout.
func TestPlace(t *testing.T) {
	in := func(batch string) projections.PayoutMove {
		return projections.PayoutMove{Kind: projections.MoveBatched, Batch: batch, Amount: 500}
	}
	out := func(line string) projections.PayoutMove {
		return projections.PayoutMove{Kind: projections.MoveSettled, Line: line, Amount: 500}
	}
	back := func(line string) projections.PayoutMove {
		return projections.PayoutMove{Kind: projections.MoveReturned, Line: line, Amount: 500}
	}
	for name, c := range map[string]struct {
		moves []projections.PayoutMove
		r     result
		want  verdict
		line  string
	}{
		"nobody's":                        {nil, result{what: settled}, isUnknown, ""},
		"still pending":                   {[]projections.PayoutMove{in("a")}, result{what: pending}, isPending, ""},
		"carried out, no line":            {[]projections.PayoutMove{in("a")}, result{what: settled, batch: "a"}, isNew, "a"},
		"carried out on a line":           {[]projections.PayoutMove{in("a")}, result{what: settled, bankLine: "l"}, isNew, "l"},
		"the line of what was said":       {[]projections.PayoutMove{in("a"), out("a")}, result{what: settled, bankLine: "l"}, isKnown, "l"},
		"said of what is on a line":       {[]projections.PayoutMove{in("a"), out("l")}, result{what: settled, batch: "a"}, isKnown, "a"},
		"a second line is money again":    {[]projections.PayoutMove{in("a"), out("l")}, result{what: settled, bankLine: "l2"}, isNew, "l2"},
		"of a batch it was never in":      {[]projections.PayoutMove{in("a")}, result{what: settled, batch: "b"}, otherSent, ""},
		"rejected":                        {[]projections.PayoutMove{in("a")}, result{what: rejected, batch: "a"}, isNew, ""},
		"rejected twice":                  {[]projections.PayoutMove{in("a"), back("")}, result{what: rejected, batch: "a"}, isKnown, ""},
		"rejected late, sent again":       {[]projections.PayoutMove{in("a"), out("l"), back("m"), in("b")}, result{what: rejected, batch: "a"}, isKnown, ""},
		"rejected in a batch it has left": {[]projections.PayoutMove{in("a"), in("b")}, result{what: rejected, batch: "a"}, isLate, ""},
		"rejected, of which batch":        {[]projections.PayoutMove{in("a"), back(""), in("b")}, result{what: rejected}, several, ""},
		"came back":                       {[]projections.PayoutMove{in("a"), out("l")}, result{what: returned, bankLine: "m"}, isNew, "m"},
		"came back, the same line":        {[]projections.PayoutMove{in("a"), out("l"), back("m")}, result{what: returned, bankLine: "m"}, isKnown, "m"},
		"came back on no line":            {[]projections.PayoutMove{in("a"), out("l")}, result{what: returned}, noReturn, ""},
		"the second sending's line":       {[]projections.PayoutMove{in("a"), out("l"), back("m"), in("b")}, result{what: settled, bankLine: "l2"}, isNew, "l2"},
	} {
		r := c.r
		if got := place(&r, c.moves); got != c.want || c.line != "" && r.bankLine != c.line {
			t.Errorf("%s: %s on line %q", name, got, r.bankLine)
		}
		if got := place(&r, c.moves); c.want == isNew && (got != isNew || r.amount != 500) {
			t.Errorf("%s: amount %d", name, r.amount)
		}
	}
}
