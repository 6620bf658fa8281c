package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// What the bank shows of a term: statements of three kinds, and messages.

const termAccount = "0011000000001"

// printed are the payments that a statement of these days shows, in their order.
func (t *term) shown(from, until string) (all []*payment) {
	for _, p := range t.payments {
		if p.printed && p.on >= from && p.on <= until {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b *payment) int { return cmp.Compare(a.on, b.on) })
	return all
}

// rows are the cells of a statement that a bank exports: with what the account holds
// behind each line, and its number nowhere.
func (t *term) rows(from, until string) [][]string {
	rows := [][]string{{"Ngày giao dịch", "Số tham chiếu", "Ghi nợ", "Ghi có", "Số dư", "Diễn giải", "Tên người chuyển", "Số tài khoản đối ứng"}}
	start, err := time.Parse(time.DateOnly, from)
	if err != nil {
		panic(err)
	}
	held := t.holds(start.AddDate(0, 0, -1).Format(time.DateOnly))
	for _, p := range t.shown(from, until) {
		held += p.amount
		in, out := fmt.Sprint(p.amount), ""
		if p.amount < 0 {
			in, out = "", fmt.Sprint(-p.amount)
		}
		on := p.on[8:] + "/" + p.on[5:7] + "/" + p.on[:4]
		rows = append(rows, []string{on, p.reference, out, in, fmt.Sprint(held), p.content, p.name, p.account})
	}
	return rows
}

// csv is a statement as text.
func (t *term) csv(from, until string) string {
	var b strings.Builder
	for _, row := range t.rows(from, until) {
		b.WriteString(`"` + strings.Join(row, `","`) + `"` + "\n")
	}
	return b.String()
}

// xlsx is a statement as a workbook.
func (t *term) xlsx(test *testing.T, from, until string) string {
	test.Helper()
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // in memory
	for i, row := range t.rows(from, until) {
		if err := f.SetSheetRow(f.GetSheetName(0), fmt.Sprintf("A%d", i+1), &row); err != nil {
			test.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		test.Fatal(err)
	}
	return b.String()
}

// camt is a statement of ISO 20022.
func (t *term) camt(from, until string) string {
	var b strings.Builder
	start, err := time.Parse(time.DateOnly, from)
	if err != nil {
		panic(err)
	}
	before := start.AddDate(0, 0, -1).Format(time.DateOnly)
	balance := func(code string, amount int64, on string) {
		fmt.Fprintf(&b, `<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="VND">%d</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>%s</Dt></Dt></Bal>`, code, amount, on)
	}
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>S</MsgId><CreDtTm>%sT20:00:00</CreDtTm></GrpHdr><Stmt><Id>S-%s</Id><CreDtTm>%sT20:00:00</CreDtTm><Acct><Id><Othr><Id>%s</Id></Othr></Id></Acct>`, until, until, until, termAccount)
	balance("OPBD", t.holds(before), from)
	balance("CLBD", t.holds(until), until)
	for _, p := range t.shown(from, until) {
		amount, way, party := p.amount, "CRDT", "Dbtr"
		if amount < 0 {
			amount, way, party = -amount, "DBIT", "Cdtr"
		}
		whose := ""
		if p.account != "" {
			whose = fmt.Sprintf(`<RltdPties><%[1]s><Nm>%[2]s</Nm></%[1]s><%[1]sAcct><Id><Othr><Id>%[3]s</Id></Othr></Id></%[1]sAcct></RltdPties>`, party, p.name, p.account)
		}
		fmt.Fprintf(&b, `<Ntry><Amt Ccy="VND">%d</Amt><CdtDbtInd>%s</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>%s</Dt></BookgDt><AcctSvcrRef>%s</AcctSvcrRef><NtryDtls><TxDtls><Refs><AcctSvcrRef>%[4]s</AcctSvcrRef></Refs>%s<RmtInf><Ustrd>%s</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`,
			amount, way, p.on, p.reference, whose, p.content)
	}
	b.WriteString(`</Stmt></BkToCstmrStmt></Document>`)
	return b.String()
}

// notify sends messages of the bank's provider, several at a time as providers do;
// each is taken.
func (t *term) notify(test *testing.T, r *running, secret string, some []*payment) {
	test.Helper()
	var sending sync.WaitGroup
	next := make(chan *payment)
	for range 8 {
		sending.Go(func() {
			for p := range next {
				body, err := json.Marshal(map[string]any{"id": p.reference, "gateway": "Vietcombank", "transactionDate": p.on + " 09:30:00", "accountNumber": termAccount,
					"content": p.content, "transferType": "in", "transferAmount": p.amount, "accumulated": 0, "referenceCode": p.reference})
				if err != nil {
					test.Error(err)
					return
				}
				req, err := http.NewRequestWithContext(test.Context(), http.MethodPost, r.at+"/hooks/sepay/"+t.org, bytes.NewReader(body))
				if err != nil {
					test.Error(err)
					return
				}
				req.Header.Set("Authorization", "Apikey "+secret)
				res, err := r.client.Do(req)
				if err != nil {
					test.Error(err)
					return
				}
				if res.Body.Close(); res.StatusCode != http.StatusOK {
					test.Errorf("a message is answered with %d", res.StatusCode)
				}
			}
		})
	}
	for _, p := range some {
		next <- p
	}
	close(next)
	sending.Wait()
}
