package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"socho/events"
)

var update = flag.Bool("update", false, "write the golden hash anew")

// scale1 is the sample that everybody sees first, made once for all tests.
var scale1 = sync.OnceValues(func() ([]byte, *Expectations) {
	var b bytes.Buffer
	t, err := generate(&b, Options{Scale: 1, Seed: 1})
	if err != nil {
		panic(err)
	}
	return b.Bytes(), t.expectations()
})

// published is what the province publishes for September 2026.
var published = []struct {
	domain, by, rate       string
	numerator, denominator int64 // 0 where only the rate is published
}{
	{"benefits", "persons", "86.2", 946, 1097},
	{"schools", "institutions", "85.0", 425, 500},
	{"systems", "institutions", "71.6", 58, 81},
	{"accounts", "persons", "55.5", 0, 0},
	{"einvoices", "institutions", "100.0", 0, 0},
}

func checkPublished(t *testing.T, e *Expectations) {
	t.Helper()
	for _, p := range published {
		f, ok := e.Figure(p.domain, p.by, "2026-09")
		if !ok || f.Rate() != p.rate || p.denominator != 0 && (f.Numerator != p.numerator || f.Denominator != p.denominator) {
			t.Errorf("%s by %s: %d / %d = %s, want %d / %d = %s", p.domain, p.by, f.Numerator, f.Denominator, f.Rate(), p.numerator, p.denominator, p.rate)
		}
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	lines, _ := scale1()
	sum := sha256.Sum256(lines)
	got := hex.EncodeToString(sum[:]) + "  scale 1, seed 1\n"
	const file = "testdata/golden.sha256"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the sample is not what it was:\n got %s want %s", got, want)
	}
}

