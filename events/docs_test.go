package events

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	docsPath   = "../docs/events.md"
	docsMarker = "<!-- From here on written by: go test ./events -run TestDocs -update -->\n"
)

// TestDocs holds docs/events.md to the code: what stands behind the marker is
// made of the comments of the files of facts, the schemas and the examples.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(text), docsMarker)
	if !ok {
		t.Fatalf("%s has lost its marker", docsPath)
	}
	want := catalogueDocs(t)
	if *update && body != want {
		if err := os.WriteFile(docsPath, []byte(head+docsMarker+want), 0o666); err != nil {
			t.Fatal(err)
		}
		body = want
	}
	if body != want {
		t.Errorf("%s differs from what the code says; go test ./events -run TestDocs -update", docsPath)
	}
	for _, name := range Types() {
		if !strings.Contains(body, "`"+name+"`") {
			t.Errorf("%s is not named", name)
		}
	}
}

// comments are the doc comments of a file's types and of its constants' lines.
type comments struct {
	types  map[string]string
	consts []string // name and comment, in order
}

func readComments(t *testing.T, path string) comments {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := comments{types: map[string]string{}}
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				found.types[spec.Name.Name] = plain(cmp.Or(spec.Doc.Text(), decl.Doc.Text()))
			case *ast.ValueSpec:
				if lit, ok := spec.Values[0].(*ast.BasicLit); ok && spec.Comment != nil {
					found.consts = append(found.consts, strings.Trim(lit.Value, `"`), plain(spec.Comment.Text()))
				}
			}
		}
	}
	return found
}

// plain is a comment as one paragraph.
func plain(text string) string {
	var p comment.Parser
	var c comment.Printer
	c.TextWidth = -1
	return strings.Join(strings.Fields(string(c.Text(p.Parse(text)))), " ")
}

// inJSON replaces the names of Go fields by those that stand in the JSON.
func inJSON(text string, t reflect.Type) string {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.Anonymous && name != "" {
			text = regexp.MustCompile(`\b`+f.Name+`\b`).ReplaceAllString(text, "`"+name+"`")
		}
	}
	return text
}

// meaning is what the comments say of a fact, without its Go name, and of what
// it shares with others.
func (c comments) meaning(t reflect.Type) string {
	text, ok := strings.CutPrefix(c.types[t.Name()], t.Name()+": ")
	if !ok {
		text = strings.TrimPrefix(text, t.Name()+" is ")
	}
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.Anonymous, f.Type == reflect.TypeFor[Dated](), f.Type == reflect.TypeFor[Timeless](),
			f.Type == reflect.TypeFor[Of](), f.Type == reflect.TypeFor[MaybeOf](), f.Type == reflect.TypeFor[Sum]():
		default:
			_, shared, _ := strings.Cut(c.types[f.Type.Name()], ". ")
			text += " " + shared
		}
		if f.Type == reflect.TypeFor[[]Item]() {
			_, items, _ := strings.Cut(c.types["Item"], ". ")
			text += " " + inJSON(items, reflect.TypeFor[Item]())
		}
	}
	text = inJSON(strings.TrimSpace(text), t)
	text = regexp.MustCompile(`\w+:<\w+>`).ReplaceAllString(text, "`$0`")
	return strings.ToUpper(text[:1]) + text[1:]
}

// value says what a schema asks of a field.
func value(s map[string]any) string {
	join := func(list any) string {
		var words []string
		for _, w := range list.([]any) {
			words = append(words, fmt.Sprintf("`%v`", w))
		}
		return strings.Join(words, ", ")
	}
	switch {
	case s["$ref"] == "#/$defs/string":
		return "text"
	case s["$ref"] != nil:
		name := strings.TrimPrefix(s["$ref"].(string), "#/$defs/")
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	case s["enum"] != nil:
		return "one of " + join(s["enum"])
	case s["const"] != nil:
		return fmt.Sprintf("`%v`", s["const"])
	case s["type"] == "integer":
		return fmt.Sprintf("a whole number from %.0f to %.0f", s["minimum"], s["maximum"])
	case s["type"] == "array":
		return fmt.Sprintf("list of 1 to %v", s["maxItems"])
	case s["pattern"] != nil:
		return fmt.Sprintf("`%v`", s["pattern"])
	}
	return fmt.Sprint(s["type"])
}

