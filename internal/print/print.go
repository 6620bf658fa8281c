// Package print sets payment codes on paper: the card that hangs at a stall, a
// sheet of four such cards to be cut, and the slip that a payer takes home.
//
// What stands beside a code in words (bank, account, amount, reference) is read
// out of the code itself, so that the two cannot say different things; and every
// code is read back from the strokes that go to the page before any page is
// handed out. Paper carries no logo of a bank or of NAPAS: they are not ours to
// give. The package knows no file, clock or database, and never decides what is
// owed.
//
// A payload in capital letters alone packs into modules a quarter wider, so write
// purposes in capitals, and leave out what banks look up themselves.
//
//	payload, err := qr.Encode(qr.Request{BIN: "970436", Account: "0011000000001", Purpose: "SAP A12 CHO DONG VAN"})
//	pdf, err := print.Cards([]print.Card{{
//		Payload: payload, Stall: "A12", Market: "Chợ Đồng Văn", Receiver: "Ban quản lý chợ Đồng Văn", Serial: "A12-260915",
//	}}, print.Options{Layout: print.FourOnA4, At: now})
package print

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"socho/internal/typeface"
	"socho/qr"
)

// Layout says how cards lie on paper.
type Layout int

// The layouts. A sheet of A4 is exactly four cards of A6.
const (
	OneOnA6 Layout = iota
	FourOnA4
)

// Options are what a whole document has in common.
type Options struct {
	Layout Layout
	// Title is the document's, as a viewer's window shows it.
	Title string
	// At dates the document; the same arguments give the same bytes.
	At time.Time
	// Progress, if given, hears how many pieces of how many are drawn.
	Progress func(done, of int)
}

// MaxPieces bounds a document: some seventy megabytes of cards.
const MaxPieces = 20_000

// What Cards and Slips find wrong. Whatever is wrong with one piece, nothing is
// handed out: a stall without its card is noticed, a wrong card is not.
var (
	ErrNothing  = errors.New("there is nothing to print")
	ErrTooMany  = fmt.Errorf("at most %d pieces fit one document; print the market in parts", MaxPieces)
	ErrPayload  = errors.New("the payment code is no valid VietQR")
	ErrCard     = errors.New("the payment code holds a card number, which is shown to nobody: use an account")
	ErrReadBack = errors.New("the code as drawn does not read back as its text; this is a fault of the program, please report it")
)

// PieceError says which piece is wrong. Its text repeats the piece's place in
// the list and its stall, nothing else of it.
type PieceError struct {
	Number int // from 1
	Stall  string
	Err    error // of the list above, or a *qr.Refusal
}

// Error names the piece.
func (e *PieceError) Error() string {
	return fmt.Sprintf("piece %d (stall %s): %v; nothing was printed", e.Number, e.Stall, e.Err)
}

// Unwrap returns what is wrong with it.
func (e *PieceError) Unwrap() error { return e.Err }

// piece is one card or slip that is ready to be drawn at a place.
type piece func(p *page, x, y float64)

// paper is a size in mm, and how pieces of one size divide it.
type paper struct {
	width, height float64
	across, down  int
}

// produce makes the document: it prepares each piece, lays it in the next place,
// and marks where to cut.
func produce(o Options, paper paper, n int, prepare func(i int) (stall string, draw piece, err error)) ([]byte, error) {
	switch {
	case n == 0:
		return nil, ErrNothing
	case n > MaxPieces:
		return nil, ErrTooMany
	}
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: paper.width, Ht: paper.height}})
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(o.At)
	pdf.SetModificationDate(o.At)
	pdf.SetTitle(o.Title, true)
	pdf.SetLang("vi")
	pdf.SetMargins(0, 0, 0)
	pdf.SetCellMargin(0)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(family, "", typeface.Regular)
	pdf.AddUTF8FontFromBytes(family, "B", typeface.Bold)
	p := &page{pdf}
	w, h := paper.width/float64(paper.across), paper.height/float64(paper.down)
	for i := range n {
		stall, draw, err := prepare(i)
		if err != nil {
			return nil, &PieceError{i + 1, stall, err}
		}
		place := i % (paper.across * paper.down)
		if place == 0 {
			pdf.AddPage()
			p.cutMarks(paper, w, h)
		}
		draw(p, w*float64(place%paper.across), h*float64(place/paper.across))
		if o.Progress != nil {
			o.Progress(i+1, n)
		}
	}
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("the document cannot be made: %w", err)
	}
	return out.Bytes(), nil
}

// payable reads a payload that may be printed for everybody to see.
func payable(payload string) (qr.Result, error) {
	r := qr.Decode(payload)
	switch {
	case !r.Valid || r.Account == "":
		return r, ErrPayload
	case r.ServiceCode != qr.ServiceAccount:
		return r, ErrCard
	}
	return r, nil
}

// bankName is a bank as people call it.
func bankName(bin string) string {
	if bank, ok := qr.BankByBIN(bin); ok {
		return bank.ShortName
	}
	return "Ngân hàng " + bin
}

// grouped sets a long number in groups of four, as people read it out.
func grouped(number string) string {
	var out []byte
	for i := range len(number) {
		if i > 0 && i%4 == 0 && len(number)-i > 1 {
			out = append(out, ' ')
		}
		out = append(out, number[i])
	}
	return string(out)
}
