package refcode_test

import (
	"bytes"
	cryptorand "crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"socho/internal/refcode"
)

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func TestCheck(t *testing.T) {
	for body, want := range map[string]byte{
		"A12425GABC1234002": 'M',
		"HP2526YK2Y":        '6',
		"":                  0,
		"hp2526yk2y":        0, // lower case is not in the set: Find raises it first
		"HP 2526":           0,
		"ĐÀ":                0,
	} {
		if got := refcode.Check(body); got != want {
			t.Errorf("Check(%q) = %q, want %q", body, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want error
	}{
		{"HP2526YK2Y6", nil},
		{"", refcode.ErrLength},
		{"HP2526YK2Y", refcode.ErrLength},
		{"HP2526YK2Y66", refcode.ErrLength},
		{"HP 2526 YK2Y 6", refcode.ErrLength},
		{"XX2526YK2Y6", refcode.ErrPrefix},
		{"hp2526YK2Y6", refcode.ErrPrefix},
		{"HP25O6YK2Y6", refcode.ErrPeriod},
		{"HP2526YI2Y6", refcode.ErrCharacter},
		{"HP2526yk2y6", refcode.ErrCharacter},
		{"HP2526YK2Y7", refcode.ErrCheck},
		{"HP2526YK2Y\x00", refcode.ErrCheck},
	} {
		code, err := refcode.Parse(tc.in)
		if !errors.Is(err, tc.want) {
			t.Errorf("Parse(%q): %v, want %v", tc.in, err, tc.want)
		}
		if err == nil && string(code) != tc.in || err != nil && code != "" {
			t.Errorf("Parse(%q) = %q", tc.in, code)
		}
	}
}

// A body whose check character would be I, L, O or U was never issued, so the
// text that carries one is not a code even though the arithmetic holds.
func TestParseRefusesNeverIssuedCheckCharacters(t *testing.T) {
	seen := map[byte]bool{}
	for _, a := range alphabet {
		for _, b := range alphabet {
			body := "CH260900" + string(a) + string(b)
			check := refcode.Check(body)
			_, err := refcode.Parse(body + string(check))
			never := strings.IndexByte("ILOU", check) >= 0
			if never != (err != nil) {
				t.Fatalf("Parse(%s%c): %v", body, check, err)
			}
			seen[check] = true
		}
	}
	if !seen['I'] || !seen['L'] || !seen['O'] || !seen['U'] {
		t.Fatal("the test met none of the characters that it is about")
	}
}

func TestParts(t *testing.T) {
	c := refcode.Code("HP2526YK2Y6")
	if c.Prefix() != refcode.HP || c.Period() != "2526" || c.Printed() != "HP 2526 YK2Y 6" {
		t.Errorf("%s: prefix %s, period %s, printed %q", c, c.Prefix(), c.Period(), c.Printed())
	}
}

func TestNew(t *testing.T) {
	for _, tc := range []struct {
		prefix refcode.Prefix
		period string
		random io.Reader
		want   error
	}{
		{refcode.HP, "2526", cryptorand.Reader, nil},
		{refcode.HP, "9900", cryptorand.Reader, nil}, // the school year 2099–2100
		{refcode.CH, "2609", cryptorand.Reader, nil},
		{refcode.VE, "2612", cryptorand.Reader, nil},
		{refcode.BT, "2601", cryptorand.Reader, nil},
		{"XX", "2609", cryptorand.Reader, refcode.ErrPrefix},
		{refcode.HP, "2609", cryptorand.Reader, refcode.ErrPeriod},
		{refcode.CH, "2613", cryptorand.Reader, refcode.ErrPeriod},
		{refcode.CH, "2600", cryptorand.Reader, refcode.ErrPeriod},
		{refcode.CH, "26 9", cryptorand.Reader, refcode.ErrPeriod},
		{refcode.CH, "260", cryptorand.Reader, refcode.ErrPeriod},
		{refcode.CH, "2609", iotest.ErrReader(io.ErrClosedPipe), refcode.ErrRandom},
		{refcode.CH, "2609", bytes.NewReader([]byte{1, 2, 3}), refcode.ErrRandom},
		{refcode.CH, "2609", stuck(offendingBits), refcode.ErrRandom},
	} {
		code, err := refcode.New(tc.prefix, tc.period, tc.random, free)
		if !errors.Is(err, tc.want) {
			t.Errorf("New(%s, %s): %v, want %v", tc.prefix, tc.period, err, tc.want)
		}
		if tc.want == nil && !strings.HasPrefix(string(code), string(tc.prefix)+tc.period) {
			t.Errorf("New(%s, %s) = %s", tc.prefix, tc.period, code)
		}
	}
}

// free is a receiving account that has never seen a code.
func free(refcode.Code) (bool, error) { return false, nil }

// What New does as a series fills up: it draws as often as the share that is
// taken makes it, and gives up only near the end.
func TestNewAsASeriesFills(t *testing.T) {
	seeded := mathrand.NewChaCha8([32]byte{1})
	for _, step := range []struct {
		percent   int
		draws     float64 // a code, at most
		full, few int     // of 2,000 calls: at least and at most so many end in ErrFull
	}{{0, 1.01, 0, 0}, {10, 1.2, 0, 0}, {50, 2.2, 0, 0}, {90, 11, 0, 20}, {95, 22, 20, 140}, {100, 64, 2000, 2000}} {
		issued := func(c refcode.Code) bool { return int(crc32.ChecksumIEEE([]byte(c))%100) < step.percent }
		const calls = 2000
		draws, full := 0, 0
		for range calls {
			code, err := refcode.New(refcode.CH, "2609", seeded, func(c refcode.Code) (bool, error) { draws++; return issued(c), nil })
			switch {
			case errors.Is(err, refcode.ErrFull):
				full++
			case err != nil:
				t.Fatal(err)
			case issued(code):
				t.Fatalf("%s was issued twice", code)
			}
		}
		mean := float64(draws) / calls
		t.Logf("%d %% taken: %.2f draws a code, %d of %d calls end in ErrFull", step.percent, mean, full, calls)
		if mean > step.draws || full < step.full || full > step.few {
			t.Errorf("at %d %%: %.2f draws, %d full", step.percent, mean, full)
		}
	}
	broken := errors.New("the table does not answer")
	if code, err := refcode.New(refcode.CH, "2609", seeded, func(refcode.Code) (bool, error) { return false, broken }); !errors.Is(err, broken) || code != "" {
		t.Errorf("%s, %v", code, err)
	}
}

// No code can be read as a coarse word, in letters or in shapes of letters.
func TestNoOffensiveCodeIsIssued(t *testing.T) {
	shapes := strings.NewReplacer("0", "O", "1", "I", "3", "E", "4", "A", "5", "S", "7", "T", "8", "B")
	seeded := mathrand.NewChaCha8([32]byte{2})
	for range 200_000 {
		c, err := refcode.New(refcode.VE, "2609", seeded, free)
		if err != nil {
			t.Fatal(err)
		}
		drawn := string(c)[6:]
		if strings.Trim(drawn, "0123456789") == "" {
			continue // a number
		}
		for _, word := range []string{"DIT", "CAC", "DEO", "DCM", "VCL", "ASS", "SEX", "TIT", "FAG", "WTF", "KKK", "DIE", "SHIT", "DICK", "COCK", "BUOI", "CHET"} {
			at := strings.Index(shapes.Replace(drawn), word)
			if at >= 0 && strings.Trim(drawn[at:at+len(word)], "0123456789") != "" {
				t.Fatalf("%s holds %s", c, word)
			}
		}
	}
}

// What the check character finds out: every wrong character, and of two
// neighbours swapped all but a few. Each code of a sample is damaged in every
// such way, so the rates are exact for it.
func TestRateOfSwapsCaught(t *testing.T) {
	swaps, missed := 0, 0
	n := 0
	for c := range refcode.Sequence(refcode.CH, "2609", []byte("swaps")) {
		for at := range len(c) - 1 {
			if c[at] == c[at+1] {
				continue
			}
			b := []byte(c)
			b[at], b[at+1] = b[at+1], b[at]
			swaps++
			if refcode.WellFormed(string(b)) {
				missed++
			}
		}
		if n++; n == 20_000 {
			break
		}
	}
	rate := float64(missed) / float64(swaps)
	t.Logf("%d of %d swaps of neighbours pass: %.3f %%", missed, swaps, 100*rate)
	if rate > 0.001 {
		t.Error("too many")
	}
}

// A code made up at random passes by its check character one time in 36: that is
// why a code must be an open bill's as well before anything matches.
func TestRateOfGuessesThatPass(t *testing.T) {
	const guesses = 200_000
	r, passed := mathrand.New(mathrand.NewPCG(1, 2)), 0
	for range guesses {
		b := []byte("CH2609")
		for range 5 {
			b = append(b, alphabet[r.IntN(len(alphabet))])
		}
		if refcode.WellFormed(string(b)) {
			passed++
		}
	}
	if rate := float64(passed) / guesses; rate < 0.025 || rate > 0.031 {
		t.Errorf("%.4f of guesses pass, expected 1/36 = 0.0278", rate)
	}
}

// stuck repeats one word for ever, as a broken generator would.
type stuck [4]byte

func (s stuck) Read(p []byte) (int, error) { return copy(p, s[:]), nil }

// offendingBits spell KKKK, which is never issued: a stuck source must end in an
// error and not in a loop.
var offendingBits = func() stuck {
	k := uint32(strings.IndexByte(alphabet, 'K'))
	bits := k<<15 | k<<10 | k<<5 | k
	return stuck{0, byte(bits >> 16), byte(bits >> 8), byte(bits)}
}()

func TestIssuedCodesAreWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 256, 256).Draw(t, "random")
		prefix := rapid.SampledFrom([]refcode.Prefix{refcode.CH, refcode.VE, refcode.BT}).Draw(t, "prefix")
		code, err := refcode.New(prefix, "2609", bytes.NewReader(raw), free)
		if err != nil {
			return // the drawn bytes were used up on bodies never issued
		}
		if again, err := refcode.Parse(string(code)); err != nil || again != code {
			t.Fatalf("Parse(%s) = %s, %v", code, again, err)
		}
		if strings.ContainsAny(string(code[6:]), "ILOU") {
			t.Fatalf("%s holds a letter that people misread", code)
		}
	})
}

