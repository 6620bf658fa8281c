package readmodel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/money"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
	"socho/projections/projtest"
)

// posted writes a log into the ledger's tables beside the projections, and sums
// its history up in stretches of so many records, as far as that goes; none
// where that is 0.
func posted(t testing.TB, url string, log *projtest.Log, stretch int64) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	heads, _ := log.Heads(t.Context())
	for shard := range heads {
		head, epoch, err := db.Acquire(t.Context(), shard, len(heads))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Write(t.Context(), shard, epoch, func(s ledger.Store) (*ledger.Batch, error) {
			return ledger.Decide(t.Context(), head, log.Records(shard), s)
		}); err != nil {
			t.Fatal(err)
		}
	}
	for moved := stretch > 0; moved; {
		if moved, err = db.SumHistory(t.Context(), stretch); err != nil {
			t.Fatal(err)
		}
	}
}

// about is a naive trace: what the data of an event names, what the paths of its
// accounts name, and that a bill is its stall's or pupil's.
func about(log *projtest.Log, shards int, bills []projections.Bill) map[readmodel.Subject][]string {
	holder := map[readmodel.Subject]string{}
	for _, b := range bills {
		holder[readmodel.Subject{Organization: b.Organization, Kind: "bill", ID: b.Bill}] = b.Holder
	}
	found := map[readmodel.Subject][]string{}
	for shard := range shards {
		for _, a := range log.Accepted(shard) {
			add := func(kind, id string) {
				s := readmodel.Subject{Organization: a.Event.Subject, Kind: kind, ID: id}
				event := string(a.Event.ID)
				if id != "" && !slices.Contains(found[s], event) {
					found[s] = append(found[s], event)
				}
			}
			var data map[string]any
			_ = json.Unmarshal(a.Event.Data, &data)
			for field, value := range data {
				id, _ := value.(string)
				switch field {
				case "unit":
					if !strings.HasPrefix(string(a.Event.Type), "vn.socho.registry.") {
						continue
					}
				case "bill", "payout", "stall", "line", "person", "collector":
				case "pay_point":
					field = "paypoint"
				case "reverses":
					field = "event"
				default:
					continue
				}
				add(field, id)
				if of := holder[readmodel.Subject{Organization: a.Event.Subject, Kind: field, ID: id}]; of != "" {
					kind, who, _ := strings.Cut(of, ":")
					add(strings.Replace(kind, "pupil", "person", 1), who)
				}
			}
			for _, x := range a.Transfers {
				for _, path := range []string{x.Debit, x.Credit} {
					p := strings.Split(path+"::::", ":")
					switch p[0] {
					case "stall":
						add("stall", p[1])
					case "pupil", "person":
						add("person", p[1])
					case "cash":
						add(p[1], p[2])
					case "unallocated":
						add("line", p[2])
					}
					switch p[2] {
					case "receivable":
						add("bill", p[3])
					case "payable", "clearing", "returned":
						add("payout", p[3])
					}
				}
			}
		}
	}
	return found
}

func idsOf(all []projections.TracedEvent) []string {
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.EventID
	}
	return ids
}

// TestTrace: whatever a province is about leads to the events behind it, in the
// order of the log, however much of the history is summed up.
func TestTrace(t *testing.T) {
	t.Parallel()
	for _, stretch := range []int64{0, 5, 64, 1 << 16} {
		db, url, log, model := folded(t, 2, 20)
		posted(t, url, log, stretch)
		subjects := about(log, 3, model.Bills())
		kinds := map[string]int{}
		for s, want := range subjects {
			kinds[s.Kind]++
			got := idsOf(pages(t, func(p readmodel.Page) ([]projections.TracedEvent, string, error) { return db.Trace(t.Context(), s, p) }))
			if s.Kind == projections.SubjectEvent {
				got = slices.DeleteFunc(got, func(id string) bool { return id == s.ID })
			}
			if !slices.Equal(got, want) {
				t.Errorf("stretches of %d: %v leads to %v, want %v", stretch, s, got, want)
			}
		}
		if len(kinds) != 9 {
			t.Errorf("subjects of %v only", kinds)
		}
	}
}

// TestTracedEvent: an event is shown as its record and its outcome have it.
func TestTracedEvent(t *testing.T) {
	t.Parallel()
	db, url, log, _ := folded(t, 1, 20)
	posted(t, url, log, 0)
	for shard := range 3 {
		for _, a := range log.Accepted(shard) {
			got, err := db.Events(t.Context(), []projections.Position{{Shard: shard, Offset: a.Offset}})
			if err != nil || len(got) != 1 {
				t.Fatalf("%s: %v, %v", a.Event.ID, got, err)
			}
			want := projections.TracedEvent{Position: projections.Position{Shard: shard, Offset: a.Offset}, Organization: a.Event.Subject,
				Source: string(a.Event.Source), EventID: string(a.Event.ID), Type: a.Event.Type, Status: a.Outcome.Status.String(), Code: a.Outcome.Code,
				EffectiveOn: a.Event.Fact.Effective(), RecordedAt: a.RecordedAt}
			switch f := a.Event.Fact.(type) {
			case interface{ Money() money.Amount }:
				want.Amount, want.Currency = f.Money().String(), f.Money().Currency()
			case *events.FeeAssessed:
				want.Amount, want.Currency = "61000", "VND"
			}
			if got[0] != want {
				t.Errorf("got %+v\nwant %+v", got[0], want)
			}
		}
	}
}

