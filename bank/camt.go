package bank

import (
	"encoding/xml"
	"regexp"
	"strings"
)

// namespaces are the only ones that are read, written out by publisher; the
// message is the group in the middle.
var namespaces = []*regexp.Regexp{
	// ISO 20022, and the German variants pain.001.002.03 and pain.001.003.03.
	regexp.MustCompile(`^urn:iso:std:iso:20022:tech:xsd:(camt\.05[234]\.001\.[0-9]{2}|pain\.00[12]\.00[123]\.[0-9]{2})$`),
	// Before ISO took the namespace over.
	regexp.MustCompile(`^urn:swift:xsd:\$?(camt\.05[234]\.001\.[0-9]{2}|pain\.00[12]\.00[123]\.[0-9]{2})$`),
	// Swiss Payment Standards.
	regexp.MustCompile(`^https?://www\.six-interbank-clearing\.com/de/((?:camt\.05[234]|pain\.00[12])\.001\.[0-9]{2})\.ch\.[0-9]{2}\.xsd$`),
	// Austrian payments.
	regexp.MustCompile(`^ISO:((?:camt\.05[234]|pain\.00[12])\.001\.[0-9]{2}):APC:STUZZA:payments:[0-9]{3}$`),
}

// messages names the element below Document, by message.
var messages = map[string]struct{ root, statement string }{
	"camt.052": {"BkToCstmrAcctRpt", "Rpt"},
	"camt.053": {"BkToCstmrStmt", "Stmt"},
	"camt.054": {"BkToCstmrDbtCdtNtfctn", "Ntfctn"},
	"pain.001": {"CstmrCdtTrfInitn", ""},
	"pain.002": {"CstmrPmtStsRpt", ""},
}

// xmlFormat tells the message from a namespace, "" when it is none of these.
func xmlFormat(space string) string {
	for _, n := range namespaces {
		if m := n.FindStringSubmatch(space); m != nil {
			return m[1]
		}
	}
	return ""
}

// parseXML reads any of the messages.
func parseXML(d *document, r *Result, o Options, t *tally) error {
	root, err := d.root()
	if err != nil {
		return err
	}
	format := xmlFormat(root.Name.Space)
	if format == "" || root.Name.Local != "Document" {
		return refuse(d.line(), "Document", "wrong_namespace", "not a Document in the namespace of a known version of camt.052, camt.053, camt.054, pain.001 or pain.002")
	}
	r.Format = format
	message := messages[format[:8]]
	found := false
	err = d.each(root, func(child xml.StartElement) error {
		if strings.TrimSuffix(child.Name.Local, "V01") != message.root || found { // named so in the first version
			return refuse(d.line(), child.Name.Local, "damaged", "%s holds one %s and nothing else", format, message.root)
		}
		found = true
		switch format[:8] {
		case "pain.001":
			return parseOrder(d, child, r, o, t)
		case "pain.002":
			return parseStatus(d, child, r)
		}
		t.TransactionDetails = new(int)
		return d.each(child, func(part xml.StartElement) error {
			if part.Name.Local == message.statement {
				return parseStatement(d, part, o, t)
			}
			return d.skip()
		})
	})
	if err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return err
	}
	switch {
	case !found:
		return refuse(0, message.root, "missing_element", "no %s in the document", message.root)
	case message.statement != "" && t.Count == 0:
		return refuse(0, message.statement, "no_statement", "no statement, report or notification in the file")
	}
	return nil
}

// balance is one Bal: of several of a kind the first counts.
type balance struct {
	amount   *Amount
	currency string
}

