package logpublisher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/ledger"
	"socho/ledger/proof"
)

const ledgerName = "socho-TEST"

// book is a ledger of one shard in memory.
type book struct {
	size    int64
	another int64 // from here on, another history
	calls   int
}

func (b *book) entry(offset int64) Entry {
	a := proof.Archived{Time: 1790000000000 + offset, Key: []byte("hg-cho"), Value: fmt.Appendf(nil, `{"n":%d}`, offset),
		Headers: []events.Header{{Name: "socho-actor", Value: []byte("cli")}}}
	if offset%9 == 4 {
		a = proof.Archived{Void: true}
	}
	if b.another > 0 && offset >= b.another {
		a = proof.Archived{Value: fmt.Appendf(nil, `{"other":%d}`, offset)}
	}
	return Entry{Record: a, Leaf: proof.Leaf{Shard: 2, Offset: offset, RecordedAt: time.Unix(1790000000, 0).UTC(), RecordHash: a.Hash(), RuleSet: 1, Status: ledger.Recorded}}
}

func (b *book) Heads(context.Context) (map[int]ledger.Head, error) {
	head := ledger.Head{Shard: 2, Shards: 8, Ledger: ledgerName, NextOffset: b.size}
	for n := range b.size {
		e := b.entry(n)
		head.Frontier.Append(e.Leaf.Hash())
	}
	return map[int]ledger.Head{2: head}, nil
}

func (b *book) Entries(_ context.Context, _ int, from, to int64) ([]Entry, error) {
	b.calls++
	var list []Entry
	for n := from; n < min(to, from+300); n++ { // a broker answers with less than was asked for
		list = append(list, b.entry(n))
	}
	return list, nil
}

