package proof_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/ledger"
	"socho/ledger/proof"
)

var update = flag.Bool("update", false, "write golden files anew")

// receipt is that of the record at an offset, from the log's checkpoint.
func (l *log) receipt(t testing.TB, offset int, witnessed bool) *proof.Receipt {
	t.Helper()
	c := l.checkpoint(t)
	path, err := proof.ProveInclusion(c.Checkpoint, int64(offset), l.reader())
	if err != nil {
		t.Fatal(err)
	}
	record := l.all[offset].Record(3, int64(offset))
	r, err := proof.New(&record, l.leaves[offset], path, c, witnessed, l.keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func forms(t testing.TB, r *proof.Receipt) map[string][]byte {
	t.Helper()
	asJSON, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	compact, err := r.Compact()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"json": asJSON, "compact": []byte(compact)}
}

// TestReceiptGolden holds the forms that receipts already handed out have. If
// it fails, the change is wrong, not the test.
func TestReceiptGolden(t *testing.T) {
	l := newLog(t)
	l.grow(t, 700)
	for form, text := range forms(t, l.receipt(t, 421, false)) {
		golden(t, "receipt."+form, text)
	}
	golden(t, "checkpoint", l.files[proof.CheckpointPath])
	golden(t, "entries", l.files["tile/entries/002.p/188"][:400])
	golden(t, "records", l.files["records/002.p/188"][:1600])
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", name, got, want)
	}
}

// TestEveryCharacterCounts changes, drops and adds each character of each form.
func TestEveryCharacterCounts(t *testing.T) {
	l := newLog(t)
	l.grow(t, 700)
	witness := signer(t, 2, "witness.example/w1", true)
	for _, offset := range []int{6, 421} {
		for form, text := range forms(t, l.receipt(t, offset, false)) {
			if r, err := proof.Verify(text, l.keys); err != nil || r.Leaf.Offset != int64(offset) || r.Checkpoint.Size != 700 {
				t.Fatalf("%s of %d: %v", form, offset, err)
			}
			must := func(what string, at int, b []byte) {
				if !bytes.Equal(b, text) {
					if _, err := proof.Verify(b, l.keys); err == nil {
						t.Errorf("%s of %d: %s at %d of %d passes", form, offset, what, at, len(text))
					}
				}
			}
			stride := 1
			if testing.Short() {
				stride = 11
			}
			for i := 0; i < len(text); i += stride {
				for _, bit := range []int{0, 5, 7} {
					b := bytes.Clone(text)
					b[i] ^= 1 << bit
					must("flipped", i, b)
				}
				must("dropped", i, append(bytes.Clone(text[:i]), text[i+1:]...))
				must("doubled", i, append(bytes.Clone(text[:i+1]), text[i:]...))
				if i+1 < len(text) {
					b := bytes.Clone(text)
					b[i], b[i+1] = b[i+1], b[i]
					must("swapped", i, b)
				}
			}
			for i := len(text); i >= 0; i -= stride {
				for _, c := range []byte(" \n\r\tA=.,{}\"0+-_\x00") {
					must("inserted", i, append(append(bytes.Clone(text[:i]), c), text[i:]...))
				}
			}
			if _, err := proof.Verify(text, keysOf(t, signer(t, 9, ledgerName, false))); err == nil {
				t.Errorf("%s passes under another key", form)
			}
			if _, err := proof.Verify(text, keysOf(t, signer(t, 1, "socho-OTHER", false), witness)); err == nil {
				t.Errorf("%s passes under the same key of another ledger", form)
			}
		}
	}
}

