package logpublisher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"socho/ledger/proof"
)

// Witness signs what it has seen to continue: for each shard of a log, that its
// newest checkpoint continues the one seen before. State is its memory; with it
// lost it would sign a rewritten log, so it is written before a signature is
// given out.
type Witness struct {
	Key   *proof.Signer // a witness's
	Log   *proof.Keys   // public keys of the ledger
	State string        // folder
}

// Look checks every shard of a log and returns the checkpoints with the
// witness's signature, by shard. A crash in between leaves some shards
// remembered and their signatures not given out; looking again gives them.
// Errors: *proof.ForkError and others that say which shard does not hold; no
// signature is given out then.
func (w *Witness) Look(ctx context.Context, from *Source) ([]*proof.Signed, error) {
	shards, err := from.Shards(ctx)
	if err != nil {
		return nil, err
	}
	known, err := proof.ParseKeys(w.Log.String() + w.Key.Public())
	if err != nil {
		return nil, err
	}
	if err := w.withdrawn(shards); err != nil {
		return nil, err
	}
	var all []*proof.Signed
	for shard := range shards {
		signed, err := w.look(shard, from.Read(ctx, shard), known)
		if err != nil {
			return nil, fmt.Errorf("shard %d: %w", shard, err)
		}
		all = append(all, signed)
	}
	return all, nil
}

// withdrawn looks for shards that were seen before and are not served any more.
func (w *Witness) withdrawn(shards int) error {
	seen, err := filepath.Glob(filepath.Join(w.State, "*", "*"))
	if err != nil {
		return err
	}
	for _, path := range seen {
		if n, err := strconv.Atoi(filepath.Base(path)); err == nil && n >= shards && w.Log.Names(filepath.Base(filepath.Dir(path))) {
			return fmt.Errorf("shard %d was there before and is not served any more (%s)", n, path)
		}
	}
	return nil
}

func (w *Witness) look(shard int, read proof.Read, known *proof.Keys) (*proof.Signed, error) {
	now, err := Checkpoint(read, w.Log)
	if err != nil {
		return nil, err
	}
	ledger, number, _ := proof.ParseOrigin(now.Origin)
	if number != shard {
		return nil, fmt.Errorf("the checkpoint there is of %s", now.Origin)
	}
	memory := &files{dir: filepath.Join(w.State, ledger)}
	name := fmt.Sprint(shard)
	text, err := memory.read(name)
	seen, err := open(text, err, known)
	if err != nil {
		return nil, fmt.Errorf("%s %w; it is this witness's memory: put it back from a backup", filepath.Join(memory.dir, name), err)
	}
	if seen == nil {
		// Of a log seen for the first time, at least the root is made sure of.
		seen = &proof.Signed{Checkpoint: proof.Checkpoint{Origin: now.Origin, Root: (&proof.Edge{}).Root()}}
	}
	if err := proof.CheckConsistency(seen.Checkpoint, now.Checkpoint, read); err != nil {
		return nil, err
	}
	if _, err := proof.LoadEdge(now.Checkpoint, read); err != nil {
		return nil, err
	}
	cosigned, err := (&proof.Signed{Checkpoint: now.Checkpoint, Note: &note.Note{Text: now.Note.Text, Sigs: now.Note.Sigs}}).Cosign(w.Key)
	if err != nil {
		return nil, err
	}
	// A crash behind this leaves a signature that nobody has; the next one is the
	// same statement with a later time.
	return cosigned, errors.Join(memory.write(name, cosigned.Text()), memory.sync())
}

// Cosign takes in a checkpoint that witnesses have signed: it becomes the
// shard's cosigned checkpoint, and the publisher puts the signatures on the
// published one while that is the same. Errors: no listed witness has signed it;
// it does not belong to this log; a newer one is there.
func Cosign(dir string, keys *proof.Keys, text []byte) (*proof.Signed, error) {
	given, err := proof.Open(text, keys)
	if err != nil {
		return nil, err
	}
	_, shard, _ := proof.ParseOrigin(given.Origin)
	f := &files{dir: ShardDir(dir, shard)}
	now, err := Checkpoint(f.read, keys)
	if err != nil {
		return nil, err
	}
	if err := proof.CheckConsistency(given.Checkpoint, now.Checkpoint, f.read); err != nil {
		return nil, err
	}
	ledger, _, _ := proof.ParseOrigin(given.Origin)
	if !slices.ContainsFunc(given.Note.Sigs, func(s note.Signature) bool { return s.Name != ledger }) {
		return nil, errors.New("no listed witness has signed it; enter the witness's public key, which socho log key show prints, into keys/witnesses")
	}
	given.Note.UnverifiedSigs = nil
	text, err = f.read(proof.CosignedPath)
	if errors.Is(err, fs.ErrNotExist) {
		return given, errors.Join(f.write(proof.CosignedPath, given.Text()), f.sync())
	}
	if err != nil {
		return nil, err
	}
	before, err := proof.Open(text, keys)
	switch {
	case err != nil: // damaged, or by keys that are listed no more
	case before.Size > given.Size:
		return nil, fmt.Errorf("a newer checkpoint of %s, of size %d, has been cosigned already", given.Origin, before.Size)
	case before.Checkpoint == given.Checkpoint:
		if given, err = before.Merge(given); err != nil {
			return nil, err
		}
	}
	return given, errors.Join(f.write(proof.CosignedPath, given.Text()), f.sync())
}

// Cosigned reads a shard's newest checkpoint with witnesses' signatures. Errors:
// fs.ErrNotExist where there is none.
func Cosigned(read proof.Read, keys *proof.Keys) (*proof.Signed, error) {
	text, err := read(proof.CosignedPath)
	if err != nil {
		return nil, err
	}
	return proof.Open(text, keys)
}

// adopt puts witnesses' signatures onto the published checkpoint while it is the
// one that they have signed.
func (s *shard) adopt(keys *proof.Keys) error {
	text, err := s.read(proof.CosignedPath)
	if errors.Is(err, fs.ErrNotExist) || string(text) == s.adopted {
		return nil
	}
	if err != nil {
		return err
	}
	s.adopted = string(text)
	cosigned, err := proof.Open(text, keys)
	if err != nil || cosigned.Checkpoint != s.last.Checkpoint {
		return nil // of an earlier checkpoint; socho verify looks at it
	}
	merged, err := s.last.Merge(cosigned)
	if err != nil {
		return err
	}
	s.last = merged
	s.say("witnesses have signed the checkpoint", "shard", s.number, "signatures", strings.Count(string(merged.Text()), "— "))
	return errors.Join(s.replace(proof.CheckpointPath, merged.Text()), s.sync())
}
