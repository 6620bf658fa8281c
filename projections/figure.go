package projections

import (
	"encoding/json"
	"math/big"
	"time"

	"socho/ledger"
)

// Domains of published figures.
const (
	Benefits  = "benefits"
	Fees      = "fees"
	Schools   = "schools"
	Accounts  = "accounts"
	EInvoices = "einvoices"
	Systems   = "systems"
)

// The four kinds of rate, never mixed.
const (
	ByPersons      = "persons"
	ByCount        = "count"
	ByValue        = "value"
	ByInstitutions = "institutions"
)

// Domains lists every domain in the order they are shown.
func Domains() []string { return []string{Benefits, Fees, Schools, Accounts, EInvoices, Systems} }

// Bys lists the kinds of rate that a domain has; nil where there is no such
// domain.
func Bys(domain string) []string {
	switch domain {
	case Benefits:
		return []string{ByPersons, ByCount, ByValue}
	case Fees:
		return []string{ByCount, ByValue}
	case Schools, EInvoices, Systems:
		return []string{ByInstitutions}
	case Accounts:
		return []string{ByPersons}
	}
	return nil
}

// Definition names the definition of a figure and its version. A definition
// that has published a figure is never changed; a better one is @2.
func Definition(domain, by string) string { return domain + "." + by + "@1" }

// Query asks for figures.
type Query struct {
	Domain string
	By     string   // empty: every kind the domain has
	Period string   // 2026-09, 2026-Q3 or 2026; empty: the latest complete month
	Unit   string   // what the figure is called by; empty for the whole ledger
	Units  []string // the codes that Unit stands for; empty: Unit alone
	AsOf   AsOf
}

// AsOf is the state of knowledge to answer from; its zero value is all there
// is. Both bounds hold where both are given.
type AsOf struct {
	Next       map[int]int64 // by shard: only offsets below; a shard not named is not bounded
	RecordedAt time.Time     // only records of this moment or before; zero: not bounded
}

// Figure is one published rate with everything that is needed to check it.
type Figure struct {
	Domain      string
	Unit        string // empty for the whole ledger
	Period      string
	By          string
	Numerator   string  // a whole number; by value, a decimal string of đồng
	Denominator string  // likewise
	Rate        *string // percent with one decimal, half-up; nil where the denominator is 0
	Definition  string
	Position    map[int]int64 // next offset of each shard as of which it holds; set by who knows it
	Digest      string        // hex; see Digest of the package
	Events      []EventRef    // behind it, in log order
}

// EventRef is one event behind a figure.
type EventRef struct {
	Position
	Organization string      `json:"organization"`
	Source       string      `json:"source"`
	EventID      string      `json:"event_id"`
	Kind         string      `json:"kind"`
	RecordHash   ledger.Hash `json:"-"`
}

// MarshalJSON writes the fields that scripts rely on; events are listed apart.
func (f Figure) MarshalJSON() ([]byte, error) {
	count := func(s string) any {
		if f.By == ByValue {
			return s
		}
		return json.RawMessage(s)
	}
	var unit *string
	if f.Unit != "" {
		unit = &f.Unit
	}
	position := f.Position
	if position == nil {
		position = map[int]int64{}
	}
	return json.Marshal(struct {
		Domain      string        `json:"domain"`
		Unit        *string       `json:"unit"`
		Period      string        `json:"period"`
		By          string        `json:"by"`
		Numerator   any           `json:"numerator"`
		Denominator any           `json:"denominator"`
		Rate        *string       `json:"rate"`
		Definition  string        `json:"definition"`
		Position    map[int]int64 `json:"position"`
		Digest      string        `json:"digest"`
	}{f.Domain, unit, f.Period, f.By, count(f.Numerator), count(f.Denominator), f.Rate, f.Definition, position, f.Digest})
}

// Rate is part ÷ whole in percent with one decimal, half-up: Rate(946, 1097)
// is "86.2". It is nil where the whole is 0. Neither may be negative.
func Rate(part, whole *big.Int) *string {
	if whole.Sign() == 0 {
		return nil
	}
	// tenths of a percent: (2000·part + whole) / (2·whole), rounded down
	n := new(big.Int).Mul(part, big.NewInt(2000))
	n.Add(n, whole)
	n.Quo(n, new(big.Int).Lsh(whole, 1))
	tenths := new(big.Int)
	n.QuoRem(n, big.NewInt(10), tenths)
	s := n.String() + "." + tenths.String()
	return &s
}

// Within returns positions bounded by what a query may know.
func (a AsOf) Within(positions map[int]int64) map[int]int64 {
	bounded := make(map[int]int64, len(positions))
	for shard, next := range positions {
		if n, ok := a.Next[shard]; ok {
			next = min(next, n)
		}
		bounded[shard] = next
	}
	return bounded
}
