package service

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/internal/vault"
	"socho/ledger"
	"socho/ledger/proof"
)

// A backup is a folder:
//
//	manifest.json      what is in it, written last
//	verifiers          the public keys that its log is checked with
//	log/<shard>/…      the published log: every record, tile and checkpoint
//	keys/<time>.jsonl  the sealing keys, wrapped under the master key, and hashes of traders' accounts
//	people             who may sign in and what they did, what offices have chosen, whose messages
//	                   of banks are taken and which were, sealed under the master key
//
// Other tables are not in it: they follow from the log. Neither is the master key nor
// the signing key, which belong elsewhere: whoever has both halves can read
// everything.
type (
	// Manifest says what a backup holds.
	Manifest struct {
		Format    int                   `json:"socho_backup"` // 1
		Ledger    string                `json:"ledger"`
		TakenAt   time.Time             `json:"taken_at"`
		Shards    map[int]ShardManifest `json:"shards"`
		Keys      string                `json:"keys"` // file below keys/
		KeyCount  int                   `json:"key_count"`
		People    int                   `json:"people,omitempty"` // rows of the file people; none in backups that had no such file
		Done      []string              `json:"done"`             // tasks that are done once
		Inbox     map[int]int64         `json:"inbox"`            // positions
		Copied    int                   `json:"copied"`
		Kept      int                   `json:"kept"`
		KeysGone  int                   `json:"key_copies_expired"`
		Published int64                 `json:"records"`
	}
	// ShardManifest is what a shard's checkpoint in the backup says.
	ShardManifest struct {
		Size int64  `json:"size"`
		Root string `json:"root"` // base64
	}
)

const manifestFile = "manifest.json"

// Backup brings a backup up to date with everything that was on the log when it
// was called. Files that are there already and final are kept, so that a second
// backup costs what has changed. What was written is then read again, every file
// of the log and the keys; only then does the manifest say so. A crash leaves
// the older backup, with some newer files in it.
//
// at is the published log, which must be kept up by this or another process.
// Errors: not published in time; damaged files, by name.
func (s *Service) Backup(ctx context.Context, at Proof, dir, master string, progress Progress) (*Manifest, error) {
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Format: 1, TakenAt: time.Now().UTC(), Shards: map[int]ShardManifest{}}
	if m.Ledger, err = s.LedgerName(ctx); err != nil {
		return nil, err
	}
	if old, err := ReadManifest(dir); err == nil && old.Ledger != m.Ledger {
		return nil, fmt.Errorf("%s is the backup of another ledger, %s; give another folder", dir, old.Ledger)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, sub := range []string{"log", "keys"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	for shard := range len(heads) {
		if _, err := s.WaitForPublished(ctx, at, shard, heads[shard].NextOffset-1); err != nil {
			return nil, err
		}
	}
	keys, err := at.Keys.Known()
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(dir, "verifiers"), []byte(keys.String()), 0o644); err != nil {
		return nil, err
	}
	var of int64
	for _, head := range heads {
		of += head.NextOffset
	}
	for shard := range len(heads) {
		signed, err := m.shard(ctx, at, dir, shard, keys, func(done, _ int64) {
			if progress != nil {
				progress(m.Published+done, of)
			}
		})
		if err != nil {
			return nil, err
		}
		m.Published += signed.Size
		m.Shards[shard] = ShardManifest{signed.Size, base64.StdEncoding.EncodeToString(signed.Root[:])}
	}
	// The keys come after the log: whatever it holds was sealed under keys that
	// were durable before.
	if err := s.copyKeys(ctx, m, dir, master); err != nil {
		return nil, err
	}
	if m.People, err = s.copyPeople(ctx, dir, master); err != nil {
		return nil, err
	}
	if m.Done, m.Inbox, err = s.DB.AppState(ctx); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return m, writeFile(filepath.Join(dir, manifestFile), append(text, '\n'), 0o600)
}

// copyTries bounds how often a shard is copied anew because the publisher was
// faster.
const copyTries = 10