func publisher(t testing.TB, data string, b *book) *Publisher {
	t.Helper()
	p := &Publisher{Dir: filepath.Join(data, "log"), Keys: Keys{Dir: filepath.Join(data, "keys")}, Ledger: b}
	if _, err := os.Stat(p.Keys.signerPath()); err != nil {
		line, err := proof.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)), ledgerName, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteSigner(p.Keys.signerPath(), line); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func round(t testing.TB, p *Publisher) {
	t.Helper()
	if err := p.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func check(t testing.TB, p *Publisher) (*proof.Signed, []string) {
	t.Helper()
	keys, err := p.Keys.Known()
	if err != nil {
		t.Fatal(err)
	}
	list, err := List(p.Dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	c := &proof.Checker{Read: Reader(p.Dir, 2), Keys: keys, Origin: proof.Origin(ledgerName, 2), Files: list,
		Problem: func(err error) { problems = append(problems, err.Error()) }}
	signed, ok, err := c.Run(t.Context())
	if err != nil || ok != (len(problems) == 0) {
		t.Fatal(ok, problems, err)
	}
	return signed, problems
}

func sound(t testing.TB, p *Publisher, size int64) {
	t.Helper()
	signed, problems := check(t, p)
	if len(problems) > 0 || signed.Size != size {
		t.Fatalf("size %d: %v", size, problems)
	}
}

// tree reads every file of a folder but locks.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ".lock" {
			return err
		}
		b, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPublish(t *testing.T) {
	b := &book{}
	p := publisher(t, t.TempDir(), b)
	for _, size := range []int64{0, 2, 3, 255, 256, 257, 1000, 1000, 66000} {
		b.size = size
		round(t, p)
		if size > 0 {
			sound(t, p, size)
		}
	}
	// Records are kept in the newest widths alone; nothing full has beginnings.
	if files := tree(t, filepath.Join(p.Dir, "2")); files["/tile/2/000.p/1"] == "" || files["/records/000"] == "" || files["/tile/0/000.p/3"] != "" || files["/records/257.p/208"] == "" {
		t.Errorf("unexpected files: %v", slices.Sorted(maps.Keys(files))[:20])
	}
	before := b.calls
	round(t, p)
	if b.calls != before {
		t.Error("without news the ledger is read")
	}
	// Another process goes on from the files.
	b.size += 77
	p = publisher(t, filepath.Dir(p.Dir), b)
	b.calls = 0
	round(t, p)
	sound(t, p, b.size)
	if b.calls > 3 {
		t.Errorf("%d reads to go on with 77 records", b.calls)
	}
}

// TestCrashAnywhere interrupts at every single step, then lets another process
// continue: the result is that of a publisher that was never interrupted.
func TestCrashAnywhere(t *testing.T) {
	sizes := []int64{2, 200, 256, 300, 900, 901}
	run := func(data string, failAt int) (steps int, at string) {
		b := &book{}
		crashed := errors.New("crashed")
		p := publisher(t, data, b)
		hook := func(step string) error {
			if steps++; steps == failAt {
				at = step
				return crashed
			}
			return nil
		}
		p.fail = hook
		for _, size := range sizes {
			b.size = size
			if err := p.Round(t.Context()); errors.Is(err, crashed) {
				p = publisher(t, data, b) // memory is gone
				round(t, p)
			} else if err != nil {
				t.Fatal(err)
			}
			sound(t, p, size)
		}
		return steps, at
	}
	whole := t.TempDir()
	total, _ := run(whole, 0)
	want := tree(t, whole)
	if total < 60 {
		t.Fatalf("only %d steps", total)
	}
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for failAt := 1; failAt <= total; failAt += stride {
		data := t.TempDir()
		_, at := run(data, failAt)
		got := tree(t, data)
		for path := range got {
			if strings.Contains(path, "/.tmp/") {
				delete(got, path)
			}
		}
		if !maps.Equal(got, want) {
			for path := range want {
				if got[path] != want[path] {
					t.Errorf("crash at %q: %s differs", at, path)
				}
			}
			for path := range got {
				if _, ok := want[path]; !ok {
					t.Errorf("crash at %q: %s is left over", at, path)
				}
			}
		}
	}
	t.Logf("%d steps interrupted", total)
}

// TestLostFiles: whatever is lost of folder or keys/signed, the same log comes
// back, and no second history is ever signed.
func TestLostFiles(t *testing.T) {
	for _, lost := range []string{"log", "keys/signed", "log/2/checkpoint", "log/2/tile/0/003.p", "log/2/tile/1", "log/2/records"} {
		data := t.TempDir()
		b := &book{size: 900}
		p := publisher(t, data, b)
		round(t, p)
		want := tree(t, data)
		if err := os.RemoveAll(filepath.Join(data, lost)); err != nil {
			t.Fatal(err)
		}
		if lost == "log/2/records" { // nobody reads them while publishing; the check does
			continue
		}
		p = publisher(t, data, b)
		b.size = 600 // a ledger that is being rebuilt
		round(t, p)
		b.size = 900
		round(t, p)
		sound(t, p, 900)
		if got := tree(t, data); lost != "keys/signed" && !maps.Equal(got, want) {
			t.Errorf("%s lost: another log", lost)
		}
	}
}

func TestForkIsNeverSigned(t *testing.T) {
	for _, lost := range []string{"", "log", "keys/signed"} {
		for _, another := range []int64{1, 256, 850, 899} {
			data := t.TempDir()
			b := &book{size: 900}
			p := publisher(t, data, b)
			round(t, p)
			if lost != "" {
				if err := os.RemoveAll(filepath.Join(data, lost)); err != nil {
					t.Fatal(err)
				}
			}
			p = publisher(t, data, b)
			b.size, b.another = 1200, another
			err := p.Round(t.Context())
			var e *Error
			if !errors.As(err, &e) || e.Code != CodeForked && e.Code != CodeAltered {
				t.Errorf("%q lost, another history from %d on: %v", lost, another, err)
				continue
			}
			if text := Stopped(p.Dir, 2); !strings.Contains(text, e.Code) {
				t.Errorf("nobody is told: %q", text)
			}
			if text, err := os.ReadFile(filepath.Join(p.Dir, "2", "checkpoint")); err == nil && strings.Contains(string(text), "\n1200\n") {
				t.Error("a second history was signed")
			}
			b.another = 0
			b.size = 1200
			p = publisher(t, data, b)
			if lost == "" { // mended, it goes on
				round(t, p)
				sound(t, p, 1200)
				if Stopped(p.Dir, 2) != "" {
					t.Error("still said to be stopped")
				}
			}
		}
	}
}

// TestAlteredFullTile: a full piece that differs stops the shard.
func TestAlteredFullTile(t *testing.T) {
	data := t.TempDir()
	b := &book{size: 900}
	p := publisher(t, data, b)
	p.fail = func(step string) error {
		if step == "signed" {
			return errors.New("crashed") // files are there, nothing is published
		}
		return nil
	}
	if err := p.Round(t.Context()); err == nil {
		t.Fatal("not interrupted")
	}
	if err := os.RemoveAll(filepath.Join(data, "keys", "signed")); err != nil {
		t.Fatal(err)
	}
	tile := filepath.Join(data, "log", "2", "tile", "0", "001")
	whole, err := os.ReadFile(tile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tile, append([]byte{whole[0] ^ 1}, whole[1:]...), 0o644); err != nil {
		t.Fatal(err)
	}
	p = publisher(t, data, b)
	var e *Error
	if err := p.Round(t.Context()); !errors.As(err, &e) || e.Code != CodeAltered || !strings.Contains(e.Text, tile) {
		t.Fatal(err)
	}
	if err := os.Remove(tile); err != nil {
		t.Fatal(err)
	}
	p = publisher(t, data, b)
	round(t, p)
	sound(t, p, 900)
}

func TestKeys(t *testing.T) {
	data := t.TempDir()
	b := &book{size: 900}
	p := publisher(t, data, b)
	round(t, p)
	old, err := p.Keys.Public()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Keys.Generate(ledgerName); err == nil {
		t.Error("a key was made over another")
	}
	if err := p.Keys.Rotate(ledgerName); err != nil {
		t.Fatal(err)
	}
	round(t, p) // no news, but a new key: both sign
	text, err := os.ReadFile(filepath.Join(p.Dir, "2", "checkpoint"))
	if err != nil || bytes.Count(text, []byte("— ")) != 2 {
		t.Fatalf("%s, %v", text, err)
	}
	if _, err := proof.Open(text, old); err != nil {
		t.Errorf("those who list the old key: %v", err)
	}
	b.size++
	round(t, p)
	sound(t, p, 901)
	if text, err = os.ReadFile(filepath.Join(p.Dir, "2", "checkpoint")); err != nil || bytes.Count(text, []byte("— ")) != 1 {
		t.Fatalf("%s, %v", text, err)
	}
	if _, err := proof.Open(text, old); !errors.Is(err, proof.ErrUnsigned) {
		t.Errorf("the old key signs on: %v", err)
	}
	if keys, err := p.Keys.Public(); err != nil || strings.Count(keys.String(), "\n") != 2 || !strings.HasSuffix(keys.String(), old.String()) {
		t.Errorf("public keys: %v, %v", keys, err)
	}

	var e *Error
	if err := os.Chmod(p.Keys.signerPath(), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Keys.Load(ledgerName); !errors.As(err, &e) || !strings.Contains(e.Text, "chmod 600") {
		t.Errorf("an open key: %v", err)
	}
	if err := os.Chmod(p.Keys.signerPath(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Keys.Load("socho-OTHER"); !errors.As(err, &e) || !strings.Contains(e.Text, "socho-OTHER") {
		t.Errorf("another ledger's key: %v", err)
	}
	if _, _, err := (Keys{Dir: t.TempDir()}).Load(ledgerName); !errors.Is(err, ErrNoSigner) {
		t.Errorf("no key: %v", err)
	}
}

// TestStrangeKey: a log signed by a key that is not known any more is not
// continued under another.
func TestStrangeKey(t *testing.T) {
	data := t.TempDir()
	b := &book{size: 30}
	round(t, publisher(t, data, b))
	if err := os.RemoveAll(filepath.Join(data, "keys")); err != nil {
		t.Fatal(err)
	}
	p := &Publisher{Dir: filepath.Join(data, "log"), Keys: Keys{Dir: filepath.Join(data, "keys")}, Ledger: b}
	if err := p.Keys.Generate(ledgerName); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := p.Round(t.Context()); !errors.As(err, &e) || e.Code != CodeKey {
		t.Fatal(err)
	}
}

func TestRunAndLock(t *testing.T) {
	data := t.TempDir()
	b := &book{size: 30}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	p := publisher(t, data, b)
	p.Every = time.Millisecond
	go func() { p.Run(ctx); close(done) }()
	for {
		if text, err := os.ReadFile(filepath.Join(p.Dir, "2", "checkpoint")); err == nil && strings.Contains(string(text), "\n30\n") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := lockFolder(p.Dir); err == nil {
		t.Error("two publish into one folder")
	}
	cancel()
	<-done
	if file, err := lockFolder(p.Dir); err != nil {
		t.Error(err)
	} else {
		file.Close()
	}
}

func BenchmarkPublish(b *testing.B) {
	book := &book{}
	p := publisher(b, b.TempDir(), book)
	for b.Loop() {
		book.size += 10_000
		head := ledger.Head{Shard: 2, Ledger: ledgerName, NextOffset: book.size}
		s := p.shard(2)
		b.StopTimer()
		for n := range book.size {
			e := book.entry(n)
			head.Frontier.Append(e.Leaf.Hash())
		}
		b.StartTimer()
		if err := s.publish(b.Context(), head); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "records/s")
}
