package print

import "strings"

// Use says what a code takes money for. A stall may have both kinds of card, and
// a customer who pays the market instead of the trader is a quarrel: so the use
// is the largest word on the card.
type Use int

// The uses.
const (
	ForFees  Use = iota // the trader pays the market: the market's account
	ForSales            // a customer pays the trader: the trader's own account
)

// Card is one stall's.
type Card struct {
	Payload  string // a valid VietQR of an account
	Use      Use
	Stall    string // as the market calls it: "A12"
	Market   string // its name, with all its marks
	Receiver string // the account holder, as the payer's bank will show it; empty: as the code says
	Serial   string // tells this piece of paper from the one that it replaces
	Link     string // text of a second, small code: how to find out whether the card is real; may be empty
}

// uses are what differs by use: the band, which is told apart from afar by its
// colour too, and what to type.
var uses = map[Use]struct {
	band                                  colour
	title, english, amount, englishAmount string
}{
	ForFees: {
		colour{13, 71, 84}, "QUÉT MÃ NỘP TIỀN CHỢ", "Scan to pay market fees",
		"Nhập số tiền phải nộp, bấm chuyển.", "enter what you owe",
	},
	ForSales: {
		colour{134, 26, 34}, "QUÉT MÃ TRẢ TIỀN HÀNG", "Scan to pay this stall",
		"Nhập số tiền mua hàng, bấm chuyển.", "enter the price",
	},
}

// A card, in mm. The frame stays clear of the edge, which printers leave blank
// and scissors miss.
const (
	cardWidth  = 105.0
	cardHeight = 148.5
	inset      = 5.0
	cardCode   = 68.0 // square of the payment code
	linkCode   = 23.0 // square of the small one
)

// Cards prints cards, a page each or four on a sheet. The errors are ErrNothing,
// ErrTooMany, or a *PieceError with ErrPayload, ErrCard, ErrReadBack or a
// *qr.Refusal (a link that fits no code).
func Cards(cards []Card, o Options) ([]byte, error) {
	sheet := paper{cardWidth, cardHeight, 1, 1}
	if o.Layout == FourOnA4 {
		sheet = paper{210, 297, 2, 2}
	}
	return produce(o, sheet, len(cards), func(i int) (string, piece, error) {
		draw, err := cards[i].prepare()
		return cards[i].Stall, draw, err
	})
}

func (c *Card) prepare() (piece, error) {
	read, err := payable(c.Payload)
	if err != nil {
		return nil, err
	}
	pay, err := drawn(c.Payload, cardCode)
	if err != nil {
		return nil, err
	}
	var link code
	if c.Link != "" {
		if link, err = drawn(c.Link, linkCode); err != nil {
			return nil, err
		}
	}
	receiver := c.Receiver
	if receiver == "" {
		receiver = read.MerchantName
	}
	use := uses[c.Use]
	return func(p *page, x, y float64) {
		const left, width = inset + 4, cardWidth - 2*(inset+4)
		p.fill(use.band)
		p.pdf.RoundedRect(x+inset, y+inset, cardWidth-2*inset, 15.5, 3, "12", "F")
		p.draw(use.band, 0.5)
		p.pdf.RoundedRect(x+inset, y+inset, cardWidth-2*inset, cardHeight-2*inset, 3, "1234", "D")
		p.text(x+left, y+inset+1.2, width, style{size: 19, least: 12, bold: true, align: "C", colour: white}, use.title)
		p.text(x+left, y+inset+10, width, style{size: 9, align: "C", colour: white}, use.english)

		at := y + inset + 16.6
		at += p.text(x+left, at, width, style{size: 24, least: 9, bold: true, align: "C", colour: black}, "SẠP "+c.Stall)
		p.text(x+left, at, width, style{size: 11, least: 8, lines: 2, align: "C", colour: black}, c.Market)

		p.code(pay, x+(cardWidth-cardCode)/2, y+36, cardCode)

		at = y + 104
		at += p.text(x+left, at, width, style{size: 15, least: 10, bold: true, align: "L", colour: black}, bankName(read.BankBIN)+"  "+grouped(read.Account))
		beside := width // of the small code
		if c.Link != "" {
			beside -= linkCode + 1
			p.code(link, x+left+width-linkCode, at, linkCode)
			p.text(x+left+width-linkCode, at+linkCode-0.7, linkCode, style{size: 6.5, align: "C", colour: black}, "Thẻ thật hay giả?")
			p.text(x+left+width-linkCode, at+linkCode+2, linkCode, style{size: 6, align: "C", colour: grey}, "Check this card")
		}
		at += p.text(x+left, at, beside, style{size: 11, least: 8, lines: 2, bold: true, align: "L", colour: black}, receiver)
		if note := note(read.Additional); note != "" {
			at += p.text(x+left, at, beside, style{size: 9, least: 7, align: "L", colour: black}, "Nội dung: "+note)
		}
		at += 0.8
		for i, step := range []string{"Mở ứng dụng ngân hàng, quét mã trên.", "Xem đúng tên người nhận ở đây.", use.amount} {
			at += p.text(x+left, at, beside, style{size: 9.5, least: 7.5, align: "L", colour: black}, string(rune('1'+i))+". "+step)
		}
		p.text(x+left, at, beside, style{size: 7, least: 6, align: "L", colour: grey}, "Scan with your bank app, check the name, "+use.englishAmount+".")
		foot := y + cardHeight - inset - 4.2
		p.text(x+left, foot, width, style{size: 7.5, align: "L", colour: black}, "Mã bị dán đè, bị rách? Báo ban quản lý chợ.")
		p.text(x+left, foot, width, style{size: 7.5, align: "R", colour: black}, "Số thẻ "+c.Serial)
	}, nil
}

// note is what the payer's bank carries along.
func note(additional map[string]string) string {
	if note := additional["08"]; note != "" && strings.Trim(note, "*") != "" {
		return note
	}
	return ""
}
