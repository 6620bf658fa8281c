package web

import (
	"html/template"
	"strconv"

	"socho/internal/money"
	"socho/projections"
	"socho/qr"
)

// payment is everything a payer needs: the picture for the bank's app, and the
// same in words for whoever types.
type payment struct {
	SVG       template.HTML
	Bank      string
	Account   string
	Owner     string
	Amount    int64
	Reference string
	payload   string
	Why       string // key of the reason where there is no code; all else is empty then
}

// payment makes the code that pays what a bill still owes. A bill without a
// reference code gets none: money that names no bill is worse than no money.
func (s *site) payment(r *request, o projections.Organization, b *projections.Bill) *payment {
	owed := b.Owed()
	switch {
	case owed <= 0 || b.Reversed:
		return nil
	case b.Reference == "":
		return &payment{Why: "pay.no_reference"}
	case o.BankBIN == "" || o.Account == "":
		return &payment{Why: "pay.no_account"}
	case b.Currency != money.VND:
		return &payment{Why: "pay.other_currency"}
	case owed >= qr.NAPAS247Limit:
		return &payment{Why: "pay.too_much"}
	}
	// The text that banks carry along is Vietnamese whoever reads the page.
	purpose := s.languages["vi"].say("pay.purpose." + b.Kind)
	payload, err := qr.Encode(qr.Request{BIN: o.BankBIN, Account: o.Account, Amount: strconv.FormatInt(owed, 10),
		Name: o.Name, Reference: b.Reference, Purpose: purpose})
	if err != nil {
		s.Log.WarnContext(r.Context(), "no code for a bill", "organization", b.Organization, "bill", b.Bill, "error", err)
		return &payment{Why: "pay.no_code"}
	}
	title := r.language.say("pay.picture", "amount", r.language.vnd(owed), "reference", b.Reference)
	svg, err := qr.SVG(payload, qr.ImageOptions{Level: qr.LevelM, Title: title})
	if err != nil {
		s.Log.WarnContext(r.Context(), "no picture for a bill", "organization", b.Organization, "bill", b.Bill, "error", err)
		return &payment{Why: "pay.no_code"}
	}
	p := &payment{SVG: template.HTML(svg), Bank: o.BankBIN, Account: o.Account, Owner: o.Name, Amount: owed, Reference: b.Reference, payload: payload} //nolint:gosec // drawn by us, text escaped
	if bank, ok := qr.BankByBIN(o.BankBIN); ok {
		p.Bank = bank.ShortName
	}
	return p
}
