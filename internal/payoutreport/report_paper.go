package payoutreport

import (
	"cmp"
	"fmt"
	"strings"

	"socho/internal/adminunits"
)

const reportTitle = "Báo cáo chi trả trợ cấp xã hội"

// percent writes a rate as people do: 86,2 %.
func percent(r *string) string {
	if r == nil {
		return "–"
	}
	return strings.Replace(*r, ".", ",", 1) + " %"
}

func (r *Row) place() string {
	return cmp.Or(adminunits.Name(r.Unit), r.Unit, "Không thuộc danh sách được hưởng")
}

// due is the day that the report is due: the 20th of the month (Decree 20/2021,
// Article 34).
func (r *Report) due() string { return "20/" + monthOf(r.Period) }

// fraction says what the rate is of.
func (r *Report) fraction() string {
	return fmt.Sprintf("%s trên %s người = %s", number(r.Whole.PaidAccount), number(r.Whole.Entitled), percent(r.Whole.Rate))
}

// PDF prints the report on A4, pages on their side.
func (r *Report) PDF() ([]byte, error) {
	p := newPaper(fmt.Sprintf("%s tháng %s", reportTitle, monthOf(r.Period)), true, r.At)
	heading := func() {
		p.SetXY(margin, margin)
		p.say(9, false, "L", r.Fund)
		p.say(14, true, "C", strings.ToUpper(reportTitle))
		p.say(10, false, "C", fmt.Sprintf("Tháng %s · hạn báo cáo %s · lập lúc %s", monthOf(r.Period), r.due(), r.At.In(vietnam).Format("15:04 02/01/2006")))
		p.Ln(2)
	}
	columns := []column{{"Xã", 49, "L"}, {"Được hưởng (người / đồng)", 32, "R"}, {"Có tài khoản (người / đồng)", 32, "R"}, {"Trả qua tài khoản (người / đồng)", 32, "R"},
		{"Trả tiền mặt (người / đồng)", 32, "R"}, {"Bị trả về (người / đồng)", 30, "R"}, {"Chuyển kỳ sau (người / đồng)", 32, "R"}, {"Tỷ lệ không tiền mặt", 34, "C"}}
	p.again = func() { heading(); p.head(columns, 12) }
	p.page()
	const height = 10.5
	two := func(x, width float64, n, sum int64, bold bool) {
		y := p.GetY()
		p.SetXY(x, y+0.6)
		p.fit(number(n), width, 4.8, 9.5, bold, "R")
		p.SetXY(x, y+5.2)
		p.fit(number(sum), width, 4.8, 8, bold, "R")
		p.SetXY(x, y)
	}
	line := func(row *Row, name string, bold bool) {
		p.room(height)
		y := p.GetY()
		p.row(columns, height, 9.5, bold, name, "", "", "", "", "", "", percent(row.Rate))
		p.SetXY(margin, y)
		x := margin + columns[0].width
		for i, v := range [][2]int64{{row.Entitled, row.EntitledSum}, {row.HasAccount, row.AccountSum}, {row.PaidAccount, row.PaidAccountSum}, {row.PaidCash, row.PaidCashSum}, {row.Returned, row.ReturnedSum}, {row.Carried, row.CarriedSum}} {
			two(x, columns[i+1].width, v[0], v[1], bold)
			x += columns[i+1].width
		}
		p.SetXY(margin, y+height)
	}
	for i := range r.Units {
		line(&r.Units[i], r.Units[i].place(), false)
	}
	line(&r.Whole, "Cộng", true)
	p.again = heading
	p.Ln(3)
	p.room(26)
	p.say(11, true, "L", "Tỷ lệ chi trả không dùng tiền mặt: "+r.fraction())
	p.say(8.5, false, "L", RateMeans+" Định nghĩa: "+r.Definition+".")
	p.say(8.5, false, "L", "Chuyển kỳ sau: người được hưởng mà chưa nhận được gì; số tiền là phần được hưởng chưa chi. Bị trả về: tiền đã quay lại và còn nợ người nhận.")

	tills := []column{{"Điểm chi", 81, "L"}, {"Đầu tháng còn", 38, "R"}, {"Rút về", 38, "R"}, {"Đã chi", 38, "R"}, {"Nộp lại ngân hàng", 38, "R"}, {"Còn lại", 40, "R"}}
	p.Ln(3)
	p.room(40)
	p.say(11, true, "L", fmt.Sprintf("Tiền mặt trong tháng %s (đồng)", monthOf(r.Period)))
	p.Ln(1)
	p.head(tills, 8)
	p.again = func() { heading(); p.head(tills, 8) }
	cash := func(t Till, name string, bold bool) {
		p.room(6.3)
		p.row(tills, 6.3, 9, bold, name, number(t.Before), number(t.Drawn), number(t.Paid), number(t.Banked), number(t.Left()))
	}
	for _, t := range r.Tills {
		cash(t, t.Point, false)
	}
	cash(r.Cash, "Cộng", true)
	p.again = heading
	p.signatures("Người lập", "Kế toán", "Thủ trưởng đơn vị")
	return p.bytes()
}

