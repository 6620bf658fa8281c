package payouts

import (
	"context"
	"errors"
	"io"
	"strings"

	"socho/bank"
	"socho/events"
	"socho/internal/readmodel"
	"socho/internal/sheet"
	"socho/projections"
)

// Results says what file to read.
type Results struct {
	Organization string
	Account      string // of statements that do not name it
	Line         string // the bank line that carried the money out, where the file names none
	Batch        string // whose results these are, where the file does not say
}

// Settled says what became of a file of results.
type Settled struct {
	Settled  int              `json:"settled"`
	Returned int              `json:"returned"`
	Known    int              `json:"already_known"`
	Pending  int              `json:"pending"`
	Late     int              `json:"late"` // rejected in a batch that the payout has left since
	Refused  map[string]int64 `json:"refused"`
	Unknown  []Fault          `json:"problems"` // lines that name no payout of ours, or cannot be read; at most 1000
	Problems int              `json:"problem_count"`
}

func (s *Settled) problem(f Fault) {
	if s.Problems++; len(s.Unknown) < 1000 {
		s.Unknown = append(s.Unknown, f)
	}
}

// outcome is what a bank says of a transfer.
type outcome int

const (
	settled  outcome = iota + 1
	rejected         // no money moved
	returned         // money came back, on a line
	pending
)

// result is one line of what a bank says.
type result struct {
	line     int // of the file
	payout   string
	batch    string // empty where not said
	what     outcome
	amount   int64 // đồng; 0 where not said
	bankLine string
	reason   string
	on       string // YYYY-MM-DD; empty where not said
}

var resultColumns = map[string][]string{
	"payout": {"MACHITRA", "ENDTOENDID", "PAYOUT", "MATHAMCHIEU", "SOTHAMCHIEU", "THAMCHIEU", "REFERENCE"},
	"batch":  {"MALO", "BATCH", "SOLO"},
	"amount": {"SOTIEN", "SOTIENVND", "AMOUNT"},
	"status": {"TRANGTHAI", "KETQUA", "KETQUAXULY", "STATUS", "RESULT"},
	"reason": {"LYDO", "LYDOTUCHOI", "LYDOLOI", "MALOI", "REASON", "MOTALOI"},
	"line":   {"SOBUTTOAN", "BUTTOAN", "DONGSAOKE", "BANKLINE", "LINE"},
	"date":   {"NGAY", "NGAYGIAODICH", "NGAYHACHTOAN", "DATE", "BOOKEDON"},
}

var statuses = map[string]outcome{
	"THANHCONG": settled, "DATHANHTOAN": settled, "HOANTHANH": settled, "SUCCESS": settled, "COMPLETED": settled, "PAID": settled, "ACSC": settled, "ACCC": settled,
	"THATBAI": rejected, "KHONGTHANHCONG": rejected, "TUCHOI": rejected, "LOI": rejected, "FAILED": rejected, "REJECTED": rejected, "RJCT": rejected, "ERROR": rejected, "CANC": rejected,
	"HOANTRA": returned, "TRALAI": returned, "RETURNED": returned,
	"DANGXULY": pending, "CHOXULY": pending, "PENDING": pending, "PROCESSING": pending, "ACSP": pending, "ACCP": pending, "ACTC": pending, "ACWC": pending, "PDNG": pending, "RCVD": pending, "PART": pending,
}

var resultForm = sheet.Form{Names: resultColumns, Need: [][]string{{"payout"}}, Least: 3, Limits: large, Wanted: sheet.Words{
	VI: "các cột Mã chi trả, Số tiền, Trạng thái",
	EN: "columns of the payout (Mã chi trả), its amount (Số tiền) and the result (Trạng thái)"}}

