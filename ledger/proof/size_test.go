package proof

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/ledger"
)

// TestSizes builds receipts of every golden event in logs of a thousand, a
// million and a thousand million records, with made-up siblings, from the
// checkpoint of the whole log (full) and from one right behind the record
// (tight). The bounds are those of the interface.
func TestSizes(t *testing.T) {
	line, err := GenerateKey(bytes.NewReader(make([]byte, 32)), "socho-TESTTESTTESTTESTTESTTESTTE", false)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ParseSigner(line, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../events/testdata/golden/*.logged.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden events", err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int64{1e3, 1e6, 1e9} {
		for _, tight := range []bool{false, true} {
			var asJSON, compact, n, large int
			var mostJSON, mostCompact int
			for _, file := range files {
				value, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				index := size/3 + random.Int64N(size/2)
				of := size
				if tight {
					of = index + 1
				}
				r := synthetic(t, signer, keys, bytes.TrimSpace(value), index, of, random)
				b, err := r.JSON()
				if err != nil || bytes.Contains(b, []byte("record_sha256")) {
					t.Errorf("%s at size %d: %d bytes, %v", file, size, len(b), err)
				}
				asJSON, mostJSON, n = asJSON+len(b), max(mostJSON, len(b)), n+1
				text, err := r.Compact()
				if err != nil {
					if size < 1e9 {
						t.Errorf("%s at size %d: %v", file, size, err)
					}
					large++
					continue
				}
				compact, mostCompact = compact+len(text), max(mostCompact, len(text))
				if _, err := Verify([]byte(text), keys); err != nil {
					t.Error(err)
				}
			}
			if tight && large > 1 {
				t.Errorf("size %d: %d of %d do not fit a QR code", size, large, n)
			}
			t.Logf("size %10d tight %-5v: JSON mean %d most %d; compact mean %d most %d, %d of %d too large", size, tight, asJSON/n, mostJSON, compact/max(n-large, 1), mostCompact, large, n)
		}
	}
}

func synthetic(t *testing.T, signer *Signer, keys *Keys, value []byte, index, size int64, random *rand.Rand) *Receipt {
	t.Helper()
	key := "hg-cho-dong-van"
	if at := bytes.Index(value, []byte(`"subject":"`)); at >= 0 {
		key, _, _ = strings.Cut(string(value[at+len(`"subject":"`):]), `"`)
	}
	at := time.Date(2026, 9, 30, 1, 15, 4, 123456000, time.UTC)
	record := &events.Record{Shard: 3, Offset: index, Key: []byte(key), Value: value, Headers: []events.Header{
		{Name: events.HeaderContentType, Value: []byte(events.ContentType)},
		{Name: events.HeaderRecordedAt, Value: []byte(at.Format(timeFormat))}, {Name: events.HeaderActor, Value: []byte("cli")}}}
	leaf := Leaf{Shard: 3, Offset: index, RecordedAt: at, RecordHash: record.Hash(), RuleSet: 1, Status: ledger.Posted, Transfers: ledger.TransfersHash(nil)}
	path := make([]tlog.Hash, pathLength(index, size))
	for i := range path {
		for j := range path[i] {
			path[i][j] = byte(random.Uint32())
		}
	}
	c, err := Sign(Checkpoint{Origin(signer.Name(), 3), size, rootOf(leaf.Hash(), path, index, size)}, signer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(record, leaf, path, c, false, keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPath compares with golang.org/x/mod/sumdb/tlog.
func TestPath(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			found[i] = stored[at]
		}
		return found, nil
	})
	leaf := func(n int64) tlog.Hash { return tlog.RecordHash([]byte{byte(n), byte(n >> 8)}) }
	for n := range int64(131) {
		hashes, err := tlog.StoredHashesForRecordHash(n, leaf(n), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		for index := range n + 1 {
			path, err := tlog.ProveRecord(n+1, index, reader)
			if err != nil || len(path) != pathLength(index, n+1) || rootOf(leaf(index), path, index, n+1) != root {
				t.Fatalf("record %d of %d: %d hashes, %v", index, n+1, len(path), err)
			}
		}
	}
}

func TestPack(t *testing.T) {
	if len(phrases) > packBase64-packPhrase {
		t.Fatalf("%d phrases, %d codes", len(phrases), packBase64-packPhrase)
	}
	seen := map[string]bool{}
	for _, p := range phrases {
		if seen[p] {
			t.Errorf("%q is there twice", p)
		}
		seen[p] = true
	}
	k := known{"2026-09-30T01:15:04.123456Z", "hg-cho-dong-van"}
	for _, text := range []string{"", "a", "đồng", k.time, k.key + k.key, "019990a0-0005-7000-8000-000000000005", "019990A0-0005-7000-8000-000000000005",
		strings.Repeat("A", 5000), strings.Repeat("ợ", 500), "\x00\xff\x7f\x80", "i1.3X8JCQJpXwU0Ia-8dMZxkw"} {
		packed, ok := pack(text, k)
		again, err := unpack(packed, k)
		if !ok || err != nil || again != text {
			t.Errorf("%q comes back as %q, %v", text, again, err)
		}
	}
}

func FuzzPack(f *testing.F) {
	for _, p := range phrases {
		f.Add(p, "hg-cho", []byte(p))
	}
	f.Fuzz(func(t *testing.T, text, key string, packed []byte) {
		k := known{"2026-09-30T01:15:04.123456Z", key}
		if p, ok := pack(text, k); ok {
			if again, err := unpack(p, k); err != nil || again != text {
				t.Errorf("%q comes back as %q, %v", text, again, err)
			}
		}
		unpack(packed, k) //nolint:errcheck // it must not panic
	})
}
