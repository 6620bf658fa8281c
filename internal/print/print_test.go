package print

import (
	"bytes"
	"errors"
	"image"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"socho/qr"
	"socho/qr/scan"
)

var (
	opened = time.Unix(1790000000, 0)
	market = stallCard("A12")
	link   = "https://cho.example/the/hg-cho-dong-van/A12-261123?s=3Jk2mVb8Qw7ZtR5pLx9NcYdF4hG6sA1eU0oIiKqMw"
)

func stallCard(stall string) Card {
	return Card{
		Payload: payload(qr.Request{Purpose: "SAP " + stall + " CHO DONG VAN"}),
		Stall:   stall, Market: "Chợ Đồng Văn", Receiver: "Ban quản lý chợ Đồng Văn", Serial: stall + "-261123",
	}
}

// payload is a code of the market's account.
func payload(r qr.Request) string {
	r.BIN, r.Account = "970436", "0011000000001"
	payload, err := qr.Encode(r)
	if err != nil {
		panic(err)
	}
	return payload
}

// longest is a card whose every text is longer than its place.
func longest() Card {
	c := market
	c.Use, c.Link = ForSales, link
	c.Stall = "KHU-B.TANG-2.QUAY-117-THUC-PHAM"
	c.Market = "Chợ trung tâm thương mại và dịch vụ tổng hợp xã Đồng Văn, tỉnh Tuyên Quang (chợ hạng một)"
	c.Receiver = "Ban quản lý các chợ và công trình công cộng thuộc Ủy ban nhân dân xã Đồng Văn tỉnh Tuyên Quang"
	return c
}

func slips() []Slip {
	bill := Slip{
		Payload: payload(qr.Request{Amount: "1061000", Reference: "CH2609DF4EP", Purpose: "PHI CHO THANG 9"}),
		Issuer:  "Ban quản lý chợ Đồng Văn", Payer: "Vàng Thị Máy", Stall: "A12", What: "Phí chợ tháng 9/2026", Due: "15/09/2026", Serial: "b-1",
	}
	long := bill
	long.Issuer, long.Stall, long.Due = longest().Receiver, "", ""
	long.What = "Tiền ăn bán trú, bảo hiểm y tế, tiền học hai buổi và các khoản thu hộ khác của học kỳ một năm học 2026-2027"
	return []Slip{bill, long, bill, bill}
}

// Every code that lies on a page, as another program draws it, is a code that
// was asked for, and says the same.
func TestPagesReadBack(t *testing.T) {
	linked := market
	linked.Link = link
	cards := []Card{market, linked, longest(), stallCard("B7"), stallCard("C1")}
	for name, tc := range map[string]struct {
		print func(Options) ([]byte, error)
		want  [][]string // by page
	}{
		"card": {func(o Options) ([]byte, error) { return Cards(cards, o) },
			[][]string{{market.Payload}, {market.Payload, link}, {market.Payload, link}, {cards[3].Payload}, {cards[4].Payload}}},
		"sheet": {func(o Options) ([]byte, error) { o.Layout = FourOnA4; return Cards(cards, o) },
			[][]string{{market.Payload, link, cards[3].Payload}, {cards[4].Payload}}},
		"slip": {func(o Options) ([]byte, error) { return Slips(slips(), o) }, [][]string{{slips()[0].Payload}, {slips()[0].Payload}}},
	} {
		t.Run(name, func(t *testing.T) {
			var told []int
			options := Options{Title: "Thẻ sạp", At: opened, Progress: func(done, of int) { told = append(told, done, of) }}
			document, err := tc.print(options)
			if err != nil {
				t.Fatal(err)
			}
			again, err := tc.print(Options{Title: "Thẻ sạp", At: opened})
			if err != nil || !bytes.Equal(document, again) || !bytes.HasPrefix(document, []byte("%PDF-")) {
				t.Errorf("%d bytes, then %d (%v)", len(document), len(again), err)
			}
			if last := told[len(told)-2:]; last[0] != last[1] || last[0] != len(told)/2 {
				t.Errorf("told of %v", told)
			}
			if dir := os.Getenv("SOCHO_KEEP"); dir != "" {
				os.WriteFile(dir+"/"+name+".pdf", document, 0o644) //nolint:errcheck // for looking at
			}
			pages := rasterised(t, document)
			if len(pages) != len(tc.want) {
				t.Fatalf("%d pages, want %d", len(pages), len(tc.want))
			}
			for i, page := range pages {
				found := scan.Picture(page)
				want := slices.Clone(tc.want[i])
				slices.Sort(found)
				slices.Sort(want)
				if !slices.Equal(found, want) {
					t.Errorf("page %d holds %d codes %q, want %d", i+1, len(found), found, len(want))
				}
			}
		})
	}
}

