package web

import (
	"context"
	"errors"
	"net/http"

	"socho/internal/identity"
	"socho/internal/verification"
)

// Verifier runs audits of the whole book; *verification.Verifier does.
type Verifier interface {
	// Start begins one in the background. Errors: verification.ErrUnderWay.
	Start(ctx context.Context, replay bool) error
	// Cancel ends the one under way. Errors: verification.ErrNone.
	Cancel(ctx context.Context) error
	// Runs lists them, the latest first.
	Runs(ctx context.Context, limit int) ([]verification.Run, error)
}

// runsShown is how far back the page of verifications goes.
const runsShown = 30

type verifyPage struct {
	Now  *verification.Run // under way
	Runs []runRow
}

type runRow struct {
	verification.Run
	Records int64 // up to which it looked
}

// verify shows what came of examining the book, and lets the auditor have it
// examined now. It names rows of every organization.
func (s *site) verify(r *request) (*view, error) {
	if err := s.Access.Require(r.Context(), identity.Verify, identity.Everywhere); err != nil {
		return nil, err
	}
	if s.Verifier == nil {
		return nil, errNoPage
	}
	if r.Method == http.MethodPost {
		return s.changeVerification(r)
	}
	runs, err := s.Verifier.Runs(r.Context(), runsShown)
	if err != nil {
		return nil, err
	}
	var page verifyPage
	for _, run := range runs {
		row := runRow{Run: run}
		for _, next := range run.Position {
			row.Records += next
		}
		if run.State == verification.Running {
			page.Now = &row.Run
			continue
		}
		page.Runs = append(page.Runs, row)
	}
	return &view{template: "verify", title: r.language.say("verify.title"), section: "verify", data: page}, nil
}

func (s *site) changeVerification(r *request) (*view, error) {
	switch r.PostFormValue("do") {
	case "start":
		err := s.Verifier.Start(r.Context(), r.PostFormValue("how") == "replay")
		if errors.Is(err, verification.ErrUnderWay) {
			return nil, &failure{http.StatusConflict, "under_way"}
		}
		return see("/verify", "verify_start"), err
	case "cancel":
		err := s.Verifier.Cancel(r.Context())
		if errors.Is(err, verification.ErrNone) { // it has just come to its end
			return see("/verify", ""), nil
		}
		return see("/verify", "verify_cancel"), err
	}
	return nil, errBad
}
