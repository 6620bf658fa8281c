package vault

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"
)

// MasterBytes is the length of the master key and of its file.
const MasterBytes = 32

// Key is the master key, which wraps all others.
type Key struct {
	secret []byte
	path   string
	made   bool // by this call of LoadMaster
}

// MasterFrom takes a master key of MasterBytes bytes that is kept elsewhere,
// such as a key service. Errors: another length.
func MasterFrom(secret []byte) (Key, error) {
	if len(secret) != MasterBytes {
		return Key{}, fmt.Errorf("vault: a master key has %d bytes, this one %d", MasterBytes, len(secret))
	}
	return Key{secret: append([]byte(nil), secret...)}, nil
}

// String keeps the secret out of anything printed.
func (Key) String() string { return "master key" }

// GoString keeps the secret out of %#v.
func (Key) GoString() string { return "master key" }

// LoadMaster reads the master key from its file, and makes it where there is
// none yet: readable by its owner alone, complete or not there at all, never
// over an existing one. Whoever loses this file loses every sealed text; it
// belongs into a backup of its own, apart from the database's.
//
// Where the file has been lost, a new one is made here and Open refuses it,
// naming the file.
//
// Errors: a file of another length or open to everybody; those of the file
// system.
func LoadMaster(path string) (Key, error) {
	key, err := readMaster(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeMaster(path); err != nil {
		return Key{}, fmt.Errorf("vault: making the master key: %w", err)
	}
	// Read back rather than remembered: another process may have been first.
	key, err = readMaster(path)
	key.made = true
	return key, err
}

func readMaster(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("vault: reading the master key: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return Key{}, fmt.Errorf("vault: everybody on this machine can reach the master key; chmod 600 %s", path)
	}
	if info.Size() != MasterBytes {
		return Key{}, fmt.Errorf("vault: %s is no master key: %d bytes instead of %d; put the file back from its backup",
			path, info.Size(), MasterBytes)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("vault: reading the master key: %w", err)
	}
	key, err := MasterFrom(secret)
	key.path = path
	return key, err
}

func makeMaster(path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".master-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	secret := make([]byte, MasterBytes)
	rand.Read(secret) // never fails
	_, err = f.Write(secret)
	// A crash up to here leaves a temporary file that nothing was sealed under.
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces the key that another process has
	// just made. A crash after it leaves the key complete, perhaps not yet
	// listed on disk; Open, which writes to the database, comes after the sync.
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
	case err != nil:
		// A file system without links. Two first starts at the same moment are
		// told apart by Open's check row.
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// wrapper is the cipher that keys are wrapped with. AES-SIV needs no nonce and
// was made for wrapping keys; its 64 bytes are expanded from the master's 32.
func (k Key) wrapper() (*subtle.AESSIV, error) {
	if len(k.secret) != MasterBytes {
		return nil, errors.New("vault: no master key given")
	}
	wide, err := hkdf.Key(sha256.New, k.secret, nil, "socho vault wrapping key 1", subtle.AESSIVKeySize)
	if err != nil {
		return nil, fmt.Errorf("vault: master key: %w", err)
	}
	return subtle.NewAESSIV(wide)
}

func (k Key) mismatch() error {
	switch {
	case k.made:
		return fmt.Errorf("%w: %s was missing and has been made anew, but this database holds keys under the old one; "+
			"put the old file back from its backup and start again", ErrWrongMaster, k.path)
	case k.path != "":
		return fmt.Errorf("%w: %s does not open the keys of this database; "+
			"put the file back that belongs to it, or check that the database is the right one", ErrWrongMaster, k.path)
	}
	return fmt.Errorf("%w: it does not open the keys of this database; "+
		"give the one that belongs to it, or check that the database is the right one", ErrWrongMaster)
}
