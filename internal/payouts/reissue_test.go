package payouts_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"socho/internal/payouts"
	"socho/projections"
)

// approved takes a list from open to approved.
func (o *office) approved(list string) {
	o.t.Helper()
	shown, err := o.as("lan").Show(o.t.Context(), o.fund, list)
	o.must(err)
	o.must(o.as("lan").Propose(o.t.Context(), o.fund, shown))
	_, err = o.as("hoa").Approve(o.t.Context(), o.fund, shown)
	o.must(err)
	o.caughtUp()
}

// TestReissue: money that came back goes out under a new id to another account,
// whatever is tried in between, and what leaves for the old one all the same does
// not leave twice.
func TestReissue(t *testing.T) {
	o := openOffice(t)
	ctx := t.Context()
	o.grant(20_000_000)
	f := o.read(listOf(0, 5, 500_000), payouts.Month{})
	_, err := o.as("lan").Import(ctx, f)
	o.must(err)
	o.approved(f.List)
	file, made, err := o.export(payouts.Export{})
	o.must(err)
	ids := between(string(file), "<EndToEndId>", "</EndToEndId>")
	lan := o.as("lan")
	again := payouts.Reissue{Organization: fund, Payout: ids[0], Method: "account", BIN: "970436", Account: "0011009999999", AccountName: "Vàng Thị Mẫu"}
	var notBack *payouts.NotBackError
	if _, err := lan.Reissue(ctx, again); !errors.As(err, &notBack) {
		t.Errorf("on its way: %v", err)
	}
	// Rejected, before anybody has said that the bank has the file: it may still pay.
	if got := o.settle(fmt.Sprintf("Mã chi trả,Mã lô,Trạng thái,Lý do\n%s,%s,Thất bại,Sai số tài khoản\n", ids[0], made.Batch)); got.Returned != 1 {
		t.Fatalf("%+v", got)
	}
	if _, err := lan.Reissue(ctx, again); code(err) != "in_batch" {
		t.Errorf("the bank may still be given the file: %v", err)
	}
	_, err = o.as("cli").Submit(ctx, readerOf(file))
	o.must(err)

	// It dies after the order was taken back, and completes what it began.
	dies := o.as("lan")
	dies.Service = &dying{dies.Service, 1}
	if _, err := dies.Reissue(ctx, again); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	done, err := lan.Reissue(ctx, again)
	o.must(err)
	if done.Payout == ids[0] || done.Amount != 500_000 || done.Payout != payouts.ReissueID(fund, ids[0]) {
		t.Errorf("%+v", done)
	}
	if twice, err := lan.Reissue(ctx, again); err != nil || *twice != *done {
		t.Errorf("issued again twice: %+v, %v", twice, err)
	}
	old, err := o.s.Read.Payout(ctx, fund, ids[0])
	o.must(err)
	if old.Status() != projections.PayoutReversed {
		t.Errorf("the old one is %s", old.Status())
	}
	if _, next, err := o.export(payouts.Export{Returned: true}); err == nil && next.New {
		t.Errorf("the old one goes out as well: %+v", next)
	}
	// Nothing but the approval of a second person sends it.
	if _, next, err := o.export(payouts.Export{}); err == nil && next.New {
		t.Errorf("exported before it was approved: %+v", next)
	}
	o.approved(done.List)
	// The old order is not given a second time, whoever tries.
	counts := o.publish(o.fact("old-again", "benefit.payout_ordered", fmt.Sprintf(`"amount":"500000","currency":"VND","person":%q,"payout":%q,"programme":"monthly","period":%q,"unit":%q,"method":"account"`, old.Person, ids[0], month, old.Unit)))
	if fmt.Sprint(counts) != "map[refused:1]" {
		t.Errorf("the old one is ordered again: %v", counts)
	}
	if n, err := o.as("cli").OrderAgain(ctx, fund, month); err != nil || n != 0 {
		t.Errorf("ordered again: %d, %v", n, err)
	}
	if s := o.status(); s.Entitled != 5 || s.Amounts["entitled"] != "2500000" {
		t.Errorf("the entitlement is raised: %+v", s)
	}
	second, next, err := o.export(payouts.Export{})
	o.must(err)
	if got := between(string(second), "<EndToEndId>", "</EndToEndId>"); !next.New || len(got) != 1 || got[0] != done.Payout || len(between(string(second), "<Id>0011009999999", "</Id>")) != 1 {
		t.Errorf("%+v %v", next, got)
	}
	_, err = o.as("cli").Submit(ctx, readerOf(second))
	o.must(err)
	if got := o.settle(fmt.Sprintf("Mã chi trả,Mã lô,Trạng thái\n%s,%s,Thành công\n", done.Payout, next.Batch)); got.Settled != 1 {
		t.Errorf("%+v", got)
	}
	// The same file again says nothing new, though one of its payouts has another id.
	same, err := lan.Import(ctx, f)
	if err != nil || same.Known != 5 || same.Outcomes["recorded"] != 0 {
		t.Errorf("%+v, %v", same, err)
	}
	audit, err := o.s.Verify(ctx, false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Fatalf("%v %+v", err, audit)
	}

	// What the bank paid under the old id after all has left twice: the person's
	// month holds it, and nothing more leaves.
	if got := o.settle(fmt.Sprintf("Mã chi trả,Mã lô,Số tiền,Trạng thái,Số bút toán\n%s,%s,500000,Thành công,late-line\n", ids[0], made.Batch)); got.Settled != 1 {
		t.Errorf("%+v", got)
	}
	o.caughtUp()
	if late, err := o.s.Read.Payout(ctx, fund, ids[0]); err != nil || late.Recoverable != 500_000 {
		t.Errorf("%+v, %v", late, err)
	}
}