// Every single wrong character makes the code unreadable: that is the promise
// the check character is there for.
func TestEverySubstitutionIsCaught(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := []byte(refcode.FromSeed(refcode.CH, "2609", rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "seed")))
		at := rapid.IntRange(0, len(code)-1).Draw(t, "at")
		wrong := "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rapid.IntRange(0, 35).Draw(t, "wrong")]
		if code[at] == wrong {
			return
		}
		code[at] = wrong
		if _, err := refcode.Parse(string(code)); err == nil {
			t.Fatalf("%s passes with a wrong character at %d", code, at)
		}
	})
}

func TestFromSeed(t *testing.T) {
	// Pinned: sample data once published must come out the same in every version.
	for seed, want := range map[string]refcode.Code{
		"stall-1": "CH260965N7D",
		"stall-2": "CH260934WZC",
	} {
		if got := refcode.FromSeed(refcode.CH, "2609", []byte(seed)); got != want {
			t.Errorf("FromSeed(%s) = %s, want %s", seed, got, want)
		}
	}
	defer func() {
		if r := recover(); r == nil {
			t.Error("FromSeed took a month that does not exist")
		}
	}()
	refcode.FromSeed(refcode.CH, "2699", nil)
}

func TestSequenceIsDistinctAndReproducible(t *testing.T) {
	take := func(key string, n int) []refcode.Code {
		var codes []refcode.Code
		for c := range refcode.Sequence(refcode.VE, "2609", []byte(key)) {
			if codes = append(codes, c); len(codes) == n {
				break
			}
		}
		return codes
	}
	const n = 20_000
	codes := take("a", n)
	if !slices.Equal(codes, take("a", n)) {
		t.Error("the same key gave another order")
	}
	if slices.Equal(codes[:10], take("b", 10)) {
		t.Error("another key gave the same order")
	}
	distinct := map[refcode.Code]bool{}
	for _, c := range codes {
		if _, err := refcode.Parse(string(c)); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		distinct[c] = true
	}
	if len(distinct) != n {
		t.Errorf("%d distinct codes of %d", len(distinct), n)
	}
}

func TestFind(t *testing.T) {
	for _, tc := range []struct {
		text string
		want []refcode.Code
	}{
		{"", nil},
		{"ung ho dong bao", nil},
		{"HP2526YK2Y6", []refcode.Code{"HP2526YK2Y6"}},
		{"hp2526yk2y6", []refcode.Code{"HP2526YK2Y6"}},
		{"HP 2526 YK2Y 6", []refcode.Code{"HP2526YK2Y6"}},
		{"HP-2526-YK2Y.6", []refcode.Code{"HP2526YK2Y6"}},
		{"MBVCB.1234.HP2526YK\n2Y6 nộp học phí.CT tu 01", []refcode.Code{"HP2526YK2Y6"}},
		{"nopphiHP2526YK2Y6chobe", []refcode.Code{"HP2526YK2Y6"}},
		{"HP2526YK2Y6 HP2526YK2Y6", []refcode.Code{"HP2526YK2Y6"}},
		{"CH2609DF4EP roi HP2526YK2Y6 roi CH2609DF4EP", []refcode.Code{"CH2609DF4EP", "HP2526YK2Y6"}},
		{"HPHP2526YK2Y6", []refcode.Code{"HP2526YK2Y6"}},           // every position is tested
		{"đóng CH2609ĐF4ÉP", []refcode.Code{"CH2609DF4EP"}},        // diacritics drop out of a code too
		{"CH2609DF4E\u0301P", []refcode.Code{"CH2609DF4EP"}},       // and so do marks already apart
		{"\xff\xfeHP2526YK2Y6\xff", []refcode.Code{"HP2526YK2Y6"}}, // damaged encoding around it
		{"HP25Z6YK2Y6", nil},                            // 2 misread as Z: not corrected
		{"CH2609DF4EQ", nil},                            // wrong check character
		{"CH2609DF4E", nil},                             // cut
		{"ＨＰ2526YK2Y6", nil},                            // full-width letters are other letters
		{"HP2526①YK2Y6", []refcode.Code{"HP2526YK2Y6"}}, // ① is no digit: it is removed
	} {
		if got := refcode.Find(tc.text); !slices.Equal(got, tc.want) {
			t.Errorf("Find(%q) = %v, want %v", tc.text, got, tc.want)
		}
	}
}

