package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/books"
	"socho/internal/identity"
	"socho/internal/office"
	"socho/internal/print"
	"socho/internal/readmodel"
	"socho/projections"
)

// Finance is an organization's finance office in somebody's name; *office.Office
// is. It asks for no right.
type Finance interface {
	Export(ctx context.Context, e office.Export) (*books.Table, error)
	Slips(ctx context.Context, s office.Slips) (document []byte, report office.SlipReport, err error)
	Arrears(ctx context.Context, organization string, on events.Date) (groups []books.Owing, all books.Owing, err error)
	Codes(ctx context.Context, org projections.Organization) (books.Codes, error)
	SetCodes(ctx context.Context, organization string, codes books.Codes) error

	PlanRun(ctx context.Context, r billing.Run) (*billing.Plan, projections.Organization, error)
	IssueRun(ctx context.Context, p *billing.Plan, org projections.Organization, progress office.Progress) error

	Enrol(ctx context.Context, organization string, rows []office.PupilRow, on events.Date, leavers bool) (*office.Enrolment, error)
	SayEnrolment(ctx context.Context, e *office.Enrolment, progress office.Progress) error
	SetTariffs(ctx context.Context, organization string, set []events.TariffSet) (*office.Tariffs, error)
	SayTariffs(ctx context.Context, t *office.Tariffs) error
	ReadReductions(src io.ReadSeeker, organization string, on events.Date) ([]events.ReductionGranted, []office.RowProblem, error)
	GrantReductions(ctx context.Context, organization string, granted []events.ReductionGranted) (*office.Reductions, []events.ReductionGranted, error)
	SayReductions(ctx context.Context, r *office.Reductions) error
	Closing
	StallTerms
	Payments(ctx context.Context, organization, bill string) (b projections.Bill, paid []office.FamilyPayment, err error)
	Ranges(ctx context.Context, organization string) ([]billing.Range, error)
	IssueLinks(ctx context.Context, organization, class string, on events.Date) (issued int, err error)
	RevokeLinks(ctx context.Context, organization, class string, on events.Date) (revoked int, err error)
	Family(ctx context.Context, secret string) (*office.Family, error)
	RollOver(ctx context.Context, organization string, on events.Date, moves billing.Moves, stay []string) (*office.Rollover, error)
	SayRollover(ctx context.Context, r *office.Rollover, progress office.Progress) error
}

// maxList bounds a list that is handed in on a page.
const maxList = 4 << 20

// finance are the routes of a finance office.
func (s *site) finance() []route {
	bills, export, named := rights{identity.IssueBills}, rights{identity.ExportData}, rights{identity.ExportPersonal}
	return []route{
		{pattern: "GET /office/{org}", rights: rights{identity.IssueBills, identity.ExportData}, where: inPath, show: s.office},
		{pattern: "GET /office/{org}/arrears", rights: rights{identity.SeeBoard}, where: inPath, show: s.arrears},
		{pattern: "GET /office/{org}/run", rights: bills, where: inPath, show: s.billRun},
		{pattern: "POST /office/{org}/run", rights: bills, where: inPath, page: true, slow: true, show: s.billRun},
		{pattern: "GET /office/{org}/lists/{list}", rights: bills, where: inPath, show: s.takeList},
		{pattern: "POST /office/{org}/lists/{list}", rights: bills, where: inPath, page: true, upload: 2 * maxList, slow: true, show: s.takeList},
		{pattern: "GET /office/{org}/year", rights: bills, where: inPath, show: s.schoolYear},
		{pattern: "POST /office/{org}/year", rights: bills, where: inPath, page: true, slow: true, show: s.schoolYear},
		{pattern: "POST /office/{org}/slips", rights: rights{identity.IssueBills}, where: inPath, slow: true, show: s.exportSlips},
		{pattern: "POST /office/{org}/export", rights: export, where: inPath, slow: true, show: s.exportSheet},
		{pattern: "GET /office/{org}/named/{what}", rights: named, where: inPath, show: s.toOffice},
		{pattern: "POST /office/{org}/named/slips", rights: named, where: inPath, page: true, slow: true, show: s.namedSlips},
		{pattern: "POST /office/{org}/named/export", rights: named, where: inPath, page: true, slow: true, show: s.namedExport},
		{pattern: "GET /office/{org}/codes", rights: export, where: inPath, show: s.accountCodes},
		{pattern: "POST /office/{org}/codes", rights: bills, where: inPath, page: true, upload: 64 << 10, show: s.setAccountCodes},
	}
}

