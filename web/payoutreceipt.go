package web

import (
	"fmt"
	"slices"

	"socho/events"
	"socho/internal/readmodel"
	"socho/projections"
)

// arriving are facts that say that a payout has reached somebody.
var arriving = []string{"benefit.paid_in_cash", "benefit.payout_settled"}

// receiptAt is where the receipt of a fact about a payout is; empty where none is
// handed out.
func (s *site) receiptAt(organization, payout string, e *projections.TracedEvent) string {
	if s.ReceiptPaper == nil || e.Status != "posted" {
		return ""
	}
	return fmt.Sprintf("/payouts/%s/%s/receipts/%d/%d", organization, payout, e.Shard, e.Offset)
}

// payoutReceipt hands over on paper that a payout has reached somebody, with the
// proof that anybody can check against the ledger's public key, without network. It
// names nobody. What is said of the payout and is no such fact has none.
func (s *site) payoutReceipt(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	shard, offset, ok := readRecord(r.PathValue("shard"), r.PathValue("offset"))
	if !ok || s.ReceiptPaper == nil {
		return nil, errNoPage
	}
	p, err := s.Model.Payout(r.Context(), o.Organization, r.PathValue("payout"))
	if err != nil {
		return nil, err
	}
	traced, _, err := s.Traces.Trace(r.Context(), readmodel.Subject{Organization: o.Organization, Kind: projections.SubjectPayout, ID: p.Payout}, readmodel.Page{Limit: recordsRead})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(traced, func(e projections.TracedEvent) bool {
		return e.Shard == shard && e.Offset == offset && e.Status == "posted" && slices.Contains(arriving, events.Name(e.Type))
	}) {
		return nil, readmodel.ErrNotFound
	}
	content, err := s.ReceiptPaper(r.Context(), shard, offset)
	if err != nil {
		return nil, err
	}
	return &view{file: &file{name: fmt.Sprintf("bien-nhan-%s-%d-%d.pdf", p.Payout, shard, offset), kind: pdfType, content: content}}, nil
}

// receiptsOf are the receipts of a payout that has reached somebody.
func (s *site) receiptsOf(r *request, p *projections.Payout) (all []paidFact, err error) {
	if s.ReceiptPaper == nil {
		return nil, nil
	}
	subject := readmodel.Subject{Organization: p.Organization, Kind: projections.SubjectPayout, ID: p.Payout}
	for _, name := range arriving {
		some, err := s.paidFacts(r, subject, name)
		if err != nil {
			return nil, err
		}
		for i := range some {
			if some[i].Paper = s.receiptAt(p.Organization, p.Payout, &some[i].TracedEvent); some[i].Paper != "" && !some[i].Back {
				all = append(all, some[i])
			}
		}
	}
	return all, nil
}
