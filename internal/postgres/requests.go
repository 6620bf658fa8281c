package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// RequestKey names one request of a principal, for RequestKept.
type RequestKey struct{ Principal, Key string }

// Bounds on how long a request's key is kept: answered, and under way, after
// which whoever took it counts as dead.
const (
	RequestKept     = 24 * time.Hour
	requestUnderWay = time.Minute
)

// Answered is what is known of a request. Status is 0 while it is under way.
type Answered struct {
	Request  []byte // its hash
	Status   int
	Response []byte
}

// ErrAnswerAltered says that a kept answer is not what was kept.
var ErrAnswerAltered = errors.New("a kept answer was altered in app.requests; delete its row")

// TakeKey takes a key for a request that is to be carried out now, and returns
// nil; or what is known of the request that holds it. Keys that have had their
// time are forgotten. Errors: ErrAnswerAltered.
func (db *DB) TakeKey(ctx context.Context, k RequestKey, request []byte) (earlier *Answered, err error) {
	if _, err := db.Exec(ctx, `
		DELETE FROM app.requests WHERE at < now() - $1::interval OR (status = 0 AND at < now() - $2::interval)`, RequestKept, requestUnderWay); err != nil {
		return nil, err
	}
	taken, err := db.Exec(ctx, `INSERT INTO app.requests (principal, key, request) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, k.Principal, k.Key, request)
	if err != nil || taken.RowsAffected() == 1 {
		return nil, err
	}
	var sum []byte
	earlier = &Answered{}
	err = db.QueryRow(ctx, `SELECT request, status, response, response_hash FROM app.requests WHERE principal = $1 AND key = $2`, k.Principal, k.Key).
		Scan(&earlier.Request, &earlier.Status, &earlier.Response, &sum)
	if errors.Is(err, pgx.ErrNoRows) { // given back meanwhile
		return &Answered{Request: request}, nil
	}
	if err == nil && earlier.Status != 0 && sha256.Sum256(earlier.Response) != [sha256.Size]byte(sum) {
		err = ErrAnswerAltered
	}
	return earlier, err
}

// KeepAnswer keeps what a request was answered.
func (db *DB) KeepAnswer(ctx context.Context, k RequestKey, status int, response []byte) error {
	sum := sha256.Sum256(response)
	_, err := db.Exec(ctx, `UPDATE app.requests SET status = $3, response = $4, response_hash = $5 WHERE principal = $1 AND key = $2`,
		k.Principal, k.Key, status, response, sum[:])
	return err
}

// GiveKeyBack lets a request try again that has come to nothing.
func (db *DB) GiveKeyBack(ctx context.Context, k RequestKey) error {
	_, err := db.Exec(ctx, `DELETE FROM app.requests WHERE principal = $1 AND key = $2`, k.Principal, k.Key)
	return err
}
