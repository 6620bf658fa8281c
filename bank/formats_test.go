package bank

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestMT: one habit of banks per case.
func TestMT(t *testing.T) {
	const head = ":20:A\n:25:0011000000001\n:28C:1/1\n:60F:C260905VND1000000,\n"
	for _, c := range []struct{ name, text, want string }{
		{"plain", head + ":61:2609050905C61000,NTRFNONREF//FT26133903624485\n:86:CH2609DF4EP\n:62F:C260905VND1061000,\n-\n", "MT940 +61000VND@2026-09-05 [1000000→1061000]"},
		{"debit balances, reversals, third letter of the currency", ":20:A\n:25:1\n:60F:D260905USD10,00\n:61:2609050905DD5,00NTRF\n:61:2609050905RC2,00NTRF\n:61:2609050905RD1,50NTRF\n:62F:D260905USD15,50\n",
			"MT940 -5.00USD@2026-09-05 -2.00USD@2026-09-05 +1.50USD@2026-09-05 [-10.00→-15.50]"},
		{"booked in the next year", head + ":61:2612310102C1,NTRF\n:62F:C270102VND1000001,\n", "MT940 +1VND@2027-01-02 [1000000→1000001]"},
		{"booked in the year before", head + ":61:2701021231C1,NTRF\n:62F:C270102VND1000001,\n", "MT940 +1VND@2026-12-31 [1000000→1000001]"},
		{"no booking day", head + ":61:260905C1,NTRF\n:62F:C260905VND1000001,\n", "MT940 +1VND@2026-09-05 [1000000→1000001]"},
		{"cut off", head + ":61:2609050905C61000,NTRF\n", "MT940 +61000VND@2026-09-05 [1000000→<nil>] balance_missing@1"},
		{"a balance that does not follow", head + ":62F:C260905VND1,\n", "MT940 [1000000→1] balance_mismatch@1"},
		{"a malformed entry is left out", head + ":61:nonsense\n:86:CH2609DF4EP\n:62F:C260905VND1000000,\n", "MT940 [1000000→1000000] entry_malformed@5"},
		{"a fraction of a đồng", head + ":61:2609050905C1,50NTRF\n:62F:C260905VND1000000,\n", "MT940 [1000000→1000000] fraction_of_dong@5"},
		{"a balance that cannot be read", strings.Replace(head, "VND1000000,", "VND1.000.000", 1) + ":62F:C260905VND1,\n", "MT940 balance_malformed@4"},
		{"an envelope", "{1:F01X}{2:O940X}{4:\r\n" + strings.ReplaceAll(head, "\n", "\r\n") + ":62F:C260905VND1000000,\r\n-}{5:}", "MT940 [1000000→1000000]"},
		{"interim, with what is only expected", ":20:A\n:25:1\n:34F:VNDC0,\n:61:260905C10,NTRF\n:61:260905EC5,NTRF\n:90C:1VND10,\n:90D:0VND0,\n", "MT942 +10VND@2026-09-05 +5VND@2026-09-05"},
		{"interim, with other sums than reported", ":20:A\n:25:1\n:34F:VNDC0,\n:61:260905C10,NTRF\n:90C:2VND20,\n", "MT942 +10VND@2026-09-05 summary_mismatch@1"},
		{"no message", ":62F:C260905VND1,\n-", "MT940 refused missing_element"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, entries, _ := parseText(t, c.text, Options{})
			if got := told(r, entries); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestMTText: what :86: says, in the dialects it is written in.
func TestMTText(t *testing.T) {
	for _, c := range []struct{ name, info, want string }{
		{"in subfields", "166?00CHUYEN TIEN?20HP2526\nYK2Y6?21 lop 3A?31000000000\n0002?32NGUYEN VAN?33 MAU", "HP2526YK2Y6 lop 3A|NGUYEN VAN MAU|0000000000002|"},
		{"in words with slashes", "/EREF/E2E-1/IBAN/NL1/NAME/NGUYEN VAN MAU/REMI/USTD//HP2526YK2Y6/", "HP2526YK2Y6|NGUYEN VAN MAU|NL1|E2E-1"},
		{"free", "HP2526\nYK2Y6", "HP2526\nYK2Y6|||"},
		{"a field for each line", "HP2526\n:86:YK2Y6", "HP2526\nYK2Y6|||"},
		{"a line that looks like a field", "HP2526YK2Y6 15\n:08 gio", "HP2526YK2Y6 15\n:08 gio|||"},
	} {
		_, entries, _ := parseText(t, ":20:A\n:25:1\n:60F:C260905VND0,\n:61:2609050905C1,NTRFKUND1//BANK123456\nadditional\n:86:"+c.info+"\n:62F:C260905VND1,\n:86:of the statement\n", Options{})
		if len(entries) != 1 {
			t.Fatal(c.name, entries)
		}
		e := entries[0]
		if got := strings.Join([]string{e.Remittance, e.CounterpartyName, e.CounterpartyAccount, e.EndToEndID}, "|"); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
		if e.Reference != "BANK123456" || e.InstructionID != "KUND1" || e.Line != 4 {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

// TestCAMT: versions, namespaces, states, directions.
func TestCAMT(t *testing.T) {
	whole := camtHead + `<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="VND">1000000.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Bal><Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="VND">939000</Amt><CdtDbtInd>DBIT</CdtDbtInd></Bal>` + camtNtry + camtTail
	const good = "camt.053.001.08 +61000VND@2026-09-05 [-1000000→-939000]"
	for _, c := range []struct{ name, text, want string }{
		{"plain", whole, good},
		{"with a prefix", strings.NewReplacer("</", "</x:", "<", "<x:", `xmlns="`, `xmlns:x="`).Replace(whole), good},
		{"another version", strings.Replace(whole, "053.001.08", "053.001.13", 1), strings.Replace(good, ".08", ".13", 1)},
		{"the Austrian namespace", strings.Replace(whole, "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", "ISO:camt.053.001.02:APC:STUZZA:payments:003", 1), strings.Replace(good, ".08", ".02", 1)},
		{"UTF-16", "\xff\xfe" + wide(`<?xml version="1.0" encoding="UTF-16"?>`+whole), good},
		{"Latin-1", `<?xml version="1.0" encoding="ISO-8859-1"?>` + strings.Replace(whole, "FT26133903624485", "M\xfcller", 1), good},
		{"pending", strings.Replace(whole, "BOOK", "PDNG", 1), "camt.053.001.08 +61000VND@2026-09-05 [-1000000→-939000] balance_mismatch@1"},
		{"no direction", strings.Replace(whole, "<CdtDbtInd>CRDT</CdtDbtInd>", "", 1), "camt.053.001.08 [-1000000→-939000] entry_malformed@1 balance_mismatch@1"},
		{"a direction in words", strings.Replace(whole, ">CRDT<", ">credit<", 1), "camt.053.001.08 [-1000000→-939000] entry_malformed@1 balance_mismatch@1"},
		{"an amount with separators", strings.Replace(whole, ">61000<", ">61,000<", 1), "camt.053.001.08 [-1000000→-939000] entry_malformed@1 balance_mismatch@1"},
		{"an amount below zero", strings.Replace(whole, ">61000<", ">-61000<", 1), "camt.053.001.08 [-1000000→-939000] entry_malformed@1 balance_mismatch@1"},
		{"no such day", strings.Replace(whole, "2026-09-05", "2026-02-30", 1), "camt.053.001.08 +61000VND@2026-02-30 [-1000000→-939000] impossible_date@1"},
		{"decimals of zero", strings.Replace(whole, ">61000<", ">61000.00<", 1), good},
		{"no statement", strings.Replace(strings.Replace(whole, "<Stmt>", "<GrpHdr>", 1), "</Stmt>", "</GrpHdr>", 1), "camt.053.001.08 refused no_statement"},
		{"an envelope of the bank's own", strings.Replace(whole, "</Stmt>", `</Stmt><SplmtryData><Envlp><b:x xmlns:b="urn:bank">1</b:x></Envlp></SplmtryData>`, 1), good},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, entries, _ := parseText(t, c.text, Options{})
			if got := told(r, entries); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func wide(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(string([]byte{byte(r), byte(r >> 8)}))
	}
	return b.String()
}

// TestCAMTTellsEverything: a batch with a return in it.
func TestCAMTTellsEverything(t *testing.T) {
	ntry := `<Ntry><Amt Ccy="VND">3000</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts><BookgDt><DtTm>2026-09-05T13:15:00+07:00</DtTm></BookgDt><ValDt><Dt>2026-09-06</Dt></ValDt><AcctSvcrRef>BANK1</AcctSvcrRef><NtryDtls>%s</NtryDtls></Ntry>`
	one := `<TxDtls><Refs><InstrId>I1</InstrId><EndToEndId>E1</EndToEndId></Refs><Amt Ccy="VND">1000</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Nm>PHONG</Nm></Dbtr><DbtrAcct><Id><IBAN>A1</IBAN></Id></DbtrAcct><Cdtr><Nm>NGUYEN VAN MAU</Nm></Cdtr><CdtrAcct><Id><Othr><Id>B2</Id></Othr></Id></CdtrAcct></RltdPties><RmtInf><Ustrd>tro cap</Ustrd><Ustrd>thang 9</Ustrd></RmtInf><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>`
	read := func(details string) Entry {
		_, entries, _ := parseText(t, camtHead+"<Acct><Id><IBAN>A1</IBAN></Id></Acct>"+fmt.Sprintf(ntry, details)+camtTail, Options{})
		if len(entries) != 1 {
			t.Fatal("no entry")
		}
		return entries[0]
	}
	single := read(strings.Replace(one, ">1000<", ">3000<", 1))
	if single.EndToEndID != "E1" || single.InstructionID != "I1" || single.ReturnReason != "AC04" || single.Remittance != "tro cap thang 9" ||
		single.CounterpartyName != "NGUYEN VAN MAU" || single.CounterpartyAccount != "B2" || !single.Reversal || single.BookedAt != "13:15:00" || single.ValueDate != "2026-09-06" || single.Reference != "BANK1" {
		t.Errorf("%+v", single)
	}
	batch := read(one + one + strings.Replace(one, "AC04", "AC01", 1))
	if len(batch.Details) != 3 || batch.Details[2].ReturnReason != "AC01" || batch.Details[0].Amount.String() != "1000" || batch.EndToEndID != "" {
		t.Errorf("%+v", batch)
	}
	r, _, _ := parseText(t, camtHead+fmt.Sprintf(ntry, one+one)+camtTail, Options{})
	if len(r.Problems) == 0 || r.Problems[0].Code != "details_mismatch" {
		t.Errorf("%v", r.Problems)
	}
}

// TestPain: counts and sums of the group and of each block.
func TestPain(t *testing.T) {
	good := `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><MsgId>M1</MsgId><NbOfTxs>2</NbOfTxs><CtrlSum>3000</CtrlSum></GrpHdr><PmtInf><PmtInfId>P1</PmtInfId><NbOfTxs>2</NbOfTxs><CtrlSum>3000.00</CtrlSum><ReqdExctnDt><Dt>2026-09-05</Dt></ReqdExctnDt><DbtrAcct><Id><Othr><Id>0011000000001</Id></Othr></Id></DbtrAcct>` +
		`<CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId></PmtId><Amt><InstdAmt Ccy="VND">1000</InstdAmt></Amt><Cdtr><Nm>NGUYEN VAN MAU</Nm></Cdtr><CdtrAcct><Id><Othr><Id>2</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>` +
		`<CdtTrfTxInf><PmtId><EndToEndId>E2</EndToEndId></PmtId><Amt><InstdAmt Ccy="VND">2000</InstdAmt></Amt></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>`
	for _, c := range []struct{ name, text, code string }{
		{"as declared", good, ""},
		{"a missing transfer", strings.Replace(good, "<NbOfTxs>2", "<NbOfTxs>3", 1), "count_differs"},
		{"an altered amount", strings.Replace(good, ">2000<", ">2001<", 1), "count_differs"},
		{"a block that differs", strings.Replace(good, "3000.00", "3001.00", 1), "count_differs"},
		{"no count", strings.Replace(good, "<NbOfTxs>2</NbOfTxs>", "", 1), "missing_element"},
		{"an amount that cannot be read", strings.Replace(good, ">2000<", ">2.000,00<", 1), "damaged"},
		{"asked for as a statement", good, "format_differs"},
	} {
		o := Options{}
		if c.code == "format_differs" {
			o.Format = "camt"
		}
		r, entries, _ := parseText(t, c.text, o)
		if r.Valid != (c.code == "") || c.code != "" && r.Problems[0].Code != c.code {
			t.Errorf("%s: %v", c.name, r.Problems)
		}
		if c.code == "" && (len(entries) != 2 || entries[0].EndToEndID != "E1" || entries[0].Account != "0011000000001" || entries[0].BookedOn != "2026-09-05" || entries[0].CounterpartyName != "NGUYEN VAN MAU") {
			t.Errorf("%+v", entries)
		}
	}
	r, _, _ := parseText(t, `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Prtry>X1</Prtry></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`, Options{})
	encoded, err := json.Marshal(r)
	want := `{"format":"pain.002.001.10","original_message_id":"M1","original_message_name":"pain.001.001.09","group_status":"PART","payment_blocks":[{"id":"P1","status":null}],"transactions":[{"end_to_end_id":"E1","status":"RJCT","reasons":["X1"]}],"group_reasons":["FF01"],"valid":true,"reason":null,"problems":[]}`
	if err != nil || string(encoded) != want {
		t.Errorf("\n got %s\nwant %s", encoded, want)
	}
}

// TestAmounts: printed decimals are kept, and summed as printed.
func TestAmounts(t *testing.T) {
	for text, want := range map[string]string{"6.00": "6.00", "6": "6", "6.": "6", ".5": "0.5", "0": "0", "123456789012345678": "123456789012345678"} {
		if a, ok := ParseAmount(text); !ok || a.String() != want {
			t.Errorf("%q: %s, %v", text, a, ok)
		}
	}
	for _, text := range []string{"", ".", "-1", "+1", "1e3", "1,5", "1.2.3", " 1", "1234567890123456789", "١"} {
		if a, ok := ParseAmount(text); ok {
			t.Errorf("%q is %s", text, a)
		}
	}
	if sum := mustAmount("1").Plus(mustAmount("2.50")).Minus(mustAmount("0.5")); sum.String() != "3.00" {
		t.Error(sum)
	}
	if sum := (Amount{}); sum.String() != "0" {
		t.Error(sum)
	}
}

// TestProgress: reading is told up to the end, and never beyond it.
func TestProgress(t *testing.T) {
	for _, text := range []string{camtHead + camtNtry + camtTail, ":20:A\n:25:1\n:60F:C260905VND0,\n:62F:C260905VND0,\n", "Ngày,Có,Nội dung\n05/09/2026,1.000,a\n"} {
		var last, all int64
		parseText(t, text, Options{Progress: func(done, of int64) {
			if done < last || done > of {
				t.Errorf("%d after %d of %d", done, last, of)
			}
			last, all = done, of
		}})
		if last != all || all == 0 {
			t.Errorf("%q: ended at %d of %d", text[:10], last, all)
		}
	}
}
