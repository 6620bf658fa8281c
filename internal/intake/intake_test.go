package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/vault"
)

// topic is a log in memory that fails where a test says so.
type topic struct {
	shards int
	fail   func(shard, batch int) (err error, written bool) // batch counts from 0 within its shard
	mu     sync.Mutex
	logs   map[int][]events.Record
	calls  map[int]int
}

func newTopic(shards int) *topic {
	return &topic{shards: shards, logs: map[int][]events.Record{}, calls: map[int]int{}}
}

func (l *topic) Partitions() int { return l.shards }

func (l *topic) Produce(ctx context.Context, shard int, records []events.Record) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	size := 0
	for _, r := range records {
		size += len(r.Value)
	}
	if len(records) == 0 || len(records) > intake.BatchRecords || size > intake.BatchBytes {
		return 0, fmt.Errorf("a batch of %d records and %d bytes", len(records), size)
	}
	var failed error
	if l.fail != nil {
		err, written := l.fail(shard, l.calls[shard])
		if failed = err; err != nil && !written {
			l.calls[shard]++
			return 0, err
		}
	}
	l.calls[shard]++
	base := int64(len(l.logs[shard]))
	for _, r := range records {
		r.Shard, r.Offset = shard, base
		l.logs[shard] = append(l.logs[shard], r)
	}
	return base, failed
}

// all returns every record, by shard and offset.
func (l *topic) all() (records []events.Record) {
	for shard := range l.shards {
		records = append(records, l.logs[shard]...)
	}
	return records
}

func migrate(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, vault.Migration+vault.MigrationNames+vault.MigrationNameSets+vault.MigrationAccounts)
	return err
}

// keys is a real vault on a real database.
func keys(t testing.TB) *vault.Vault {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), testdb.Database(t, "vault", migrate))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	master, err := vault.MasterFrom(bytes.Repeat([]byte{7}, vault.MasterBytes))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(context.Background(), conn, master)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func noon() time.Time {
	return time.Date(2026, 9, 1, 19, 0, 0, 123456789, time.FixedZone("+07", 7*3600))
}

var cli = intake.Options{Actor: "cli", MayErase: true, DefaultOrg: "hg-default"}

func publish(t testing.TB, v *vault.Vault, l *topic, lines ...string) intake.Report {
	t.Helper()
	report, err := intake.New(v, l, noon).Publish(t.Context(), strings.NewReader(strings.Join(lines, "\n")), cli)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// stall is a fact about a person, with a name and a phone number in clear.
func stall(org, id, person string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"https://cho.example/hg","type":"vn.socho.market.stall_let.v1","subject":"` + org +
		`","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"` + person +
		`","stall":"A12","personal":{"name":"Vàng Thị Máy","phone":"0912000001"}}}`
}

func erased(org, id, person, scope string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"https://cho.example/hg","type":"vn.socho.person.erased.v1","subject":"` + org +
		`","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"` + person + `","scope":"` + scope + `"}}`
}

func decode(t testing.TB, r events.Record) *events.Event {
	t.Helper()
	e, err := events.Decode(r.Value)
	if err != nil {
		t.Fatalf("intake wrote what the ledger refuses: %v\n%s", err, r.Value)
	}
	if string(r.Key) != e.Subject {
		t.Errorf("key %s, subject %s", r.Key, e.Subject)
	}
	return e
}

func TestPublish(t *testing.T) {
	t.Parallel()
	v, l := keys(t), newTopic(4)
	report := publish(t, v, l, "\xef\xbb\xbf"+stall("hg-cho", "e-1", "p-1"), "", " \r", stall("hg-cho", "e-2", "p-1")+"\r", stall("hg-truong", "e-1", "p-1"))
	if report.Published != 3 || report.NotPublished != 0 || report.Undecodable != 0 {
		t.Fatalf("%+v", report)
	}
	lines := int64(0)
	for _, r := range report.Ranges {
		lines += r.Next - r.First
	}
	if lines != 3 {
		t.Errorf("ranges %v", report.Ranges)
	}
	shard := events.ShardOf([]byte("hg-cho"), 4)
	first := l.logs[shard][0]
	e := decode(t, first)
	sealed := e.Fact.(*events.StallLet).Sealed
	if e.ID != "e-1" || len(sealed) != 2 {
		t.Fatalf("%s", first.Value)
	}
	for field, want := range map[string]string{"name": "Vàng Thị Máy", "phone": "0912000001"} {
		got, err := v.Unseal(t.Context(), events.Place{Organization: "hg-cho", Source: "https://cho.example/hg", ID: "e-1", Field: field}, "p-1", sealed[field])
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", field, got, err)
		}
	}
	for name, want := range map[string]string{
		events.HeaderRecordedAt: "2026-09-01T12:00:00.123456Z", events.HeaderActor: "cli", events.HeaderContentType: events.ContentType,
	} {
		if got, _ := first.Header(name); string(got) != want {
			t.Errorf("header %s: %s", name, got)
		}
	}
	// Again, by somebody else: the same bytes, another stamp.
	again := newTopic(4)
	if _, err := intake.New(v, again, noon).Publish(t.Context(), strings.NewReader(stall("hg-cho", "e-1", "p-1")), intake.Options{Actor: "token:7"}); err != nil {
		t.Fatal(err)
	}
	if r := again.logs[shard][0]; !bytes.Equal(r.Value, first.Value) {
		t.Errorf("published twice:\n%s\n%s", r.Value, first.Value)
	}
	for _, r := range l.all() {
		noPersonalText(t, r)
	}
}

