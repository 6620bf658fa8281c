package events

import (
	"errors"
	"strings"
	"testing"

	"socho/internal/money"
)

func refused(t *testing.T, err error, code Code, field string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code || e.Field != field {
		t.Errorf("got %v, want %s at %s", err, code, field)
	}
}

// TestVocabularyIsFrozen: what an old rule set reads with does not grow with
// the catalogue.
func TestVocabularyIsFrozen(t *testing.T) {
	whole := loads()
	old := whole.pick([]string{"test.load.v1", "test.load.v2"}, nil)
	read := func(version, data string) []byte {
		return []byte(`{"data":{"effective_on":"2026-09-01",` + data + `},"id":"e-1","source":"urn:test","specversion":"1.0","subject":"hg","time":"2026-09-01T08:00:00Z","type":"vn.socho.test.load.` + version + `"}`)
	}
	e, err := old.Decode(read("v1", `"weight":7`))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := e.Fact.(*loadV2); !ok {
		t.Errorf("lifted to %T, beyond what the old rules know", e.Fact)
	}
	_, err = old.Decode(read("v3", `"measure":7,"unit":"kg"`))
	refused(t, err, UnknownVersion, "/type")
	if _, err := whole.Decode(read("v3", `"measure":7,"unit":"kg"`)); err != nil {
		t.Error(err)
	}
	dong := NewVocabulary([]string{"benefit.funded.v1"}, []money.Currency{money.VND})
	fund := func(currency, amount string) []byte {
		return []byte(`{"data":{"amount":"` + amount + `","currency":"` + currency + `","effective_on":"2026-09-01","line":"l-1"},"id":"e-1","source":"urn:test","specversion":"1.0","subject":"hg","time":"2026-09-01T08:00:00Z","type":"vn.socho.benefit.funded.v1"}`)
	}
	if _, err := dong.Decode(fund("VND", "5")); err != nil {
		t.Error(err)
	}
	if _, err := Decode(fund("USD", "5.00")); err != nil {
		t.Error(err)
	}
	_, err = dong.Decode(fund("USD", "5.00"))
	refused(t, err, UnknownCurrency, "/data/currency")
	_, err = dong.Decode(read("v1", `"weight":7`))
	refused(t, err, UnknownEventType, "/type")
}

// TestOtherFieldsGoTogether: what a publisher calls a personal field may be
// personal itself.
func TestOtherFieldsGoTogether(t *testing.T) {
	line := strings.Replace(fee, `"name":"Vàng Thị Máy"`, `"name":"Vàng Thị Máy","vang_thi_may":"chồng","0912000001":"x"`, 1)
	p, err := ParsePublished([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	sealed := map[string]string{}
	value, err := p.Value(func(field, clear string) (string, error) {
		sealed[field] = clear
		return fakeSeal(field, clear)
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"0912000001":"x","vang_thi_may":"chồng"}`; sealed[OtherFields] != want {
		t.Errorf("sealed together: %q, want %s", sealed[OtherFields], want)
	}
	if strings.Contains(string(value), "vang") || strings.Contains(string(value), "0912000001") {
		t.Errorf("in clear on the log: %s", value)
	}
	if _, err := Decode(value); err != nil {
		t.Error(err)
	}
}

func TestEnvelopeAttributesThatNeedEachOther(t *testing.T) {
	for _, c := range []struct {
		attributes string
		code       Code
		field      string
	}{
		{`"device":"phone-1","deviceseq":1`, "", ""},
		{`"device":"phone-1","deviceseq":2147483647,"ticketrange":"r-1"`, "", ""},
		{`"device":"phone-1"`, MissingField, "/deviceseq"},
		{`"deviceseq":1`, MissingField, "/deviceseq"},
		{`"device":"phone-1","deviceseq":2147483648`, BadValue, "/deviceseq"},
		{`"ticketrange":"r-1"`, MissingField, "/device"},
		{`"causeid":"c","causesource":"urn:a","causesubject":"other-office"`, "", ""},
		{`"causeid":"c","causesource":"urn:a","causesubject":"hg-cho-dong-van"`, BadValue, "/causesubject"},
		{`"causesubject":"other-office"`, MissingField, "/causesource"},
		{`"resubmits":"r"`, MissingField, "/resubmitssource"},
		{`"resubmitssource":"urn:a"`, MissingField, "/resubmits"},
		{`"resubmits":"r","resubmitssource":"urn:a","resubmitssubject":"unrouted"`, "", ""},
	} {
		_, err := ParsePublished([]byte(strings.Replace(fee, `"specversion":"1.0",`, `"specversion":"1.0",`+c.attributes+`,`, 1)))
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", c.attributes, err)
			}
			continue
		}
		refused(t, err, c.code, c.field)
	}
	p, err := ParsePublished([]byte(fee))
	if err != nil {
		t.Fatal(err)
	}
	itself := `"resubmits":"` + string(p.Event.ID) + `","resubmitssource":"` + string(p.Event.Source) + `",`
	_, err = ParsePublished([]byte(strings.Replace(fee, `"specversion":"1.0",`, `"specversion":"1.0",`+itself, 1)))
	refused(t, err, BadValue, "/resubmits")
}

func TestSourcesOfPersonsAndOfOurs(t *testing.T) {
	p, err := ParsePublished([]byte(fee))
	if err != nil {
		t.Fatal(err)
	}
	with := func(source string) []byte {
		return []byte(strings.Replace(fee, `"source":"`+string(p.Event.Source)+`"`, `"source":"`+source+`"`, 1))
	}
	for _, source := range []string{"sms:+84912000001", "SIP:0912000001", "data:,May", "may@cho.example", "urn:x:%zz", "urn:socho:cli"} {
		_, err := ParsePublished(with(source))
		refused(t, err, BadValue, "/source")
	}
	for _, source := range []string{"/so", "urn:x:%C4%91", "socho://cho/1"} {
		if _, err := ParsePublished(with(source)); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
	if _, err := ParseOwn(with("urn:socho:cli")); err != nil {
		t.Error(err)
	}
	if s := Salvaged([]byte(`{"id":"erase-1","source":"urn:socho:cli","subject":"hg","data":{}}`)); s.Source != "" {
		t.Errorf("a bad line claims %s", s.Source)
	}
}

// TestPersonOfABadLine: erasing a person must reach what was mistyped of her.
func TestPersonOfABadLine(t *testing.T) {
	for _, line := range []string{
		strings.Replace(fee, `"stall":`, `"stall":"x","stall":`, 1),
		fee + "x",
		strings.TrimSuffix(fee, "}"),
	} {
		want := ID("p-17")
		if s := Salvaged([]byte(line)); s.Person != want {
			t.Errorf("%q of %s", s.Person, line)
		}
	}
}
