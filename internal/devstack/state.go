package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

const stateVersion = 1

// state is stack.json: where a running stack can be reached.
type state struct {
	Version  int       `json:"version"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Kafka    []string  `json:"kafka"`
	Database string    `json:"database"`
	Web      string    `json:"web,omitempty"`
}

// write replaces the file at once: a reader sees the old state or the new one, never half of one.
func (s state) write(path string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people and scripts read the URL in it
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("devstack: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".stack-*") // 0600
	if err != nil {
		return &Error{Code: "folder_closed", Message: "the data folder " + filepath.Dir(path) + " cannot be written", Err: err}
	}
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Close()); err == nil {
		// A crash before this leaves a .stack- file that nobody reads; after it, the new state.
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("devstack: writing %s: %w", path, err)
	}
	return nil
}

func readState(path string) (s state, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return state{}, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return state{}, fmt.Errorf("devstack: %s: %w", path, err)
	}
	if s.Version != stateVersion || s.PID < 1 || len(s.Kafka) == 0 || s.Database == "" {
		return state{}, fmt.Errorf("devstack: %s was not written by this version of socho", path)
	}
	return s, nil
}

// answers checks that the broker takes a connection and PostgreSQL a query.
func (s state) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, addr := range s.Kafka {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("devstack: the broker does not answer: %w", err)
		}
		_ = conn.Close()
	}
	conn, err := pgx.Connect(ctx, s.Database)
	if err != nil {
		return fmt.Errorf("devstack: PostgreSQL does not answer: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("devstack: PostgreSQL does not answer: %w", err)
	}
	return nil
}
