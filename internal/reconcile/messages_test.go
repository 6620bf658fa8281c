package reconcile_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"socho/bank"
	"socho/internal/reconcile"
)

// TestStatementAfterMessages: an office connects its bank's messages first and hands
// its first statement in later. A file that does not print the account is of the
// registered one, so that a line is one line; the account begins with what the
// statement says it did; and messages of later days are no gap.
func TestStatementAfterMessages(t *testing.T) {
	s := open(t)
	const number, secret = "0011000000001", "a secret of this school"
	im := func(context.Context, string) (*reconcile.Importer, error) {
		return &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test"), Known: number}, nil
	}
	hooks, err := reconcile.NewHooks(s.DB.Pool, derive, im, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := hooks.Connect(t.Context(), school, "sepay", "", secret, "cli"); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/{provider}/{organization}", hooks)
	for id, on := range []string{"2026-09-05", "2026-09-30"} {
		body := fmt.Sprintf(`{"id":%d,"gateway":"VCB","transactionDate":"%s 08:15:00","accountNumber":"%s","content":"nop tien","transferType":"in","transferAmount":500,"referenceCode":"FT2624800000000%d"}`, id+1, on, number, id)
		r := httptest.NewRequest("POST", "/hooks/sepay/"+school, strings.NewReader(body))
		r.Header.Set("Authorization", "Apikey "+secret)
		w := httptest.NewRecorder()
		if mux.ServeHTTP(w, r); w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
	}
	// The month up to the 20th; the message of the 30th is not of it.
	september := statement(2000, "05/09/2026|500||FT26248000000000|MBVCB.1.nop tien", "20/09/2026||200|FT26263000000009|b")
	importer, _ := im(t.Context(), school)
	importer.Open = true
	for round, want := range []int64{1, 0} {
		report, err := importer.File(t.Context(), strings.NewReader(september), bank.Options{Name: "sao-ke.csv"})
		if err != nil || report.New != want || len(report.Accounts) != 1 || !report.Accounts[0].Agrees {
			t.Errorf("round %d: %+v, %v", round, report, err)
		}
	}
	if got := balance(t, s, "bank:main"); got != "2800" {
		t.Errorf("the bank holds %s, want 2000 + 500 - 200 + 500", got)
	}
}
