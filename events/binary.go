package events

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FromMessage returns the line that a partner's own producer meant by a Kafka
// message: a CloudEvent in structured mode as it stands, one in binary mode
// (attributes in headers ce_…, data as the value) put together, as CloudEvents'
// Kafka Protocol Binding 1.0.2 has it. Line ends are taken out: in JSON they
// mean nothing. What is no event stays what it is, for intake to file.
func FromMessage(headers []Header, value []byte) []byte {
	if !slices.ContainsFunc(headers, func(h Header) bool { return h.Name == binaryPrefix+"specversion" }) {
		return oneLine(value)
	}
	members := map[string]jsontext.Value{}
	for _, h := range headers {
		name, attribute := strings.CutPrefix(h.Name, binaryPrefix)
		text := string(h.Value)
		switch {
		case !attribute && strings.EqualFold(h.Name, HeaderContentType):
			name, text = "datacontenttype", mediaType(text)
		case !attribute:
			continue
		}
		if _, twice := members[name]; twice {
			return oneLine(value)
		}
		if name == "deviceseq" && wholeNumber(text) { // the one attribute that is a number
			members[name] = jsontext.Value(text)
			continue
		}
		quoted, err := jsontext.AppendQuote(nil, text)
		if err != nil {
			return oneLine(value)
		}
		members[name] = quoted
	}
	if data := jsontext.Value(oneLine(value)); data.IsValid() {
		members["data"] = data
	} else {
		return oneLine(value)
	}
	line, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return oneLine(value)
	}
	return line
}

// binaryPrefix begins the headers that hold attributes.
const binaryPrefix = "ce_"

// mediaType is a content type without its parameters.
func mediaType(text string) string {
	kind, _, _ := strings.Cut(text, ";")
	return strings.TrimSpace(kind)
}

func oneLine(value []byte) []byte {
	line := bytes.Clone(value)
	for i, c := range line {
		if c == '\n' || c == '\r' {
			line[i] = ' '
		}
	}
	return line
}