// TestTraceOfManyPayments: a bill paid 300 times among payments of another bill,
// one of them reversed, at times in money that it is not owed in, which only
// links say: what chain and links say comes in one order, by pages of 50.
func TestTraceOfManyPayments(t *testing.T) {
	t.Parallel()
	db, url := open(t)
	log := projtest.New(t, 1)
	log.Market("cho", "08001", "2026-01-01")
	want := []string{string(log.Fee("cho", "b1", "A1"))}
	log.Fee("cho", "b2", "A1")
	dollar := func() string {
		return string(log.Must("cho", "market.payment_received", &events.PaymentReceived{Payment: events.Payment{
			Dated: events.Dated{EffectiveOn: "2026-09-02"}, Sum: events.Sum{Amount: "1.00", Currency: "USD"}, Bill: "b1", Method: "qr"}}))
	}
	var first events.EventID
	for i := range 300 {
		log.Pay("cho", "b2", "2026-09-02", "cash", "100")
		if i%7 == 3 {
			want = append(want, dollar())
			continue
		}
		id := log.Pay("cho", "b1", "2026-09-02", "cash", "100")
		if i == 0 {
			first = id
		}
		want = append(want, string(id))
	}
	log.Reverse("cho", "2026-09-03", first)
	heads, _ := log.Heads(t.Context())
	want = append(want, fmt.Sprint("e", heads[0])) // the reversal, the last event so far
	for range 60 {
		want = append(want, dollar())
	}
	want = append(want, string(log.Pay("cho", "b1", "2026-09-04", "qr", "100")))
	if err := (&projections.Runner{Source: log, Store: db}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	posted(t, url, log, 128)
	var got []string
	p := readmodel.Page{Limit: 50}
	for next := "first"; next != ""; p.Cursor = next {
		var some []projections.TracedEvent
		var err error
		if some, next, err = db.Trace(t.Context(), readmodel.Subject{Organization: "cho", Kind: "bill", ID: "b1"}, p); err != nil {
			t.Fatal(err)
		}
		if len(some) != 50 && next != "" {
			t.Errorf("a page of %d", len(some))
		}
		got = append(got, idsOf(some)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d events, want %d:\n got %v\nwant %v", len(got), len(want), got, want)
	}
	cash := pages(t, func(p readmodel.Page) ([]projections.TracedEvent, string, error) {
		return db.Trace(t.Context(), readmodel.Subject{Organization: "cho", Kind: "collector", ID: "c1"}, p)
	})
	if len(cash) != 300+300-43+1 {
		t.Errorf("%d events of the collector", len(cash))
	}
}

// TestTraceWaitsForTheFold: nothing is shown that is not folded yet, though the
// ledger has it.
func TestTraceWaitsForTheFold(t *testing.T) {
	t.Parallel()
	db, url := open(t)
	log := projtest.New(t, 1)
	log.Market("cho", "08001", "2026-01-01")
	fee := log.Fee("cho", "b1", "A1")
	if err := (&projections.Runner{Source: log, Store: db}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	log.Pay("cho", "b1", "2026-09-02", "qr", "100")
	posted(t, url, log, 0)
	got, next, err := db.Trace(t.Context(), readmodel.Subject{Organization: "cho", Kind: "bill", ID: "b1"}, readmodel.Page{})
	if err != nil || next != "" || !slices.Equal(idsOf(got), []string{string(fee)}) {
		t.Errorf("%v, %q, %v", idsOf(got), next, err)
	}
}

// TestUpgrade: what was folded before the ledger's tables said most of a trace is
// shown beside what is folded since.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	url := testdb.Database(t, "ledger", func(ctx context.Context, url string) error {
		return postgres.Migrate(ctx, url, "ledger", postgres.LedgerMigrations())
	})
	before := fstest.MapFS{}
	for _, name := range []string{"00001_projections.sql", "00002_history.sql"} {
		text, err := fs.ReadFile(readmodel.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: text}
	}
	if err := postgres.Migrate(t.Context(), url, readmodel.Schema, before); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	log := projtest.New(t, 1)
	log.Market("cho", "08001", "2026-01-01")
	fee := log.Fee("cho", "b1", "A1")
	if _, err := conn.Exec(t.Context(), `
		SET search_path = projections;
		INSERT INTO traced_events VALUES (0, 3, 'cho', 'urn:test', 'e4', 'vn.socho.market.fee_assessed.v1', 'posted', '', '2026-09-01', now(), 'VND', '61000');
		INSERT INTO links VALUES ('b1', 'bill', 'cho', 0, 3), ('A1', 'stall', 'cho', 0, 3), ('t-A1', 'person', 'cho', 0, 3);
		INSERT INTO positions VALUES ('trace', 0, 4)`); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	db, err := readmodel.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	paid := log.Pay("cho", "b1", "2026-09-02", "qr", "100")
	if err := (&projections.Runner{Source: log, Store: db}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	posted(t, url, log, 0)
	for kind, id := range map[string]string{"bill": "b1", "stall": "A1"} {
		got, _, err := db.Trace(t.Context(), readmodel.Subject{Organization: "cho", Kind: kind, ID: id}, readmodel.Page{})
		if err != nil || !slices.Equal(idsOf(got), []string{string(fee), string(paid)}) || got[0].Amount != "61000" || got[1].Amount != "100" {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
	}
}
