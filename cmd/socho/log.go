package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/internal/service"
	"socho/ledger/proof"
)

// LogCommand is socho log.
type LogCommand struct {
	Status  LogStatusCommand  `cmd:"" help:"Say how far each shard's log is published."`
	Verify  LogVerifyCommand  `cmd:"" help:"Examine a published log: every tile, bundle, record and checkpoint."`
	Restore LogRestoreCommand `cmd:"" help:"Refill an empty topic from a published log."`
	Witness LogWitnessCommand `cmd:"" help:"Check that a log has only grown since the last look, and sign that."`
	Cosign  LogCosignCommand  `cmd:"" help:"Take in a checkpoint that witnesses have signed."`
	Key     LogKeyCommand     `cmd:"" help:"Keys that checkpoints are signed with."`
}

// LogStatusCommand is socho log status.
type LogStatusCommand struct {
	Wait bool `help:"First wait until everything on the log as of now is published, as before a backup."`
}

// Help implements kong's help for one command.
func (*LogStatusCommand) Help() string { return "Example: socho log status --wait" }

type publishedLine struct {
	Shard     int    `json:"shard"`
	Decided   int64  `json:"decided"`
	Published int64  `json:"published"`
	Lag       int64  `json:"lag"`
	Cosigned  int64  `json:"cosigned"`
	Stopped   string `json:"stopped"`
}

// Run lists shards.
func (c *LogStatusCommand) Run(ctx context.Context, call *Call) error {
	at, err := call.proof()
	if err != nil {
		return err
	}
	open := call.caughtUp
	if !c.Wait {
		open = func(ctx context.Context) (*service.Service, error) { return call.open(ctx, false) }
	}
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	heads, err := s.Heads(ctx)
	if err != nil {
		return err
	}
	if c.Wait {
		s.StartPublishing(at)
		for shard, head := range heads {
			if _, err := s.WaitForPublished(ctx, at, shard, head.NextOffset-1); err != nil {
				return err
			}
		}
	}
	keys, err := at.Keys.Known()
	if err != nil && !errors.Is(err, logpublisher.ErrNoSigner) {
		return err
	}
	out := call.lines("SHARD\tDECIDED\tPUBLISHED\tLAG\tCOSIGNED\tSTOPPED")
	for shard := range len(heads) {
		line := publishedLine{Shard: shard, Decided: heads[shard].NextOffset, Stopped: strings.TrimSpace(logpublisher.Stopped(at.Log, shard))}
		if keys != nil {
			read := logpublisher.Reader(at.Log, shard)
			signed, err := logpublisher.Checkpoint(read, keys)
			switch {
			case err == nil:
				line.Published = signed.Size
			case !errors.Is(err, fs.ErrNotExist) && line.Stopped == "":
				line.Stopped = err.Error()
			}
			if cosigned, err := logpublisher.Cosigned(read, keys); err == nil {
				line.Cosigned = cosigned.Size
			}
		}
		if line.Lag = line.Decided - line.Published; line.Lag < 0 && line.Stopped == "" {
			line.Stopped = "the ledger has decided less than was published: it is being rebuilt, or the log has lost records"
		}
		if err := out.write(line, "%d\t%d\t%d\t%d\t%d\t%s", line.Shard, line.Decided, line.Published, line.Lag, line.Cosigned, line.Stopped); err != nil {
			return err
		}
	}
	return out.end(nil)
}

