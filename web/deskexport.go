package web

import (
	"github.com/shopspring/decimal"

	"socho/events"
	"socho/internal/books"
	"socho/internal/identity"
	"socho/internal/money"
	sheets "socho/internal/office"
	"socho/internal/reconcile"
	"socho/projections"
)

// exportMost bounds the lines of one sheet.
const exportMost = 100_000

// exportLines hands a tab's lines over as a sheet without anything personal: what
// waits with why, or what was matched with what it was placed on.
func (s *site) exportLines(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	what := r.query.Get("what")
	tabs := map[string][]reconcile.Tab{"unplaced": {reconcile.Needs, reconcile.Unknown, reconcile.Duplicates}, "matches": {reconcile.Matched}}[what]
	if tabs == nil {
		return nil, errBad
	}
	if s.People != nil {
		if err := s.People.Record(r.Context(), identity.Entry{Action: identity.Exported, Organization: o.Organization, Object: "lines_" + what, Outcome: identity.OK}); err != nil {
			return nil, err
		}
	}
	l := s.languages["vi"] // what is handed on is Vietnamese whoever asks
	t := &books.Table{Head: books.Head{Name: o.Name, Organization: o.Organization, Currency: money.VND}, Kind: what, Title: l.say("export." + what),
		Columns: []books.Column{{Heading: l.say("line.day"), Wide: 12}, {Heading: l.say("line.account"), Wide: 16}, {Heading: l.say("line.amount"), Amount: true, Wide: 16},
			{Heading: l.say("line.placed"), Amount: true, Wide: 16}, {Heading: l.say("line.left"), Amount: true, Wide: 16}, {Heading: l.say("export.pile"), Wide: 16},
			{Heading: l.say("export.words"), Wide: 60}, {Heading: l.say("line.id"), Wide: 46}}}
	vi := *r
	vi.language = l
	rows := 0
	for _, tab := range tabs {
		for after := ""; ; {
			some, next, err := s.Desk.Lines.Lines(r.Context(), o.Organization, tab, after, 500)
			if err != nil {
				return nil, err
			}
			for i := range some {
				t.Rows = append(t.Rows, s.exportRow(&vi, o, &some[i]))
			}
			if rows += len(some); next == "" || rows >= exportMost {
				break
			}
			after = next
		}
	}
	name, kind, content, err := sheets.File(t, r.query.Get("format"))
	if err != nil {
		return nil, err
	}
	return &view{file: &file{name: name, kind: kind, content: content}}, nil
}

func (s *site) exportRow(r *request, o projections.Organization, l *reconcile.Row) []books.Cell {
	words := s.whyWords(r, l)
	for _, u := range l.Uses {
		if words != "" {
			words += "; "
		}
		words += s.placedOn(r, o.Organization, u).What + ": " + r.language.minor(u.Amount, l.Currency)
	}
	sum := func(minor int64) books.Cell {
		scale, _ := l.Currency.Scale()
		return books.Cell{Number: true, Value: decimal.New(minor, -scale)}
	}
	text := func(s string) books.Cell { return books.Cell{Text: s} }
	return []books.Cell{text(date(events.Date(l.On))), text(l.Account), sum(l.Amount), sum(l.Placed), sum(l.Left),
		text(r.language.word("desk.tab", string(l.Tab))), text(words), text(l.Line)}
}
