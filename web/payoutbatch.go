package web

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"time"

	"socho/events"
	"socho/internal/chores"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/qr"
)

// bankName is what a bank is called; its BIN where that is not known.
func bankName(bin string) string {
	for _, b := range qr.Banks() {
		if b.BIN == bin {
			return b.ShortName
		}
	}
	return bin
}

// batchPage is a batch: what one file for the bank holds.
type batchPage struct {
	Organization projections.Organization
	Batch        payouts.BatchState
	Period       string
	May          monthRights
	Stands       []codeCount
}

func (s *site) batchAsked(r *request) (o projections.Organization, b payouts.BatchState, period string, err error) {
	if o, err = s.organization(r, "fund"); err != nil {
		return o, b, "", err
	}
	if b, err = s.payouts(r).Batch(r.Context(), o.Organization, r.PathValue("batch")); err != nil {
		return o, b, "", err
	}
	if len(b.Batch.Batch) > 7 { // B202610-…
		period = b.Batch.Batch[1:5] + "-" + b.Batch.Batch[5:7]
	}
	if !events.Period(period).Valid() {
		period = string(b.OpenedOn)[:min(len(b.OpenedOn), 7)]
	}
	return o, b, period, nil
}

func batchLink(organization, batch string) string {
	return "/funds/" + organization + "/batches/" + batch
}

func (s *site) payoutBatch(r *request) (*view, error) {
	o, b, period, err := s.batchAsked(r)
	if err != nil {
		return nil, err
	}
	page := batchPage{Organization: o, Batch: b, Period: period, May: r.monthRights(o.Organization)}
	for _, status := range payoutStatuses {
		if n := b.Stands[status]; n > 0 {
			page.Stands = append(page.Stands, codeCount{status, int(n)})
		}
	}
	return s.underMonth(r, &view{template: "payout_batch", title: r.language.say("batch.title", "batch", b.Batch.Batch), data: &page}, o, period), nil
}

// makeBatch puts what waits for the bank into a batch.
func (s *site) makeBatch(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	period, err := r.monthAsked()
	if err != nil {
		return nil, err
	}
	l := r.language
	waits, err := s.payouts(r).Waits(r.Context(), o.Organization, period)
	if err != nil {
		return nil, err
	}
	what := r.ask("what", "radio", "off")
	for _, w := range waits {
		value := w.Method
		key := "export.wait"
		if w.Back {
			value, key = value+"-back", "export.back"
		}
		what.Options = append(what.Options, option{Value: value, Label: l.say(key, "method", l.word("method", w.Method)), Hint: l.say("export.of", "n", l.number(w.Count), "sum", l.vnd(w.Sum))})
	}
	if what.Value == "" && len(what.Options) > 0 {
		what.Value = what.Options[0].Value
	}
	on := r.ask("execute_on", "date", "off")
	if on.Value == "" {
		on.Value = time.Now().In(vietnam).Format(time.DateOnly)
	}
	account := r.ask("account", "text", "off")
	account.Max = 64
	if account.Value == "" {
		account.Value = o.Account
	}
	v, page := r.formView("export", "/funds/"+o.Organization+"/export", hidden("period", period), what, on, account)
	page.Form.Cancel = monthLink(o.Organization, period)
	s.underMonth(r, v, o, period)
	if len(waits) == 0 {
		page.Lead, page.Form = l.say("payouts.nothing"), nil
		page.Links = []crumb{{l.say("payouts.back"), monthLink(o.Organization, period)}}
		return v, nil
	}
	if r.Method != http.MethodPost {
		return v, nil
	}
	if !slices.ContainsFunc(what.Options, func(o option) bool { return o.Value == what.Value }) {
		return nil, errBad
	}
	for _, wrong := range []struct {
		is         bool
		field, key string
	}{{!events.Date(on.Value).Valid(), "execute_on", "problem.day"}, {!events.ValidID(account.Value), "account", "problem.account"}} {
		if wrong.is {
			v.status = http.StatusUnprocessableEntity
			for i := range page.Form.Fields {
				if page.Form.Fields[i].Name == wrong.field {
					page.Form.Fields[i].Error = l.say(wrong.key)
				}
			}
			return v, nil
		}
	}
	about := choreAbout{Period: period, Method: what.Value, Account: account.Value, ExecuteOn: on.Value}
	if method, back := cutBack(what.Value); back {
		about.Method, about.Returned = method, true
	}
	return s.begin(r, o, choreBatch, about, nil)
}

func cutBack(what string) (method string, back bool) {
	const end = "-back"
	if len(what) > len(end) && what[len(what)-len(end):] == end {
		return what[:len(what)-len(end)], true
	}
	return what, false
}

