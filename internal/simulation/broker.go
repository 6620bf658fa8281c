package simulation

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"

	"socho/internal/kafka"
	"socho/internal/service"
)

// broker is the embedded broker as devstack runs it, on a folder and a port
// that stay the same when it is started again.
type broker struct {
	dir     string
	port    int
	cluster *kfake.Cluster
}

func (b *broker) start() error {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(b.port), kfake.DataDir(b.dir), kfake.SyncWrites(),
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1", "log.retention.bytes": "-1"}))
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	b.cluster = c
	_, port, err := net.SplitHostPort(c.ListenAddrs()[0])
	if err != nil {
		return err
	}
	b.port, err = strconv.Atoi(port)
	return err
}

func (b *broker) stop() {
	if b.cluster != nil {
		b.cluster.Close()
		b.cluster = nil
	}
}

func (b *broker) addresses() []string { return []string{"127.0.0.1:" + strconv.Itoa(b.port)} }

// topic makes the ledger's topic where there is none.
func (b *broker) topic(ctx context.Context) error {
	c := kafka.New(b.addresses(), kafka.Options{})
	defer c.Close() //nolint:errcheck // it holds nothing
	_, err := c.EnsureTopic(ctx, service.Topic, service.EmbeddedPartitions, 1)
	return err
}

// keep copies the stopped broker's folder.
func (b *broker) keep(to string) error { return os.CopyFS(to, os.DirFS(b.dir)) }

// restore puts a copy in the place of the stopped broker's folder.
func (b *broker) restore(from string) error {
	if err := os.RemoveAll(b.dir); err != nil {
		return err
	}
	return os.Rename(from, b.dir)
}

// segments are the files of one shard's records.
func (b *broker) segments(shard int) ([]string, error) {
	return filepath.Glob(filepath.Join(b.dir, "partitions", "*-"+strconv.Itoa(shard), "*.dat"))
}
