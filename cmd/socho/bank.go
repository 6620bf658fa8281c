package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"socho/bank"
	"socho/internal/refcode"
)

// BankCommand is socho bank.
type BankCommand struct {
	Parse   BankParseCommand   `cmd:"" help:"Read a bank's file and say what is in it."`
	Import  BankImportCommand  `cmd:"" help:"Take a statement in, each line once, and place what carries one open bill's code."`
	Rematch BankRematchCommand `cmd:"" help:"Place lines that wait, once bills were issued that they are meant for."`
	Match   BankMatchCommand   `cmd:"" help:"Find reference codes in transfer contents, and say which lines need no person."`
}

// BankParseCommand is socho bank parse.
type BankParseCommand struct {
	File    string `arg:"" help:"Statement, payment order or report; - for stdin."`
	Format  string `help:"auto, camt, pain, mt940, csv or xlsx." enum:"auto,camt,pain,mt940,csv,xlsx" default:"auto"`
	Entries bool   `help:"Add each entry."`
	Layouts string `help:"Layouts of further tables: a JSON list of {\"name\",\"columns\":{\"date\":[\"heading\"],…}}." placeholder:"FILE.json"`
}

// Help implements kong's help for one command.
func (*BankParseCommand) Help() string {
	return "Example: socho bank parse saoke-thang-9.xlsx --entries\n\n" +
		"Reads camt.052, camt.053, camt.054, pain.001, pain.002, MT940, MT942 and the CSV and XLSX exports of Vietnamese banks.\n" +
		"Exits 1 when the file is not readable as a whole."
}

