package bank

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"socho/internal/refcode"
)

// TestSlips: the index finds exactly what looking at every code finds.
func TestSlips(t *testing.T) {
	codes := []refcode.Code{"BT2610YZXTX", "CH2609DF4EP", "HP2526YK2Y6", "VE2609RGZ5M"}
	index := NewSearched(codes)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.SampledFrom([]string{"HP2526YK2Y6", "CH2609DF4EP", "VE2609RGZ5M", "HP2526YX2Y6"}).Draw(t, "code"))
		for range rapid.IntRange(0, 2).Draw(t, "slips") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				text[at] = rapid.SampledFrom([]byte("0A9Z")).Draw(t, "to")
			case 1:
				text = append(text[:at], text[at+1:]...)
			case 2:
				text = append(text[:at], append([]byte("Q"), text[at:]...)...)
			case 3:
				if at > 0 {
					text[at], text[at-1] = text[at-1], text[at]
				}
			case 4:
				text = text[:max(at, 1)]
			}
		}
		line := rapid.SampledFrom([]string{"", "MBVCB 1 ", "nop "}).Draw(t, "before") + string(text) + rapid.SampledFrom([]string{"", " CT tu 1", "X"}).Draw(t, "after")
		var want []Slip
		for _, code := range codes {
			if r := nearMiss(withoutCodes(line), string(code)); r != "" {
				want = append(want, Slip{code, r})
			}
		}
		if got := index.Slips(line); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q: got %v, want %v", line, got, want)
		}
		found += len(want)
	})
	// Codes that begin alike are not taken for one another.
	if got := NewSearched([]refcode.Code{"HP2526YK2Y6", "HP2526YK00" + refcode.Code(refcode.Check("HP2526YK00"))}).Slips("nop HP2526YK2Y6"); got != nil {
		t.Errorf("a whole code is a slip of another: %v", got)
	}
	if found == 0 {
		t.Error("no slip was ever found")
	}
}
