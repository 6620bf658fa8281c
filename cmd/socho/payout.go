package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/payouts"
	"socho/internal/service"
	"socho/internal/sheet"
)

// PayoutCommand is socho payout.
type PayoutCommand struct {
	Import   PayoutImportCommand   `cmd:"" help:"Draw up a list from a file, with what it changes against last month."`
	Propose  PayoutProposeCommand  `cmd:"" help:"Hand a list over for approval."`
	Approve  PayoutApproveCommand  `cmd:"" help:"Approve a list, as another person."`
	Withdraw PayoutWithdrawCommand `cmd:"" help:"Take a list back; what was not ordered may stand on another one."`
	Remove   PayoutRemoveCommand   `cmd:"" help:"Take payouts off an open list."`
	Order    PayoutOrderCommand    `cmd:"" help:"Try once more to order what was refused, after what barred it is gone."`
	Export   PayoutExportCommand   `cmd:"" help:"Put what waits into a batch and write its file for the bank."`
	Submit   PayoutSubmitCommand   `cmd:"" help:"Record that a file goes to the bank, unaltered."`
	Cancel   PayoutCancelCommand   `cmd:"" help:"Say that a batch does not go to the bank; its payouts wait again."`
	Settle   PayoutSettleCommand   `cmd:"" help:"Take in what the bank answered."`
	Reissue  PayoutReissueCommand  `cmd:"" help:"Put a payout that came back on a list again, to another account or in cash."`
	Status   PayoutStatusCommand   `cmd:"" help:"Say where a month stands."`
	Sheet    PayoutSheetCommand    `cmd:"" help:"Write the list that people sign for cash."`
	Report   PayoutReportCommand   `cmd:"" help:"Write the month's report."`
}

// fundMonth is a fund and its month.
type fundMonth struct {
	Org    string `help:"The benefit fund." required:"" placeholder:"ORG"`
	Period string `help:"The month that is paid for." required:"" placeholder:"YYYY-MM"`
}

// Validate implements kong's check of flags.
func (m fundMonth) Validate() error {
	if !events.ValidOrganization(m.Org) {
		return fmt.Errorf("--org %q: expected 1 to 64 of a-z 0-9 -", m.Org)
	}
	if len(m.Period) != 7 || !events.Period(m.Period).Valid() {
		return fmt.Errorf("--period %q: expected a month such as 2026-10", m.Period)
	}
	return nil
}

// listFlag names a list.
type listFlag struct {
	List string `help:"The list; the only one of the month without it." placeholder:"ID"`
}

// actFlags say who acts.
type actFlags struct {
	Token string `help:"Act as whoever this token stands for, instead of as this machine." env:"SOCHO_TOKEN" placeholder:"TOKEN" secret:""`
}

// withPayouts opens the process in the name of whoever acts, who needs these
// rights in the organization; an empty one stands for any.
func (c *Call) withPayouts(ctx context.Context, token, organization string, rights []identity.Right, f func(ctx context.Context, p *payouts.Process, who *identity.Principal) error) error {
	return c.withActor(ctx, token, organization, rights, func(ctx context.Context, s *service.Service, who *identity.Principal, people *identity.Directory) error {
		p := s.Payouts(actorOf(who))
		p.Trail = people.Record
		var err error
		if p.Persons, err = c.personKey(); err != nil {
			return err
		}
		tell, end := c.progress("payouts")
		p.Progress = tell
		err = f(ctx, p, who)
		end()
		var refused *payouts.RefusedError
		if errors.As(err, &refused) {
			return fmt.Errorf("the ledger refused it: %w", refused)
		}
		return err
	})
}

// payoutFile opens a file that a person named.
func payoutFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usageError{err}
	}
	return f, nil
}

// ofFile says which file an error is of.
func ofFile(name string, err error) error {
	var bad *sheet.FileError
	if errors.As(err, &bad) {
		bad.File = filepath.Base(name)
		return bad
	}
	return fmt.Errorf("%s: %w", filepath.Base(name), err)
}

// PayoutImportCommand is socho payout import.
type PayoutImportCommand struct {
	File string `arg:"" help:"A list as .csv or .xlsx."`
	fundMonth
	Programme string `help:"The programme that pays." default:"monthly" placeholder:"WORD"`
	List      string `help:"Id of the list; programme and month without it." placeholder:"ID"`
	BaseRate  int64  `help:"Monthly standard in đồng that coefficients are taken of." default:"500000" placeholder:"AMOUNT"`
	DryRun    bool   `help:"Say what the file changes, and publish nothing."`
	SkipBad   bool   `help:"Leave lines out that cannot be taken, after they were shown."`
	Yes       bool   `help:"Do not ask about lines left out."`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutImportCommand) Help() string {
	return "Example: socho payout import danh-sach.xlsx --org hg-quy-bao-tro --period 2026-10 --dry-run\n\nColumns are found by their headings: CCCD or Mã đối tượng, Họ tên, Mã xã, Số tiền or Hệ số, Hình thức (tài khoản, ví, tiền mặt), Ngân hàng, Số tài khoản, Tên tài khoản, Loại (hằng tháng, truy lĩnh, một lần, mai táng), Ghi chú. The file is taken whole or not at all. Importing it again changes nothing."
}

var wordPattern = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// imported is what is relied on of an import.
type imported struct {
	List            string            `json:"list"`
	Entries         int               `json:"entries"`
	Amounts         map[string]string `json:"amounts"`
	Joined          int               `json:"joined"`
	Left            int               `json:"left"`
	Changed         int               `json:"changed"`
	AccountsChanged int               `json:"accounts_changed"`
	Stopped         int               `json:"stopped"`
	Duplicates      int               `json:"duplicates"`
	Skipped         int               `json:"skipped"`
	DryRun          bool              `json:"dry_run"`
	Outcomes        map[string]int64  `json:"outcomes,omitzero"`
	Codes           map[string]int64  `json:"refused,omitzero"`
	NotPublished    int               `json:"not_published"`
}

// Run imports a list.
func (c *PayoutImportCommand) Run(ctx context.Context, call *Call) error {
	month := payouts.Month{Organization: c.Org, Programme: c.Programme, Period: c.Period, List: c.List, BaseRate: c.BaseRate}
	switch {
	case !wordPattern.MatchString(c.Programme):
		return usageError{fmt.Errorf("--programme %q: expected 1 to 32 of a-z 0-9 _", c.Programme)}
	case c.List != "" && !events.ValidID(c.List):
		return usageError{fmt.Errorf("--list %q: expected 1 to 64 letters, digits, . _ -", c.List)}
	case c.BaseRate <= 0 || c.BaseRate > 1_000_000_000:
		return usageError{errors.New("--base-rate: expected đồng above 0")}
	}
	src, err := payoutFile(c.File)
	if err != nil {
		return err
	}
	defer src.Close()
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ProposePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		f, err := payouts.ReadList(src, month, p.Persons)
		if err != nil {
			return ofFile(c.File, err)
		}
		if err := c.faults(call, f); err != nil {
			return err
		}
		preview, err := p.Preview(ctx, f)
		if err != nil {
			return err
		}
		out := imported{List: f.List, Entries: len(f.Rows), Joined: preview.Joined, Left: preview.Left, Changed: preview.Changed,
			AccountsChanged: preview.AccountsChanged, Stopped: len(preview.Stopped), Duplicates: preview.Duplicates(), Skipped: f.Left, DryRun: c.DryRun}
		var sum int64
		for i := range f.Rows {
			sum += f.Rows[i].Amount
		}
		out.Amounts = map[string]string{"VND": fmt.Sprint(sum)}
		c.show(call, &out, preview)
		if c.DryRun {
			return c.print(call, &out)
		}
		taken, err := p.Import(ctx, f)
		if err != nil {
			return err
		}
		out.Outcomes, out.Codes, out.NotPublished = taken.Outcomes, taken.Codes, taken.Missing
		for _, r := range taken.Refused {
			fmt.Fprintf(call.Stderr, "%s: %s: %s\n", r.Event, r.Code, r.Reason)
		}
		if err := c.print(call, &out); err != nil {
			return err
		}
		if len(taken.Codes) > 0 || taken.Missing > 0 {
			return errFailed
		}
		return nil
	})
}

