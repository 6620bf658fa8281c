package bank

import (
	"fmt"
	"strings"
	"testing"
)

// TestPeek: rows of a table that no layout knows are shown, and the layout that a
// person makes of them reads it.
func TestPeek(t *testing.T) {
	const file = "Sao kê của ngân hàng lạ\nKhi nào;Bao nhiêu;Lời nhắn\n05/09/2026;500.000;nop hoc phi\n06/09/2026;200.000;nop them\n"
	r, err := Parse(strings.NewReader(file), Options{}, nil)
	if err != nil || r.Valid {
		t.Fatalf("%+v, %v", r, err)
	}
	rows := Peek(strings.NewReader(file), Options{}, 3)
	if got, want := fmt.Sprintf("%q", rows), `[["Sao kê của ngân hàng lạ"] ["Khi nào" "Bao nhiêu" "Lời nhắn"] ["05/09/2026" "500.000" "nop hoc phi"]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	layout := Layout{Name: "x", Columns: map[Column][]string{ColumnDate: {rows[1][0]}, ColumnCredit: {rows[1][1]}, ColumnDescription: {rows[1][2]}}}
	r, err = Parse(strings.NewReader(file), Options{Layouts: []Layout{layout}}, nil)
	if err != nil || !r.Valid || r.Entries != 2 || r.Totals[0].CreditSum.String() != "700000" {
		t.Errorf("%+v, %v", r, err)
	}
	for name, other := range map[string]string{"text": "xin chào", "a PDF": "%PDF-1.7", "nothing": ""} {
		if rows := Peek(strings.NewReader(other), Options{}, 3); rows != nil {
			t.Errorf("%s: %q", name, rows)
		}
	}
}
