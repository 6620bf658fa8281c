package money

import "testing"

func TestInWords(t *testing.T) {
	for dong, want := range map[int64]string{
		0:                   "Không đồng",
		5:                   "Năm đồng",
		10:                  "Mười đồng",
		11:                  "Mười một đồng",
		14:                  "Mười bốn đồng",
		15:                  "Mười lăm đồng",
		21:                  "Hai mươi mốt đồng",
		24:                  "Hai mươi tư đồng",
		25:                  "Hai mươi lăm đồng",
		50:                  "Năm mươi đồng",
		101:                 "Một trăm linh một đồng",
		110:                 "Một trăm mười đồng",
		1_000:               "Một nghìn đồng",
		1_005:               "Một nghìn không trăm linh năm đồng",
		41_000:              "Bốn mươi mốt nghìn đồng",
		61_000:              "Sáu mươi mốt nghìn đồng",
		540_500:             "Năm trăm bốn mươi nghìn năm trăm đồng",
		1_234_005:           "Một triệu hai trăm ba mươi tư nghìn không trăm linh năm đồng",
		10_000_015:          "Mười triệu không trăm mười lăm đồng",
		1_000_000_000:       "Một tỷ đồng",
		1_000_000_001:       "Một tỷ không trăm linh một đồng",
		2_015_000_000_000:   "Hai nghìn không trăm mười lăm tỷ đồng",
		1_000_001_000_000:   "Một nghìn tỷ không trăm linh một triệu đồng",
		999_999_999_999_999: "Chín trăm chín mươi chín nghìn chín trăm chín mươi chín tỷ chín trăm chín mươi chín triệu chín trăm chín mươi chín nghìn chín trăm chín mươi chín đồng",
	} {
		if got := InWords(dong); got != want {
			t.Errorf("%d: %q, want %q", dong, got, want)
		}
	}
}
