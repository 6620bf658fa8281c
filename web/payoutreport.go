package web

import (
	"context"
	"net/http"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/payoutreport"
	"socho/projections"
)

// MonthSource makes the papers of a fund's month.
type MonthSource interface {
	Report(ctx context.Context, organization, period string, at time.Time) (*payoutreport.Report, error)
	// Sheet opens names in the name of the context's principal, and says so in the
	// trail before.
	Sheet(ctx context.Context, actor, organization, period, unit string, at time.Time) (*payoutreport.Sheet, error)
}

// payoutPapers are the routes of the month's papers.
func (s *site) payoutPapers() []route {
	sheet := rights{identity.ExportPersonal}
	return []route{
		{pattern: "GET /funds/{org}/report", rights: rights{identity.SeeBoard, identity.SeePayouts}, where: inPath, show: s.monthReport},
		{pattern: "GET /funds/{org}/report/{format}", rights: rights{identity.ExportData}, where: inPath, show: s.monthReportFile},
		{pattern: "GET /funds/{org}/sheet", rights: sheet, where: inPath, show: s.cashSheet},
		{pattern: "POST /funds/{org}/sheet", rights: sheet, where: inPath, page: true, show: s.cashSheet},
		{pattern: "GET /payouts/{org}/{payout}/slip", rights: rights{identity.SeePayouts}, where: inPath, show: s.payoutSlip},
	}
}

const (
	pdfType  = "application/pdf"
	xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// paper is what can be put on paper or into a workbook.
type paper interface {
	PDF() ([]byte, error)
	XLSX() ([]byte, error)
}

// printed hands a paper over as a file of a format. Errors: errNoPage for another.
func printed(p paper, name, format string) (*view, error) {
	f := &file{name: name + "." + format, kind: pdfType}
	var err error
	switch format {
	case "pdf":
		f.content, err = p.PDF()
	case "xlsx":
		f.kind = xlsxType
		f.content, err = p.XLSX()
	default:
		return nil, errNoPage
	}
	return &view{file: f}, err
}

// reportPage is a month's report.
type reportPage struct {
	cashMonth
	Report *payoutreport.Report
	Files  bool // the visitor may take it along
}

func (s *site) reportOf(r *request) (m cashMonth, report *payoutreport.Report, err error) {
	if m, err = s.cashMonth(r); err != nil || m.Period == "" {
		return m, nil, err
	}
	report, err = s.MonthPapers.Report(r.Context(), m.Organization.Organization, m.Period, time.Now())
	return m, report, err
}

// monthReport shows a fund's month as it is reported.
func (s *site) monthReport(r *request) (*view, error) {
	m, report, err := s.reportOf(r)
	if err != nil {
		return nil, err
	}
	page := reportPage{m, report, r.who.May(identity.ExportData, m.Organization.Organization)}
	return &view{template: "fundreport", title: r.language.say("fundreport.title"), section: "fund", crumbs: r.crumbs(m.Organization), data: page}, nil
}

// monthReportFile hands the report over; the trail says who took it.
func (s *site) monthReportFile(r *request) (*view, error) {
	m, report, err := s.reportOf(r)
	if err != nil {
		return nil, err
	}
	if report == nil {
		return nil, errNoPage
	}
	v, err := printed(report, "bao-cao-"+m.Organization.Organization+"-"+m.Period, r.PathValue("format"))
	if err != nil {
		return nil, err
	}
	return v, s.exported(r, "payout_report "+m.Period, false)
}

// sheetPage asks for which month and commune the signed list is.
type sheetPage struct {
	cashMonth
	Format string
	None   bool // nobody is on it
}

// cashSheet hands over the list that people sign for cash. It names them, so that it
// is asked for by a form and after a fresh proof of who asks.
func (s *site) cashSheet(r *request) (*view, error) {
	m, err := s.cashMonth(r)
	if err != nil {
		return nil, err
	}
	page := sheetPage{cashMonth: m, Format: r.FormValue("format")}
	if m.Unit != "" && !events.ValidID(m.Unit) {
		return nil, errBad
	}
	v := &view{template: "cashsheet", title: r.language.say("cashsheet.title"), section: "fund", crumbs: r.crumbs(m.Organization), data: &page}
	if r.Method != http.MethodPost || m.Period == "" {
		return v, nil
	}
	sheet, err := s.MonthPapers.Sheet(r.Context(), actor(r.who), m.Organization.Organization, m.Period, m.Unit, time.Now())
	if err != nil {
		return nil, err
	}
	if len(sheet.Lines) == 0 {
		page.None, v.status = true, http.StatusUnprocessableEntity
		return v, nil
	}
	name := "ky-nhan-" + m.Organization.Organization + "-" + m.Period
	if m.Unit != "" {
		name += "-" + m.Unit
	}
	done, err := printed(sheet, name, page.Format)
	if err != nil {
		return nil, err
	}
	return done, s.exported(r, "signed_list "+m.Period+" "+m.Unit, true)
}

// payoutSlip hands over what tells a person of their payout: how much, for which
// month, where and how to collect it. It names nobody.
func (s *site) payoutSlip(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	p, err := s.Model.Payout(r.Context(), o.Organization, r.PathValue("payout"))
	if err != nil {
		return nil, err
	}
	if p.Status() == projections.PayoutReversed {
		return nil, errNoPage
	}
	content, err := (&payoutreport.Slip{Fund: o.Name, Payout: p, At: time.Now()}).PDF()
	if err != nil {
		return nil, err
	}
	return &view{file: &file{name: "phieu-" + p.Payout + ".pdf", kind: pdfType, content: content}}, nil
}
