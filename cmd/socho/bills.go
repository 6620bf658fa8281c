package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/identity"
	"socho/internal/office"
)

// BillsCommand is socho bills.
type BillsCommand struct {
	Tariffs BillsTariffsCommand `cmd:"" help:"Take in a list of fee items: what costs how much, for whom, from when."`
	Run     BillsRunCommand     `cmd:"" help:"Bill a month: every pupil of a school, every stall of a market."`
}

// BillsTariffsCommand is socho bills tariffs.
type BillsTariffsCommand struct {
	officeList
	DryRun bool `help:"Say what the list sets, and publish nothing."`
}

// Help implements kong's help for one command.
func (*BillsTariffsCommand) Help() string {
	return "Example: socho bills tariffs khoan-thu.xlsx --org hg-truong-mau --on 2026-09-01\n\nColumns: Khoản thu, Số tiền, and where there are Lớp (3A, or 3 for the grade; empty for all), Tính theo (học sinh, sạp, m2, ngày, vé), Định kỳ (một lần, ngày, tháng, học kỳ, năm; tháng without it), Chứng từ (hóa đơn, biên lai, không), Vắng mặt (thu, không thu), Từ ngày, Đến ngày, Quyết định. An item that is set again holds from its new day on. Importing a list again changes nothing."
}

// Run sets tariffs.
func (c *BillsTariffsCommand) Run(ctx context.Context, call *Call) error {
	return c.read(ctx, call, func(ctx context.Context, o *office.Office, file io.ReadSeeker, on events.Date) error {
		org, err := o.Model.Organization(ctx, c.Org)
		if err != nil {
			return fmt.Errorf("--org: no organization %q is registered", c.Org)
		}
		set, problems, err := office.ReadTariffs(file, org.Kind, on)
		if err != nil {
			return err
		}
		if err := call.wrongRows(problems); err != nil {
			return err
		}
		t, err := o.SetTariffs(ctx, c.Org, set)
		if err != nil {
			return err
		}
		if !c.DryRun {
			if err := o.SayTariffs(ctx, t); err != nil {
				return err
			}
		}
		if call.CLI.JSON {
			return call.json(map[string]any{"set": len(t.Set), "unchanged": t.Unchanged})
		}
		for _, f := range t.Set {
			fmt.Fprintf(call.Stdout, "%s\t%s đ\n", f.Tariff, f.Amount)
		}
		_, err = fmt.Fprintf(call.Stdout, "%d set, %d as before\n", len(t.Set), t.Unchanged)
		return err
	})
}

// BillsRunCommand is socho bills run.
type BillsRunCommand struct {
	orgFlag
	Period  string   `help:"The month that is billed." required:"" placeholder:"YYYY-MM"`
	On      string   `help:"Who is there and what costs what, as of this day; the first of the month without it." placeholder:"DATE"`
	Due     string   `help:"Due on this day; the 25th of the month without it." placeholder:"DATE"`
	Series  string   `help:"Series of reference codes: HP (school fee), BT (boarding meals), CH (market fee), VE; a month may have a run of each." placeholder:"HP|BT|CH|VE"`
	Items   []string `help:"Bill these items alone." placeholder:"ITEM,…"`
	Class   string   `help:"Bill this class alone." placeholder:"CLASS"`
	Days    int64    `help:"Days of the month that daily items are charged for: those on which a school gave meals, or a market was open." placeholder:"N"`
	Sibling []string `help:"What the so-manyth child of a household on pays less." placeholder:"ITEM:CHILD:PERCENT"`
	DryRun  bool     `help:"Say what the run comes to, and issue nothing."`
	actFlags
}

// Help implements kong's help for one command.
func (*BillsRunCommand) Help() string {
	return "Example: socho bills run --org hg-truong-mau --period 2026-09 --series BT --items meals --sibling meals:2:50 --dry-run\n\nA bill is made from the tariffs in force, the pupil's class and what was granted; reductions are taken off by exemptions of their own, so that the book shows them. Everybody gets one bill a month and series: a run that is begun twice, or was interrupted, issues nothing twice. A bill that was taken back is issued anew. What is due once, by the term or by the year is asked for once in that time, and what is by the day, --days times; a market's stalls without it owe for the days on which somebody held them and was there."
}

