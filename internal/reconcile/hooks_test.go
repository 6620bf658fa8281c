package reconcile_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"socho/bank"
	"socho/internal/reconcile"
)

func derive(purpose string) ([]byte, error) {
	sum := sha256.Sum256([]byte(purpose))
	return sum[:], nil
}

// TestHooks: a signed message is on the log before it is answered, counts once
// however often it comes, and is the same line as the one of the statement.
func TestHooks(t *testing.T) {
	s := open(t)
	b1 := code(t, "YK2Y")
	issue(t, s, map[string]string{"b1": b1})
	im := func(context.Context, string) (*reconcile.Importer, error) {
		return &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test")}, nil
	}
	hooks, err := reconcile.NewHooks(s.DB.Pool, derive, im, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/{provider}/{organization}", hooks)
	const secret, other = "a secret of this school", "the secret after it, newer"
	send := func(secret, body string, at time.Time) (status int, answer string) {
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "." + body))
		r := httptest.NewRequest("POST", "/hooks/sepay/"+school, strings.NewReader(body))
		r.Header.Set("X-SePay-Timestamp", stamp)
		r.Header.Set("X-SePay-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	message := func(id int, content, reference string) string {
		return fmt.Sprintf(`{"id":%d,"gateway":"VCB","transactionDate":"2026-09-05 08:15:00","accountNumber":"0011000000001","content":"%s","transferType":"in","transferAmount":500000,"accumulated":0,"referenceCode":"%s"}`, id, content, reference)
	}
	now := time.Now()
	if status, _ := send(secret, message(1, b1, "FT26248000000001"), now); status != 401 {
		t.Errorf("not connected: %d", status)
	}
	connect := func(secret string) {
		t.Helper()
		if err := hooks.Connect(t.Context(), school, "sepay", "main", secret, "cli"); err != nil {
			t.Fatal(err)
		}
	}
	connect(secret)
	for what, want := range map[string]struct {
		secret, body string
		at           time.Time
		status       int
	}{
		"another secret": {other, message(1, b1, "FT26248000000001"), now, 401},
		"stale":          {secret, message(1, b1, "FT26248000000001"), now.Add(-6 * time.Minute), 401},
		"no message":     {secret, `{"id":1}`, now, 400},
		"not JSON":       {secret, `xin chào`, now, 400},
	} {
		if status, _ := send(want.secret, want.body, want.at); status != want.status {
			t.Errorf("%s: %d, want %d", what, status, want.status)
		}
	}
	if got := balance(t, s, "bank:main"); got != "0" {
		t.Fatalf("what was refused moved the bank: %s", got)
	}
	for range 3 { // senders repeat
		if status, answer := send(secret, message(1, "HP2526 "+b1[6:], "FT26248000000001"), now); status != 200 || answer != `{"success":true}` {
			t.Errorf("%d %s", status, answer)
		}
	}
	if status, _ := send(secret, message(1, "another content", "FT26248000000009"), now); status != 400 {
		t.Errorf("one id, two movements: %d", status)
	}
	// Two payments that look alike, without a reference, are two.
	for id := 2; id < 4; id++ {
		if status, _ := send(secret, message(id, "nop phi", ""), now); status != 200 {
			t.Errorf("%d", status)
		}
	}
	for path, want := range map[string]string{"bank:main": "1500000", "pupil:p-b1:receivable:b1": "0"} {
		if got := balance(t, s, path); got != want {
			t.Errorf("%s holds %s, want %s", path, got, want)
		}
	}
	// The statement shows the same three, and one more.
	account := "Tài khoản: 0011000000001\n"
	file := account + statement(0, "05/09/2026|500000||FT26248000000001|MBVCB."+b1+".CT tu 001", "05/09/2026|500000|||nop phi", "05/09/2026|500000|||nop phi", "05/09/2026|500000|||nop phi")
	importer, _ := im(t.Context(), school)
	importer.Account = "main"
	report, err := importer.File(t.Context(), strings.NewReader(file), bank.Options{Name: "sao-ke.csv", Account: "0011000000001"})
	if err != nil || report.New != 1 || report.AlreadyKnown != 3 {
		t.Errorf("%+v, %v", report, err)
	}
	// Two secrets live while one is replaced; then one.
	connect(other)
	for _, key := range []string{secret, other} {
		if status, _ := send(key, message(1, "HP2526 "+b1[6:], "FT26248000000001"), now); status != 200 {
			t.Errorf("while replacing: %d", status)
		}
	}
	if err := hooks.Settle(t.Context(), school, "sepay"); err != nil {
		t.Fatal(err)
	}
	if status, _ := send(secret, message(5, "x", ""), now); status != 401 {
		t.Errorf("the old secret still opens: %d", status)
	}
	if list, err := hooks.List(t.Context()); err != nil || len(list) != 1 || list[0].Secrets != 1 || list[0].UsedAt == nil {
		t.Errorf("%+v %v", list, err)
	}
	if err := hooks.Disconnect(t.Context(), school, "sepay"); err != nil {
		t.Fatal(err)
	}
	if status, _ := send(other, message(6, "x", ""), now); status != 401 {
		t.Errorf("disconnected: %d", status)
	}
}
