package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// RFC 6238 with what every authenticator app takes: SHA-1, six digits, steps
// of 30 seconds. One step to either side is accepted, for clocks that are off.
const (
	totpPeriod  = 30 // seconds
	totpIssuer  = "Sổ Chợ"
	totpSkew    = 1
	recoverySet = 10 // codes
)

// TOTPOffer is a second factor that is being set up: URL is shown as a QR
// code, Secret to be typed, and Sealed goes back to ConfirmTOTP with the code
// that the app shows. Nothing is kept until then.
type TOTPOffer struct {
	URL    string // otpauth://…
	Secret string // base32
	Sealed string // only this server opens it, for this person
}

// OfferTOTP begins the set-up of a second factor for the signed-in staff, who
// has stepped up. Errors: ErrNotSignedIn, ErrStepUp.
func (d *Directory) OfferTOTP(ctx context.Context) (TOTPOffer, error) {
	p, err := d.provedStaff(ctx)
	if err != nil {
		return TOTPOffer{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: p.Name, Period: totpPeriod, Rand: rand.Reader})
	if err != nil {
		return TOTPOffer{}, err
	}
	sealed, err := d.seal.Encrypt([]byte(key.Secret()), totpPlace(p.ID))
	return TOTPOffer{URL: key.URL(), Secret: key.Secret(), Sealed: base64.RawURLEncoding.EncodeToString(sealed)}, err
}

// ConfirmTOTP sets the offered factor up once the app has shown the right code,
// and returns the recovery codes, to be shown this one time.
// Errors: ErrNotSignedIn, ErrStepUp, ErrSignIn for a wrong code, *WaitError.
func (d *Directory) ConfirmTOTP(ctx context.Context, offer, code string) (recovery []string, err error) {
	p, err := d.provedStaff(ctx)
	if err != nil {
		return nil, err
	}
	a, err := d.beginAt(ctx, "totp_set", p.Name, p.ID)
	if err != nil {
		return nil, err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(offer)
	if err != nil {
		return nil, a.fail(ctx, p.ID)
	}
	secret, err := d.seal.Decrypt(sealed, totpPlace(p.ID))
	if err != nil {
		return nil, a.fail(ctx, p.ID)
	}
	step, ok := totpStep(string(secret), code, d.now())
	if !ok {
		return nil, a.fail(ctx, p.ID)
	}
	codes, hashes := newRecovery()
	err = d.change(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE app.people SET totp = $2, totp_step = $3, recovery = $4 WHERE person = $1`, p.ID, sealed, step, hashes); err != nil {
			return err
		}
		return d.endSessions(ctx, tx, p.ID, visitOf(ctx).session)
	})
	if err != nil {
		return nil, err
	}
	return codes, a.succeed(ctx, p.ID)
}

// NewRecovery replaces the recovery codes of the signed-in staff, who has
// stepped up. Errors: ErrNotSignedIn, ErrStepUp, ErrNotFound without a second
// factor.
func (d *Directory) NewRecovery(ctx context.Context) ([]string, error) {
	p, err := d.provedStaff(ctx)
	if err != nil {
		return nil, err
	}
	codes, hashes := newRecovery()
	if err := one(d.pool.Exec(ctx, `UPDATE app.people SET recovery = $2 WHERE person = $1 AND totp IS NOT NULL`, p.ID, hashes)); err != nil {
		return nil, err
	}
	return codes, d.record(ctx, d.pool, Entry{Action: "recovery_set", Outcome: OK})
}

func totpPlace(person string) []byte { return []byte("totp|" + person) }

// totpStep returns the step that a code belongs to.
func totpStep(secret, code string, now time.Time) (step int64, ok bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	at := now.Unix() / totpPeriod
	for s := at - totpSkew; s <= at+totpSkew; s++ {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(s*totpPeriod, 0),
			totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// useTOTP accepts a code whose step is later than any accepted before: of two
// requests with one code, the database lets one through (RFC 6238, 5.2).
func (d *Directory) useTOTP(ctx context.Context, person string, sealed []byte, code string) (bool, error) {
	secret, err := d.seal.Decrypt(sealed, totpPlace(person))
	if err != nil {
		return false, err
	}
	step, ok := totpStep(string(secret), code, d.now())
	if !ok {
		return false, nil
	}
	tag, err := d.pool.Exec(ctx, `UPDATE app.people SET totp_step = $2 WHERE person = $1 AND totp_step < $2`, person, step)
	return err == nil && tag.RowsAffected() == 1, err
}

// useRecovery takes a recovery code off the list.
func (d *Directory) useRecovery(ctx context.Context, person, code string) (bool, error) {
	tag, err := d.pool.Exec(ctx, `UPDATE app.people SET recovery = array_remove(recovery, $2) WHERE person = $1 AND $2 = ANY (recovery)`,
		person, recoveryHash(code))
	return err == nil && tag.RowsAffected() == 1, err
}

// newRecovery makes codes of 130 random bits, in groups that a hand can copy:
// enough to be kept as a plain hash (ASVS 6.5.2).
func newRecovery() (codes []string, hashes [][]byte) {
	for range recoverySet {
		c := strings.ToLower(rand.Text())
		codes = append(codes, strings.Join([]string{c[:5], c[5:10], c[10:15], c[15:20], c[20:]}, "-"))
		hashes = append(hashes, recoveryHash(c))
	}
	return codes, hashes
}

func recoveryHash(code string) []byte {
	return hashOf("recovery:" + strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(code))))
}
