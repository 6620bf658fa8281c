// Package adminunits knows the communes of Tuyên Quang: the 124 that the
// province has had since 1 July 2025, and which older communes each was made
// of, so that figures stay comparable across the reorganisation.
//
// Codes are those of the General Statistics Office. A province has two digits,
// a commune five. "08" is the province of today; "02" is the former Hà Giang,
// which ended with 30 June 2025 and lives on as a name for the 73 communes that
// were made of its units. No old commune was split, so an old code leads to
// exactly one new commune.
//
// The table is embedded; where its facts come from stands in NOTICE. The
// package knows no database, and its answers never change while a program runs.
//
// One worked example:
//
//	adminunits.Name("00721")              // Xã Đồng Văn
//	adminunits.Current("00724", "2025-06-30") // the commune that 00724 went into
//	len(adminunits.Communes("02"))        // 73
package adminunits

import (
	_ "embed"
	"slices"
	"strings"
)

// Codes of provinces.
const (
	TuyenQuang = "08" // since 1 July 2025 with the former Hà Giang
	HaGiang    = "02" // until 30 June 2025
)

// Unit is a commune of today's Tuyên Quang.
type Unit struct {
	Code   string
	Name   string    // Xã Đồng Văn, Phường Hà Giang 1
	Former string    // code of the province that its units belonged to: 02 or 08
	Since  string    // YYYY-MM-DD, the day since when it exists
	Merged []OldUnit // what it was made of
}

// OldUnit is a commune that went into a Unit. Code is empty for the two that
// the source has no code of.
type OldUnit struct {
	Code string
	Name string
}

//go:embed communes.csv
var table string

var units, byCode, byOld = read(table)

// read takes the embedded table apart. It panics on a table that is damaged,
// which the tests would have shown.
func read(table string) (units []Unit, byCode, byOld map[string]int) {
	byCode, byOld = map[string]int{}, map[string]int{}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for _, line := range lines[1:] { // the first names the columns
		f := strings.Split(line, ",")
		if len(f) != 5 {
			panic("adminunits: damaged table: " + line)
		}
		u := Unit{Code: f[0], Name: f[1], Former: f[2], Since: f[3]}
		for old := range strings.SplitSeq(f[4], ";") {
			code, name, _ := strings.Cut(old, " ")
			if code == "?" {
				code = ""
			} else {
				byOld[code] = len(units)
			}
			u.Merged = append(u.Merged, OldUnit{code, name})
		}
		byCode[u.Code] = len(units)
		units = append(units, u)
	}
	return units, byCode, byOld
}

// Units lists all 124 communes, by code. The caller may keep and change the
// list, but not what Merged points to.
func Units() []Unit { return slices.Clone(units) }

// FormerHaGiang lists the 73 communes whose old units lay in the former Hà
// Giang, by code.
func FormerHaGiang() []Unit {
	return slices.DeleteFunc(Units(), func(u Unit) bool { return u.Former != HaGiang })
}

// Find returns the commune of today with that code.
func Find(code string) (Unit, bool) {
	at, ok := byCode[code]
	if !ok {
		return Unit{}, false
	}
	return units[at], true
}

// Name is what a province or commune of today is called, or "".
func Name(code string) string {
	if name := Province(code); name != "" {
		return name
	}
	u, _ := Find(code)
	return u.Name
}

// Province is what a province is called, or "". The former Hà Giang is named
// as former.
func Province(code string) string {
	switch code {
	case TuyenQuang:
		return "Tuyên Quang"
	case HaGiang:
		return "Hà Giang (cũ)"
	}
	return ""
}

// Current returns the commune of today that a code stood for on a day
// (YYYY-MM-DD): before a commune began to exist, codes are those of the old
// units. Old codes that people still write afterwards lead to the same place.
// It returns false for a code that stood for nothing here on that day.
func Current(code, day string) (Unit, bool) {
	if at, ok := byOld[code]; ok {
		// A new commune that kept the code of an old one always contains it (the
		// tests say so), so the day only tells whether the code existed at all.
		return units[at], true
	}
	if at, ok := byCode[code]; ok && day >= units[at].Since {
		return units[at], true
	}
	return Unit{}, false
}

// Communes expands a filter to the codes of communes: "08" to all 124, "02" to
// the 73 of the former Hà Giang, a commune or an old commune to the one of
// today. It returns nil for what is not known.
func Communes(code string) []string {
	var codes []string
	switch code {
	case TuyenQuang, HaGiang:
		for _, u := range units {
			if code == TuyenQuang || u.Former == code {
				codes = append(codes, u.Code)
			}
		}
	default:
		if u, ok := Current(code, "9999-12-31"); ok {
			codes = append(codes, u.Code)
		}
	}
	return codes
}

// Expand is Communes with the code itself ahead of them where it is a
// province's: facts of a whole province (its information systems, say) carry
// the province's code.
func Expand(code string) []string {
	communes := Communes(code)
	if Province(code) != "" {
		return append([]string{code}, communes...)
	}
	return communes
}