// TestMalleable tries what means the same but is spelled in another way.
func TestMalleable(t *testing.T) {
	l := newLog(t)
	l.grow(t, 700)
	texts := forms(t, l.receipt(t, 421, false))
	asJSON, compact := string(texts["json"]), string(texts["compact"])
	line := asJSON[strings.Index(asJSON, `— `):strings.Index(asJSON, `\n"}`)]
	for what, text := range map[string]string{
		"doubled signature":  strings.Replace(asJSON, line, line+`\n`+line, 1),
		"ignored signature":  strings.Replace(asJSON, line, line+`\n— other.example `+base64.StdEncoding.EncodeToString(make([]byte, 68)), 1),
		"unsigned member":    strings.Replace(asJSON, `"proof":`, `"note":"paid","proof":`, 1),
		"doubled member":     strings.Replace(asJSON, `"proof":`, `"receipt":"socho.receipt.v1","proof":`, 1),
		"escaped character":  strings.Replace(asJSON, `"receipt"`, `"\u0072eceipt"`, 1),
		"other spelling":     strings.Replace(asJSON, `"status":"posted"`, `"status":"1"`, 1),
		"number with a zero": strings.Replace(asJSON, `"rule_set":1`, `"rule_set":1.0`, 1),
		"swapped headers":    swapHeaders(asJSON),
		"hash beside record": strings.Replace(asJSON, `"proof":`, `"record_sha256":"`+strings.Repeat("00", 32)+`","proof":`, 1),
		"padding":            compact + "=",
		"standard alphabet":  strings.NewReplacer("-", "+", "_", "/").Replace(compact),
		"blank before":       " " + compact,
	} {
		if text == asJSON || text == compact {
			t.Fatalf("%s: nothing was changed", what)
		}
		if _, err := proof.Verify([]byte(text), l.keys); err == nil {
			t.Errorf("%s passes", what)
		}
	}
}

func swapHeaders(text string) string {
	a := strings.Index(text, `{"name":"content-type"`)
	b := strings.Index(text, `{"name":"socho-actor"`)
	c := strings.Index(text, `{"name":"socho-recorded-at"`)
	return text[:a] + text[b:c] + text[a:b] + text[c:]
}

// TestUnusualRecords: whatever a producer may write has a receipt.
func TestUnusualRecords(t *testing.T) {
	l := newLog(t)
	for name, a := range map[string]proof.Archived{
		"void":            {Void: true},
		"empty":           {Key: []byte{}, Value: []byte{}, Headers: []events.Header{{Name: ""}, {Name: "", Value: []byte{}}}},
		"binary":          {Key: []byte{0xff, 0}, Value: []byte{0xfe, 0x80, 'a'}, Headers: []events.Header{{Name: "x", Value: []byte{0xff}}}},
		"text":            {Key: []byte("k\n\"<&>\u2028"), Value: []byte("không phải là sự kiện")},
		"not canonical":   {Key: []byte("k"), Value: []byte(`{"b":1, "a":2}`)},
		"nearly one":      {Key: []byte("k"), Value: []byte(`{"base64":"AAAA"}`)},
		"escapes":         {Key: []byte("k"), Value: []byte("{\"a\":\"\\u0001<>&\u2028\"}")},
		"doubled headers": {Headers: []events.Header{{Name: "b", Value: []byte("2")}, {Name: "a", Value: []byte("1")}, {Name: "b", Value: []byte("1")}}},
	} {
		t.Run(name, func(t *testing.T) {
			leaf := proof.Leaf{Shard: 3, RecordHash: a.Hash(), Status: 9, Code: "unheard"}
			c, err := proof.Sign(proof.Checkpoint{Origin: proof.Origin(ledgerName, 3), Size: 1, Root: leaf.Hash()}, l.signer)
			if err != nil {
				t.Fatal(err)
			}
			record := a.Record(3, 0)
			r, err := proof.New(&record, leaf, nil, c, false, l.keys)
			if err != nil {
				t.Fatal(err)
			}
			for form, text := range forms(t, r) {
				again, err := proof.Verify(text, l.keys)
				if err != nil || again.Record.Hash() != a.Hash() {
					t.Errorf("%s: %v\n%s", form, err, text)
				}
			}
		})
	}
}

