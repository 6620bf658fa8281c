package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/internal/print"
	"socho/internal/service"
	"socho/internal/stallcards"
	"socho/qr"
)

// QRSheetCommand is socho qr sheet.
type QRSheetCommand struct {
	Market    string   `help:"The market; its own account receives." required:"" placeholder:"ORG"`
	Stall     []string `help:"Only these stalls." placeholder:"STALL,…"`
	Out       string   `short:"o" help:"Write the pages here." required:"" placeholder:"FILE.pdf"`
	Layout    string   `help:"card: a page of A6 each; sheet: four on A4, to be cut." enum:"card,sheet" default:"sheet"`
	Anew      string   `help:"Make new cards, which take the place of those before, for this reason: lost, damaged, swapped." placeholder:"REASON"`
	Sales     bool     `help:"The stall's card for sales, which pays to the trader's own account; with --bin and --account it is made for that account."`
	BIN       string   `name:"bin" help:"With --sales: her bank." placeholder:"970436"`
	Account   string   `help:"With --sales: her account." placeholder:"ACCOUNT"`
	PublicURL string   `name:"public-url" help:"Where visitors find the pages: the small code of each card leads there." env:"SOCHO_PUBLIC_URL" placeholder:"URL"`
}

// word is what events call one.
var word = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// Help implements kong's help for one command.
func (*QRSheetCommand) Help() string {
	return "Example: socho qr sheet --market hg-cho-dong-van -o cards.pdf\n\nA stall that has no card is issued one, with a serial for life; one that has is printed again. Every code is read back from the page before the file is written; if one says anything else, there is no file. Beside the payment code stands a small one, signed with the ledger's key, by which anybody can check the card: see socho qr card verify. There is none before socho run has made that key."
}

// Run prints cards.
func (c *QRSheetCommand) Run(ctx context.Context, call *Call) error {
	if (c.BIN == "") != (c.Account == "") || c.BIN != "" && !c.Sales {
		return usageError{errors.New("--bin and --account go together, with --sales")}
	}
	if c.Anew != "" && !word.MatchString(c.Anew) {
		return usageError{errors.New("--anew: a reason is one word of a-z 0-9 _")}
	}
	public, err := webAddress("--public-url", c.PublicURL)
	if err != nil && c.PublicURL != "" {
		return err
	}
	s, err := call.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.WaitForProjections(ctx); err != nil {
		return err
	}
	origin := ""
	if c.PublicURL != "" {
		origin = public.Scheme + "://" + public.Host
	}
	press, err := call.press(s, origin)
	if err != nil {
		return err
	}
	if press.Sign == nil {
		fmt.Fprintln(call.Stderr, "there is no signing key yet, so these cards have no small code; socho run makes one")
	}
	tell, end := call.progress("drawing and reading back")
	document, report, err := press.Print(ctx, stallcards.Order{
		Organization: c.Market, Stalls: c.Stall, Layout: map[string]print.Layout{"card": print.OneOnA6, "sheet": print.FourOnA4}[c.Layout],
		Anew: c.Anew != "", Why: events.Word(c.Anew), Sales: c.Sales, Own: stallcards.Account{BIN: c.BIN, Number: c.Account}, Actor: "cli", ID: rand.Text(),
	}, func(done, of int) { tell(int64(done), int64(of)) })
	end()
	if err != nil {
		return err
	}
	if err := replace(c.Out, document); err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(report)
	}
	_, err = fmt.Fprintf(call.Stdout, "%d cards in %s, %d of them new, every code read back\n", report.Cards, c.Out, report.Issued)
	return err
}

// press prints stall cards in this ledger's name. Cards are signed with the key
// that its log is signed with; where there is none yet, they are not.
func (c *Call) press(s *service.Service, public string) (*stallcards.Press, error) {
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	key, err := master.Derive(stallcards.Purpose)
	if err != nil {
		return nil, err
	}
	people, err := c.directory(s)
	if err != nil {
		return nil, err
	}
	press := &stallcards.Press{Read: s.Read, Say: s, Key: key, Public: public, Now: time.Now,
		Account: stallcards.Opener{Records: s.Log, Vault: s.Vault, Trail: people.Record}.Account}
	at, err := c.proof()
	if err != nil {
		return nil, err
	}
	signers, err := at.Keys.Signers()
	switch {
	case errors.Is(err, logpublisher.ErrNoSigner):
	case err != nil:
		return nil, err
	default:
		press.Sign = signers[0].Sign
	}
	return press, nil
}

// replace writes a file whole or not at all: whoever prints it shall not find
// half a market.
func replace(name string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".socho-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // it is of no use to anybody
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// QRBanksCommand is socho qr banks.
type QRBanksCommand struct {
	Update string `help:"Put newer entries over the list: CSV with the header bin,short_name,code,swift,name_vi." placeholder:"FILE.csv"`
}

// banksFile holds newer entries, in the data directory.
const banksFile = "banks.csv"

// Help implements kong's help for one command.
func (*QRBanksCommand) Help() string {
	return "Example: socho qr banks --update banks.csv\n\nNewer entries are kept in " + banksFile + " of the data directory and take the place of the program's own by BIN, in every command from then on and in a service that starts from then on. A bank that is not listed is paid all the same; it is only not named."
}

// Run lists banks.
func (c *QRBanksCommand) Run(_ context.Context, call *Call) error {
	if c.Update != "" {
		content, err := os.ReadFile(c.Update)
		if err != nil {
			return usageError{err}
		}
		newer, err := qr.ReadBanks(strings.NewReader(string(content)))
		if err != nil {
			return fmt.Errorf("%s: %w", c.Update, err)
		}
		if err := os.MkdirAll(call.CLI.Data, 0o700); err != nil {
			return err
		}
		if err := replace(filepath.Join(call.CLI.Data, banksFile), content); err != nil {
			return err
		}
		qr.UseBanks(newer)
	}
	out := call.lines("BIN\tNAME\tCODE\tSWIFT\tFULL NAME")
	for _, b := range qr.Banks() {
		if err := out.write(b, "%s\t%s\t%s\t%s\t%s", b.BIN, b.ShortName, b.Code, b.SWIFT, b.NameVI); err != nil {
			return err
		}
	}
	return out.end(nil)
}

// banks takes in the newer entries that an update has left. Names of banks are a
// convenience: a damaged file is complained of, and stops nothing.
func (c *CLI) banks(complain io.Writer) {
	f, err := os.Open(filepath.Join(c.Data, banksFile))
	if err != nil {
		return
	}
	defer f.Close()
	newer, err := qr.ReadBanks(f)
	if err != nil {
		fmt.Fprintf(complain, "socho: %s: %v; the program's own list is used; mend it by: socho qr banks --update FILE.csv\n", f.Name(), err)
		return
	}
	qr.UseBanks(newer)
}
