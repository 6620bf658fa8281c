package simulation

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"socho/internal/intake"
	"socho/internal/service"
)

// hurried is a service in which as much happens in a second as else in ten.
var hurried = service.Tempo{Lease: 400 * time.Millisecond, Fault: 10 * time.Millisecond, FaultMost: 200 * time.Millisecond}

// node is one instance of the service, on connections that can be interfered
// with.
type node struct {
	*service.Service
	wire   *wire
	socket net.Listener
	fenced atomic.Int64 // how often it was told that somebody else has a shard
}

// open brings an instance up on the run's database, broker and folder.
func (r *run) open(ctx context.Context) (_ *node, err error) {
	n := &node{wire: newWire()}
	listener, at, err := r.host.socket()
	if err != nil {
		return nil, err
	}
	n.socket = listener
	go n.wire.servePostgres(listener, r.host.path(serverPort))
	defer func() {
		if err != nil {
			n.wire.kill()
			listener.Close() //nolint:errcheck // nothing came of it
		}
	}()
	if r.opening != nil {
		r.opening(n)
	}
	n.Service, err = service.Open(ctx, service.Options{
		Data: r.data, Own: true, Kafka: r.broker.addresses(),
		Database:  "postgres:///" + r.database + "?" + at + "&user=postgres&sslmode=disable&plan_cache_mode=force_generic_plan&idle_in_transaction_session_timeout=500&pool_max_conns=2",
		Log:       slog.New(&listening{n}),
		DialKafka: n.wire.dialKafka, Tempo: hurried,
		Clock: func() time.Time { return time.Now().Add(time.Duration(r.clock.Load())) },
	})
	if err != nil {
		return nil, err
	}
	n.Vault.HoldMost = time.Second
	if err := n.Start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// crash ends an instance as a killed process ends: whatever was on its way is
// cut off.
func (n *node) crash() {
	n.wire.kill()
	n.leave()
}

// leave ends an instance in order.
func (n *node) leave() {
	n.Service.Close() //nolint:errcheck // an instance without connections has much to complain of
	n.wire.kill()
	n.socket.Close() //nolint:errcheck // nobody knows of it any more
}

func (n *node) dead() bool {
	n.wire.mu.Lock()
	defer n.wire.mu.Unlock()
	return n.wire.dead
}

// publish hands lines to the instance's intake, notes what it acknowledged, and
// waits until it is decided.
func (r *run) publish(ctx context.Context, n *node, lines []*line) error {
	report, err := r.hand(ctx, n, lines)
	if err != nil {
		return err
	}
	_, err = n.Decided(ctx, report)
	return err
}

func (r *run) hand(ctx context.Context, n *node, lines []*line) (intake.Report, error) {
	ids := make(map[string]bool, len(lines))
	for _, l := range lines {
		ids[l.id] = true
	}
	// A publisher that runs within a process ends with it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-n.wire.died:
			cancel()
		case <-ctx.Done():
		}
	}()
	report, err := n.Publish(ctx, bytes.NewReader(text(lines)), intake.Options{Actor: "cli", MayErase: true, DefaultOrg: r.load.organizations[0].name})
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, acknowledged := range report.Ranges {
		r.acknowledged = append(r.acknowledged, acknowledgement{acknowledged, ids})
	}
	return report, err
}

// acknowledgement is a run of records that a publisher was told is safe.
type acknowledgement struct {
	intake.Range
	ids map[string]bool // the ids published then; lines that are no events have ""
}

// listening hears from an instance's log that it was fenced off.
type listening struct{ n *node }

func (l *listening) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (l *listening) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" && (strings.Contains(a.Value.String(), "fenced") || strings.Contains(a.Value.String(), "23505")) {
			l.n.fenced.Add(1)
		}
		return true
	})
	return nil
}

func (l *listening) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *listening) WithGroup(string) slog.Handler      { return l }