// LogVerifyCommand is socho log verify.
type LogVerifyCommand struct {
	Log string `arg:"" help:"The published log: a folder such as ./data/log, or an address." placeholder:"DIR|URL"`
	Key string `help:"File of the public keys of ledger and witnesses." required:"" placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*LogVerifyCommand) Help() string {
	return "Example: socho log verify ./copy-of-log --key ledger.key\n\nNeeds no database and no broker. Exits 1 and names every damaged file where anything does not hold."
}

type verifiedLog struct {
	OK       bool              `json:"ok"`
	Records  int64             `json:"records"`
	Sizes    map[string]int64  `json:"sizes"` // by origin
	Roots    map[string]string `json:"roots"`
	Problems []string          `json:"problems"`
}

// Run examines a published log.
func (c *LogVerifyCommand) Run(ctx context.Context, call *Call) error {
	keys, err := readKeys(c.Key)
	if err != nil {
		return usageError{err}
	}
	source := logpublisher.NewSource(c.Log)
	shards, err := source.Shards(ctx)
	if err != nil {
		return err
	}
	result := verifiedLog{OK: true, Sizes: map[string]int64{}, Roots: map[string]string{}, Problems: []string{}}
	tell, end := call.progress("verifying")
	defer end()
	of := 0
	for shard := range shards {
		files, err := source.Files(shard)
		if err != nil {
			return err
		}
		checker := &proof.Checker{Read: source.Read(ctx, shard), Keys: keys, Files: files,
			Problem: func(err error) {
				result.Problems = append(result.Problems, fmt.Sprintf("%d/%v", shard, err))
			},
			Each: func(l proof.Leaf, a *proof.Archived) error {
				if l.Offset == 0 && a != nil {
					of = shardsIn(a)
				}
				return nil
			},
			Progress: func(done, _ int64) { tell(result.Records+done, 0) }}
		signed, ok, err := checker.Run(ctx)
		if err != nil {
			return err
		}
		if result.OK = result.OK && ok; signed == nil {
			continue
		}
		if _, number, _ := proof.ParseOrigin(signed.Origin); number != shard {
			result.OK = false
			result.Problems = append(result.Problems, fmt.Sprintf("%d/checkpoint: is of %s", shard, signed.Origin))
		}
		result.Records += signed.Size
		if of > shards {
			result.OK = false
			result.Problems = append(result.Problems, fmt.Sprintf("%d/checkpoint: is missing; the ledger has %d shards", shards, of))
			of = 0
		}
		result.Sizes[signed.Origin], result.Roots[signed.Origin] = signed.Size, signed.Root.String()
	}
	end()
	if call.CLI.JSON {
		err = call.json(result)
	} else {
		for _, problem := range result.Problems {
			fmt.Fprintln(call.Stdout, "✗", problem)
		}
		if result.OK {
			fmt.Fprintln(call.Stdout, "✓ every file is as it was signed")
		}
		_, err = fmt.Fprintf(call.Stdout, "%d records in %d shards\n", result.Records, shards)
	}
	if err == nil && !result.OK {
		err = errFailed
	}
	return err
}

// shardsIn reads how many shards the ledger has from a shard's record 0.
func shardsIn(a *proof.Archived) int {
	event, err := events.Decode(a.Value)
	if err != nil {
		return 0
	}
	if opened, ok := event.Fact.(*events.ShardOpened); ok && opened.Shards != nil {
		return int(*opened.Shards)
	}
	return 0
}

// LogRestoreCommand is socho log restore.
type LogRestoreCommand struct {
	From string `help:"Folder of the published log, such as ./data/log." required:"" placeholder:"DIR"`
	Key  string `help:"File of the public keys; <data>/keys/verifiers without it." placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*LogRestoreCommand) Help() string {
	return "Example: socho log restore --from ./data/log\n\nThe topic must be empty. The whole published log is examined first; then every record gets its key, headers, value, time and offset back. Start socho run afterwards: the ledger's tables follow from the topic. Records that were decided but not yet published when the topic was lost are not there; their publishers hand them in again."
}

