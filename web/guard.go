package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/readmodel"
)

// Access decides whether the principal of a context has a right, and writes a
// refusal down; *identity.Directory does.
// Errors: identity.ErrNotSignedIn, ErrDenied, ErrStepUp.
type Access interface {
	Require(ctx context.Context, right identity.Right, organization string, object ...string) error
}

// errSecondFactor: the visitor has to set up a second factor before anything else.
var errSecondFactor = errors.New("web: a second factor has to be set up first")

// place finds the organization, and the object in it, that a request is about.
type place func(*site, *request) (organization, object string, err error)

// route is one page or act: where it stands, who may come, and what it shows.
type route struct {
	pattern string           // method and path
	open    bool             // to everybody; otherwise one has to be signed in
	rights  []identity.Right // one of them is needed; none: to be signed in is enough
	account bool             // one's own account: open also to who has yet to set up a second factor
	page    bool             // an act at the address of a page, which may be opened instead
	upload  int64            // bytes of files that its form may send; 0: none
	slow    bool             // it reads or says a great deal, or hands a large file over: it may take slowTime
	where   place            // where the right is needed; nil: anywhere, and the page shows no more than that
	show    func(*request) (*view, error)
}

// admit is the one place that decides who sees what. It runs before every
// handler.
func (s *site) admit(r *request, to *route) error {
	if to.open {
		return nil
	}
	p := r.who
	switch {
	case p == nil:
		return identity.ErrNotSignedIn
	case s.SecondFactor && p.Kind == identity.Person && !p.Second && !to.account:
		return errSecondFactor
	case len(to.rights) == 0:
		return nil
	case to.where == nil:
		i := slices.IndexFunc(to.rights, p.MaySomewhere)
		if i < 0 {
			return s.Access.Require(r.Context(), to.rights[0], identity.Everywhere)
		}
		if to.rights[i].NeedsStepUp() && !p.SteppedUp(time.Now()) {
			return identity.ErrStepUp
		}
		return nil
	}
	organization, object, err := to.where(s, r)
	if err != nil {
		return err
	}
	right := to.rights[0]
	if i := slices.IndexFunc(to.rights, func(right identity.Right) bool { return p.May(right, organization, object) }); i >= 0 {
		right = to.rights[i]
	}
	return s.Access.Require(r.Context(), right, organization, object)
}

// inPath: the organization stands in the address, and so does the stall where
// the page is about one.
func inPath(_ *site, r *request) (organization, object string, err error) {
	return r.PathValue("org"), r.PathValue("stall"), nil
}

// ofBill: the organization stands in the address; the object is the stall that
// the bill is for. Of a bill that there is none of, whoever has the right in
// the whole organization hears that.
func ofBill(s *site, r *request) (organization, object string, err error) {
	organization = r.PathValue("org")
	b, err := s.Model.Bill(r.Context(), organization, r.PathValue("bill"))
	if errors.Is(err, readmodel.ErrNotFound) {
		return organization, "", nil
	}
	return organization, b.Stall, err
}

// ofRecord: the organization is that of the record. What is of none, or not
// there, or of a trader's own sales, in which her market has no part, is for those
// who have the right everywhere.
func ofRecord(s *site, r *request) (organization, object string, err error) {
	shard, offset, ok := readRecord(r.PathValue("shard"), r.PathValue("offset"))
	if !ok {
		return "", "", errNoPage
	}
	o, _, found, err := s.Outcomes.OutcomeAt(r.Context(), shard, offset)
	if err != nil {
		return "", "", err
	}
	if !found || o.Organization == "" || ofTraders[events.Name(o.Type)] {
		return identity.Everywhere, "", nil
	}
	return o.Organization, "", nil
}

// ofTraders are facts about a trader's own sales.
var ofTraders = map[string]bool{saleReceived: true, "market.sales_connected": true, "market.sales_disconnected": true}

// readRecord reads a record's position.
func readRecord(shardText, offsetText string) (shard int, offset int64, ok bool) {
	n, err1 := strconv.ParseUint(shardText, 10, 15)
	offset, err2 := strconv.ParseInt(offsetText, 10, 64)
	return int(n), offset, err1 == nil && err2 == nil && offset >= 0
}

// scope is where the visitor has a right: nil for everywhere.
func (r *request) scope(right identity.Right) []string {
	if r.who.May(right, identity.Everywhere) {
		return nil
	}
	return append([]string{}, r.who.Organizations(right)...)
}

// elsewhere sends a visitor who lacks only a proof of who they are to where
// they give it, and back afterwards.
func (r *request) elsewhere(err error, to *route) (address string, ok bool) {
	switch {
	case errors.Is(err, identity.ErrNotSignedIn):
		address = "/sign-in"
	case errors.Is(err, identity.ErrStepUp):
		address = "/step-up"
	case errors.Is(err, errSecondFactor):
		return "/me/second-factor", true
	default:
		return "", false
	}
	if to.page || r.Method == http.MethodGet || r.Method == http.MethodHead {
		address += "?next=" + url.QueryEscape(r.with("", ""))
	}
	return address, true
}

// next is where a visitor wanted to go; a page of this site alone.
func (r *request) next(otherwise string) string {
	to := r.FormValue("next")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return otherwise
	}
	return to
}