// noPersonalText looks for what the examples hold in clear, as it is and as
// JSON or base64 would spell it.
func noPersonalText(t testing.TB, r events.Record) {
	t.Helper()
	whole, _ := json.Marshal(r)
	for _, personal := range []string{"Vàng", "Máy", "0912000001", `V\u00e0ng`, "VsOgbmc", "MDkxMjAwMDAwM"} {
		if bytes.Contains(r.Value, []byte(personal)) || bytes.Contains(r.Key, []byte(personal)) || bytes.Contains(whole, []byte(personal)) {
			t.Fatalf("%s stands in a record in clear: %s", personal, r.Value)
		}
	}
}

func TestUndecodable(t *testing.T) {
	t.Parallel()
	v := keys(t)
	whole := stall("hg-cho", "e-1", "p-1")
	swap := func(old, new string) string { return strings.Replace(whole, old, new, 1) }
	grown := swap(`"phone":"0912000001"`, func() string {
		var s []string
		for i := range 22 {
			s = append(s, fmt.Sprintf(`"f%d":"%s"`, i, strings.Repeat("ữ", 840)))
		}
		return strings.Join(s, ",")
	}())
	for _, c := range []struct {
		name, line, code, at string
		org, person, id      string // id "": made by intake
		cut                  bool
	}{
		{"no JSON", "Vàng Thị Máy 0912000001", "not_json", "", "hg-default", "", "", false},
		{"cut off", whole[:len(whole)-9], "not_json", "/data/personal", "hg-cho", "p-1", "", false},
		{"unknown field", swap(`"stall"`, `"colour":"x","stall"`), "unknown_field", "/data", "hg-cho", "p-1", "e-1", false},
		{"no organization", swap(`"hg-cho"`, `"Chợ"`), "bad_organization", "/subject", "hg-default", "p-1", "e-1", false},
		{"no id", swap(`"id":"e-1",`, ``), "missing_field", "/id", "hg-cho", "p-1", "", false},
		{"a number for a name", swap(`"stall"`, `"0912000001":null,"stall"`), "wrong_type", "/data", "hg-cho", "p-1", "e-1", false},
		{"a fact of the log itself", swap("market.stall_let", "intake.undecodable"), "unknown_field", "", "hg-cho", "p-1", "e-1", false},
		{"an erasure with a name", strings.Replace(erased("hg-cho", "e-1", "p-1", "all"), `"scope"`, `"personal":{"name":"Vàng"},"scope"`, 1), "unknown_field", "/data/personal", "hg-cho", "p-1", "e-1", false},
		{"too large", swap("Vàng", strings.Repeat("Vàng", 80000)), "too_large", "", "hg-cho", "p-1", "e-1", true},
		{"too large once sealed", grown, "too_large", "", "hg-cho", "p-1", "e-1", true},
		{"beyond what is held", swap("Vàng", strings.Repeat("Vàng", 400000)), "too_large", "", "hg-cho", "p-1", "", true},
		{"the widest envelope", `{"id":"` + strings.Repeat("\U00020000", 64) + `","source":"` + strings.Repeat("u", 256) + `","subject":"` + strings.Repeat("o", 64) +
			`","time":"2026-09-01T08:00:00.123456+07:00","data":{"person":"` + strings.Repeat("p", 64) + `"},"x":"` + strings.Repeat("x", 60000) + `"}`,
			"unknown_field", "", strings.Repeat("o", 64), strings.Repeat("p", 64), "", true},
		{"a name for an id", `{"id":"Vàng Thị Máy","source":"https://cho.example/hg","subject":"hg-cho","x":1}`, "unknown_field", "", "hg-cho", "", "", false},
		{"a phone for an id", swap(`"e-1"`, `"0912000001"`)[:200] + `","x":1}}`, "not_json", "", "hg-cho", "", "", false},
		{"a phone for an id, and a fault", `{"id":"0912000001","source":"https://cho.example/hg","subject":"hg-cho","x":1}`, "unknown_field", "", "hg-cho", "", "", false},
		{"a phone for a source", `{"id":"e-1","source":"tel:0912000001","subject":"hg-cho","x":1}`, "unknown_field", "", "hg-cho", "", "", false},
		{"a phone for a person", swap(`"p-1"`, `"0912000001"`), "bad_value", "/data/person", "hg-cho", "", "e-1", false},
		{"a phone for a device", swap(`"time"`, `"device":"0912000001","time"`), "bad_value", "/device", "hg-cho", "p-1", "e-1", false},
		{"an id of parts", `{"id":"so:7/a","source":"https://cho.example/hg","subject":"hg-cho","x":1}`, "unknown_field", "", "hg-cho", "", "so:7/a", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newTopic(1)
			report := publish(t, v, l, c.line, c.line)
			if report.Published != 2 || report.Undecodable != 2 || (len(report.Cut) == 2) != c.cut {
				t.Fatalf("%+v", report)
			}
			if !bytes.Equal(l.logs[0][0].Value, l.logs[0][1].Value) {
				t.Error("the same bad line twice is not the same bytes")
			}
			noPersonalText(t, l.logs[0][0])
			e := decode(t, l.logs[0][0])
			u := e.Fact.(*events.Undecodable)
			at := c.at
			if c.cut {
				at = fmt.Sprintf("/-/cut/%d", len(c.line))
			}
			if string(u.Reason) != c.code || (string(u.At) != at && at != "") {
				t.Errorf("%s at %s, want %s at %s", u.Reason, u.At, c.code, at)
			}
			if e.Subject != c.org || string(u.Person) != c.person || (c.id != "" && string(e.ID) != c.id) ||
				(c.id == "" && !strings.HasPrefix(string(e.ID), "undecodable-")) {
				t.Errorf("filed as %s of %s, person %q", e.ID, e.Subject, u.Person)
			}
			clear, err := v.Unseal(t.Context(), events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: "/input"}, string(u.Person), string(u.Input))
			if err != nil {
				t.Fatal(err)
			}
			if c.cut {
				kept, note, _ := strings.Cut(clear, "\n[socho: cut, ")
				if !strings.HasPrefix(c.line, kept) || len(kept) < 40000 || !strings.Contains(note, sha(c.line)) {
					t.Errorf("kept %d bytes and %q", len(kept), note)
				}
			} else if clear != c.line {
				t.Errorf("the line came back as %q", clear)
			}
		})
	}
	// Nobody named any organization.
	l := newTopic(1)
	if _, err := intake.New(v, l, noon).Publish(t.Context(), strings.NewReader("{}"), intake.Options{Actor: "cli"}); err != nil {
		t.Fatal(err)
	}
	if e := decode(t, l.logs[0][0]); e.Subject != intake.Unrouted {
		t.Errorf("filed under %s", e.Subject)
	}
}

