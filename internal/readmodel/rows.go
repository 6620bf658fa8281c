package readmodel

import (
	"errors"
	"math/big"

	"github.com/jackc/pgx/v5"
)

// only returns the one row of a query. Errors: ErrNotFound.
func only[T any](rows pgx.Rows, err error, scan pgx.RowToFunc[T]) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return row, err
}

// tenTo is the power of ten that PostgreSQL left out of a whole number.
func tenTo(exponent int32) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, 0))), nil)
}
