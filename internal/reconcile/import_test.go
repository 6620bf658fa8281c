package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socho/bank"
	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/postgres"
	"socho/internal/reconcile"
	"socho/internal/refcode"
	"socho/internal/service"
	"socho/ledger"
)

const school = "hg-truong-mau"

func open(t *testing.T) *service.Service {
	t.Helper()
	s, err := service.Open(t.Context(), service.Options{Data: testdb.Data(t, "service", service.Migrate), Own: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// code is a reference code for a bill of the school year.
func code(t *testing.T, draw string) string {
	t.Helper()
	body := "HP2526" + draw
	c, err := refcode.Parse(body + string(refcode.Check(body)))
	if err != nil {
		t.Fatalf("%s cannot be issued", body)
	}
	return string(c)
}

func issue(t *testing.T, s *service.Service, bills map[string]string) {
	t.Helper()
	var text strings.Builder
	for bill, code := range bills {
		fmt.Fprintf(&text, `{"specversion":"1.0","id":"%[1]s","source":"urn:test","type":"vn.socho.school.bill_issued.v1","subject":"%[2]s","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p-%[1]s","bill":"%[1]s","class":"1A","period":"2026-09","due_on":"2026-09-30","reference":"%[3]s","currency":"VND","items":[{"item":"meals","amount":"500000"}]}}`+"\n", bill, school, code)
	}
	report, err := s.Publish(t.Context(), strings.NewReader(text.String()), intake.Options{Actor: "cli"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Decided(t.Context(), report); err != nil || got[ledger.Posted] != int64(len(bills)) {
		t.Fatal(got, err)
	}
	if err := s.WaitForProjections(t.Context()); err != nil { // texts are read against what pages show
		t.Fatal(err)
	}
}

// statements are those that the ledger has taken in, in order.
func statements(t *testing.T, s *service.Service) (said []string) {
	t.Helper()
	if err := s.DB.OutcomesOfType(t.Context(), events.Type("bank.statement_received"), func(o *ledger.Outcome) error {
		said = append(said, strings.TrimSpace(fmt.Sprint(o.EffectiveOn, " ", o.Status, " ", o.Code)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return said
}

// TestStatements: what a statement says of the account as a whole is said once, and
// one that does not begin where the one before ended is marked.
func TestStatements(t *testing.T) {
	s := open(t)
	im := &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test")}
	for _, file := range []string{
		statement(1000, "05/09/2026|500||FT26248000000001|a", "06/09/2026||200|FT26249000000002|b"),
		statement(1000, "05/09/2026|500||FT26248000000001|a", "06/09/2026||200|FT26249000000002|b"), // the same file
		statement(1300, "08/09/2026|1||FT26250000000003|c"),
		statement(1400, "10/09/2026|1||FT26252000000004|d"), // a line of 99 is missing between them
	} {
		if _, err := im.File(t.Context(), strings.NewReader(file), bank.Options{Name: "sao-ke.csv"}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"2026-09-06 recorded", "2026-09-08 recorded", "2026-09-10 recorded statement_gap"}
	if got := statements(t, s); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// statement is a bank's CSV: day, amount in, amount out, content, reference.
func statement(opening int, rows ...string) string {
	var b strings.Builder
	b.WriteString("Ngày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Số dư,Diễn giải\n")
	balance := opening
	for _, row := range rows {
		f := strings.SplitN(row, "|", 5)
		var in, out int
		fmt.Sscan(f[1], &in)  //nolint:errcheck // an empty cell is nothing
		fmt.Sscan(f[2], &out) //nolint:errcheck // likewise
		balance += in - out
		cell := func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprint(n)
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%d,\"%s\"\n", f[0], f[3], cell(out), cell(in), balance, f[4])
	}
	return b.String()
}

func balance(t *testing.T, s *service.Service, path string) string {
	t.Helper()
	held := "0"
	if err := s.DB.Balances(t.Context(), school+":"+path, postgres.AsOf{}, func(b postgres.Balance) error {
		if b.Account == school+":"+path {
			held = b.Balance
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return held
}

// TestImport: each line once, placed only where one open bill's code says so, and
// the bank's account as the statement has it.
func TestImport(t *testing.T) {
	s := open(t)
	b1, b2, b3, unknown := code(t, "YK2Y"), code(t, "0002"), code(t, "0005"), code(t, "ZZZ2")
	issue(t, s, map[string]string{"b1": b1, "b2": b2, "b3": b3})
	im := &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test")}
	take := func(file string) reconcile.Report {
		t.Helper()
		r, err := im.File(t.Context(), strings.NewReader(file), bank.Options{Name: "sao-ke.csv"})
		if err != nil {
			t.Fatal(err)
		}
		return *r
	}
	counts := func(r reconcile.Report) [4]int64 { return [4]int64{r.New, r.AlreadyKnown, r.Matched, r.Cases} }

	september := statement(0,
		"05/09/2026|500000||FT26248000000001|MBVCB.1.Nguyen Van Mau nop hoc phi "+b1[:5]+" "+b1[5:]+".CT tu 001",
		"06/09/2026|200000||FT26249000000002|"+strings.ToLower(b2)+" lan 1",
		"07/09/2026|500000||FT26250000000003|"+b1+" nop lai", // paid before: a person looks
		"07/09/2026|1000000||FT26250000000004|"+b2+" va "+b3, // two children
		"08/09/2026|500000||FT26251000000005|"+unknown,
		"08/09/2026|500000||FT26251000000006|hoc phi thang 9",
		"09/09/2026||11000|FT26252000000007|Phi SMS Banking thang 08/2026",
		"10/09/2026|500000||FT26253000000008|HP2526YK2Y5", // a wrong check character
	)
	if got, want := counts(take(september)), [4]int64{8, 0, 2, 5}; got != want {
		t.Errorf("the first time: new, known, matched, cases %v, want %v", got, want)
	}
	if got, want := counts(take(september)), [4]int64{0, 8, 0, 0}; got != want {
		t.Errorf("again: %v, want %v", got, want)
	}
	later := statement(0,
		"08/09/2026|500000||FT26251000000006|hoc phi thang 9",
		"10/09/2026|500000||FT26253000000008|HP2526YK2Y5",
		"11/09/2026|300000||FT26254000000009|"+b2+" lan 2",
		"12/09/2026|650000||FT26255000000010|"+b3,
	)
	r := take(later)
	if got, want := counts(r), [4]int64{2, 2, 2, 0}; got != want {
		t.Errorf("overlapping: %v, want %v", got, want)
	}
	for path, want := range map[string]string{
		"bank:main": "4639000", "charges:bank": "11000",
		"pupil:p-b1:receivable:b1": "0", "pupil:p-b2:receivable:b2": "0", "pupil:p-b3:receivable:b3": "0", "pupil:p-b3:credit": "-150000",
	} {
		if got := balance(t, s, path); got != want {
			t.Errorf("%s holds %s, want %s", path, got, want)
		}
	}
	audit, err := s.Verify(t.Context(), false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Errorf("%v %+v", err, audit)
	}
}

// TestEqualLines: two stall fees of one day that look alike are two, however often
// and in however many files they are seen.
func TestEqualLines(t *testing.T) {
	s := open(t)
	im := &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test")}
	const row = "05/09/2026|26000|||nop phi"
	for i, file := range []struct {
		rows []string
		want int64
	}{{[]string{row}, 1}, {[]string{row, row}, 1}, {[]string{row, row}, 0}, {[]string{row}, 0}, {[]string{row, row, row}, 1}} {
		r, err := im.File(t.Context(), strings.NewReader(statement(0, file.rows...)), bank.Options{Name: "sao-ke.csv"})
		if err != nil || r.New != file.want {
			t.Errorf("file %d: %d new, want %d (%v)", i, r.New, file.want, err)
		}
	}
	if got := balance(t, s, "bank:main"); got != "78000" {
		t.Errorf("the bank holds %s", got)
	}
}

// TestOpening: an office's first statement brings what the account held.
func TestOpening(t *testing.T) {
	s := open(t)
	im := &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test"), Open: true}
	for i, file := range []string{statement(2000, "05/09/2026|500||FT26248000000001|a", "06/09/2026||200|FT26249000000002|b"), statement(2300, "07/09/2026|50||FT26250000000003|c")} {
		r, err := im.File(t.Context(), strings.NewReader(file), bank.Options{Name: "sao-ke.csv"})
		if err != nil || len(r.Accounts) != 1 || !r.Accounts[0].Agrees {
			t.Errorf("file %d: %+v, %v", i, r, err)
		}
	}
	if got := balance(t, s, "bank:main"); got != "2350" {
		t.Errorf("the bank holds %s", got)
	}
}

// TestRefusedWhole: of a file that cannot be taken nothing is.
func TestRefusedWhole(t *testing.T) {
	s := open(t)
	im := &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test")}
	for name, file := range map[string]string{
		"no statement": "xin chào",
		"pending in a currency nobody keeps here": `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-09-01T00:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id><CreDtTm>2026-09-01T00:00:00</CreDtTm><Acct><Id><Othr><Id>1</Id></Othr></Id></Acct><Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-09-01</Dt></Dt></Bal><Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt></Ntry></Stmt></BkToCstmrStmt></Document>`,
	} {
		r, err := im.File(t.Context(), strings.NewReader(file), bank.Options{})
		if _, refused := err.(*reconcile.Refused); !refused {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for shard, h := range heads {
		if h.NextOffset > 2 {
			t.Errorf("shard %d holds %d records", shard, h.NextOffset)
		}
	}
}
