package web

import (
	"errors"
	"net/http"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/office"
	"socho/projections"
)

// FamilyPath begins the address of every family's page; what follows is the secret
// that opens it.
const FamilyPath = "/p/"

// families are the routes of those who come by a link, and of those who hand the
// links out.
func (s *site) families() []route {
	bills := rights{identity.IssueBills}
	return []route{
		{pattern: "GET " + FamilyPath + "{secret}", open: true, show: s.family},
		{pattern: "GET /office/{org}/links", rights: bills, where: inPath, show: s.parentLinks},
		{pattern: "POST /office/{org}/links", rights: bills, where: inPath, page: true, slow: true, show: s.parentLinks},
	}
}

type familyPage struct {
	Organization projections.Organization
	Class        string
	Bills        []familyBill
	Owed         int64
}

// familyBill is a bill with the code that pays it, while codes may be drawn.
type familyBill struct {
	office.FamilyBill
	Owed   int64
	Status string
	Pay    *payment
}

// family shows a child's bills to whoever has the link. It names nobody: a link may
// be passed on.
func (s *site) family(r *request) (*view, error) {
	f, err := s.Finance("").Family(r.Context(), r.PathValue("secret"))
	if errors.Is(err, office.ErrLink) {
		return nil, &failure{http.StatusNotFound, "family"}
	}
	if err != nil {
		return nil, err
	}
	page := familyPage{Organization: f.Organization, Class: f.Class}
	codes := 0
	for _, b := range f.Bills {
		one := familyBill{FamilyBill: b, Owed: max(b.Bill.Owed(), 0), Status: b.Bill.Status()}
		page.Owed += one.Owed
		if one.Owed > 0 && codes < maxCodes {
			one.Pay = s.payment(r, f.Organization, &one.FamilyBill.Bill)
			codes++
		}
		page.Bills = append(page.Bills, one)
	}
	return &view{template: "family", title: r.language.say("family.title"), data: page, hidden: true}, nil
}

// parentLinks hands links out for a class, or takes them back.
func (s *site) parentLinks(r *request) (*view, error) {
	o, err := s.organization(r, "school")
	if err != nil {
		return nil, err
	}
	class := r.ask("link_class", "text", "off")
	class.Required, class.Max = false, 64
	what := formField{Name: "do", Label: r.language.say("ask.link_do"), Type: "radio", Required: true, Value: "issue",
		Options: []option{{Value: "issue", Label: r.language.say("family.issue")}, {Value: "revoke", Label: r.language.say("family.revoke")}}}
	v, page := r.formView("family_links", r.URL.Path, class, what)
	v, page.Form.Cancel = s.underOffice(r, o, v), "/office/"+o.Organization
	if r.Method != http.MethodPost {
		return v, nil
	}
	id := office.ClassID(strings.TrimSpace(class.Value))
	if id != "" && !events.ValidID(id) {
		page.Form.Fields[0].Error, v.status = r.language.say("family.class"), http.StatusUnprocessableEntity
		return v, nil
	}
	desk := s.financeOf(r)
	switch r.PostFormValue("do") {
	case "issue":
		_, err = desk.IssueLinks(r.Context(), o.Organization, id, r.today())
	case "revoke":
		if v := r.sure("family_revoke", r.URL.Path, hidden("do", "revoke"), hidden("link_class", class.Value)); v != nil {
			return s.underOffice(r, o, v), nil
		}
		_, err = desk.RevokeLinks(r.Context(), o.Organization, id, r.today())
	default:
		return nil, errBad
	}
	if err != nil {
		return nil, err
	}
	return see("/office/"+o.Organization, "family_"+r.PostFormValue("do")), nil
}