// Settle reads what a bank answered and writes it down: that a payout was carried
// out, on its bank line, or that it came back. The same result twice, in whatever
// file, is one; one line of the bank may carry many payouts.
// Errors: *sheet.FileError where the file cannot be read.
func (p *Process) Settle(ctx context.Context, src io.ReadSeeker, o Results) (*Settled, error) {
	release, err := p.DB.LockOnce(ctx, "payouts:"+o.Organization)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := p.Service.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	out := &Settled{Refused: map[string]int64{}, Unknown: []Fault{}}
	var some []result
	take := func(r result) error {
		if some = append(some, r); len(some) < page {
			return nil
		}
		err := p.settle(ctx, o, some, out)
		some = some[:0]
		return err
	}
	if err := p.read(ctx, src, o, out, take); err != nil {
		return out, err
	}
	return out, p.settle(ctx, o, some, out)
}

// read tells the kind of file. A file is read as a whole before anything of it is
// taken.
func (p *Process) read(ctx context.Context, src io.ReadSeeker, o Results, out *Settled, take func(result) error) error {
	if t, err := resultForm.Open(src); err == nil {
		defer t.Close()
		if t.Has("status") {
			return sheetResults(t, out, take)
		}
	}
	options := bank.Options{Account: o.Account}
	r, err := parse(src, options, nil)
	if err != nil {
		return err
	}
	switch {
	case !r.Valid:
		return refuse("statement", r.Reason)
	case r.Status != nil:
		return p.orderResults(ctx, o, r.Status, take)
	case r.Order != nil:
		return refuse("order")
	}
	batches, err := p.Read.Batches(ctx, o.Organization, "B")
	if err != nil {
		return err
	}
	ids := bank.NewOrdinals()
	s := statement{p, ctx, o, batches, out, take}
	_, err = parse(src, options, func(e *bank.Entry) error { return s.entry(e, ids.ID(e)) })
	return err
}

func parse(src io.ReadSeeker, o bank.Options, visit func(*bank.Entry) error) (*bank.Result, error) {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return bank.Parse(src, o, visit)
}

// sheetResults reads a sheet line by line.
func sheetResults(t *sheet.Table, out *Settled, take func(result) error) error {
	for {
		err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if totals(t) {
			continue
		}
		r := result{line: t.Line, payout: t.Get("payout"), batch: t.Get("batch"), bankLine: t.Get("line"), reason: reasonWord(t.Get("reason")), on: day(t.Get("date"))}
		bad := func(column, problem string) {
			out.problem(Fault{t.Line, t.Label(column), "result_" + column, problem})
		}
		var ok bool
		switch r.what, ok = statuses[bank.Fold(t.Get("status"))]; {
		case !ok:
			bad("status", "expected thành công, thất bại, hoàn trả or đang xử lý")
			continue
		case r.bankLine != "" && !events.ValidID(r.bankLine):
			bad("line", "expected the id of a bank line: 1 to 64 letters, digits, . _ -")
			continue
		}
		if text := t.Get("amount"); text != "" {
			if r.amount, err = dong(text); err != nil {
				bad("amount", err.Error())
				continue
			}
		}
		if err := take(r); err != nil {
			return err
		}
	}
}

// day keeps a date that is written as everywhere here.
func day(text string) string {
	if len(text) == 10 && text[2] == '/' && text[5] == '/' { // 31/12/2026
		text = text[6:] + "-" + text[3:5] + "-" + text[:2]
	}
	if events.Date(text).Valid() {
		return text
	}
	return ""
}

// isoReasons are the reasons of ISO 20022's external code list that payouts meet,
// in words.
var isoReasons = map[string]string{
	"AC01": "wrong_account", "AC04": "account_closed", "AC06": "account_blocked", "AC03": "wrong_account", "BE01": "name_differs", "BE04": "wrong_address",
	"AG01": "forbidden", "AM04": "no_funds", "AM05": "duplicate", "MD07": "person_died", "RC01": "wrong_bank", "NARR": "other", "MS02": "other", "MS03": "other",
}