func TestErasure(t *testing.T) {
	t.Parallel()
	v, l := keys(t), newTopic(1)
	broken := strings.Replace(stall("hg-cho", "e-4", "p-1"), `"stall"`, `"colour":"x","stall"`, 1)
	file := []string{
		stall("hg-cho", "e-1", "p-1"), erased("hg-cho", "e-2", "p-1", "contact"), stall("hg-cho", "e-3", "p-1"), broken,
		stall("hg-cho", "e-5", "p-2"), stall("hg-truong", "e-6", "p-1"), erased("hg-cho", "e-7", "p-1", "all"),
	}
	report := publish(t, v, l, file...)
	if report.Published != 5 || report.NotPublished != 2 || !slices.Equal(report.Refusals, []intake.LineError{
		{Line: 3, Code: intake.PersonErased}, {Line: 4, Code: intake.PersonErased}}) {
		t.Fatalf("%+v", report)
	}
	var ids []string
	for _, r := range l.logs[0] {
		ids = append(ids, string(decode(t, r).ID))
	}
	if want := []string{"e-1", "e-2", "e-5", "e-6", "e-7"}; !slices.Equal(ids, want) {
		t.Errorf("on the log: %v, want %v", ids, want)
	}
	sealed := decode(t, l.logs[0][0]).Fact.(*events.StallLet).Sealed
	for field := range sealed {
		if _, err := v.Unseal(t.Context(), events.Place{Organization: "hg-cho", Source: "https://cho.example/hg", ID: "e-1", Field: field}, "p-1", sealed[field]); !errors.Is(err, vault.ErrErased) {
			t.Errorf("%s after the erasure: %v", field, err)
		}
	}
	// The same file again: what was sealed before can only be refused now.
	again := publish(t, v, newTopic(1), file...)
	if again.Published != 4 || again.NotPublished != 3 {
		t.Errorf("%+v", again)
	}
}

