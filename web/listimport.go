package web

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"unicode"
	"unicode/utf8"

	"socho/events"
	"socho/internal/office"
	"socho/internal/sheet"
)

type listPage struct {
	Form     form
	List     string
	Lead     string
	Columns  string
	Problems []office.RowProblem
	More     int // problems beyond those that are shown
	Preview  *listPreview
}

// listPreview is what a list comes to, before it is taken in.
type listPreview struct {
	Lines   []crumb // what, and how many
	Moves   []office.Change
	Content string // the file, to be taken in as it was looked at
	On      string
	Leavers bool
	Nothing bool
}

// shownProblems bounds how many problems of a file are shown at once.
const shownProblems = 50

// takeList takes a list in: of pupils, of fee items, or of who pays less. It first says
// what the list comes to; the file comes along with the answer, so that what was
// looked at is what is taken in, and nothing is kept meanwhile.
func (s *site) takeList(r *request) (*view, error) {
	name := r.PathValue("list")
	kind := ""
	switch name {
	case "pupils", "reductions":
		kind = "school"
	case "tariffs":
	default:
		return nil, errNoPage
	}
	o, err := s.organization(r, kind)
	if err != nil {
		return nil, err
	}
	on := r.ask("from_day", "date", "off")
	if on.Value == "" {
		on.Value = string(r.today())
	}
	fields := []formField{r.fileField("list_file", ".csv,.xlsx"), on}
	if name == "pupils" {
		leavers := formField{Name: "leavers", Label: r.language.say("ask.leavers"), Type: "checkbox", Value: r.FormValue("leavers")}
		fields = append(fields, leavers)
	}
	page := &listPage{List: name, Lead: r.language.say("list." + name + ".lead"), Columns: r.language.say("list." + name + ".columns"),
		Form: form{Action: r.URL.Path, Submit: r.language.say("list.look"), Cancel: "/office/" + o.Organization, Fields: fields}}
	v := s.underOffice(r, o, &view{template: "list", title: r.language.say("list." + name + ".title"), data: page})
	if r.Method != http.MethodPost {
		return v, nil
	}
	content, err := r.listContent()
	if err != nil {
		return nil, err
	}
	refuse := func(field int, text string) (*view, error) {
		page.Form.Fields[field].Error, v.status = text, http.StatusUnprocessableEntity
		return v, nil
	}
	day := events.Date(on.Value)
	switch {
	case content == nil:
		return refuse(0, r.language.say("list.choose"))
	case !day.Valid():
		return refuse(1, r.language.say("run.bad_day"))
	}
	taken := &takenList{s.financeOf(r), o.Organization, o.Kind, day, r.FormValue("leavers") == "yes", bytes.NewReader(content)}
	preview, problems, say, err := taken.read(r, name)
	var bad *sheet.FileError
	switch {
	case errors.As(err, &bad):
		return refuse(0, r.language.ofFile(bad))
	case err != nil:
		return nil, err
	case len(problems) > 0:
		page.Problems, v.status = problems[:min(len(problems), shownProblems)], http.StatusUnprocessableEntity
		page.More = len(problems) - len(page.Problems)
		return v, nil
	}
	if r.PostFormValue("sure") == "yes" && !preview.Nothing {
		if err := say(r.Context()); err != nil {
			return nil, err
		}
		return see("/office/"+o.Organization, "list"), nil
	}
	preview.Content, preview.On, preview.Leavers = base64.StdEncoding.EncodeToString(content), on.Value, taken.leavers
	page.Preview = preview
	return v, nil
}

// ofFile says what is wrong with a file, and what to do, as a sentence.
func (l *language) ofFile(e *sheet.FileError) string {
	first, n := utf8.DecodeRuneInString(e.In(l.code))
	return string(unicode.ToUpper(first)) + e.In(l.code)[n:] + "."
}

// listContent is the file, as it was chosen or as it came back with the answer.
func (r *request) listContent() ([]byte, error) {
	if text := r.PostFormValue("content"); text != "" {
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errBad
		}
		return content, nil
	}
	_, content, err := r.uploaded("list_file")
	if err != nil {
		return nil, errBad
	}
	if len(content) > maxList {
		return nil, errTooLarge
	}
	return content, nil
}
