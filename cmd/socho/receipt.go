package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/internal/receiptpdf"
	"socho/internal/service"
	"socho/ledger/proof"
	"socho/qr"
)

// ReceiptCommand is socho receipt.
type ReceiptCommand struct {
	Of     ReceiptOfCommand     `cmd:"" default:"withargs" help:"Write the receipt of an event."`
	Key    ReceiptKeyCommand    `cmd:"" help:"Print the public keys that receipts are verified with."`
	Verify ReceiptVerifyCommand `cmd:"" help:"Verify a receipt; needs no database and no network."`
}

// ReceiptOfCommand is socho receipt EVENT_ID.
type ReceiptOfCommand struct {
	Event     string `arg:"" help:"The event's id, or SHARD:OFFSET." placeholder:"EVENT_ID"`
	Org       string `help:"The event's organization, where the id is not unique." placeholder:"ORG"`
	Source    string `help:"The event's source, where the id is not unique." placeholder:"URI"`
	Format    string `help:"json, pdf, or qr: the text of a QR code." enum:"json,pdf,qr" default:"json"`
	Witnessed bool   `help:"From the newest checkpoint that witnesses have signed, with their signatures; JSON only."`
	Out       string `short:"o" help:"Write it here; for qr also an image, FILE.png or FILE.svg." placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*ReceiptOfCommand) Help() string {
	return "Example: socho receipt 0198f2a0-0001-7000-8000-000000000001 --format pdf -o receipt.pdf\n\nA receipt carries the record, what the ledger decided of it, its place in the log and the signed checkpoint. A record too large for it is represented by its hash; a QR code then does not fit."
}

// Run writes a receipt.
func (c *ReceiptOfCommand) Run(ctx context.Context, call *Call) error {
	if c.Witnessed && c.Format != "json" {
		return usageError{errors.New("--witnessed: only the JSON form carries witnesses' signatures")}
	}
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	at, err := call.proof()
	if err != nil {
		return err
	}
	s.StartPublishing(at)
	shard, offset, err := c.place(ctx, s)
	if err != nil {
		return err
	}
	signed, err := s.WaitForPublished(ctx, at, shard, offset)
	if err != nil {
		return err
	}
	m := maker{at: at, shard: shard, offset: offset, signed: signed, read: logpublisher.Reader(at.Log, shard)}
	if m.keys, err = at.Keys.Known(); err != nil {
		return err
	}
	if c.Witnessed {
		if m.signed, err = logpublisher.Cosigned(m.read, m.keys); errors.Is(err, fs.ErrNotExist) || err == nil && m.signed.Size <= offset {
			return fmt.Errorf("no checkpoint that covers %d:%d has been signed by a witness yet; see: socho log witness, socho log cosign", shard, offset)
		}
		if err != nil {
			return err
		}
	}
	text, err := c.form(m)
	if err != nil {
		return err
	}
	switch {
	case c.Out != "":
		return os.WriteFile(c.Out, text, 0o644)
	case c.Format == "qr" && call.CLI.JSON:
		return call.json(map[string]string{"payload": string(text)})
	}
	_, err = call.Stdout.Write(text)
	return err
}

// place finds the record.
func (c *ReceiptOfCommand) place(ctx context.Context, s *service.Service) (shard int, offset int64, err error) {
	if at, err := positions(c.Event); err == nil && len(at) == 1 {
		for shard, offset = range at {
		}
		heads, err := s.Heads(ctx)
		if err == nil && offset >= heads[shard].NextOffset {
			err = fmt.Errorf("the ledger has decided nothing at %d:%d", shard, offset)
		}
		return shard, offset, err
	}
	o, err := s.Find(ctx, c.Event, c.Org, c.Source)
	if err != nil {
		return 0, 0, err
	}
	return o.Shard, o.Offset, nil
}

// form writes the receipt in the form that was asked for.
func (c *ReceiptOfCommand) form(m maker) ([]byte, error) {
	r, err := m.receipt(c.Witnessed)
	if err != nil {
		return nil, err
	}
	if c.Format == "json" {
		return r.JSON()
	}
	compact, err := m.compact(r)
	if c.Format == "qr" && err != nil {
		return nil, err
	}
	switch {
	case c.Format == "pdf" && err != nil && !errors.Is(err, proof.ErrTooLarge):
		return nil, err
	case c.Format == "pdf":
		return receiptpdf.Print(r, compact)
	case strings.EqualFold(filepath.Ext(c.Out), ".png"):
		return qr.PNG(compact, qr.ImageOptions{Level: qr.LevelL})
	case strings.EqualFold(filepath.Ext(c.Out), ".svg"):
		return qr.SVG(compact, qr.ImageOptions{Level: qr.LevelL, Title: "Biên nhận sổ cái"})
	}
	return []byte(compact), nil
}

// maker makes receipts of one record.
type maker struct {
	at     service.Proof
	keys   *proof.Keys
	signed *proof.Signed
	read   proof.Read
	shard  int
	offset int64
}

func (m maker) receipt(witnessed bool) (*proof.Receipt, error) {
	record, leaf, path, err := proof.Lookup(m.signed, m.offset, m.read)
	if err != nil {
		return nil, err
	}
	return proof.New(record, leaf, path, m.signed, witnessed, m.keys)
}

// compact is the text for a QR code. In a large log it is made from a checkpoint
// right behind the record, whose path is shorter; that takes the signing key.
func (m maker) compact(r *proof.Receipt) (string, error) {
	text, tooLarge := r.Compact()
	if !errors.Is(tooLarge, proof.ErrTooLarge) {
		return text, tooLarge
	}
	signers, err := m.at.Keys.Signers()
	if err != nil {
		return "", tooLarge
	}
	c, path, err := proof.Tight(m.signed.Checkpoint, m.offset, m.read)
	if err != nil {
		return "", err
	}
	signed, err := proof.Sign(c, signers[0])
	if err != nil {
		return "", err
	}
	if r, err = proof.New(r.Record, r.Leaf, path, signed, false, m.keys); err != nil {
		return "", err
	}
	return r.Compact()
}

// ReceiptKeyCommand is socho receipt key.
type ReceiptKeyCommand struct{}

// Help implements kong's help for one command.
func (*ReceiptKeyCommand) Help() string {
	return "Example: socho receipt key > ledger.key\n\nThe newest key comes first; the ones before it still verify what they signed. Hand the file on by a way that its reader trusts."
}

// Run prints the public keys.
func (*ReceiptKeyCommand) Run(ctx context.Context, call *Call) error {
	at, err := call.proof()
	if err != nil {
		return err
	}
	keys, err := at.Keys.Public()
	if errors.Is(err, logpublisher.ErrNoSigner) {
		s, opened := call.caughtUp(ctx)
		if opened != nil {
			return opened
		}
		defer s.Close()
		if err := s.ReadyToSign(ctx, at); err != nil {
			return err
		}
		keys, err = at.Keys.Public()
	}
	if err != nil {
		return err
	}
	return listKeys(call, keys)
}

// ReceiptVerifyCommand is socho receipt verify.
type ReceiptVerifyCommand struct {
	File string `arg:"" help:"The receipt: its JSON, or the text of its QR code; - for stdin."`
	Key  string `help:"File of the public keys, as socho receipt key prints them." required:"" placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*ReceiptVerifyCommand) Help() string {
	return "Example: socho receipt verify receipt.json --key ledger.key\n\nThe file must hold the receipt to the byte: a line break too many is an altered receipt. Exits 1 where anything does not hold."
}

