package events

import (
	"errors"
	"strings"
	"testing"
)

// A fact of a private catalogue in three versions: the weight of a load was
// once a bare number, then had a unit, and is now called a measure.
type (
	loadV1 struct {
		Dated
		Weight *Count `json:"weight"`
	}
	loadV2 struct {
		Dated
		Weight *Count `json:"weight"`
		Unit   Word   `json:"unit" in:"kg,t"`
	}
	loadV3 struct {
		Dated
		Measure *Count `json:"measure"`
		Unit    Word   `json:"unit" in:"kg,t,not_said"`
	}
)

func loads() *Vocabulary {
	v1, v2, v3 := fact[loadV1](), fact[loadV2](), fact[loadV3]()
	v1.upcast = func(f Fact) (Fact, error) {
		old := f.(*loadV1)
		return &loadV2{old.Dated, old.Weight, "not_said"}, nil
	}
	v2.upcast = func(f Fact) (Fact, error) {
		old := f.(*loadV2)
		if *old.Weight == 13 {
			return nil, errors.New("no such weight")
		}
		return &loadV3{old.Dated, old.Weight, old.Unit}, nil
	}
	return newVocabulary([]kind{{name: "test.load", versions: []version{v1, v2, v3}}}, nil)
}

func TestUpcast(t *testing.T) {
	voc := loads()
	for _, c := range []struct {
		version, data string
		unit          Word
		on            int
		code          Code
		field         string
	}{
		{"v1", `"weight":7`, "not_said", 1, "", ""},
		{"v2", `"weight":7,"unit":"kg"`, "kg", 2, "", ""},
		{"v3", `"measure":7,"unit":"kg"`, "kg", 3, "", ""},
		{"v1", `"weight":7,"unit":"kg"`, "", 0, UnknownField, "/data/unit"}, // each version reads its own fields only
		{"v2", `"measure":7,"unit":"kg"`, "", 0, UnknownField, "/data/measure"},
		{"v2", `"weight":7`, "", 0, MissingField, "/data/unit"},
		{"v2", `"weight":7,"unit":"not_said"`, "", 0, BadValue, "/data/unit"}, // an upcast's value is not handed in
		{"v1", `"weight":13`, "", 0, BadValue, "/data"},                       // refused two versions on
		{"v4", `"weight":7`, "", 0, UnknownVersion, "/type"},
		{"v0", `"weight":7`, "", 0, UnknownVersion, "/type"},
		{"", `"weight":7`, "", 0, UnknownEventType, "/type"},
	} {
		value := `{"data":{"effective_on":"2026-09-01",` + c.data + `},"id":"e-1","source":"urn:x","specversion":"1.0","subject":"o","time":"2026-09-01T08:00:00Z","type":"` +
			strings.TrimSuffix("vn.socho.test.load."+c.version, ".") + `"}`
		canonical, err := Canonical([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		event, err := voc.decode(canonical)
		if c.code != "" {
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
				t.Errorf("%s %s: got %v, want %s at %s", c.version, c.data, err, c.code, c.field)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.version, c.data, err)
			continue
		}
		load, ok := event.Fact.(*loadV3)
		if !ok || *load.Measure != 7 || load.Unit != c.unit || load.EffectiveOn != "2026-09-01" {
			t.Errorf("%s %s: read as %T %+v", c.version, c.data, event.Fact, event.Fact)
		}
		if event.Version != c.on || !strings.HasSuffix(event.Type, c.version) {
			t.Errorf("%s %s: version %d of type %s", c.version, c.data, event.Version, event.Type)
		}
	}
}

// TestVersionsChain: every version but the newest has its upcast, the newest
// has none, and a name stands once.
func TestVersionsChain(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range catalogue {
		if seen[k.name] {
			t.Errorf("%s stands twice", k.name)
		}
		seen[k.name] = true
		for i, v := range k.versions {
			if newest := i == len(k.versions)-1; newest != (v.upcast == nil) {
				t.Errorf("%s v%d: upcast missing or one too many", k.name, i+1)
			}
		}
	}
}
