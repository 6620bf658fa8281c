package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"socho/events"
	"socho/internal/chores"
	"socho/internal/identity"
	"socho/internal/payouts"
	"socho/internal/sheet"
	"socho/ledger"
	"socho/projections"
)

// Long work of a fund's month: a list is read and compared, and taken once a person
// has seen what it comes to; a batch is made; what the bank answered is taken in.

// Kinds of chores.
const (
	choreList    = "payout_list"
	choreLook    = "payout_look"
	choreBatch   = "payout_batch"
	choreResults = "payout_results"
	choreOrder   = "payout_order"
)

// choreAbout is what a chore was asked for. It is kept in clear.
type choreAbout struct {
	Period    string        `json:"period,omitempty"`
	Programme string        `json:"programme,omitempty"`
	List      string        `json:"list,omitempty"`
	BaseRate  int64         `json:"base_rate,omitempty"`
	Digest    events.Digest `json:"digest,omitempty"`
	Method    string        `json:"method,omitempty"`
	Account   string        `json:"account,omitempty"`
	ExecuteOn string        `json:"execute_on,omitempty"`
	Returned  bool          `json:"returned,omitempty"`
	Line      string        `json:"line,omitempty"`
	Batch     string        `json:"batch,omitempty"`
}

// choreResult is what came of a chore: one of them.
type choreResult struct {
	Examined *payouts.Examined `json:"examined,omitempty"`
	Taken    *payouts.Imported `json:"taken,omitempty"`
	Batch    *payouts.Exported `json:"batch,omitempty"`
	Settled  *payouts.Settled  `json:"settled,omitempty"`
	Ordered  *orderedAgain     `json:"ordered,omitempty"`
}

// orderedAgain is how many payouts were ordered that had been refused.
type orderedAgain struct {
	N int64 `json:"n"`
}

// soon is how long a page waits for work that may be quick, before it shows how far
// it is.
const soon = 4 * time.Second

// begin keeps a chore with its file, starts it, and leads to it.
func (s *site) begin(r *request, o projections.Organization, kind string, about choreAbout, file []byte) (*view, error) {
	owner := actor(r.who)
	id, err := s.Chores.Keep(r.Context(), chores.Order{Kind: kind, Owner: owner, Organization: o.Organization, About: about, File: file})
	if err != nil {
		return nil, err
	}
	return s.goOn(r, o, id, false)
}

// goOn starts a chore, once more or to its end, and leads to it. take says that the
// person has seen what a list comes to.
func (s *site) goOn(r *request, o projections.Organization, id string, take bool) (*view, error) {
	owner := actor(r.who)
	c, err := s.Chores.Find(r.Context(), owner, id)
	if err != nil {
		return nil, err
	}
	if c.Organization != o.Organization {
		return nil, chores.ErrNone
	}
	err = s.Chores.Start(r.Context(), owner, id, c.Kind == choreList && !take, s.choreWork(r, c, take))
	if err != nil && !errors.Is(err, chores.ErrUnderWay) { // sent twice, it is one
		return nil, err
	}
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if c, err = s.Chores.Find(r.Context(), owner, id); err != nil || c.State != chores.Working {
			break
		}
	}
	return see("/funds/"+o.Organization+"/work/"+id, ""), err
}

// choreWork is what a chore does, in the visitor's name and language.
func (s *site) choreWork(r *request, c chores.Chore, take bool) chores.Work {
	l, who := r.language, r.who
	return func(ctx context.Context, job *chores.Job) (any, error) {
		var about choreAbout
		if err := json.Unmarshal(c.About, &about); err != nil {
			return nil, err
		}
		var out choreResult
		file, err := job.File(ctx)
		if err != nil {
			return nil, err
		}
		work := s.workOf(who, job.Progress)
		switch m := about.month(c.Organization); {
		case c.Kind == choreList && take:
			out.Taken, err = work.Take(ctx, file, m)
		case c.Kind == choreList:
			out.Examined, err = work.Examine(ctx, file, m)
		case c.Kind == choreBatch:
			out.Batch, err = work.Gather(ctx, payouts.Export{Organization: c.Organization, Period: about.Period, Method: about.Method, Account: about.Account, ExecuteOn: about.ExecuteOn, Returned: about.Returned})
		case c.Kind == choreResults:
			out.Settled, err = work.Settle(ctx, bytes.NewReader(file), payouts.Results{Organization: c.Organization, Line: about.Line, Batch: about.Batch})
		case c.Kind == choreOrder:
			out.Ordered = &orderedAgain{}
			out.Ordered.N, err = work.OrderAgain(ctx, c.Organization, about.Period)
		case c.Kind == choreLook:
			return work.Look(ctx, c.Organization, about.List)
		}
		if err == nil {
			err = work.CaughtUp(ctx)
		}
		return &out, l.told(err)
	}
}

