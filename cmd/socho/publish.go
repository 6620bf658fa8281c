package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"socho/events"
	"socho/internal/intake"
	"socho/ledger"
)

// PublishCommand is socho publish.
type PublishCommand struct {
	File string `arg:"" help:"A file of CloudEvents JSON lines, or - for stdin."`
	Org  string `help:"Organization of lines that cannot be read or name none." placeholder:"ORG"`
	Wait bool   `help:"Return when the ledger has decided the lines, and count their outcomes."`
}

// Help implements kong's help for one command.
func (*PublishCommand) Help() string {
	return "Example: socho publish events.jsonl --wait\n\nEvery line is published, also one that cannot be decoded: the ledger files it as malformed, sealed. Not published are lines for erased persons, and facts that the rules in force in their shard cannot read yet: see socho rules. Publishing a file again is safe: what is there already becomes a duplicate."
}

type publishResult struct {
	Published    int              `json:"published"`
	NotPublished int              `json:"not_published"`
	Outcomes     map[string]int64 `json:"outcomes,omitzero"`
}

// Run publishes a file.
func (c *PublishCommand) Run(ctx context.Context, call *Call) error {
	if c.Org != "" && !events.ValidOrganization(c.Org) {
		return usageError{fmt.Errorf("--org %q: expected 1 to 64 of a-z 0-9 -", c.Org)}
	}
	input := call.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		input = f
	}
	s, err := call.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	tell, end := call.progress("publishing")
	report, err := s.Publish(ctx, input, intake.Options{DefaultOrg: c.Org, Actor: "cli", MayErase: true, Progress: func(n int) { tell(int64(n), 0) }})
	end()
	result := publishResult{Published: report.Published, NotPublished: report.NotPublished}
	if c.Wait && err == nil {
		counts, waited := s.Decided(ctx, report)
		if waited != nil {
			return waited
		}
		result.Outcomes = map[string]int64{}
		for _, status := range ledger.Statuses() {
			result.Outcomes[status.String()] = counts[status]
		}
	}
	if printed := call.published(result, report); printed != nil {
		return printed
	}
	if err != nil {
		return err
	}
	if report.NotPublished > 0 {
		return errFailed
	}
	return nil
}

func (c *Call) published(result publishResult, report intake.Report) error {
	for _, cut := range report.Cut {
		fmt.Fprintf(c.Stderr, "line %d: too long to be kept whole; its first %d bytes are kept\n", cut, intake.MaxInput)
	}
	for _, f := range report.Faults {
		fmt.Fprintf(c.Stderr, "line %d: no event: %s\n", f.Line, f.Error)
	}
	if n := report.Undecodable - len(report.Faults); n > 0 {
		fmt.Fprintf(c.Stderr, "… and %d more lines that are no events\n", n)
	}
	if report.Undecodable > 0 {
		fmt.Fprintf(c.Stderr, "Lines that are no events: %d. They are kept sealed and filed as malformed; correct them and publish them again, under the same ids.\n", report.Undecodable)
	}
	for _, r := range report.Refusals {
		fmt.Fprintf(c.Stderr, "line %d: not published: %s\n", r.Line, refusalText(r.Code))
	}
	if report.Unread != nil {
		fmt.Fprintln(c.Stderr, "socho:", report.Unread)
	}
	if c.CLI.JSON {
		return c.json(result)
	}
	fmt.Fprintf(c.Stdout, "%d published, %d not published\n", result.Published, result.NotPublished)
	for _, status := range ledger.Statuses() {
		if n := result.Outcomes[status.String()]; n > 0 {
			fmt.Fprintf(c.Stdout, "  %-10s %d\n", status, n)
		}
	}
	return nil
}

func refusalText(code intake.Code) string {
	switch code {
	case intake.PersonErased:
		return "its person is erased; nothing may be published for them any more"
	case intake.EraseRefused:
		return "whoever handed it in may not have keys destroyed"
	case intake.RulesTooOld:
		return "the rules in force in its shard cannot read it yet"
	case intake.NotSent:
		return "an earlier batch of the same shard failed; publish the file again"
	case intake.LogFailed:
		return "the broker did not acknowledge it; publish the file again"
	}
	return string(code)
}

// PersonCommand is socho person.
type PersonCommand struct {
	Erase EraseCommand `cmd:"" help:"Destroy a person's keys, for ever."`
	Index IndexCommand `cmd:"" help:"Make persons findable by name, from the whole log."`
}

// EraseCommand is socho person erase.
type EraseCommand struct {
	Org    string `help:"The organization that knows the person." required:"" placeholder:"ORG"`
	Person string `help:"The person's opaque id." required:"" placeholder:"ID"`
	Scope  string `help:"contact: contact data and raw text, erasable now. all: also the accounting identity, once its legal retention has ended." enum:"contact,all" default:"contact"`
	Yes    bool   `help:"Do not ask."`
}

// Help implements kong's help for one command.
func (*EraseCommand) Help() string {
	return "Example: socho person erase --org hg-cho-dong-van --person p-17 --yes\n\nThis cannot be undone. Nothing can be published for the person afterwards."
}

// eraseID is the same each time a person is erased on one day, so that the log
// says it once.
func eraseID(org, person, scope, day string) events.EventID {
	sum := sha256.Sum256([]byte(org + "|" + person + "|" + scope + "|" + day))
	return events.EventID("erase-" + hex.EncodeToString(sum[:16]))
}

// Run erases a person.
func (c *EraseCommand) Run(ctx context.Context, call *Call) error {
	if !events.ValidOrganization(c.Org) || !events.ValidID(c.Person) {
		return usageError{errors.New("--org takes 1 to 64 of a-z 0-9 -, --person 1 to 64 of A-Z a-z 0-9 . _ -")}
	}
	if !c.Yes {
		fmt.Fprintf(call.Stderr, "The keys of %s in %s (%s) are destroyed for ever. Type the person's id to go on: ", c.Person, c.Org, c.Scope)
		var typed string
		if _, err := fmt.Fscanln(call.Stdin, &typed); err != nil || typed != c.Person {
			return errors.New("nothing was erased")
		}
	}
	s, err := call.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	day := time.Now().In(time.FixedZone("ICT", 7*3600)).Format(time.DateOnly)
	value, err := events.New(events.Envelope{
		ID: eraseID(c.Org, c.Person, c.Scope, day), Source: events.OwnSources + "cli", Type: events.Type("person.erased"),
		Subject: c.Org, Time: events.Time(day + "T00:00:00+07:00"),
	}, &events.Erased{Dated: events.Dated{EffectiveOn: events.Date(day)}, Person: events.ID(c.Person), Scope: events.Word(c.Scope)})
	if err != nil {
		return err
	}
	report, err := s.Publish(ctx, io.MultiReader(strings.NewReader(string(value)), strings.NewReader("\n")), intake.Options{DefaultOrg: c.Org, Actor: "cli", Own: true, MayErase: true})
	if err != nil {
		return err
	}
	if _, err := s.Decided(ctx, report); err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(map[string]any{"organization": c.Org, "person": c.Person, "scope": c.Scope, "erased": true})
	}
	fmt.Fprintf(call.Stdout, "%s of %s is erased (%s).\n", c.Person, c.Org, c.Scope)
	return nil
}
