package office

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/books"
	"socho/internal/money"
	"socho/internal/print"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/qr"
)

// Slips asks for payment slips of what is still owed.
type Slips struct {
	Organization string
	Period       events.Period
	Class        string // this class alone
	Bill         string // this bill alone
	Links        string // where families' pages are, up to the secret; their codes are printed where links are open
	Names        bool   // personal: whoever asks has the right, and it is written down
	At           time.Time
	Progress     Progress
}

// SlipReport is how many slips a document has, and for which bills there can be none.
type SlipReport struct {
	Slips   int
	Skipped []string // bills without a reference code: money that names no bill is worse than none
}

// Slips sets slips for open bills, each with a code that is read back before
// anything is handed out. Errors: ErrNoOrganization; ErrNoAccount; those of
// print.Slips, print.ErrNothing where nobody owes anything.
func (o *Office) Slips(ctx context.Context, s Slips) (document []byte, report SlipReport, err error) {
	org, err := o.organization(ctx, s.Organization)
	if err != nil {
		return nil, report, err
	}
	if org.Account == "" {
		return nil, report, fmt.Errorf("%s: %w", s.Organization, ErrNoAccount)
	}
	found, _, err := o.Model.AllBills(ctx, s.Organization, readmodel.BillFilter{Period: string(s.Period), Class: s.Class, Unpaid: true})
	if err != nil {
		return nil, report, err
	}
	found = slices.DeleteFunc(found, func(b projections.Bill) bool {
		return b.Currency != money.VND || b.Owed() >= qr.NAPAS247Limit || s.Bill != "" && b.Bill != s.Bill
	})
	bills, err := o.issued(ctx, found, s.Names, nil)
	if err != nil {
		return nil, report, err
	}
	books.Sort(bills)
	secrets := map[string]string{}
	if s.Links != "" && org.Kind == "school" {
		if secrets, err = o.links(ctx, s.Organization); err != nil {
			return nil, report, err
		}
	}
	words, err := o.called(ctx, s.Organization)
	if err != nil {
		return nil, report, err
	}
	called, err := o.classNames(ctx, s.Organization)
	if err != nil {
		return nil, report, err
	}
	var slips []print.Slip
	for i := range bills {
		b := &bills[i]
		if b.Reference == "" {
			report.Skipped = append(report.Skipped, b.Bill.Bill)
			continue
		}
		slip, err := o.slip(org, b, words)
		if err != nil {
			return nil, report, fmt.Errorf("bill %s: %w", b.Bill.Bill, err)
		}
		slip.Class = cmp.Or(called[b.Class], b.Class)
		if secret := secrets[b.Person]; secret != "" {
			slip.Link = s.Links + secret
		}
		slips = append(slips, slip)
	}
	report.Slips = len(slips)
	document, err = print.Slips(slips, print.Options{Title: "Phiếu nộp tiền · " + org.Name, At: s.At, Progress: s.Progress})
	return document, report, err
}

// ErrNoAccount: the organization has not said where it is paid.
var ErrNoAccount = fmt.Errorf("no receiving account; register it with bank_bin and account")

// purposes are what banks carry along, by the kind of bill; capitals pack wider.
var purposes = map[string]string{"school": "HOC PHI", "market": "PHI CHO"}

func (o *Office) slip(org projections.Organization, b *books.Bill, words books.Words) (print.Slip, error) {
	payload, err := qr.Encode(qr.Request{BIN: org.BankBIN, Account: org.Account, Amount: strconv.FormatInt(b.Owed(), 10), Reference: b.Reference, Purpose: purposes[b.Kind]})
	if err != nil {
		return print.Slip{}, err
	}
	payer := b.Name
	if payer == "" && b.Kind == "school" {
		payer = "Mã " + b.Who()
	}
	return print.Slip{Payload: payload, Issuer: org.Name, Payer: payer, Stall: b.Stall, Class: b.Class, What: o.what(&b.Bill), Items: itemised(b, words), Due: dmy(b.DueOn), Serial: b.Bill.Bill}, nil
}

// what says what a bill is for.
func (o *Office) what(b *projections.Bill) string {
	month := b.Period
	if len(month) == 7 {
		month = month[5:] + "/" + month[:4]
	}
	if b.Kind == "market" {
		return "Phí chợ tháng " + month
	}
	return "Các khoản thu tháng " + month
}

// itemised says what a bill is made of, which paper is owed for each part, and what
// was taken off or paid already.
func itemised(b *books.Bill, words books.Words) string {
	var parts []string
	for _, it := range b.Items {
		text := words("item", string(it.Item)) + " " + dong(events.Money(it.Amount, b.Currency).Minor())
		if it.InvoiceDuty != "" && it.InvoiceDuty != "none" {
			text += " (" + strings.ToLower(words("duty", string(it.InvoiceDuty))) + ")"
		}
		parts = append(parts, text)
	}
	if b.Waived > 0 {
		parts = append(parts, "miễn giảm "+dong(b.Waived))
	}
	if b.Paid > 0 {
		parts = append(parts, "đã nộp "+dong(b.Paid))
	}
	return strings.Join(parts, "; ")
}

func dmy(d events.Date) string {
	if len(d) != len(time.DateOnly) {
		return ""
	}
	return string(d[8:10] + "/" + d[5:7] + "/" + d[:4])
}

// dong writes an amount as people do: 61.000 đ.
func dong(amount int64) string {
	digits := strconv.FormatInt(amount, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "." + digits[i:]
	}
	return digits + " đ"
}

// classNames says what people call classes, as was said last.
func (o *Office) classNames(ctx context.Context, organization string) (map[string]string, error) {
	terms, _, err := o.Model.Terms(ctx, organization, "school.pupil_enrolled")
	if err != nil {
		return nil, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return nil, err
	}
	return book.ClassNames("9999-12-31"), nil
}