// maxFaults bounds how many faults are printed.
const maxFaults = 200

// faults shows what is wrong with lines, and asks whether to go on without them.
func (c *PayoutImportCommand) faults(call *Call, f *payouts.File) error {
	for i, fault := range f.Faults {
		if i == maxFaults {
			fmt.Fprintf(call.Stderr, "… and %d more\n", len(f.Faults)-i)
			break
		}
		fmt.Fprintln(call.Stderr, fault)
	}
	switch {
	case f.Left == 0:
		return nil
	case !c.SkipBad:
		return fmt.Errorf("%d lines cannot be taken, so nothing was; correct them, or leave them out with --skip-bad", f.Left)
	case len(f.Rows) == 0:
		return errors.New("no line can be taken")
	case c.Yes || c.DryRun:
		return nil
	}
	fmt.Fprintf(call.Stderr, "%d lines are left out, %d are taken. Type yes to go on: ", f.Left, len(f.Rows))
	var typed string
	if _, err := fmt.Fscanln(call.Stdin, &typed); err != nil || typed != "yes" {
		return errors.New("nothing was imported")
	}
	return nil
}

// show says on stderr what the file changes, before anything is published.
func (c *PayoutImportCommand) show(call *Call, out *imported, v *payouts.Preview) {
	fmt.Fprintf(call.Stderr, "%d payouts, %s đ; against the month before: %d joined, %d left, %d with another amount, %d with another account\n",
		out.Entries, out.Amounts["VND"], out.Joined, out.Left, out.Changed, out.AccountsChanged)
	groups := func(what string, groups [][]int) {
		for i, lines := range groups {
			if i == maxFaults {
				fmt.Fprintf(call.Stderr, "… and %d more\n", len(groups)-i)
				break
			}
			fmt.Fprintf(call.Stderr, "%s on lines %s\n", what, strings.Trim(fmt.Sprint(lines), "[]"))
		}
	}
	groups("one person", v.Twice)
	groups("one account of several persons", v.Shared)
	if len(v.Stopped) > 0 {
		groups("payments were stopped, nothing will be ordered,", [][]int{v.Stopped[:min(len(v.Stopped), maxFaults)]})
	}
}

func (c *PayoutImportCommand) print(call *Call, out *imported) error {
	if call.CLI.JSON {
		return call.json(out)
	}
	done := "stands"
	if out.DryRun {
		done = "would stand"
	}
	_, err := fmt.Fprintf(call.Stdout, "%s: %d payouts, %s đ, %s; %d lines left out\n", out.List, out.Entries, out.Amounts["VND"], done, out.Skipped)
	return err
}

// PayoutProposeCommand is socho payout propose.
type PayoutProposeCommand struct {
	fundMonth
	listFlag
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutProposeCommand) Help() string {
	return "Example: socho payout propose --org hg-quy-bao-tro --period 2026-10\n\nShows what the ledger has: how many payouts, their sum, and the digest over all of them, accounts included."
}

// shownList is a list as it was proposed or approved.
type shownList struct {
	*payouts.Shown
	More bool `json:"one_more_approval"`
}

func (c *Call) shown(s shownList) error {
	if c.CLI.JSON {
		return c.json(s)
	}
	more := ""
	if s.More {
		more = "; one more person has to approve it"
	}
	_, err := fmt.Fprintf(c.Stdout, "%s is %s: %d payouts, %s %s, digest %s%s\n", s.List, s.State, s.Count, s.Sum.Amount, s.Sum.Currency, s.Digest, more)
	return err
}

