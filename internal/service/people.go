package service

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"socho/internal/identity"
	"socho/internal/vault"
)

// peopleFile is the copy of the directory in a backup.
const peopleFile = "people"

func (s *Service) people(master string) (*identity.Directory, error) {
	key, err := vault.LoadMaster(master)
	if err != nil {
		return nil, err
	}
	return identity.Open(s.DB.Pool, key.Derive)
}

// copyPeople writes a fresh copy over the one before.
func (s *Service) copyPeople(ctx context.Context, dir, master string) (rows int, err error) {
	people, err := s.people(master)
	if err != nil {
		return 0, err
	}
	var text bytes.Buffer
	if rows, err = people.Export(ctx, &text); err != nil {
		return 0, err
	}
	return rows, writeFile(filepath.Join(dir, peopleFile), text.Bytes(), 0o600)
}

// restorePeople fills the directory of a database that has just been made.
func (s *Service) restorePeople(ctx context.Context, dir, master string) error {
	people, err := s.people(master)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, peopleFile)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := people.Import(ctx, f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
