package devstack

import (
	"context"
	"log/slog"
	"path/filepath"
)

// StartBroker starts the broker of a data folder without its PostgreSQL.
func StartBroker(dir string, log *slog.Logger) (s *Stack, stop func() error, err error) {
	b, err := startBroker(filepath.Join(dir, "broker"), filepath.Join(dir, "broker-damaged"), log)
	if err != nil {
		return nil, nil, err
	}
	return &Stack{state: state{Kafka: b.addrs()}}, func() error { return b.close(context.Background()) }, nil
}
