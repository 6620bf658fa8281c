package vault_test

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/vault"
)

var (
	_ vault.DB = (*pgxpool.Pool)(nil)
	_ vault.DB = (*pgx.Conn)(nil)
)