// lookOf is what a comparison came to; nil where it has not yet.
func lookOf(c chores.Chore) (*payouts.Look, error) {
	if c.State != chores.Done {
		return nil, nil
	}
	var found payouts.Look
	return &found, json.Unmarshal(c.Result, &found)
}

func (a choreAbout) month(organization string) payouts.Month {
	return payouts.Month{Organization: organization, Programme: a.Programme, Period: a.Period, List: a.List, BaseRate: a.BaseRate}
}

// told turns what a person can mend into words for them; other errors stay.
func (l *language) told(err error) error {
	var file *sheet.FileError
	var refused *payouts.RefusedError
	var back *payouts.NotBackError
	var old *ledger.OldRulesError
	switch {
	case errors.As(err, &file):
		return &chores.Problem{Text: l.ofFile(file)}
	case errors.As(err, &refused):
		return &chores.Problem{Text: l.say("problem.refused", "reason", l.word("reason", refused.Code))}
	case errors.Is(err, payouts.ErrNothing):
		return &chores.Problem{Text: l.say("payouts.nothing")}
	case errors.As(err, &old):
		return &chores.Problem{Text: l.say("error.rules_too_old.do")}
	case errors.As(err, &back):
		return &chores.Problem{Text: l.word("not_back", back.Code)}
	}
	return err
}

// chorePage is a chore: how far it is, or what came of it.
type chorePage struct {
	Organization projections.Organization
	Chore        chores.Chore
	About        choreAbout
	Result       choreResult
	Asked        bool   // the file waits for the word to go on
	Problem      string // with that word
	Lines        []int  // to be ticked one by one
	All          bool   // they are too many for that
	Seen         map[int]bool
	MonthLink    string
	Again        string // where to send another file
}

// tickedOneByOne bounds how many lines are ticked each by itself.
const tickedOneByOne = 100

func (s *site) chore(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	c, err := s.Chores.Find(r.Context(), actor(r.who), r.PathValue("chore"))
	if err == nil && (c.Organization != o.Organization || c.Kind == choreLook) {
		err = chores.ErrNone
	}
	if errors.Is(err, chores.ErrNone) {
		return nil, errChore
	}
	if err != nil {
		return nil, err
	}
	page := chorePage{Organization: o, Chore: c, Seen: map[int]bool{}}
	if err := errors.Join(json.Unmarshal(c.About, &page.About), json.Unmarshal(c.Result, &page.Result)); err != nil {
		return nil, err
	}
	page.MonthLink = monthLink(o.Organization, page.About.Period)
	switch c.Kind {
	case choreList:
		page.Again = "/funds/" + o.Organization + "/import?period=" + page.About.Period
	case choreResults:
		page.Again = "/funds/" + o.Organization + "/results?period=" + page.About.Period
	}
	if e := page.Result.Examined; e != nil && c.State == chores.Done {
		page.Asked = e.Entries > 0 && e.Other == 0 && (e.State == "" || e.State == projections.ListOpen)
		page.Lines = e.Against.Otherwise
		if page.All = len(page.Lines) > tickedOneByOne; page.All {
			page.Lines = page.Lines[:tickedOneByOne]
		}
	}
	v := s.underMonth(r, &view{template: "fund_work", title: r.language.say("work." + c.Kind), data: &page}, o, page.About.Period)
	if c.State == chores.Working {
		v.again = 2 * time.Second
	}
	return v, nil
}

// errChore: work that is somebody else's, or whose time is over.
var errChore = &failure{http.StatusNotFound, "chore"}

