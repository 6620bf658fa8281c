package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/postgres"
	"socho/internal/service"
	"socho/ledger"
)

const market = "hg-cho-dong-van"

// open brings up the embedded default for real: broker on disk, private
// PostgreSQL, a worker on each shard.
func open(t *testing.T, data string) *service.Service {
	t.Helper()
	s, err := service.Open(t.Context(), service.Options{Data: data, Own: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // closed twice where the test closes it
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// fees is n bills of one market, each with a person's name and phone.
func fees(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"e%d","source":"urn:test","type":"vn.socho.market.fee_assessed.v1","subject":"%s","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p%d","bill":"b%d","stall":"A%d","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"}],"personal":{"name":"Nguyễn Văn Mẫu %d","phone":"09000%05d"}}}`+"\n", i, market, i, i, i, i, i)
	}
	return b.String()
}

func publish(t *testing.T, s *service.Service, lines string) map[ledger.Status]int64 {
	t.Helper()
	report, err := s.Publish(t.Context(), strings.NewReader(lines), intake.Options{Actor: "test", MayErase: true})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.Decided(t.Context(), report)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func verify(t *testing.T, s *service.Service, replay bool) *postgres.Audit {
	t.Helper()
	audit, err := s.Verify(t.Context(), false, replay, nil)
	if err != nil {
		t.Fatal(err)
	}
	return audit
}

func superuser(t *testing.T, s *service.Service, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestPublishTwiceAndReplay(t *testing.T) {
	s := open(t, testdb.Data(t, "service", service.Migrate))
	lines := fees(0, 50) + "not an event\n" + strings.Replace(fees(7, 1), "26000", "27000", 1)
	if got := publish(t, s, lines); got[ledger.Posted] != 50 || got[ledger.Malformed] != 1 || got[ledger.Conflict] != 1 {
		t.Errorf("first: %v", got)
	}
	before := verify(t, s, true)
	if !before.OK || before.Transfers != 50 || before.Sum["VND"] != "0" {
		t.Errorf("verify: %+v", before)
	}
	if got := publish(t, s, lines); got[ledger.Duplicate] != 50 || got[ledger.Malformed] != 1 || got[ledger.Conflict] != 1 {
		t.Errorf("second: %v", got)
	}
	after := verify(t, s, false)
	if err := s.ReplayToEmpty(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	// The workers were fenced off and take the new tables over.
	if got := publish(t, s, fees(50, 5)); got[ledger.Posted] != 5 {
		t.Errorf("after the replay: %v", got)
	}
	again := verify(t, s, true)
	if !again.OK || again.Transfers != 55 {
		t.Errorf("after the replay: %+v", again)
	}
	for shard, root := range after.Roots {
		if after.Position[shard] == again.Position[shard] && again.Roots[shard] != root {
			t.Errorf("shard %d: another root after the replay", shard)
		}
	}
}

func TestDamagedRowIsNamed(t *testing.T) {
	s := open(t, testdb.Data(t, "service", service.Migrate))
	publish(t, s, fees(0, 20))
	for _, c := range []struct{ name, sql, undo, names string }{
		{"transfer", `UPDATE ledger.transfers SET amount = amount + 1 WHERE log_offset = 5`, `UPDATE ledger.transfers SET amount = amount - 1 WHERE log_offset = 5`, ":5 (event"},
		{"transfer's account", `UPDATE ledger.accounts SET path = 'stall:A99:receivable:b3' WHERE path = 'stall:A3:receivable:b3'`, `UPDATE ledger.accounts SET path = 'stall:A3:receivable:b3' WHERE path = 'stall:A99:receivable:b3'`, "(event \"e3\""},
		{"outcome's code", `UPDATE ledger.outcomes SET code = 'overpaid' WHERE log_offset = 7`, `UPDATE ledger.outcomes SET code = '' WHERE log_offset = 7`, ":7 (event"},
		{"outcome's id", `UPDATE ledger.outcomes SET event_id = 'other' WHERE log_offset = 7 AND event_id = 'e5'`, `UPDATE ledger.outcomes SET event_id = 'e5' WHERE event_id = 'other'`, ":7:"},
		{"account's kind", `UPDATE ledger.accounts SET kind = 'asset' WHERE kind = 'income'`, `UPDATE ledger.accounts SET kind = 'income' WHERE path LIKE 'income:%'`, "income:management"},
		{"outcome's claim", `UPDATE ledger.outcomes SET claims = false WHERE log_offset = 7`, `UPDATE ledger.outcomes SET claims = true WHERE log_offset = 7`, ":7 holds"},
		{"outcome's detail", `UPDATE ledger.outcomes SET detail = 'x' WHERE log_offset = 7`, `UPDATE ledger.outcomes SET detail = '' WHERE log_offset = 7`, ":7 differs"},
		{"position's rules", `UPDATE ledger.positions SET rule_set = rule_set + 1`, `UPDATE ledger.positions SET rule_set = rule_set - 1`, "positions: the row of shard"},
		{"position's time", `UPDATE ledger.positions SET recorded_at = recorded_at + interval '1 s'`, `UPDATE ledger.positions SET recorded_at = recorded_at - interval '1 s'`, "positions: the row of shard"},
		{"position's accounts", `UPDATE ledger.positions SET next_account = next_account + 1`, `UPDATE ledger.positions SET next_account = next_account - 1`, "positions: the row of shard"},
		{"position's genesis", `UPDATE ledger.positions SET genesis = set_byte(genesis, 0, get_byte(genesis, 0) # 1)`, `UPDATE ledger.positions SET genesis = set_byte(genesis, 0, get_byte(genesis, 0) # 1)`, "positions: the row of shard"},
		{"position's ledger", `UPDATE ledger.positions SET ledger = ledger || 'x'`, `UPDATE ledger.positions SET ledger = left(ledger, -1)`, "positions: the row of shard"},
		{"position's digest", `UPDATE ledger.positions SET digest = set_byte(digest, 5, get_byte(digest, 5) # 1)`, `UPDATE ledger.positions SET digest = set_byte(digest, 5, get_byte(digest, 5) # 1)`, "positions: the row of shard"},
		{"rule state's offset", `UPDATE ledger.rule_state SET log_offset = log_offset - 1 WHERE key = 'bill:b3'`, `UPDATE ledger.rule_state SET log_offset = log_offset + 1 WHERE key = 'bill:b3'`, "bill:b3"},
		{"rule state's key", `UPDATE ledger.rule_state SET key = 'bill:b99' WHERE key = 'bill:b3'`, `UPDATE ledger.rule_state SET key = 'bill:b3' WHERE key = 'bill:b99'`, "bill:b99"},
		{"rule state, deleted", `CREATE TABLE public.kept AS SELECT * FROM ledger.rule_state WHERE key = 'bill:b3'; DELETE FROM ledger.rule_state WHERE key = 'bill:b3'`,
			`INSERT INTO ledger.rule_state SELECT * FROM public.kept; DROP TABLE public.kept`, "rule_state: shard"},
		{"rule state", `UPDATE ledger.rule_state SET value = replace(value, 'A3"', 'A4"') WHERE key = 'bill:b3'`, `UPDATE ledger.rule_state SET value = replace(value, 'A4"', 'A3"') WHERE key = 'bill:b3'`, "bill:b3"},
		{"balances, past the trigger", `SET session_replication_role = replica; UPDATE ledger.balances SET debits = debits + 1 WHERE account = 0`, `SET session_replication_role = replica; UPDATE ledger.balances SET debits = debits - 1 WHERE account = 0`, "balances:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			superuser(t, s, c.sql)
			audit := verify(t, s, c.name == "outcome's detail")
			if text := strings.Join(audit.Problems, "\n"); audit.OK || !strings.Contains(text, c.names) {
				t.Errorf("want a problem naming %q, got ok=%v %s", c.names, audit.OK, text)
			}
			superuser(t, s, c.undo)
			if audit := verify(t, s, false); !audit.OK {
				t.Errorf("undone, and still: %v", audit.Problems)
			}
		})
	}
}

