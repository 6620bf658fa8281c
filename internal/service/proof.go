package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"socho/internal/kafka"
	"socho/internal/logpublisher"
	"socho/internal/postgres"
	"socho/ledger"
	"socho/ledger/proof"
)

// Proof says where a ledger's published log and its keys are.
type Proof struct {
	Log  string // folder, with one below it for each shard
	Keys logpublisher.Keys
}

// ProofIn is the place below a data directory. signer, where not empty, names
// the file of the signing key in place of <data>/keys/signer.
func ProofIn(data, signer string) Proof {
	return Proof{Log: filepath.Join(data, "log"), Keys: logpublisher.Keys{Dir: filepath.Join(data, "keys"), Signer: signer}}
}

// Shards lists the shards that have a folder in the published log.
func (p Proof) Shards() (shards []int, err error) {
	entries, err := os.ReadDir(p.Log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		if n, err := strconv.Atoi(entry.Name()); err == nil && n >= 0 && entry.IsDir() && strconv.Itoa(n) == entry.Name() {
			shards = append(shards, n)
		}
	}
	slices.Sort(shards)
	return shards, err
}

// decided gives the publisher what tables and broker hold.
type decided struct {
	log *Log
	db  *postgres.DB
}

var _ logpublisher.Ledger = decided{}

// Heads implements logpublisher.Ledger.
func (d decided) Heads(ctx context.Context) (map[int]ledger.Head, error) { return d.db.Heads(ctx) }

// Entries implements logpublisher.Ledger.
func (d decided) Entries(ctx context.Context, shard int, from, to int64) ([]logpublisher.Entry, error) {
	messages, _, err := d.log.client.Fetch(ctx, Topic, shard, from, int(to-from), readBytes, time.Second)
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, fmt.Errorf("shard %d: the log does not answer with offset %d, which the ledger has decided", shard, from)
	}
	to = from + int64(len(messages))
	transfers := make([][]ledger.Transfer, len(messages))
	if err := d.db.Transfers(ctx, shard, from, to, func(offset int64, t ledger.Transfer) error {
		transfers[offset-from] = append(transfers[offset-from], t)
		return nil
	}); err != nil {
		return nil, err
	}
	entries := make([]logpublisher.Entry, 0, len(messages))
	err = d.db.Outcomes(ctx, shard, from, to, func(o *ledger.Outcome) error {
		i := len(entries)
		if o.Offset != from+int64(i) {
			return oddLedger("outcomes: row %d:%d is missing", shard, from+int64(i))
		}
		e := logpublisher.Entry{Record: archived(&messages[i]), Leaf: leafOf(o, ledger.TransfersHash(transfers[i]))}
		if e.Leaf.Hash() != o.LeafHash {
			return oddLedger("the rows of %d:%d are not those that were recorded", shard, o.Offset)
		}
		if e.Record.Hash() != o.RecordHash {
			return oddLedger("the record on the log at %d:%d is not the one that was decided", shard, o.Offset)
		}
		entries = append(entries, e)
		return nil
	})
	if err == nil && len(entries) < len(messages) {
		err = oddLedger("outcomes: row %d:%d is missing", shard, from+int64(len(entries)))
	}
	return entries, err
}

func leafOf(o *ledger.Outcome, transfers ledger.Hash) proof.Leaf {
	return proof.Leaf{Shard: o.Shard, Offset: o.Offset, RecordedAt: o.RecordedAt,
		RecordHash: o.RecordHash, RuleSet: o.RuleSet, Status: o.Status, Code: o.Code, Transfers: transfers}
}

func oddLedger(format string, args ...any) error {
	return &logpublisher.Error{Code: logpublisher.CodeLedgerOdd, Text: fmt.Sprintf(format, args...) + ". Nothing is published from there on; run: socho verify"}
}

// archived keeps a message as it is. One without key, value and headers holds
// nothing, whoever took up its offset.
func archived(m *kafka.Message) proof.Archived {
	if m.Key == nil && m.Value == nil && len(m.Headers) == 0 {
		return proof.Archived{Void: true}
	}
	r := toRecord(m)
	return proof.Archived{Time: m.Time.UnixMilli(), Key: r.Key, Headers: r.Headers, Value: r.Value}
}

// StartPublishing publishes behind the ledger until Close, where this process is
// one to work. In the embedded default the first start makes the signing key; an
// external set-up publishes where there is one.
func (s *Service) StartPublishing(at Proof) {
	if !s.works {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	before := s.cancel
	s.cancel = func() { stop(); before() }
	s.running.Go(func() {
		for said := ""; ; {
			err := s.ReadyToSign(ctx, at)
			if err == nil {
				break
			}
			if ctx.Err() == nil && err.Error() != said {
				said = err.Error()
				s.slog.Warn("the log is not published yet", "reason", err)
			}
			if !pause(ctx, time.Second) {
				return
			}
		}
		s.feed.follow()
		s.publisher(at).Run(ctx)
	})
}

func (s *Service) publisher(at Proof) *logpublisher.Publisher {
	return &logpublisher.Publisher{Dir: at.Log, Keys: at.Keys, Ledger: fedDecided{decided{s.Log, s.DB}, s.feed}, Ahead: s.feed.tell, Log: s.slog}
}

// ReadyToSign sees to it that there is a signing key. In the embedded default
// one is made where none ever was and nothing has been signed. Errors: there is
// none, or it is gone; the text says what to do.
func (s *Service) ReadyToSign(ctx context.Context, at Proof) error {
	_, err := at.Keys.Signers()
	if !errors.Is(err, logpublisher.ErrNoSigner) || s.stack == nil || at.Keys.Signer != "" {
		return err
	}
	name, err := s.LedgerName(ctx)
	if err != nil {
		return err
	}
	if _, err := at.Keys.Public(); !errors.Is(err, logpublisher.ErrNoSigner) {
		return fmt.Errorf("the signing key %s is gone, though it has signed; put it back from its backup, or make a new one and list the old public key: socho log key generate", filepath.Join(at.Keys.Dir, "signer"))
	}
	if shards, err := at.Shards(); err != nil || len(shards) > 0 {
		return fmt.Errorf("%s is signed by keys that are not in %s; put them back from their backup, or move the folder away to publish anew under a new key", at.Log, at.Keys.Dir)
	}
	s.slog.Info("making the key that checkpoints are signed with", "folder", at.Keys.Dir)
	return at.Keys.Generate(name)
}

// LedgerName returns the name that record 0 gives the ledger. Errors: nothing is
// decided yet.
func (s *Service) LedgerName(ctx context.Context) (string, error) {
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return "", err
	}
	for _, head := range heads {
		if head.Ledger != "" {
			return head.Ledger, nil
		}
	}
	return "", errors.New("the ledger has no name yet: no shard's record 0 has been decided")
}

