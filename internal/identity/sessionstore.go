package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
)

// sessionStore keeps sessions by the hash of their token. Unlike scs's own
// stores it knows whose a session is, and an ended session stays ended: a
// request that was running meanwhile does not write it back.
type sessionStore struct{ d *Directory }

var _ scs.CtxStore = sessionStore{}

// FindCtx implements scs.CtxStore.
func (s sessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.d.pool.QueryRow(ctx, `SELECT data::text FROM app.sessions WHERE hash = $1 AND ended_at IS NULL AND expires_at > $2`, hashOf(token), s.d.now()).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx implements scs.CtxStore. A request that changes nothing writes at
// most once a minute.
func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	var held sessionData
	if err := json.Unmarshal(data, &held); err != nil {
		return err
	}
	_, err := s.d.pool.Exec(ctx, `
		INSERT INTO app.sessions AS s (hash, principal, data, address, created_at, seen_at, expires_at) VALUES ($1, nullif($2, ''), $3, $4, $5, $5, $6)
		ON CONFLICT (hash) DO UPDATE SET principal = EXCLUDED.principal, data = EXCLUDED.data, seen_at = EXCLUDED.seen_at, expires_at = EXCLUDED.expires_at
		WHERE s.ended_at IS NULL AND (s.data <> EXCLUDED.data OR s.seen_at <= EXCLUDED.seen_at - interval '1 minute')`,
		hashOf(token), held.Values[keyPrincipal], string(data), network(visitOf(ctx).Address), s.d.now(), expiry)
	return err
}

// DeleteCtx implements scs.CtxStore.
func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.d.pool.Exec(ctx, `UPDATE app.sessions SET ended_at = $2 WHERE hash = $1 AND ended_at IS NULL`, hashOf(token), s.d.now())
	return err
}

// Find implements scs.Store.
func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements scs.Store.
func (s sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete implements scs.Store.
func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// sweep throws away what no longer matters. Sign-ins pay for it: they are what
// makes it grow.
func (d *Directory) sweep(ctx context.Context) error {
	_, err := d.pool.Exec(ctx, `
		WITH sessions AS (DELETE FROM app.sessions WHERE expires_at < $1),
		attempts AS (DELETE FROM app.attempts WHERE last_at < $2 AND until < $1)
		DELETE FROM app.invitations WHERE expires_at < $1`, d.now(), d.now().Add(-forgetAfter))
	return err
}

// sessionData is how a session is stored: readable, so that the store can tell
// whose it is, and free of Go's types.
type sessionData struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

type jsonCodec struct{}

// Encode implements scs.Codec. Errors: a value that is no text.
func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	data := sessionData{deadline, make(map[string]string, len(values))}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("identity: a session keeps texts, and %s is a %T", key, value)
		}
		data.Values[key] = text
	}
	return json.Marshal(data)
}

// Decode implements scs.Codec.
func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var data sessionData
	if err := json.Unmarshal(b, &data); err != nil {
		return time.Time{}, nil, err
	}
	values := make(map[string]any, len(data.Values))
	for key, value := range data.Values {
		values[key] = value
	}
	return data.Deadline, values, nil
}
