package cluster

import "strings"

// Error says what happened and what to do. Code is for programs.
type Error struct {
	Code    string
	Message string
	Err     error
}

// Error is the sentence for people.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap is the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Is compares by Code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// What can go wrong, to be compared with errors.Is.
var (
	ErrNoPostgres     = &Error{Code: "no_postgres", Message: "PostgreSQL is not installed"}
	ErrFolderClosed   = &Error{Code: "folder_closed", Message: "the data folder cannot be used"}
	ErrClusterDamaged = &Error{Code: "cluster_damaged", Message: "the PostgreSQL cluster is damaged"}
	ErrClusterVersion = &Error{Code: "cluster_version", Message: "the PostgreSQL cluster belongs to another version"}
	ErrClusterForeign = &Error{Code: "cluster_foreign", Message: "the PostgreSQL cluster belongs to someone else"}
	ErrClusterBusy    = &Error{Code: "cluster_busy", Message: "another PostgreSQL uses the cluster"}
	ErrPostgresFailed = &Error{Code: "postgres_failed", Message: "PostgreSQL does not start"}
)

// lastLines is the end of a program's output, on one line.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " / ")
}