// publishedWait bounds how long a receipt waits for a checkpoint.
const publishedWait = 30 * time.Second

// WaitForPublished waits until a shard's published checkpoint covers an offset
// that the ledger has decided. Errors: the shard is not published, and why.
func (s *Service) WaitForPublished(ctx context.Context, at Proof, shard int, offset int64) (*proof.Signed, error) {
	read := logpublisher.Reader(at.Log, shard)
	for until := time.Now().Add(publishedWait); ; {
		keys, err := at.Keys.Known()
		var signed *proof.Signed
		if err == nil {
			signed, err = logpublisher.Checkpoint(read, keys)
		}
		if err == nil && signed.Size > offset {
			return signed, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, logpublisher.ErrNoSigner) {
			return nil, err
		}
		if reason := logpublisher.Stopped(at.Log, shard); reason != "" {
			return nil, fmt.Errorf("shard %d is not published: %s", shard, reason)
		}
		if time.Now().After(until) {
			return nil, fmt.Errorf("record %d:%d is not in a signed checkpoint under %s yet. Is socho run up, with this --data and a signing key? See: socho log status", shard, offset, at.Log)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// Find returns the record that claimed an event's id. Errors: there is none, or
// several; the text names them.
func (s *Service) Find(ctx context.Context, eventID, organization, source string) (*ledger.Outcome, error) {
	found, err := s.DB.Claimants(ctx, eventID, organization, source)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fmt.Errorf("no record has claimed the id %q; see: socho outcomes", eventID)
	case len(found) > 1:
		list := ""
		for _, o := range found {
			list += fmt.Sprintf("\n  %d:%d  --org %s --source %s", o.Shard, o.Offset, o.Organization, o.Source)
		}
		return nil, fmt.Errorf("%q stands for %d events; say which, by SHARD:OFFSET or with --org and --source:%s", eventID, len(found), list)
	}
	return found[0], nil
}

// VerifyPublished examines the published log, file by file and against the
// ledger, and adds what it finds to an audit. Nothing published is no problem.
func (s *Service) VerifyPublished(ctx context.Context, at Proof, audit *postgres.Audit) error {
	shards, err := at.Shards()
	if err != nil || len(shards) == 0 {
		return err
	}
	problem := func(format string, args ...any) {
		audit.OK = false
		if len(audit.Problems) < postgres.MaxProblems {
			audit.Problems = append(audit.Problems, fmt.Sprintf(format, args...))
		}
	}
	keys, err := at.Keys.Known()
	if err != nil {
		problem("keys: %v", err)
		return nil
	}
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return err
	}
	for _, shard := range shards {
		if reason := logpublisher.Stopped(at.Log, shard); reason != "" {
			problem("log/%d: is not published any more: %s", shard, reason)
		}
		list, err := logpublisher.List(at.Log, shard)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			continue // the first round is on its way
		}
		c := &proof.Checker{Read: logpublisher.Reader(at.Log, shard), Keys: keys, Origin: proof.Origin(heads[shard].Ledger, shard), Files: list,
			Problem: func(err error) { problem("log/%d/%v", shard, err) },
			Each:    s.sameLeaf(ctx, shard, problem)}
		signed, _, err := c.Run(ctx)
		if err != nil {
			return err
		}
		if signed == nil {
			continue
		}
		if now, err := s.DB.Heads(ctx); err != nil {
			return err
		} else if signed.Size > now[shard].NextOffset {
			problem("log/%d/%s: speaks of %d records, the ledger of %d", shard, proof.CheckpointPath, signed.Size, now[shard].NextOffset)
		}
	}
	return nil
}

// sameLeaf compares published leaves with the ledger's, reading ahead.
func (s *Service) sameLeaf(ctx context.Context, shard int, problem func(string, ...any)) func(proof.Leaf, *proof.Archived) error {
	var from int64
	var ahead [][32]byte
	return func(l proof.Leaf, _ *proof.Archived) error {
		if i := l.Offset - from; i < 0 || i >= int64(len(ahead)) {
			hashes, err := s.DB.LeafHashes(ctx, shard, l.Offset, l.Offset+readRecords)
			if err != nil {
				return err
			}
			from, ahead = l.Offset, ahead[:0]
			for _, h := range hashes {
				ahead = append(ahead, h)
			}
		}
		if i := l.Offset - from; i < int64(len(ahead)) && ahead[i] != l.Hash() {
			problem("log/%d/%s: the leaf of record %d is not the ledger's", shard, proof.EntriesPath(l.Offset/proof.Width, proof.Width), l.Offset)
		}
		return nil
	}
}
