package events

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fee is a fact as a publisher hands it in; the table below breaks it in one
// place at a time.
const fee = `{"specversion":"1.0","id":"0198f2a0-0000-7000-8000-000000000001","source":"https://cho.example/hg","type":"vn.socho.market.fee_assessed.v1","subject":"hg-cho-dong-van","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p-17","bill":"b-1","stall":"A12","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"},{"item":"security","amount":"15000"}],"personal":{"name":"Vàng Thị Máy","phone":"0912000001"}}}`

func TestParsePublishedRefuses(t *testing.T) {
	swap := func(old, new string) string {
		if !strings.Contains(fee, old) {
			t.Fatalf("the example has no %s", old)
		}
		return strings.Replace(fee, old, new, 1)
	}
	for _, c := range []struct {
		name, line string
		code       Code
		field      string
	}{
		{"unknown attribute", swap(`"subject"`, `"actor":"me","subject"`), UnknownField, "/actor"},
		{"unknown field", swap(`"bill"`, `"colour":"red","bill"`), UnknownField, "/data/colour"},
		{"field in other case", swap(`"bill"`, `"Bill"`), UnknownField, "/data"},
		{"number for a string", swap(`"b-1"`, `1`), WrongType, "/data/bill"},
		{"amount as a number", swap(`"26000"`, `26000`), WrongType, "/data/items/0/amount"},
		{"null", swap(`"b-1"`, `null`), WrongType, "/data/bill"},
		{"fraction", swap(`"b-1"`, `1.5`), WrongType, "/data/bill"},
		{"beyond 2^53", swap(`"time"`, `"deviceseq":9007199254740992,"time"`), WrongType, "/deviceseq"},
		{"bad decimal", swap(`"26000"`, `"26.000,0"`), BadDecimal, "/data/items/0/amount"},
		{"negative", swap(`"26000"`, `"-26000"`), BadDecimal, "/data/items/0/amount"},
		{"wrong scale", swap(`"26000"`, `"26000.00"`), WrongScale, "/data/items/0/amount"},
		{"zero", swap(`"26000"`, `"0"`), AmountZero, "/data/items/0/amount"},
		{"too much", swap(`"26000"`, `"1000000000000000"`), AmountTooLarge, "/data/items/0/amount"},
		{"unknown currency", swap(`"VND"`, `"XXX"`), UnknownCurrency, "/data/currency"},
		{"missing", swap(`"bill":"b-1",`, ``), MissingField, "/data/bill"},
		{"empty", swap(`"b-1"`, `""`), MissingField, "/data/bill"},
		{"no items", swap(`[{"item":"management","amount":"26000"},{"item":"security","amount":"15000"}]`, `[]`), MissingField, "/data/items"},
		{"missing in an item", swap(`"item":"security",`, ``), MissingField, "/data/items/1/item"},
		{"item twice", swap(`"security"`, `"management"`), BadValue, "/data/items/1/item"},
		{"not a day", swap(`"2026-09-15"`, `"2026-02-30"`), BadValue, "/data/due_on"},
		{"not a month", swap(`"2026-09",`, `"2026-13",`), BadValue, "/data/period"},
		{"duplicate field", swap(`"bill"`, `"bill":"b-2","bill"`), DuplicateField, "/data/bill"},
		{"trailing data", fee + `{}`, TrailingData, ""},
		{"trailing garbage", fee + `x`, TrailingData, ""},
		{"cut off", fee[:len(fee)-2], NotJSON, ""},
		{"empty line", "", NotJSON, ""},
		{"an array", "[" + fee + "]", NotJSON, ""},
		{"bad UTF-8", swap("Vàng", "V\xe0ng"), BadUTF8, ""},
		{"lone surrogate", swap("Vàng", `V\ud800ng`), BadUTF8, ""},
		{"NUL in an id", swap(`0198f2a0`, `\u0000`), BadValue, "/id"},
		{"id of 65", swap(`0198f2a0-0000-7000-8000-000000000001`, strings.Repeat("x", 65)), BadValue, "/id"},
		{"too deep", swap(`"b-1"`, strings.Repeat("[", 8)+strings.Repeat("]", 8)), TooDeep, ""},
		{"oversize", swap("Vàng", strings.Repeat("x", 6*MaxEventBytes)), TooLarge, ""},
		{"unknown type", swap("fee_assessed.v1", "fee_guessed.v1"), UnknownEventType, "/type"},
		{"unknown version", swap("fee_assessed.v1", "fee_assessed.v9"), UnknownVersion, "/type"},
		{"bad organization", swap("hg-cho-dong-van", "Chợ Đồng Văn"), BadOrganization, "/subject"},
		{"other specversion", swap(`"1.0"`, `"0.3"`), BadSpecVersion, "/specversion"},
		{"personal without a person", swap(`"person":"p-17",`, ``), MissingField, "/data/person"},
		{"personal not flat", swap(`"0912000001"`, `{"a":"b"}`), WrongType, "/data/personal"},
		{"sealed by the publisher", swap(`"personal":{"name"`, `"sealed":{"name"`), SealedByPublisher, "/data/sealed"},
		{"personal where the fact has none", `{"specversion":"1.0","id":"e-1","source":"https://cho.example/hg","type":"vn.socho.person.erased.v1","subject":"hg-cho-dong-van","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p-17","scope":"contact","personal":{"name":"x"}}}`, UnknownField, "/data/personal"},
		{"nanoseconds", swap(`08:00:00`, `08:00:00.123456789`), BadValue, "/time"},
		{"one digit of an hour", swap(`08:00:00`, `8:00:00`), BadValue, "/time"},
		{"comma in a time", swap(`08:00:00`, `08:00:00,5`), BadValue, "/time"},
		{"zone beyond a day", swap(`+07:00`, `+24:00`), BadValue, "/time"},
		{"no zone", swap(`+07:00`, ``), BadValue, "/time"},
		{"other media type", swap(`"time"`, `"datacontenttype":"text/plain","time"`), BadValue, "/datacontenttype"},
		{"outside the set", swap(`"item":"security"`, `"invoice_duty":"perhaps","item":"security"`), BadValue, "/data/items/1/invoice_duty"},
		{"half of a pair behind a whole one", swap("Vàng", `\ud83d\ude00\ude00`), BadUTF8, ""},
		{"a pair turned round", swap("Vàng", `\ude00\ud83d`), BadUTF8, ""},
		{"half of a pair in a name", swap(`"phone"`, `"\uDBFFphone"`), BadUTF8, ""},
		{"half of a pair outside a string", swap(`"b-1"`, `\ud800`), NotJSON, "/data/bill"},
		{"no number from a device", swap(`"time"`, `"deviceseq":0,"time"`), BadValue, "/deviceseq"},
		{"a device that is a phone", swap(`"time"`, `"device":"0912000001","time"`), BadValue, "/device"},
		{"a person that is a phone", swap(`"p-17"`, `"0912000001"`), BadValue, "/data/person"},
		{"a person that is an identity card", swap(`"p-17"`, `"012345678"`), BadValue, "/data/person"},
		{"a person that is a citizen number", swap(`"p-17"`, `"001234567890"`), BadValue, "/data/person"},
		{"a source that is a phone", swap(`https://cho.example/hg`, `Tel:+84912000001`), BadValue, "/source"},
		{"a source that is an address", swap(`https://cho.example/hg`, `mailto:may@cho.example`), BadValue, "/source"},
		{"resubmits without its source", swap(`"time"`, `"resubmits":"e-0","time"`), MissingField, "/resubmitssource"},
		{"a source that resubmits nothing", swap(`"time"`, `"resubmitssource":"urn:x","time"`), MissingField, "/resubmits"},
		{"a cause without its source", swap(`"time"`, `"causeid":"e-0","time"`), MissingField, "/causesource"},
		{"a source of no cause", swap(`"time"`, `"causesource":"urn:x","time"`), MissingField, "/causeid"},
		{"a personal field's own name", swap(`"phone":"0912000001"`, `"phone":"`+strings.Repeat("x", 1001)+`"`), BadValue, "/data/personal"},
		{"a fault inside a personal field", swap(`"0912000001"`, `{"nguyen_van_a":null}`), WrongType, "/data/personal"},
		{"a shard's own fact", swap("market.fee_assessed", "shard.opened"), BadOrganization, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePublished([]byte(c.line))
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || (c.field != "" && e.Field != c.field) {
				t.Fatalf("got %v, want %s at %s", err, c.code, c.field)
			}
			if strings.Contains(e.Error(), "Máy") || strings.Contains(e.Error(), "0912") {
				t.Errorf("the error repeats personal data: %v", e)
			}
		})
	}
}

