package receiptpdf

import (
	"strings"

	"socho/ledger"
)

// words say the members of facts in both languages. TestWords holds them to the
// catalogue.
var words = map[string]string{
	"account": "Tài khoản / Account", "amount": "Số tiền / Amount", "approvers": "Số người duyệt / Approvers",
	"at": "Chỗ sai / At", "bank_bin": "Mã ngân hàng / Bank", "batch": "Lô chi / Batch", "bill": "Phiếu / Bill",
	"class": "Lớp / Class", "clearing": "Kênh trả / Clearing", "code": "Mã lý do / Code", "collector": "Người thu / Collector",
	"count": "Số khoản / Count", "currency": "Loại tiền / Currency", "denominator": "Mẫu số / Denominator", "digest": "Mã băm / Digest",
	"direction": "Chiều / Direction", "domain": "Lĩnh vực / Domain", "due_on": "Hạn trả / Due on", "effective_on": "Ngày hiệu lực / Effective on",
	"execute_on": "Ngày chi / Execute on", "format": "Mẫu / Format", "from_period": "Từ tháng / From month", "holder": "Của / Holder",
	"input": "Nội dung gốc / Input", "institution": "Đơn vị / Institution", "invoice_duty": "Hóa đơn / Invoice duty", "item": "Khoản / Item",
	"items": "Khoản / Items", "kind": "Loại / Kind", "ledger": "Sổ / Ledger", "line": "Dòng sao kê / Bank line", "list": "Danh sách / List",
	"method": "Cách trả / Method", "name": "Tên / Name", "numerator": "Tử số / Numerator", "pay_point": "Điểm chi / Pay point",
	"payout": "Khoản chi / Payout", "period": "Tháng / Month", "person": "Mã người / Person", "programme": "Chương trình / Programme",
	"reason": "Lý do / Reason", "reference": "Mã chuyển tiền / Reference", "reverses": "Đảo bản ghi / Reverses",
	"reverses_source": "Của nguồn / Its source", "right": "Quyền / Right", "rule_set": "Bộ quy tắc / Rule set", "scope": "Phạm vi / Scope",
	"shard": "Phần của sổ / Shard", "shards": "Số phần / Shards", "side": "Bên / Side", "stall": "Quầy / Stall",
	"status": "Tình trạng / Status", "unit": "Nơi / Unit",
	// From rule set 3 on.
	"alert": "Cảnh báo / Alert", "area_dm2": "Diện tích (dm²) / Area (dm²)", "by": "Thay bằng / By", "card": "Số thẻ / Card",
	"class_name": "Tên lớp / Class name", "closing": "Số dư cuối / Closing balance", "connection": "Kết nối / Connection", "copies": "Số bản / Copies",
	"decision": "Quyết định / Decision", "every": "Kỳ thu / Every", "expected": "Bình thường / Expected", "first": "Từ số / First",
	"from": "Từ ngày / From", "household": "Hộ gia đình / Household", "in": "Dòng vào / Line in", "last": "Đến số / Last", "lines": "Số dòng / Lines",
	"mark": "Đánh dấu / Mark", "opening": "Số dư đầu / Opening balance", "out": "Dòng ra / Line out", "pays_to": "Mã tài khoản nhận / Pays to",
	"per": "Tính theo / Per", "percent": "Phần trăm / Percent", "range": "Tập vé / Range", "reduction": "Miễn giảm / Reduction",
	"result": "Kết quả / Result", "seen": "Thực có / Seen", "since": "Từ ngày / Since", "statement": "Sao kê / Statement", "tariff": "Mức thu / Tariff",
	"until": "Đến ngày / Until", "visible_to": "Ai được xem / Visible to", "when_absent": "Khi nghỉ chợ / When absent",
}

// label says a member, and of a list which element's: "items 2.amount".
func label(at string) string {
	list, member, inList := strings.Cut(at, ".")
	if !inList {
		member = list
	}
	text, ok := words[member]
	if !ok {
		text = member
	}
	if _, n, ok := strings.Cut(list, " "); ok && inList {
		text = n + ". " + text
	}
	return text
}

var outcomes = map[ledger.Status]string{
	ledger.Posted: "đã ghi, tiền đã chuyển giữa các tài khoản", ledger.Recorded: "đã ghi, không chuyển tiền", ledger.Duplicate: "đã có từ trước",
	ledger.Conflict: "trùng mã với việc khác, không ghi", ledger.Refused: "không nhận", ledger.Malformed: "không đọc được", ledger.Misrouted: "gửi nhầm chỗ",
}