// TestReissueBarred: what the bank pays late under the old id bars the new one,
// which has not gone out yet.
func TestReissueBarred(t *testing.T) {
	o := openOffice(t)
	ctx := t.Context()
	o.grant(20_000_000)
	f := o.read(listOf(0, 2, 500_000), payouts.Month{})
	_, err := o.as("lan").Import(ctx, f)
	o.must(err)
	o.approved(f.List)
	file, made, err := o.export(payouts.Export{})
	o.must(err)
	_, err = o.as("cli").Submit(ctx, readerOf(file))
	o.must(err)
	id := between(string(file), "<EndToEndId>", "</EndToEndId>")[0]
	o.settle(fmt.Sprintf("Mã chi trả,Mã lô,Trạng thái\n%s,%s,Thất bại\n", id, made.Batch))
	done, err := o.as("lan").Reissue(ctx, payouts.Reissue{Organization: fund, Payout: id, Method: "cash"})
	o.must(err)
	o.settle(fmt.Sprintf("Mã chi trả,Mã lô,Số tiền,Trạng thái,Số bút toán\n%s,%s,500000,Thành công,late-line\n", id, made.Batch))
	o.approved(done.List)
	codes := map[string]int{}
	o.must(o.as("cli").EachNotOrdered(ctx, fund, month, func(n payouts.NotOrdered) error { codes[n.Code]++; return nil }))
	if codes["over_entitlement"] != 1 || len(codes) != 1 {
		t.Errorf("what left late does not bar the new payout: %v", codes)
	}
}

// TestRemove: what is taken off an open list is neither approved nor entitled to,
// and stays off when the same file comes again.
func TestRemove(t *testing.T) {
	o := openOffice(t)
	ctx := t.Context()
	o.grant(20_000_000)
	lan := o.as("lan")
	f := o.read(listOf(0, 4, 500_000), payouts.Month{})
	_, err := lan.Import(ctx, f)
	o.must(err)
	before, err := lan.Show(ctx, fund, f.List)
	o.must(err)
	done, err := lan.Remove(ctx, fund, f.List, "duplicate", []string{f.Rows[1].Payout, "o2610-nobody"})
	o.must(err)
	if done.Removed != 1 || len(done.Refused) != 1 || done.Refused[0].Code != "not_listed" {
		t.Errorf("%+v", done)
	}
	shown, err := lan.Show(ctx, fund, f.List)
	o.must(err)
	if shown.Count != 3 || shown.Sum.Amount != "1500000" || shown.Digest == before.Digest {
		t.Errorf("%+v", shown)
	}
	if err := lan.Propose(ctx, fund, before); code(err) != "list_differs" {
		t.Errorf("proposed as it was before: %v", err)
	}
	if s := o.status(); s.Entitled != 3 || s.Amounts["entitled"] != "1500000" {
		t.Errorf("%+v", s)
	}
	again, err := lan.Import(ctx, f)
	if err != nil || again.Entries != 3 || again.Outcomes["recorded"] != 0 {
		t.Errorf("the same file again: %+v, %v", again, err)
	}
	if s := o.status(); s.Entitled != 3 {
		t.Errorf("entitled again: %+v", s)
	}
	o.approved(f.List)
	if done, err := lan.Remove(ctx, fund, f.List, "late", []string{f.Rows[0].Payout}); err != nil || done.Removed != 0 || done.Refused[0].Code != "list_approved" {
		t.Errorf("off an approved list: %+v, %v", done, err)
	}
	o.must(o.s.RebuildProjection(ctx, "lists"))
	entries, err := o.s.Read.ListEntries(ctx, fund, f.List, -1, 10)
	if err != nil || len(entries) != 3 {
		t.Errorf("after a rebuild: %d entries, %v", len(entries), err)
	}
	// What was taken off may stand on another list.
	g := o.read(listOf(1, 2, 500_000), payouts.Month{List: "bo-sung"})
	if more, err := lan.Import(ctx, g); err != nil || more.Entries != 1 || len(more.Codes) != 0 {
		t.Errorf("%+v, %v", more, err)
	}
	if s := o.status(); s.Entitled != 4 {
		t.Errorf("%+v", s)
	}
}

