package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/identity"
	"socho/internal/office"
	"socho/internal/sheet"
)

// PupilsCommand is socho pupils.
type PupilsCommand struct {
	Import   PupilsImportCommand   `cmd:"" help:"Take in a list of pupils: new ones, class moves, changes, leavers."`
	Reduce   PupilsReduceCommand   `cmd:"" help:"Take in a list of who pays less, and why."`
	Rollover PupilsRolloverCommand `cmd:"" help:"Move whole classes on into a new school year."`
	Links    PupilsLinksCommand    `cmd:"" help:"Give families links to their child's bills, or take them back."`
	List     PupilsListCommand     `cmd:"" help:"List who is in which class, by opaque ids."`
}

// dayFlag is the day that facts are true from.
type dayFlag struct {
	On string `help:"From this day on; today without it." placeholder:"DATE"`
}

// day returns it.
func (f dayFlag) day() (events.Date, error) {
	if f.On == "" {
		return today(), nil
	}
	on := events.Date(f.On)
	if !on.Valid() {
		return "", usageError{fmt.Errorf("--on %q: expected a day such as 2026-09-05", f.On)}
	}
	return on, nil
}

// officeList is a list that an office hands in, as a command's arguments name it.
type officeList struct {
	File string `arg:"" help:"A list as .csv or .xlsx."`
	orgFlag
	dayFlag
	actFlags
}

// read hands over the file, and the day that it holds from, within the office.
func (l *officeList) read(ctx context.Context, call *Call, f func(ctx context.Context, o *office.Office, file io.ReadSeeker, on events.Date) error) error {
	on, err := l.day()
	if err != nil {
		return err
	}
	file, err := handedIn(l.File)
	if err != nil {
		return err
	}
	return call.withOffice(ctx, l.Token, l.Org, []identity.Right{identity.IssueBills}, func(ctx context.Context, o *office.Office, _ *identity.Directory) error {
		return f(ctx, o, file, on)
	})
}

// handedIn reads a file that a person named, as a whole.
func handedIn(name string) (io.ReadSeeker, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > sheet.Office.Bytes {
		return nil, fmt.Errorf("%s: %d MB; at most %d MB are read", name, info.Size()>>20, sheet.Office.Bytes>>20)
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return sheet.Named{ReadSeeker: bytes.NewReader(content), File: name}, nil
}

// wrongRows prints what is wrong with a file; a file is taken whole or not at all.
func (c *Call) wrongRows(problems []office.RowProblem) error {
	if len(problems) == 0 {
		return nil
	}
	if c.CLI.JSON {
		if err := c.json(map[string]any{"problems": problems}); err != nil {
			return err
		}
		return errFailed
	}
	for _, p := range problems {
		fmt.Fprintf(c.Stderr, "dòng %d, %s: %s\n", p.Line, p.Column, p.Why)
	}
	return fmt.Errorf("%d places in the file are wrong; nothing was taken in", len(problems))
}

// PupilsImportCommand is socho pupils import.
type PupilsImportCommand struct {
	officeList
	Leavers bool `help:"Whoever is not on the list has left."`
	DryRun  bool `help:"Say what the list changes, and publish nothing."`
}

// Help implements kong's help for one command.
func (*PupilsImportCommand) Help() string {
	return "Example: socho pupils import hoc-sinh.xlsx --org hg-truong-mau --on 2026-09-05 --dry-run\n\nColumns are found by their headings: Mã học sinh, Họ tên, Lớp, and where there are Ngày sinh, Mã hộ (brothers and sisters have the same), Phụ huynh, Điện thoại. Pupils stand on the log by opaque ids; names, birth dates, guardians and phones are sealed. The file is taken whole or not at all. Importing it again changes nothing."
}

// Run takes pupils in.
func (c *PupilsImportCommand) Run(ctx context.Context, call *Call) error {
	return c.read(ctx, call, func(ctx context.Context, o *office.Office, file io.ReadSeeker, on events.Date) error {
		rows, problems, err := office.ReadPupils(file)
		if err != nil {
			return err
		}
		if err := call.wrongRows(problems); err != nil {
			return err
		}
		if err := kindOf(ctx, o, c.Org, "school"); err != nil {
			return err
		}
		e, err := o.Enrol(ctx, c.Org, rows, on, c.Leavers)
		if err != nil {
			return err
		}
		if !c.DryRun {
			tell, end := call.progress("taking pupils in")
			err := o.SayEnrolment(ctx, e, func(done, of int) { tell(int64(done), int64(of)) })
			end()
			if err != nil {
				return err
			}
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"new": len(e.New), "moved": len(e.Moved), "changed": len(e.Changed), "back": len(e.Back), "unchanged": e.Unchanged, "missing": len(e.Missing), "published": map[bool]int{true: 0, false: e.Facts()}[c.DryRun]})
		}
		for _, m := range e.Moved {
			fmt.Fprintf(call.Stdout, "line %d: %s → %s\n", m.Line, m.From, m.To)
		}
		_, err = fmt.Fprintf(call.Stdout, "%d new, %d to another class, %d changed, %d back, %d as before; %d are in a class and not on the list%s\n", len(e.New), len(e.Moved), len(e.Changed), len(e.Back), e.Unchanged, len(e.Missing),
			map[bool]string{true: "\nNothing was published.", false: ""}[c.DryRun])
		return err
	})
}

