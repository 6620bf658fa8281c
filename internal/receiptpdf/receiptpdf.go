// Package receiptpdf prints a receipt on paper: what the record says, what
// became of it, where it stands in the log, and the QR code that proves it. The
// page explains itself in Vietnamese, with English beside it; what counts is the
// code.
//
//	page, err := receiptpdf.Print(receipt)
//	os.WriteFile("receipt.pdf", page, 0o644)
package receiptpdf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"socho/events"
	"socho/internal/typeface"
	"socho/ledger/proof"
	"socho/qr"
)

const (
	family = "sans"
	margin = 18.0 // mm
	labels = 52.0 // mm, width of the labels' column
	code   = 76.0 // mm, side of the QR code
)

var vietnam = time.FixedZone("ICT", 7*3600)

// Print draws a receipt on A4. The same receipt gives the same bytes. compact is
// its text for the QR code; where it is empty, the page says that there is none.
func Print(r *proof.Receipt, compact string) ([]byte, error) {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(r.Leaf.RecordedAt)
	pdf.SetModificationDate(r.Leaf.RecordedAt)
	pdf.SetTitle("Biên nhận sổ cái "+place(r), true)
	pdf.SetMargins(margin, margin, margin)
	pdf.AddUTF8FontFromBytes(family, "", typeface.Regular)
	pdf.AddPage()
	p := &page{Fpdf: pdf}
	p.heading("Biên nhận sổ cái", "Ledger receipt")
	p.fact(r)
	p.section("Sổ cái đã ghi", "What the ledger decided")
	status := outcomes[r.Leaf.Status] + " · " + r.Leaf.Status.String()
	if r.Leaf.Code != "" {
		status += " (" + r.Leaf.Code + ")"
	}
	p.line("Kết quả / Outcome", status)
	p.line("Ghi lúc / Recorded at", r.Leaf.RecordedAt.In(vietnam).Format("02/01/2006 15:04:05 -07:00"))
	p.line("Vị trí / Place", place(r))
	c := r.Checkpoint
	p.line("Sổ có / Log size", fmt.Sprint(c.Size))
	p.line("Gốc / Root", hex.EncodeToString(c.Root[:]))
	for _, sig := range c.Note.Sigs {
		p.line("Khóa ký / Signed by", fmt.Sprintf("%s+%08x", sig.Name, sig.Hash))
	}
	if err := p.code(compact); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err := pdf.Output(&out)
	return out.Bytes(), err
}

func place(r *proof.Receipt) string {
	return fmt.Sprintf("%s : %d", r.Checkpoint.Origin, r.Leaf.Offset)
}

type page struct{ *fpdf.Fpdf }

func (p *page) heading(vi, en string) {
	p.SetFont(family, "", 20)
	p.CellFormat(0, 10, vi, "", 1, "L", false, 0, "")
	p.small(en)
	p.Ln(3)
}

func (p *page) section(vi, en string) {
	p.Ln(3)
	p.SetFont(family, "", 12)
	p.CellFormat(0, 7, vi+"  ·  "+en, "B", 1, "L", false, 0, "")
	p.Ln(1)
}

func (p *page) small(text string) {
	p.SetFont(family, "", 9)
	p.SetTextColor(90, 90, 90)
	p.MultiCell(0, 4.5, text, "", "L", false)
	p.SetTextColor(0, 0, 0)
}

func (p *page) line(name, value string) {
	p.SetFont(family, "", 9)
	p.SetTextColor(90, 90, 90)
	p.CellFormat(labels, 5, name, "", 0, "L", false, 0, "")
	p.SetTextColor(0, 0, 0)
	p.SetFont(family, "", 10)
	p.MultiCell(0, 5, value, "", "L", false)
}

// fact shows what the record says, but sealed fields.
func (p *page) fact(r *proof.Receipt) {
	p.section("Sự kiện", "The fact")
	if r.Record == nil {
		p.line("SHA-256", hex.EncodeToString(r.Leaf.RecordHash[:]))
		p.small("Bản ghi quá lớn cho một biên nhận; mã băm này thay cho nó. The record is too large for a receipt; this hash stands for it.")
		return
	}
	event, err := events.Decode(r.Record.Value)
	if err != nil {
		p.line("SHA-256", hex.EncodeToString(r.Leaf.RecordHash[:]))
		p.small("Bản ghi này không phải là sự kiện trong danh mục. The record is no event of the catalogue.")
		return
	}
	p.line("Tổ chức / Organization", event.Subject)
	p.line("Loại / Type", event.Type)
	p.line("Mã / Id", string(event.ID))
	p.line("Nguồn / Source", string(event.Source))
	for _, f := range fields("", event.Data) {
		p.line(label(f[0]), f[1])
	}
}

// maxFields bounds what a page shows of one event; a receipt holds a few dozen.
const maxFields = 60

// fields flattens an event's data, by name; sealed fields are left out.
func fields(at string, value jsontext.Value) (list [][2]string) {
	switch value.Kind() {
	case '{':
		var members map[string]jsontext.Value
		if json.Unmarshal(value, &members) != nil {
			return nil
		}
		names := make([]string, 0, len(members))
		for name := range members {
			if name != "sealed" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			list = append(list, fields(strings.TrimPrefix(at+"."+name, "."), members[name])...)
		}
	case '[':
		var elements []jsontext.Value
		if json.Unmarshal(value, &elements) != nil {
			return nil
		}
		for i, element := range elements {
			list = append(list, fields(fmt.Sprintf("%s %d", at, i+1), element)...)
		}
	case '"':
		var text string
		if json.Unmarshal(value, &text) == nil {
			list = [][2]string{{at, text}}
		}
	default:
		list = [][2]string{{at, value.String()}}
	}
	return list[:min(len(list), maxFields)]
}

func (p *page) code(compact string) error {
	_, height := p.GetPageSize()
	if compact != "" && p.GetY()+code+30 > height-margin {
		p.AddPage()
	}
	p.section("Bằng chứng", "Proof")
	if compact == "" {
		p.small("Biên nhận này không vừa mã QR; hãy dùng bản JSON. This receipt does not fit a QR code; use its JSON form.")
		return nil
	}
	picture, err := qr.PNG(compact, qr.ImageOptions{Level: qr.LevelL, ModulePixels: 4})
	if err != nil {
		return fmt.Errorf("the receipt's QR code: %w", err)
	}
	p.RegisterImageOptionsReader("receipt", fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(picture))
	if !p.Ok() {
		return errors.Join(errors.New("the receipt's QR code cannot be placed"), p.Error())
	}
	p.ImageOptions("receipt", margin, p.GetY(), code, code, true, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	p.small("Mã này chứa sự kiện, vị trí trong sổ và chữ ký. Lưu chữ đọc được vào tệp rồi kiểm tra, không cần mạng. The code holds the fact, its place and the signature. Save its text and check it offline:\n    socho receipt verify FILE --key KEY")
	return nil
}
