package bank_test

import (
	"fmt"
	"strings"

	"socho/bank"
	"socho/internal/refcode"
)

func ExampleParse() {
	file := strings.NewReader(`SAO KÊ TÀI KHOẢN
Số tài khoản: 0011000000001

Ngày GD;Số CT;Ghi nợ;Ghi có;Số dư;Nội dung
05/09/2026;FT26133903624485;;61.000;1.061.000;MBVCB.1.CH2609DF4EP.CT tu
;FT26133903624486;20.000;;1.041.000;PHI DICH VU
`)
	result, err := bank.Parse(file, bank.Options{}, nil)
	if err != nil || !result.Valid {
		fmt.Println(err, result.Reason)
		return
	}
	for _, total := range result.Totals {
		fmt.Println(total.Currency, "in", total.CreditSum, "out", total.DebitSum)
	}
	ids := bank.NewOrdinals()
	bank.Parse(file, bank.Options{}, func(e *bank.Entry) error {
		fmt.Println(ids.ID(e)[:12], e.BookedOn, e.Direction, e.Amount, refcode.Find(e.Remittance))
		return nil
	})
	// Output:
	// VND in 61000 out 20000
	// be1-1d3eebf8 2026-09-05 credit 61000 [CH2609DF4EP]
	// be1-49a92b5c 2026-09-05 debit 20000 []
}

func ExampleMatch() {
	open := func(code refcode.Code) bool { return code == "CH2609DF4EP" }
	fmt.Println(bank.Match("MBVCB.1.ch2609 df4ep nop tien cho", open))
	fmt.Println(bank.Match("CH2609DF4EP HP2526YK2Y6 hai chi em", open))
	// Output:
	// [CH2609DF4EP] true
	// [CH2609DF4EP HP2526YK2Y6] false
}
