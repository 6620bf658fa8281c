package events

import (
	"strings"
	"testing"
)

// TestFromMessage: a partner's message gives the same bytes on the log as the
// same fact handed in as a line.
func TestFromMessage(t *testing.T) {
	data := fee[strings.Index(fee, `"data":`)+len(`"data":`) : len(fee)-1]
	attributes := []Header{
		{"ce_specversion", []byte("1.0")}, {"ce_id", []byte("0198f2a0-0000-7000-8000-000000000001")}, {"ce_source", []byte("https://cho.example/hg")},
		{"ce_type", []byte("vn.socho.market.fee_assessed.v1")}, {"ce_subject", []byte("hg-cho-dong-van")}, {"ce_time", []byte("2026-09-01T08:00:00+07:00")},
		{"traceparent", []byte("00-1-2-3")},
	}
	want, err := ParsePublished([]byte(fee))
	if err != nil {
		t.Fatal(err)
	}
	with := func(attributes string) []byte {
		p, err := ParsePublished([]byte(strings.Replace(fee, `"id":`, attributes+`"id":`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return p.envelope
	}
	pretty := strings.ReplaceAll(fee, ",", ",\r\n  ")
	for name, line := range map[string][]byte{
		"structured":         FromMessage([]Header{{"content-type", []byte(ContentType)}}, []byte(fee)),
		"structured, spaced": FromMessage(nil, []byte(pretty)),
		"structured, marked": FromMessage(append(attributes, Header{"Content-Type", []byte("Application/CloudEvents+json")}), []byte("\xef\xbb\xbf"+fee)),
		"binary, typed":      FromMessage(append(attributes, Header{"content-type", []byte("application/json")}), []byte(data)),
		"binary":             FromMessage(attributes, []byte(data)),
		"binary, spaced":     FromMessage(attributes, []byte(strings.ReplaceAll(data, ",", ",\n"))),
	} {
		got, err := ParsePublished(line)
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, line)
			continue
		}
		if string(got.envelope) != string(want.envelope) || len(got.Personal) != len(want.Personal) {
			t.Errorf("%s: %s", name, got.envelope)
		}
	}
	typed := append(attributes, Header{"content-type", []byte("application/json; charset=utf-8")},
		Header{"ce_device", []byte("phone-1")}, Header{"ce_deviceseq", []byte("7")})
	p, err := ParsePublished(FromMessage(typed, []byte(data)))
	if err != nil || *p.Event.DeviceSeq != 7 || string(p.envelope) != string(with(`"device":"phone-1","deviceseq":7,`)) {
		t.Errorf("%v", err)
	}
	for name, bad := range map[string][]byte{
		"data is none":         FromMessage(attributes, []byte("{")),
		"an attribute twice":   FromMessage(append(attributes, attributes[1]), []byte(data)),
		"a number as an id":    FromMessage(append(attributes, Header{"ce_deviceseq", []byte("x")}), []byte(data)),
		"an unknown attribute": FromMessage(append(attributes, Header{"ce_colour", []byte("red")}), []byte(data)),
		"nothing":              FromMessage(nil, nil),
		"no value":             FromMessage(attributes, nil),
		"data twice":           FromMessage(append(attributes, Header{"ce_data", []byte("x")}), []byte(data)),
		"no text":              FromMessage(append(attributes, Header{"ce_device", []byte{0xff}}), []byte(data)),
	} {
		if name != "nothing" && name != "a number as an id" && name != "an unknown attribute" {
			s := Salvaged(bad)
			if s.Organization != "hg-cho-dong-van" || string(s.ID) != "0198f2a0-0000-7000-8000-000000000001" || s.Person != "p-17" && name != "no value" && name != "data is none" {
				t.Errorf("%s is filed as %+v: %s", name, s, bad)
			}
		}
		if _, err := ParsePublished(bad); err == nil {
			t.Errorf("%s is an event: %s", name, bad)
		}
		if strings.ContainsAny(string(bad), "\r\n") {
			t.Errorf("%s: more than one line", name)
		}
	}
}