func TestPublishedToLogged(t *testing.T) {
	p, err := ParsePublished([]byte(fee))
	if err != nil {
		t.Fatal(err)
	}
	if p.Person != "p-17" || p.Personal["name"] != "Vàng Thị Máy" {
		t.Fatalf("person %q, personal %v", p.Person, p.Personal)
	}
	value, err := p.Value(func(field, clear string) (string, error) {
		return string(ClassOf(field)) + "1.AAAAAAAAAAAAAAAAAAAAAA", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"data":{"bill":"b-1","currency":"VND","due_on":"2026-09-15","effective_on":"2026-09-01","items":[{"amount":"26000","item":"management"},{"amount":"15000","item":"security"}],"period":"2026-09","person":"p-17","sealed":{"name":"i1.AAAAAAAAAAAAAAAAAAAAAA","phone":"c1.AAAAAAAAAAAAAAAAAAAAAA"},"stall":"A12"},"id":"0198f2a0-0000-7000-8000-000000000001","source":"https://cho.example/hg","specversion":"1.0","subject":"hg-cho-dong-van","time":"2026-09-01T08:00:00+07:00","type":"vn.socho.market.fee_assessed.v1"}`
	if string(value) != want {
		t.Errorf("canonical value:\n got %s\nwant %s", value, want)
	}
	event, err := Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	if f := event.Fact.(*FeeAssessed); f.Stall != "A12" || f.Sealed["phone"] != "c1.AAAAAAAAAAAAAAAAAAAAAA" {
		t.Errorf("decoded %+v", f)
	}
	clear := strings.Replace(want, `"sealed":{"name":"i1.AAAAAAAAAAAAAAAAAAAAAA","phone":"c1.AAAAAAAAAAAAAAAAAAAAAA"}`, `"personal":{"name":"x"}`, 1)
	var e *Error
	if _, err := Decode([]byte(clear)); !errors.As(err, &e) || e.Code != PersonalInClear {
		t.Errorf("personal data on the log: got %v", err)
	}
	// What bypassed intake may spell a name with escapes, which is no event.
	hidden := strings.Replace(want, `"sealed":{"name":"i1.AAAAAAAAAAAAAAAAAAAAAA"`, `"se\u0061led":{"name":"Vàng Thị Máy"`, 1)
	if _, err := Decode([]byte(hidden)); !errors.As(err, &e) || e.Code != NotCanonical {
		t.Errorf("clear text behind an escaped name: got %v", err)
	}
}

// rewritten is a golden event of the log with one text replaced; the outcome is
// canonical where replacing keeps it so.
func rewritten(t *testing.T, eventType, old, new string) []byte {
	t.Helper()
	value := string(logged(t, TypePrefix+eventType+".v1"))
	if !strings.Contains(value, old) {
		t.Fatalf("the example has no %s: %s", old, value)
	}
	return []byte(strings.Replace(value, old, new, 1))
}

func TestDecodeRefuses(t *testing.T) {
	const fees, rules, opened, bad = "market.fee_assessed", "shard.rules_activated", "shard.opened", "intake.undecodable"
	tag := strings.Repeat("A", 22)
	for _, c := range []struct {
		name, fact, old, new string
		code                 Code
		field                string
	}{
		{"a space", fees, `"data":{`, `"data": {`, NotCanonical, ""},
		{"a line's end", fees, `}`, "}\n", NotCanonical, ""},
		{"an order", fees, `"amount":"`, `"zamount":"`, NotCanonical, ""},
		{"an escaped letter", fees, `"bill":"b`, `"bill":"\u0062`, NotCanonical, ""},
		{"an escaped name", fees, `"bill":`, `"b\u0069ll":`, NotCanonical, ""},
		{"an escaped slash", fees, `https://`, `https:\/\/`, NotCanonical, ""},
		{"an escape in capitals", fees, `"bill":"b`, `"bill":"\u001F`, NotCanonical, ""},
		{"a long escape", fees, `"bill":"b`, `"bill":"\u000a`, NotCanonical, ""},
		{"an escape as it must be", fees, `"bill":"b`, `"bill":"\u001f`, BadValue, "/data/bill"},
		{"clear text as sealed", fees, `"sealed":{"name":"`, `"sealed":{"name":"Vàng Thị Máy`, BadValue, "/data/sealed"},
		{"clear ASCII as sealed", fees, `"sealed":{"name":"i1.`, `"sealed":{"name":"i1.Vang Thi May`, BadValue, "/data/sealed"},
		{"the organization's class", fees, `"sealed":{"name":"i1.`, `"sealed":{"name":"o1.`, BadValue, "/data/sealed"},
		{"a field without a name", fees, `"sealed":{`, `"sealed":{"":"i1.AAAAAAAAAAAAAAAAAAAAAA",`, BadValue, "/data/sealed"},
		{"another version", fees, `"sealed":{"name":"i1.`, `"sealed":{"name":"i2.`, BadValue, "/data/sealed"},
		{"an identity key", bad, `"c1.`, `"i1.`, BadValue, "/data/input"},
		{"the organization's key beside a person", bad, `"c1.`, `"o1.`, BadValue, "/data/input"},
		{"a person's key and no person", bad, `,"person":"p-17"`, ``, BadValue, "/data/input"},
		{"an empty place", bad, `"at":"/data/items/0/amount"`, `"at":""`, MissingField, "/data/at"},
		{"a place that is none", bad, `"at":"/`, `"at":"Vang/`, BadValue, "/data/at"},
		{"a tag cut short", bad, `"c1.` + tag, `"c1.` + tag[1:], BadValue, "/data/input"},
		{"stray bits", bad, `"c1.` + tag, `"c1.` + tag[1:] + "B", BadValue, "/data/input"},
		{"padding", bad, `"c1.` + tag, `"c1.` + tag + "==", BadValue, "/data/input"},
		{"no rule set", rules, `"rule_set":1`, `"rule_set":0`, BadValue, "/data/rule_set"},
		{"rule set 10000", rules, `"rule_set":1`, `"rule_set":10000`, BadValue, "/data/rule_set"},
		{"no format", opened, `"format":1`, `"format":0`, BadValue, "/data/format"},
		{"shard 4096", opened, `"shard":3`, `"shard":4096`, BadValue, "/data/shard"},
		{"no shards", opened, `"shards":8`, `"shards":0`, BadValue, "/data/shards"},
		{"4097 shards", opened, `"shards":8`, `"shards":4097`, BadValue, "/data/shards"},
	} {
		_, err := Decode(rewritten(t, c.fact, c.old, c.new))
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s: got %v, want %s at %s", c.name, err, c.code, c.field)
		}
	}
	// The same of many faults each time.
	for range 50 {
		var e *Error
		line := strings.Replace(fee, `{"name":"Vàng Thị Máy",`, `{"name":"`+strings.Repeat("x", 1001)+`","Name":"x",`, 1)
		if _, err := ParsePublished([]byte(line)); !errors.As(err, &e) || e.Detail != "expected field names of a-z 0-9 _" {
			t.Fatalf("Name comes first: %v", err)
		}
	}
}

// TestCanonical holds the quick check to the library that writes the values.
func TestCanonical(t *testing.T) {
	parts := []string{`{`, `}`, `[`, `]`, `:`, `,`, `"a"`, `"b"`, `"\u0001"`, `"\n"`, `"\u000a"`, `"é"`, `"\u00e9"`, `"\ud83d\ude00"`, `"😀"`, `"\uffff"`, "\"\uffff\"", ` `, `1`, `true`, `""`, `"aa"`, `"\\"`, `"/"`, `"\/"`}
	rapid.Check(t, func(t *rapid.T) {
		text := "{" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 9).Draw(t, "parts"), "") + "}"
		if rapid.Bool().Draw(t, "members") {
			names := rapid.SliceOfNDistinct(rapid.SampledFrom(parts[6:17]), 0, 4, rapid.ID[string]).Draw(t, "names")
			text = "{" + strings.Join(names, ":1,")
			if len(names) > 0 {
				text += ":1"
			}
			text += "}"
		}
		value, err := precheck([]byte(text), MaxEventBytes)
		if err != nil {
			return
		}
		want, err := Canonical(bytes.Clone(value))
		if err != nil {
			t.Fatal(err)
		}
		if canonical(value) != bytes.Equal(value, want) {
			t.Fatalf("%s is spelled %s: %v", value, want, canonical(value))
		}
	})
}

