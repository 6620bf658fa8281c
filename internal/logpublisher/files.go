package logpublisher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"socho/ledger/proof"
)

// files writes below one folder. A file is whole or not there at all: it is
// written beside, synced and renamed. Renames are durable after sync.
type files struct {
	dir   string
	laid  []laid          // written beside, to be synced and renamed together
	dirty map[string]bool // folders whose entries are not synced yet
	fail  func(step string) error
}

// laid is a file on its way to its place.
type laid struct {
	*os.File
	path string
}

// laidMost bounds the files that are held open.
const laidMost = 24

// tempDir holds what is being written.
const tempDir = ".tmp"

func (f *files) step(name string) error {
	if f.fail == nil {
		return nil
	}
	return f.fail(name)
}

// read implements proof.Read.
func (f *files) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(path)))
}

// final writes a file that never changes again, as soon as settle is called or
// many have come together. Errors: *Error where it is there with other bytes.
func (f *files) final(path string, b []byte) error {
	old, err := f.read(path)
	switch {
	case err == nil && bytes.Equal(old, b):
		f.mark(filepath.Join(f.dir, filepath.FromSlash(path))) // renamed before a crash, perhaps not durable
		return nil
	case err == nil:
		return &Error{CodeAltered, fmt.Sprintf("%s holds other bytes than the ledger gives; full pieces never change, so the file was altered. Run socho verify; move the file away and start again to have it written anew",
			filepath.Join(f.dir, filepath.FromSlash(path)))}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := f.lay(path, b); err != nil || len(f.laid) < laidMost {
		return err
	}
	return f.settle()
}

// replace writes a file that may change.
func (f *files) replace(path string, b []byte) error {
	if err := f.renew(path, b); err != nil {
		return err
	}
	return f.settle()
}

// renew is replace up to settle.
func (f *files) renew(path string, b []byte) error {
	if old, err := f.read(path); err == nil && bytes.Equal(old, b) {
		f.mark(filepath.Join(f.dir, filepath.FromSlash(path)))
		return nil
	}
	return f.lay(path, b)
}

func (f *files) write(path string, b []byte) error {
	if err := f.lay(path, b); err != nil {
		return err
	}
	return f.settle()
}

// lay writes a file beside its place.
func (f *files) lay(path string, b []byte) error {
	if err := f.folder(filepath.Dir(filepath.Join(f.dir, filepath.FromSlash(path)))); err != nil {
		return err
	}
	temp := filepath.Join(f.dir, tempDir)
	if err := f.folder(temp); err != nil {
		return err
	}
	file, err := os.CreateTemp(temp, "*")
	if err != nil {
		return err
	}
	f.laid = append(f.laid, laid{file, path})
	_, err = file.Write(b)
	return errors.Join(err, file.Chmod(0o644))
}

// settle brings every file that was laid to its place, in their order. What is
// not in its place when it fails, or after a crash, was never there.
func (f *files) settle() error {
	defer f.forget()
	// Side by side, they are made durable by a few commits of the file system
	// instead of one each.
	var group errgroup.Group
	for _, l := range f.laid {
		group.Go(l.Sync)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, l := range f.laid {
		target := filepath.Join(f.dir, filepath.FromSlash(l.path))
		err := f.step("written " + l.path)
		if err == nil {
			err = os.Rename(l.Name(), target)
		}
		if err == nil {
			err = f.step("renamed " + l.path)
		}
		f.mark(target)
		if err != nil {
			return err
		}
	}
	return nil
}

// forget closes what was laid.
func (f *files) forget() {
	for _, l := range f.laid {
		l.Close() //nolint:errcheck // it is synced, or to be written anew
	}
	f.laid = f.laid[:0]
}

// folder makes a folder and those above it.
func (f *files) folder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := f.folder(filepath.Dir(dir)); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	f.mark(dir)
	return err
}

func (f *files) mark(file string) {
	if f.dirty == nil {
		f.dirty = map[string]bool{}
	}
	f.dirty[filepath.Dir(file)] = true
}

// sync makes every rename since the last one durable.
func (f *files) sync() error {
	var group errgroup.Group
	for dir := range f.dirty {
		group.Go(func() error { return syncDir(dir) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	clear(f.dirty)
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// clear removes what a crash has left half written.
func (f *files) clear() error {
	f.forget()
	return os.RemoveAll(filepath.Join(f.dir, tempDir))
}

func (f *files) remove(path string) error {
	err := os.Remove(filepath.Join(f.dir, path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lock takes the folder for this process; nil where the context ended first. The
// kernel lets go of it with the process.
func (p *Publisher) lock(ctx context.Context, every time.Duration) *os.File {
	said := false
	for ctx.Err() == nil {
		file, err := lockFolder(p.Dir)
		if err == nil {
			return file
		}
		if !said {
			said = true
			p.Log.Warn("waiting to publish the log: its folder is in use or cannot be written", "folder", p.Dir, "reason", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
	return nil
}

func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Reader reads one shard's files below a published log.
func Reader(dir string, shard int) proof.Read {
	f := &files{dir: ShardDir(dir, shard)}
	return f.read
}

// List returns the paths of a shard's files, as proof.Checker takes them.
func List(dir string, shard int) (paths []string, err error) {
	root := ShardDir(dir, shard)
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // replaced while we look
		}
		if err != nil || entry.IsDir() {
			return err
		}
		at, err := filepath.Rel(root, path)
		if at = filepath.ToSlash(at); proof.PathValid(at) || at == proof.CosignedPath {
			paths = append(paths, at)
		}
		return err
	})
	return paths, err
}