// Whatever a bank does to the text around a code, it is found as long as its
// own eleven characters arrive in order.
func TestFindSurvivesWrapping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := refcode.FromSeed(refcode.BT, "2610", rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "seed"))
		var text strings.Builder
		text.WriteString(rapid.SampledFrom([]string{"", "MBVCB.9.", "ND:CT DEN:", "học phí "}).Draw(t, "before"))
		for _, r := range string(code) {
			text.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "\n", "-", ".", "?"}).Draw(t, "between"))
			if rapid.Bool().Draw(t, "lower") {
				text.WriteString(strings.ToLower(string(r)))
			} else {
				text.WriteRune(r)
			}
		}
		text.WriteString(rapid.SampledFrom([]string{"", ".CT tu 01", "-MOMO", " tháng 9"}).Draw(t, "behind"))
		if got := refcode.Find(text.String()); !slices.Contains(got, code) {
			t.Fatalf("Find(%q) = %v without %s", text.String(), got, code)
		}
	})
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"", "HP2526YK2Y6", "hp-2526 yk2y\n6 CH2609DF4EP", "đóng CH2609ĐF4ÉP", "\xff\xf0HP"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := refcode.Find(text)
		for i, c := range found {
			if _, err := refcode.Parse(string(c)); err != nil {
				t.Errorf("found %s: %v", c, err)
			}
			if slices.Contains(found[:i], c) {
				t.Errorf("found %s twice", c)
			}
		}
		// Case is no part of a code, so raising what is already ASCII changes nothing.
		if upper := strings.ToUpper(text); isASCII(text) && !slices.Equal(found, refcode.Find(upper)) {
			t.Errorf("Find depends on case in %q", text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("HP2526YK2Y6")
	f.Add("CH2609DF4EI")
	f.Fuzz(func(t *testing.T, s string) {
		code, err := refcode.Parse(s)
		if err != nil {
			return
		}
		if found := refcode.Find(code.Printed()); len(found) != 1 || found[0] != code {
			t.Errorf("the printed form of %s is found as %v", code, found)
		}
	})
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 126 }) < 0 }

// The published transfer contents lie beside the project's root, not in it.
func TestTransferContents(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "transfers")
	raw, err := os.ReadFile(filepath.Join(dir, "contents.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("skipped: no transfer contents at %s beside the project's root", dir)
	} else if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range bytes.Lines(raw) {
		var v struct {
			ID       string         `json:"id"`
			Raw      string         `json:"raw"`
			Expected []refcode.Code `json:"expected_codes"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if got := refcode.Find(v.Raw); !slices.Equal(got, v.Expected) {
			t.Errorf("%s: found %v, want %v", v.ID, got, v.Expected)
		}
		lines++
	}
	if lines == 0 {
		t.Error("the file of transfer contents is empty")
	}

	f, err := os.Open(filepath.Join(dir, "known_codes.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if _, err := refcode.Parse(row[0]); err != nil {
			t.Errorf("known code %s: %v", row[0], err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	const text = "MBVCB.30647614932.728975.HP2526YK2Y6.CT tu 0916089333814 NGUYEN VAN MAU toi 0151802623 TRUONG MAU tai MB"
	b.ReportAllocs()
	for b.Loop() {
		refcode.Find(text)
	}
}