func TestSameOptionsSameBytes(t *testing.T) {
	t.Parallel()
	lines, _ := scale1()
	var again bytes.Buffer
	if err := Generate(&again, Options{Province: "hagiang"}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(lines, again.Bytes()) {
		t.Error("the defaults, written again, differ from scale 1 seed 1")
	}
}

func TestEverySeedPublishesTheSame(t *testing.T) {
	t.Parallel()
	long(t)
	for _, seed := range []uint64{2, 1 << 63} {
		e, err := Describe(Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		checkPublished(t, e)
		if e.Lines > 150_000 {
			t.Errorf("seed %d: %d lines, at most 150,000", seed, e.Lines)
		}
	}
}

// TestCopies: a bigger province holds the small one unchanged.
func TestCopies(t *testing.T) {
	t.Parallel()
	long(t)
	lines, _ := scale1()
	var b bytes.Buffer
	two, err := generate(&b, Options{Scale: 2})
	if err != nil {
		t.Fatal(err)
	}
	e := two.expectations()
	if f, _ := e.Figure("benefits", "persons", "2026-09"); f.Numerator != 2*946 || f.Denominator != 2*1097 {
		t.Errorf("benefits at scale 2: %d / %d", f.Numerator, f.Denominator)
	}
	originals := 0
	for line := range bytes.Lines(b.Bytes()) {
		if !bytes.Contains(line, []byte(`-b2/`)) {
			originals += len(line)
		}
	}
	if originals != len(lines) {
		t.Errorf("%d bytes of the originals at scale 2, %d at scale 1", originals, len(lines))
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	if err := Generate(io.Discard, Options{Province: "hanoi"}); !errors.Is(err, ErrProvince) {
		t.Errorf("got %v", err)
	}
	if err := Generate(io.Discard, Options{Scale: -1}); !errors.Is(err, ErrScale) {
		t.Errorf("got %v", err)
	}
	if err := Generate(full{}, Options{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestLines reads every line as intake would.
func TestLines(t *testing.T) {
	t.Parallel()
	lines, e := scale1()
	n, malformed, byType := 0, map[events.Code]int{}, map[string]int{}
	var last time.Time
	for line := range bytes.Lines(lines) {
		n++
		p, err := events.ParsePublished(line)
		var bad *events.Error
		if errors.As(err, &bad) {
			malformed[bad.Code]++
			continue
		}
		byType[events.Name(p.Event.Type)]++
		at, err := time.Parse(time.RFC3339, string(p.Event.Time))
		if err != nil || at.Before(last) {
			t.Fatalf("line %d: %v stands behind %v", n, at, last)
		}
		last = at
		if !strings.HasPrefix(string(p.Event.Source), "https://mau.socho.example/"+p.Event.Subject+"/") {
			t.Fatalf("line %d: source %s", n, p.Event.Source)
		}
		for name, text := range p.Personal {
			checkArtificial(t, name, text)
		}
		if effective := p.Event.Fact.Effective(); effective > "2026-09-30" {
			t.Fatalf("line %d: effective on %s, after the year", n, effective)
		}
		if id := p.Event.ID; len(id) != 36 || id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Fatalf("line %d: %s is not shaped like a UUIDv7", n, id)
		}
	}
	if n != e.Lines || n > 150_000 {
		t.Errorf("%d lines, expected %d and at most 150,000", n, e.Lines)
	}
	same(t, "malformed", malformed, e.Malformed)
	same(t, "type", byType, e.ByType)
	t.Log(e)
}

// long leaves a test of seconds out of short runs.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("reads the whole year")
	}
}

// checkArtificial refuses what could be taken for a real person's.
func checkArtificial(t *testing.T, name, text string) {
	t.Helper()
	ok := true
	switch name {
	case "name", "guardian":
		ok = false
		for _, p := range pseudonyms {
			ok = ok || strings.HasPrefix(text, p+" ")
		}
	case "phone", "citizen_id":
		ok = strings.HasPrefix(text, "0000")
	case "account":
		ok = strings.HasPrefix(text, "MAU")
	}
	if !ok {
		t.Fatalf("%s is not clearly artificial", name)
	}
}

func same[K comparable](t *testing.T, what string, got, want map[K]int) {
	t.Helper()
	for k, n := range got {
		if want[k] != n {
			t.Errorf("%s %v: %d, expected %d", what, k, n, want[k])
		}
	}
	for k, n := range want {
		if got[k] == 0 {
			t.Errorf("%s %v: none, expected %d", what, k, n)
		}
	}
}

// TestPublished: the figures that the generator promises are the province's.
func TestPublished(t *testing.T) {
	t.Parallel()
	_, e := scale1()
	checkPublished(t, e)
	for _, domain := range []string{"benefits persons", "fees count", "fees value", "schools institutions", "systems institutions"} {
		name, by, _ := strings.Cut(domain, " ")
		first, _ := e.Figure(name, by, "2025-10")
		last, _ := e.Figure(name, by, "2026-09")
		if first.Numerator*last.Denominator >= last.Numerator*first.Denominator {
			t.Errorf("%s does not rise: %s, %s", domain, first.Rate(), last.Rate())
		}
	}
}

// raw is a line as a stranger would read it, without this module's codec.
type raw struct {
	ID, Source, Type, Subject string
	Data                      struct {
		EffectiveOn string `json:"effective_on"`
		Amount      json.Number
		Method      string
		Person      string
		Period      string
		Payout      string
		Domain      string
		Institution string
		Unit        string
		Status      string
		Numerator   int64
		Denominator int64
		Reverses    string
	}
}

// TestRecount works the figures out again from the lines alone, the plain way.
func TestRecount(t *testing.T) {
	t.Parallel()
	long(t)
	lines, e := scale1()
	all := map[string]raw{} // by organization, source and id: the first
	var order []string
	reversed := map[string]bool{}
	for line := range bytes.Lines(lines) {
		var r raw
		if _, err := events.ParsePublished(line); err != nil || json.Unmarshal(line, &r) != nil {
			continue
		}
		key := r.Subject + " " + r.Source + " " + r.ID
		if _, held := all[key]; !held {
			all[key] = r
			order = append(order, key)
		}
		if r.Data.Reverses != "" {
			reversed[r.Data.Reverses] = true
		}
	}
	got := newTally()
	entitled := map[string]map[string]bool{}
	payouts := map[string]*recounted{}
	payout := func(r raw) *recounted {
		key := r.Subject + r.Data.Payout
		if payouts[key] == nil {
			payouts[key] = &recounted{}
		}
		return payouts[key]
	}
	state := map[string]raw{} // the latest report of an institution or unit
	greatest := map[string]string{}
	for i := range Months {
		m := monthAt(i)
		for _, key := range order {
			r := all[key]
			if indexOf(events.Date(r.Data.EffectiveOn)) != i || reversed[r.ID] {
				continue
			}
			d, domain := r.Data, ""
			amount, _ := d.Amount.Int64()
			switch events.Name(r.Type) {
			case "market.payment_received", "school.bill_paid":
				got.payment(events.Date(d.EffectiveOn), events.Word(d.Method), amount, 1)
				domain = "fees"
			case "benefit.person_entitled":
				if entitled[d.Period] == nil {
					entitled[d.Period] = map[string]bool{}
				}
				entitled[d.Period][d.Person] = true
			case "benefit.payout_ordered":
				p := payout(r)
				p.person, p.period = d.Person, d.Period
			case "benefit.payout_settled":
				payout(r).settled = amount
				domain = "benefits"
			case "benefit.payout_returned":
				payout(r).settled = 0
			case "benefit.paid_in_cash":
				payout(r).cash = amount
				domain = "benefits"
			case "registry.institution_reported", "registry.figure_reported":
				domain = d.Domain
				state[domain+" "+d.Institution+" "+d.Unit] = r
			}
			if domain != "" {
				greatest[domain] = max(greatest[domain], d.EffectiveOn)
			}
		}
		for _, r := range state {
			yes := int64(0)
			switch r.Data.Status {
			case "":
				by := map[string]string{"accounts": "persons", "einvoices": "institutions"}[r.Data.Domain]
				got.add(r.Data.Domain, by, m.period, r.Data.Numerator, r.Data.Denominator)
				continue
			case "accepting", "connected":
				yes = 1
			}
			got.add(r.Data.Domain, "institutions", m.period, yes, 1)
		}
		paid := map[string]bool{}
		for _, p := range payouts {
			if p.period != string(m.period) || p.settled+p.cash == 0 {
				continue
			}
			cashless := int64(0)
			if p.settled > 0 {
				cashless = 1
				paid[p.person] = true
			}
			got.add("benefits", "count", m.period, cashless, 1)
			got.add("benefits", "value", m.period, p.settled, p.settled+p.cash)
		}
		got.add("benefits", "persons", m.period, int64(len(paid)), int64(len(entitled[string(m.period)])))
	}
	again := got.expectations()
	if len(again.Figures) != len(e.Figures) {
		t.Errorf("%d figures recounted, %d expected", len(again.Figures), len(e.Figures))
	}
	for i, f := range again.Figures {
		if f != e.Figures[i] {
			t.Errorf("recounted %+v, expected %+v", f, e.Figures[i])
		}
	}
	for _, domain := range []string{"benefits", "fees", "schools", "systems", "accounts", "einvoices"} {
		if greatest[domain] != "2026-09-30" {
			t.Errorf("%s: the last fact is of %s", domain, greatest[domain])
		}
	}
}

type recounted struct {
	person, period string
	settled, cash  int64
}
