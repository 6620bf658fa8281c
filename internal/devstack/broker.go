package devstack

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// broker is the embedded Kafka.
type broker struct{ c *kfake.Cluster }

// startBroker starts the broker with its data in dir, on a free port of 127.0.0.1. Topics are made on request only,
// never by being mentioned. Errors: broker_failed.
func startBroker(dir, damaged string, log *slog.Logger) (*broker, error) {
	failed := func(err error) (*broker, error) {
		return nil, &Error{Code: ErrBrokerFailed.Code, Err: err, Message: "the embedded broker does not start in " + dir +
			"; if its files are damaged, move the folder away and bring the log back from the archive (socho log restore)"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return failed(err)
	}
	if err := keepDamaged(dir, damaged, log); err != nil {
		return failed(err)
	}
	c, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.DataDir(dir),
		kfake.SyncWrites(), // every batch is on disk before it is acknowledged
		kfake.WithLogger(brokerLog{log}),
		// A topic's own settings win over these, but as soon as any topic has a retention of its own the broker
		// applies the default, seven days, to all others: so the default must be "for ever".
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1", "log.retention.bytes": "-1"}),
	)
	if err != nil {
		return failed(err)
	}
	return &broker{c}, nil
}

func (b *broker) addrs() []string { return b.c.ListenAddrs() }

// close writes the broker's state and stops it. It does not need that state: a killed broker reads its segments anew.
// It gets five seconds more than ctx, since the folder must not be let go while the broker still writes.
func (b *broker) close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		b.c.Close()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-done:
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("devstack: stopping the broker: %w", context.Cause(ctx))
	}
}

// brokerLog passes the broker's warnings on, such as "truncating 31 corrupt bytes". It logs no record contents.
type brokerLog struct{ log *slog.Logger }

func (l brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("broker: " + fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("broker: " + fmt.Sprintf(format, args...))
	}
}
