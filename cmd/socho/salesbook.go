package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/readmodel"
	"socho/internal/salesbook"
)

// SalesBookCommand is socho sales book.
type SalesBookCommand struct {
	Org     string `help:"The market." required:"" placeholder:"ORG"`
	Person  string `help:"The trader, by the opaque id that facts call her by; without it, who holds the stall now." placeholder:"ID"`
	Stall   string `help:"Her stall; may be left out where she has sold at one alone." placeholder:"STALL"`
	Period  string `help:"A month, a quarter or a year." required:"" placeholder:"2026-09|2026-Q3|2026"`
	Detail  string `help:"One line for each day, or for each sale." enum:"day,sale" default:"day"`
	Method  string `help:"Her tax method, which decides the form." enum:"below_threshold,percentage,income" default:"below_threshold"`
	Name    string `help:"Her name, for the head of the book; left to be written by hand without it." placeholder:"NAME"`
	Address string `help:"Likewise." placeholder:"TEXT"`
	TaxCode string `help:"Likewise." placeholder:"CODE"`
	Out     string `short:"o" help:"Write here; the ending says in which format." required:"" placeholder:"FILE.pdf|FILE.xlsx"`
}

// Help implements kong's help for one command.
func (*SalesBookCommand) Help() string {
	return "Example: socho sales book --org hg-cho-dong-van --stall A31 --period 2026-09 --name 'Vàng Thị Máy' -o so-doanh-thu.pdf\n\n" +
		"Form S1a-HKD of Circular 152/2025/TT-BTC, for households below the threshold; the forms of other tax methods are not made. " +
		"Only what this trader sold stands in it, never what somebody else sold at the same stall. What is typed for the head is kept nowhere; that the book was made is written down."
}

// Run writes the book.
func (c *SalesBookCommand) Run(ctx context.Context, call *Call) error {
	format := strings.ToLower(filepath.Ext(c.Out))
	span, err := salesbook.ParseSpan(c.Period)
	switch {
	case err != nil:
		return usageError{fmt.Errorf("--period: %w", err)}
	case format != ".pdf" && format != ".xlsx":
		return usageError{fmt.Errorf("-o %q: expected a name that ends in .pdf or .xlsx", c.Out)}
	case c.Person == "" && c.Stall == "":
		return usageError{errors.New("expected --person, --stall or both")}
	case c.Person != "" && !events.ValidID(c.Person), c.Stall != "" && !events.ValidID(c.Stall):
		return usageError{errors.New("--person, --stall: expected 1 to 64 of A-Z a-z 0-9 . _ -")}
	}
	s, err := call.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.WaitForProjections(ctx); err != nil {
		return err
	}
	market, err := s.Read.Organization(ctx, c.Org)
	if errors.Is(err, readmodel.ErrNotFound) {
		return fmt.Errorf("--org: no organization %q is registered", c.Org)
	}
	if err != nil {
		return err
	}
	who, err := s.Read.FindTrader(ctx, readmodel.Trader{Organization: c.Org, Person: c.Person, Stall: c.Stall})
	if errors.Is(err, readmodel.ErrNotFound) {
		return errors.New("nobody holds that stall, or the trader has sold at several or at none; say --person and --stall")
	}
	if err != nil {
		return err
	}
	sold, err := s.Read.SalesBetween(ctx, who, span.From, span.Until)
	if err == nil && len(sold) > readmodel.MaxBookSales {
		err = salesbook.ErrTooMany
	}
	if err != nil {
		return err
	}
	head := salesbook.Head{Name: c.Name, Address: c.Address, TaxCode: c.TaxCode, Location: "Sạp " + who.Stall + ", " + market.Name}
	book, err := salesbook.Make(head, span, c.Method, salesbook.Detail(c.Detail), sold)
	if err != nil {
		return err
	}
	// Written down before there is anything to see. A crash right after it leaves a
	// line about a book that nobody has.
	people, err := call.directory(s)
	if err != nil {
		return err
	}
	if err := people.Record(identity.With(ctx, identity.CLI()), identity.Entry{Action: identity.Exported, Organization: c.Org, Object: who.Person, Detail: "sales " + span.Text, Outcome: identity.OK}); err != nil {
		return err
	}
	write := book.PDF
	if format == ".xlsx" {
		write = book.XLSX
	}
	content, err := write()
	if err != nil {
		return err
	}
	if err := replace(c.Out, content); err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(map[string]any{"organization": c.Org, "person": who.Person, "stall": who.Stall, "period": span.Text, "form": book.Form.Form,
			"lines": len(book.Lines), "total": book.Total.String(), "bytes": len(content)})
	}
	_, err = fmt.Fprintf(call.Stdout, "%s, %s: %d lines, %s đồng in %s\n", book.Form.Form, span.Words(), len(book.Lines), book.Total.String(), c.Out)
	return err
}