func parseStatement(d *document, start xml.StartElement, o Options, t *tally) error {
	var (
		s        = Statement{Account: o.Account}
		line     = d.line()
		balances = map[string]balance{}
		sums     statementSums
		summary  *node
		currency string
	)
	err := d.each(start, func(part xml.StartElement) error {
		if part.Name.Local == "Ntry" {
			e := &Entry{Line: d.line(), Statement: t.Count + 1, Account: s.Account}
			return parseEntry(d, part, e, t, &s, &sums)
		}
		n, err := d.node(part)
		if err != nil {
			return err
		}
		switch n.name {
		case "Id":
			s.ID = &n.text
		case "Acct":
			if account := n.value("Id/IBAN", "Id/Othr/Id"); account != "" {
				s.Account = account
			}
			currency = n.value("Ccy")
		case "Bal":
			kind := n.value("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry")
			if _, known := balances[kind]; known {
				return nil
			}
			amount, currency, direction, wrong := money(n)
			if wrong != "" {
				t.problem(n.line, "Bal/"+wrong, "balance_malformed", "a balance cannot be read")
				return nil
			}
			if direction == Debit {
				amount = amount.Negated()
			}
			if whole, ok := amount.in(currency); ok {
				amount = whole
			}
			balances[kind] = balance{&amount, currency}
		case "TxsSummry":
			summary = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.ID == nil {
		s.ID = new(string)
	}
	set := func(amount **Amount, currency **string, kinds ...string) {
		for _, kind := range kinds {
			if b, ok := balances[kind]; ok {
				*amount, *currency = b.amount, &b.currency
				return
			}
		}
	}
	if start.Name.Local != "Ntfctn" {
		set(&s.Opening, &s.OpeningCurrency, "OPBD", "PRCD")
		set(&s.Closing, &s.ClosingCurrency, "CLBD")
	}
	if start.Name.Local == "Stmt" && (s.Opening == nil || s.Closing == nil) {
		t.problem(line, "Bal", "balance_missing", "the statement has no opening or no closing balance")
	}
	if s.OpeningCurrency != nil {
		currency = *s.OpeningCurrency
	}
	sums.compare(summary, t)
	return t.statement(line, &s, sums.moved, sums.mixed(currency))
}

// statementSums adds up one statement.
type statementSums struct {
	moved           Amount // booked credits less booked debits
	credits, debits struct {
		n   int
		sum Amount
	}
	currency string // of the booked entries
	several  bool
}

func (s *statementSums) add(e *Entry) {
	if !e.Booked {
		return
	}
	if s.currency != "" && s.currency != e.Currency {
		s.several = true
	}
	s.currency = e.Currency
	if e.Direction == Credit {
		s.credits.n++
		s.credits.sum, s.moved = s.credits.sum.Plus(e.Amount), s.moved.Plus(e.Amount)
	} else {
		s.debits.n++
		s.debits.sum, s.moved = s.debits.sum.Plus(e.Amount), s.moved.Minus(e.Amount)
	}
}

// mixed reports whether the entries are not all in the statement's currency, which
// may be unknown.
func (s *statementSums) mixed(currency string) bool {
	return s.several || s.currency != "" && currency != "" && s.currency != currency
}

// compare holds the entries against the statement's own summary.
func (s *statementSums) compare(summary *node, t *tally) {
	for _, c := range []struct {
		name string
		sum  Amount
	}{{"TtlCdtNtries", s.credits.sum}, {"TtlDbtNtries", s.debits.sum}} {
		declared, ok := ParseAmount(summary.value(c.name + "/Sum"))
		if ok && !declared.Equal(c.sum) {
			t.problem(summary.line, "TxsSummry/"+c.name, "summary_mismatch", "the declared sum is not that of the entries: entries may be missing")
		}
	}
}

// maxDetails bounds the transactions of one entry.
const maxDetails = 200_000

func parseEntry(d *document, start xml.StartElement, e *Entry, t *tally, s *Statement, sums *statementSums) error {
	// All but the transactions of a batch is small and read at once; those, which
	// may be very many, are reduced one by one.
	own := &node{name: "Ntry", line: e.Line}
	err := d.each(start, func(part xml.StartElement) error {
		if part.Name.Local != "NtryDtls" {
			n, err := d.node(part)
			if err == nil {
				own.children = append(own.children, n)
			}
			return err
		}
		return d.each(part, func(inner xml.StartElement) error {
			if inner.Name.Local != "TxDtls" {
				return d.skip()
			}
			n, err := d.node(inner)
			if err != nil {
				return err
			}
			if len(e.Details) >= maxDetails {
				return refuse(n.line, "TxDtls", "too_large", "more than %d transactions in one entry", maxDetails)
			}
			*t.TransactionDetails++
			e.Details = append(e.Details, detail(n))
			// The parties can only be told apart once the entry's direction is known,
			// and that stands before NtryDtls.
			direction := Direction(directions[own.value("CdtDbtInd")])
			last := &e.Details[len(e.Details)-1]
			last.CounterpartyName, last.CounterpartyAccount = counterparty(n.child("RltdPties"), direction, own.value("RvslInd") == "true", s.Account)
			return nil
		})
	})
	if err != nil {
		return err
	}
	s.Entries++
	var wrong string
	if e.Amount, e.Currency, e.Direction, wrong = money(own); wrong != "" {
		t.malformed(e.Line, "Ntry/"+wrong, "entry_malformed", wrong+" of the entry is missing or cannot be read")
		return nil
	}
	var ok bool
	if e.Amount, ok = e.Amount.in(e.Currency); !ok {
		t.malformed(e.Line, "Ntry/Amt", "fraction_of_dong", "an amount in đồng with decimals")
		return nil
	}
	status := own.value("Sts", "Sts/Cd", "Sts/Prtry")
	e.Booked = status == "" || status == "BOOK"
	e.Reversal = own.value("RvslInd") == "true" || own.value("RvslInd") == "1"
	e.BookedOn, e.BookedAt = isoDay(own.value("BookgDt/Dt", "BookgDt/DtTm"))
	e.ValueDate, _ = isoDay(own.value("ValDt/Dt", "ValDt/DtTm"))
	t.checkDay(e.Line, "Ntry/BookgDt", e.BookedOn)
	t.checkDay(e.Line, "Ntry/ValDt", e.ValueDate)
	e.Reference = own.value("AcctSvcrRef")
	e.Remittance = own.value("AddtlNtryInf")
	if len(e.Details) == 1 {
		// A single transaction is the entry itself.
		one := e.Details[0]
		e.EndToEndID, e.InstructionID, e.ReturnReason = one.EndToEndID, one.InstructionID, one.ReturnReason
		e.CounterpartyName, e.CounterpartyAccount = one.CounterpartyName, one.CounterpartyAccount
		if one.Remittance != "" {
			e.Remittance = one.Remittance
		}
		if e.Reference == "" {
			e.Reference = one.Reference
		}
	}
	checkDetails(e, t)
	sums.add(e)
	return t.entry(e)
}

// checkDetails reports a batch whose transactions do not add up to it. Samples of
// several banks leave amounts or directions out, which proves nothing.
func checkDetails(e *Entry, t *tally) {
	var sum Amount
	for _, d := range e.Details {
		switch {
		case d.Amount == nil || d.Currency != e.Currency:
			return
		case d.Direction != "" && d.Direction != e.Direction:
			sum = sum.Minus(*d.Amount)
		default:
			sum = sum.Plus(*d.Amount)
		}
	}
	if len(e.Details) > 1 && !sum.Equal(e.Amount) {
		t.problem(e.Line, "NtryDtls", "details_mismatch", "the transactions of the entry do not add up to it")
	}
}

var directions = map[string]Direction{"CRDT": Credit, "DBIT": Debit}

// money reads Amt and CdtDbtInd; wrong names the field that is missing or malformed.
func money(n *node) (amount Amount, currency string, direction Direction, wrong string) {
	at := n.child("Amt")
	amount, currency, ok := amountOf(at)
	if !ok {
		return amount, currency, "", "Amt"
	}
	if direction, ok = directions[n.value("CdtDbtInd")]; !ok {
		return amount, currency, "", "CdtDbtInd"
	}
	return amount, currency, direction, ""
}

// amountOf reads an element with an amount and its currency.
func amountOf(n *node) (amount Amount, currency string, ok bool) {
	if n == nil || !currencyCode(n.currency) {
		return Amount{}, "", false
	}
	amount, ok = ParseAmount(n.text)
	return amount, n.currency, ok
}

// currencyCode reports whether a text has the form of an ISO 4217 code.
func currencyCode(text string) bool {
	return len(text) == 3 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// detail reads one TxDtls.
func detail(n *node) Detail {
	refs := n.child("Refs")
	d := Detail{
		Direction: directions[n.value("CdtDbtInd")], Reference: refs.value("AcctSvcrRef"),
		EndToEndID: refs.value("EndToEndId"), InstructionID: refs.value("InstrId"),
		Remittance: remittance(n.child("RmtInf")), ReturnReason: n.value("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
	}
	if d.EndToEndID == "NOTPROVIDED" {
		d.EndToEndID = ""
	}
	if d.Remittance == "" {
		d.Remittance = n.value("AddtlTxInf")
	}
	for _, at := range []string{"Amt", "AmtDtls/TxAmt/Amt"} {
		if amount, currency, ok := amountOf(n.at(at)); ok {
			d.Amount, d.Currency = &amount, currency
			break
		}
	}
	return d
}

// remittance is what the payer wrote: free text, then references and remarks of
// the structured form.
func remittance(n *node) string {
	var parts []string
	n.all("Ustrd", func(u *node) { parts = append(parts, u.text) })
	n.all("Strd", func(s *node) {
		parts = append(parts, s.value("CdtrRefInf/Ref"))
		s.all("AddtlRmtInf", func(a *node) { parts = append(parts, a.text) })
	})
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// counterparty tells the other side of a transaction: who paid what came in, who
// got what went out. What is taken back keeps the parties of what it takes back.
func counterparty(parties *node, direction Direction, reversal bool, account string) (name, number string) {
	side := func(role string) (string, string) {
		return parties.value(role+"/Nm", role+"/Pty/Nm", "Ultmt"+role+"/Nm", "Ultmt"+role+"/Pty/Nm"), parties.value(role+"Acct/Id/IBAN", role+"Acct/Id/Othr/Id")
	}
	first, second := "Dbtr", "Cdtr"
	if (direction == Debit) != reversal {
		first, second = second, first
	}
	name, number = side(first)
	if name == "" && number == "" || number != "" && number == account {
		if n, a := side(second); a != account && (n != "" || a != "") {
			return n, a
		}
	}
	return name, number
}
