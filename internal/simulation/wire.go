package simulation

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"
)

// wire is all that one instance of the service says to PostgreSQL and to Kafka.
// It passes everything on as it is, until a rule that was armed meets its
// moment: then it does what a crash, a network or a full disk does there.
type wire struct {
	mu    sync.Mutex
	links map[*link]bool
	rules []*rule
	dead  bool          // every connection is cut, and none is let through
	died  chan struct{} // closed then
	gate  chan struct{} // closed while messages pass; replaced to freeze
	told  map[int]told  // the last answer with records that each partition gave
}

func newWire() *wire {
	w := &wire{links: map[*link]bool{}, gate: make(chan struct{}), died: make(chan struct{}), told: map[int]told{}}
	close(w.gate)
	return w
}

// step names what is being done durably, as the wire sees it.
type step string

const (
	stepKeys         step = "keys"         // a person's keys are written
	stepErasure      step = "erasure"      // … or destroyed
	stepBatch        step = "batch"        // a decided batch
	stepProjections  step = "projections"  // a folded step
	stepLease        step = "lease"        // leases are taken or renewed
	stepTakeover     step = "takeover"     // a shard's epoch is raised
	stepSwap         step = "swap"         // a replayed ledger takes the live one's place
	stepMark         step = "mark"         // a task done once is marked so
	stepRecords      step = "records"      // facts are produced
	stepProvisioning step = "provisioning" // a partition is opened
	stepRead         step = "read"         // records are asked for
	stepRecordsRead  step = "records read" // … and answered with
	stepAnswered     step = "answered"     // likewise, where an older answer is at hand
)

// moment is a message on its way that begins a step's writing or completes it.
// What is written outside a transaction completes at once.
type moment struct {
	step      step
	completes bool
}

// how says what a rule does at its moment.
type how int

const (
	failed    how = iota // not passed on; the connection is cut
	persisted            // passed on; the answer is swallowed and the connection cut
	full                 // PostgreSQL has no room left: SQLSTATE 53100
	held                 // waits until the rule is let go
	late                 // waits for the rule's delay
	frozen               // the whole instance freezes, until it is thawed
	torn                 // half of the answer comes through, then the connection is cut
	again                // in place of the answer comes an older one
)

// rule is a fault that waits for its moment. It acts once.
type rule struct {
	at    moment
	how   how
	skip  int           // so many such moments pass by first
	stop  bool          // the whole instance loses its connections, not this one alone
	delay time.Duration // of late
	fired chan struct{} // closed when it has acted
	free  chan struct{} // of held: closed to let go
}

func newRule(at step, completes bool, h how) *rule {
	return &rule{at: moment{at, completes}, how: h, fired: make(chan struct{}), free: make(chan struct{})}
}

// acted reports whether the rule has met its moment.
func (r *rule) acted() bool {
	select {
	case <-r.fired:
		return true
	default:
		return false
	}
}

func (w *wire) arm(rules ...*rule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = append(w.rules, rules...)
}

// disarm forgets the rules that have not acted.
func (w *wire) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = nil
}

// meet returns the rule whose moment this is. It is no longer armed then.
func (w *wire) meet(m moment) *rule {
	if m.step == "" {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range w.rules {
		if r.at != m {
			continue
		}
		if r.skip > 0 {
			r.skip--
			continue
		}
		w.rules = append(w.rules[:i:i], w.rules[i+1:]...)
		return r
	}
	return nil
}

// kill cuts every connection, and those that are tried from now on.
func (w *wire) kill() {
	w.mu.Lock()
	if !w.dead {
		w.dead = true
		close(w.died)
	}
	links := w.links
	w.links = map[*link]bool{}
	w.mu.Unlock()
	for l := range links {
		l.cut()
	}
}

// freeze stops what the instance says from being heard; thaw lets it all
// through, late. The middle of a COPY still passes: PostgreSQL would wait for
// its end, and everybody else for PostgreSQL.
func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gate = make(chan struct{})
}

func (w *wire) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.gate:
	default:
		close(w.gate)
	}
}

// wait returns when messages may pass.
func (w *wire) wait(l *link) {
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	select {
	case <-gate:
	case <-l.gone:
	}
}

// link is one connection of an instance: its end and the server's.
type link struct {
	w              *wire
	client, server net.Conn
	toClient       sync.Mutex // over client.Write
	once           sync.Once
	gone           chan struct{}

	mu      sync.Mutex
	swallow *rule // the server's answer from here on is for nobody
}

// cut ends a connection on both sides.
func (l *link) cut() {
	l.once.Do(func() {
		close(l.gone)
		l.client.Close() //nolint:errcheck // it is being cut
		l.server.Close() //nolint:errcheck // as above
	})
}

// join lets a connection through to the server, if the instance still has any.
func (w *wire) join(client net.Conn, dial func() (net.Conn, error)) (*link, bool) {
	server, err := dial()
	if err != nil {
		client.Close() //nolint:errcheck // it leads nowhere
		return nil, false
	}
	l := &link{w: w, client: client, server: server, gone: make(chan struct{})}
	w.mu.Lock()
	dead := w.dead
	if !dead {
		w.links[l] = true
	}
	w.mu.Unlock()
	if dead {
		l.cut()
	}
	return l, !dead
}

func (w *wire) leave(l *link) {
	l.cut()
	w.mu.Lock()
	delete(w.links, l)
	w.mu.Unlock()
}

// act does what a rule says before its message is passed on; pass is false
// where it is not.
func (l *link) act(r *rule) (pass bool) {
	switch r.how {
	case failed:
		l.end(r)
		return false
	case persisted:
		l.mu.Lock()
		l.swallow = r
		l.mu.Unlock()
	case late:
		close(r.fired)
		time.Sleep(r.delay)
	case frozen:
		l.w.freeze()
		close(r.fired)
		l.w.wait(l)
	case held:
		close(r.fired)
		select {
		case <-r.free:
		case <-l.gone:
		}
	}
	return true
}

// end cuts the link, or the whole instance, and says that the rule has acted.
func (l *link) end(r *rule) {
	if r.stop {
		l.w.kill()
	}
	l.cut()
	close(r.fired)
}

func (l *link) swallowing() *rule {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.swallow
}

func (l *link) answer(b []byte) error {
	l.toClient.Lock()
	defer l.toClient.Unlock()
	_, err := l.client.Write(b)
	return err
}

// out gathers messages to one side and sends them when nothing more is at hand.
type out struct {
	to  net.Conn
	buf []byte
}

func (o *out) add(b []byte) { o.buf = append(o.buf, b...) }

func (o *out) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	_, err := o.to.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}

// dialKafka is how an instance reaches the broker.
func (w *wire) dialKafka(ctx context.Context, network, address string) (net.Conn, error) {
	server, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	l, ok := w.join(far, func() (net.Conn, error) { return server, nil })
	if !ok {
		return nil, net.ErrClosed
	}
	k := &kafkaLink{link: l, asked: map[int32]request{}}
	go k.requests()
	go k.responses()
	return near, nil
}

// servePostgres lets an instance reach PostgreSQL through a socket of its own
// until the listener is closed.
func (w *wire) servePostgres(listener net.Listener, socket string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		l, ok := w.join(client, func() (net.Conn, error) { return net.Dial("unix", socket) })
		if !ok {
			continue
		}
		p := &postgresLink{link: l, statements: map[string]string{}}
		go p.requests()
		go p.responses()
	}
}

func reader(c net.Conn) *bufio.Reader { return bufio.NewReaderSize(c, 8<<10) }
