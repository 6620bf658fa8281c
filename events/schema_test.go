package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"socho/internal/money"
)

// TestSchemaFiles holds the checked-in schemas to what the code says; -update
// writes them.
func TestSchemaFiles(t *testing.T) {
	const dir = "schemas"
	for _, name := range Types() {
		want, err := Schema(name)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		path := filepath.Join(dir, name+".json")
		if *update {
			if err := os.WriteFile(path, want, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the code says; go test ./events -run TestSchemaFiles -update", path)
		}
	}
	async, err := AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	async = append(async, '\n')
	if *update {
		if err := os.WriteFile("asyncapi.json", async, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("asyncapi.json"); err != nil || !bytes.Equal(got, async) {
		t.Errorf("asyncapi.json differs from what the code says; go test ./events -run TestSchemaFiles -update")
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(Types(), strings.TrimSuffix(f.Name(), ".json")) {
			t.Errorf("%s belongs to no type", f.Name())
		}
	}
	var e *Error
	if _, err := Schema(TypePrefix + "market.fee_guessed.v1"); !errors.As(err, &e) || e.Code != UnknownEventType {
		t.Errorf("the schema of an unknown fact: %v", err)
	}
}

func compile(t *testing.T, eventType string) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(eventType)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// accepted says whether the codec takes the text for an event of its type.
func accepted(eventType string, text []byte) error {
	if Whole.types[eventType].kind.internal() {
		value, err := Canonical(bytes.Clone(text))
		if err == nil {
			_, err = Decode(value)
		}
		return err
	}
	_, err := ParsePublished(text)
	return err
}

// place is a way into a JSON value: member names and array positions.
type place []any

// places lists every member of a value, outermost first.
func places(v any, at place) []place {
	var found []place
	step := func(key, member any) {
		here := append(slices.Clone(at), key)
		found = append(found, here)
		found = append(found, places(member, here)...)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			step(name, v[name])
		}
	case []any:
		for i := range v {
			step(i, v[i])
		}
	}
	return found
}

// parsed reads a text as schemas take it.
func parsed(t *testing.T, text []byte) any {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// change gives the member at a place of a document another value, or takes it away
// where the value is gone, and says how to have it back as it was.
func change(document any, at place, value any) (back func()) {
	holder := document
	for _, key := range at[:len(at)-1] {
		switch key := key.(type) {
		case string:
			holder = holder.(map[string]any)[key]
		case int:
			holder = holder.([]any)[key]
		}
	}
	switch key := at[len(at)-1].(type) {
	case string:
		members := holder.(map[string]any)
		old, there := members[key]
		if members[key] = value; value == gone {
			delete(members, key)
		}
		return func() {
			if members[key] = old; !there {
				delete(members, key)
			}
		}
	case int:
		old := holder.([]any)[key]
		holder.([]any)[key] = value
		return func() { holder.([]any)[key] = old }
	}
	panic("a place ends in a name or a number")
}

type absent struct{}

var gone any = absent{}

// probes are values at and beyond the edges of every field type.
func probes() []any {
	x := strings.Repeat
	list := []any{
		gone, true, false, []any{}, map[string]any{}, 0, 1, 4095, 4096, 4097, 9999, 10000, MaxCount, MaxCount + 1, 0.5, -1, []any{"a"},
		map[string]any{"name": "x"}, map[string]any{"Name": "x"}, map[string]any{"name": 1}, map[string]any{"name": x("ệ", 1000)},
		map[string]any{"name": x("x", 1001)}, map[string]any{"name": ""}, map[string]any{x("a", 33): "x"},
		[]any{map[string]any{"item": "a", "amount": "1"}}, []any{map[string]any{"item": "a", "amount": "1.00"}},
	}
	items := func(n int) (all []any) {
		for i := range n {
			all = append(all, map[string]any{"item": "i" + strconv.Itoa(i), "amount": "1"})
		}
		return all
	}
	list = append(list, items(MaxItems), items(MaxItems+1))
	for _, s := range []string{
		"", " ", "a", "A", "é", "_", "-", ".", ":", "a:b", "a:", ":a", "a::b", "a b", "a/b", "a_b", "a-b", "a.b", "a\x00b", "a\u0085b", "a\u2028b", "a\ufffdb", "a\nb", "a\n",
		"hg-cho", "HG", "shard:0", "shard:3", "shard:03", "shard:-1", "shard:", "Chợ Đồng Văn",
		x("a", 19), x("a", 20), x("a", 32), x("a", 33), x("a", 64), x("a", 65), x("ệ", 64), x("ệ", 65), x("ệ", 120), x("ệ", 121), x("a", 200), x("a", 256), x("a", 257),
		x("a", 64) + ":" + x("b", 64) + ":" + x("c", 64) + ":" + x("d", 5), x("a", 64) + ":" + x("b", 64) + ":" + x("c", 64) + ":" + x("d", 6), x("a", 65) + ":b",
		"https://a.example/b?c#[d]%20@!$&'()*+,;=~", "https://a.example/<", "a\\b", `a"b`, "a^b", "a|b", "a{b}", "a`b",
		"2026-09-30", "2026-02-28", "2026-02-29", "2028-02-29", "2100-02-29", "2000-02-29", "2000-01-01", "1999-12-31", "2199-12-31", "2200-01-01", "2026-9-30", "2026-04-31", "2026-00-10", "2026-09-00",
		"2026-09", "2026-13", "2026-00", "1999-12", "2200-01", "2026-9",
		"2026-09-30T08:15:00Z", "2026-09-30T08:15:00+07:00", "2026-09-30T08:15:00.1-07:00", "2026-09-30T08:15:00.123456Z", "2026-09-30T08:15:00.1234567Z", "2026-09-30T08:15:00.Z",
		"2026-09-30T08:15:00,1Z", "2026-09-30t08:15:00Z", "2026-09-30 08:15:00Z", "2026-09-30T8:15:00Z", "2026-09-30T08:15:60Z", "2026-09-30T24:00:00Z", "2026-09-30T23:59:59+23:59", "2026-09-30T08:15:00+24:00",
		"2026-09-30T08:15:00+07:60", "2026-09-30T08:15:00+0700", "2026-09-30T08:15Z", "2026-02-30T08:15:00Z", "2026-09-30T08:15:00", "2026-09-30T08:15:00Z ", "1999-12-31T23:59:59Z",
		"0", "1", "01", "02", "021", "00721", "007211", "970999", "97099", "97O999", "61000", "-1", "+1", "1e3", "1.", ".5", "0.5", "0.00", "0.01", "0.10", "0.001", "12.50", "00.50", "12.5", "1,000",
		"-61000", "-0", "-0.00", "-0.01", "-12.50", "--1", "999999999999999", "1000000000000000", "9999999999999.99", "10000000000000.00", x("9", 25),
		"VND", "CNY", "USD", "LAK", "XXX", "vnd", "1.0", "0.3", "application/json", "text/plain",
		"CH2609YK2ZM", "HP2526YK2Y6", "CH2609YK2Z", "XX2609YK2ZM", "CH26O9YK2ZM", "CH2609YKIZM",
		"market", "school", "fund", "province", "debit", "credit", "in", "out", "payment", "charge", "interest", "bank", "qr", "card", "ewallet", "cash", "account",
		"invoice", "receipt", "none", "schools", "systems", "accounts", "einvoices", "accepting", "not_accepting", "connected", "not_connected", "contact", "all", "i1.AAAA", "i1.AA+A", "i1.",
		"o1." + x("A", 22), "c1." + x("A", 22), "i1." + x("A", 22), "o1." + x("A", 21), "o1." + x("A", 23), "o1." + x("A", 24), "o1." + x("A", 25),
		"o1." + x("A", 21) + "B", "o1." + x("A", 21) + "Q", "o1." + x("A", 22) + "B", "o1." + x("A", 22) + "E", "o1." + x("A", 21) + "=", "o2." + x("A", 22), "Vàng Thị Máy",
		"12345678", "123456789", "012345678901", "0123456789012", "0912000001", "tel:+84912000001", "TEL:1", "mailto:a@b.vn", "MailTo:a", "telephone:1", "4096",
	} {
		list = append(list, s)
	}
	return list
}

// beyondSchema lists where the codec refuses what no schema can.
var beyondSchema = []string{
	"the same item twice",
	"above the denominator",
	"before it begins", "behind the end", "before the first",
	"expected a reference code of 11 characters whose check character holds",
}

// TestSchemaAgreesWithCodec puts every probe into every place of every example,
// adds and takes away fields, and asks both.
func TestSchemaAgreesWithCodec(t *testing.T) {
	all := probes()
	for i, value := range all { // as they come out of a text
		if value != gone {
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = parsed(t, text)
		}
	}
	for _, name := range Types() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema, example := compile(t, name), published(t, name)
			document := parsed(t, example)
			compare := func(at place, value any) {
				defer change(document, at, value)()
				text, err := json.Marshal(document)
				if err != nil {
					t.Fatal(err)
				}
				bySchema, byCodec := schema.Validate(document), accepted(name, text)
				if (bySchema == nil) == (byCodec == nil) {
					return
				}
				var e *Error
				if bySchema == nil && errors.As(byCodec, &e) && slices.Contains(beyondSchema, e.Detail) {
					return
				}
				t.Errorf("at %v %.80q\nschema: %v\n codec: %v", at, value, bySchema, byCodec)
			}
			if err := errors.Join(schema.Validate(document), accepted(name, example)); err != nil {
				t.Fatalf("the example is refused: %v", err)
			}
			members := places(document, nil)
			inData := properties(t, name, "data")
			// Fields that the example leaves out, and those of other facts or none.
			for _, field := range envelopePlan.names {
				members = append(members, place{field})
			}
			for _, field := range dataFields() {
				members = append(members, place{"data", field})
			}
			members = append(members, place{"actor"}, place{"data", "colour"})
			for _, at := range members {
				last, named := at[len(at)-1].(string)
				if at[0] != "data" && at[0] != "subject" && name != TypePrefix+"market.payment_received.v1" {
					continue // the envelope is the same for every fact: once will do
				}
				if len(at) == 2 && named && inData[last] == nil {
					compare(at, "a")
					compare(at, map[string]any{})
					continue
				}
				for _, value := range all {
					if named || value != gone {
						compare(at, value)
					}
				}
			}
		})
	}
}