// fieldsTable lists an object's fields in the order of the Go type.
func fieldsTable(s map[string]any, order []string, at string) (rows string) {
	properties := s["properties"].(map[string]any)
	for _, name := range order {
		p, ok := properties[name].(map[string]any)
		if !ok {
			continue
		}
		need := "yes"
		if !slices.Contains(s["required"].([]any), any(name)) {
			need = ""
		}
		if name == "personal" {
			rows += "| `" + at + "personal` | | personal fields in clear, see above |\n"
			continue
		}
		rows += "| `" + at + name + "` | " + need + " | " + value(p) + " |\n"
		if items, ok := p["items"].(map[string]any); ok {
			rows += fieldsTable(items, planOf(reflect.TypeFor[Item]()).names, at+name+"[].")
		}
	}
	return rows
}

func catalogueDocs(t *testing.T) string {
	facts, codes := readComments(t, "facts.go"), readComments(t, "errors.go")
	for _, more := range []string{"facts_benefit.go", "facts_market.go", "facts_office.go"} {
		maps.Copy(facts.types, readComments(t, more).types)
	}
	var b strings.Builder
	write := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	parsed := func(name string) map[string]any {
		text, err := Schema(name)
		if err != nil {
			t.Fatal(err)
		}
		var s map[string]any
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	const head = "\n| Field | Required | Value |\n|---|---|---|\n"
	defs := map[string]any{}

	write("\n## The envelope\n%s", head)
	envelope := parsed(Type("market.fee_assessed"))
	delete(envelope["properties"].(map[string]any), "data")
	write("%s", strings.Replace(fieldsTable(envelope, envelopePlan.names, ""), "`"+Type("market.fee_assessed")+"`", "the type of the fact", 1))
	write("| `data` | yes | the fact's own fields, below |\n\n## The facts\n")

	for _, k := range catalogue {
		for i, v := range k.versions {
			name := fmt.Sprintf("%s%s.v%d", TypePrefix, k.name, i+1)
			s, fact := parsed(name), reflect.TypeOf(v.make()).Elem()
			maps.Copy(defs, s["$defs"].(map[string]any))
			write("\n### %s, version %d\n\n`%s`\n\n%s\n", k.name, i+1, name, facts.meaning(fact))
			if k.internal() {
				write("\nWritten by the ledger's own processes only, never handed in.\n")
			}
			order := slices.Clone(v.fields.names)
			if at := slices.Index(order, "sealed"); at >= 0 {
				order[at] = "personal"
			}
			write("%s%s", head, fieldsTable(s["properties"].(map[string]any)["data"].(map[string]any), order, ""))
			write("\n```json\n%s```\n", published(t, name))
		}
	}

	write("\n## The kinds of values\n")
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		s := defs[name].(map[string]any)
		if s["description"] == nil {
			continue
		}
		write("\n### %s\n\n%s\n", name, s["description"])
		pattern, _ := s["pattern"].(string)
		if pattern == noControls {
			pattern = ""
		}
		switch {
		case s["enum"] != nil, s["const"] != nil:
			write("\n%s\n", value(s))
		case s["maxLength"] != nil && pattern == "":
			write("\n%v to %v characters, no control characters\n", s["minLength"], s["maxLength"])
		case pattern != "" && s["format"] == nil && name != "Decimal":
			write("\n`%s`\n", pattern)
		}
	}

	write("\n## Why an event is no event\n\n| Code | Meaning |\n|---|---|\n")
	for i := 0; i < len(codes.consts); i += 2 {
		write("| `%s` | %s |\n", codes.consts[i], codes.consts[i+1])
	}
	return b.String()
}
