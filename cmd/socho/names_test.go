package main

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"socho/projections"
	"socho/web/api"
)

// What a command prints and what the API answers carry the same names: the API
// may say more, never less.
func TestAPINamesAreTheCommands(t *testing.T) {
	names := func(v any) map[string]any {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var found map[string]any
		if err := json.Unmarshal(text, &found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	for what, c := range map[string]struct{ command, api any }{
		"outcome":   {outcomeLine{}, api.Outcome{}},
		"adoption":  {projections.Figure{Numerator: "0", Denominator: "0"}, api.FigureOf(&projections.Figure{Numerator: "0", Denominator: "0"})},
		"published": {publishResult{Outcomes: map[string]int64{"posted": 1}}, api.Published{Outcomes: map[string]int64{"posted": 1}}},
	} {
		answered := names(c.api)
		for _, name := range slices.Sorted(maps.Keys(names(c.command))) {
			if _, ok := answered[name]; !ok {
				t.Errorf("%s: the API does not answer %s", what, name)
			}
		}
	}
}
