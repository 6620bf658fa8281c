package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"socho/internal/print"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/qr"
)

// QRSheetCommand is socho qr sheet.
type QRSheetCommand struct {
	Market string   `help:"The market; its own account receives." required:"" placeholder:"ORG"`
	Stall  []string `help:"Only these stalls." placeholder:"STALL,…"`
	Out    string   `short:"o" help:"Write the pages here." required:"" placeholder:"FILE.pdf"`
	Layout string   `help:"card: a page of A6 each; sheet: four on A4, to be cut." enum:"card,sheet" default:"sheet"`
}

// Help implements kong's help for one command.
func (*QRSheetCommand) Help() string {
	return "Example: socho qr sheet --market hg-cho-dong-van -o cards.pdf\n\nEvery code is read back from the page before the file is written; if one says anything else, there is no file."
}

// Run prints cards.
func (c *QRSheetCommand) Run(ctx context.Context, call *Call) error {
	cards, err := c.cards(ctx, call)
	if err != nil {
		return err
	}
	tell, end := call.progress("drawing and reading back")
	document, err := print.Cards(cards, print.Options{
		Layout: map[string]print.Layout{"card": print.OneOnA6, "sheet": print.FourOnA4}[c.Layout],
		Title:  "Thẻ mã QR · " + cards[0].Market, At: time.Now().UTC(),
		Progress: func(done, of int) { tell(int64(done), int64(of)) },
	})
	end()
	if err != nil {
		return err
	}
	if err := replace(c.Out, document); err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(map[string]any{"cards": len(cards), "bytes": len(document)})
	}
	_, err = fmt.Fprintf(call.Stdout, "%d cards in %s, every code read back\n", len(cards), c.Out)
	return err
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

// cards reads what the market's stalls are, and writes their payloads. A code
// says nothing of its trader: it hangs in public.
func (c *QRSheetCommand) cards(ctx context.Context, call *Call) ([]print.Card, error) {
	s, err := call.open(ctx, false)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.WaitForProjections(ctx); err != nil {
		return nil, err
	}
	market, err := s.Read.Organization(ctx, c.Market)
	switch {
	case errors.Is(err, readmodel.ErrNotFound):
		return nil, fmt.Errorf("--market: no organization %q is registered", c.Market)
	case err != nil:
		return nil, err
	case market.Kind != "market":
		return nil, fmt.Errorf("--market: %s is a %s, not a market", c.Market, market.Kind)
	case market.Account == "":
		return nil, fmt.Errorf("--market: %s has no receiving account; register it with bank_bin and account", c.Market)
	}
	var stalls []string
	for page := (readmodel.Page{Limit: readmodel.MaxLimit}); ; {
		rows, next, err := s.Read.Stalls(ctx, c.Market, "", page)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			stalls = append(stalls, rows[i].Stall.Stall)
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	for _, stall := range c.Stall {
		if !slices.Contains(stalls, stall) {
			return nil, fmt.Errorf("--stall: %s has no stall %q", c.Market, stall)
		}
	}
	if len(c.Stall) > 0 {
		stalls = slices.Compact(slices.Sorted(slices.Values(c.Stall)))
	}
	if len(stalls) == 0 {
		return nil, fmt.Errorf("%s has no stalls yet", c.Market)
	}
	return stallCards(market, stalls, time.Now())
}

func stallCards(market projections.Organization, stalls []string, now time.Time) ([]print.Card, error) {
	cards := make([]print.Card, len(stalls))
	for i, stall := range stalls {
		purpose, err := stallPurpose(stall, market.Name)
		if err != nil {
			return nil, err
		}
		// No name, which the payer's bank looks up itself, and capitals: the modules get
		// a quarter wider.
		payload, err := qr.Encode(qr.Request{BIN: market.BankBIN, Account: market.Account, Purpose: purpose})
		if err != nil {
			return nil, fmt.Errorf("stall %s: %w", stall, err)
		}
		cards[i] = print.Card{
			Payload: payload, Use: print.ForFees, Stall: stall, Market: market.Name, Receiver: market.Name,
			Serial: stall + "-" + now.Format("060102"),
		}
	}
	return cards, nil
}

// stallPurpose is what banks carry along: the whole name of the stall, which
// must never be cut, and of the market what there is room for.
func stallPurpose(stall, market string) (string, error) {
	const most = 25 // characters of 62.08
	switch whole := "SAP " + stall; {
	case len(whole) <= most:
		return whole + " " + strings.ToUpper(qr.Fold(market)), nil
	case len(stall) <= most:
		return stall, nil
	}
	return "", fmt.Errorf("stall %s: a code carries at most %d characters of a stall's name; print its card under a shorter one", stall, most)
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
