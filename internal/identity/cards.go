package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
)

// Card is a trader's card: who holds it shows a QR code with its token and
// knows the PIN.
type Card struct {
	ID           string     `json:"id"`
	Organization string     `json:"organization"`
	Stall        string     `json:"stall"`
	Holder       string     `json:"holder"`     // the person's id in the organization
	PINIsOwn     bool       `json:"pin_is_own"` // chosen by the holder
	CreatedAt    time.Time  `json:"created_at"`
	RevokedAt    *time.Time `json:"revoked_at,omitempty"`
}

// IssueCard makes a card for the holder of a stall: the token for its QR code
// and a first PIN, both to be handed over this one time. Cards of the stall
// that are held by somebody else stay; revoke them when a stall changes hands.
// Needs manage.people. Errors: ErrGrant; those of Require.
func (d *Directory) IssueCard(ctx context.Context, organization, stall, holder string) (c Card, token, pin string, err error) {
	g := Grant{Role: Trader, Organization: organization, Object: stall}
	if err := g.checkRole(); err != nil {
		return Card{}, "", "", err
	}
	if !events.ValidID(holder) {
		return Card{}, "", "", fmt.Errorf("%w: %q is no person", ErrGrant, holder)
	}
	if err := d.Require(ctx, ManagePeople, organization); err != nil {
		return Card{}, "", "", err
	}
	c = Card{ID: newID("c"), Organization: organization, Stall: stall, Holder: holder, CreatedAt: d.now()}
	token, pin = rand.Text(), newPIN()
	hash, err := d.hasher.hash(ctx, pin)
	if err != nil {
		return Card{}, "", "", err
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO app.cards (card, hash, organization, stall, holder, pin, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			c.ID, hashOf(token), organization, stall, holder, hash, From(ctx).Actor(), c.CreatedAt); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "card_issue", Organization: organization, Object: c.ID, Outcome: OK})
	})
	return c, token, pin, err
}

// Cards lists the cards of an organization, by stall, newest first.
// Needs manage.people. Errors: those of Require.
func (d *Directory) Cards(ctx context.Context, organization string) ([]Card, error) {
	if err := d.Require(ctx, ManagePeople, organization); err != nil {
		return nil, err
	}
	rows, err := d.pool.Query(ctx, `SELECT card, organization, stall, holder, pin_is_own, created_at, revoked_at FROM app.cards
		WHERE organization = $1 ORDER BY stall, created_at DESC`, organization)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Card])
}

// RevokeCard makes a card, its devices and its sessions worthless, at once.
// Errors: ErrNotFound; those of Require.
func (d *Directory) RevokeCard(ctx context.Context, card string) error {
	return d.onCard(ctx, card, "card_revoke", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE app.cards SET revoked_at = coalesce(revoked_at, $2) WHERE card = $1`, card, d.now()); err != nil {
			return err
		}
		if err := d.forgetDevices(ctx, tx, card); err != nil {
			return err
		}
		return d.endSessions(ctx, tx, card, nil)
	})
}

// ResetPIN gives the card a new first PIN, ends its sessions and forgets its
// devices, for a holder who has forgotten theirs and stands at the board's counter.
// Errors: ErrNotFound; those of Require.
func (d *Directory) ResetPIN(ctx context.Context, card string) (pin string, err error) {
	pin = newPIN()
	hash, err := d.hasher.hash(ctx, pin)
	if err != nil {
		return "", err
	}
	err = d.onCard(ctx, card, "pin_reset", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE app.cards SET pin = $2, pin_is_own = false WHERE card = $1`, card, hash); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM app.attempts WHERE key = $1`, d.keyedHash("card", card)); err != nil {
			return err
		}
		if err := d.forgetDevices(ctx, tx, card); err != nil {
			return err
		}
		return d.endSessions(ctx, tx, card, nil)
	})
	return pin, err
}

func (d *Directory) onCard(ctx context.Context, card, action string, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		var organization string
		if err := tx.QueryRow(ctx, `SELECT organization FROM app.cards WHERE card = $1 FOR UPDATE`, card).Scan(&organization); err != nil {
			return missing(err)
		}
		if err := d.Require(ctx, ManagePeople, organization); err != nil {
			return err
		}
		if err := f(tx); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: action, Organization: organization, Object: card, Outcome: OK})
	})
}

// ChangePIN sets the PIN of the signed-in trader, given the one before, and
// ends the card's other sessions.
// Errors: ErrNotSignedIn, ErrSignIn, *WaitError, ErrPIN.
func (d *Directory) ChangePIN(ctx context.Context, old, pin string) error {
	p := From(ctx)
	if p == nil || !isCard(p.ID) {
		return ErrNotSignedIn
	}
	if err := CheckPIN(pin); err != nil {
		return err
	}
	if err := d.checkPIN(ctx, "pin_change", p.ID, old); err != nil {
		return err
	}
	hash, err := d.hasher.hash(ctx, pin)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `UPDATE app.cards SET pin = $2, pin_is_own = true WHERE card = $1`, p.ID, hash)); err != nil {
			return err
		}
		return d.endSessions(ctx, tx, p.ID, visitOf(ctx).session)
	})
}

// cardOf finds the card of a QR code's token; empty where there is none.
func (d *Directory) cardOf(ctx context.Context, token string) (card string, pinIsOwn bool, err error) {
	err = d.pool.QueryRow(ctx, `SELECT card, pin_is_own FROM app.cards WHERE hash = $1 AND revoked_at IS NULL`, hashOf(token)).Scan(&card, &pinIsOwn)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return card, pinIsOwn, err
}

// checkPIN checks the PIN of a card; an empty card has none.
// Errors: ErrSignIn, *WaitError.
func (d *Directory) checkPIN(ctx context.Context, action, card, pin string) error {
	var account []byte
	if card != "" {
		account = d.keyedHash("card", card)
	}
	a, err := d.begin(ctx, action, account, ofPIN)
	if err != nil {
		return err
	}
	var hash string
	err = d.pool.QueryRow(ctx, `SELECT pin FROM app.cards WHERE card = $1 AND revoked_at IS NULL`, card).Scan(&hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	ok, err := d.hasher.match(ctx, pin, hash)
	if err != nil {
		return err
	}
	if !ok {
		return a.fail(ctx, card)
	}
	return a.succeed(ctx, card)
}

// CheckPIN says whether a PIN may be chosen: six digits, not all alike, not in
// a row up or down, not two or three figures repeated. Errors: ErrPIN.
func CheckPIN(pin string) error {
	if len(pin) != 6 || strings.Trim(pin, digits) != "" {
		return ErrPIN
	}
	up, down := true, true
	for i := 1; i < len(pin); i++ {
		step := (int(pin[i]) - int(pin[i-1]) + 10) % 10
		up, down = up && step == 1, down && step == 9
	}
	if up || down || pin[:3] == pin[3:] || pin[:2] == pin[2:4] && pin[2:4] == pin[4:] {
		return ErrPIN
	}
	return nil
}

// newPIN draws a PIN that CheckPIN takes.
func newPIN() string {
	for {
		n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		if err != nil {
			panic(err) // the system's random numbers never fail
		}
		if pin := fmt.Sprintf("%06d", n); CheckPIN(pin) == nil {
			return pin
		}
	}
}