// reasonWord is a reason as facts carry it. What a bank wrote in words may name
// somebody, so only what is known is kept.
func reasonWord(text string) string {
	folded := bank.Fold(text)
	if word, ok := isoReasons[folded]; ok {
		return word
	}
	for _, known := range []struct{ part, word string }{
		{"DONG", "account_closed"}, {"CLOSED", "account_closed"}, {"PHONGTOA", "account_blocked"}, {"KHOA", "account_blocked"}, {"BLOCKED", "account_blocked"},
		{"SAITEN", "name_differs"}, {"KHONGKHOP", "name_differs"}, {"NAME", "name_differs"}, {"SAISO", "wrong_account"}, {"KHONGTONTAI", "wrong_account"},
		{"SAITAIKHOAN", "wrong_account"}, {"INVALIDACCOUNT", "wrong_account"}, {"NOTFOUND", "wrong_account"}, {"SAINGANHANG", "wrong_bank"}, {"CHET", "person_died"}, {"TUVONG", "person_died"},
	} {
		if strings.Contains(folded, known.part) {
			return known.word
		}
	}
	return "other"
}

// orderResults reads pain.002. A status of the whole or of its block holds for the
// transfers that are not named.
func (p *Process) orderResults(ctx context.Context, o Results, s *bank.Status, take func(result) error) error {
	batch := s.OriginalMessageID
	if _, err := p.Read.Batch(ctx, batch); errors.Is(err, readmodel.ErrNotFound) {
		return refuse("report_unknown")
	} else if err != nil {
		return err
	}
	named := map[string]bool{}
	for i, t := range s.Transactions {
		named[t.EndToEndID] = true
		if t.Status == nil {
			continue
		}
		reason := ""
		if len(t.Reasons) > 0 {
			reason = t.Reasons[0]
		}
		if err := take(result{line: i + 1, payout: t.EndToEndID, batch: batch, what: statuses[*t.Status], reason: reasonWord(reason)}); err != nil {
			return err
		}
	}
	all, reasons := s.GroupStatus, s.GroupReasons
	if len(s.PaymentBlocks) == 1 && s.PaymentBlocks[0].Status != nil {
		all, reasons = s.PaymentBlocks[0].Status, s.PaymentBlocks[0].Reasons
	}
	if all == nil {
		return nil
	}
	what := statuses[*all]
	if what != settled && what != rejected {
		return nil
	}
	reason := ""
	if len(reasons) > 0 {
		reason = reasons[0]
	}
	return p.others(ctx, o, batch, func(b *readmodel.InstructedPayout) error {
		if named[b.Payout] {
			return nil
		}
		return take(result{payout: b.Payout, batch: batch, what: what, reason: reasonWord(reason)})
	})
}

// others calls each for all payouts of a batch.
func (p *Process) others(ctx context.Context, o Results, batch string, each func(*readmodel.InstructedPayout) error) error {
	for after := int64(-1); ; {
		some, err := p.Read.BatchedPayouts(ctx, o.Organization, batch, after, page)
		if err != nil || len(some) == 0 {
			return err
		}
		after = some[len(some)-1].At
		for i := range some {
			if err := each(&some[i]); err != nil {
				return err
			}
		}
	}
}

// statement is a file of bank lines while it is read.
type statement struct {
	*Process
	ctx     context.Context
	o       Results
	batches []projections.Batch
	out     *Settled
	take    func(result) error
}

