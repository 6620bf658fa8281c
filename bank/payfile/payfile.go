// Package payfile writes the files by which a bank is told to pay many people:
// ISO 20022 customer credit transfers (pain.001.001.09 and .03), and the
// spreadsheet for bulk transfers whose columns are data.
//
// The same order gives the same bytes, whenever and wherever it is written: what a
// file says of its time is the order's own. XML is written as it goes; a sheet is held
// packed, 12 MB for 200,000 lines.
//
// The package must never know where an order comes from, nor publish anything.
//
//	err := payfile.Pain001(w, payfile.V09, order, func(say func(payfile.Transfer) error) error {
//		return say(payfile.Transfer{ID: "o2610-…", Amount: 500000, Name: "VÀNG THỊ MẪU", Account: "0011001234567", BIN: "970405"})
//	})
package payfile

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"socho/qr"
)

// Order is what holds for all transfers of a file, in đồng.
type Order struct {
	ID        string // at most 35 characters; MsgId and PmtInfId
	CreatedAt time.Time
	ExecuteOn string // YYYY-MM-DD
	Debtor    string // whose account it is
	Account   string
	BIN       string // of the bank that holds it
	Count     int64
	Sum       int64
}

// Transfer is one payment. Name is as people write it; it is folded to what banks
// take.
type Transfer struct {
	ID      string // at most 35 characters; EndToEndId
	Amount  int64
	Name    string
	Account string
	BIN     string
	Text    string // for the receiver
}

// Transfers hands out all transfers of an order, in its order.
type Transfers func(say func(Transfer) error) error

// Version of pain.001.
type Version string

// The versions, as in the namespace.
const (
	V09 Version = "pain.001.001.09"
	V03 Version = "pain.001.001.03"
)

// Pain001 writes a customer credit transfer with one payment block. Source: ISO
// 20022 message definitions pain.001.001.03 and .09. An account is Id/Othr, since
// Vietnam has no IBAN; a bank is named by its BIN as clearing member and, where it
// has one, its BIC. Errors: those of w and of the transfers; an order whose count
// or sum is not that of its transfers.
func Pain001(w io.Writer, v Version, o Order, transfers Transfers) error {
	x := &writer{w: bufio.NewWriterSize(w, 64<<10), version: v}
	x.raw(xml.Header)
	x.raw(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:` + string(v) + `">` + "\n<CstmrCdtTrfInitn>\n<GrpHdr>")
	x.text("MsgId", o.ID)
	x.text("CreDtTm", o.CreatedAt.Format("2006-01-02T15:04:05-07:00"))
	x.sums(o)
	x.raw("<InitgPty>")
	x.text("Nm", Fold(o.Debtor, 70))
	x.raw("</InitgPty></GrpHdr>\n<PmtInf>")
	x.text("PmtInfId", o.ID)
	x.raw("<PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>")
	x.sums(o)
	if v == V03 {
		x.text("ReqdExctnDt", o.ExecuteOn)
	} else {
		x.raw("<ReqdExctnDt>")
		x.text("Dt", o.ExecuteOn)
		x.raw("</ReqdExctnDt>")
	}
	x.raw("<Dbtr>")
	x.text("Nm", Fold(o.Debtor, 70))
	x.raw("</Dbtr>")
	x.account("DbtrAcct", o.Account, "<Ccy>VND</Ccy>")
	x.agent("DbtrAgt", o.BIN)
	x.raw("<ChrgBr>DEBT</ChrgBr>\n")
	var count, sum int64
	err := transfers(func(t Transfer) error {
		count, sum = count+1, sum+t.Amount
		x.raw("<CdtTrfTxInf><PmtId>")
		x.text("InstrId", t.ID)
		x.text("EndToEndId", t.ID)
		x.raw(`</PmtId><Amt><InstdAmt Ccy="VND">` + strconv.FormatInt(t.Amount, 10) + `</InstdAmt></Amt>`)
		x.agent("CdtrAgt", t.BIN)
		x.raw("<Cdtr>")
		x.text("Nm", Fold(t.Name, 70))
		x.raw("</Cdtr>")
		x.account("CdtrAcct", t.Account, "")
		x.raw("<RmtInf>")
		x.text("Ustrd", Fold(t.Text, 140))
		x.raw("</RmtInf></CdtTrfTxInf>\n")
		return x.err
	})
	if err != nil {
		return err
	}
	if err := o.agrees(count, sum); err != nil {
		return err
	}
	x.raw("</PmtInf>\n</CstmrCdtTrfInitn>\n</Document>\n")
	if x.err == nil {
		x.err = x.w.Flush()
	}
	return x.err
}

func (o Order) agrees(count, sum int64) error {
	if count != o.Count || sum != o.Sum {
		return fmt.Errorf("order %s is of %d transfers and %d đ, its transfers are %d of %d đ", o.ID, o.Count, o.Sum, count, sum)
	}
	return nil
}

// writer keeps its first error.
type writer struct {
	w       *bufio.Writer
	version Version
	err     error
}

func (x *writer) raw(s string) {
	if x.err == nil {
		_, x.err = x.w.WriteString(s)
	}
}

// text writes an element. What is written has been folded to characters that XML
// does not mind, or is one of our ids.
func (x *writer) text(name, s string) {
	x.raw("<" + name + ">")
	if x.err == nil {
		x.err = xml.EscapeText(x.w, []byte(s))
	}
	x.raw("</" + name + ">")
}

func (x *writer) sums(o Order) {
	x.text("NbOfTxs", strconv.FormatInt(o.Count, 10))
	x.text("CtrlSum", strconv.FormatInt(o.Sum, 10))
}

func (x *writer) account(name, number, more string) {
	x.raw("<" + name + "><Id><Othr>")
	x.text("Id", number)
	x.raw("</Othr></Id>" + more + "</" + name + ">")
}

// What each version takes as a BIC.
var bics = map[Version]*regexp.Regexp{
	V03: regexp.MustCompile(`^[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?$`),
	V09: regexp.MustCompile(`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`),
}

func (x *writer) agent(name, bin string) {
	x.raw("<" + name + "><FinInstnId>")
	if b, ok := qr.BankByBIN(bin); ok && bics[x.version].MatchString(b.SWIFT) {
		if x.version == V03 {
			x.text("BIC", b.SWIFT)
		} else {
			x.text("BICFI", b.SWIFT)
		}
	}
	x.raw("<ClrSysMmbId>")
	x.text("MmbId", bin)
	x.raw("</ClrSysMmbId></FinInstnId></" + name + ">")
}

// Fold writes a text in the characters that banks take everywhere, a-z A-Z 0-9 and
// / - ? : ( ) . , ' + with blanks between, and no diacritics, cut to most of them;
// NOTPROVIDED where nothing is left. Source: EPC217-08, the Latin set of SEPA.
func Fold(s string, most int) string {
	var b strings.Builder
	for _, c := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, c):
			continue
		case c == 'đ':
			c = 'd'
		case c == 'Đ':
			c = 'D'
		case c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c)), strings.ContainsRune("/-?:().,'+", c):
		default:
			c = ' '
		}
		b.WriteRune(c)
	}
	folded := strings.Join(strings.Fields(b.String()), " ")
	if len(folded) > most {
		folded = strings.TrimSpace(folded[:most])
	}
	// A slash at either end, or two together, mean something to SWIFT.
	for strings.Contains(folded, "//") {
		folded = strings.ReplaceAll(folded, "//", "/")
	}
	if folded = strings.Trim(folded, "/ "); folded == "" {
		return "NOTPROVIDED"
	}
	return folded
}
