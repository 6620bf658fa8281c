package bank

import (
	"archive/zip"
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	camtHead = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id>`
	camtTail = `</Stmt></BkToCstmrStmt></Document>`
	camtNtry = `<Ntry><Amt Ccy="VND">61000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-05</Dt></BookgDt><AcctSvcrRef>FT26133903624485</AcctSvcrRef></Ntry>`
)

// endless repeats a text, seekable and without memory.
type endless struct {
	head, repeated, tail string
	times, at            int64
}

func (e *endless) size() int64 {
	return int64(len(e.head)) + e.times*int64(len(e.repeated)) + int64(len(e.tail))
}

func (e *endless) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		e.at = offset
	case io.SeekCurrent:
		e.at += offset
	case io.SeekEnd:
		e.at = e.size() + offset
	}
	return e.at, nil
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		var from string
		at := e.at
		head, middle := int64(len(e.head)), e.times*int64(len(e.repeated))
		switch {
		case at < head:
			from = e.head[at:]
		case at < head+middle:
			from = e.repeated[(at-head)%int64(len(e.repeated)):]
		case at < e.size():
			from = e.tail[at-head-middle:]
		default:
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		copied := copy(p[n:], from)
		n += copied
		e.at += int64(copied)
	}
	return n, nil
}

// archived packs parts as a workbook would be.
func archived(t testing.TB, parts map[string]*endless) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHostile: what attacks a reader is refused by its code, quickly, and without
// the memory that it is after.
func TestHostile(t *testing.T) {
	text := func(s string) io.ReadSeeker { return strings.NewReader(s) }
	many := func(head, repeated string, times int64, tail string) io.ReadSeeker {
		return &endless{head: head, repeated: strings.Repeat(repeated, 1000), times: times / 1000, tail: tail}
	}
	nested := strings.Repeat("<A>", 100_000)
	bomb := archived(t, map[string]*endless{"xl/workbook.xml": {head: "<workbook/>"}, "xl/worksheets/sheet1.xml": {head: "<worksheet>", repeated: strings.Repeat(" ", 1<<10), times: 100 << 10}})
	deep := archived(t, map[string]*endless{"xl/workbook.xml": {head: "<workbook/>"}, "xl/worksheets/sheet1.xml": {head: nested}})
	crowded := map[string]*endless{"xl/worksheets/sheet1.xml": {head: "<worksheet/>"}}
	for i := range 600 {
		crowded["xl/"+strings.Repeat("a", i+1)] = &endless{}
	}
	book := workbook(t, [][]any{{"Ngày", "Có", "Nội dung"}, {46270, 61000, "a"}})
	for _, c := range []struct {
		name, code string
		src        io.ReadSeeker
	}{
		{"entities that multiply", "doctype", text(`<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>` + camtHead + "&b;" + camtTail)},
		{"an entity without a document type", "damaged", text(camtHead + "<Acct>&a;</Acct>" + camtTail)},
		{"a file named by an entity", "doctype", text(`<!DOCTYPE x SYSTEM "file:///etc/passwd">` + camtHead + camtTail)},
		{"a document type behind the root", "doctype", text(camtHead + camtNtry + camtTail + "<!DOCTYPE x>")},
		{"nesting", "too_deep", text(camtHead + nested)},
		{"another namespace", "wrong_namespace", text(strings.Replace(camtHead, "urn:iso", "urn:evil", 1) + camtNtry + camtTail)},
		{"a namespace that goes on", "wrong_namespace", text(strings.Replace(camtHead, `.08"`, `.08x"`, 1) + camtNtry + camtTail)},
		{"a variant that does not exist", "wrong_namespace", text(strings.Replace(camtHead, "053.001", "053.002", 1) + camtNtry + camtTail)},
		{"an element of another namespace", "wrong_namespace", text(camtHead + `<x:Ntry xmlns:x="urn:evil"/>` + camtTail)},
		{"no namespace", "wrong_namespace", text(`<Document><BkToCstmrStmt/></Document>`)},
		{"another message in the namespace", "damaged", text(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrAcctRpt/></Document>`)},
		{"a second document", "trailing_content", text(camtHead + camtNtry + camtTail + camtHead + camtTail)},
		{"text behind the end", "trailing_content", text(camtHead + camtNtry + camtTail + "more")},
		{"a second message", "damaged", text(strings.Replace(camtHead+camtNtry+camtTail, "</Document>", "<BkToCstmrStmt/></Document>", 1))},
		{"two amounts", "duplicate_element", text(camtHead + strings.Replace(camtNtry, "<CdtDbtInd>", `<Amt Ccy="VND">1</Amt><CdtDbtInd>`, 1) + camtTail)},
		{"two directions", "duplicate_element", text(camtHead + strings.Replace(camtNtry, "<Sts>", `<CdtDbtInd>DBIT</CdtDbtInd><Sts>`, 1) + camtTail)},
		{"two accounts", "duplicate_element", text(camtHead + "<Acct/><Acct/>" + camtTail)},
		{"two days", "duplicate_element", text(camtHead + strings.Replace(camtNtry, "<Dt>", "<Dt>2026-09-06</Dt><Dt>", 1) + camtTail)},
		{"text between elements", "damaged", text(camtHead + "oops" + camtTail)},
		{"cut off", "damaged", text((camtHead + camtNtry + camtTail)[:300])},
		{"50 MB of text", "too_large", many(camtHead+"<AddtlStmtInf>", "x", 50<<20, "</AddtlStmtInf>"+camtTail)},
		{"a comment of 50 MB", "too_large", many(camtHead+"<!--", "x", 50<<20, "-->"+camtTail)},
		{"an attribute of 50 MB", "too_large", many(camtHead+`<Acct x="`, "x", 50<<20, `"/>`+camtTail)},
		{"a million elements in one", "too_large", many(camtHead+"<Acct>", "<Nm/>", 1_000_000, "</Acct>"+camtTail)},
		{"an encoding nobody knows", "damaged", text(`<?xml version="1.0" encoding="x-evil"?>` + camtHead + camtTail)},
		{"a NUL byte in XML", "damaged", text(camtHead + "\x00" + camtTail)},
		{"a NUL byte in MT940", "nul_byte", text(":20:A\n:25:1\n:60F:C260905VND0,\n:86:\x00\n:62F:C260905VND0,\n")},
		{"NUL bytes in CSV", "nul_byte", text("Ngày,Có,Nội dung\n05/09/2026,61.000,\x00\n")},
		{"a line of MT940 without end", "too_large", many(":20:A\n:86:", "x", 50<<20, "")},
		{"a field of MT940 without end", "too_large", many(":20:A\n:86:", "x\n", 1<<20, "")},
		{"a million columns", "too_large", many("Ngày", ",Có", 1_000_000, "\n")},
		{"a cell without end", "too_large", many("Ngày,Có,Nội dung\n05/09/2026,61.000,\"", "x\n", 50<<20, "")},
		{"a row without end", "too_large", many("Ngày,Có,Nội dung\n05/09/2026,61.000,", "x", 50<<20, "")},
		{"a ZIP bomb", "too_large", bytes.NewReader(bomb)},
		{"a workbook of 600 parts", "too_large", bytes.NewReader(archived(t, crowded))},
		{"a workbook nested deeply", "too_deep", bytes.NewReader(deep)},
		{"a workbook cut off", "damaged", bytes.NewReader(book[:len(book)-300])},
		{"a workbook with a flipped byte", "damaged", bytes.NewReader(flipped(book, len(book)/3))},
		{"a ZIP that is no workbook", "unknown_format", bytes.NewReader(archived(t, map[string]*endless{"a.txt": {head: "x"}}))},
		{"an old workbook", "unsupported_format", text("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 512))},
		{"a PDF", "unsupported_format", text("%PDF-1.7")},
		{"a web page", "unsupported_format", text("<html><table><tr><td>Ngày</td></tr></table></html>")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			begun := time.Now()
			r, err := Parse(c.src, Options{}, nil)
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			if r.Valid || len(r.Problems) == 0 || r.Problems[0].Code != c.code || r.Reason == "" {
				t.Errorf("valid %v, %s, %v", r.Valid, r.Reason, r.Problems)
			}
			if r.Statements != nil && (r.Entries != 0 || len(r.List) != 0 || len(r.Totals) != 0) {
				t.Error("something of an unreadable file is shown as if it were")
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
				t.Errorf("%d MB were allocated", used)
			}
			if took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			for _, p := range r.Problems {
				if Codes[p.Code] == "" {
					t.Errorf("%s is not in Codes", p.Code)
				}
			}
		})
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x55
	return b
}