// entry reads one line: money out for a payout, for many with their transactions
// named, or for a whole batch; or money that came back.
func (s *statement) entry(e *bank.Entry, id string) error {
	if !e.Booked || e.Currency != "VND" {
		return nil
	}
	what := settled
	if e.Direction == bank.Credit {
		what = returned
	}
	one := func(payout, reason string, amount int64) error {
		return s.take(result{line: e.Line, payout: payout, what: what, amount: amount, bankLine: id, reason: reasonWord(reason), on: day(e.BookedOn)})
	}
	details := false
	for _, d := range e.Details {
		if !ours(d.EndToEndID) {
			continue
		}
		details = true
		amount := int64(0)
		if d.Amount != nil {
			amount = whole(*d.Amount)
		} else if len(e.Details) == 1 {
			amount = whole(e.Amount)
		}
		if err := one(d.EndToEndID, d.ReturnReason, amount); err != nil {
			return err
		}
	}
	if details {
		return nil
	}
	if what == settled {
		if batch, several := s.named(e); several {
			s.out.problem(Fault{Line: e.Line, Code: "several_batches", Problem: "money out that names several batches"})
			return nil
		} else if batch != nil {
			return s.bulkDebit(e, id, batch.Batch)
		}
	}
	if ours(e.EndToEndID) {
		return one(e.EndToEndID, e.ReturnReason, whole(e.Amount))
	}
	return nil // no payout of ours
}

// named finds the batch that a line names.
func (s *statement) named(e *bank.Entry) (found *projections.Batch, several bool) {
	said := " " + strings.Join([]string{bank.Fold(e.EndToEndID), bank.Fold(e.InstructionID), bank.Fold(e.Reference), bank.Fold(e.Remittance)}, " ")
	for _, d := range e.Details {
		said += " " + bank.Fold(d.Remittance) + " " + bank.Fold(d.InstructionID)
	}
	for i := range s.batches {
		if strings.Contains(said, bank.Fold(s.batches[i].Batch)) {
			if found != nil {
				return nil, true
			}
			found = &s.batches[i]
		}
	}
	return found, false
}

// ours tells ids of payouts as this process makes them from what else stands in
// statements.
func ours(id string) bool { return events.ValidID(id) && len(id) <= 35 && id != "NOTPROVIDED" }

func whole(a bank.Amount) int64 {
	n, err := dong(a.String())
	if err != nil {
		return 0
	}
	return n
}

// bulkDebit is one line for all of a batch that the bank has not rejected: it is as
// much as is on its way.
func (s *statement) bulkDebit(e *bank.Entry, id, batch string) error {
	var all []result
	var sum int64
	if err := s.others(s.ctx, s.o, batch, func(b *readmodel.InstructedPayout) error {
		all = append(all, result{line: e.Line, payout: b.Payout, batch: batch, what: settled, amount: b.Amount, bankLine: id, on: day(e.BookedOn)})
		return nil
	}); err != nil {
		return err
	}
	gone, err := s.rejected(s.ctx, s.o, all)
	if err != nil {
		return err
	}
	for i := range all {
		if !gone[all[i].payout] {
			sum += all[i].amount
		}
	}
	if sum != whole(e.Amount) {
		s.out.problem(Fault{Line: e.Line, Code: "debit_differs", Problem: "money out for a batch, but not as much as is on its way; give the bank's results by payout first"})
		return nil
	}
	for _, r := range all {
		if !gone[r.payout] {
			if err := s.take(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// rejected tells which payouts the bank never carried out in a batch.
func (p *Process) rejected(ctx context.Context, o Results, all []result) (map[string]bool, error) {
	gone := map[string]bool{}
	for at := 0; at < len(all); at += page {
		some := all[at:min(at+page, len(all))]
		names := make([]string, len(some))
		for i := range some {
			names[i] = some[i].payout
		}
		moves, err := p.Read.PayoutMoves(ctx, o.Organization, names)
		if err != nil {
			return nil, err
		}
		for i := range some {
			for _, m := range within(moves[some[i].payout], some[i].batch) {
				if m.Kind == projections.MoveReturned && m.Line == "" {
					gone[some[i].payout] = true
				}
			}
		}
	}
	return gone, nil
}

// within are the moves of a payout from its going into a batch until it goes into
// another one.
func within(moves []projections.PayoutMove, batch string) (some []projections.PayoutMove) {
	inside := false
	for _, m := range moves {
		if m.Kind == projections.MoveBatched {
			inside = m.Batch == batch
		}
		if inside {
			some = append(some, m)
		}
	}
	return some
}
