package httpserver

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// secure is a TLS configuration of today: 1.3, or 1.2 with forward secrecy and
// authenticated encryption alone.
func secure(p *pair) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: p.get,
	}
}

// pair is a certificate and its key, as their files have them now. A pair of
// files that do not fit, half of it replaced, leaves the one before in use.
type pair struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	changed [2]time.Time // of the files, when they were read last
	looked  time.Time
}

// lookEvery bounds how often the files are looked at.
const lookEvery = time.Second

func loadPair(cert, key string, log *slog.Logger) (*pair, error) {
	p := &pair{cert: cert, key: key, log: log}
	if err := p.load(); err != nil {
		return nil, fmt.Errorf("TLS certificate %s with key %s: %w", cert, key, err)
	}
	return p, nil
}

func (p *pair) times() (t [2]time.Time, err error) {
	for i, file := range []string{p.cert, p.key} {
		info, err := os.Stat(file)
		if err != nil {
			return t, err
		}
		t[i] = info.ModTime()
	}
	return t, nil
}

func (p *pair) load() error {
	changed, err := p.times()
	if err != nil {
		return err
	}
	loaded, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return err
	}
	p.current, p.changed = &loaded, changed
	return nil
}

func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.looked) >= lookEvery {
		p.looked = now
		if changed, err := p.times(); err != nil || changed != p.changed {
			if err == nil {
				err = p.load()
			}
			if err != nil {
				p.log.Warn("the TLS certificate cannot be read anew; the one before stays in use", "reason", err)
			} else {
				p.log.Info("the TLS certificate was read anew")
			}
		}
	}
	return p.current, nil
}
