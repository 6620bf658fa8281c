package identity

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Entry is one row of the trail: what somebody did, or was not let do. It holds
// opaque ids alone.
type Entry struct {
	ID           int64     `json:"id"`
	At           time.Time `json:"at"`
	Actor        string    `json:"actor"`  // u-…, c-…, t-…, cli; empty where nobody is known
	Action       string    `json:"action"` // see the constants
	Organization string    `json:"organization,omitempty"`
	Object       string    `json:"object,omitempty"` // what was acted upon, by its opaque id
	Detail       string    `json:"detail,omitempty"` // words of closed sets: which fields, what for
	Outcome      string    `json:"outcome"`
	Network      string    `json:"network,omitempty"` // of the address, without the host
	Session      string    `json:"session,omitempty"` // the beginning of its hash
}

// Actions that other packages record; this one records its own.
const (
	Exported = "export"
	Unsealed = "unseal"
	Searched = "search_name"
	Denied   = "denied"
)

// Outcomes.
const (
	OK      = "ok"
	Failed  = "failed"  // a secret was wrong
	Refused = "refused" // the right was missing
	Waits   = "waits"   // and nothing is tried for a while
)

// Record adds to the trail what the context's principal did. Time, actor,
// network and session are filled in.
func (d *Directory) Record(ctx context.Context, e Entry) error { return d.record(ctx, d.pool, e) }

func (d *Directory) record(ctx context.Context, q execer, e Entry) error {
	if p := From(ctx); p != nil && e.Actor == "" {
		e.Actor = p.ID
	}
	v := visitOf(ctx)
	session := v.session
	if len(session) > 8 {
		session = session[:8]
	}
	_, err := q.Exec(ctx, `INSERT INTO app.trail (at, actor, action, organization, object, detail, outcome, address, session)
		VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, $9)`, d.now(), e.Actor, e.Action, e.Organization, e.Object, e.Detail, e.Outcome, network(v.Address), session)
	return err
}

// Spend is Record for what may not be done too often: at most so many times
// within the time before now by one principal, however many at once. What is not
// let through is recorded as well.
// Errors: *WaitError, and it must not be done.
func (d *Directory) Spend(ctx context.Context, e Entry, most int, within time.Duration) error {
	var until time.Time
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('socho.spend'), hashtext($1))`, From(ctx).Actor()); err != nil {
			return err
		}
		var oldest *time.Time
		var spent int
		if err := tx.QueryRow(ctx, `SELECT count(*), min(at) FROM app.trail WHERE actor = $1 AND action = $2 AND outcome = $3 AND at > $4`,
			From(ctx).Actor(), e.Action, OK, d.now().Add(-within)).Scan(&spent, &oldest); err != nil {
			return err
		}
		if spent >= most && oldest != nil {
			until, e.Outcome = oldest.Add(within), Waits
		}
		return d.record(ctx, tx, e)
	})
	if err == nil && !until.IsZero() {
		return &WaitError{until}
	}
	return err
}

// Require asks whether the context's principal has the right, as
// Principal.May does, and where the right needs it, whether they have stepped
// up. A refusal goes into the trail.
// Errors: ErrNotSignedIn, ErrDenied, ErrStepUp.
func (d *Directory) Require(ctx context.Context, right Right, organization string, object ...string) error {
	p := From(ctx)
	switch {
	case p == nil:
		return ErrNotSignedIn
	case !p.May(right, organization, object...):
		e := Entry{Action: Denied, Organization: organization, Object: string(right), Outcome: Refused}
		if err := d.Record(context.WithoutCancel(ctx), e); err != nil {
			return err
		}
		return ErrDenied
	case right.NeedsStepUp() && !p.SteppedUp(d.now()):
		return ErrStepUp
	}
	return nil
}

// TrailFilter says which entries to list. An empty actor or action does not
// matter.
type TrailFilter struct {
	Actor         string
	Action        string
	Organizations []string // those that the reader may see: with Everywhere all entries, without any none
}

// Trail lists entries, newest first, at most limit (1 to 500; 100 for 0) from
// the cursor on. An empty next says that there are no more.
//
// Ids are given out before the commit, so an entry may appear behind one that
// was read already; for an audit, read up to a moment that has passed.
//
// Errors: ErrCursor.
func (d *Directory) Trail(ctx context.Context, f TrailFilter, limit int, cursor string) (entries []Entry, next string, err error) {
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 500)
	before := int64(1<<63 - 1)
	if cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(cursor)
		if err == nil {
			before, err = strconv.ParseInt(string(b), 10, 64)
		}
		if err != nil {
			return nil, "", ErrCursor
		}
	}
	rows, err := d.pool.Query(ctx, `
		SELECT id, at, actor, action, organization, object, coalesce(detail, ''), outcome, address, session FROM app.trail
		WHERE id < $1 AND ($2 = '' OR actor = $2) AND ($3 = '' OR action = $3) AND (organization = ANY ($4) OR '*' = ANY ($4))
		ORDER BY id DESC LIMIT $5`, before, f.Actor, f.Action, f.Organizations, limit+1)
	if err != nil {
		return nil, "", err
	}
	entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
		var session []byte
		err = row.Scan(&e.ID, &e.At, &e.Actor, &e.Action, &e.Organization, &e.Object, &e.Detail, &e.Outcome, &e.Network, &session)
		e.Session = hex.EncodeToString(session)
		return e, err
	})
	if err != nil || len(entries) <= limit {
		return entries, "", err
	}
	entries = entries[:limit]
	return entries, base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, entries[limit-1].ID, 10)), nil
}
