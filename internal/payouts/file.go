package payouts

import (
	"fmt"

	"socho/internal/sheet"
)

var exportedHere = sheet.Words{VI: "chọn tệp đã xuất từ đây", EN: "choose a file that was exported here"}

// What is wrong with a file of the month beside what is wrong with a table, and what
// to do.
var fileFaults = map[string]struct{ wrong, do sheet.Words }{
	"batch_unknown": {sheet.Words{VI: "tệp không thuộc lô chi nào ở đây", EN: "the file names no batch that is known here"},
		exportedHere},
	"no_order": {sheet.Words{VI: "không phải tệp chi (pain.001) hay bảng chi hộ", EN: "neither a payment order (pain.001) nor a bulk-transfer sheet"},
		exportedHere},
	"batch_missing": {sheet.Words{VI: "bảng không ghi mã lô", EN: "the sheet names no batch"},
		exportedHere},
	"too_many": {sheet.Words{VI: "hơn %d khoản chi tiền mặt", EN: "more than %d cash payouts"},
		sheet.Words{VI: "chọn một xã", EN: "name one commune"}},
	"list_differs": {sheet.Words{VI: "danh sách %s đã có %d khoản này với số tiền, xã hoặc cách nhận khác", EN: "list %s holds %d of these payouts with another amount, commune or way of paying"},
		sheet.Words{VI: "rút danh sách, rồi đưa tệp đã sửa lên dưới tên khác", EN: "withdraw it, and import under another --list"}},
	"nothing": {sheet.Words{VI: "không dòng nào đưa vào được", EN: "no line can be taken"},
		sheet.Words{VI: "sửa các dòng đã nêu", EN: "mend the lines that were named"}},
	"statement": {sheet.Words{VI: "tệp ngân hàng không đọc được: %s", EN: "%s"},
		sheet.Words{VI: "tải lại tệp từ ngân hàng", EN: "fetch the file from the bank again"}},
	"order": {sheet.Words{VI: "đây là tệp chi, không phải kết quả", EN: "a payment order, and no result of one"},
		sheet.Words{VI: "ghi nộp tệp ở nút đã nộp ngân hàng", EN: "socho payout submit takes it"}},
	"report_unknown": {sheet.Words{VI: "báo cáo này trả lời một lô không làm ở đây", EN: "the report answers an order that was not made here"},
		sheet.Words{VI: "chọn báo cáo của lô đã xuất từ đây", EN: "choose the report of a batch that was exported here"}},
}

// refuse is the error of a code, with what its texts leave out.
func refuse(code string, args ...any) error {
	f := fileFaults[code]
	if len(args) > 0 {
		f.wrong = sheet.Words{VI: fmt.Sprintf(f.wrong.VI, args...), EN: fmt.Sprintf(f.wrong.EN, args...)}
	}
	return &sheet.FileError{Code: code, Wrong: f.wrong, Do: f.do}
}
