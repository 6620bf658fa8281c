package apachekafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say where a cluster lives and whom it lets in.
type Options struct {
	Dir     string // of the brokers' data and logs; empty to begin with
	Jars    string // from Jars
	Brokers int    // 3 unless said otherwise
	// Users, by password, may come in over TLS with SCRAM-SHA-512, and do only
	// what ACLs allow. Without users there is no such listener. The plain
	// listener on loopback belongs to whoever runs the cluster.
	Users map[string]string
}

// Cluster is a running cluster. Close it.
type Cluster struct {
	opts    Options
	id      string
	brokers []*broker
	ca      *authority
}

type broker struct {
	node                      int
	plain, secure, controller int // ports
	dir                       string
	mu                        sync.Mutex
	process                   *exec.Cmd
	gone                      chan struct{} // closed when the process has ended
}

// Start formats and starts a cluster, and returns when every broker answers.
// Errors: what the brokers said last.
func Start(ctx context.Context, o Options) (_ *Cluster, err error) {
	if o.Brokers == 0 {
		o.Brokers = 3
	}
	c := &Cluster{opts: o, id: "c29jaG8tdGVzdC1rYWZrYQ"}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if len(o.Users) > 0 {
		if c.ca, err = newAuthority(); err != nil {
			return nil, err
		}
	}
	for node := 1; node <= o.Brokers; node++ {
		b := &broker{node: node, dir: filepath.Join(o.Dir, fmt.Sprintf("broker-%d", node))}
		for _, port := range []*int{&b.plain, &b.secure, &b.controller} {
			if *port, err = freePort(); err != nil {
				return nil, err
			}
		}
		if err := os.MkdirAll(b.dir, 0o700); err != nil {
			return nil, err
		}
		c.brokers = append(c.brokers, b)
	}
	var wg sync.WaitGroup
	failed := make([]error, len(c.brokers))
	for i, b := range c.brokers {
		wg.Go(func() {
			if failed[i] = c.format(ctx, b); failed[i] == nil {
				failed[i] = c.launch(b)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	for _, b := range c.brokers {
		if err := b.answers(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// freePort is a port of loopback that nobody listens on right now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// settings are a broker's server.properties.
func (c *Cluster) settings(b *broker) (string, error) {
	var voters []string
	for _, v := range c.brokers {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", v.node, v.controller))
	}
	listeners := fmt.Sprintf("PLAIN://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", b.plain, b.controller)
	public := fmt.Sprintf("PLAIN://127.0.0.1:%d", b.plain)
	lines := []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", b.node),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=PLAIN",
		"listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
		"log.dirs=" + filepath.Join(b.dir, "data"),
		"auto.create.topics.enable=false",
		fmt.Sprintf("default.replication.factor=%d", len(c.brokers)),
		fmt.Sprintf("min.insync.replicas=%d", min(len(c.brokers), 2)),
		fmt.Sprintf("offsets.topic.replication.factor=%d", len(c.brokers)),
		fmt.Sprintf("transaction.state.log.replication.factor=%d", len(c.brokers)),
		"unclean.leader.election.enable=false",
		"controlled.shutdown.enable=true",
		"group.initial.rebalance.delay.ms=0",
		// A dead broker is noticed within seconds.
		"broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500",
		"controller.quorum.election.timeout.ms=500", "controller.quorum.fetch.timeout.ms=1000",
		"replica.lag.time.max.ms=5000",
	}
	if c.ca != nil {
		listeners += fmt.Sprintf(",SECURE://127.0.0.1:%d", b.secure)
		public += fmt.Sprintf(",SECURE://127.0.0.1:%d", b.secure)
		chain, key, err := c.ca.issue()
		if err != nil {
			return "", err
		}
		oneLine := func(pem []byte) string { return strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\\n") }
		lines = append(lines,
			"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"super.users=User:ANONYMOUS", // the plain listener of loopback
			"sasl.enabled.mechanisms=SCRAM-SHA-512",
			"listener.name.secure.ssl.keystore.type=PEM",
			"listener.name.secure.ssl.keystore.certificate.chain="+oneLine(chain),
			"listener.name.secure.ssl.keystore.key="+oneLine(key),
			"listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;")
	}
	lines = append(lines, "listeners="+listeners, "advertised.listeners="+public)
	return strings.Join(lines, "\n") + "\n", nil
}

func (c *Cluster) format(ctx context.Context, b *broker) error {
	text, err := c.settings(b)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.properties(), []byte(text), 0o600); err != nil {
		return err
	}
	args := []string{"format", "--ignore-formatted", "-t", c.id, "-c", b.properties()}
	for user, password := range c.opts.Users {
		args = append(args, "--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", user, password))
	}
	out, err := c.java(ctx, "kafka.tools.StorageTool", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("format broker %d: %w\n%s", b.node, err, out)
	}
	return nil
}

func (b *broker) properties() string { return filepath.Join(b.dir, "server.properties") }
func (b *broker) log() string        { return filepath.Join(b.dir, "broker.log") }

func (c *Cluster) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	args = append([]string{"-Xms96m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.level=warn", "-cp", filepath.Join(c.opts.Jars, "*"), class}, args...)
	return exec.CommandContext(ctx, "java", args...)
}

func (c *Cluster) launch(b *broker) error {
	out, err := os.OpenFile(b.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	process := c.java(context.Background(), "kafka.Kafka", b.properties())
	process.Stdout, process.Stderr = out, out
	// Ctrl-C is for us; and a broker never outlives us.
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		_ = process.Wait() // how it ended stands in its log
		close(gone)
	}()
	b.mu.Lock()
	b.process, b.gone = process, gone
	b.mu.Unlock()
	return nil
}

// startLimit bounds how long a broker may take until it answers.
const startLimit = 90 * time.Second

// answers waits until the broker takes connections.
func (b *broker) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", b.plain))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-b.gone:
			return fmt.Errorf("broker %d ended:\n%s", b.node, b.tail())
		case <-ctx.Done():
			return fmt.Errorf("broker %d does not answer: %w\n%s", b.node, ctx.Err(), b.tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tail is what the broker said last.
func (b *broker) tail() string {
	f, err := os.Open(b.log())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 4000 {
		if _, err := f.Seek(-4000, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Addrs are the brokers' plain addresses.
func (c *Cluster) Addrs() []string {
	return c.each(func(b *broker) int { return b.plain })
}

// SecureAddrs are the addresses for Users.
func (c *Cluster) SecureAddrs() []string {
	return c.each(func(b *broker) int { return b.secure })
}

func (c *Cluster) each(port func(*broker) int) []string {
	var addrs []string
	for _, b := range c.brokers {
		addrs = append(addrs, fmt.Sprintf("127.0.0.1:%d", port(b)))
	}
	return addrs
}

// Node is the broker at one of the addresses; 0 where it is none of ours.
func (c *Cluster) Node(port int) int {
	for _, b := range c.brokers {
		if port == b.plain || port == b.secure {
			return b.node
		}
	}
	return 0
}

// Kill kills a broker at once, as a power cut does.
func (c *Cluster) Kill(node int) { c.brokers[node-1].end(syscall.SIGKILL) }

// StopBroker stops a broker in order: it hands its partitions over first.
func (c *Cluster) StopBroker(node int) { c.brokers[node-1].end(syscall.SIGTERM) }

// StartBroker starts a broker that has ended, and returns when it answers.
func (c *Cluster) StartBroker(ctx context.Context, node int) error {
	b := c.brokers[node-1]
	if err := c.launch(b); err != nil {
		return err
	}
	return b.answers(ctx)
}

// end sends a signal and waits; whoever does not heed it is killed.
func (b *broker) end(signal os.Signal) {
	b.mu.Lock()
	process, gone := b.process, b.gone
	b.mu.Unlock()
	if process == nil {
		return
	}
	_ = process.Process.Signal(signal) // it may have ended by itself
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		_ = process.Process.Kill()
		<-gone
	}
}

// Close kills every broker. The folder stays.
func (c *Cluster) Close() {
	for _, b := range c.brokers {
		b.end(syscall.SIGKILL)
	}
}