// TestDamagedLogStopsTheShard cuts or alters the broker's files while it is
// down. The shard stands still, and what was posted stays as it was.
func TestDamagedLogStopsTheShard(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"cut", func(b []byte) []byte { return b[:len(b)*2/3] }},
		{"flipped", func(b []byte) []byte { b[len(b)/2] ^= 0x20; return b }},
		{"emptied", func([]byte) []byte { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := testdb.Data(t, "service", service.Migrate)
			s := open(t, data)
			for i := range 10 { // ten batches on disk
				publish(t, s, fees(10*i, 10))
			}
			before := verify(t, s, false)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damaged := 0
			err := filepath.WalkDir(filepath.Join(data, "broker"), func(path string, entry os.DirEntry, err error) error {
				if err != nil || entry.IsDir() || filepath.Ext(path) != ".dat" && filepath.Ext(path) != ".log" {
					return err
				}
				b, err := os.ReadFile(path)
				if err != nil || len(b) < 2000 { // the shard with the market's records is the only large one
					return err
				}
				damaged++
				return os.WriteFile(path, c.damage(b), 0o600)
			})
			if err != nil || damaged != 1 {
				t.Fatalf("%d segments damaged, %v", damaged, err)
			}
			s = open(t, data)
			err = s.WaitFor(t.Context(), map[int]int64{1: 1 << 30})
			var stopped *service.StoppedError
			if !errors.As(err, &stopped) || stopped.Code != service.CodeBehind {
				t.Fatalf("the shard goes on: %v", err)
			}
			// Nothing may take the offsets of what was lost.
			report, err := s.Publish(t.Context(), strings.NewReader(fees(500, 3)), intake.Options{Actor: "test"})
			if err == nil || report.Published != 0 {
				t.Errorf("%d published to a log that is behind, %v", report.Published, err)
			}
			audit, err := s.Verify(t.Context(), true, false, nil)
			if err != nil || !audit.OK || audit.Transfers != before.Transfers || audit.Roots[1] != before.Roots[1] {
				t.Errorf("the ledger changed: %+v, %v", audit, err)
			}
		})
	}
}