func TestLargeRecord(t *testing.T) {
	l := newLog(t)
	a := proof.Archived{Key: []byte("k"), Value: []byte(`{"a":"` + strings.Repeat("x7Q", 20<<10) + `"}`)}
	leaf := leafOf(0, &a)
	c, err := proof.Sign(proof.Checkpoint{Origin: proof.Origin(ledgerName, 3), Size: 1, Root: leaf.Hash()}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	record := a.Record(3, 0)
	r, err := proof.New(&record, leaf, nil, c, false, l.keys)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.JSON()
	if err != nil || !bytes.Contains(text, []byte(`"record_sha256":"`)) {
		t.Fatalf("%s, %v", text, err)
	}
	again, err := proof.Verify(text, l.keys)
	if err != nil || again.Record != nil || again.Leaf.RecordHash != ledger.Hash(a.Hash()) {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := r.Compact(); !errors.Is(err, proof.ErrTooLarge) {
		t.Errorf("a QR code of 60 KB: %v", err)
	}
	if _, err := again.Compact(); !errors.Is(err, proof.ErrTooLarge) {
		t.Errorf("a QR code without its record: %v", err)
	}
}

// TestTight: a receipt from a checkpoint right behind its record, without any
// tile of that size being there.
func TestTight(t *testing.T) {
	l := newLog(t)
	l.grow(t, 70000)
	later := l.checkpoint(t)
	for _, index := range []int64{0, 1, 255, 256, 65535, 65536, 69998, 69999} {
		record, leaf, full, err := proof.Lookup(later, index, l.reader())
		if err != nil {
			t.Fatal(err)
		}
		c, path, err := proof.Tight(later.Checkpoint, index, l.reader())
		if err != nil || c.Size != index+1 || len(path) > len(full) {
			t.Fatalf("%d: %d hashes, not %d, %v", index, len(path), len(full), err)
		}
		signed, err := proof.Sign(c, l.signer)
		if err != nil {
			t.Fatal(err)
		}
		r, err := proof.New(record, leaf, path, signed, false, l.keys)
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Compact()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proof.Verify([]byte(text), l.keys); err != nil {
			t.Errorf("%d: %v", index, err)
		}
		if err := proof.CheckConsistency(c, later.Checkpoint, l.reader()); err != nil {
			t.Errorf("%d: %v", index, err)
		}
	}
	if _, _, _, err := proof.Lookup(later, 70000, l.reader()); err == nil {
		t.Error("a record that is not there")
	}
	if _, _, err := proof.Tight(later.Checkpoint, 70000, l.reader()); err == nil {
		t.Error("a checkpoint of the future")
	}
}

func TestWitnessesAndRotation(t *testing.T) {
	l := newLog(t)
	l.grow(t, 300)
	old, next := l.signer, signer(t, 5, ledgerName, false)
	w1, w2 := signer(t, 2, "witness.example/w1", true), signer(t, 3, "witness.example/w2", true)
	both, err := proof.Sign(l.checkpoint(t).Checkpoint, next, old)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*proof.Signer{w2, w1, w1} {
		if both, err = both.Cosign(w); err != nil {
			t.Fatal(err)
		}
	}
	if n := bytes.Count(both.Text(), []byte("— ")); n != 4 {
		t.Fatalf("%d signatures:\n%s", n, both.Text())
	}
	l.files[proof.CheckpointPath] = both.Text()
	for what, c := range map[string]struct {
		keys *proof.Keys
		ok   bool
	}{
		"old":       {keysOf(t, old), true},
		"new":       {keysOf(t, next), true},
		"witnesses": {keysOf(t, w1, w2), false},
		"stranger":  {keysOf(t, signer(t, 8, ledgerName, false)), false},
	} {
		if _, err := proof.Open(both.Text(), c.keys); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A receipt carries the new key's signature alone, or the witnesses' too.
	l.keys = keysOf(t, next, old, w1, w2)
	plain, witnessed := forms(t, l.receipt(t, 77, false)), forms(t, l.receipt(t, 77, true))
	if _, err := proof.Verify(plain["json"], keysOf(t, next)); err != nil {
		t.Error(err)
	}
	if _, err := proof.Verify(plain["compact"], keysOf(t, next)); err != nil {
		t.Error(err)
	}
	if _, err := proof.Verify(plain["json"], keysOf(t, old)); err == nil {
		t.Error("a signature by a key that is not listed is ignored")
	}
	if r, err := proof.Verify(witnessed["json"], keysOf(t, next, w1, w2)); err != nil || len(r.Checkpoint.Note.Sigs) != 3 {
		t.Errorf("witnessed: %v", err)
	}
	if _, err := proof.Verify(witnessed["json"], keysOf(t, next, w1)); err == nil {
		t.Error("a witness's signature is ignored")
	}
	i, j := bytes.Index(witnessed["json"], []byte("— witness.example/w1")), bytes.Index(witnessed["json"], []byte("— witness.example/w2"))
	end := bytes.Index(witnessed["json"][j:], []byte(`\n`)) + 2
	swapped := string(witnessed["json"][:i]) + string(witnessed["json"][j:j+end]) + string(witnessed["json"][i:j]) + string(witnessed["json"][j+end:])
	if _, err := proof.Verify([]byte(swapped), keysOf(t, next, w1, w2)); err == nil {
		t.Error("signatures in another order pass")
	}
}

func TestKeyTexts(t *testing.T) {
	line, err := proof.GenerateKey(seeded(1), ledgerName, false)
	if err != nil {
		t.Fatal(err)
	}
	public := signer(t, 1, ledgerName, false).Public()
	for i := range line {
		b := []byte(line)
		b[i] ^= 1
		if s, err := proof.ParseSigner(string(b), nil); err == nil && s.Public() == public {
			t.Errorf("altered private key at %d passes", i)
		}
	}
	for i := range public {
		b := []byte(public)
		b[i] ^= 1
		if keys, err := proof.ParseKeys(string(b)); err == nil {
			t.Errorf("altered public key at %d passes: %s", i, keys)
		}
	}
	if _, err := proof.ParseKeys(line); err == nil || strings.Contains(err.Error(), line[20:]) {
		t.Errorf("a private key in place of the public one: %v", err)
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", strings.Repeat("a", 101), "chợ"} {
		if _, err := proof.GenerateKey(seeded(1), name, false); err == nil {
			t.Errorf("%q names a key", name)
		}
	}
}

// TestSpecifications holds examples that others have published: a log's and a
// witness's signature from https://c2sp.org/tlog-cosignature parse as lines of a
// note, and the paths of https://c2sp.org/tlog-tiles hold.
func TestSpecifications(t *testing.T) {
	// A tree of 70,000: 273 full tiles and one of 112, one full and one of 17, one of 1.
	var e proof.Edge
	full := map[string]int{}
	for range 70000 {
		for _, f := range e.Append(tlog.Hash{}) {
			full[f.Path[:len("tile/0/")]]++
		}
	}
	var partial []string
	for _, f := range e.Partial() {
		partial = append(partial, f.Path)
	}
	if full["tile/0/"] != 273 || full["tile/1/"] != 1 || strings.Join(partial, " ") != "tile/0/273.p/112 tile/1/001.p/17 tile/2/000.p/1" {
		t.Errorf("full %v, partial %v", full, partial)
	}
}

func FuzzVerify(f *testing.F) {
	l := newLog(f)
	l.grow(f, 300)
	for _, offset := range []int{6, 7, 299} {
		for _, text := range forms(f, l.receipt(f, offset, false)) {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := proof.Verify(text, l.keys)
		if err != nil {
			return
		}
		a := l.all[r.Leaf.Offset]
		if r.Record != nil && r.Record.Hash() != a.Hash() || r.Leaf != l.leaves[r.Leaf.Offset] {
			t.Errorf("a forged receipt passes: %q", text)
		}
	})
}

func FuzzParse(f *testing.F) {
	l := newLog(f)
	l.grow(f, 20)
	for _, b := range l.files {
		f.Add(b)
	}
	f.Add(l.leaves[0].Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, all, err := proof.ParseRecords(b); err == nil {
			if again, err := proof.EncodeRecords(h, all); err != nil || !bytes.Equal(again, b) {
				t.Errorf("a record bundle has two spellings: %v", err)
			}
		}
		if list, err := proof.ParseEntries(b); err == nil {
			var again []byte
			for _, e := range list {
				if again, err = proof.AppendEntry(again, e); err != nil {
					t.Error(err)
				}
			}
			if !bytes.Equal(again, b) {
				t.Error("an entry bundle has two spellings")
			}
		}
		if leaf, err := proof.ParseLeaf(b); err == nil && !bytes.Equal(leaf.Bytes(), b) {
			t.Error("a leaf has two spellings")
		}
		if c, err := proof.Open(b, l.keys); err == nil && c.Checkpoint != l.checkpoint(t).Checkpoint {
			t.Error("a forged checkpoint passes")
		}
	})
}
