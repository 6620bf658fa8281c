package devstack

import (
	"fmt"
	"time"

	"socho/internal/devstack/cluster"
)

// Error says what happened and what to do; Code is for programs.
type Error = cluster.Error

// What can go wrong, to be compared with errors.Is; the others are those of package cluster.
var (
	ErrHeld         = &Error{Code: "stack_held", Message: "the data folder is in use"}
	ErrNotRunning   = &Error{Code: "stack_not_running", Message: "no socho runs in this data folder"}
	ErrBrokerFailed = &Error{Code: "broker_failed", Message: "the embedded broker does not start"}
)

// HeldError says who owns the data folder.
type HeldError struct {
	Dir   string
	PID   int       // 0 when it cannot be told
	Since time.Time // zero when it cannot be told
	Web   string    // the address of its pages, "" when it has none yet
}

// Error is the sentence for people.
func (e *HeldError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	msg := fmt.Sprintf("the data folder %s is in use by %s", e.Dir, who)
	if !e.Since.IsZero() {
		msg += " since " + e.Since.Local().Format("2006-01-02 15:04:05")
	}
	if e.Web != "" {
		msg += ", which serves " + e.Web
	}
	return msg + "; stop it first, or choose another folder with --data"
}

// Is makes errors.Is(err, ErrHeld) hold.
func (e *HeldError) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == ErrHeld.Code
}

func notRunning(dir string, cause error) error {
	return &Error{Code: ErrNotRunning.Code, Err: cause, Message: "no socho runs in the data folder " + dir + "; start one with: socho run --data " + dir}
}