// Run proposes a list.
func (c *PayoutProposeCommand) Run(ctx context.Context, call *Call) error {
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ProposePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		list, err := p.FindList(ctx, c.Org, c.Period, c.List)
		if err != nil {
			return err
		}
		s, err := p.Show(ctx, c.Org, list)
		if err != nil {
			return err
		}
		if err := p.Propose(ctx, c.Org, s); err != nil {
			return err
		}
		s.State = "proposed"
		return call.shown(shownList{Shown: s})
	})
}

// PayoutApproveCommand is socho payout approve.
type PayoutApproveCommand struct {
	fundMonth
	listFlag
	Digest string `help:"The digest that was seen; refused where the list is another." placeholder:"HEX"`
	Token  string `help:"Token of the person who approves; see socho token person." required:"" env:"SOCHO_TOKEN" placeholder:"TOKEN" secret:""`
}

// Help implements kong's help for one command.
func (*PayoutApproveCommand) Help() string {
	return "Example: socho payout approve --org hg-quy-bao-tro --period 2026-10 --token socho_p_…\n\nAnother person than drew the list up approves it, with a token of the last five minutes. The ledger decides, and its reason is printed. Once enough have approved, the payouts are ordered by themselves."
}

// Run approves a list. Whether the person may is the ledger's to decide; here they
// only have to be somebody who may see payouts, and to have proved who they are.
func (c *PayoutApproveCommand) Run(ctx context.Context, call *Call) error {
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.SeePayouts}, func(ctx context.Context, p *payouts.Process, who *identity.Principal) error {
		if who.Kind == identity.Person && !who.SteppedUp(time.Now()) {
			return errors.New("approving asks for a token of the last five minutes; make a new one")
		}
		list, err := p.FindList(ctx, c.Org, c.Period, c.List)
		if err != nil {
			return err
		}
		s, err := p.Show(ctx, c.Org, list)
		if err != nil {
			return err
		}
		if c.Digest != "" {
			s.Digest = events.Digest(c.Digest)
		}
		more, err := p.Approve(ctx, c.Org, s)
		if err != nil {
			return err
		}
		if !more {
			s.State = "approved"
		}
		return call.shown(shownList{s, more})
	})
}

// PayoutWithdrawCommand is socho payout withdraw.
type PayoutWithdrawCommand struct {
	fundMonth
	listFlag
	Reason string `help:"Why, as a word." default:"corrected" placeholder:"WORD"`
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutWithdrawCommand) Help() string {
	return "Example: socho payout withdraw --org hg-quy-bao-tro --period 2026-10\n\nThe corrected file is imported under another --list."
}

// Run withdraws a list.
func (c *PayoutWithdrawCommand) Run(ctx context.Context, call *Call) error {
	if !wordPattern.MatchString(c.Reason) {
		return usageError{fmt.Errorf("--reason %q: expected 1 to 32 of a-z 0-9 _", c.Reason)}
	}
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ProposePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		list, err := p.FindList(ctx, c.Org, c.Period, c.List)
		if err != nil {
			return err
		}
		if err := p.Withdraw(ctx, c.Org, list, c.Reason); err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(map[string]string{"list": list, "state": "withdrawn"})
		}
		_, err = fmt.Fprintln(call.Stdout, list, "is withdrawn")
		return err
	})
}

// PayoutOrderCommand is socho payout order.
type PayoutOrderCommand struct {
	fundMonth
	actFlags
}

// Help implements kong's help for one command.
func (*PayoutOrderCommand) Help() string {
	return "Example: socho payout order --org hg-quy-bao-tro --period 2026-10\n\nWhat is approved is ordered by itself, once. Where the fund was exhausted, say, call this after the grant has come."
}

// Run orders again.
func (c *PayoutOrderCommand) Run(ctx context.Context, call *Call) error {
	return call.withPayouts(ctx, c.Token, c.Org, []identity.Right{identity.ProposePayouts}, func(ctx context.Context, p *payouts.Process, _ *identity.Principal) error {
		ordered, err := p.OrderAgain(ctx, c.Org, c.Period)
		if err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(map[string]int64{"ordered": ordered})
		}
		_, err = fmt.Fprintln(call.Stdout, ordered, "payouts ordered")
		return err
	})
}
