package events

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// update writes what the tests compare with. Frozen bytes are only ever added:
// a golden file that exists is never written again.
var update = flag.Bool("update", false, "write missing golden files, and the schemas")

const goldenDir = "testdata/golden"

// fakeSeal stands in for the vault: deterministic, and different for each
// field and text.
func fakeSeal(field, clear string) (string, error) {
	sum := sha256.Sum256([]byte(field + "\x00" + clear))
	return string(ClassOf(field)) + "1." + base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// published reads the example of a type as a publisher hands it in.
func published(t *testing.T, eventType string) []byte {
	t.Helper()
	line, err := os.ReadFile(filepath.Join(goldenDir, eventType+".published.json"))
	if err != nil {
		t.Fatalf("every type has an example: %v", err)
	}
	return line
}

// logged is the example as it stands on the log. Facts about the log itself
// are not handed in; they are as they are written.
func logged(t *testing.T, eventType string) []byte {
	t.Helper()
	line := published(t, eventType)
	if Whole.types[eventType].kind.internal() {
		value, err := Canonical(line)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	p, err := ParsePublished(line)
	if err != nil {
		t.Fatal(err)
	}
	value, err := p.Value(fakeSeal)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// goldenRecord is the example as a record of the log, in a fixed place with
// fixed stamps.
func goldenRecord(value []byte, subject string) Record {
	return Record{
		Shard:  ShardOf([]byte(subject), 8),
		Offset: 42,
		Key:    []byte(subject),
		Value:  value,
		Headers: []Header{
			{HeaderRecordedAt, []byte("2026-09-30T01:15:00.000000Z")},
			{HeaderActor, []byte("cli")},
			{HeaderContentType, []byte(ContentType)},
		},
	}
}

// TestGolden holds the bytes of the log: what the codec writes for each type,
// and what is hashed of it. A failure here means that old logs could no longer
// be verified; the change is wrong, not the file.
func TestGolden(t *testing.T) {
	hashesPath := filepath.Join(goldenDir, "hashes.txt")
	text, err := os.ReadFile(hashesPath)
	if err != nil && !*update {
		t.Fatal(err)
	}
	hashes := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		hashes[name] = rest
	}
	for _, name := range Types() {
		value := logged(t, name)
		path := filepath.Join(goldenDir, name+".logged.json")
		if _, err := os.Stat(path); os.IsNotExist(err) && *update {
			if err := os.WriteFile(path, value, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(value) != string(want) {
			t.Errorf("%s: the bytes on the log have changed:\n got %s\nwant %s", name, value, want)
		}
		event, err := Decode(want)
		if err != nil {
			t.Errorf("%s: no longer read: %v", name, err)
			continue
		}
		if event.Type != name || event.Fact == nil {
			t.Errorf("%s: read as %s", name, event.Type)
		}
		record := goldenRecord(want, event.Subject)
		valueHash, recordHash, source := ValueHash(want), record.Hash(), sha256.Sum256(published(t, name))
		line := fmt.Sprintf("value %x record %x published %x shard %d", valueHash, recordHash, source, record.Shard)
		if _, ok := hashes[name]; !ok && *update {
			hashes[name] = line
			text = fmt.Appendf(text, "%s %s\n", name, line)
			if err := os.WriteFile(hashesPath, text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if hashes[name] != line {
			t.Errorf("%s: hashes have changed:\n got %s\nwant %s", name, line, hashes[name])
		}
		delete(hashes, name)
	}
	for name := range hashes {
		t.Errorf("%s has left the catalogue: old logs hold it", name)
	}
	files, err := filepath.Glob(goldenDir + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name, form, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".json"), ".v")
		version, form, _ := strings.Cut(form, ".")
		if !slices.Contains(Types(), name+".v"+version) || (form != "published" && form != "logged") {
			t.Errorf("%s belongs to no type", path)
		}
	}
}

// TestGoldenIsWrittenByNew pins the second way onto the log: facts that this
// ledger writes itself are the same bytes as those that intake writes.
func TestGoldenIsWrittenByNew(t *testing.T) {
	for _, name := range Types() {
		value := logged(t, name)
		event, err := Decode(value)
		if err != nil {
			t.Fatal(err)
		}
		if event.Version < Whole.newest[Name(name)] {
			continue // read as the newest version, which New writes
		}
		if again, err := New(event.Envelope, event.Fact); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if string(again) != string(value) {
			t.Errorf("%s:\n New wrote %s\nintake wrote %s", name, again, value)
		}
	}
}

// TestRecordHash pins what a record's hash binds, with the preimage spelled
// out once so that another implementation can be written from it.
func TestRecordHash(t *testing.T) {
	r := Record{Key: []byte("k"), Value: []byte("{}"), Headers: []Header{{"b", []byte("2")}, {"a", nil}, {"b", []byte("1")}}}
	preimage := "socho.record.v1\x00" +
		"\x01\x00\x00\x00\x01k" +
		"\x00\x00\x00\x03" +
		"\x00\x00\x00\x01a\x00" +
		"\x00\x00\x00\x01b\x01\x00\x00\x00\x011" +
		"\x00\x00\x00\x01b\x01\x00\x00\x00\x012" +
		"\x01\x00\x00\x00\x02{}"
	if got, want := r.Hash(), sha256.Sum256([]byte(preimage)); got != want {
		t.Errorf("record hash %x, want %x", got, want)
	}
	base := r.Hash()
	for name, change := range map[string]func(*Record){
		"no key":         func(r *Record) { r.Key = nil },
		"empty key":      func(r *Record) { r.Key = []byte{} },
		"tombstone":      func(r *Record) { r.Value = nil },
		"empty value":    func(r *Record) { r.Value = []byte{} },
		"a header gone":  func(r *Record) { r.Headers = r.Headers[1:] },
		"an empty value": func(r *Record) { r.Headers = []Header{{"b", []byte("2")}, {"a", []byte{}}, {"b", []byte("1")}} },
	} {
		other := r
		change(&other)
		if other.Hash() == base {
			t.Errorf("%s: the same hash", name)
		}
	}
	if got, want := ValueHash([]byte("{}")), sha256.Sum256([]byte("socho.value.v1\x00{}")); got != want {
		t.Errorf("value hash %s, want %s", hex.EncodeToString(got[:]), hex.EncodeToString(want[:]))
	}
}

// TestBoundaryIsFrozen: what a record must hold to in order to be an event is
// part of every rule set that has decided by it. A new fact or version adds
// lines here; a line that is there changes with a new rule set alone, for which
// Vocabulary then has to know both.
func TestBoundaryIsFrozen(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "limits %d bytes, depth %d, %d sealed fields, %d items, count %d\n", MaxEventBytes, MaxDepth, MaxPersonalFields, MaxItems, MaxCount)
	fmt.Fprintf(&b, "cipher %d to %d\n", minCipher, maxCipher)
	var write func(of string, p *plan)
	write = func(of string, p *plan) {
		fmt.Fprintf(&b, "%s: %s\n", of, strings.Join(slices.Sorted(slices.Values(p.names)), " "))
		for _, d := range p.demands {
			fmt.Fprintf(&b, "%s.%s: optional %v, set %v, opaque %v", of, d.name, d.optional, d.set, d.opaque)
			if d.bounds != nil {
				fmt.Fprintf(&b, ", %d to %d", d.bounds.least, d.bounds.most)
			}
			b.WriteByte('\n')
			if d.items != nil {
				write(of+"."+d.name, d.items)
			}
		}
	}
	write("envelope", envelopePlan)
	for _, name := range Types() {
		e := Whole.types[name]
		write(strings.TrimPrefix(name, TypePrefix), e.kind.versions[e.version-1].fields)
	}
	path := filepath.Join(goldenDir, "boundary.txt")
	if _, err := os.Stat(path); os.IsNotExist(err) && *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	have := strings.Split(b.String(), "\n")
	for line := range strings.Lines(string(want)) {
		if !slices.Contains(have, strings.TrimSuffix(line, "\n")) {
			t.Errorf("no longer so: %s", line)
		}
	}
}
