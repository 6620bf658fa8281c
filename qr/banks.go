package qr

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// Bank is one receiver of NAPAS transfers: a bank, a finance company or a wallet.
type Bank struct {
	BIN       string `json:"bin"`        // six digits, the key
	ShortName string `json:"short_name"` // as people say it: "Vietcombank"
	Code      string `json:"code"`       // its ticker or short code: "VCB"
	SWIFT     string `json:"swift"`      // eight or eleven characters, empty for those without one
	NameVI    string `json:"name_vi"`    // the full Vietnamese name
}

// banksCSV is our reference table; NOTICE names where its facts come from.
//
//go:embed banks.csv
var banksCSV string

type directory struct {
	list  []Bank
	byBIN map[string]Bank
}

func newDirectory(list []Bank) *directory {
	d := &directory{list, make(map[string]Bank, len(list))}
	for _, bank := range list {
		d.byBIN[bank.BIN] = bank
	}
	return d
}

// banks is the directory in use: ours until UseBanks. A test reads all of ours; a
// damaged one cannot ship, so it panics.
var banks = func() *atomic.Pointer[directory] {
	list, err := ReadBanks(strings.NewReader(banksCSV))
	if err != nil {
		panic("qr: banks.csv: " + err.Error())
	}
	var p atomic.Pointer[directory]
	p.Store(newDirectory(list))
	return &p
}()

// Banks returns the directory, ordered by BIN. The slice is the caller's own.
//
// The directory is a convenience for choosing and naming a bank, not a rule: a
// BIN may be younger than the table, so nothing is refused for not being in it.
func Banks() []Bank { return slices.Clone(banks.Load().list) }

// BankByBIN returns the bank with this BIN, and whether there is one.
func BankByBIN(bin string) (Bank, bool) {
	bank, ok := banks.Load().byBIN[bin]
	return bank, ok
}

// banksHeader is the first line of a directory.
var banksHeader = []string{"bin", "short_name", "code", "swift", "name_vi"}

// maxBanks bounds a directory; NAPAS has some seventy members.
const maxBanks = 1000

// ReadBanks reads a directory: CSV in UTF-8 with the header
// bin,short_name,code,swift,name_vi. The errors name the line and what was
// expected.
func ReadBanks(r io.Reader) ([]Bank, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = len(banksHeader)
	header, err := rows.Read()
	if err == nil {
		header[0] = strings.TrimPrefix(header[0], "\ufeff") // spreadsheets begin with one
	}
	if err != nil || !slices.Equal(header, banksHeader) {
		return nil, fmt.Errorf("line 1: expected the header %s", strings.Join(banksHeader, ","))
	}
	var list []Bank
	seen := map[string]bool{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err // names its line
		}
		line, _ := rows.FieldPos(0)
		b := Bank{row[0], row[1], row[2], row[3], row[4]}
		switch {
		case len(list) == maxBanks:
			return nil, fmt.Errorf("line %d: more than %d banks", line, maxBanks)
		case len(b.BIN) != 6 || !digits(b.BIN):
			return nil, fmt.Errorf("line %d: expected a BIN of six digits", line)
		case seen[b.BIN]:
			return nil, fmt.Errorf("line %d: the BIN %s is there twice", line, b.BIN)
		case b.SWIFT != "" && (len(b.SWIFT) != 8 && len(b.SWIFT) != 11 || !lettersOrDigits(b.SWIFT)):
			return nil, fmt.Errorf("line %d: expected a SWIFT code of 8 or 11 characters, or none", line)
		}
		for i, text := range row {
			if text == "" && i != 3 || !utf8.ValidString(text) || utf8.RuneCountInString(text) > 120 || strings.ContainsAny(text, "\x00\r\n\t") {
				return nil, fmt.Errorf("line %d: expected a %s of at most 120 characters on one line", line, banksHeader[i])
			}
		}
		seen[b.BIN] = true
		list = append(list, b)
	}
}

// UseBanks puts newer entries over the directory, by BIN, for the whole process:
// a bank that has merged or been renamed need not wait for a new version.
func UseBanks(newer []Bank) {
	d := newDirectory(append(Banks(), newer...))
	d.list = d.list[:0]
	for _, bank := range d.byBIN {
		d.list = append(d.list, bank)
	}
	slices.SortFunc(d.list, func(a, b Bank) int { return strings.Compare(a.BIN, b.BIN) })
	banks.Store(d)
}
