package ledger_test

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"socho/internal/money"
	"socho/ledger"
)

// TestLeafGolden holds the bytes that every log ever written depends on. If it
// fails, the change is wrong, not the test.
func TestLeafGolden(t *testing.T) {
	amount, err := money.New(26000, money.VND)
	if err != nil {
		t.Fatal(err)
	}
	transfers := ledger.TransfersHash([]ledger.Transfer{{Line: 0, Organization: "hg-cho", Debit: "stall:A12:receivable:b1", Credit: "income:management", Amount: amount, Code: "assessed", EffectiveOn: "2026-09-01"}})
	outcome := &ledger.Outcome{Shard: 3, Offset: 71, RecordedAt: time.Date(2026, 9, 1, 1, 2, 3, 4000, time.UTC), Status: ledger.Posted, Code: "overpaid", RuleSet: 1}
	for i := range outcome.RecordHash {
		outcome.RecordHash[i] = byte(i)
	}
	leaf := ledger.LeafHash(outcome, transfers)
	for _, c := range []struct{ what, got, want string }{
		{"no transfers", hex.EncodeToString(hash(ledger.TransfersHash(nil))), "be83da900c8fb24a227366c9ecbf1c9ef6e110685fd04ddae1017314c93c01b8"},
		{"transfers", hex.EncodeToString(transfers[:]), "bcae99f93044185989ecb9873aa6e7055c18fcae8ef4cc92709f51aebb314d28"},
		{"leaf", hex.EncodeToString(ledger.Leaf(outcome, transfers)), "0100000003000000000000004700065a617778d8c4000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0000000101000000086f76657270616964bcae99f93044185989ecb9873aa6e7055c18fcae8ef4cc92709f51aebb314d28"},
		{"leaf hash", hex.EncodeToString(leaf[:]), "4e5b6ccf5b9bab169254fb03f974e86915f110ad0c2bda674c2298c663feb4a1"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, c.got, c.want)
		}
	}
}

func hash(h ledger.Hash) []byte { return h[:] }

// TestFrontier compares with the tree of golang.org/x/mod/sumdb/tlog, which
// keeps every hash.
func TestFrontier(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			found[i] = stored[at]
		}
		return found, nil
	})
	var f ledger.Frontier
	for n := range int64(300) {
		want, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		if f.Root() != want {
			t.Fatalf("size %d: another root", n)
		}
		again, ok := ledger.FrontierFrom(f.Size, f.Bytes())
		if !ok || again.Root() != want {
			t.Fatalf("size %d: not read back", n)
		}
		if _, ok := ledger.FrontierFrom(f.Size+2, f.Bytes()); ok && n%2 == 1 && n > 4 && popcount(n) != popcount(n+2) {
			t.Fatalf("size %d: a frontier of another size is accepted", n)
		}
		data := []byte(fmt.Sprint("leaf ", n))
		hashes, err := tlog.StoredHashes(n, data, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		f.Append(tlog.RecordHash(data))
	}
}

func popcount(n int64) (ones int) {
	for ; n > 0; n &= n - 1 {
		ones++
	}
	return ones
}
