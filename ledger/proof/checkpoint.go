package proof

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what one shard's log held when it had Size leaves.
type Checkpoint struct {
	Origin string // <ledger>/shard/<number>
	Size   int64
	Root   tlog.Hash
}

// MaxCheckpoint bounds a signed checkpoint, in bytes: room for a hundred
// signatures.
const MaxCheckpoint = 32 << 10

// Origin names a shard's log for ever: the ledger, as record 0 of every shard
// names it, and the shard.
func Origin(ledger string, shard int) string { return ledger + "/shard/" + strconv.Itoa(shard) }

// ParseOrigin is the inverse of Origin.
func ParseOrigin(origin string) (ledger string, shard int, ok bool) {
	at := strings.LastIndex(origin, "/shard/")
	if at < 0 {
		return "", 0, false
	}
	shard, err := strconv.Atoi(origin[at+len("/shard/"):])
	ledger = origin[:at]
	return ledger, shard, err == nil && shard >= 0 && nameValid(ledger) && Origin(ledger, shard) == origin
}

// Body is the text that is signed: https://c2sp.org/tlog-checkpoint, without
// extension lines.
func (c Checkpoint) Body() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

var errCheckpoint = errors.New("is no checkpoint: expected the log's name, its size and its root, a line each, and signatures")

func parseBody(body string) (c Checkpoint, err error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 4 {
		return c, errCheckpoint
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return c, errCheckpoint
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return c, errCheckpoint
	}
	c.Root = tlog.Hash(root)
	if _, _, ok := ParseOrigin(c.Origin); !ok || c.Body() != body {
		return c, errCheckpoint
	}
	return c, nil
}

// Signed is a checkpoint whose signatures have been looked at.
type Signed struct {
	Checkpoint
	Note *note.Note // Sigs hold, UnverifiedSigs are by keys that are not listed
}

// Text is the signed checkpoint as it is published.
func (s *Signed) Text() []byte {
	text, err := note.Sign(s.Note)
	if err != nil {
		return nil // it was parsed or made here: the signatures are well-formed
	}
	return text
}

// SignedBy reports whether a key of that name and hash has signed.
func (s *Signed) SignedBy(k *Signer) bool {
	for _, sig := range s.Note.Sigs {
		if sig.Name == k.name && sig.Hash == k.hash {
			return true
		}
	}
	return false
}

// Sign signs a checkpoint with each of the keys, in order.
func Sign(c Checkpoint, signers ...*Signer) (*Signed, error) {
	list := make([]note.Signer, len(signers))
	text := ""
	for i, s := range signers {
		list[i] = s
		text += s.Public() + "\n"
	}
	b, err := note.Sign(&note.Note{Text: c.Body()}, list...)
	if err != nil {
		return nil, err
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	return Open(b, keys)
}

// ErrUnsigned reports a checkpoint that no listed key of its ledger has signed.
var ErrUnsigned = errors.New("is signed by none of the ledger's listed keys")

// Open reads a signed checkpoint. At least one listed key of the ledger that it
// names must have signed it, and every signature by a listed key must hold;
// signatures by other keys are kept apart (https://c2sp.org/signed-note).
// Errors: ErrUnsigned; a text that is no checkpoint, altered, or not written as
// Text writes it.
func Open(text []byte, keys *Keys) (*Signed, error) {
	if len(text) > MaxCheckpoint {
		return nil, fmt.Errorf("is longer than a checkpoint may be (%d bytes)", MaxCheckpoint)
	}
	n, err := note.Open(text, keys)
	var unsigned *note.UnverifiedNoteError
	var altered *note.InvalidSignatureError
	switch {
	case errors.As(err, &unsigned):
		return nil, ErrUnsigned
	case errors.As(err, &altered):
		return nil, fmt.Errorf("was altered: the signature of %s does not hold", altered.Name)
	case err != nil:
		return nil, errCheckpoint
	}
	s := &Signed{Note: n}
	if s.Checkpoint, err = parseBody(n.Text); err != nil {
		return nil, err
	}
	ledger, _, _ := ParseOrigin(s.Origin)
	own := false
	for _, sig := range n.Sigs {
		own = own || keys.logs(sig) && sig.Name == ledger
	}
	if !own {
		return nil, ErrUnsigned
	}
	// Doubled signatures, and base64 written in another way, have been read over.
	if !sameSignatures(text, s) {
		return nil, errCheckpoint
	}
	return s, nil
}

// sameSignatures compares the lines of a note with what was read of them,
// whatever their order.
func sameSignatures(text []byte, s *Signed) bool {
	lines := map[string]bool{}
	total := len(s.Note.Text) + 1
	for _, list := range [][]note.Signature{s.Note.Sigs, s.Note.UnverifiedSigs} {
		for _, sig := range list {
			raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
			if err != nil || base64.StdEncoding.EncodeToString(raw) != sig.Base64 {
				return false
			}
			line := "— " + sig.Name + " " + sig.Base64 + "\n"
			lines[line] = true
			total += len(line)
		}
	}
	if total != len(text) {
		return false
	}
	for line := range strings.Lines(string(text[len(s.Note.Text)+1:])) {
		if !lines[line] {
			return false
		}
	}
	return true
}

// Merge adds the signatures of another note on the very same checkpoint, those
// that hold; a key that signed both keeps the other's signature. Errors: another
// checkpoint.
func (s *Signed) Merge(other *Signed) (*Signed, error) {
	if other.Checkpoint != s.Checkpoint {
		return nil, fmt.Errorf("stands for %d records of %s, not for %d of %s: another checkpoint", other.Size, other.Origin, s.Size, s.Origin)
	}
	again := map[keyID]bool{}
	for _, sig := range other.Note.Sigs {
		again[keyID{sig.Name, sig.Hash}] = true
	}
	n := &note.Note{Text: s.Note.Text}
	for _, sig := range s.Note.Sigs {
		if !again[keyID{sig.Name, sig.Hash}] {
			n.Sigs = append(n.Sigs, sig)
		}
	}
	n.Sigs = append(n.Sigs, other.Note.Sigs...)
	for _, sig := range s.Note.UnverifiedSigs {
		if !again[keyID{sig.Name, sig.Hash}] {
			n.UnverifiedSigs = append(n.UnverifiedSigs, sig)
		}
	}
	return &Signed{s.Checkpoint, n}, nil
}

// Cosign adds a witness's signature. Whoever calls it has seen that the
// checkpoint continues every earlier one of the same origin: that is what the
// signature says (https://c2sp.org/tlog-cosignature).
func (s *Signed) Cosign(w *Signer) (*Signed, error) {
	raw, err := w.Sign([]byte(s.Note.Text))
	if err != nil {
		return nil, err
	}
	raw = append(binary.BigEndian.AppendUint32(nil, w.hash), raw...)
	mine := note.Signature{Name: w.name, Hash: w.hash, Base64: base64.StdEncoding.EncodeToString(raw)}
	return s.Merge(&Signed{s.Checkpoint, &note.Note{Text: s.Note.Text, Sigs: []note.Signature{mine}}})
}
