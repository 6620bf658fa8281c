package intake_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"testing"

	"socho/events"
	"socho/internal/intake"
)

// plain seals nothing; it only spells text as sealed text is spelled.
type plain struct{}

func (plain) Erased(string, string, events.KeyClass) bool { return false }
func (plain) Seal(_ events.Place, _ string, class events.KeyClass, clear string) (string, error) {
	return string(rune(class)) + "1." + base64.RawURLEncoding.EncodeToString(append(make([]byte, 16), clear...)), nil
}
func (plain) Sealer(context.Context, []intake.Ref) (plain, error) { return plain{}, nil }
func (plain) Remember(context.Context, []intake.Name) error       { return nil }
func (plain) Hold(context.Context) (func(), error)                { return func() {}, nil }
func (plain) Erase(_ context.Context, _, _, _ string) error       { return nil }

// Whatever comes in, every line that is not blank goes out as an event that the
// ledger can read.
func FuzzPublish(f *testing.F) {
	f.Add([]byte(stall("hg-cho", "e-1", "p-1") + "\nx\r\n\n" + erased("hg-cho", "e-2", "p-1", "all")))
	f.Add([]byte(`{"id":"\u2028","source":"<","subject":"-","time":"2026-09-01T08:00:00Z","data":{"person":"."}}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		l := newTopic(3)
		report, err := intake.New(plain{}, l, noon).Publish(t.Context(), bytes.NewReader(input), cli)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range bytes.Lines(bytes.TrimPrefix(input, []byte("\xef\xbb\xbf"))) {
			if len(bytes.TrimSpace(line)) > 0 {
				lines++
			}
		}
		if report.Published != lines || len(l.all()) != lines {
			t.Fatalf("%d lines, %+v", lines, report)
		}
		for _, r := range l.all() {
			decode(t, r)
		}
	})
}
