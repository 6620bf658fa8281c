package httpserver

import (
	"net"
	"net/netip"
	"sync"
)

// crowd lets nobody hold more than their share of the connections: who opens
// thousands and says nothing would keep everybody else out.
type crowd struct {
	net.Listener
	most   int
	exempt func(netip.Addr) bool

	mu   sync.Mutex
	held map[string]int // by network
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		if from := at.Addr().Unmap().WithZone(""); err != nil || c.exempt(from) {
			return conn, nil
		} else if c.enter(network(from)) {
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { c.leave(network(from)) })}, nil
		}
		conn.Close() //nolint:errcheck // nobody waits for it
	}
}

func (c *crowd) enter(from string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[from] >= c.most {
		return false
	}
	c.held[from]++
	return true
}

func (c *crowd) leave(from string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[from]--; c.held[from] == 0 {
		delete(c.held, from)
	}
}

// counted is a connection that is given back when it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