// kindOf checks that an organization is of a kind.
func kindOf(ctx context.Context, o *office.Office, organization, kind string) error {
	org, err := o.Model.Organization(ctx, organization)
	if err != nil {
		return fmt.Errorf("--org: no organization %q is registered", organization)
	}
	if org.Kind != kind {
		return fmt.Errorf("--org: %s is a %s, not a %s", organization, org.Kind, kind)
	}
	return nil
}

// PupilsReduceCommand is socho pupils reduce.
type PupilsReduceCommand struct {
	officeList
	DryRun bool `help:"Say what the list grants, and publish nothing."`
}

// Help implements kong's help for one command.
func (*PupilsReduceCommand) Help() string {
	return "Example: socho pupils reduce mien-giam.csv --org hg-truong-mau --on 2026-09-05\n\nColumns: Mã học sinh, Lý do (Hộ nghèo, Khuyết tật, …), Phần trăm or Số tiền, and where there are Khoản thu (empty for all), Từ ngày, Đến ngày. Importing it again changes nothing."
}

// Run grants reductions.
func (c *PupilsReduceCommand) Run(ctx context.Context, call *Call) error {
	return c.read(ctx, call, func(ctx context.Context, o *office.Office, file io.ReadSeeker, on events.Date) error {
		granted, problems, err := o.ReadReductions(file, c.Org, on)
		if err != nil {
			return err
		}
		if err := call.wrongRows(problems); err != nil {
			return err
		}
		r, strangers, err := o.GrantReductions(ctx, c.Org, granted)
		if err != nil {
			return err
		}
		if len(strangers) > 0 {
			return fmt.Errorf("%d of the list are no pupils of this school; import them first, or mend their codes", len(strangers))
		}
		if !c.DryRun {
			if err := o.SayReductions(ctx, r); err != nil {
				return err
			}
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"granted": len(r.Granted), "unchanged": r.Unchanged})
		}
		_, err = fmt.Fprintf(call.Stdout, "%d granted, %d as before\n", len(r.Granted), r.Unchanged)
		return err
	})
}

// PupilsRolloverCommand is socho pupils rollover.
type PupilsRolloverCommand struct {
	orgFlag
	dayFlag
	Classes string   `help:"Which class becomes which; nothing behind = leaves." required:"" placeholder:"3A=4A,5A=,…"`
	Stay    []string `help:"Codes or ids of pupils who stay where they are." placeholder:"CODE,…"`
	DryRun  bool     `help:"Say who would move, and publish nothing."`
	actFlags
}

