package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// The kinds of keys, as https://c2sp.org/signed-note numbers them.
const (
	algorithmLog     = 0x01 // Ed25519 over the note's text
	algorithmWitness = 0x04 // timestamped Ed25519, https://c2sp.org/tlog-cosignature
)

// Keys are public keys that somebody trusts: of one ledger, old and new, and of
// witnesses. They are read from text, one a line:
//
//	<name>+<hash>+<base64 key>
//
// The name of a log's key is the name of its ledger.
type Keys struct {
	list map[keyID]key
	text []string
}

type keyID struct {
	name string
	hash uint32
}

type key struct {
	note.Verifier
	witness bool
}

// ParseKeys reads public keys, one a line; empty lines and lines that begin
// with # are passed over. Errors: a line that is none, no key at all.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{list: map[keyID]key{}}
	at := 0
	for line := range strings.Lines(text) {
		at++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, privatePrefix) {
			return nil, fmt.Errorf("line %d holds a private key; here belongs the public one, which socho receipt key prints", at)
		}
		v, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d is no public key (%w); expected <name>+<hash>+<key>, as socho receipt key prints it", at, err)
		}
		id := keyID{v.Name(), v.KeyHash()}
		if _, known := k.list[id]; !known {
			k.text = append(k.text, line)
		}
		k.list[id] = v
	}
	if len(k.list) == 0 {
		return nil, errors.New("no public key found; expected lines of <name>+<hash>+<key>, as socho receipt key prints them")
	}
	return k, nil
}

// String prints the keys as ParseKeys reads them.
func (k *Keys) String() string { return strings.Join(k.text, "\n") + "\n" }

