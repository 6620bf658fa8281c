package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// Directory is who there is and what they may do, in schema app. It is safe
// for concurrent use. Whoever changes people, cards or tokens is the principal
// of the context, and the directory itself checks that they may.
type Directory struct {
	pool    *pgxpool.Pool
	seal    *subtle.XChaCha20Poly1305
	keyed   []byte // of the hashes of names and addresses
	copyKey []byte // of backups
	hasher  hasher
	now     func() time.Time
}

// Open takes the service's pool, and how to derive keys from the master key,
// which vault.Key.Derive does.
func Open(pool *pgxpool.Pool, derive func(purpose string) ([]byte, error)) (*Directory, error) {
	sealing, err := derive("identity secrets")
	if err != nil {
		return nil, err
	}
	keyed, err := derive("identity attempts")
	if err != nil {
		return nil, err
	}
	copies, err := derive("identity copies")
	if err != nil {
		return nil, err
	}
	seal, err := subtle.NewXChaCha20Poly1305(sealing)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return &Directory{pool: pool, seal: seal, keyed: keyed, copyKey: copies, hasher: make(hasher, 3), now: time.Now}, nil
}

// WithClock returns the directory under another clock, for tests.
func (d *Directory) WithClock(now func() time.Time) *Directory {
	other := *d
	other.now = now
	return &other
}

// Visit is where a request comes from.
type Visit struct {
	Address netip.Addr // the zero one where it is not known
	session []byte     // hash of the session's token
}

type visitKey struct{}

// WithVisit returns a context that carries where a request comes from, which
// back-off and trail need. Sessions.Handler does it for pages; for the API,
// call it before ByToken.
func WithVisit(ctx context.Context, address netip.Addr) context.Context {
	return context.WithValue(ctx, visitKey{}, Visit{Address: address.Unmap()})
}

func visitOf(ctx context.Context) Visit {
	v, _ := ctx.Value(visitKey{}).(Visit)
	return v
}

// network is the part of an address that the trail keeps: enough to tell an
// office from elsewhere, too little to tell a household.
func network(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// hashOf is how a random token is stored. Nothing slower is needed where there
// are 128 random bits to guess.
func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func (d *Directory) keyedHash(kind, text string) []byte {
	mac := hmac.New(sha256.New, d.keyed)
	mac.Write([]byte(kind + "\x00" + text))
	return mac.Sum(nil)
}

// newID returns an id of 130 random bits.
func newID(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()) }

// change runs a transaction in which people and grants stand still, so that
// what was checked is true when it commits.
func (d *Directory) change(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('socho.people'))`); err != nil {
			return err
		}
		return f(tx)
	})
}

// taken turns the violation of a key into ErrTaken.
func taken(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return ErrTaken
	}
	return err
}

// one says ErrNotFound where a statement found no row.
func one(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		return ErrNotFound
	}
	return err
}

// missing says ErrNotFound for a query without rows.
func missing(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// execer is a pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