// fileFormats are those that pages offer, with what browsers call them.
var fileFormats = []struct{ format, name, kind string }{
	{"pain.001.001.09", ".xml", "application/xml"},
	{"pain.001.001.03", "-03.xml", "application/xml"},
	{"xlsx", ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
}

// batchFile hands the file of a batch over. It holds names and accounts, which is
// written into the trail first.
func (s *site) batchFile(r *request) (*view, error) {
	o, b, period, err := s.batchAsked(r)
	if err != nil {
		return nil, err
	}
	format := r.ask("format", "radio", "off")
	for _, f := range fileFormats {
		format.Options = append(format.Options, option{Value: f.format, Label: r.language.word("format", f.format), Hint: r.language.word("format_hint", f.format)})
	}
	if format.Value == "" {
		format.Value = fileFormats[0].format
	}
	v, page := r.formView("batch_file", batchLink(o.Organization, b.Batch.Batch)+"/file", format)
	page.Form.Cancel, page.Form.Download = batchLink(o.Organization, b.Batch.Batch), true
	s.underMonth(r, v, o, period)
	if r.Method != http.MethodPost {
		return v, nil
	}
	i := slices.IndexFunc(fileFormats, func(f struct{ format, name, kind string }) bool { return f.format == format.Value })
	if i < 0 {
		return nil, errBad
	}
	made, from, err := s.payouts(r).File(r.Context(), payouts.Export{Organization: o.Organization, Period: period, Batch: b.Batch.Batch, Format: format.Value})
	var problem *chores.Problem
	if err = refusal(err); err != nil {
		var refused *refusedFact
		if !errors.As(err, &refused) && errors.As(r.language.told(err), &problem) {
			page.Form.Problem, v.status = problem.Text, http.StatusUnprocessableEntity
			return v, nil
		}
		return r.refuse(v, page, err)
	}
	return &view{file: &file{name: made.Batch + fileFormats[i].name, kind: fileFormats[i].kind, from: from}}, nil
}

// submitFile records that a file goes to the bank: the very file, which is compared
// to the byte with the one that was exported.
func (s *site) submitFile(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	period, err := r.monthAsked()
	if err != nil {
		return nil, err
	}
	l := r.language
	field := formField{Name: "file", Label: l.say("ask.bank_file"), Hint: l.say("ask.bank_file.hint", "mb", chores.MaxFile>>20), Type: "file", Accept: ".xml,.xlsx", Required: true}
	v, page := r.formView("submit", "/funds/"+o.Organization+"/submit", hidden("period", period), field)
	page.Form.Cancel = monthLink(o.Organization, period)
	s.underMonth(r, v, o, period)
	if r.Method != http.MethodPost {
		return v, nil
	}
	_, content, err := r.uploaded("file")
	if err != nil {
		return nil, err
	}
	if len(content) == 0 {
		page.Form.Fields[1].Error, v.status = l.say("problem.file_missing"), http.StatusUnprocessableEntity
		return v, nil
	}
	work := s.payouts(r)
	done, err := work.Submit(r.Context(), bytes.NewReader(content))
	var problem *chores.Problem
	var refused *refusedFact
	switch err = refusal(err); {
	case errors.As(err, &refused):
		return r.refuse(v, page, err)
	case errors.As(l.told(err), &problem):
		page.Form.Problem, v.status = problem.Text, http.StatusUnprocessableEntity
		return v, nil
	case err != nil:
		return nil, err
	}
	if err := work.CaughtUp(r.Context()); err != nil {
		return nil, err
	}
	return see(batchLink(done.Organization, done.Batch), "batch_submitted"), nil
}

// cancelBatch says that a batch does not go to the bank.
func (s *site) cancelBatch(r *request) (*view, error) {
	o, b, period, err := s.batchAsked(r)
	if err != nil {
		return nil, err
	}
	reason := r.ask("reason", "select", "off")
	reason.Options = r.language.options("why", cancelReasons)
	v, page := r.formView("batch_cancel", batchLink(o.Organization, b.Batch.Batch)+"/cancel", reason)
	page.Form.Danger, page.Form.Cancel = true, batchLink(o.Organization, b.Batch.Batch)
	s.underMonth(r, v, o, period)
	if r.Method != http.MethodPost {
		return v, nil
	}
	if !slices.Contains(cancelReasons, reason.Value) {
		return nil, errBad
	}
	if _, err := s.payouts(r).Cancel(r.Context(), o.Organization, b.Batch.Batch, reason.Value); err != nil {
		return r.refuse(v, page, refusal(err))
	}
	return see(batchLink(o.Organization, b.Batch.Batch), "batch_cancelled"), nil
}

var cancelReasons = []string{"wrong_day", "wrong_account", "wrong_amount", "mistake"}

// takeResults takes in what the bank answered.
func (s *site) takeResults(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	period, err := r.monthAsked()
	if err != nil {
		return nil, err
	}
	l := r.language
	batches, err := s.payouts(r).Batches(r.Context(), o.Organization, period)
	if err != nil {
		return nil, err
	}
	batch := r.ask("batch", "select", "off")
	batch.Required, batch.Options = false, []option{{Label: l.say("results.batch.said")}}
	for _, b := range batches {
		batch.Options = append(batch.Options, option{Value: b.Batch.Batch, Label: b.Batch.Batch})
	}
	line := r.ask("line", "text", "off")
	line.Required, line.Max = false, 64
	field := formField{Name: "file", Label: l.say("ask.result_file"), Hint: l.say("ask.result_file.hint", "mb", chores.MaxFile>>20), Type: "file", Accept: ".xml,.xlsx,.csv,.txt,.sta", Required: true}
	v, page := r.formView("results", "/funds/"+o.Organization+"/results", hidden("period", period), field, batch, line)
	page.Form.Cancel = monthLink(o.Organization, period)
	s.underMonth(r, v, o, period)
	if r.Method != http.MethodPost {
		return v, nil
	}
	wrong := func(n int, key string) (*view, error) {
		page.Form.Fields[n].Error, v.status = l.say(key), http.StatusUnprocessableEntity
		return v, nil
	}
	_, content, err := r.uploaded("file")
	switch {
	case err != nil:
		return nil, err
	case len(content) == 0:
		return wrong(1, "problem.file_missing")
	case batch.Value != "" && !events.ValidID(batch.Value):
		return nil, errBad
	case line.Value != "" && !events.ValidID(line.Value):
		return wrong(3, "problem.line")
	}
	done, err := s.begin(r, o, choreResults, choreAbout{Period: period, Batch: batch.Value, Line: line.Value}, content)
	if errors.Is(err, chores.ErrFull) {
		return wrong(1, "problem.files_full")
	}
	return done, err
}

// reissue puts a payout that came back on a list again, to another account or in
// cash.
func (s *site) reissue(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	p, err := s.Model.Payout(r.Context(), o.Organization, r.PathValue("payout"))
	if err != nil {
		return nil, err
	}
	l := r.language
	method := r.ask("method", "radio", "off")
	method.Options = l.options("method", []string{"account", "ewallet", "cash"})
	if method.Value == "" {
		method.Value = "account"
	}
	bank, account, holder := r.ask("bank", "text", "off"), r.ask("account_number", "text", "off"), r.ask("account_name", "text", "off")
	bank.Required, account.Required, holder.Required = false, false, false
	account.Max = 40
	v, page := r.formView("reissue", "/payouts/"+o.Organization+"/"+p.Payout+"/reissue", method, bank, account, holder)
	page.Lead = l.say("reissue.lead", "amount", l.minor(p.Returned, p.Currency), "reason", l.word("why", p.Reason))
	page.Form.Cancel = "/funds/" + o.Organization + "/returned?period=" + p.Period
	s.underMonth(r, v, o, p.Period)
	if r.Method != http.MethodPost {
		return v, nil
	}
	again := payouts.Reissue{Organization: o.Organization, Payout: p.Payout, Method: method.Value, BIN: bank.Value, Account: account.Value, AccountName: holder.Value}
	if wrong := again.Check(); wrong != "" {
		field := map[string]string{"bank": "bank", "account": "account_number", "account_name": "account_name"}[wrong]
		if field == "" {
			return nil, errBad
		}
		for i := range page.Form.Fields {
			if page.Form.Fields[i].Name == field {
				page.Form.Fields[i].Error, v.status = l.say("problem.reissue_"+wrong), http.StatusUnprocessableEntity
			}
		}
		return v, nil
	}
	done, err := s.payouts(r).Reissue(r.Context(), again)
	var problem *chores.Problem
	var refused *refusedFact
	switch err = refusal(err); {
	case errors.Is(err, readmodel.ErrNotFound):
		return nil, err
	case errors.As(err, &refused):
		return r.refuse(v, page, err)
	case errors.As(l.told(err), &problem):
		page.Form.Problem, v.status = problem.Text, http.StatusUnprocessableEntity
		return v, nil
	case err != nil:
		return nil, err
	}
	return see(listLink(o.Organization, done.List), "reissued"), nil
}
