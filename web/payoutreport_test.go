package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"socho/internal/identity"
	"socho/internal/payoutreport"
)

// fakePapers are those of one month.
type fakePapers struct{}

func (fakePapers) Report(_ context.Context, organization, period string, at time.Time) (*payoutreport.Report, error) {
	rate := "86.2"
	row := payoutreport.Row{Unit: "00721", Entitled: 1097, HasAccount: 954, PaidAccount: 946, PaidCash: 146, Returned: 2, Carried: 5, EntitledSum: 793_000_000, CarriedSum: 4_000_000, Rate: &rate}
	till := payoutreport.Till{Point: "buu-dien", Before: 2_000_000, Drawn: 105_250_000, Paid: 104_750_000}
	return &payoutreport.Report{Organization: organization, Fund: "Quỹ trợ cấp", Period: period, Definition: "benefits.persons@1", Units: []payoutreport.Row{row}, Whole: row, Tills: []payoutreport.Till{till}, Cash: till, At: at}, nil
}

func (fakePapers) Sheet(_ context.Context, actor, _, period, unit string, at time.Time) (*payoutreport.Sheet, error) {
	s := &payoutreport.Sheet{Fund: "Quỹ trợ cấp", Period: period, Unit: unit, At: at}
	if unit == "00721" {
		s.Lines = []payoutreport.SheetLine{{Payout: "o4", Name: "Vàng Thị Sua of " + actor, Unit: unit, Amount: 750_000}}
	}
	return s, nil
}

// TestPapers: the report is shown to whoever sees the board and handed over to
// whoever may take files; the signed list, which names people, only after a fresh
// proof; the trail says both. A slip names nobody.
func TestPapers(t *testing.T) {
	h, _, _ := openPayPoint(t)
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.Auditor))
	v.get("/funds/"+fund).sees(200, "/funds/", "Báo cáo tháng")
	v.get("/funds/"+fund+"/report?period=2026-09").sees(200, "/funds/", "86,2 %", "946 trên 1.097", "benefits.persons@1", "4.000.000 đ", "2.500.000 đ", "Xã Đồng Văn")
	v.get("/funds/"+fund+"/report?period=2026-9").sees(400, "/funds/")
	for format, begins := range map[string]string{"pdf": "%PDF-", "xlsx": "PK"} {
		v.get("/funds/" + fund + "/report/" + format + "?period=2026-09")
		if v.status != 200 || !strings.HasPrefix(v.body, begins) || !strings.Contains(v.header.Get("Content-Disposition"), "bao-cao-"+fund+"-2026-09."+format) || v.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", format, v.status, v.header)
		}
	}
	v.get("/funds/"+fund+"/report/doc?period=2026-09").sees(404, "/funds/")
	v.get("/funds/"+fund+"/sheet").sees(403, "/funds/")
	v.get("/payouts/" + fund + "/o4/slip")
	if v.status != 200 || !strings.HasPrefix(v.body, "%PDF-") {
		t.Errorf("the slip: %d", v.status)
	}
	v.get("/payouts/"+fund+"/nobody/slip").sees(404, "/payouts/")

	officer := h.fundOfficer(t)
	officer.get("/funds/"+fund+"/sheet?period=2026-09&unit=00721").sees(200, "/funds/", "Danh sách ký nhận")
	officer.post("/funds/"+fund+"/sheet", "period", "2026-09", "unit", "08", "format", "pdf").sees(422, "/funds/", "không có ai nhận tiền mặt")
	officer.post("/funds/"+fund+"/sheet", "period", "2026-09", "unit", "../x", "format", "pdf").sees(400, "/funds/")
	officer.post("/funds/"+fund+"/sheet", "period", "2026-09", "unit", "00721", "format", "xlsx")
	if officer.status != 200 || !strings.HasPrefix(officer.body, "PK") || !strings.Contains(officer.header.Get("Content-Disposition"), "ky-nhan-"+fund+"-2026-09-00721.xlsx") {
		t.Errorf("the signed list: %d %v", officer.status, officer.header)
	}
	trail, _, err := h.people.Trail(t.Context(), identity.TrailFilter{Action: identity.Exported, Organizations: []string{identity.Everywhere}}, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, e := range trail {
		said = append(said, e.Object)
	}
	if got := strings.Join(said, "; "); strings.Count(got, "payout_report 2026-09") != 2 || !strings.Contains(got, "signed_list 2026-09 00721") {
		t.Errorf("the trail says %s", got)
	}
}

// fundOfficer is signed in as the finance officer of the fund.
func (h *house) fundOfficer(t *testing.T) *visitor {
	t.Helper()
	ctx := identity.With(t.Context(), identity.CLI())
	id, link, err := h.people.Add(ctx, "tai.vu.quy", "vi")
	if err == nil {
		err = h.people.Grant(ctx, id, identity.Grant{Role: identity.FinanceOfficer, Organization: fund})
	}
	if err == nil {
		_, err = h.people.Redeem(ctx, link, "tai.vu.quy", passphrase)
	}
	if err != nil {
		t.Fatal(err)
	}
	v := h.visitor(t)
	v.post("/sign-in", "name", "tai.vu.quy", "password", passphrase, "next", "/work").sees(200, "/work")
	return v
}
