package payfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"socho/qr"
)

// Column is one column of a bulk-transfer sheet: its heading and what stands in it:
// number, payout, batch, name, account, bank, bin, amount or text.
type Column struct{ Heading, Holds string }

// Bulk is the layout that most banks' sites can map: one heading row, one line for
// each transfer. Payout and batch come back in the bank's result.
var Bulk = []Column{
	{"STT", "number"}, {"Số tài khoản", "account"}, {"Tên tài khoản", "name"}, {"Mã ngân hàng", "bin"}, {"Ngân hàng", "bank"},
	{"Số tiền", "amount"}, {"Nội dung", "text"}, {"Mã chi trả", "payout"}, {"Mã lô", "batch"},
}

// Sheet writes an order as .xlsx. Account numbers are text, so that no leading zero
// is lost. Errors: as Pain001.
func Sheet(w io.Writer, layout []Column, o Order, transfers Transfers) (err error) {
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	// What a file says of itself is the order's, not this machine's.
	when := o.CreatedAt.UTC().Format(time.RFC3339)
	if err := book.SetDocProps(&excelize.DocProperties{Title: o.ID, Created: when, Modified: when}); err != nil {
		return err
	}
	sheet, err := book.NewStreamWriter(book.GetSheetName(0))
	if err != nil {
		return err
	}
	row := make([]any, len(layout))
	for i, c := range layout {
		row[i] = c.Heading
	}
	if err := sheet.SetRow("A1", row); err != nil {
		return err
	}
	var count, sum int64
	if err := transfers(func(t Transfer) error {
		count, sum = count+1, sum+t.Amount
		for i, c := range layout {
			if row[i], err = c.of(&o, &t, count); err != nil {
				return err
			}
		}
		return sheet.SetRow("A"+strconv.FormatInt(count+1, 10), row)
	}); err != nil {
		return err
	}
	if err := o.agrees(count, sum); err != nil {
		return err
	}
	if err := sheet.Flush(); err != nil {
		return err
	}
	return repack(w, book)
}

func (c Column) of(o *Order, t *Transfer, n int64) (any, error) {
	switch c.Holds {
	case "number":
		return n, nil
	case "payout":
		return t.ID, nil
	case "batch":
		return o.ID, nil
	case "name":
		return Fold(t.Name, 70), nil
	case "account":
		return t.Account, nil
	case "bin":
		return t.BIN, nil
	case "bank":
		b, _ := qr.BankByBIN(t.BIN)
		return b.ShortName, nil
	case "amount":
		return t.Amount, nil
	case "text":
		return Fold(t.Text, 140), nil
	}
	return nil, fmt.Errorf("a column holds none of %q", c.Holds)
}

// repack writes the parts of a workbook in the order of their names, with no time:
// the library's own order is that of a map.
func repack(w io.Writer, book *excelize.File) error {
	packed, err := book.WriteToBuffer()
	if err != nil {
		return err
	}
	in, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		return err
	}
	slices.SortFunc(in.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	out := zip.NewWriter(w)
	for _, part := range in.File {
		to, err := out.CreateHeader(&zip.FileHeader{Name: part.Name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		from, err := part.Open()
		if err != nil {
			return err
		}
		_, err = io.Copy(to, from)
		if err = errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return out.Close()
}
