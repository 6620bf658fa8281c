package web

import (
	"strings"
	"testing"

	"socho/internal/identity"
)

// TestPersonToken: whoever is signed in makes a token for commands, sees it once,
// and takes it back; it ends with the sessions.
func TestPersonToken(t *testing.T) {
	h := openHouse(t, nil)
	cli := identity.With(t.Context(), identity.CLI())
	_, link, err := h.people.Add(cli, "hoa.tran", "vi")
	if err != nil {
		t.Fatal(err)
	}
	hoa := h.visitor(t)
	hoa.get("/welcome?link=" + link)
	hoa.post("/welcome", "link", link, "password", "núi đôi Quản Bạ sớm mai")
	hoa.get("/me").sees(200, "/me", "Mã để chạy lệnh")
	hoa.post("/me/tokens").sees(200, "/me/tokens", "không hiện lại")
	secret := hoa.finds(`(socho_p_[A-Za-z0-9_-]{43})`)
	p, err := h.people.ByPersonToken(t.Context(), secret)
	if err != nil || p.Name != "hoa.tran" {
		t.Fatalf("%+v, %v", p, err)
	}
	hoa.get("/me").sees(200, "/me", "Dùng được đến", "Thu hồi")
	if strings.Contains(hoa.body, secret) {
		t.Error("the secret is shown again")
	}
	hoa.post("/me/tokens", "token", hoa.finds(`value="(k-[a-z2-7]{26})"`)).sees(200, "/me?done=token_revoked")
	if _, err := h.people.ByPersonToken(t.Context(), secret); err == nil {
		t.Error("a token that was taken back still opens")
	}
}
