package web

import (
	"errors"
	"fmt"
	"slices"

	"socho/events"
	"socho/internal/readmodel"
	"socho/projections"
)

// receiptRow is a payment of one of the trader's bills.
type receiptRow struct {
	Bill   string
	Period string
	projections.TracedEvent
	Link string
}

type receiptsPage struct {
	Base string
	Rows []receiptRow
	More bool
}

// Bounds of the list of receipts.
const (
	receiptBills = 12 // the latest ones that something was paid of
	receiptRows  = 30
)

// paying are facts that pay a bill.
var paying = []string{"market.payment_received", "bank.line_allocated", "organization.credit_applied", "organization.suspense_placed"}

// traderReceipts lists what the trader has paid, the latest first, each with its
// receipt.
func (s *site) traderReceipts(r *request) (*view, error) {
	t, _, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	bills, err := s.ownBills(r, t, false)
	if err != nil {
		return nil, err
	}
	page := receiptsPage{Base: traderBase(r.who)}
	slices.Reverse(bills)
	looked := 0
	for i := range bills {
		b := &bills[i]
		if b.Paid == 0 {
			continue
		}
		if looked++; looked > receiptBills {
			page.More = true
			break
		}
		found, err := s.payments(r, b)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			page.Rows = append(page.Rows, receiptRow{b.Bill, b.Period, e, fmt.Sprintf("%s/receipts/%s/%d/%d", page.Base, b.Bill, e.Shard, e.Offset)})
		}
	}
	slices.SortStableFunc(page.Rows, func(a, b receiptRow) int { return b.RecordedAt.Compare(a.RecordedAt) })
	if len(page.Rows) > receiptRows {
		page.Rows, page.More = page.Rows[:receiptRows], true
	}
	return &view{template: "trader_receipts", title: r.language.say("receipts.title"), section: "trader", data: page}, nil
}

// payments are the records that paid a bill.
func (s *site) payments(r *request, b *projections.Bill) ([]projections.TracedEvent, error) {
	traced, _, err := s.Traces.Trace(r.Context(), readmodel.Subject{Organization: b.Organization, Kind: projections.SubjectBill, ID: b.Bill}, readmodel.Page{Limit: recordsRead})
	if errors.Is(err, readmodel.ErrNotFound) {
		return nil, nil
	}
	return slices.DeleteFunc(traced, func(e projections.TracedEvent) bool {
		return e.Status != "posted" || !slices.Contains(paying, events.Name(e.Type))
	}), err
}

type receiptPage struct {
	receiptRow
	Base   string
	Market string
	Stall  string
	PDF    string
}

// traderReceipt shows the receipt of one payment of hers, or hands it over as PDF
// with the proof that anybody can check against the ledger's public key.
func (s *site) traderReceipt(r *request) (*view, error) {
	t, o, err := s.trader(r)
	if err != nil {
		return nil, err
	}
	shard, offset, ok := readRecord(r.PathValue("shard"), r.PathValue("offset"))
	if !ok {
		return nil, errNoPage
	}
	b, err := s.Model.Bill(r.Context(), t.Organization, r.PathValue("bill"))
	if err == nil && (b.Stall != t.Stall || b.Person != "" && b.Person != t.Person) {
		err = readmodel.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	found, err := s.payments(r, &b)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, func(e projections.TracedEvent) bool { return e.Shard == shard && e.Offset == offset })
	if i < 0 {
		return nil, readmodel.ErrNotFound
	}
	if r.query.Get("pdf") != "" {
		content, err := s.Traders.Receipt(r.Context(), shard, offset)
		return &view{file: &file{name: fmt.Sprintf("bien-nhan-%s-%d-%d.pdf", t.Stall, shard, offset), kind: "application/pdf", content: content}}, err
	}
	page := receiptPage{receiptRow: receiptRow{b.Bill, b.Period, found[i], ""}, Base: traderBase(r.who), Market: o.Name, Stall: t.Stall, PDF: r.with("pdf", "yes")}
	return &view{template: "trader_receipt", title: r.language.say("receipt.title"), section: "trader", data: page,
		crumbs: []crumb{{r.language.say("nav.receipts"), page.Base + "/receipts"}, {r.language.say("receipt.title"), ""}}}, nil
}
