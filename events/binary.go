package events

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FromMessage returns the line that a partner's own producer meant by a Kafka
// message, as CloudEvents' Kafka Protocol Binding 1.0.2 has it: an event in
// structured mode as it stands, one in binary mode (attributes in headers ce_…,
// data as the value) put together. Line ends are taken out, and a byte order
// mark before the text: in JSON they mean nothing. A message that says it is
// binary and does not come out as one keeps everything it has in a line that is
// no event, for intake to file.
func FromMessage(headers []Header, value []byte) []byte {
	binary, structured := false, false
	for _, h := range headers {
		binary = binary || strings.HasPrefix(h.Name, binaryPrefix)
		structured = structured || strings.EqualFold(h.Name, HeaderContentType) &&
			strings.HasPrefix(strings.ToLower(string(h.Value)), "application/cloudevents")
	}
	if structured || !binary {
		return oneLine(value)
	}
	members := map[string]jsontext.Value{}
	sound := true
	for _, h := range headers {
		name, attribute := strings.CutPrefix(h.Name, binaryPrefix)
		text := string(h.Value)
		switch {
		case !attribute && strings.EqualFold(h.Name, HeaderContentType):
			name, text = "datacontenttype", mediaType(text)
		case !attribute:
			continue
		}
		if _, twice := members[name]; twice || name == "data" || !utf8.ValidString(text) {
			sound = false
			continue
		}
		members[name] = quoted(text)
		if name == "deviceseq" && wholeNumber(text) { // the one attribute that is a number
			members[name] = jsontext.Value(text)
		}
	}
	if data := jsontext.Value(oneLine(value)); sound && data.IsValid() {
		members["data"] = data
	} else {
		members["message"] = wholeMessage(headers, value)
	}
	line, err := json.Marshal(members, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return wholeMessage(headers, value)
	}
	return line
}

// wholeMessage is a message that is no event, to the last byte: texts as texts,
// what is no text in base64.
func wholeMessage(headers []Header, value []byte) jsontext.Value {
	part := func(b []byte) jsontext.Value {
		if utf8.Valid(b) {
			return quoted(string(b))
		}
		return jsontext.Value(`{"base64":"` + base64.StdEncoding.EncodeToString(b) + `"}`)
	}
	var b bytes.Buffer
	b.WriteString(`{"headers":[`)
	for i, h := range headers {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `[%s,%s]`, part([]byte(h.Name)), part(h.Value))
	}
	fmt.Fprintf(&b, `],"value":%s}`, part(value))
	return b.Bytes()
}

// quoted is a text of valid UTF-8 as JSON.
func quoted(text string) jsontext.Value {
	q, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return jsontext.Value(`""`) // never, of valid UTF-8
	}
	return q
}

// binaryPrefix begins the headers that hold attributes.
const binaryPrefix = "ce_"

// mediaType is a content type without its parameters.
func mediaType(text string) string {
	kind, _, _ := strings.Cut(text, ";")
	return strings.TrimSpace(kind)
}

func oneLine(value []byte) []byte {
	line := bytes.Clone(bytes.TrimPrefix(value, []byte("\xef\xbb\xbf")))
	for i, c := range line {
		if c == '\n' || c == '\r' {
			line[i] = ' '
		}
	}
	return line
}