// changeChore goes on with a chore, or forgets it.
func (s *site) changeChore(r *request) (*view, error) {
	v, err := s.chore(r)
	if err != nil {
		return nil, err
	}
	page := v.data.(*chorePage)
	o := page.Organization
	right := identity.ProposePayouts
	switch page.Chore.Kind {
	case choreResults:
		right = identity.MatchPayments
	case choreBatch:
		right = identity.ExportPersonal
	}
	if err := s.Access.Require(r.Context(), right, o.Organization); err != nil {
		return nil, err
	}
	switch r.PostFormValue("do") {
	case "drop":
		if err := s.Chores.Drop(r.Context(), actor(r.who), page.Chore.ID); err != nil && !errors.Is(err, chores.ErrUnderWay) {
			return nil, err
		}
		return see(page.MonthLink, "work_dropped"), nil
	case "again":
		if page.Chore.State != chores.Interrupted && page.Chore.State != chores.Failed && page.Chore.State != chores.Kept {
			return see(r.URL.Path, ""), nil
		}
		return s.goOn(r, o, page.Chore.ID, false)
	case "take":
		if !page.Asked {
			return see(r.URL.Path, ""), nil // sent twice, or the list has gone on since
		}
		if page.Problem = page.unseen(r); page.Problem != "" {
			v.status = http.StatusUnprocessableEntity
			return v, nil
		}
		return s.goOn(r, o, page.Chore.ID, true)
	}
	return nil, errBad
}

// unseen says what the person has not ticked as seen; "" for nothing.
func (p *chorePage) unseen(r *request) string {
	for _, text := range r.PostForm["seen"] {
		if line, err := strconv.Atoi(text); err == nil {
			p.Seen[line] = true
		}
	}
	e := p.Result.Examined
	switch {
	case e.Left > 0 && r.PostFormValue("left") != "yes":
		return r.language.say("import.unseen.left", "n", r.language.number(int64(e.Left)))
	case p.All && r.PostFormValue("all") != "yes", slices.ContainsFunc(p.Lines, func(line int) bool { return !p.All && !p.Seen[line] }):
		return r.language.say("import.unseen.otherwise")
	case e.Against.Duplicates()+len(e.Against.Elsewhere) > 0 && r.PostFormValue("doubles") != "yes":
		return r.language.say("import.unseen.doubles")
	}
	return ""
}

// importList takes a list in from a file.
func (s *site) importList(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	period, err := r.monthAsked()
	if err != nil {
		return nil, err
	}
	l := r.language
	programme := r.ask("programme", "select", "off")
	programme.Options = l.options("programme", []string{"monthly", "elderly_80", "disability_severe", "disability_extreme", "orphan", "orphan_under_4", "single_parent", "serious_illness", "funeral"})
	if programme.Value == "" {
		programme.Value = "monthly"
	}
	months := r.ask("period", "select", "off")
	months.Options, months.Value = r.monthOptions(period), period
	list, rate := r.ask("list", "text", "off"), r.ask("base_rate", "text", "off")
	list.Required, list.Max, rate.Max = false, 64, 12
	if rate.Value == "" {
		rate.Value = strconv.Itoa(payouts.BaseRate)
	}
	file := formField{Name: "file", Label: l.say("ask.payout_file"), Hint: l.say("ask.payout_file.hint", "mb", chores.MaxFile>>20), Type: "file", Accept: ".xlsx,.csv", Required: true}
	v, page := r.formView("import", "/funds/"+o.Organization+"/import", months, programme, file, list, rate)
	page.Steps = []string{l.say("import.step.file"), l.say("import.step.seen"), l.say("import.step.open")}
	page.Form.Cancel = monthLink(o.Organization, period)
	s.underMonth(r, v, o, period)
	if r.Method != http.MethodPost {
		return v, nil
	}
	about := choreAbout{Period: period, Programme: programme.Value, List: list.Value}
	wrong := func(field, key string) (*view, error) {
		v.status = http.StatusUnprocessableEntity
		for i := range page.Form.Fields {
			if page.Form.Fields[i].Name == field {
				page.Form.Fields[i].Error = l.say(key)
			}
		}
		return v, nil
	}
	switch about.BaseRate, err = strconv.ParseInt(rate.Value, 10, 64); {
	case err != nil || about.BaseRate <= 0 || about.BaseRate > 1_000_000_000:
		return wrong("base_rate", "problem.base_rate")
	case list.Value != "" && !events.ValidID(list.Value):
		return wrong("list", "problem.list")
	case !slices.ContainsFunc(programme.Options, func(o option) bool { return o.Value == programme.Value }):
		return nil, errBad
	}
	if about.List == "" {
		about.List = fmt.Sprintf("%s-%s", about.Programme, about.Period)
	}
	_, content, err := r.uploaded("file")
	switch {
	case err != nil:
		return nil, err
	case len(content) == 0:
		return wrong("file", "problem.file_missing")
	}
	done, err := s.begin(r, o, choreList, about, content)
	switch {
	case errors.Is(err, chores.ErrFull):
		return wrong("file", "problem.files_full")
	case errors.Is(err, chores.ErrLarge):
		return nil, errTooLarge
	}
	return done, err
}