// Whatever is wrong with one piece, no page comes out and the error names it.
func TestRefuses(t *testing.T) {
	with := func(change func(*Card)) error {
		bad := market
		bad.Stall = "X9"
		change(&bad)
		document, err := Cards([]Card{market, bad}, Options{})
		if document != nil {
			t.Error("a document was handed out")
		}
		return err
	}
	card, err := qr.Encode(qr.Request{BIN: "970436", Card: "9704360000000008"})
	if err != nil {
		t.Fatal(err)
	}
	var refusal *qr.Refusal
	for name, err := range map[string]error{
		"no payload":    with(func(c *Card) { c.Payload = "" }),
		"damaged":       with(func(c *Card) { c.Payload = strings.Replace(c.Payload, "0011", "0012", 1) }),
		"a card number": with(func(c *Card) { c.Payload = card }),
		"a long link":   with(func(c *Card) { c.Link = strings.Repeat("x", 5000) }),
	} {
		var at *PieceError
		if !errors.As(err, &at) || at.Number != 2 || at.Stall != "X9" || strings.Contains(err.Error(), "9704") || strings.Contains(err.Error(), "0011") {
			t.Errorf("%s: %v", name, err)
		}
		want := map[string]error{"a card number": ErrCard, "damaged": ErrPayload, "no payload": ErrPayload}[name]
		if want != nil && !errors.Is(err, want) || name == "a long link" && !errors.As(err, &refusal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Cards(nil, Options{}); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	if _, err := Cards(make([]Card, MaxPieces+1), Options{}); !errors.Is(err, ErrTooMany) {
		t.Error(err)
	}
	if _, err := Slips([]Slip{{Payload: market.Payload}}, Options{}); !errors.Is(err, ErrPayload) {
		t.Errorf("a slip without an amount: %v", err)
	}
}

// A drawing that says anything else, or nothing, stops the print.
func TestReadBack(t *testing.T) {
	c, err := drawn(market.Payload, cardCode)
	if err != nil {
		t.Fatal(err)
	}
	other, err := drawn(stallCard("A13").Payload, cardCode)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(c.operators, "\n")
	for name, bad := range map[string]code{
		"another code":        other,
		"a hole in it":        {strings.Join(lines[len(lines)/2:], ""), c.side},
		"into the quiet zone": {"0 9 9 1 re\n" + c.operators, c.side},
		"beyond its square":   {"60 60 900 1 re\n" + c.operators, c.side},
		"nothing":             {"f\n", c.side},
	} {
		if err := bad.readBack(market.Payload); !errors.Is(err, ErrReadBack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.readBack(market.Payload); err != nil {
		t.Error(err)
	}
}

// A module is a whole number of a printer's dots, at least a millimetre wide,
// and the quiet zone is white.
func TestModules(t *testing.T) {
	c, err := drawn(market.Payload, cardCode)
	if err != nil {
		t.Fatal(err)
	}
	if cardCode/float64(c.side) < wide {
		t.Errorf("%d modules leave no millimetre for each", c.side)
	}
	document, err := Cards([]Card{market}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	page := rasterised(t, document)[0]
	// The picture is 5.9 dots a millimetre; the code's square begins 18.5 mm from the
	// left and 36 mm from the top.
	at := func(x, y float64) bool {
		r, _, _, _ := page.At(int(x*150/25.4), int(y*150/25.4)).RGBA()
		return r > 0xC000
	}
	for i := 1.0; i < cardCode-1; i++ {
		if !at(18.5+i, 37.5) || !at(18.5+i, 102.5) || !at(20, 36+i) || !at(85, 36+i) {
			t.Fatalf("the quiet zone is not white at %v mm", i)
		}
	}
	if page.Bounds().Size() != image.Pt(621, 877) {
		t.Errorf("A6 is %v", page.Bounds().Size())
	}
}

func TestWords(t *testing.T) {
	for amount, want := range map[int64]string{1: "1 đ", 999: "999 đ", 61000: "61.000 đ", 499999999: "499.999.999 đ"} {
		if got := dong(amount); got != want {
			t.Errorf("%d is %q", amount, got)
		}
	}
	for number, want := range map[string]string{"1": "1", "12345": "12345", "00110000": "0011 0000", "0011000000001": "0011 0000 00001"} {
		if got := grouped(number); got != want {
			t.Errorf("%s is %q, want %q", number, got, want)
		}
	}
	if bankName("000001") != "Ngân hàng 000001" || bankName("970436") != "Vietcombank" {
		t.Error("banks")
	}
}
