package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"socho/qr"
)

// QRCardCommand is socho qr card.
type QRCardCommand struct {
	Verify QRCardVerifyCommand `cmd:"" help:"Hold a card's two codes against the ledger's public key, without database or network."`
}

// QRCardVerifyCommand is socho qr card verify.
type QRCardVerifyCommand struct {
	Codes []string `arg:"" help:"The texts of the card's two codes, or a picture of both: FILE.png, FILE.jpg." placeholder:"TEXT|FILE"`
	Key   string   `help:"The ledger's public key, as socho receipt key prints it." required:"" placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*QRCardVerifyCommand) Help() string {
	return "Example: socho qr card verify card.jpg --key ledger.pub\n\nThe small code of a card signs where its payment code pays to. It says nothing of whether the card has been replaced since: the pages do. Exits 1 unless both belong together."
}

// cardVerified is what was found.
type cardVerified struct {
	OK     bool   `json:"ok"`
	Card   string `json:"card,omitzero"`
	Stall  string `json:"stall,omitzero"`
	Reason string `json:"reason,omitzero"`
}

// Run checks a card.
func (c *QRCardVerifyCommand) Run(_ context.Context, call *Call) error {
	keys, err := readKeys(c.Key)
	if err != nil {
		return usageError{err}
	}
	var texts []string
	for _, code := range c.Codes {
		switch strings.ToLower(filepath.Ext(code)) {
		case ".png", ".jpg", ".jpeg":
			some, err := readPicture(code)
			if err != nil {
				return err
			}
			texts = append(texts, some...)
		default:
			texts = append(texts, code)
		}
	}
	v := verifyCard(texts, keys.Own)
	if call.CLI.JSON {
		if err := call.json(v); err != nil {
			return err
		}
	} else if v.OK {
		fmt.Fprintf(call.Stdout, "✓ card %s of stall %s pays to the account that it was made for\n", v.Card, v.Stall)
	} else {
		fmt.Fprintln(call.Stdout, "✗", v.Reason)
	}
	if !v.OK {
		return errFailed
	}
	return nil
}

// verifyCard finds the two codes among texts. What is wrong repeats none of them.
func verifyCard(texts []string, signed func(text, signature []byte) bool) cardVerified {
	var link qr.CardLink
	var payment qr.Result
	var stall string
	for _, text := range texts {
		if l, err := qr.ReadCardLink(text); err == nil {
			link = l
			_, stall, _, _ = qr.ReadSerial(l.Serial)
		} else if r := qr.Decode(text); r.Valid {
			payment = r
		}
	}
	fail := func(err error) cardVerified {
		return cardVerified{Card: link.Serial, Stall: stall, Reason: err.Error()}
	}
	if link.Serial == "" {
		return fail(errors.New("the card's small code is missing: give both codes, or a picture of both"))
	}
	if payment.Account == "" {
		return fail(errors.New("the card's payment code is missing or none that pays to an account: give both codes, or a picture of both"))
	}
	mark, err := link.Mark(payment)
	if err != nil {
		return fail(err)
	}
	if !signed(mark.Signed(), link.Signature) {
		return fail(errors.New("the two codes do not belong together: the payment code pays to another account, or the small code is forged. Do not pay"))
	}
	return cardVerified{OK: true, Card: mark.Serial, Stall: mark.Stall}
}
