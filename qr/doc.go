// Package qr writes, reads and draws VietQR payment codes, the NAPAS form of the
// EMVCo merchant-presented QR.
//
// It generates strictly and reads leniently. Encode writes only what every bank
// application accepts and refuses everything else with a reason for a person.
// Decode answers two questions about any text: is it a well-formed EMVCo payload
// whose checksum holds (EMVOK), and is it a strict VietQR (Valid). What is merely
// well-formed is still read out, with named errors and warnings, because payOS,
// EVN and several wallets print such codes; but nothing may be paid or printed
// anew on the strength of a payload that is not Valid.
//
// The checksum proves that a code was read without damage. It proves nothing
// about who made it: a fraudster's sticker has a good checksum. Whether an
// account belongs to the stall that the code hangs at is for the caller to ask.
//
// The package must never know bills, persons or organizations, and it knows no
// clock, network or database. Amounts are whole đồng: strings when printed, int64
// when right, never floating point. Errors never repeat a value that was handed
// in, since accounts, cards and names must not reach a log. Callers in turn put
// no personal data into a code's texts: it hangs in public.
//
// A worked example: the code of a stall's September fee, as text and as a picture.
//
//	payload, err := qr.Encode(qr.Request{
//		BIN: "970436", Account: "0011000000001", Amount: "61000",
//		Name: "Ban quản lý chợ Mẫu", Reference: "CH2609DF4EP", Purpose: "Phí chợ tháng 9",
//	})
//	// 62.05 = CH2609DF4EP, 62.08 = "CH2609DF4EP Phi cho thang"
//	result := qr.Decode(payload)
//	// result.Valid, result.AmountVND == 61000, result.Additional["05"] == "CH2609DF4EP"
//	svg, err := qr.SVG(payload, qr.ImageOptions{Title: "Trả phí chợ tháng 9"})
//
// Sources: NAPAS, "VietQR format specification", version 1.0 of 09/2021; EMVCo,
// "QR Code Specification for Payment Systems: Merchant-Presented Mode", version
// 1.1 of 11/2020. Comments cite them as NAPAS and EMVCo.
package qr