// properties are those that a schema gives the object at a path.
func properties(t *testing.T, eventType string, path ...string) map[string]any {
	t.Helper()
	text, err := Schema(eventType)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for _, name := range path {
		s = s["properties"].(map[string]any)[name].(map[string]any)
	}
	return s["properties"].(map[string]any)
}

// dataFields are the fields of all facts.
func dataFields() []string {
	all := map[string]bool{"personal": true}
	for _, e := range Whole.types {
		for _, name := range e.kind.versions[e.version-1].fields.names {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// TestDayPattern goes through every day and day that is none.
func TestDayPattern(t *testing.T) {
	pattern := regexp.MustCompile(`^` + dayPattern + `$`)
	for year := 1999; year <= 2200; year++ {
		for month := range 14 {
			for day := range 33 {
				s := strconv.Itoa(year*10000 + month*100 + day)
				s = s[:4] + "-" + s[4:6] + "-" + s[6:]
				_, err := time.Parse(time.DateOnly, s)
				want := err == nil && year >= 2000 && year < 2200
				if pattern.MatchString(s) != want || Date(s).Valid() != want {
					t.Fatalf("%s: pattern %v, codec %v, want %v", s, pattern.MatchString(s), Date(s).Valid(), want)
				}
			}
		}
	}
}

// TestCurrencies: the schemas name every currency that package money knows.
func TestCurrencies(t *testing.T) {
	for i := range 26 * 26 * 26 {
		c := money.Currency([]byte{'A' + byte(i/676), 'A' + byte(i/26%26), 'A' + byte(i%26)})
		if _, known := c.Scale(); known != slices.Contains(money.Currencies(), c) {
			t.Errorf("%s: known to money %v", c, known)
		}
	}
	for _, c := range money.Currencies() {
		if scale, _ := c.Scale(); scale != 2 && c != money.VND {
			t.Errorf("%s has %d decimals: the amounts of the schemas only know 0 for VND and 2", c, scale)
		}
	}
}