type verified struct {
	OK         bool   `json:"ok"`
	Origin     string `json:"origin,omitzero"`
	Size       int64  `json:"size,omitzero"`
	Index      *int64 `json:"index,omitzero"`
	Status     string `json:"status,omitzero"`
	Code       string `json:"code,omitzero"`
	RecordedAt string `json:"recorded_at,omitzero"`
	EventID    string `json:"event_id,omitzero"`
	Type       string `json:"type,omitzero"`
	Signatures int    `json:"signatures,omitzero"`
	Reason     string `json:"reason,omitzero"`
}

// Run verifies a receipt.
func (c *ReceiptVerifyCommand) Run(_ context.Context, call *Call) error {
	text, err := call.file(c.File, 1<<20)
	if err != nil {
		return usageError{err}
	}
	keys, err := readKeys(c.Key)
	if err != nil {
		return usageError{err}
	}
	r, err := proof.Verify(text, keys)
	if err != nil {
		reason := "the receipt does not hold: " + err.Error()
		if bytes.HasPrefix(text, []byte("%PDF")) {
			reason = "a PDF is for people; verify the JSON form, or the text of the QR code on the page"
		}
		if call.CLI.JSON {
			return errors.Join(call.json(verified{Reason: reason}), errFailed)
		}
		fmt.Fprintln(call.Stdout, "✗", reason)
		return errFailed
	}
	v := verified{OK: true, Origin: r.Checkpoint.Origin, Size: r.Checkpoint.Size, Index: &r.Leaf.Offset, Status: r.Leaf.Status.String(),
		Code: r.Leaf.Code, RecordedAt: r.Leaf.RecordedAt.Format(time.RFC3339Nano), Signatures: len(r.Checkpoint.Note.Sigs)}
	if r.Record != nil {
		if event, err := events.Decode(r.Record.Value); err == nil {
			v.EventID, v.Type = string(event.ID), event.Type
		}
	}
	if call.CLI.JSON {
		return call.json(v)
	}
	fmt.Fprintf(call.Stdout, "✓ record %d of %s, whose log had %d records when it was signed\n", *v.Index, v.Origin, v.Size)
	fmt.Fprintf(call.Stdout, "  %s %s, recorded at %s\n", v.Status, v.Code, v.RecordedAt)
	if r.Record == nil {
		fmt.Fprintf(call.Stdout, "  the record itself is too large for a receipt; its SHA-256 is %x\n", r.Leaf.RecordHash)
		return nil
	}
	_, err = fmt.Fprintf(call.Stdout, "  %s\n", r.Record.Value)
	return err
}

// file reads a small file, or stdin.
func (c *Call) file(name string, most int64) ([]byte, error) {
	input := c.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		input = f
	}
	b, err := io.ReadAll(io.LimitReader(input, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	return b, err
}

func readKeys(file string) (*proof.Keys, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys, err := proof.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s, %w", file, err)
	}
	return keys, nil
}

// proof is where this call's published log and keys are.
func (c *Call) proof() (service.Proof, error) {
	data, err := filepath.Abs(c.CLI.Data)
	return service.ProofIn(data, c.CLI.Signer), err
}

// receiptPDF is the receipt of a record on paper, once the log that proves it has
// been published.
func receiptPDF(ctx context.Context, s *service.Service, at service.Proof, shard int, offset int64) ([]byte, error) {
	signed, err := s.WaitForPublished(ctx, at, shard, offset)
	if err != nil {
		return nil, err
	}
	m := maker{at: at, shard: shard, offset: offset, signed: signed, read: logpublisher.Reader(at.Log, shard)}
	if m.keys, err = at.Keys.Known(); err != nil {
		return nil, err
	}
	return (&ReceiptOfCommand{Format: "pdf"}).form(m)
}
