package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"socho/events"
	"socho/internal/postgres"
	"socho/internal/service"
	"socho/ledger"
)

// OutcomesCommand is socho outcomes.
type OutcomesCommand struct {
	Status []string `help:"Only these: posted, recorded, duplicate, conflict, refused, malformed, misrouted." placeholder:"STATUS,…"`
	Since  string   `help:"From this record on." placeholder:"SHARD:OFFSET"`
}

// Help implements kong's help for one command.
func (*OutcomesCommand) Help() string {
	return "Example: socho outcomes --status refused,malformed --json"
}

type outcomeLine struct {
	Shard        int    `json:"shard"`
	Offset       int64  `json:"offset"`
	EventID      string `json:"event_id"`
	Source       string `json:"source"`
	Organization string `json:"organization"`
	Type         string `json:"type"`
	Status       string `json:"status"`
	Code         string `json:"code"`
	Reason       string `json:"reason"`
}

// Run lists outcomes.
func (c *OutcomesCommand) Run(ctx context.Context, call *Call) error {
	var statuses []ledger.Status
	for _, name := range c.Status {
		s, ok := ledger.ParseStatus(strings.TrimSpace(name))
		if !ok {
			return usageError{fmt.Errorf("%q is no status; expected posted, recorded, duplicate, conflict, refused, malformed or misrouted", name)}
		}
		statuses = append(statuses, s)
	}
	since := map[int]int64{}
	if c.Since != "" {
		var err error
		if since, err = positions(c.Since); err != nil {
			return err
		}
	}
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	out := call.lines("RECORD\tSTATUS\tCODE\tORGANIZATION\tTYPE\tEVENT\tREASON")
	err = s.DB.ListOutcomes(ctx, statuses, since, func(o *ledger.Outcome) error {
		line := outcomeLine{o.Shard, o.Offset, o.EventID, o.Source, o.Organization, o.Type, o.Status.String(), o.Code, ledger.Reason(o)}
		return out.write(line, "%d:%d\t%s\t%s\t%s\t%s\t%s\t%s", line.Shard, line.Offset, line.Status, line.Code, line.Organization,
			events.Name(line.Type), line.EventID, line.Reason)
	})
	return out.end(err)
}

// BalancesCommand is socho balances.
type BalancesCommand struct {
	Account string `help:"Only accounts whose name begins so." placeholder:"PREFIX"`
	asOfFlags
}

// Help implements kong's help for one command.
func (*BalancesCommand) Help() string {
	return "Example: socho balances --account hg-cho-dong-van: --effective 2026-09-30"
}

// Run lists balances.
func (c *BalancesCommand) Run(ctx context.Context, call *Call) error {
	s, as, err := c.open(ctx, call)
	if err != nil {
		return err
	}
	defer s.Close()
	out := call.lines("ACCOUNT\tKIND\tCURRENCY\tDEBITS\tCREDITS\tBALANCE\t")
	err = s.DB.Balances(ctx, c.Account, as, func(b postgres.Balance) error {
		return out.write(b, "%s\t%s\t%s\t%s\t%s\t%s\t", b.Account, b.Kind, b.Currency, b.Debits, b.Credits, b.Balance)
	})
	return out.end(err)
}

// asOfFlags say as of when a question about accounts is meant.
type asOfFlags struct {
	AsOf      string `help:"As known before these records, or at a time." placeholder:"SHARD:OFFSET,…|RFC3339"`
	Effective string `help:"As true at the end of a day." placeholder:"DATE"`
}

// open reads them, and opens the ledger once it has caught up.
func (f *asOfFlags) open(ctx context.Context, call *Call) (*service.Service, postgres.AsOf, error) {
	as, err := asOf(f.AsOf, f.Effective)
	if err != nil {
		return nil, as, err
	}
	s, err := call.caughtUp(ctx)
	return s, as, err
}

// asOf reads the two kinds of time.
func asOf(known, effective string) (as postgres.AsOf, err error) {
	if known != "" {
		if at, bad := time.Parse(time.RFC3339, known); bad == nil {
			as.Time = at
		} else if as.Position, err = positions(known); err != nil {
			return as, usageError{fmt.Errorf("--as-of %q: expected positions such as 0:120,1:80 or a time such as 2026-09-30T17:00:00+07:00", known)}
		}
	}
	if effective != "" {
		if as.Effective = events.Date(effective); !as.Effective.Valid() {
			return as, usageError{fmt.Errorf("--effective %q: expected a day such as 2026-09-30", effective)}
		}
	}
	return as, nil
}

// TransfersCommand is socho transfers.
type TransfersCommand struct {
	Account string `help:"The account's full name." required:"" placeholder:"ACCOUNT"`
	asOfFlags
}

// Help implements kong's help for one command.
func (*TransfersCommand) Help() string {
	return "Example: socho transfers --account hg-cho-dong-van:bank:main"
}

// Run lists one account's transfers.
func (c *TransfersCommand) Run(ctx context.Context, call *Call) error {
	s, as, err := c.open(ctx, call)
	if err != nil {
		return err
	}
	defer s.Close()
	out := call.lines("RECORD\tDATE\tDEBIT\tCREDIT\tAMOUNT\tCODE\tEVENT")
	err = s.DB.Postings(ctx, c.Account, as, func(p postgres.Posting) error {
		return out.write(p, "%d:%d/%d\t%s\t%s\t%s\t%s %s\t%s\t%s", p.Shard, p.Offset, p.Line, p.EffectiveOn, p.Debit, p.Credit, p.Amount, p.Currency, p.Code, p.EventID)
	})
	if err == postgres.ErrNoAccount {
		err = fmt.Errorf("account %s was never used; socho balances --account PREFIX lists the accounts", strconv.Quote(c.Account))
	}
	return out.end(err)
}

// lines prints a list: JSON a line, or a table for people.
type lines struct {
	call  *Call
	table *tabwriter.Writer
	head  string
	n     int
}

func (c *Call) lines(head string) *lines {
	return &lines{call: c, table: tabwriter.NewWriter(c.Stdout, 0, 8, 2, ' ', 0), head: head}
}

func (l *lines) write(value any, format string, args ...any) error {
	if l.call.CLI.JSON {
		return l.call.json(value)
	}
	if l.n == 0 {
		fmt.Fprintln(l.table, l.head)
	}
	// Columns of a very long list would wait for its last line.
	if l.n++; l.n%1000 == 0 {
		if err := l.table.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(l.table, format+"\n", args...)
	return err
}

func (l *lines) end(err error) error {
	if flush := l.table.Flush(); err == nil {
		err = flush
	}
	if err == nil && l.n == 0 && !l.call.CLI.JSON {
		fmt.Fprintln(l.call.Stderr, "nothing to list")
	}
	return err
}
