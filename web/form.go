package web

import (
	"errors"
	"html/template"
	"net/http"
	"slices"

	"socho/internal/identity"
)

// formField is one question of a form, with what was answered and what is
// wrong with that.
type formField struct {
	Name, Label  string
	Type         string // of an input; or select, radio, checkbox, hidden
	Hint, Error  string
	Value        string
	Autocomplete string // what browsers fill in
	Max          int    // characters
	Digits       bool   // a code or PIN
	Required     bool
	Fixed        bool   // shown, and not to be changed
	Accept       string // of a file: .csv,.xlsx
	Options      []option
}

// option is one of the answers to choose from.
type option struct{ Value, Label, Hint string }

// form is what is asked together and sent together.
type form struct {
	Action   string
	Problem  string // with the whole; of single fields, beside them
	Fields   []formField
	Submit   string
	Cancel   string // where to go instead
	Danger   bool   // the button cannot be taken back
	Download bool   // it hands a file over, and the page stays
}

// Files says that the form sends a file.
func (f form) Files() bool {
	return slices.ContainsFunc(f.Fields, func(f formField) bool { return f.Type == "file" })
}

// confirmation asks before something that cannot be taken back is done.
type confirmation struct {
	Question, Consequence string
	Form                  form
}

// formPage is a page that asks something, or hands something over this one time.
type formPage struct {
	Lead    string
	Steps   []string
	At      int
	Picture template.HTML // a QR code
	Secret  string        // to be typed or copied
	Codes   []string      // to be kept
	Form    *form
	Other   *form // another way to the same end
	Confirm *confirmation
	Links   []crumb
}

// options lists words of a set to choose from.
func (l *language) options(set string, words []string) []option {
	all := make([]option, len(words))
	for i, w := range words {
		all[i] = option{Value: w, Label: l.word(set, w)}
	}
	return all
}

// ask is a field that has to be answered, with the words of ask.<name>. What
// was answered stays, unless it is a secret.
func (r *request) ask(name, kind, autocomplete string) formField {
	f := formField{Name: name, Label: r.language.say("ask." + name), Hint: r.language.text["ask."+name+".hint"],
		Type: kind, Autocomplete: autocomplete, Required: true, Max: 512}
	if kind == "digits" {
		f.Type, f.Digits, f.Max = "text", true, 6
	} else if kind != "password" {
		f.Value = r.FormValue(name)
	}
	return f
}

// hidden carries a value along.
func hidden(name, value string) formField { return formField{Name: name, Type: "hidden", Value: value} }

// formView shows a page of one form under the words of key: title, lead and
// the word on the button.
func (r *request) formView(key, action string, fields ...formField) (*view, *formPage) {
	page := &formPage{Lead: r.language.text[key+".lead"], Form: &form{Action: action, Submit: r.language.say(key + ".do"), Fields: fields}}
	return &view{template: "form", title: r.language.say(key + ".title"), data: page}, page
}

// sure asks whether something that cannot be taken back is really meant, under
// the words of key; nil once the visitor has said so. fields carry along what
// was asked for.
func (r *request) sure(key, cancel string, fields ...formField) *view {
	if r.PostFormValue("sure") == "yes" {
		return nil
	}
	l := r.language
	page := &formPage{Confirm: &confirmation{Question: l.say(key + ".question"), Consequence: l.say(key + ".consequence"),
		Form: form{Action: r.URL.Path, Submit: l.say(key + ".do"), Cancel: cancel, Danger: true, Fields: append(fields, hidden("sure", "yes"))}}}
	return &view{template: "form", title: l.say("sure"), data: page}
}

// problems are what a form tells of an error, and of which field; "" of the
// whole.
var problems = []struct {
	err        error
	key, field string
}{
	{identity.ErrSignIn, "sign_in", ""},
	{identity.ErrName, "name", "name"},
	{identity.ErrTaken, "taken", "name"},
	{identity.ErrPIN, "pin", "pin"},
	{identity.ErrGrant, "grant", ""},
	{identity.ErrFourEyes, "four_eyes", ""},
	{identity.ErrOnlyWay, "only_way", ""},
	{identity.ErrLastAdministrator, "last_administrator", ""},
}

// refuse shows a form again with what is wrong beside the field that it is
// about. An error that no answer can mend stays one.
func (r *request) refuse(v *view, page *formPage, err error) (*view, error) {
	text, field := "", ""
	var password *identity.PasswordError
	var wait *identity.WaitError
	var refused *refusedFact
	switch {
	case errors.As(err, &refused):
		text = r.language.say("problem.refused", "reason", r.language.word("reason", refused.Code))
	case errors.As(err, &password):
		text, field = r.language.say("problem.password."+password.Reason, "n", identity.PasswordLeast), "password"
	case errors.As(err, &wait):
		text = r.language.say("problem.wait", "until", wait.Until.In(vietnam).Format("15:04:05"))
	default:
		for _, p := range problems {
			if errors.Is(err, p.err) {
				text, field = r.language.say("problem."+p.key), p.field
				break
			}
		}
	}
	if text == "" {
		return nil, err
	}
	v.status = http.StatusUnprocessableEntity
	if wait != nil {
		v.status = http.StatusTooManyRequests
	}
	for i := range page.Form.Fields {
		if f := &page.Form.Fields[i]; field != "" && f.Name == field {
			f.Error = text
			return v, nil
		}
	}
	page.Form.Problem = text
	return v, nil
}
