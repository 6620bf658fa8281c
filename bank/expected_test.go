package bank

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"socho/internal/refcode"
)

// sharedFolder holds files of many banks, with what is in them; they are not part
// of the repository.
const sharedFolder = "../../shared/data/"

func shared(t *testing.T, name string) string {
	t.Helper()
	name = filepath.Join(sharedFolder, name)
	if _, err := os.Stat(name); err != nil {
		t.Skip("the shared samples are not here")
	}
	return name
}

// parseFile parses and collects.
func parseFile(t *testing.T, name string, o Options) (*Result, []Entry, []refcode.Code) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o.Name = name
	return parseAll(t, f, o)
}

func parseText(t *testing.T, text string, o Options) (*Result, []Entry, []refcode.Code) {
	t.Helper()
	return parseAll(t, strings.NewReader(text), o)
}

func parseAll(t *testing.T, src interface {
	Read([]byte) (int, error)
	Seek(int64, int) (int64, error)
}, o Options) (*Result, []Entry, []refcode.Code) {
	t.Helper()
	var entries []Entry
	var codes []refcode.Code
	seen := map[refcode.Code]bool{}
	r, err := Parse(src, o, func(e *Entry) error {
		entries = append(entries, *e)
		for _, c := range refcode.Find(e.Remittance) {
			if !seen[c] {
				seen[c] = true
				codes = append(codes, c)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, entries, codes
}

// TestSamples: every field of every file is as expected.jsonl says.
func TestSamples(t *testing.T) {
	text, err := os.ReadFile(shared(t, "statements/expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var want map[string]any
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		t.Run(want["file"].(string), func(t *testing.T) {
			r, _, codes := parseFile(t, shared(t, "statements/"+want["file"].(string)), Options{})
			encoded, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(encoded, &got); err != nil {
				t.Fatal(err)
			}
			if codes != nil {
				listed, _ := json.Marshal(codes)
				var plain any
				json.Unmarshal(listed, &plain) //nolint:errcheck // just written
				got["reference_codes"] = plain
			}
			for field, value := range want {
				switch field {
				case "file", "source", "licence", "malformed_reason":
					continue
				case "format": // a remark in brackets is for the reader
					value, _, _ = strings.Cut(value.(string), " (")
				}
				if !covers(got[field], value) {
					t.Errorf("%s:\n got %v\nwant %v", field, got[field], value)
				}
			}
			if t.Failed() {
				t.Log(string(encoded))
			}
		})
	}
}

// covers reports whether got says all that want does; it may say more.
func covers(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		for key, value := range want {
			have, there := got[key]
			if !ok || !there && value != nil || !covers(have, value) {
				return false
			}
		}
		return ok
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range want {
			if !covers(got[i], want[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(got, want)
}