// toOffice is where one lands who came to a download by way of the step-up.
func (s *site) toOffice(r *request) (*view, error) {
	return see("/office/"+r.PathValue("org"), ""), nil
}

// financeOf is the finance office in the visitor's name.
func (s *site) financeOf(r *request) Finance { return s.Finance(actor(r.who)) }

// mayFinance says whether the visitor is led to the finance office.
func (s *site) mayFinance(r *request, organization string) bool {
	return s.Finance != nil && (r.who.May(identity.IssueBills, organization) || r.who.May(identity.ExportData, organization))
}

// today is the calendar day in Vietnam.
func (r *request) today() events.Date {
	return events.Date(time.Now().In(vietnam).Format(time.DateOnly))
}

// under leads back to the office.
func (s *site) underOffice(r *request, o projections.Organization, v *view) *view {
	v.section = o.Kind
	v.crumbs = append(r.crumbs(o), crumb{r.language.say("office.title"), "/office/" + o.Organization})
	return v
}

type officePage struct {
	Organization projections.Organization
	Bills        bool // the visitor bills
	Export       bool // and takes sheets away
	Named        bool // also with names
	Today        events.Date
	Periods      []string
	Period       string
	Kinds        []option
}

// office is what a finance office can do.
func (s *site) office(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	page := officePage{Organization: o, Bills: r.who.May(identity.IssueBills, o.Organization), Export: r.who.May(identity.ExportData, o.Organization),
		Named: r.who.May(identity.ExportPersonal, o.Organization), Today: r.today(), Kinds: r.language.options("sheet", office.Kinds)}
	if page.Periods, page.Period, err = s.billMonths(r, o.Organization); err != nil {
		return nil, err
	}
	return &view{template: "office", title: r.language.say("office.title"), section: o.Kind, crumbs: r.crumbs(o), data: page}, nil
}

// month reads a month of a form; empty for all.
func (r *request) month() (events.Period, error) {
	p := events.Period(r.FormValue("period"))
	if p != "" && (len(p) != 7 || !p.Valid()) {
		return "", errBad
	}
	return p, nil
}

// exported writes down that somebody took something away, before they do.
func (s *site) exported(r *request, what string, named bool) error {
	if s.People == nil {
		return nil
	}
	entry := identity.Entry{Action: identity.Exported, Organization: r.PathValue("org"), Object: what, Outcome: identity.OK}
	if named {
		entry.Detail = "name"
	}
	return s.People.Record(r.Context(), entry)
}

func (s *site) exportSheet(r *request) (*view, error) { return s.handSheet(r, false) }
func (s *site) namedExport(r *request) (*view, error) { return s.handSheet(r, true) }

// handSheet hands a sheet over.
func (s *site) handSheet(r *request, named bool) (*view, error) {
	period, err := r.month()
	if err != nil {
		return nil, err
	}
	kind := r.PostFormValue("kind")
	if !slices.Contains(office.Kinds, kind) {
		return nil, errBad
	}
	on := events.Date(r.PostFormValue("on"))
	if on == "" {
		on = r.today()
	}
	if !on.Valid() {
		return nil, errBad
	}
	if err := s.exported(r, kind, named); err != nil {
		return nil, err
	}
	table, err := s.financeOf(r).Export(r.Context(), office.Export{Organization: r.PathValue("org"), Kind: kind, Period: period, Class: strings.TrimSpace(r.PostFormValue("class")), On: on, Names: named})
	if errors.Is(err, readmodel.ErrTooMany) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, err
	}
	name, media, content, err := office.File(table, r.PostFormValue("format"))
	return &view{file: &file{name: name, kind: media, content: content}}, err
}

