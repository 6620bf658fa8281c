package events

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const payment = `{"data":{"amount":"26000","bill":"b-1","collector":"nv-01","currency":"VND","effective_on":"2026-09-02","method":"cash"},"id":"0198f2a0-0000-7000-8000-000000000002","source":"https://pos.example/hg","specversion":"1.0","subject":"hg-cho-dong-van","time":"2026-09-02T08:15:00+07:00","type":"vn.socho.market.payment_received.v1"}`

// same holds the fast reading of a value to the codec proper: what it takes,
// that takes, and finds the same in it.
func same(t *testing.T, voc *Vocabulary, value []byte) (fast bool) {
	t.Helper()
	event := voc.fast(value)
	if event == nil {
		return false
	}
	want, err := voc.decode(value)
	if err != nil {
		t.Fatalf("taken fast, and not an event: %v\n%s", err, value)
	}
	if !reflect.DeepEqual(event, want) {
		t.Fatalf("read otherwise:\n%+v %+v\n%+v %+v\n%s", event, event.Fact, want, want.Fact, value)
	}
	return true
}

// TestFastReadsTheLog: every fact as intake writes it is read fast.
func TestFastReadsTheLog(t *testing.T) {
	paths, err := filepath.Glob(goldenDir + "/*.logged.json")
	if err != nil || len(paths) < 20 {
		t.Fatal(len(paths), err)
	}
	for _, path := range paths {
		value, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !same(t, Whole, value) {
			t.Errorf("%s is not read fast", path)
		}
	}
	if !same(t, Whole, []byte(payment)) {
		t.Error("a payment is not read fast")
	}
}

// TestFastIsNotLenient breaks values at each byte: whatever comes of it is read
// as the codec proper reads it, or not at all. A fact's own members and its
// type are broken in every value; the rest of the envelope, which the same lines
// read whatever the fact, at each of its bytes in one value of nine.
func TestFastIsNotLenient(t *testing.T) {
	paths, err := filepath.Glob(goldenDir + "/*.logged.json")
	if err != nil {
		t.Fatal(err)
	}
	values := [][]byte{[]byte(payment)}
	for _, path := range paths {
		value, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	step := 1
	if testing.Short() {
		step = 11
	}
	for i, value := range values {
		data, rest, kind := bytes.Index(value, []byte(`"data":{`)), bytes.LastIndex(value, []byte(`},"`)), bytes.LastIndex(value, []byte(`"type":"`))
		if data < 0 || rest < data || kind < rest {
			t.Fatalf("no data, or no type behind it, in %s", value)
		}
		for at := 0; at < len(value); at += step {
			if (at < data || at > rest && at < kind) && (len(value)-at)%9 != i%9 {
				continue
			}
			for _, put := range []string{"", " ", "0", "1", "9", "a", "A", "-", "_", ".", ":", "\"", "\\", ",", "{", "}", "[", "]", "\x00", "\x7f", "\xc3\xa9", "\xff", "\u2028"} {
				same(t, Whole, []byte(string(value[:at])+put+string(value[at+1:])))
				same(t, Whole, []byte(string(value[:at])+put+string(value[at:])))
			}
		}
		for _, swap := range [][2]string{
			{`"VND"`, `"XXX"`}, {`"VND"`, `"USD"`}, {`"26000"`, `"0"`}, {`"26000"`, `"1000000000000000"`}, {`"26000"`, `"26000.00"`}, {`"b-1"`, `""`},
			{`"b-1"`, `"0912000001"`}, {`"cash"`, `"qr"`}, {`"1.0"`, `"1.1"`}, {`.v1"`, `.v2"`}, {`"subject":"`, `"subject":"shard:1`},
			{`"specversion"`, `"resubmits":"x","specversion"`}, {`"specversion"`, `"deviceseq":1,"specversion"`}, {`"id"`, `"device":"d","deviceseq":0,"id"`},
			{`"id"`, `"device":"d","deviceseq":7,"id"`}, {`"id"`, `"device":"d","deviceseq":07,"id"`}, {`"id"`, `"device":"d","deviceseq":2147483648,"id"`},
		} {
			same(t, Whole, []byte(strings.Replace(string(value), swap[0], swap[1], 1)))
		}
	}
}

func FuzzFast(f *testing.F) {
	f.Add([]byte(payment))
	paths, err := filepath.Glob(goldenDir + "/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		value, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
	some := NewVocabulary([]string{"market.payment_received.v1", "market.fee_assessed.v1"}, nil)
	f.Fuzz(func(t *testing.T, value []byte) {
		same(t, Whole, value)
		same(t, some, value)
	})
}
