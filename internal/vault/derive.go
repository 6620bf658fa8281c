package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// Derive expands the master key into one of 32 bytes for another part of the
// program, by HKDF-SHA256 (RFC 5869). Each purpose has its own, which says
// nothing about any other nor about the master key.
//
// It is for what lives and dies with the installation, such as secrets of
// sign-in. A key that must be destroyed before that is never derived.
func (k Key) Derive(purpose string) ([]byte, error) {
	if len(k.secret) != MasterBytes {
		return nil, errors.New("vault: no master key given")
	}
	return hkdf.Key(sha256.New, k.secret, nil, "socho derived key 1: "+purpose, 32)
}