// TestFaultOfTheSource: a disk that fails is an error, no damaged file.
func TestFaultOfTheSource(t *testing.T) {
	for _, head := range []string{camtHead + camtNtry, "Ngày,Có,Nội dung\n05/09/2026,61.000,a\n", ":20:A\n:25:1\n"} {
		src := &endless{head: head, repeated: " ", times: 1 << 20}
		if r, err := Parse(&failing{endless: src}, Options{}, nil); err == nil {
			t.Errorf("%q: %v", head[:10], r)
		}
	}
}

// failing is a disk with a bad block.
type failing struct{ *endless }

func (f *failing) Read(p []byte) (int, error) {
	if f.at > 100<<10 {
		return 0, io.ErrNoProgress
	}
	return f.endless.Read(p)
}

// FuzzParse: no bytes panic; an unreadable file shows nothing; sums are those of
// the entries handed out.
func FuzzParse(f *testing.F) {
	f.Add([]byte(camtHead + camtNtry + camtTail))
	f.Add([]byte(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><NbOfTxs>1</NbOfTxs></GrpHdr><PmtInf><ReqdExctnDt><Dt>2026-09-05</Dt></ReqdExctnDt><CdtTrfTxInf><Amt><InstdAmt Ccy="VND">1</InstdAmt></Amt></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>`))
	f.Add([]byte(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>`))
	f.Add([]byte(":20:A\r\n:25:1\r\n:28C:1/1\r\n:60F:C260905VND0,\r\n:61:2609050905C61000,NTRFNONREF//FT1\r\n:86:166?00X?20CH2609DF4EP?32NGUYEN\r\n:62F:C260905VND61000,\r\n-\r\n"))
	f.Add([]byte(":20:A\n:25:1\n:34F:VNDD0,\n:61:260905EC1,NTRF\n:86:/EREF/1/REMI/USTD//a/NAME/b\n:90C:1VND1,\n-}"))
	f.Add([]byte("Ngày,Nợ,Có,Số dư,Nội dung\n05/09/2026,,61.000,1.061.000,\"a\nb\"\n,20.000,,1.041.000,c\nTổng cộng,20.000,61.000,,\n"))
	f.Add([]byte("\xff\xfeN\x00g\x00\xe0\x00y\x00;\x00C\x00\xf3\x00;\x00x\x00\n\x00"))
	f.Add(workbook(f, [][]any{{"Ngày", "Có", "Nội dung"}, {46270, 61000, "a"}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		booked, shown := 0, 0
		r, err := Parse(bytes.NewReader(text), Options{}, func(e *Entry) error {
			shown++
			if e.Booked {
				booked++
			}
			if e.Amount.Sign() < 0 || e.Direction != Credit && e.Direction != Debit || !currencyCode(e.Currency) {
				t.Errorf("%+v", e)
			}
			KeyOf(e)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		if r.Statements == nil {
			return
		}
		counted := 0
		for _, sum := range r.Totals {
			counted += sum.CreditCount + sum.DebitCount
		}
		if r.Valid && (counted != booked || r.Entries != shown+r.Malformed) || !r.Valid && (counted != 0 || r.Reason == "") {
			t.Errorf("%d of %d counted, valid %v", counted, booked, r.Valid)
		}
	})
}

// lines of each generated file.
const lines = 1_000_000

// BenchmarkMillionLines reads generated files and reports lines a second and the
// most memory in use; go test -bench Million ./bank.
func BenchmarkMillionLines(b *testing.B) {
	csvRow := "05/09/2026,FT26133903624485,,61.000,MBVCB.5327072365.CH2609DF4EP.CT tu 0000000000002 NGUYEN VAN MAU\n"
	entry := strings.Replace(camtNtry, "</Ntry>", `<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>NGUYEN VAN MAU</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>0000000000002</Id></Othr></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>MBVCB.5327072365.CH2609DF4EP.CT tu</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`, 1)
	mt := ":61:2609050905C61000,NTRFNONREF//FT26133903624485\n:86:MBVCB.5327072365.CH2609DF4EP.CT tu 0000000000002\n"
	for _, c := range []struct {
		name string
		src  *endless
	}{
		{"CSV", &endless{head: "Ngày,Số CT,Nợ,Có,Nội dung\n", repeated: csvRow, times: lines}},
		{"camt.053", &endless{head: camtHead, repeated: entry, times: lines, tail: camtTail}},
		{"MT940", &endless{head: ":20:A\n:25:1\n:60F:C260905VND0,\n", repeated: mt, times: lines, tail: ":62F:C260905VND61000000000,\n-\n"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(c.src.size())
			for b.Loop() {
				n := 0
				runtime.GC()
				var stats runtime.MemStats
				peak := uint64(0)
				r, err := Parse(c.src, Options{}, func(*Entry) error {
					if n++; n%50_000 == 0 {
						runtime.ReadMemStats(&stats)
						peak = max(peak, stats.HeapInuse+stats.StackInuse)
					}
					return nil
				})
				if err != nil || !r.Valid || n != lines {
					b.Fatal(err, n, r)
				}
				b.ReportMetric(float64(peak>>20), "peakMB")
			}
			b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// TestMemoryDoesNotGrow: a hundred times as many lines need no more memory.
func TestMemoryDoesNotGrow(t *testing.T) {
	used := func(times int64) uint64 {
		runtime.GC()
		var stats runtime.MemStats
		most, n := uint64(0), 0
		r, err := Parse(&endless{head: camtHead, repeated: camtNtry, times: times, tail: camtTail}, Options{}, func(*Entry) error {
			if n++; n%2_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapAlloc)
			}
			return nil
		})
		if err != nil || !r.Valid || r.Entries != int(times) {
			t.Fatal(err, r)
		}
		return most
	}
	if few, many := used(2_000), used(20_000); many > few+1<<20 {
		t.Errorf("%d KB for 2,000 entries, %d KB for 20,000", few>>10, many>>10)
	}
}
