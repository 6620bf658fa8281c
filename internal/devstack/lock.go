package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// holder is what the lock file says about its owner. It is for messages; what counts is the lock.
type holder struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// takeLock takes the folder for this process. The lock ends with the process, however that ends; the file stays, since
// removing it would let two processes lock two files of the same name.
func takeLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &Error{Code: "folder_closed", Message: "the data folder " + dir + " cannot be written; choose another with --data", Err: err}
	}
	// A process that looks whether the folder is in use holds the lock for an instant: try more than once.
	for try := 0; ; try++ {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("devstack: locking %s: %w", path, err)
		}
		if try < 5 {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		_ = f.Close()
		held := &HeldError{Dir: dir}
		h := readHolder(path)
		held.PID, held.Since = h.PID, h.Since
		if st, err := readState(filepath.Join(dir, "stack.json")); err == nil && st.PID == h.PID {
			held.Web = st.Web
		}
		return nil, held
	}
	b, err := json.Marshal(holder{PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(append(b, '\n'), 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("devstack: writing %s: %w", path, err)
	}
	return f, nil
}

func releaseLock(f *os.File) error {
	if f == nil {
		return nil
	}
	// What the file says is no longer true; the lock itself goes with the descriptor.
	return errors.Join(f.Truncate(0), f.Close())
}

// lookAtLock tells whether a live process holds the folder, and which.
func lookAtLock(dir string) (h holder, held bool, err error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return holder{}, false, nil
		}
		return holder{}, false, &Error{Code: "folder_closed", Err: err, Message: "cannot see who uses the data folder " + dir + "; run as the user it belongs to"}
	}
	defer f.Close()
	switch err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); {
	case err == nil:
		return holder{}, false, nil
	case !errors.Is(err, syscall.EWOULDBLOCK):
		return holder{}, false, fmt.Errorf("devstack: looking at the lock %s: %w", path, err)
	}
	return readHolder(path), true, nil
}

// readHolder reads what can be read; a half-written or empty file says nothing.
func readHolder(path string) (h holder) {
	f, err := os.Open(path)
	if err != nil {
		return h
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil || json.Unmarshal(b, &h) != nil {
		return holder{}
	}
	return h
}
