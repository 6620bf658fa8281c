package qr

import (
	_ "embed"
	"encoding/csv"
	"slices"
	"strings"
	"sync"
)

// Bank is one receiver of NAPAS transfers: a bank, a finance company or a wallet.
type Bank struct {
	BIN       string // six digits, the key
	ShortName string // as people say it: "Vietcombank"
	Code      string // its ticker or short code: "VCB"
	SWIFT     string // eight characters, empty for those without one
	NameVI    string // the full Vietnamese name
}

// banksCSV is our reference table; NOTICE names where its facts come from.
//
//go:embed banks.csv
var banksCSV string

type directory struct {
	list  []Bank
	byBIN map[string]Bank
}

// banks is read once, on first use. The table is part of the program, and a test
// reads all of it: a damaged one cannot ship, so it panics.
var banks = sync.OnceValue(func() directory {
	rows, err := csv.NewReader(strings.NewReader(banksCSV)).ReadAll()
	if err != nil {
		panic("qr: banks.csv: " + err.Error())
	}
	d := directory{byBIN: make(map[string]Bank, len(rows))}
	for _, row := range rows[1:] {
		bank := Bank{BIN: row[0], ShortName: row[1], Code: row[2], SWIFT: row[3], NameVI: row[4]}
		d.list = append(d.list, bank)
		d.byBIN[bank.BIN] = bank
	}
	return d
})

// Banks returns the directory, ordered by BIN. The slice is the caller's own.
//
// The directory is a convenience for choosing and naming a bank, not a rule: a
// BIN may be younger than the table, so nothing is refused for not being in it.
func Banks() []Bank { return slices.Clone(banks().list) }

// BankByBIN returns the bank with this BIN, and whether there is one.
func BankByBIN(bin string) (Bank, bool) {
	bank, ok := banks().byBIN[bin]
	return bank, ok
}