// Run bills a month.
func (c *BillsRunCommand) Run(ctx context.Context, call *Call) error {
	r := billing.Run{Organization: c.Org, Period: events.Period(c.Period), On: events.Date(c.On), DueOn: events.Date(c.Due), Series: c.Series, Items: c.Items, Class: c.Class, Days: c.Days}
	if len(c.Period) != 7 || !r.Period.Valid() {
		return usageError{fmt.Errorf("--period %q: expected a month such as 2026-09", c.Period)}
	}
	if r.On == "" {
		r.On = events.Date(c.Period + "-01")
	}
	if r.DueOn == "" {
		r.DueOn = events.Date(c.Period + "-25")
	}
	if c.Days < 0 || c.Days > 31 {
		return usageError{fmt.Errorf("--days %d: expected the days of a month, at most 31", c.Days)}
	}
	if !r.On.Valid() || !r.DueOn.Valid() {
		return usageError{errors.New("--on and --due: expected days such as 2026-09-25")}
	}
	for _, text := range c.Sibling {
		cut, err := billing.ParseSiblingCut(text)
		if err != nil {
			return usageError{fmt.Errorf("--sibling %w", err)}
		}
		r.Siblings = append(r.Siblings, cut)
	}
	return call.withOffice(ctx, c.Token, c.Org, []identity.Right{identity.IssueBills}, func(ctx context.Context, o *office.Office, _ *identity.Directory) error {
		plan, org, err := o.PlanRun(ctx, r)
		if err != nil {
			return err
		}
		issued := 0
		if !c.DryRun {
			tell, end := call.progress("issuing bills")
			err := o.IssueRun(ctx, plan, org, func(done, of int) { tell(int64(done), int64(of)) })
			end()
			if err != nil {
				return err
			}
			issued = len(plan.Bills)
		}
		return call.planned(plan, issued, c.DryRun)
	})
}

// planned prints what a run came to.
func (c *Call) planned(plan *billing.Plan, issued int, dry bool) error {
	none := map[string]int{}
	for _, s := range plan.Skipped {
		none[s.Why]++
	}
	if c.CLI.JSON {
		return c.json(map[string]any{"bills": len(plan.Bills), "issued": issued, "total": fmt.Sprint(plan.Total), "waived": fmt.Sprint(plan.Waived), "owed": fmt.Sprint(plan.Owed()), "none": none, "problems": len(plan.Problems)})
	}
	for _, p := range plan.Problems {
		fmt.Fprintf(c.Stderr, "%s %s: %s\n", p.Item, p.Class, p.Why)
	}
	for _, u := range plan.Used {
		if u.Asked > 0 {
			fmt.Fprintf(c.Stderr, "%s: asked of %d before, in its time\n", u.Tariff.Tariff, u.Asked)
		}
	}
	fmt.Fprintf(c.Stdout, "%d bills: %d đ billed, %d đ waived, %d đ to pay\n", len(plan.Bills), plan.Total, plan.Waived, plan.Owed())
	for _, s := range plan.ItemSums() {
		fmt.Fprintf(c.Stdout, "  %s: %d bills, %d đ\n", s.Item, s.Bills, s.Sum)
	}
	for _, why := range []string{billing.WhyBilled, billing.WhyNoTariff, billing.WhyAsked, billing.WhyNoArea, billing.WhyTooLarge, billing.WhyLeft, billing.WhyEmpty} {
		if none[why] > 0 {
			fmt.Fprintf(c.Stdout, "  no bill (%s): %d\n", why, none[why])
		}
	}
	if dry {
		fmt.Fprintln(c.Stdout, "Nothing was issued.")
	}
	return nil
}
