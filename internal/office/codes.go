package office

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/internal/books"
	"socho/projections"
)

// Codes returns the account codes that an organization keeps, or those it starts
// from.
func (o *Office) Codes(ctx context.Context, org projections.Organization) (books.Codes, error) {
	rows, err := o.App.Query(ctx, `SELECT account, code, name FROM app.account_codes WHERE organization = $1 ORDER BY place`, org.Organization)
	if err != nil {
		return nil, err
	}
	codes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[books.Code])
	if err == nil && len(codes) == 0 {
		return books.DefaultCodes(org.Kind), nil
	}
	return codes, err
}

// SetCodes puts a list of account codes in the place of what an organization
// kept; an empty one brings back what it started from. Whole or not at all.
func (o *Office) SetCodes(ctx context.Context, organization string, codes books.Codes) error {
	return pgx.BeginFunc(ctx, o.App, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM app.account_codes WHERE organization = $1`, organization); err != nil {
			return err
		}
		for i, c := range codes {
			if _, err := tx.Exec(ctx, `INSERT INTO app.account_codes (organization, place, account, code, name) VALUES ($1, $2, $3, $4, $5)`,
				organization, i, c.Account, c.Code, c.Name); err != nil {
				return err
			}
		}
		return nil
	})
}
