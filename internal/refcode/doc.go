// Package refcode makes, checks and finds the reference codes by which a bank
// transfer names the bill that it pays.
//
// A code has eleven characters, PP DDDD RRRR C, written without blanks:
//
//	HP 2526 YK2Y 6    a school fee of the school year 2025–26
//	CH 2609 DF4E P    a market fee of September 2026
//
// PP says what is paid, DDDD for which school year or month, RRRR is drawn at
// random, and C is the ISO 7064 MOD 37,36 check character over the ten before
// it, which catches every single wrong character and all but one in two thousand
// swaps of two neighbours. Payers retype codes and banks wrap them into texts of their own,
// so a code must survive lower case, lost hyphens and inserted blanks; and
// because a wrong match is far worse than none, no character is ever corrected.
//
// The package must never know which codes are open, whom they belong to or what
// they cost: that is the ledger's business, and so is the promise that one
// receiving account never sees a code twice. It imports nothing of this module,
// reads no clock, and draws randomness only from the reader it is given.
//
// A worked example: issue a code, print it on a slip, and find it again in the
// line that the bank reports.
//
//	code, err := refcode.New(refcode.HP, "2526", rand.Reader, taken) // HP2526YK2Y6
//	code.Printed()                                            // "HP 2526 YK2Y 6"
//	refcode.Find("MBVCB.30647.hp2526 yk2y6 nộp học phí.CT tu …") // [HP2526YK2Y6]
package refcode
