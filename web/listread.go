package web

import (
	"bytes"
	"context"

	"socho/events"
	"socho/internal/office"
)

// takenList is a list that was handed in, and for whom.
type takenList struct {
	desk         Finance
	organization string
	kind         string
	on           events.Date
	leavers      bool
	file         *bytes.Reader
}

// read says what a list comes to, and how it is taken in.
func (t *takenList) read(r *request, name string) (preview *listPreview, problems []office.RowProblem, say func(context.Context) error, err error) {
	preview = &listPreview{}
	add := func(key string, n int) {
		if n > 0 {
			preview.Lines = append(preview.Lines, crumb{r.language.say("list." + key), r.language.number(n)})
		}
	}
	switch name {
	case "pupils":
		rows, problems, err := office.ReadPupils(t.file)
		if err != nil || len(problems) > 0 {
			return nil, problems, nil, err
		}
		e, err := t.desk.Enrol(r.Context(), t.organization, rows, t.on, t.leavers)
		if err != nil {
			return nil, nil, nil, err
		}
		add("new", len(e.New))
		add("moved", len(e.Moved))
		add("back", len(e.Back))
		add("changed", len(e.Changed))
		add("unchanged", e.Unchanged)
		if t.leavers {
			add("leaving", len(e.Missing))
		} else {
			add("missing", len(e.Missing))
		}
		preview.Moves, preview.Nothing = e.Moved[:min(len(e.Moved), shownProblems)], e.Facts() == 0
		return preview, nil, func(ctx context.Context) error { return t.desk.SayEnrolment(ctx, e, nil) }, nil
	case "tariffs":
		set, problems, err := office.ReadTariffs(t.file, t.kind, t.on)
		if err != nil || len(problems) > 0 {
			return nil, problems, nil, err
		}
		all, err := t.desk.SetTariffs(r.Context(), t.organization, set)
		if err != nil {
			return nil, nil, nil, err
		}
		for i := range all.Set {
			f := &all.Set[i]
			label := r.language.word("item", string(f.Item))
			if f.Class != "" {
				label += " · " + string(f.Class)
			}
			preview.Lines = append(preview.Lines, crumb{label, r.language.decimal(string(f.Amount), f.Currency)})
		}
		add("unchanged", all.Unchanged)
		preview.Nothing = len(all.Set) == 0
		return preview, nil, func(ctx context.Context) error { return t.desk.SayTariffs(ctx, all) }, nil
	}
	granted, problems, err := t.desk.ReadReductions(t.file, t.organization, t.on)
	if err != nil || len(problems) > 0 {
		return nil, problems, nil, err
	}
	all, strangers, err := t.desk.GrantReductions(r.Context(), t.organization, granted)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(strangers) > 0 {
		return nil, []office.RowProblem{{Column: "Mã học sinh", Why: r.language.say("list.strangers", "n", len(strangers))}}, nil, nil
	}
	add("granted", len(all.Granted))
	add("unchanged", all.Unchanged)
	preview.Nothing = len(all.Granted) == 0
	return preview, nil, func(ctx context.Context) error { return t.desk.SayReductions(ctx, all) }, nil
}
