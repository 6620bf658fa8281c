package identity

import (
	"net/http"
	"strings"
)

// FromRequest finds out who asks over the API: by the token in "Authorization:
// Bearer …", else by the session that Handler has read. It returns nil and no
// error for a visitor who presents neither.
// Errors: ErrSignIn for a token that is none, *WaitError; those of the database.
func (s *Sessions) FromRequest(r *http.Request) (*Principal, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return From(r.Context()), nil
	}
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, ErrSignIn
	}
	return s.d.ByToken(WithVisit(r.Context(), s.address(r)), strings.TrimSpace(secret))
}
