package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// DeviceIdle is how long a remembered device may be away before it is
// forgotten.
const DeviceIdle = 180 * 24 * time.Hour

// Device is a telephone that a trader's card was signed in on and that needs
// neither card nor PIN to look again.
type Device struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"` // what the browser calls itself, at most 80 bytes
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
}

// RememberDevice returns the token by which the signed-in trader's device opens
// a session from now on, without stepping up. Keep it in a cookie of its own.
// Errors: ErrNotSignedIn, ErrStepUp where the PIN was not given just now.
func (d *Directory) RememberDevice(ctx context.Context, name string) (token string, err error) {
	p := From(ctx)
	if p == nil || !isCard(p.ID) {
		return "", ErrNotSignedIn
	}
	if !p.SteppedUp(d.now()) {
		return "", ErrStepUp
	}
	for len(name) > 80 || !utf8.ValidString(name) {
		name = name[:min(len(name)-1, 80)]
	}
	token = rand.Text()
	id := newID("d")
	if _, err := d.pool.Exec(ctx, `INSERT INTO app.devices (device, hash, card, name, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $5)`,
		id, hashOf(token), p.ID, name, d.now()); err != nil {
		return "", err
	}
	return token, d.record(ctx, d.pool, Entry{Action: "device_add", Object: id, Outcome: OK})
}

// Devices lists the devices that the signed-in trader's card is remembered on,
// the last seen first. Errors: ErrNotSignedIn.
func (d *Directory) Devices(ctx context.Context) ([]Device, error) {
	p := From(ctx)
	if p == nil || !isCard(p.ID) {
		return nil, ErrNotSignedIn
	}
	rows, err := d.pool.Query(ctx, `SELECT device, name, created_at, seen_at FROM app.devices
		WHERE card = $1 AND revoked_at IS NULL AND seen_at > $2 ORDER BY seen_at DESC`, p.ID, d.now().Add(-DeviceIdle))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Device])
}

// ForgetDevice makes a device of the signed-in trader's card worthless, and
// ends the card's other sessions: one of them may be that device's.
// Errors: ErrNotSignedIn, ErrNotFound.
func (d *Directory) ForgetDevice(ctx context.Context, device string) error {
	p := From(ctx)
	if p == nil || !isCard(p.ID) {
		return ErrNotSignedIn
	}
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, `UPDATE app.devices SET revoked_at = $3 WHERE device = $1 AND card = $2 AND revoked_at IS NULL`, device, p.ID, d.now())); err != nil {
			return err
		}
		if err := d.endSessions(ctx, tx, p.ID, visitOf(ctx).session); err != nil {
			return err
		}
		return d.record(ctx, tx, Entry{Action: "device_forget", Object: device, Outcome: OK})
	})
}

// LeaveDevice makes a device worthless by its own token: whoever signs out on it
// has no use for it, and nobody else who holds a copy shall.
func (d *Directory) LeaveDevice(ctx context.Context, token string) error {
	var device, card string
	err := d.pool.QueryRow(ctx, `UPDATE app.devices SET revoked_at = $2 WHERE hash = $1 AND revoked_at IS NULL RETURNING device, card`,
		hashOf(token), d.now()).Scan(&device, &card)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.record(ctx, d.pool, Entry{Actor: card, Action: "device_forget", Object: device, Outcome: OK})
}

// forgetDevices makes every device of a card worthless: one would open a session
// again where they have just been ended.
func (d *Directory) forgetDevices(ctx context.Context, tx pgx.Tx, card string) error {
	_, err := tx.Exec(ctx, `UPDATE app.devices SET revoked_at = $2 WHERE card = $1 AND revoked_at IS NULL`, card, d.now())
	return err
}

// cardOnDevice finds the card of a remembered device.
// Errors: ErrSignIn, *WaitError.
func (d *Directory) cardOnDevice(ctx context.Context, token string) (card string, err error) {
	a, err := d.begin(ctx, "device", nil, ofPIN)
	if err != nil {
		return "", err
	}
	err = d.pool.QueryRow(ctx, `
		UPDATE app.devices SET seen_at = $2 FROM app.cards
		WHERE devices.hash = $1 AND cards.card = devices.card AND devices.revoked_at IS NULL AND cards.revoked_at IS NULL AND seen_at > $3
		RETURNING cards.card`, hashOf(token), d.now(), d.now().Add(-DeviceIdle)).Scan(&card)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", a.fail(ctx, "")
	}
	if err != nil {
		return "", err
	}
	return card, a.succeed(ctx, card)
}