// Help implements kong's help for one command.
func (*PupilsRolloverCommand) Help() string {
	return "Example: socho pupils rollover --org hg-truong-mau --on 2026-08-15 --classes 5A=,4A=5A,3A=4A --stay HS0017\n\nAll classes move at once. Whoever moves on otherwise is moved afterwards by socho pupils import."
}

// Run moves classes on.
func (c *PupilsRolloverCommand) Run(ctx context.Context, call *Call) error {
	on, err := c.day()
	if err != nil {
		return err
	}
	moves, err := billing.ParseMoves(c.Classes)
	if err != nil {
		return usageError{fmt.Errorf("--classes: %w", err)}
	}
	return call.withOffice(ctx, c.Token, c.Org, []identity.Right{identity.IssueBills}, func(ctx context.Context, o *office.Office, _ *identity.Directory) error {
		r, err := o.RollOver(ctx, c.Org, on, moves, c.Stay)
		if err != nil {
			return err
		}
		if !c.DryRun {
			if err := o.SayRollover(ctx, r, nil); err != nil {
				return err
			}
		}
		out := call.lines("FROM\tTO\tPUPILS")
		for _, m := range r.ByClass() {
			if err := out.write(m, "%s\t%s\t%d", m.From, m.To, m.Pupils); err != nil {
				return err
			}
		}
		return out.end(nil)
	})
}

// PupilsListCommand is socho pupils list.
type PupilsListCommand struct {
	orgFlag
	dayFlag
}

// Help implements kong's help for one command.
func (*PupilsListCommand) Help() string {
	return "Example: socho pupils list --org hg-truong-mau --on 2026-09-05"
}

// Run lists pupils.
func (c *PupilsListCommand) Run(ctx context.Context, call *Call) error {
	on, err := c.day()
	if err != nil {
		return err
	}
	return call.withOffice(ctx, "", c.Org, nil, func(ctx context.Context, o *office.Office, _ *identity.Directory) error {
		terms, _, err := o.Model.Terms(ctx, c.Org)
		if err != nil {
			return err
		}
		book, err := billing.Read(terms)
		if err != nil {
			return err
		}
		here, _ := book.Pupils(on)
		out := call.lines("CLASS\tPUPIL\tRECORD")
		for _, p := range here {
			if err := out.write(map[string]any{"class": p.Class, "pupil": p.Person, "shard": p.At.Shard, "offset": p.At.Offset}, "%s\t%s\t%d:%d", p.Class, p.Person, p.At.Shard, p.At.Offset); err != nil {
				return err
			}
		}
		return out.end(nil)
	})
}

// PupilsLinksCommand is socho pupils links.
type PupilsLinksCommand struct {
	orgFlag
	dayFlag
	Class  string `help:"This class alone." placeholder:"CLASS"`
	Revoke bool   `help:"Take links back; new ones are other ones."`
	actFlags
}

// Help implements kong's help for one command.
func (*PupilsLinksCommand) Help() string {
	return "Example: socho pupils links --org hg-truong-mau --class 3A; socho qr slips --org hg-truong-mau --class 3A --links https://so-cho.example -o 3A.pdf\n\nWhoever has a pupil's link sees that pupil's bills, the codes that pay them and what was received. The links stand on the payment slips alone: their text is kept nowhere."
}

// Run gives links or takes them back.
func (c *PupilsLinksCommand) Run(ctx context.Context, call *Call) error {
	on, err := c.day()
	if err != nil {
		return err
	}
	return call.withOffice(ctx, c.Token, c.Org, []identity.Right{identity.IssueBills}, func(ctx context.Context, o *office.Office, _ *identity.Directory) error {
		if err := kindOf(ctx, o, c.Org, "school"); err != nil {
			return err
		}
		act, word := o.IssueLinks, "issued"
		if c.Revoke {
			act, word = o.RevokeLinks, "revoked"
		}
		n, err := act(ctx, c.Org, c.Class, on)
		if err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(map[string]any{word: n})
		}
		_, err = fmt.Fprintf(call.Stdout, "%d links %s\n", n, word)
		return err
	})
}
