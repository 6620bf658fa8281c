package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"socho/internal/logpublisher"
	"socho/ledger/proof"
)

// LogKeyCommand is socho log key.
type LogKeyCommand struct {
	Generate KeyGenerateCommand `cmd:"" help:"Make the ledger's first signing key, or a witness's key."`
	Show     KeyShowCommand     `cmd:"" help:"Print the public half of a private key."`
	Rotate   KeyRotateCommand   `cmd:"" help:"Make a new signing key; the old one signs one more checkpoint beside it."`
}

// KeyGenerateCommand is socho log key generate.
type KeyGenerateCommand struct {
	Witness string `help:"Make a witness's key of this name, such as kiem-toan.example/so-cho." placeholder:"NAME"`
	Out     string `short:"o" help:"File of the witness's key." placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*KeyGenerateCommand) Help() string {
	return "Example: socho log key generate --witness kiem-toan.example/so-cho -o witness.key\n\nWithout --witness: the key that this ledger signs its checkpoints with. The embedded default makes it by itself. Private keys are kept in files of mode 0600; back them up apart from the data."
}

// Run makes a key.
func (c *KeyGenerateCommand) Run(ctx context.Context, call *Call) error {
	if (c.Witness == "") != (c.Out == "") {
		return usageError{errors.New("a witness's key needs both --witness NAME and --out FILE")}
	}
	if c.Witness != "" {
		line, err := proof.GenerateKey(rand.Reader, c.Witness, true)
		if err != nil {
			return usageError{fmt.Errorf("--witness: %w", err)}
		}
		if err := logpublisher.WriteSigner(c.Out, line); err != nil {
			return err
		}
		return showKey(call, c.Out)
	}
	at, err := call.proof()
	if err != nil {
		return err
	}
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	name, err := s.LedgerName(ctx)
	if err != nil {
		return err
	}
	if err := at.Keys.Generate(name); err != nil {
		return err
	}
	return printKeys(call, at.Keys)
}

// KeyShowCommand is socho log key show.
type KeyShowCommand struct {
	File string `arg:"" optional:"" help:"File of a private key; this ledger's public keys without it."`
}

// Help implements kong's help for one command.
func (*KeyShowCommand) Help() string { return "Example: socho log key show witness.key" }

// Run prints public keys.
func (c *KeyShowCommand) Run(_ context.Context, call *Call) error {
	if c.File != "" {
		return showKey(call, c.File)
	}
	at, err := call.proof()
	if err != nil {
		return err
	}
	return printKeys(call, at.Keys)
}

// KeyRotateCommand is socho log key rotate.
type KeyRotateCommand struct{}

// Help implements kong's help for one command.
func (*KeyRotateCommand) Help() string {
	return "Example: socho log key rotate\n\nThe next checkpoint of each shard is signed by both keys, those after it by the new one alone. Hand the new list of public keys (socho receipt key) to those who verify; the old key stays on it for the receipts it has signed."
}

// Run rotates the signing key.
func (*KeyRotateCommand) Run(_ context.Context, call *Call) error {
	at, err := call.proof()
	if err != nil {
		return err
	}
	signers, err := at.Keys.Signers()
	if err != nil {
		return err
	}
	if err := at.Keys.Rotate(signers[0].Name()); err != nil {
		return err
	}
	return printKeys(call, at.Keys)
}

func showKey(call *Call, file string) error {
	signers, err := logpublisher.ReadSigners(file)
	if err != nil {
		return err
	}
	keys, err := proof.ParseKeys(signers[0].Public())
	if err != nil {
		return err
	}
	return listKeys(call, keys)
}

func printKeys(call *Call, k logpublisher.Keys) error {
	keys, err := k.Public()
	if err != nil {
		return err
	}
	return listKeys(call, keys)
}
