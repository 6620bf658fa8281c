package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"socho/internal/service"
)

// BackupCommand is socho backup.
type BackupCommand struct {
	Dir string `arg:"" help:"Folder of the backup, made where it is missing; on another disk." placeholder:"DIR"`
}

// Help implements kong's help for one command.
func (*BackupCommand) Help() string {
	return "Example: socho backup /mnt/usb/so-cho\n\nBrings the folder up to date with everything on the log as of now: again and again into the same folder costs only what is new. What was written is read again and checked. The master key (<data>/master.key) and the signing key (<data>/keys/signer) are not in it: keep copies of those apart. Copies of the sealing keys are removed after 30 days, so that an erased person stays erased."
}

// Run backs up.
func (c *BackupCommand) Run(ctx context.Context, call *Call) error {
	at, err := call.proof()
	if err != nil {
		return err
	}
	s, err := call.caughtUp(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	s.StartPublishing(at)
	tell, end := call.progress("backing up")
	m, err := s.Backup(ctx, at, c.Dir, filepath.Join(filepath.Dir(at.Log), "master.key"), tell)
	end()
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(m)
	}
	fmt.Fprintf(call.Stdout, "%d records of %s and %d keys are in %s: %d files written, %d kept, all of it checked.\n", m.Published, m.Ledger, m.KeyCount, c.Dir, m.Copied, m.Kept)
	_, err = fmt.Fprintln(call.Stdout, "Not in it, and to be kept elsewhere: master.key and keys/signer of the data directory.")
	return err
}

// RestoreCommand is socho restore.
type RestoreCommand struct {
	Dir string `arg:"" help:"Folder of the backup." placeholder:"DIR"`
}

// Help implements kong's help for one command.
func (*RestoreCommand) Help() string {
	return "Example: socho --data ./new restore /mnt/usb/so-cho\n\nInto an empty data directory (or an empty topic and database) that holds nothing but master.key. The whole backup is examined first. Tables are decided anew from the log and must give the signed roots; persons erased since the keys were copied are erased again."
}

// Run restores.
func (c *RestoreCommand) Run(ctx context.Context, call *Call) error {
	data, err := filepath.Abs(call.CLI.Data)
	if err != nil {
		return err
	}
	options := service.Options{Data: data, Database: call.CLI.Database, Kafka: call.CLI.Kafka,
		Log: slog.New(slog.NewTextHandler(call.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if err := call.CLI.secure(&options); err != nil {
		return err
	}
	tell, end := call.progress("restoring")
	m, err := service.RestoreBackup(ctx, options, c.Dir, tell)
	end()
	if err != nil {
		return err
	}
	if call.CLI.JSON {
		return call.json(m)
	}
	_, err = fmt.Fprintf(call.Stdout, "%d records of %s and %d keys are back, as of %s. The roots are those that were signed. Put keys/signer into the data directory, then start socho run.\n",
		m.Published, m.Ledger, m.KeyCount, m.TakenAt.Local().Format("2006-01-02 15:04"))
	return err
}
