package reconcile_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/internal/intake"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/internal/reconcile"
	"socho/internal/sales"
	"socho/internal/service"
)

// TestTradersMessages: what is paid to a trader's account comes onto the log while
// her consent stands and the account is proved, once however often it is told, and
// never as money of the market. What is about nobody's account is answered and not
// kept.
func TestTradersMessages(t *testing.T) {
	s := open(t)
	const market, own, hers = "hg-cho-mau", "0011000000001", "9704001234567"
	day := time.Now().In(time.FixedZone("ICT", 7*3600)).Format(time.DateOnly)
	until := time.Now().AddDate(0, 3, 0).Format(time.DateOnly)
	said := 0
	say := func(name, data string) {
		t.Helper()
		said++
		report, err := s.Publish(t.Context(), strings.NewReader(fmt.Sprintf(`{"specversion":"1.0","id":"e-%d","source":"urn:test","type":%q,"subject":%q,"time":"2026-09-01T08:00:00+07:00","data":%s}`,
			said, events.Type(name), market, data)), intake.Options{Actor: "cli"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Decided(t.Context(), report); err != nil || len(got) != 1 || report.NotPublished > 0 {
			t.Fatal(got, err)
		}
		if err := s.WaitForProjections(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	say("organization.registered", `{"effective_on":"2026-01-01","kind":"market","name":"Chợ Mẫu","unit":"00721","bank_bin":"970436","account":"`+own+`"}`)
	accounts := &sales.Accounts{Vault: s.Vault, Read: s.Read, Key: []byte("a key of this test")}
	hooks, err := reconcile.NewHooks(s.DB.Pool, derive, func(ctx context.Context, organization string) (*reconcile.Importer, error) {
		o, err := s.Read.Organization(ctx, organization)
		return &reconcile.Importer{Ledger: s, Books: s.DB, Organization: organization, Known: o.Account, Market: o.Kind == "market", Pseudonym: []byte("a key of this test")}, err
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	hooks.Traders = accounts
	var passed int64
	hooks.PassedOver = func(provider string, messages int64) {
		if provider != "sepay" {
			t.Errorf("of %s", provider)
		}
		passed += messages
	}
	const secret = "a secret of this market"
	if err := hooks.Connect(t.Context(), market, "sepay", "", secret, "cli"); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/{provider}/{organization}", hooks)
	told := 0
	tell := func(account, way string, amount int, content string) {
		t.Helper()
		told++
		body := fmt.Sprintf(`{"id":%d,"gateway":"MB","transactionDate":"%s 08:15:00","accountNumber":%q,"content":%q,"transferType":%q,"transferAmount":%d,"accumulated":0,"referenceCode":"FT%d"}`, told, day, account, content, way, amount, told)
		for range 2 { // senders repeat
			r := httptest.NewRequest("POST", "/hooks/sepay/"+market, strings.NewReader(body))
			r.Header.Set("Authorization", "Apikey "+secret)
			w := httptest.NewRecorder()
			if mux.ServeHTTP(w, r); w.Code != 200 {
				t.Fatalf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		if err := s.WaitForProjections(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	her := readmodel.Trader{Organization: market, Person: "p-her", Stall: "A1"}
	has := func(what, want string) {
		t.Helper()
		sum, err := s.Read.SumOfDay(t.Context(), her, events.Date(day))
		if err != nil || fmt.Sprint(sum.Count, " ", sum.Sum.String()) != want {
			t.Errorf("%s: %d sales, %s, %v; want %s", what, sum.Count, sum.Sum.String(), err, want)
		}
	}
	tell(own, "in", 500_000, "thu phi")
	tell(hers, "in", 1_000, "mua rau")
	has("before she consents", "0 0")
	if err := accounts.Give(t.Context(), market, "p-her", "k-1", "97040 01234567"); err != nil {
		t.Fatal(err)
	}
	tell(hers, "in", 2_000, "mua rau")
	has("an account without a consent", "0 0")
	say("market.sales_connected", `{"effective_on":"`+day+`","person":"p-her","connection":"k-1","stall":"A1","until":"`+until+`","visible_to":"trader","personal":{"account_number":"`+hers+`"}}`)
	tell(hers, "in", 3_000, "mua rau")
	has("an account that nobody has proved", "0 0")
	tell(hers, "in", 4_000, "XN tra tien "+accounts.Code(market, "k-1"))
	has("a code in what somebody else sent", "0 0")
	tell(hers, "out", 10_000, "MBVCB.1."+accounts.Code(market, "k-1")+".CT tu 97")
	tell(hers, "in", 41_000, "mua rau")
	tell(hers, "in", 41_000, "mua rau")
	tell(hers, "out", 99_000, "mua hang")
	has("what customers paid", "2 82000")
	tell("5550001112223", "in", 77_000, "nguoi khac")
	for path, want := range map[string]string{"bank:main": "500000", "trader:p-her:bank:k-1": "82000"} {
		if got := balanceOf(t, s, market, path); got != want {
			t.Errorf("%s holds %s, want %s", path, got, want)
		}
	}
	if list, err := s.Read.SalesOfDay(t.Context(), readmodel.Trader{Organization: market, Person: "p-next", Stall: "A1"}, events.Date(day), 10); err != nil || len(list) != 0 {
		t.Errorf("whoever holds the stall next sees %+v, %v", list, err)
	}
	say("market.sales_disconnected", `{"effective_on":"`+day+`","connection":"k-1","reason":"trader_asked"}`)
	tell(hers, "in", 5_000, "mua rau")
	has("after she took it back", "2 82000")
	if state, err := accounts.State(t.Context(), market, "k-1"); err != nil || state != sales.None {
		t.Errorf("the account is still known: %q, %v", state, err)
	}
	if list, err := hooks.List(t.Context()); err != nil || list[0].PassedOver != 2*7+1 { // each was told twice; of the code that proved the account only the second
		t.Errorf("%+v, %v", list, err)
	}
	if passed != 2*7+1 {
		t.Errorf("%d were counted", passed)
	}
	if err := hooks.Own(t.Context(), market, "5550 0011 12223"); err != nil {
		t.Fatal(err)
	}
	tell("5550001112223", "in", 77_000, "tai khoan hai")
	if got := balanceOf(t, s, market, "bank:main"); got != "500000" {
		t.Errorf("another account of the market's went to its first: %s", got)
	}
}

// balanceOf is what an account of an organization holds.
func balanceOf(t *testing.T, s *service.Service, organization, path string) string {
	t.Helper()
	held := "0"
	if err := s.DB.Balances(t.Context(), organization+":"+path, postgres.AsOf{}, func(b postgres.Balance) error {
		if b.Account == organization+":"+path {
			held = b.Balance
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return held
}
