package adminunits

import (
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	if n := len(Units()); n != 124 {
		t.Errorf("%d communes, want 124", n)
	}
	if n := len(FormerHaGiang()); n != 73 {
		t.Errorf("%d communes of the former Hà Giang, want 73", n)
	}
	merged := map[string]int{}
	coded := map[string]bool{}
	for _, u := range Units() {
		if len(u.Code) != 5 || u.Name == "" || u.Since != "2025-07-01" {
			t.Errorf("damaged: %+v", u)
		}
		for _, o := range u.Merged {
			merged[u.Former]++
			if o.Code != "" && coded[o.Code] {
				t.Errorf("%s was split", o.Code)
			}
			coded[o.Code] = true
		}
		// What Current relies on.
		if at, ok := byOld[u.Code]; ok && units[at].Code != u.Code {
			t.Errorf("%s stands for two places", u.Code)
		}
	}
	if merged["02"] != 193 || merged["08"] != 139 {
		t.Errorf("old units: %v, want 193 of 02 and 139 of 08", merged)
	}
	if !slices.IsSortedFunc(Units(), func(a, b Unit) int { return slices.Compare([]string{a.Code}, []string{b.Code}) }) {
		t.Error("not in order of codes")
	}
}

func TestNames(t *testing.T) {
	for code, want := range map[string]string{
		"00721": "Xã Đồng Văn", "00694": "Phường Hà Giang 1", "08": "Tuyên Quang", "02": "Hà Giang (cũ)",
		"00988": "", "99": "", "": "",
	} {
		if got := Name(code); got != want {
			t.Errorf("Name(%q) = %q, want %q", code, got, want)
		}
	}
}

func TestCurrent(t *testing.T) {
	for _, c := range []struct{ code, day, want string }{
		{"00988", "2025-06-30", "00700"}, // Yên Định went into Ngọc Đường
		{"00988", "2025-07-01", "00700"}, // and is still written by some
		{"00721", "2025-06-30", "00721"},
		{"00721", "2026-01-01", "00721"},
		{"99999", "2026-01-01", ""},
	} {
		u, ok := Current(c.code, c.day)
		if ok != (c.want != "") || u.Code != c.want {
			t.Errorf("Current(%s, %s) = %s, %v, want %s", c.code, c.day, u.Code, ok, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	for code, want := range map[string][2]int{"08": {124, 125}, "02": {73, 74}, "00721": {1, 1}, "00988": {1, 1}, "77": {0, 0}} {
		if got := [2]int{len(Communes(code)), len(Expand(code))}; got != want {
			t.Errorf("%s expands to %v, want %v", code, got, want)
		}
	}
	if got := Communes("00988"); got[0] != "00700" {
		t.Errorf("an old commune expands to %v", got)
	}
}