// What needs no destroyed key goes on after an erasure of contact; after one of
// all, only what a bank says without a name.
func TestErasureByClass(t *testing.T) {
	t.Parallel()
	fact := func(id, kind, data string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"https://cho.example/hg","type":"vn.socho.` + kind + `.v1","subject":"hg-cho",` +
			`"time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p-1",` + data + `}}`
	}
	const money, line = `"amount":"1000","currency":"VND"`, `"line":"l-1","account":"a","direction":"in","kind":"payment"`
	paid := fact("paid", "market.payment_received", `"bill":"b-1","method":"qr",`+money)
	let := func(id, personal string) string {
		return fact(id, "market.stall_let", `"stall":"A1","personal":{`+personal+`}`)
	}
	received := fact("line", "bank.line_received", line+","+money)
	lines := []string{
		paid, let("name", `"name":"Vàng"`), let("phone", `"phone":"0912000001"`), let("both", `"phone":"0912000001","name":"Vàng"`),
		received, fact("content", "bank.line_received", line+","+money+`,"personal":{"content":"Vàng"}`), fact("bad", "market.nothing", money),
		fact("none", "market.stall_let", `"stall":"A1","personal":{}`),
	}
	for scope, want := range map[string][]string{
		vault.ScopeContact: {"e-0", "paid", "name", "line", "none", "again"},
		vault.ScopeAll:     {"e-0", "line", "again"},
	} {
		v, l := keys(t), newTopic(1)
		file := append(append([]string{erased("hg-cho", "e-0", "p-1", scope)}, lines...), erased("hg-cho", "again", "p-1", scope))
		report := publish(t, v, l, file...)
		var ids []string
		for _, r := range l.logs[0] {
			ids = append(ids, string(decode(t, r).ID))
			noPersonalText(t, r)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: on the log %v, want %v", scope, ids, want)
		}
		if report.NotPublished != len(file)-len(want) || len(report.Refusals) != report.NotPublished {
			t.Errorf("%s: %+v", scope, report)
		}
		for _, r := range report.Refusals {
			if r.Code != intake.PersonErased {
				t.Errorf("%s: line %d: %s", scope, r.Line, r.Code)
			}
		}
	}
}

// A failed batch stops its partition and no other; publishing again completes.
func TestFailedBatch(t *testing.T) {
	t.Parallel()
	v := keys(t)
	var lines []string
	for i := range 3900 {
		lines = append(lines, stall([]string{"hg-a", "hg-b", "hg-c"}[i%3], fmt.Sprint("e-", i), "p-1"))
	}
	lines = append(lines, erased("hg-a", "e-end", "p-1", "contact"))
	bad := events.ShardOf([]byte("hg-a"), 8)
	away := errors.New("the broker is away")
	for _, written := range []bool{false, true} {
		l := newTopic(8)
		l.fail = func(shard, batch int) (error, bool) {
			if shard == bad && batch == 1 {
				return away, written
			}
			return nil, false
		}
		heard := 0
		o := cli
		o.Refused = func(intake.LineError) { heard++ }
		report, err := intake.New(v, l, noon).Publish(t.Context(), strings.NewReader(strings.Join(lines, "\n")), o)
		var e *intake.Error
		if !errors.As(err, &e) || e.Code != intake.LogFailed || e.Shard != bad || !errors.Is(err, away) {
			t.Fatalf("%v", err)
		}
		if report.Published+report.NotPublished != len(lines) || heard != report.NotPublished || report.NotPublished != len(report.Refusals) {
			t.Errorf("%d published, %d not, %d heard of", report.Published, report.NotPublished, heard)
		}
		codes := map[intake.Code]int{}
		for _, r := range report.Refusals {
			if r.Shard != bad {
				t.Errorf("line %d of shard %d is not published", r.Line, r.Shard)
			}
			codes[r.Code]++
		}
		if codes[intake.LogFailed] == 0 || codes[intake.NotSent] == 0 || report.Refusals[0].Line != e.Line {
			t.Errorf("%v from line %d", codes, e.Line)
		}
		if yes, _ := v.Erased(t.Context(), "hg-a", "p-1", events.Contact); yes {
			t.Fatal("keys destroyed although the event could not follow")
		}
		ordered(t, l)
	}
	l := newTopic(8)
	if r := publish(t, v, l, lines...); r.NotPublished != 0 {
		t.Errorf("%+v", r)
	}
	ordered(t, l)
}

// ordered checks that each organization's lines lie on the log in file order,
// without a hole.
func ordered(t *testing.T, l *topic) {
	t.Helper()
	last := map[string]int{}
	for _, r := range l.all() {
		e, n := decode(t, r), 0
		if _, err := fmt.Sscanf(string(e.ID), "e-%d", &n); err != nil {
			continue
		}
		if before, ok := last[e.Subject]; ok && n != before+3 {
			t.Fatalf("%s: line %d behind %d", e.Subject, n, before)
		}
		last[e.Subject] = n
	}
}

// brokenVault fails on request.
type brokenVault struct {
	*vault.Vault
	sealer, erase error
}

func (b brokenVault) Sealer(ctx context.Context, refs []intake.Ref) (*vault.Keys, error) {
	if b.sealer != nil {
		return nil, b.sealer
	}
	return b.Vault.Sealer(ctx, refs)
}

func (b brokenVault) Erase(ctx context.Context, organization, person, scope string) error {
	if b.erase != nil {
		return b.erase
	}
	return b.Vault.Erase(ctx, organization, person, scope)
}

func TestVaultFails(t *testing.T) {
	t.Parallel()
	v, fault := keys(t), errors.New("the database is away")
	file := strings.Join([]string{stall("hg-cho", "e-1", "p-1"), erased("hg-cho", "e-2", "p-1", "all"), stall("hg-cho", "e-3", "p-2")}, "\n")
	for _, c := range []struct {
		vault     brokenVault
		published int
		line      int
	}{{brokenVault{v, fault, nil}, 0, 1}, {brokenVault{v, nil, fault}, 1, 2}} {
		l := newTopic(2)
		report, err := intake.New(c.vault, l, noon).Publish(t.Context(), strings.NewReader(file), cli)
		var e *intake.Error
		if !errors.As(err, &e) || e.Code != intake.VaultFailed || e.Line != c.line || !errors.Is(err, fault) {
			t.Errorf("%v", err)
		}
		if report.Published != c.published || report.NotPublished != 3-c.published || len(l.all()) != c.published {
			t.Errorf("%+v", report)
		}
	}
}

func TestInputFailsAndCancel(t *testing.T) {
	t.Parallel()
	v, l := keys(t), newTopic(2)
	broken := io.MultiReader(strings.NewReader(stall("hg-cho", "e-1", "p-1")+"\n"+`{"specver`), failing{})
	report, err := intake.New(v, l, noon).Publish(t.Context(), broken, cli)
	var e *intake.Error
	if !errors.As(err, &e) || e.Code != intake.InputFailed || e.Line != 2 || report.Published != 1 || len(l.all()) != 1 {
		t.Errorf("%v, %+v", err, report)
	}

	// A pipe: what is written goes out though nothing follows, and a cancelled
	// context ends the wait for more.
	in, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	o := cli
	o.Progress = func(int) { cancel() }
	go func() { _, _ = io.WriteString(out, stall("hg-cho", "e-2", "p-1")+"\n") }()
	report, err = intake.New(v, l, noon).Publish(ctx, in, o)
	if !errors.As(err, &e) || e.Code != intake.Cancelled || !errors.Is(err, context.Canceled) || report.Published != 1 {
		t.Errorf("%v, %+v", err, report)
	}
	_ = out.Close()

	for _, o := range []intake.Options{{}, {Actor: "cli", DefaultOrg: "Chợ"}} {
		if _, err := intake.New(v, l, noon).Publish(t.Context(), strings.NewReader(""), o); !errors.As(err, &e) || e.Code != intake.BadOptions {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }
