package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"socho/internal/reconcile"
)

// What a person decides at the desk, who reads the texts, calls parents, and knows
// what each payment was for.

// works empties the desk: in Vietnamese first, and then in English.
func (o *officer) works() {
	o.Helper()
	o.open("/desk/" + o.org + "?lang=vi")
	o.says("Bàn đối soát", "Cần xem")
	needs := o.pile(reconcile.Needs)
	o.mistakes(needs)
	o.atOnce()
	half := len(needs) / 2
	for _, p := range needs[:half] {
		o.decides(p)
	}
	o.open("/desk/" + o.org + "?lang=en")
	o.says("Needs you", "Where the bank's money stands")
	for _, p := range needs[half:] {
		o.decides(p)
	}
	for _, p := range o.pile(reconcile.Duplicates) {
		o.decides(p)
	}
	for _, p := range o.pile(reconcile.Unknown) {
		o.decides(p)
	}
	for _, p := range o.pile(reconcile.Returned) {
		o.explains(p)
	}
	o.credits()
	o.open("/desk/" + o.org)
	o.says("Nothing needs your eye")
	o.open("/desk/" + o.org + "?lang=vi&tab=unknown")
	o.says("Mọi khoản tiền đều có dấu vết")
	// Suggestions led to all but what nothing in the text or about the payer says.
	for what, n := range o.left {
		if what != "strange code" && what != "sender" {
			o.Errorf("%d of %q had to be placed by hand", n, what)
		}
	}
}

func (o *officer) address(p *payment) string { return "/lines/" + o.org + "/" + p.line }

// mistakes places one line on somebody else's bill, takes that back, and notes
// another.
func (o *officer) mistakes(needs []*payment) {
	o.Helper()
	slip := needs[slices.IndexFunc(needs, func(p *payment) bool { return p.what == "slip" })]
	strange := needs[slices.IndexFunc(needs, func(p *payment) bool { return p.what == "strange code" })]
	o.open(o.address(slip))
	o.send(form("do", "place"), form("bill", strange.goes[0].bill.ref, "amount", fmt.Sprint(slip.amount)))
	o.says("Đã xếp tiền vào phiếu", "Hoàn tác")
	o.send(form("do", "undo"), nil)
	o.says("Đã hoàn tác")
	o.open("/desk/" + o.org)
	o.send(form("do", "rematch"), nil) // places nothing that a person took back
	o.says("Đã xếp thêm 0 dòng")
	o.open(o.address(strange))
	o.send(form("do", "note"), form("mark", "waiting", "note", "đã gọi phụ huynh"))
	o.says("đang hỏi, chờ trả lời")
}

// atOnce accepts what is sure after a look at all of it: several codes whose bills
// add up.
func (o *officer) atOnce() {
	o.Helper()
	sure := 0
	for _, p := range o.payments {
		if p.what == "two codes" {
			sure++
		}
	}
	o.open("/desk/" + o.org + "/bulk")
	o.says(fmt.Sprintf("%d dòng", sure))
	o.send(form("@", "/bulk", "!", "post"), nil)
	o.says(fmt.Sprintf("Đã xếp %d dòng", sure))
}

// offered reports whether the page offers exactly the bills that a payment is for,
// with its amounts, and names the form.
func (o *officer) offered(p *payment) (accept map[string][]string, ok bool) {
	o.Helper()
	accept = form("do", "accept", "line", p.line)
	for _, g := range p.goes {
		accept["bill"] = append(accept["bill"], g.bill.id)
		accept["amount"] = append(accept["amount"], fmt.Sprint(g.amount))
	}
	forms, err := formsOf(o.source())
	if err != nil {
		o.Fatal(err)
	}
	return accept, slices.ContainsFunc(forms, func(f *webForm) bool {
		for name, want := range accept {
			if !slices.Equal(f.values(name), want) {
				return false
			}
		}
		return true
	})
}

// decides does with a payment what is right.
func (o *officer) decides(p *payment) {
	o.Helper()
	if p.what == "two codes" {
		return // atOnce did
	}
	o.open(o.address(p))
	switch {
	case p.explanation != "":
		o.send(form("do", "explain"), form("purpose", p.explanation))
		return
	case len(p.goes) == 0:
		o.send(form("do", "offset"), form("out", p.back.line, "reason", "refund"))
		return
	}
	accept, ok := o.offered(p)
	if !ok && (p.what == "name" || p.what == "name and class") {
		o.send(form("do", "names"), nil)
		accept, ok = o.offered(p)
	}
	if ok {
		o.send(accept, nil)
		return
	}
	o.left[p.what]++
	fill := form()
	for _, g := range p.goes {
		fill["bill"] = append(fill["bill"], g.bill.ref)
		fill["amount"] = append(fill["amount"], fmt.Sprint(g.amount))
	}
	o.send(form("do", "place"), fill)
}

// explains says what money was for that left: what was sent back to whoever had paid
// it is known from the other side.
func (o *officer) explains(p *payment) {
	o.Helper()
	i := slices.IndexFunc(o.payments, func(q *payment) bool { return q.back == p && p.what == "refund" })
	switch {
	case p.explanation != "":
		o.open(o.address(p))
		o.send(form("do", "explain"), form("purpose", p.explanation))
	case i >= 0:
		o.open(o.address(p))
		o.send(form("do", "refund"), form("holder", "pupil:"+o.payments[i].of.person, "amount", ""))
	}
}

// credits carries what was paid too much over to the next bill.
func (o *officer) credits() {
	o.Helper()
	for _, p := range o.payments {
		if p.carried {
			o.open("/desk/" + o.org + "/credits")
			o.send(form("holder", "pupil:"+p.of.person), form("bill", p.of.bills[1].ref))
		}
	}
}

// adds holds the ledger against the truth: every bill, every family's credit, and
// the bank, to the đồng.
func (o *officer) adds() {
	o.Helper()
	want := map[string]int64{"bank:main": o.holds("2026-12-31"), "interest:bank": -1_234, "charges:bank": 11_000}
	for _, b := range o.refs {
		want["pupil:"+b.of.person+":receivable:"+b.id] = b.left
	}
	for _, p := range o.pupils {
		want["pupil:"+p.person+":credit"] = -p.credit
	}
	code, out, log := command(o.T, "--data", o.data, "--json", "balances", "--account", o.org+":")
	if code != 0 {
		o.Fatal(code, log)
	}
	got := map[string]int64{}
	sum := int64(0)
	for line := range strings.Lines(out) {
		var b struct {
			Account string
			Balance int64 `json:"balance,string"`
		}
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			o.Fatal(err)
		}
		path := strings.TrimPrefix(b.Account, o.org+":")
		got[path] = b.Balance
		sum += b.Balance
		if strings.HasPrefix(path, "unallocated:") && b.Balance != 0 || path == "suspense:in" {
			o.Errorf("%s still holds %d", path, b.Balance)
		}
	}
	for path, amount := range want {
		if got[path] != amount {
			o.Errorf("%s holds %d, want %d", path, got[path], amount)
		}
	}
	if sum != 0 {
		o.Errorf("all accounts add up to %d", sum)
	}
}
