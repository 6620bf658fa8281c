package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"socho/qr"
	"socho/qr/scan"
)

// QRCommand is socho qr.
type QRCommand struct {
	Encode QREncodeCommand `cmd:"" help:"Write a VietQR payload, and its image."`
	Decode QRDecodeCommand `cmd:"" help:"Read a payload or a picture, and say what it holds and what is wrong with it."`
	Sheet  QRSheetCommand  `cmd:"" help:"Print a market's stall cards."`
	Slips  QRSlipsCommand  `cmd:"" help:"Print payment slips for what is owed, in bulk."`
	Card   QRCardCommand   `cmd:"" help:"Check a card that hangs at a stall."`
	Banks  QRBanksCommand  `cmd:"" help:"List the banks that codes are known by, or bring the list up to date."`
}

// QREncodeCommand is socho qr encode.
type QREncodeCommand struct {
	BIN       string `name:"bin" help:"Bank identification number, 6 digits." required:"" placeholder:"970436"`
	Account   string `help:"Account, 1 to 19 letters or digits." placeholder:"ACCOUNT"`
	Card      string `help:"Card number, instead of an account; its check digit must hold." placeholder:"CARD"`
	Amount    string `help:"Whole đồng; without it the payer types the amount." placeholder:"61000"`
	Reference string `help:"Reference code: written to 62.05, and leading 62.08, which banks carry along." placeholder:"CODE"`
	Purpose   string `help:"Purpose, 62.08." placeholder:"TEXT"`
	Name      string `help:"Receiver's name, folded to plain letters." placeholder:"TEXT"`
	City      string `help:"Receiver's city." placeholder:"TEXT"`
	Bill      string `help:"Bill number, 62.01." placeholder:"TEXT"`
	Mobile    string `help:"Mobile number, 62.02." placeholder:"TEXT"`
	Store     string `help:"Store, 62.03." placeholder:"TEXT"`
	Loyalty   string `help:"Loyalty number, 62.04." placeholder:"TEXT"`
	Customer  string `help:"Customer, 62.06." placeholder:"TEXT"`
	Terminal  string `help:"Terminal, 62.07." placeholder:"TEXT"`
	Prompt    string `help:"Ask the payer, 62.09: A address, M mobile, E e-mail." placeholder:"AME"`
	Postal    string `name:"postal-code" help:"Postal code." placeholder:"CODE"`
	MCC       string `name:"mcc" help:"Merchant category, 4 digits (ISO 18245)." placeholder:"5411"`
	Tip       string `help:"Tip: 01 the payer is asked, 02 --tip-amount, 03 --tip-rate." placeholder:"01|02|03"`
	TipAmount string `help:"Tip in whole đồng." placeholder:"5000"`
	TipRate   string `help:"Tip in percent, 00.01 to 99.99." placeholder:"5"`
	PNG       string `name:"png" help:"Write the image here." placeholder:"FILE"`
	SVG       string `name:"svg" help:"Write the image here." placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*QREncodeCommand) Help() string {
	return "Example: socho qr encode --bin 970436 --account 0011001234567 --amount 61000 --reference CH2609DF4EP --png due.png"
}

// Run writes a payload.
func (c *QREncodeCommand) Run(_ context.Context, call *Call) error {
	payload, err := qr.Encode(qr.Request{
		BIN: c.BIN, Account: c.Account, Card: c.Card, Amount: c.Amount, Reference: c.Reference, Purpose: c.Purpose,
		Name: c.Name, City: c.City, Bill: c.Bill, Mobile: c.Mobile, Store: c.Store, Loyalty: c.Loyalty, Customer: c.Customer, Terminal: c.Terminal,
		Prompt: c.Prompt, PostalCode: c.Postal, MCC: c.MCC, Tip: c.Tip, TipAmount: c.TipAmount, TipRate: c.TipRate,
	})
	if err != nil {
		return err
	}
	for _, image := range []struct {
		file string
		draw func(string, qr.ImageOptions) ([]byte, error)
	}{{c.PNG, qr.PNG}, {c.SVG, qr.SVG}} {
		if image.file == "" {
			continue
		}
		b, err := image.draw(payload, qr.ImageOptions{})
		if err != nil {
			return err
		}
		if err := os.WriteFile(image.file, b, 0o644); err != nil {
			return err
		}
	}
	if call.CLI.JSON {
		return call.json(map[string]string{"payload": payload})
	}
	_, err = fmt.Fprintln(call.Stdout, payload)
	return err
}

// QRDecodeCommand is socho qr decode.
type QRDecodeCommand struct {
	Payload string `arg:"" optional:"" help:"The payload, or a picture: FILE.png, FILE.jpg." placeholder:"PAYLOAD|FILE"`
	Lines   string `help:"Read {\"id\",\"payload\"} a line instead, and write a result a line." placeholder:"FILE.jsonl"`
}

// Help implements kong's help for one command.
func (*QRDecodeCommand) Help() string {
	return "Example: socho qr decode 00020101021138…6304A203\n\tsocho qr decode card.jpg\n\nOf a picture with several codes each is written, valid ones first, with its text as \"payload\". Exits 1 when no payload is a valid VietQR (not with --lines)."
}

// Run reads payloads.
func (c *QRDecodeCommand) Run(_ context.Context, call *Call) error {
	if c.Lines != "" {
		return c.lines(call)
	}
	if c.Payload == "" {
		return usageError{fmt.Errorf("give a payload, a picture, or --lines FILE.jsonl")}
	}
	var results []any
	valid := false
	switch strings.ToLower(filepath.Ext(c.Payload)) {
	case ".png", ".jpg", ".jpeg":
		texts, err := readPicture(c.Payload)
		if err != nil {
			return err
		}
		var others []any
		for _, text := range texts {
			r := decodedPicture{qr.Decode(text), text}
			if valid = valid || r.Valid; r.Valid {
				results = append(results, r)
			} else {
				others = append(others, r)
			}
		}
		results = append(results, others...)
	default:
		r := qr.Decode(c.Payload)
		results, valid = []any{r}, r.Valid
	}
	for _, r := range results {
		if call.CLI.JSON {
			if err := call.json(r); err != nil {
				return err
			}
			continue
		}
		b, err := json.Marshal(r, jsontext.WithIndent("  "), json.Deterministic(true))
		if err != nil {
			return err
		}
		fmt.Fprintln(call.Stdout, string(b))
	}
	if !valid {
		return errFailed
	}
	return nil
}

// readPicture reads the codes of a picture.
func readPicture(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usageError{err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, scan.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	texts, err := scan.Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return texts, nil
}

// decodedPicture is a result with the text that it was read from.
type decodedPicture struct {
	qr.Result
	Payload string `json:"payload"`
}

// decodedLine is a result with the line's id in front.
type decodedLine struct {
	ID jsontext.Value `json:"id"`
	qr.Result
}

func (c *QRDecodeCommand) lines(call *Call) error {
	return call.eachLine(c.Lines, func(n int, text []byte) error {
		var line struct {
			ID      jsontext.Value `json:"id"`
			Payload string         `json:"payload"`
		}
		if err := json.Unmarshal(text, &line, jsontext.AllowInvalidUTF8(true)); err != nil || len(line.ID) == 0 {
			return fmt.Errorf("%s, line %d: expected an object with id and payload", c.Lines, n)
		}
		return call.json(decodedLine{line.ID, qr.Decode(line.Payload)})
	})
}

// longNumber is what may be a card's or an account's number.
var longNumber = regexp.MustCompile(`[0-9]([ -]?[0-9]){9,18}`)

// hideNumbers takes such numbers out of a complaint about how the program was
// called, which repeats what was typed: terminals and schedulers keep it.
func hideNumbers(text string) string { return longNumber.ReplaceAllString(text, "…") }
