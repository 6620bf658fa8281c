package identity

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how many attempts may fail before the next one has to wait, and
// for how long: first, then twice as long each time, up to most.
type patience struct {
	free        int
	first, most time.Duration
}

// What failed longer ago than this is forgotten.
const forgetAfter = 24 * time.Hour

var (
	// An account of staff: about 100 guesses a day. Whoever locks somebody else
	// out that way does so for a quarter of an hour, and not where they work.
	ofAccount = patience{5, 30 * time.Second, 15 * time.Minute}
	// A PIN has a million values, and holders forget: about 30 guesses on the first
	// day, one an hour afterwards, and each needs the card or its telephone.
	ofPIN = patience{3, time.Minute, time.Hour}
	// An address may be a whole market behind one gateway of the mobile network.
	ofAddress = patience{60, 30 * time.Second, 15 * time.Minute}
)

// charge counts an attempt as failed before it is made, so that many at once
// count as many; whoever then succeeds is forgiven. Errors: *WaitError, and
// nothing is to be tried.
func (d *Directory) charge(ctx context.Context, key []byte, p patience) (failures int, err error) {
	now := d.now()
	err = d.pool.QueryRow(ctx, `
		INSERT INTO app.attempts AS a (key, failures, last_at, until) VALUES ($1, 1, $2, $2)
		ON CONFLICT (key) DO UPDATE SET
			failures = CASE WHEN a.last_at < $2 - $6::interval THEN 1 ELSE a.failures + 1 END,
			last_at = $2,
			until = CASE WHEN a.last_at < $2 - $6::interval OR a.failures + 1 < $3 THEN $2
				ELSE $2 + least($5::interval, $4::interval * power(2, least(a.failures + 1 - $3, 20))) END
		WHERE a.until <= $2
		RETURNING failures`, key, now, p.free, p.first, p.most, forgetAfter).Scan(&failures)
	if !errors.Is(err, pgx.ErrNoRows) {
		return failures, err
	}
	wait := &WaitError{}
	if err := d.pool.QueryRow(ctx, `SELECT until FROM app.attempts WHERE key = $1`, key).Scan(&wait.Until); err != nil {
		wait.Until = now.Add(p.first) // just forgiven; the next attempt goes through
	}
	return 0, wait
}

// forgive forgets the failures of an account whose holder came in.
func (d *Directory) forgive(ctx context.Context, key []byte) error {
	_, err := d.pool.Exec(ctx, `DELETE FROM app.attempts WHERE key = $1`, key)
	return err
}

// giveBack takes back one attempt that succeeded; those that failed stay. An
// address is never forgiven more: one's own account must not pay for guesses at
// others.
func (d *Directory) giveBack(ctx context.Context, key []byte) error {
	_, err := d.pool.Exec(ctx, `UPDATE app.attempts SET failures = greatest(failures - 1, 0), until = least(until, $2) WHERE key = $1`, key, d.now())
	return err
}

// attempt is one try at a secret, charged to the account or card and to the
// address.
type attempt struct {
	d             *Directory
	action        string
	account, from []byte // keys; from is nil where the address is not known
	waits         bool   // the next one will have to
}

// begin charges an attempt. Errors: *WaitError.
func (d *Directory) begin(ctx context.Context, action string, account []byte, p patience) (*attempt, error) {
	a := &attempt{d: d, action: action, account: account, from: d.addressKey(visitOf(ctx).Address)}
	if a.from != nil {
		n, err := d.charge(ctx, a.from, ofAddress)
		if err != nil {
			return nil, err
		}
		a.waits = n >= ofAddress.free
	}
	if account != nil {
		n, err := d.charge(ctx, account, p)
		if err != nil {
			return nil, err
		}
		a.waits = a.waits || n >= p.free
	}
	return a, nil
}

// knownFor is how long a network is remembered as one that somebody came in from.
const knownFor = 30 * 24 * time.Hour

// beginAt charges an attempt at an account of staff; person is empty where there
// is none of that name. From a network that its owner came in from lately attempts
// count apart: whoever guesses elsewhere, day and night, makes the account wait
// there and not here. Errors: *WaitError.
func (d *Directory) beginAt(ctx context.Context, action, name, person string) (*attempt, error) {
	from := network(visitOf(ctx).Address)
	var known bool
	err := d.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM app.trail WHERE actor = $1 AND action IN ('sign_in', 'second_factor') AND outcome = 'ok'
		AND address = $2 AND address <> '' AND at > $3)`, cmp.Or(person, "nobody"), from, d.now().Add(-knownFor)).Scan(&known)
	if err != nil {
		return nil, err
	}
	key := d.keyedHash("name", name)
	if known {
		key = d.nameAt(name, from)
	}
	return d.begin(ctx, action, key, ofAccount)
}

func (d *Directory) nameAt(name, network string) []byte {
	return d.keyedHash("name and network", name+"\x00"+network)
}

func (d *Directory) addressKey(a netip.Addr) []byte {
	if !a.IsValid() {
		return nil
	}
	if a.Is6() { // a household has a whole /64
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return d.keyedHash("address", a.String())
}

// fail writes the failure down and returns ErrSignIn. actor is whose account
// it was, empty where there is none; what was typed is never kept.
func (a *attempt) fail(ctx context.Context, actor string) error {
	ctx = context.WithoutCancel(ctx)
	if err := a.d.record(ctx, a.d.pool, Entry{Actor: actor, Action: a.action, Outcome: Failed}); err != nil {
		return err
	}
	if a.waits {
		if err := a.d.record(ctx, a.d.pool, Entry{Actor: actor, Action: "lock_out", Outcome: Waits}); err != nil {
			return err
		}
	}
	return ErrSignIn
}

// giveBack takes the charge back where the attempt was right and decides
// nothing yet.
func (a *attempt) giveBack(ctx context.Context) error {
	for _, key := range [][]byte{a.account, a.from} {
		if key != nil {
			if err := a.d.giveBack(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// succeed takes the charge back, forgives the account's failures and writes
// the success down.
func (a *attempt) succeed(ctx context.Context, actor string) error {
	if err := a.giveBack(ctx); err != nil {
		return err
	}
	if a.account != nil {
		if err := a.d.forgive(ctx, a.account); err != nil {
			return err
		}
	}
	return a.d.record(ctx, a.d.pool, Entry{Actor: actor, Action: a.action, Outcome: OK})
}