// Verifier implements note.Verifiers.
func (k *Keys) Verifier(name string, hash uint32) (note.Verifier, error) {
	if v, ok := k.list[keyID{name, hash}]; ok {
		return v.Verifier, nil
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}

// logs reports whether a signature's key is a ledger's own.
func (k *Keys) logs(s note.Signature) bool {
	v, ok := k.list[keyID{s.Name, s.Hash}]
	return ok && !v.witness
}

// Names reports whether one of the keys is a ledger's own of that name.
func (k *Keys) Names(ledger string) bool {
	for id, v := range k.list {
		if id.name == ledger && !v.witness {
			return true
		}
	}
	return false
}

var errKey = errors.New("malformed")

func parseKey(line string) (key, error) {
	name, hash, material, err := splitKey(line)
	if err != nil {
		return key{}, err
	}
	if len(material) != 1+ed25519.PublicKeySize || keyHash(name, material) != hash {
		return key{}, errKey
	}
	public := ed25519.PublicKey(material[1:])
	switch material[0] {
	case algorithmLog:
		v, err := note.NewVerifier(line)
		return key{Verifier: v}, err
	case algorithmWitness:
		return key{witness: true, Verifier: &witnessVerifier{name, hash, public}}, nil
	}
	return key{}, fmt.Errorf("its kind %#02x is not known", material[0])
}

// splitKey takes <name>+<hash>+<base64> apart, taking only what formatKey
// writes.
func splitKey(line string) (name string, hash uint32, material []byte, err error) {
	name, rest, _ := strings.Cut(line, "+")
	hex, b64, found := strings.Cut(rest, "+")
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || !found || !nameValid(name) {
		return "", 0, nil, errKey
	}
	if material, err = base64.StdEncoding.Strict().DecodeString(b64); err != nil || formatKey(name, uint32(n), material) != line {
		return "", 0, nil, errKey
	}
	return name, uint32(n), material, nil
}

func formatKey(name string, hash uint32, material []byte) string {
	return fmt.Sprintf("%s+%08x+%s", name, hash, base64.StdEncoding.EncodeToString(material))
}

// keyHash is the 32 bits that a signature names its key by.
func keyHash(name string, material []byte) uint32 {
	h := sha256.New()
	io.WriteString(h, name+"\n") //nolint:errcheck // a hash takes everything
	h.Write(material)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// nameValid: printable ASCII but spaces and +, at most 100. The signed-note
// format allows more; a name that can be typed is enough.
func nameValid(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '+' {
			return false
		}
	}
	return name != "" && len(name) <= 100
}

const privatePrefix = "PRIVATE+KEY+"

// Signer signs checkpoints: for a log, or as a witness.
type Signer struct {
	name    string
	hash    uint32
	private ed25519.PrivateKey
	witness bool
	now     func() time.Time
}

var _ note.Signer = (*Signer)(nil)

// GenerateKey makes a private key for a ledger's log, or for a witness, from 32
// bytes of randomness, and writes it down as one line. Errors: a name that is
// none (printable, without spaces and +); randomness that ends.
func GenerateKey(random io.Reader, name string, witness bool) (private string, err error) {
	if !nameValid(name) {
		return "", fmt.Errorf("%q cannot name a key; expected up to 100 printable characters without spaces and +", name)
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return "", err
	}
	s := newSigner(name, seed, witness)
	return privatePrefix + formatKey(name, s.hash, append([]byte{s.algorithm()}, seed...)), nil
}

// ParseSigner reads a private key. now gives the time that a witness signs with;
// a log's key needs none. Errors: no private key; its text is never repeated.
func ParseSigner(line string, now func() time.Time) (*Signer, error) {
	rest, isPrivate := strings.CutPrefix(strings.TrimSpace(line), privatePrefix)
	if !isPrivate {
		return nil, errors.New("is no private key; expected a line that begins with " + privatePrefix)
	}
	name, hash, material, err := splitKey(rest)
	if err != nil || len(material) != 1+ed25519.SeedSize || material[0] != algorithmLog && material[0] != algorithmWitness {
		return nil, errors.New("is a damaged private key; put the file back from its backup")
	}
	s := newSigner(name, material[1:], material[0] == algorithmWitness)
	s.now = now
	if s.hash != hash {
		return nil, errors.New("is a damaged private key: its name or hash was altered; put the file back from its backup")
	}
	return s, nil
}

func newSigner(name string, seed []byte, witness bool) *Signer {
	s := &Signer{name: name, private: ed25519.NewKeyFromSeed(seed), witness: witness}
	s.hash = keyHash(name, s.material())
	return s
}

func (s *Signer) algorithm() byte {
	if s.witness {
		return algorithmWitness
	}
	return algorithmLog
}

func (s *Signer) material() []byte {
	public, _ := s.private.Public().(ed25519.PublicKey)
	return append([]byte{s.algorithm()}, public...)
}

// Public is the key to verify with, as ParseKeys reads it.
func (s *Signer) Public() string { return formatKey(s.name, s.hash, s.material()) }

// Witness reports whether the key is a witness's.
func (s *Signer) Witness() bool { return s.witness }

// String keeps the secret out of anything printed.
func (s *Signer) String() string { return s.Public() }

// Name implements note.Signer: the ledger's name, or the witness's.
func (s *Signer) Name() string { return s.name }

// KeyHash implements note.Signer.
func (s *Signer) KeyHash() uint32 { return s.hash }

// Sign implements note.Signer. A witness signs with the time of its clock.
func (s *Signer) Sign(text []byte) ([]byte, error) {
	if !s.witness {
		return ed25519.Sign(s.private, text), nil
	}
	if s.now == nil {
		return nil, errors.New("proof: a witness's key needs a clock")
	}
	at := s.now().Unix()
	if at < 0 {
		return nil, errors.New("proof: a witness signs no time before 1970")
	}
	signature := binary.BigEndian.AppendUint64(nil, uint64(at))
	return append(signature, ed25519.Sign(s.private, cosigned(uint64(at), text))...), nil
}

// cosigned is what a witness signs: https://c2sp.org/tlog-cosignature, Ed25519.
func cosigned(at uint64, text []byte) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text)
}

type witnessVerifier struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func (v *witnessVerifier) Name() string    { return v.name }
func (v *witnessVerifier) KeyHash() uint32 { return v.hash }

func (v *witnessVerifier) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	return at < 1<<63 && ed25519.Verify(v.public, cosigned(at, text), signature[8:])
}

// Own verifies a signature by any key of the ledger's own, new or old, over a text
// that is no note, such as what stands on a stall's card.
func (k *Keys) Own(text, signature []byte) bool {
	for _, v := range k.list {
		if !v.witness && v.Verify(text, signature) {
			return true
		}
	}
	return false
}

// Raw returns the ledger's own public keys, in the order of their lines, as 32
// bytes each: what a browser verifies with.
func (k *Keys) Raw() (keys [][]byte) {
	for _, line := range k.text {
		name, hash, material, err := splitKey(line)
		if err == nil && !k.list[keyID{name, hash}].witness {
			keys = append(keys, material[1:])
		}
	}
	return keys
}
