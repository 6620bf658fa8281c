package qr_test

import (
	"fmt"

	"socho/qr"
)

// The code of a stall's September fee, written and read back.
func Example() {
	payload, err := qr.Encode(qr.Request{
		BIN: "970436", Account: "0011000000001", Amount: "61000",
		Name: "Ban quản lý chợ Mẫu", Reference: "CH2609DF4EP", Purpose: "Phí chợ tháng 9",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payload)

	result := qr.Decode(payload)
	bank, _ := qr.BankByBIN(result.BankBIN)
	fmt.Println(result.Valid, bank.ShortName, result.AmountVND, result.Additional["08"])
	// Output:
	// 00020101021238570010A00000072701270006970436011300110000000010208QRIBFTTA53037045405610005802VN5919Ban quan ly cho Mau62440511CH2609DF4EP0825CH2609DF4EP Phi cho thang63044AE2
	// true Vietcombank 61000 CH2609DF4EP Phi cho thang
}
