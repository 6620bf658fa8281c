package payouts_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"socho/internal/intake"
	"socho/internal/payouts"
	"socho/projections"
)

// dying takes in so many runs of facts, and then dies.
type dying struct {
	payouts.Service
	left int
}

var errDied = errors.New("died")

func (d *dying) Publish(ctx context.Context, r io.Reader, o intake.Options) (intake.Report, error) {
	if d.left--; d.left < 0 {
		return intake.Report{}, errDied
	}
	return d.Service.Publish(ctx, r, o)
}

// TestOrders: whoever approves may die in the middle of what follows; the service
// orders the rest, nothing twice. What the ledger refuses holds nothing up, is
// listed, and is ordered once its reason is gone.
func TestOrders(t *testing.T) {
	const n, paid = 1100, 1050
	o := openOffice(t)
	ctx := t.Context()
	o.grant(paid * 500_000)
	f := o.read(listOf(0, n, 500_000), payouts.Month{})
	_, err := o.as("lan").Import(ctx, f)
	o.must(err)
	shown, err := o.as("lan").Show(ctx, fund, f.List)
	o.must(err)
	o.must(o.as("lan").Propose(ctx, fund, shown))
	hoa := o.as("hoa")
	hoa.Service = &dying{hoa.Service, 1} // the approval, and no order
	if _, err := hoa.Approve(ctx, fund, shown); err != nil && !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	refusals := func() (codes map[string]int) {
		codes = map[string]int{}
		o.caughtUp()
		o.must(o.as("cli").EachNotOrdered(ctx, fund, month, func(n payouts.NotOrdered) error {
			codes[n.Code]++
			return nil
		}))
		return codes
	}
	var codes map[string]int
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if codes = refusals(); codes["waiting"] == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the service does not order: %v", codes)
		}
	}
	if len(codes) != 1 || codes["fund_exhausted"] != n-paid {
		t.Errorf("%v", codes)
	}
	o.grant(n * 500_000)
	for i, want := range []int64{n - paid, 0} {
		if got, err := o.as("cli").OrderAgain(ctx, fund, month); err != nil || got != want {
			t.Errorf("again %d: %d, %v", i, got, err)
		}
	}
	if codes := refusals(); len(codes) != 0 {
		t.Errorf("%v", codes)
	}
	lists, err := o.s.Read.PayoutLists(ctx, fund, month, projections.ListApproved)
	o.must(err)
	if more, err := o.as("cli").Order(ctx, lists[0], true); err != nil || more != 0 {
		t.Errorf("ordered twice: %d, %v", more, err)
	}
	if s := o.status(); s.Amounts["entitled"] != "550000000" || s.CarriedForward != n {
		t.Errorf("%+v", s)
	}
}

// TestListedTwice: the same file under another list's name puts nothing on that, and
// entitles nobody to more.
func TestListedTwice(t *testing.T) {
	o := openOffice(t)
	o.grant(20_000_000)
	text := listOf(0, 4, 500_000)
	f := o.read(text, payouts.Month{})
	_, err := o.as("lan").Import(t.Context(), f)
	o.must(err)
	done, err := o.as("lan").Import(t.Context(), o.read(text, payouts.Month{List: "khac"}))
	if err != nil || done.Codes["payout_listed"] != 4 || done.Entries != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if s := o.status(); s.Entitled != 4 || s.Amounts["entitled"] != "2000000" {
		t.Errorf("entitled to it twice: %+v", s)
	}
	// A fifth person is new, and entitled to theirs alone.
	done, err = o.as("lan").Import(t.Context(), o.read(listOf(0, 5, 500_000), payouts.Month{List: "khac"}))
	if err != nil || done.Entries != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if s := o.status(); s.Entitled != 5 || s.Amounts["entitled"] != "2500000" {
		t.Errorf("%+v", s)
	}
	// Its list taken back, what is on another one since is entitled to once.
	o.must(o.as("lan").Withdraw(t.Context(), fund, f.List, "mistake"))
	_, err = o.as("lan").Import(t.Context(), o.read(text, payouts.Month{List: "moi"}))
	o.must(err)
	o.approved("moi")
	arrears := "CCCD,Họ tên,Mã xã,Số tiền,Loại\n"
	for i := range 4 {
		arrears += fmt.Sprintf("0020%08d,Vàng Thị Mẫu %d,00721,100000,truy lĩnh\n", i, i)
	}
	_, err = o.as("lan").Import(t.Context(), o.read(arrears, payouts.Month{List: "truy-linh"}))
	o.must(err)
	if s := o.status(); s.Entitled != 5 || s.Amounts["entitled"] != "2900000" {
		t.Errorf("%+v", s)
	}
}