// TestErasedPersonIsUnreadable looks for a person's name and phone in every
// file of the data directory, tables and log included.
func TestErasedPersonIsUnreadable(t *testing.T) {
	data := testdb.Data(t, "service", service.Migrate)
	s := open(t, data)
	publish(t, s, fees(0, 3)+strings.Replace(fees(3, 1), `"26000"`, `"26.000"`, 1))
	erased := fmt.Sprintf(`{"specversion":"1.0","id":"x1","source":"urn:test","type":"vn.socho.person.erased.v1","subject":"%s","time":"2026-09-03T08:00:00+07:00","data":{"effective_on":"2026-09-03","person":"p1","scope":"all"}}`+"\n", market)
	if got := publish(t, s, erased); got[ledger.Recorded] != 1 {
		t.Fatalf("erasure: %v", got)
	}
	report, err := s.Publish(t.Context(), strings.NewReader(fees(1, 2)), intake.Options{Actor: "test"})
	if err != nil || report.Published != 1 || report.NotPublished != 1 {
		t.Errorf("publishing for an erased person: %+v, %v", report, err)
	}
	record, err := s.Log.At(t.Context(), 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(record.Value, []byte(`"sealed"`)) {
		t.Fatalf("offset 3 holds no sealed fields: %s", record.Value)
	}
	if audit := verify(t, s, true); !audit.OK {
		t.Errorf("verify: %v", audit.Problems)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, clear := range []string{"Nguyễn Văn Mẫu", "0900000001", "0900000003"} {
			if bytes.Contains(b, []byte(clear)) {
				t.Errorf("%s holds %q in clear", path, clear)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