// TestCancel: a batch that goes nowhere gives its payouts back, once; one that the
// bank has is not cancelled.
func TestCancel(t *testing.T) {
	o := openOffice(t)
	ctx := t.Context()
	o.grant(20_000_000)
	f := o.read(listOf(0, 5, 500_000), payouts.Month{})
	_, err := o.as("lan").Import(ctx, f)
	o.must(err)
	o.approved(f.List)
	file, made, err := o.export(payouts.Export{})
	o.must(err)
	for i, want := range []int{5, 0} {
		if back, err := o.as("cli").Cancel(ctx, fund, made.Batch, "wrong_day"); err != nil || back != want {
			t.Errorf("cancelled %d: %d, %v", i, back, err)
		}
	}
	if _, err := o.as("cli").Submit(ctx, readerOf(file)); code(err) != "batch_cancelled" {
		t.Errorf("handed over all the same: %v", err)
	}
	second, next, err := o.export(payouts.Export{Returned: true})
	o.must(err)
	if !next.New || next.Count != 5 || next.Batch == made.Batch {
		t.Errorf("%+v", next)
	}
	_, err = o.as("cli").Submit(ctx, readerOf(second))
	o.must(err)
	if _, err := o.as("cli").Cancel(ctx, fund, next.Batch, "wrong_day"); code(err) != "batch_submitted" {
		t.Errorf("the bank has it: %v", err)
	}
}

// TestLook: what is worth a second look is found before anybody approves.
func TestLook(t *testing.T) {
	o := openOffice(t)
	ctx := t.Context()
	o.grant(90_000_000)
	lan := o.as("lan")
	const head = "Mã đối tượng,CCCD,Họ tên,Mã xã,Số tiền,Ngân hàng,Số tài khoản\n"
	person := func(id, citizen int, account string) string {
		return fmt.Sprintf("dt-%d,00200100%04d,Mẫu,00721,500000,%s\n", id, citizen, account)
	}
	september := o.read(head+person(1, 1, "970405,880001")+person(2, 2, "970405,880002")+person(3, 3, ","), payouts.Month{Period: "2026-09"})
	_, err := lan.Import(ctx, september)
	o.must(err)
	file := head + person(1, 1, "970405,880009") + person(2, 2, ",") + person(3, 3, "970405,880003") + person(4, 4, "970405,880003") + person(5, 5, "970405,880005") + person(6, 5, "970405,880006")
	f := o.read(file, payouts.Month{})
	v, err := lan.Preview(ctx, f)
	o.must(err)
	if v.AccountsChanged != 1 || v.MethodsChanged != 2 || fmt.Sprint(v.Otherwise) != "[2 3 4]" || fmt.Sprint(v.Shared) != "[[4 5]]" || v.Joined != 3 {
		t.Errorf("%+v", v)
	}
	_, err = lan.Import(ctx, f)
	o.must(err)
	other := o.read(head+person(1, 1, "970405,880009"), payouts.Month{List: "khac", Programme: "monthly"})
	other.Programme = "funeral"
	for i := range other.Rows {
		other.Rows[i].Payout = payouts.PayoutID(fund, "funeral", month, other.Rows[i].Person, "regular", 1)
	}
	_, err = lan.Import(ctx, other)
	o.must(err)
	look, err := lan.Look(ctx, fund, f.List)
	o.must(err)
	if look.Counts.Otherwise != 3 || look.Counts.Twice != 1 || look.Twice[0].Lists[0] != "khac" || look.Counts.Shared != 1 || look.Counts.Same != 1 || look.Found() != 6 {
		t.Errorf("%+v", look)
	}
	if len(o.trail) == 0 {
		t.Error("nobody wrote down that accounts were opened")
	}
}

func readerOf(b []byte) io.ReadSeeker { return bytes.NewReader(b) }
