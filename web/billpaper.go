package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/print"
)

// billPapers are the routes of receipts on paper.
func (s *site) billPapers() []route {
	return []route{{pattern: "GET /bills/{org}/{bill}/paper", rights: rights{identity.SeeBills}, where: ofBill, show: s.billPaper}}
}

// billPaper prints a receipt for each payment of a bill, however it came. It says no
// name: whoever holds it knows whose it is, and others need not.
func (s *site) billPaper(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	b, paid, err := s.financeOf(r).Payments(r.Context(), o.Organization, r.PathValue("bill"))
	if err != nil {
		return nil, err
	}
	if b.Currency != money.VND || len(paid) == 0 {
		return nil, &failure{http.StatusNotFound, "no_receipts"}
	}
	l := s.languages["vi"] // paper is Vietnamese whoever prints it
	place, what := l.say("taken.stall", "stall", b.Stall), l.say("taken.what", "month", month(b.Period))
	if o.Kind == "school" {
		place, what = l.say("paper.class", "class", b.Class), l.say("paper.what", "month", month(b.Period))
	}
	left := b.Issued - b.Waived
	var vouchers []print.Voucher
	for _, p := range paid {
		left -= p.Amount
		v := print.Voucher{Issuer: o.Name, Place: place, What: what, Amount: p.Amount, Left: max(left, 0), How: l.say("paper.how." + paidBy(p.Against)), On: date(p.On),
			Serial: strconv.Itoa(p.At.Shard) + ":" + strconv.FormatInt(p.At.Offset, 10)}
		if o.Kind == "school" {
			v.Payer = l.say("paper.payer", "id", b.Person)
		}
		vouchers = append(vouchers, v)
	}
	document, err := print.Vouchers(vouchers, print.Options{Title: l.say("paper.title"), At: time.Now().UTC()})
	return &view{file: &file{name: "bien-nhan-" + b.Bill + ".pdf", kind: "application/pdf", content: document}}, err
}

// paidBy says by the account that a payment came from how it came.
func paidBy(account string) string {
	switch {
	case strings.HasPrefix(account, "unallocated:"), strings.HasPrefix(account, "suspense:"):
		return "bank"
	case strings.HasPrefix(account, "cash:"):
		return "cash"
	case strings.HasPrefix(account, "clearing:"):
		return "clearing"
	case strings.HasSuffix(account, ":credit"):
		return "credit"
	}
	return "other"
}