// Run restores the topic.
func (c *LogRestoreCommand) Run(ctx context.Context, call *Call) error {
	at, err := call.proof()
	if err != nil {
		return err
	}
	var keys *proof.Keys
	if c.Key != "" {
		keys, err = readKeys(c.Key)
	} else {
		keys, err = at.Keys.Known()
	}
	if err != nil {
		return usageError{fmt.Errorf("%w; give the ledger's public keys with --key", err)}
	}
	options := service.Options{Data: filepath.Dir(at.Log), Kafka: call.CLI.Kafka,
		Log: slog.New(slog.NewTextHandler(call.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if err := call.CLI.secure(&options); err != nil {
		return err
	}
	tell, end := call.progress("restoring")
	report, err := service.Restore(ctx, options, c.From, keys, tell)
	end()
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(report)
	}
	_, err = fmt.Fprintf(call.Stdout, "%d records of %s in %d shards are back. Start socho run again.\n", report.Records, report.Ledger, len(report.Shards))
	return err
}

// LogWitnessCommand is socho log witness.
type LogWitnessCommand struct {
	Log    string `help:"The published log: an address such as https://…/log, or a folder." required:"" placeholder:"URL|DIR"`
	Key    string `help:"File of the witness's private key; see: socho log key generate --witness." required:"" placeholder:"FILE"`
	LogKey string `help:"File of the ledger's public keys, from its operator by a way you trust." required:"" placeholder:"FILE"`
	State  string `help:"Folder that remembers what was seen; <key file>.state without it." placeholder:"DIR"`
	Out    string `short:"o" help:"Write the signed checkpoints here, one file a shard." placeholder:"DIR"`
}

// Help implements kong's help for one command.
func (*LogWitnessCommand) Help() string {
	return "Example: socho log witness --log https://so.example/log --key witness.key --log-key ledger.key -o signed/\n\nRun it again and again, on another office's machine. It exits 1 and signs nothing where a shard's log was rewritten or went back. The operator takes the signatures in with: socho log cosign signed/*"
}

// Run looks once.
func (c *LogWitnessCommand) Run(ctx context.Context, call *Call) error {
	signers, err := logpublisher.ReadSigners(c.Key)
	if err != nil {
		return err
	}
	if !signers[0].Witness() {
		return usageError{fmt.Errorf("--key %s: is a ledger's key; make a witness's with: socho log key generate --witness NAME -o FILE", c.Key)}
	}
	keys, err := readKeys(c.LogKey)
	if err != nil {
		return usageError{fmt.Errorf("--log-key: %w", err)}
	}
	w := &logpublisher.Witness{Key: signers[0], Log: keys, State: c.State}
	if w.State == "" {
		w.State = c.Key + ".state"
	}
	all, err := w.Look(ctx, logpublisher.NewSource(c.Log))
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := os.MkdirAll(c.Out, 0o755); err != nil {
			return err
		}
		for shard, signed := range all {
			if err := os.WriteFile(filepath.Join(c.Out, strconv.Itoa(shard)), signed.Text(), 0o644); err != nil {
				return err
			}
		}
	}
	out := call.lines("ORIGIN\tSIZE\tROOT")
	for _, signed := range all {
		line := cosignedLine{signed.Origin, signed.Size, signed.Root.String(), string(signed.Text())}
		if err := out.write(line, "%s\t%d\t%s", line.Origin, line.Size, line.Root); err != nil {
			return err
		}
	}
	return out.end(nil)
}

type cosignedLine struct {
	Origin     string `json:"origin"`
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Checkpoint string `json:"checkpoint"`
}

// LogCosignCommand is socho log cosign.
type LogCosignCommand struct {
	Files []string `arg:"" help:"Checkpoints that a witness has signed, one a file."`
}

// Help implements kong's help for one command.
func (*LogCosignCommand) Help() string {
	return "Example: socho log cosign signed/*\n\nThe witness's public key must stand in <data>/keys/witnesses."
}

// Run takes checkpoints in.
func (c *LogCosignCommand) Run(_ context.Context, call *Call) error {
	at, err := call.proof()
	if err != nil {
		return err
	}
	keys, err := at.Keys.Known()
	if err != nil {
		return err
	}
	out := call.lines("ORIGIN\tSIZE\tROOT")
	for _, file := range slices.Sorted(slices.Values(c.Files)) {
		text, err := call.file(file, proof.MaxCheckpoint)
		if err != nil {
			return usageError{err}
		}
		signed, err := logpublisher.Cosign(at.Log, keys, text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		line := cosignedLine{signed.Origin, signed.Size, signed.Root.String(), string(signed.Text())}
		if err := out.write(line, "%s\t%d\t%s", line.Origin, line.Size, line.Root); err != nil {
			return err
		}
	}
	return out.end(nil)
}

// listKeys prints public keys.
func listKeys(call *Call, keys *proof.Keys) error {
	if call.CLI.JSON {
		return call.json(map[string][]string{"keys": strings.Split(strings.TrimSpace(keys.String()), "\n")})
	}
	_, err := io.WriteString(call.Stdout, keys.String())
	return err
}