func TestSafeField(t *testing.T) {
	for pointer, want := range map[string]string{
		"": "", "/id": "/id", "/data/items/12/amount": "/data/items/12/amount", "/data/personal/nguyen_van_a": "/data/personal",
		"/data/sealed/phone/x": "/data/sealed", "/data/0912000001": "/data", "/data/Bill": "/data", "/data/a~1b": "/data", "id": "",
		"/data/": "/data", "/data/chợ": "/data", "/data/a1b2c3d4": "/data", "/" + strings.Repeat("a", 33): "",
	} {
		if got := SafeField(pointer); got != want {
			t.Errorf("%s: %s, want %s", pointer, got, want)
		}
	}
}

func TestSalvagedIsNobodysNumber(t *testing.T) {
	s := Salvaged([]byte(`{"id":"e-1","source":"tel:0912000001","subject":"hg","data":{"person":"0912000001"}}`))
	if s.Source != "" || s.Person != "" || s.ID != "e-1" {
		t.Errorf("%+v", s)
	}
}

func TestShardOf(t *testing.T) {
	// Hashes of Apache Kafka's own UtilsTest.
	for text, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(text))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", text, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(fee))
	f.Add([]byte(strings.Replace(fee, "personal", "sealed", 1)))
	examples, err := filepath.Glob(goldenDir + "/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		before := bytes.Clone(input)
		Salvaged(input)
		if p, err := ParsePublished(input); err == nil {
			value, err := p.Value(func(field, clear string) (string, error) { return fakeSeal(field, clear) })
			if err != nil {
				return
			}
			again, err := Canonical(append([]byte(nil), value...))
			if err != nil || string(again) != string(value) {
				t.Fatalf("not canonical: %s", value)
			}
			if _, err := Decode(value); err != nil {
				t.Fatalf("intake wrote what the ledger refuses: %v\n%s", err, value)
			}
		}
		event, err := Decode(input)
		if !bytes.Equal(input, before) {
			t.Fatal("the input was written to")
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			for i := range len(err.Error()) {
				if c := err.Error()[i]; c < 0x20 || c > 0x7e {
					t.Fatalf("an error that is not ASCII: %q", err)
				}
			}
			return
		}
		if day := event.Fact.Effective(); day != "" && !day.Valid() {
			t.Fatalf("effective on %q", day)
		}
		// What can be read can be written, and then is what it was.
		value, err := New(event.Envelope, event.Fact)
		if err != nil {
			t.Fatalf("read but not written: %v\n%s", err, input)
		}
		again, err := Decode(value)
		if err != nil || !reflect.DeepEqual(again.Fact, event.Fact) {
			t.Fatalf("written and read again: %v\n%+v\n%+v", err, again, event)
		}
	})
}