// Run reads the file.
func (c *BankParseCommand) Run(_ context.Context, call *Call) (err error) {
	options := bank.Options{Format: c.Format, Name: c.File}
	if c.Layouts != "" {
		text, err := os.ReadFile(c.Layouts)
		if err != nil {
			return usageError{err}
		}
		if err := json.Unmarshal(text, &options.Layouts, json.RejectUnknownMembers(true)); err != nil {
			return usageError{fmt.Errorf("%s: not a list of layouts: %w", c.Layouts, err)}
		}
	}
	file, err := call.seekable(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	tell, end := call.progress("reading")
	options.Progress = tell
	codes := []refcode.Code{}
	seen := map[refcode.Code]bool{}
	result, err := bank.Parse(file, options, func(e *bank.Entry) error {
		for _, code := range refcode.Find(e.Remittance) {
			if !seen[code] {
				seen[code] = true
				codes = append(codes, code)
			}
		}
		return nil
	})
	end()
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if !result.Valid || result.Statements == nil {
		codes = nil
	}
	flush := call.buffered()
	defer func() {
		if flushed := flush(); err == nil || errors.Is(err, errFailed) && flushed != nil {
			err = flushed
		}
	}()
	print := c.table
	if call.CLI.JSON {
		print = c.object
	}
	if err := print(call, file, options, result, codes); err != nil {
		return err
	}
	if !result.Valid {
		return errFailed
	}
	return nil
}

// seekable opens a file, or copies stdin to one: files are read more than once.
func (c *Call) seekable(name string) (*os.File, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usageError{err}
		}
		return f, nil
	}
	f, err := os.CreateTemp("", "socho-bank-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) //nolint:errcheck // it lives as long as it is open, and nobody else sees it
	copied, err := io.Copy(f, io.LimitReader(c.Stdin, bank.DefaultMaxBytes+1))
	if err == nil && copied > bank.DefaultMaxBytes {
		err = errors.New("stdin: more than a file may have")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// each reads the file again, for its entries: only now is it known to be readable.
func (c *BankParseCommand) each(file io.ReadSeeker, options bank.Options, result *bank.Result, visit func(*bank.Entry) error) error {
	if !c.Entries || !result.Valid {
		return nil
	}
	options.Progress = nil
	_, err := bank.Parse(file, options, visit)
	return err
}

// object prints one JSON object; the entries, which may be many, come first.
func (c *BankParseCommand) object(call *Call, file io.ReadSeeker, options bank.Options, result *bank.Result, codes []refcode.Code) error {
	out := call.Stdout
	fmt.Fprint(out, "{")
	if c.Entries {
		fmt.Fprint(out, `"entry_list":[`)
		separator := ""
		err := c.each(file, options, result, func(e *bank.Entry) error {
			b, err := json.Marshal(e)
			if err == nil {
				_, err = fmt.Fprint(out, separator, string(b))
				separator = ",\n"
			}
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprint(out, "],\n")
	}
	if codes != nil {
		b, err := json.Marshal(codes)
		if err != nil {
			return err
		}
		fmt.Fprint(out, `"reference_codes":`, string(b), ",")
	}
	b, err := json.Marshal(result, jsontext.EscapeForHTML(false))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, strings.TrimPrefix(string(b), "{"))
	return err
}

// table prints the same for people.
func (c *BankParseCommand) table(call *Call, file io.ReadSeeker, options bank.Options, result *bank.Result, codes []refcode.Code) error {
	w := tabwriter.NewWriter(call.Stdout, 0, 4, 2, ' ', 0)
	row := func(cells ...any) { fmt.Fprintln(w, strings.TrimSuffix(fmt.Sprintln(cells...), "\n")) }
	tabbed := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	row("Format:\t" + result.Format)
	if !result.Valid {
		row("Not readable:\t" + result.Reason)
	}
	if s := result.Statements; s != nil && result.Valid {
		tabbed("Statements:\t%d", s.Count)
		tabbed("Entries:\t%d (not booked %d, reversals %d, left out as malformed %d)", s.Entries, s.NotBooked, s.Reversals, s.Malformed)
		for _, t := range s.Totals {
			tabbed("In %s:\t%s in %d entries", t.Currency, t.CreditSum, t.CreditCount)
			tabbed("Out %s:\t%s in %d entries", t.Currency, t.DebitSum, t.DebitCount)
		}
		for _, statement := range s.List {
			if statement.Opening != nil && statement.Closing != nil {
				check := "cannot be checked"
				if statement.BalanceCheck != nil {
					check = *statement.BalanceCheck
				}
				tabbed("Balance:\t%s → %s (%s)", statement.Opening, statement.Closing, check)
			}
		}
		if len(codes) > 0 {
			tabbed("Reference codes:\t%d", len(codes))
		}
	}
	if o := result.Order; o != nil {
		tabbed("Transfers:\t%d in %d payment blocks", o.Transactions, o.PaymentBlocks)
		for _, t := range o.Totals {
			tabbed("Sum %s:\t%s in %d transfers", t.Currency, t.Sum, t.Count)
		}
	}
	if s := result.Status; s != nil {
		tabbed("Answers order:\t%s", s.OriginalMessageID)
		for _, b := range s.PaymentBlocks {
			tabbed("Block %s:\t%s %s", b.ID, said(b.Status), strings.Join(b.Reasons, ", "))
		}
		for _, t := range s.Transactions {
			tabbed("Transfer %s:\t%s %s", t.EndToEndID, said(t.Status), strings.Join(t.Reasons, ", "))
		}
	}
	for _, p := range result.Problems {
		tabbed("Line %d:\t%s %s: %s", p.Line, p.Field, p.Code, p.Detail)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	first := true
	return c.each(file, options, result, func(e *bank.Entry) error {
		if first {
			fmt.Fprintln(call.Stdout)
			first = false
		}
		sign := "+"
		if e.Direction == bank.Debit {
			sign = "-"
		}
		_, err := fmt.Fprintf(call.Stdout, "%-10s  %16s %s  %s\n", e.BookedOn, sign+e.Amount.String(), e.Currency, strings.Join(strings.Fields(e.Remittance), " "))
		return err
	})
}

func said(status *string) string {
	if status == nil {
		return "–"
	}
	return *status
}

// BankMatchCommand is socho bank match.
type BankMatchCommand struct {
	Lines string `help:"{\"id\",\"raw\"} a line; - for stdin." required:"" placeholder:"FILE.jsonl"`
	Known string `help:"The open codes: a table with the headings code, amount_vnd, purpose." required:"" placeholder:"CODES.csv"`
}

// Help implements kong's help for one command.
func (*BankMatchCommand) Help() string {
	return "Example: socho bank match --lines contents.jsonl --known open.csv --json\n\n" +
		"A line is auto when it holds exactly one well-formed code and that code is known; every other goes to a person."
}

// Run matches the lines.
func (c *BankMatchCommand) Run(_ context.Context, call *Call) error {
	known, err := readKnown(c.Known)
	if err != nil {
		return err
	}
	return call.eachLine(c.Lines, func(n int, text []byte) error {
		var line struct {
			ID  jsontext.Value `json:"id"`
			Raw *string        `json:"raw"`
		}
		if err := json.Unmarshal(text, &line, jsontext.AllowInvalidUTF8(true)); err != nil || len(line.ID) == 0 || line.Raw == nil {
			return fmt.Errorf("%s, line %d: expected an object with id and raw", c.Lines, n)
		}
		codes, auto := bank.Match(*line.Raw, func(code refcode.Code) bool { return known[code] })
		if codes == nil {
			codes = []refcode.Code{}
		}
		if call.CLI.JSON {
			return call.json(struct {
				ID    jsontext.Value `json:"id"`
				Codes []refcode.Code `json:"codes"`
				Auto  bool           `json:"auto"`
			}{line.ID, codes, auto})
		}
		verdict := "person"
		if auto {
			verdict = "auto"
		}
		_, err := fmt.Fprintf(call.Stdout, "%s\t%s\t%s\n", line.ID, verdict, strings.Trim(fmt.Sprint(codes), "[]"))
		return err
	})
}

// readKnown reads the open codes.
func readKnown(name string) (map[refcode.Code]bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usageError{err}
	}
	defer f.Close()
	table := csv.NewReader(f)
	table.FieldsPerRecord = -1
	table.ReuseRecord = true
	headings, err := table.Read()
	at := -1
	if err == nil {
		for i, heading := range headings {
			if strings.TrimSpace(strings.TrimPrefix(heading, "\ufeff")) == "code" {
				at = i
			}
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("%s, line 1: expected the headings code, amount_vnd, purpose", name)
	}
	known := map[refcode.Code]bool{}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return known, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := table.FieldPos(0)
		if at >= len(row) {
			return nil, fmt.Errorf("%s, line %d: no code", name, line)
		}
		code, err := refcode.Parse(strings.TrimSpace(row[at]))
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, line, err)
		}
		// Listed twice, two bills claim it: no longer for a program to decide.
		if _, twice := known[code]; twice {
			known[code] = false
		} else {
			known[code] = true
		}
	}
}
