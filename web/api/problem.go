package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socho/internal/httpserver"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/internal/service"
	"socho/ledger"
	"socho/projections"
)

// Problem is how every error is told (RFC 9457). No value of the request is
// repeated in it: it may be personal.
type Problem struct {
	Type     string  `json:"type" doc:"Always about:blank; the code says more."`
	Title    string  `json:"title" doc:"The status in words."`
	Status   int     `json:"status" doc:"The HTTP status."`
	Code     string  `json:"code" doc:"What went wrong, for programs." example:"not_allowed"`
	Detail   string  `json:"detail,omitempty" doc:"What went wrong, for people."`
	Instance string  `json:"instance,omitempty" doc:"Names the request in the service's log."`
	Errors   []Fault `json:"errors,omitempty" doc:"Each thing that is wrong, at most a thousand."`

	retryAfter string
}

// Fault is one of several things that are wrong with a request.
type Fault struct {
	Line     int    `json:"line,omitempty" doc:"Of the body, or place in its array; from 1."`
	Location string `json:"location,omitempty" doc:"The parameter, or the field as a JSON Pointer."`
	Code     string `json:"code,omitempty" doc:"What is wrong, for programs."`
	Detail   string `json:"detail,omitempty" doc:"What is wrong, for people."`
}

// maxFaults bounds the faults that one problem names.
const maxFaults = 1000

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter != "" {
		h.Set("Retry-After", p.retryAfter)
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="socho"`)
	}
	return h
}

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func problem(status int, code, detail string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: fmt.Sprintf(detail, args...)}
}

// wrong says that a parameter is.
func wrong(location, detail string, args ...any) *Problem {
	p := problem(http.StatusUnprocessableEntity, "invalid", "A parameter is not as it must be.")
	p.Errors = []Fault{{Location: location, Detail: fmt.Sprintf(detail, args...)}}
	return p
}

func notFound(what string) *Problem {
	return problem(http.StatusNotFound, "not_found", "There is no such %s.", what)
}

var codes = map[int]string{
	http.StatusBadRequest: "bad_request", http.StatusRequestTimeout: "request_timeout", http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType: "unsupported_media_type", http.StatusUnprocessableEntity: "invalid", http.StatusNotAcceptable: "not_acceptable",
}

func init() {
	// What huma finds wrong with a request before a handler sees it. It would
	// repeat the value.
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		p := problem(status, codes[status], "The request is not as the description asks for.")
		for _, err := range errs {
			var tooLong *http.MaxBytesError
			var detailed huma.ErrorDetailer
			switch {
			case errors.As(err, &tooLong):
				p = problem(http.StatusRequestEntityTooLarge, "too_large", "The body is longer than %d bytes.", tooLong.Limit)
			case errors.As(err, &detailed):
				d := detailed.ErrorDetail()
				p.Errors = append(p.Errors, Fault{Location: d.Location, Detail: d.Message})
			}
		}
		if p.Status >= http.StatusInternalServerError { // only reading the body comes to this
			p = problem(http.StatusBadRequest, "bad_request", "The body broke off.")
		}
		if p.Code == "" {
			p.Code = "bad_request"
		}
		return p
	}
}

// problemOf is the one table from errors to problems. What is no fault of the
// request is logged and not told.
func (a *API) problemOf(ctx context.Context, err error) *Problem {
	var p *Problem
	var behind *service.StoppedError
	var unpublished *intake.Error
	var old *ledger.OldRulesError
	var wait *identity.WaitError
	switch {
	case errors.As(err, &p):
	case errors.Is(err, identity.ErrSignIn):
		p = problem(http.StatusUnauthorized, "token_unknown", "There is no such token, or it has expired or been revoked.")
	case errors.As(err, &wait):
		p = problem(http.StatusTooManyRequests, "too_many_attempts", "Too many tokens were tried in vain.")
		p.retryAfter = httpserver.RetryAfter(time.Until(wait.Until))
	case errors.Is(err, readmodel.ErrNotFound), errors.Is(err, postgres.ErrNoAccount):
		p = problem(http.StatusNotFound, "not_found", "There is no such thing.")
	case errors.Is(err, readmodel.ErrCursor):
		p = wrong("query.cursor", "It is none that this list gave out.")
	case errors.Is(err, projections.ErrPeriod):
		p = wrong("query.period", "Expected a month, quarter or year such as 2026-09, 2026-Q3 or 2026.")
	case errors.Is(err, projections.ErrQuery):
		p = wrong("query", "There is no such figure.")
	case errors.As(err, &behind):
		p = problem(http.StatusServiceUnavailable, "shard_stopped", "The shard stands still; an operator has to look.")
	case errors.As(err, &old):
		p = problem(http.StatusConflict, "rules_too_old", "The rules in force cannot read %s yet; an operator switches them: socho rules.", old.Name)
	case errors.As(err, &unpublished):
		p = problem(http.StatusServiceUnavailable, string(unpublished.Code), "Not everything was acknowledged. Publish it again: what is there already becomes a duplicate.")
	case errors.Is(err, context.DeadlineExceeded):
		p = problem(http.StatusServiceUnavailable, "too_slow", "The answer took too long.")
	case errors.Is(err, context.Canceled):
		p = problem(http.StatusServiceUnavailable, "cancelled", "The request was given up.")
	default:
		p = problem(http.StatusInternalServerError, "internal_error", "The request failed. The instance names it in the log.")
	}
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		a.Log.ErrorContext(ctx, "request failed", "code", p.Code, "error", err)
	}
	if id := httpserver.RequestID(ctx); id != "" {
		named := *p
		named.Instance = "urn:socho:request:" + id
		p = &named
	}
	return p
}
