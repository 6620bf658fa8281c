package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
	"socho/internal/service"
	"socho/ledger"
)

// What asks for a person at stalls is said on the log, once, also by a process
// that starts anew.
func TestAlerts(t *testing.T) {
	dir := testdb.Data(t, "service", service.Migrate)
	s := open(t, dir)
	var b strings.Builder
	say := func(id, name, day, data string) {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":%q,"source":"urn:test","type":"vn.socho.market.%s.v1","subject":%q,"time":"2026-09-01T08:00:00+07:00","data":{"effective_on":%q,%s}}`+"\n", id, name, market, day, data)
	}
	say("i1", "card_inspected", "2026-09-10", `"stall":"A12","result":"other_account","person":"fa-1","personal":{"account":"0904881234","bank_bin":"970422"}`)
	say("i2", "card_inspected", "2026-09-10", `"stall":"A13","result":"right"`)
	for _, stall := range []string{"B1", "B2", "B3"} {
		visible := map[bool]string{true: "trader", false: "market"}[stall == "B3"] // her sales are her own affair
		say("k"+stall, "sales_connected", "2026-01-01", fmt.Sprintf(`"person":"p-%s","connection":"k-%s","stall":%q,"until":"2026-12-31","visible_to":%q`, stall, stall, stall, visible))
	}
	more := func(id, name, data string) {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":%q,"source":"urn:test","type":"vn.socho.%s.v1","subject":%q,"time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-11",%s}}`+"\n", id, name, market, data)
	}
	more("m", "organization.registered", `"kind":"market","name":"Chợ Mẫu","unit":"00721","bank_bin":"970436","account":"0011000000001"`)
	// One alert for an account that nobody has named, and none for those of the market.
	for i, account := range []string{"main", "tk-1234-abcdef12", "tk-1234-abcdef12", "tk-chinh", "tk-chinh"} {
		n := fmt.Sprint(i)
		more("f"+n, "market.fee_assessed", `"person":"p1","bill":"b`+n+`","stall":"A1","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"}]`)
		more("l"+n, "bank.line_received", `"amount":"26000","currency":"VND","line":"l`+n+`","account":"`+account+`","direction":"in","kind":"payment"`)
		more("a"+n, "bank.line_allocated", `"amount":"26000","currency":"VND","line":"l`+n+`","bill":"b`+n+`"`)
	}
	week := time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC)
	for w := range 10 { // the tenth is not over
		for _, stall := range []string{"B1", "B2", "B3"} {
			n := 6
			if stall != "B1" && w == 8 {
				n = 1
			}
			for i := range n {
				say(fmt.Sprint("s", stall, w, i), "sale_received", week.AddDate(0, 0, 7*w).Format(time.DateOnly),
					fmt.Sprintf(`"person":"p-%s","amount":"10000","currency":"VND","stall":%q,"method":"bank","connection":"k-%s","line":"l%d-%d"`, stall, stall, stall, w, i))
			}
		}
	}
	publish(t, s, b.String())
	alerts := func() (all []string) {
		t.Helper()
		found, err := s.Read.Alerts(t.Context(), market, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range found {
			all = append(all, fmt.Sprint(a.Kind, " ", a.Stall, a.Line, " ", a.Since, " ", a.Expected, " ", a.Seen, " ", a.RaisedOn))
		}
		slices.Sort(all)
		return all
	}
	want := []string{"foreign_account l1  0 0 2026-09-11", "other_account A12  0 0 2026-09-10", "receipts_fell B2 2026-08-31 6 1 2026-09-07"}
	for end := time.Now().Add(time.Minute); len(alerts()) < 3 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if got := alerts(); !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	time.Sleep(3 * time.Second) // longer than from one look to the next
	if err := s.WaitForProjections(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := alerts(); !slices.Equal(got, want) {
		t.Errorf("again: %q", got)
	}
	said := 0
	if err := s.DB.ListOutcomes(t.Context(), nil, nil, func(o *ledger.Outcome) error {
		if o.Type == "vn.socho.market.alert_raised.v1" {
			said++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if said != 3 {
		t.Errorf("%d alerts were said", said)
	}
}