func (s *site) exportSlips(r *request) (*view, error) { return s.printSlips(r, false) }
func (s *site) namedSlips(r *request) (*view, error)  { return s.printSlips(r, true) }

// printSlips hands payment slips over.
func (s *site) printSlips(r *request, named bool) (*view, error) {
	period, err := r.month()
	if err != nil {
		return nil, err
	}
	if err := s.exported(r, "slips", named); err != nil {
		return nil, err
	}
	org, class := r.PathValue("org"), strings.TrimSpace(r.PostFormValue("class"))
	document, _, err := s.financeOf(r).Slips(r.Context(), office.Slips{Organization: org, Period: period, Class: class, Bill: r.PostFormValue("bill"), Names: named, Links: s.origin(r) + FamilyPath, At: time.Now().UTC()})
	switch {
	case errors.Is(err, print.ErrNothing):
		return nil, &failure{http.StatusNotFound, "no_slips"}
	case errors.Is(err, office.ErrNoAccount):
		return nil, &failure{http.StatusConflict, "no_account"}
	case err != nil:
		return nil, err
	}
	name := "phieu-" + org
	for _, part := range []string{string(period), office.ClassID(class)} {
		if part != "" {
			name += "-" + part
		}
	}
	return &view{file: &file{name: name + ".pdf", kind: "application/pdf", content: document}}, nil
}

type arrearsPage struct {
	Organization projections.Organization
	On           events.Date
	Ages         []string
	Groups       []books.Owing
	All          books.Owing
	Single       bool // single stalls have pages of their own
	Market       bool
}

// arrears says who owes since when.
func (s *site) arrears(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	page := arrearsPage{Organization: o, On: r.today(), Market: o.Kind == "market", Single: o.Kind == "market" && r.who.May(identity.SeeBills, o.Organization)}
	if text := r.query.Get("on"); text != "" {
		page.On = events.Date(text)
	}
	if !page.On.Valid() {
		return nil, errBad
	}
	if page.Groups, page.All, err = s.financeOf(r).Arrears(r.Context(), o.Organization, page.On); err != nil {
		return nil, err
	}
	for _, key := range []string{"not_due", "to30", "to60", "to90", "over90"} {
		page.Ages = append(page.Ages, r.language.say("age."+key))
	}
	return s.underOffice(r, o, &view{template: "arrears", title: r.language.say("arrears.title"), data: page}), nil
}

// accountCodes hands the account codes over.
func (s *site) accountCodes(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	codes, err := s.financeOf(r).Codes(r.Context(), o)
	return &view{file: &file{name: "ma-tai-khoan-" + o.Organization + ".csv", kind: "text/csv; charset=utf-8", content: append([]byte("\ufeff"), books.WriteCodes(codes)...)}}, err
}

// setAccountCodes takes account codes in.
func (s *site) setAccountCodes(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	v, page := r.formView("ledgercodes", r.URL.Path, r.fileField("list_file", ".csv"))
	v = s.underOffice(r, o, v)
	page.Form.Cancel = "/office/" + o.Organization
	_, content, err := r.uploaded("list_file")
	if err != nil {
		return nil, errBad
	}
	if content == nil {
		return v, nil
	}
	codes, err := books.ReadCodes(content)
	if errors.Is(err, books.ErrCodes) {
		page.Form.Fields[0].Error, v.status = err.Error(), http.StatusUnprocessableEntity
		return v, nil
	}
	if err == nil {
		err = s.financeOf(r).SetCodes(r.Context(), o.Organization, codes)
	}
	return see("/office/"+o.Organization, "ledgercodes"), err
}

// fileField asks for a file.
func (r *request) fileField(name, accept string) formField {
	return formField{Name: name, Label: r.language.say("ask." + name), Hint: r.language.text["ask."+name+".hint"], Type: "file", Accept: accept, Required: true}
}
