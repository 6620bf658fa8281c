package logpublisher

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"socho/ledger/proof"
)

// Keys is the folder of the keys that a ledger signs with and knows:
//
//	signer       private: the signing key, and below it the one before, a line each
//	verifiers    public: every key that ever signed, the newest first
//	witnesses    public: keys of witnesses, entered by hand
//	signed/<n>   the last checkpoint that was signed for shard n
//
// signer must be readable by its owner alone; Signer, where set, names another
// file to be used in its place, such as one on a mounted secret.
type Keys struct {
	Dir    string
	Signer string
}

func (k Keys) signerPath() string {
	if k.Signer != "" {
		return k.Signer
	}
	return filepath.Join(k.Dir, "signer")
}

func (k Keys) signedPath(shard int) string {
	return filepath.Join(k.Dir, "signed", strconv.Itoa(shard))
}

// ErrNoSigner reports that there is no signing key yet.
var ErrNoSigner = errors.New("there is no signing key; make one with: socho log key generate")

// Signers reads the private keys, the one to sign with first. Errors:
// ErrNoSigner; *Error for a file that others can read or that holds no key.
func (k Keys) Signers() ([]*proof.Signer, error) { return ReadSigners(k.signerPath()) }

// ReadSigners reads private keys from a file, a line each. Witnesses sign with
// the time of the system's clock. Errors as for Keys.Signers.
func ReadSigners(path string) ([]*proof.Signer, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoSigner)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &Error{CodeKey, fmt.Sprintf("others on this machine can reach the signing key (mode %04o). Run: chmod 600 %s; and, if others have had access, socho log key rotate", info.Mode().Perm(), path)}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var signers []*proof.Signer
	for line := range strings.Lines(string(b)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		s, err := proof.ParseSigner(line, time.Now)
		if err != nil {
			return nil, &Error{CodeKey, fmt.Sprintf("%s, line %d: %v", path, len(signers)+1, err)}
		}
		signers = append(signers, s)
	}
	if len(signers) == 0 {
		return nil, &Error{CodeKey, path + " is empty; put the signing key back from its backup"}
	}
	return signers, nil
}

// Load reads the signing keys of a ledger and every public key it knows. A
// signing key that is not listed among the public ones yet is listed first.
func (k Keys) Load(ledger string) ([]*proof.Signer, *proof.Keys, error) {
	signers, err := k.Signers()
	if err != nil {
		return nil, nil, err
	}
	for _, s := range signers {
		if s.Name() != ledger || s.Witness() {
			return nil, nil, &Error{CodeKey, fmt.Sprintf("%s holds a key of %q; this ledger is %q. Put its own key there", k.signerPath(), s.Name(), ledger)}
		}
	}
	if err := k.list(signers); err != nil {
		return nil, nil, err
	}
	keys, err := k.Known()
	return signers, keys, err
}

// list sees to it that the signers' public keys stand in verifiers.
func (k Keys) list(signers []*proof.Signer) error {
	path := filepath.Join(k.Dir, "verifiers")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	missing := ""
	for _, s := range signers {
		if !strings.Contains("\n"+string(text), "\n"+s.Public()+"\n") {
			missing += s.Public() + "\n"
		}
	}
	if missing == "" {
		return nil
	}
	return k.save("verifiers", append([]byte(missing), text...), 0o644, nil)
}

// Public reads the ledger's public keys, the newest first. Errors: ErrNoSigner
// where none was ever made.
func (k Keys) Public() (*proof.Keys, error) {
	text, err := os.ReadFile(filepath.Join(k.Dir, "verifiers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoSigner
	}
	if err != nil {
		return nil, err
	}
	return k.parse("verifiers", text)
}

// Known reads the ledger's public keys and those of its witnesses.
func (k Keys) Known() (*proof.Keys, error) {
	own, err := k.Public()
	if err != nil {
		return nil, err
	}
	witnesses, err := os.ReadFile(filepath.Join(k.Dir, "witnesses"))
	if errors.Is(err, fs.ErrNotExist) {
		return own, nil
	}
	if err != nil {
		return nil, err
	}
	return k.parse("witnesses", append([]byte(own.String()), witnesses...))
}

func (k Keys) parse(name string, text []byte) (*proof.Keys, error) {
	keys, err := proof.ParseKeys(string(text))
	if err != nil {
		return nil, &Error{CodeKey, fmt.Sprintf("%s: %v", filepath.Join(k.Dir, name), err)}
	}
	return keys, nil
}

// Generate makes the ledger's first signing key. Errors: there is one already.
func (k Keys) Generate(ledger string) error {
	line, err := proof.GenerateKey(rand.Reader, ledger, false)
	if err != nil {
		return err
	}
	if err := WriteSigner(k.signerPath(), line); err != nil {
		return err
	}
	_, _, err = k.Load(ledger)
	return err
}

// WriteSigner keeps a private key in a new file that its owner alone can read.
// Errors: the file is there already.
func WriteSigner(path, line string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// A crash before the link leaves a temporary file beside; nothing was signed.
	temp, err := os.CreateTemp(filepath.Dir(path), ".signer-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(line + "\n")
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces a key that is there.
	if err := os.Link(temp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: there is a signing key already; to replace it: socho log key rotate", path)
		}
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Rotate makes a new signing key; the one in force signs one more checkpoint of
// every shard, beside the new one, and stays listed. One file changes, at once:
// a crash leaves the old key in force, or the new one.
func (k Keys) Rotate(ledger string) error {
	signers, _, err := k.Load(ledger)
	if err != nil {
		return err
	}
	line, err := proof.GenerateKey(rand.Reader, ledger, false)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(k.signerPath())
	if err != nil {
		return err
	}
	scanner := bufio.NewScanner(bytes.NewReader(b))
	scanner.Scan() // the key in force; those before it have signed their last
	f := &files{dir: filepath.Dir(k.signerPath())}
	if err := f.private(filepath.Base(k.signerPath()), line+"\n"+scanner.Text()+"\n"); err != nil {
		return err
	}
	_, _, err = k.Load(signers[0].Name())
	return err
}

// private replaces a file that its owner alone can read.
func (f *files) private(name, text string) error {
	temp, err := os.CreateTemp(f.dir, ".signer-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(text)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), filepath.Join(f.dir, name)); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// signed reads the last checkpoint signed for a shard.
func (k Keys) signed(shard int) ([]byte, error) { return os.ReadFile(k.signedPath(shard)) }

// saveSigned remembers it, durably.
func (k Keys) saveSigned(shard int, text []byte, fail func(string) error) error {
	return k.save("signed/"+strconv.Itoa(shard), text, 0o644, fail)
}

func (k Keys) save(name string, b []byte, mode fs.FileMode, fail func(string) error) error {
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return err
	}
	f := &files{dir: k.Dir, fail: fail}
	if err := f.write(name, b); err != nil {
		return err
	}
	return errors.Join(os.Chmod(filepath.Join(k.Dir, filepath.FromSlash(name)), mode), f.sync())
}