// XLSX writes the report as a workbook; counts, amounts and rates are numbers.
func (r *Report) XLSX() ([]byte, error) {
	w, err := newWorkbook(reportTitle, "Báo cáo", r.At)
	if err != nil {
		return nil, err
	}
	share := func(s *string) rate {
		if s == nil {
			return ""
		}
		return rate(*s)
	}
	w.add(true, r.Fund)
	w.add(true, fmt.Sprintf("%s tháng %s, hạn báo cáo %s", reportTitle, monthOf(r.Period), r.due()))
	w.add(false)
	w.add(true, "Xã", "Mã xã", "Được hưởng (người)", "Được hưởng (đồng)", "Có tài khoản (người)", "Có tài khoản (đồng)", "Trả qua tài khoản (người)", "Trả qua tài khoản (đồng)",
		"Trả tiền mặt (người)", "Trả tiền mặt (đồng)", "Bị trả về (người)", "Bị trả về (đồng)", "Chuyển kỳ sau (người)", "Chuyển kỳ sau (đồng)", "Tỷ lệ không tiền mặt (%)")
	w.widths(30, 12, 12, 16, 12, 16, 12, 16, 12, 16, 12, 16, 12, 16, 14)
	line := func(row *Row, name string, bold bool) {
		w.add(bold, name, row.Unit, row.Entitled, row.EntitledSum, row.HasAccount, row.AccountSum, row.PaidAccount, row.PaidAccountSum, row.PaidCash, row.PaidCashSum,
			row.Returned, row.ReturnedSum, row.Carried, row.CarriedSum, share(row.Rate))
	}
	for i := range r.Units {
		line(&r.Units[i], r.Units[i].place(), false)
	}
	line(&r.Whole, "Cộng", true)
	w.add(false)
	w.add(false, "Định nghĩa", r.Definition)
	w.add(false, "Tử số (người)", r.Whole.PaidAccount)
	w.add(false, "Mẫu số (người)", r.Whole.Entitled)
	w.add(false, "Tỷ lệ (%)", share(r.Whole.Rate))
	w.add(false, RateMeans)
	w.add(false)
	w.add(true, "Điểm chi", "Đầu tháng còn (đồng)", "Rút về (đồng)", "Đã chi (đồng)", "Nộp lại ngân hàng (đồng)", "Còn lại (đồng)")
	for _, t := range r.Tills {
		w.add(false, t.Point, t.Before, t.Drawn, t.Paid, t.Banked, t.Left())
	}
	w.add(true, "Cộng", r.Cash.Before, r.Cash.Drawn, r.Cash.Paid, r.Cash.Banked, r.Cash.Left())
	return w.bytes()
}