// shard copies one shard's published log and reads the copy again.
func (m *Manifest) shard(ctx context.Context, at Proof, dir string, shard int, keys *proof.Keys, progress func(done, of int64)) (*proof.Signed, error) {
	to := filepath.Join(dir, "log", fmt.Sprint(shard))
	for try := 1; ; try++ {
		copied, kept, err := copyShard(at.Log, to, shard)
		if errors.Is(err, fs.ErrNotExist) && try < copyTries {
			continue // a piece was replaced by a wider one
		}
		if err != nil {
			return nil, err
		}
		m.Copied, m.Kept = m.Copied+copied, m.Kept+kept
		var problems []error
		c := &proof.Checker{Read: logpublisher.Reader(filepath.Join(dir, "log"), shard), Keys: keys, Origin: proof.Origin(m.Ledger, shard),
			Problem: func(err error) { problems = append(problems, err) }, Progress: progress}
		signed, ok, err := c.Run(ctx)
		switch {
		case err != nil:
			return nil, err
		case ok && signed != nil:
			return signed, nil
		case try == copyTries:
			return nil, fmt.Errorf("%s: the copy does not hold; look at the original with socho log verify %s, or begin the backup in a new folder: %w", to, at.Log, errors.Join(problems...))
		}
		// A file that was kept may be damaged, and a piece may have been
		// replaced meanwhile: take everything anew.
		if err := os.RemoveAll(to); err != nil {
			return nil, err
		}
	}
}

// copyShard copies what the shard's checkpoint, read first, can stand on. Final
// files that are there are kept.
func copyShard(log, to string, shard int) (copied, kept int, err error) {
	read := logpublisher.Reader(log, shard)
	checkpoint, err := read(proof.CheckpointPath)
	if err != nil {
		return 0, 0, err
	}
	paths, err := logpublisher.List(log, shard)
	if err != nil {
		return 0, 0, err
	}
	for _, path := range paths {
		if path == proof.CheckpointPath {
			continue
		}
		target := filepath.Join(to, filepath.FromSlash(path))
		final := !proof.Partial(path) && path != proof.CosignedPath
		if _, err := os.Stat(target); err == nil && final {
			kept++
			continue
		}
		b, err := read(path)
		if err != nil {
			return copied, kept, err
		}
		if err := writeFile(target, b, 0o600); err != nil {
			return copied, kept, err
		}
		copied++
	}
	// Pieces of an older backup that are no longer needed.
	old, err := logpublisher.List(filepath.Dir(to), shard)
	if err != nil {
		return copied, kept, err
	}
	for _, path := range old {
		if proof.Partial(path) && !slices.Contains(paths, path) {
			if err := os.Remove(filepath.Join(to, filepath.FromSlash(path))); err != nil {
				return copied, kept, err
			}
		}
	}
	return copied + 1, kept, writeFile(filepath.Join(to, proof.CheckpointPath), checkpoint, 0o600)
}

// copyKeys writes a fresh copy of the sealing keys, reads it again, and removes
// those that are older than the law lets them be.
func (s *Service) copyKeys(ctx context.Context, m *Manifest, dir, master string) error {
	var text bytes.Buffer
	var err error
	if m.KeyCount, err = s.Vault.Export(ctx, &text); err != nil {
		return err
	}
	m.Keys = m.TakenAt.Format("20060102T150405.000000Z") + ".jsonl"
	path := filepath.Join(dir, "keys", m.Keys)
	if err := writeFile(path, text.Bytes(), 0o600); err != nil {
		return err
	}
	key, err := vault.LoadMaster(master)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, err := vault.CheckCopy(f, key); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "keys"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		taken, err := time.Parse("20060102T150405.000000Z", strings.TrimSuffix(entry.Name(), ".jsonl"))
		if err == nil && m.TakenAt.Sub(taken) > vault.KeyCopyDays*24*time.Hour {
			if err := os.Remove(filepath.Join(dir, "keys", entry.Name())); err != nil {
				return err
			}
			m.KeysGone++
		}
	}
	return nil
}

// ReadManifest reads what a backup holds. Errors: fs.ErrNotExist where there is
// none.
func ReadManifest(dir string) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil || m.Format != 1 || m.Ledger == "" || filepath.Base(m.Keys) != m.Keys {
		return nil, fmt.Errorf("%s is no manifest of a backup that this release can read", filepath.Join(dir, manifestFile))
	}
	return m, nil
}

// writeFile writes a file durably: complete or not at all.
func writeFile(path string, b []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".writing-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has been renamed
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// RestoreBackup brings a ledger back from a backup: the log into an empty topic,
// the keys into a database without any, then the tables, decided anew from the
// log. Whoever has been erased since the keys were copied is erased again. The
// roots must come out as they were signed.
//
// The master key must lie in the data directory already; the signing key may be
// put there before publishing goes on.
//
// Errors: damaged or missing files, by name; a topic or database that is not
// empty; another master key.
func RestoreBackup(ctx context.Context, o Options, dir string, progress Progress) (m *Manifest, err error) {
	if m, err = ReadManifest(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s holds no backup: %w", dir, err)
		}
		return nil, err
	}
	copied := filepath.Join(dir, "keys", m.Keys)
	if err := checkKeys(copied, filepath.Join(o.Data, "master.key")); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "verifiers"))
	if err != nil {
		return nil, err
	}
	keys, err := proof.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "verifiers"), err)
	}
	if _, err := Restore(ctx, o, filepath.Join(dir, "log"), keys, progress); err != nil {
		return nil, err
	}
	// The published log goes on where it was, once the signing key is there.
	at := ProofIn(o.Data, "")
	if _, err := os.Stat(at.Log); errors.Is(err, fs.ErrNotExist) {
		if err := os.CopyFS(at.Log, os.DirFS(filepath.Join(dir, "log"))); err != nil {
			return nil, err
		}
		if err := writeFile(filepath.Join(at.Keys.Dir, "verifiers"), text, 0o644); err != nil {
			return nil, err
		}
	}
	o.Own = true
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	f, err := os.Open(copied)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := s.Vault.Import(ctx, f); err != nil {
		return nil, err
	}
	if m.People > 0 {
		if err := s.restorePeople(ctx, dir, filepath.Join(o.Data, "master.key")); err != nil {
			return nil, err
		}
	}
	for _, task := range m.Done {
		if err := s.DB.SetDone(ctx, task); err != nil {
			return nil, err
		}
	}
	for partition, next := range m.Inbox {
		if err := s.DB.MoveInbox(ctx, partition, 0, next, nil); err != nil {
			return nil, err
		}
	}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	if err := s.WaitForLedger(ctx); err != nil {
		return nil, err
	}
	if err := s.eraseAgain(ctx); err != nil {
		return nil, err
	}
	// A backup holds no names: they would outlive an erasure in it.
	if _, err := s.IndexNames(ctx, nil); err != nil {
		return nil, err
	}
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return nil, err
	}
	for shard, want := range m.Shards {
		head := heads[shard]
		root := head.Frontier.Root()
		if head.NextOffset != want.Size || base64.StdEncoding.EncodeToString(root[:]) != want.Root {
			return nil, fmt.Errorf("shard %d: the tables decided anew do not give the root that was signed; is this release older than the one that made the backup?", shard)
		}
	}
	return m, s.WaitForProjections(ctx)
}

// eraseAgain destroys the keys of everyone whom the log says to be erased: a
// copy of the keys may be older than that.
func (s *Service) eraseAgain(ctx context.Context) error {
	var erased []*ledger.Outcome
	if err := s.DB.OutcomesOfType(ctx, events.Type("person.erased"), func(o *ledger.Outcome) error {
		erased = append(erased, o)
		return nil
	}); err != nil {
		return err
	}
	for _, o := range erased {
		r, err := s.Log.At(ctx, o.Shard, o.Offset)
		if err != nil {
			return err
		}
		event, err := events.Decode(r.Value)
		if err != nil {
			return err
		}
		if f, ok := event.Fact.(*events.Erased); ok {
			if err := s.Vault.Erase(ctx, event.Subject, string(f.Person), string(f.Scope)); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkKeys(copied, master string) error {
	if _, err := os.Stat(master); err != nil {
		return fmt.Errorf("%s is not there. The master key is no part of a backup: put it there from where it is kept, then restore", master)
	}
	key, err := vault.LoadMaster(master)
	if err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, err := vault.CheckCopy(f, key); err != nil {
		return fmt.Errorf("%s: %w", copied, err)
	}
	return nil
}
