package reconcile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"socho/bank"
	"socho/events"
)

// Hooks takes messages of banks' webhooks: signed, each once, on the log before
// the sender hears that they arrived.
type Hooks struct {
	pool *pgxpool.Pool
	seal tink.AEAD
	// Importer returns whoever takes an organization's lines in.
	importer func(ctx context.Context, organization string) (*Importer, error)
	// Traders knows accounts that are not the organization's. nil: all are.
	Traders Traders
	// PassedOver, if given, hears how many messages of a provider were not kept.
	PassedOver func(provider string, messages int64)
	accounts   []byte // key of the hashes of organizations' further accounts
	log        *slog.Logger
	now        func() time.Time
}

// NewHooks opens the connections. derive expands the master key.
func NewHooks(pool *pgxpool.Pool, derive func(purpose string) ([]byte, error), importer func(context.Context, string) (*Importer, error), log *slog.Logger) (*Hooks, error) {
	key, err := derive("hooks")
	if err != nil {
		return nil, err
	}
	seal, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	accounts, err := derive("hooks accounts")
	if err != nil {
		return nil, err
	}
	return &Hooks{pool: pool, seal: seal, importer: importer, accounts: accounts, log: log, now: time.Now}, nil
}

// Hook is one connection, without its secrets.
type Hook struct {
	Organization string     `json:"organization"`
	Provider     string     `json:"provider"`
	Account      string     `json:"account,omitempty"`
	Secrets      int        `json:"secrets"` // live: 2 while one is being replaced
	CreatedAt    time.Time  `json:"created_at"`
	UsedAt       *time.Time `json:"used_at,omitempty"`
	PassedOver   int64      `json:"passed_over"` // about accounts that nobody has connected: answered, not kept
}

// ErrNoHook: there is no such connection.
var ErrNoHook = errors.New("this organization is not connected to that provider")

// minSecret is the least length of a secret, in bytes: what a provider makes up is
// longer, what a person makes up should be.
const minSecret = 16

// Connect lets a provider's messages in for an organization. Where it is connected
// already, the secret before stays live beside the new one until Settle.
// Errors: an unknown provider, a secret that is too short.
func (h *Hooks) Connect(ctx context.Context, organization, provider, account, secret, by string) error {
	switch {
	case bank.Senders[provider] == nil:
		return fmt.Errorf("there is no provider %q; there are sepay, casso and payos", provider)
	case !events.ValidOrganization(organization), account != "" && !events.ValidID(account):
		return errors.New("an organization is 1 to 64 of a-z 0-9 -, an account 1 to 64 of A-Z a-z 0-9 . _ -")
	case len(secret) < minSecret:
		return fmt.Errorf("a secret has at least %d characters", minSecret)
	}
	sealed, err := h.seal.Encrypt([]byte(secret), place(organization, provider))
	if err != nil {
		return err
	}
	_, err = h.pool.Exec(ctx, `INSERT INTO app.hooks (organization, provider, account, secrets, created_by) VALUES ($1, $2, $3, ARRAY[$4::bytea], $5)
		ON CONFLICT (organization, provider) DO UPDATE SET secrets = ARRAY[$4::bytea, hooks.secrets[1]], account = $3, created_by = $5, created_at = now()`,
		organization, provider, account, sealed, by)
	return err
}

// Settle forgets the secret before the newest. Errors: ErrNoHook.
func (h *Hooks) Settle(ctx context.Context, organization, provider string) error {
	return h.one(ctx, `UPDATE app.hooks SET secrets = secrets[1:1] WHERE organization = $1 AND provider = $2`, organization, provider)
}

// Disconnect takes no more messages. Errors: ErrNoHook.
func (h *Hooks) Disconnect(ctx context.Context, organization, provider string) error {
	return h.one(ctx, `DELETE FROM app.hooks WHERE organization = $1 AND provider = $2`, organization, provider)
}

func (h *Hooks) one(ctx context.Context, query, organization, provider string) error {
	tag, err := h.pool.Exec(ctx, query, organization, provider)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNoHook
	}
	return err
}

// List returns every connection, by organization and provider.
func (h *Hooks) List(ctx context.Context) ([]Hook, error) {
	rows, err := h.pool.Query(ctx, `SELECT organization, provider, account, cardinality(secrets), created_at, used_at, passed_over FROM app.hooks ORDER BY organization, provider`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Hook])
}

func place(organization, provider string) []byte {
	return []byte("hook " + organization + " " + provider)
}

// ServeHTTP answers POST /hooks/{provider}/{organization}. What is not signed is
// answered alike, whether there is such an organization or not.
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	provider, organization := r.PathValue("provider"), r.PathValue("organization")
	sender := bank.Senders[provider]
	if sender == nil || !events.ValidOrganization(organization) {
		answer(w, http.StatusUnauthorized, []byte(`{"success":false}`))
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bank.MaxDeliveryBytes+1))
	if err != nil {
		answer(w, http.StatusBadRequest, []byte(`{"success":false}`))
		return
	}
	secrets, account, err := h.secrets(r.Context(), organization, provider)
	if err == nil {
		var notices []bank.Notice
		if notices, err = bank.Receive(sender, bank.Delivery{Header: r.Header.Get, Body: body, ReceivedAt: h.now()}, secrets); err == nil {
			err = h.take(r.Context(), organization, provider, account, notices)
		}
	}
	switch {
	case err == nil:
		answer(w, http.StatusOK, sender.Answer())
	case errors.Is(err, bank.ErrSignature), errors.Is(err, bank.ErrStale):
		answer(w, http.StatusUnauthorized, []byte(`{"success":false}`))
	case errors.Is(err, bank.ErrBody):
		answer(w, http.StatusBadRequest, []byte(`{"success":false}`))
	default: // the sender tries again
		h.log.ErrorContext(r.Context(), "a bank's message was not taken", "provider", provider, "organization", organization, "error", err)
		answer(w, http.StatusServiceUnavailable, []byte(`{"success":false}`))
	}
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // whoever went away asks again
}

// secrets opens the live secrets of a connection; none where there is none.
func (h *Hooks) secrets(ctx context.Context, organization, provider string) (secrets []string, account string, err error) {
	var sealed [][]byte
	err = h.pool.QueryRow(ctx, `SELECT secrets, account FROM app.hooks WHERE organization = $1 AND provider = $2`, organization, provider).Scan(&sealed, &account)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", nil
	}
	for _, text := range sealed {
		clear, err := h.seal.Decrypt(text, place(organization, provider))
		if err != nil {
			return nil, "", err
		}
		secrets = append(secrets, string(clear))
	}
	return secrets, account, err
}

// take brings the movements onto the log and places what it can.
func (h *Hooks) take(ctx context.Context, organization, provider, account string, notices []bank.Notice) error {
	im, err := h.importer(ctx, organization)
	if err != nil {
		return err
	}
	im.Account, im.Actor = account, "hook:"+provider
	run := run{Importer: im, report: &Report{}}
	var others []*bank.Notice
	for i := range notices {
		n := &notices[i]
		if n.Entry.Amount.IsZero() {
			continue
		}
		own, err := h.own(ctx, im, n.Entry.Account)
		if err != nil {
			return err
		}
		if !own {
			others = append(others, n)
			continue
		}
		id, err := h.name(ctx, organization, provider, n)
		if err != nil {
			return err
		}
		l, err := run.line(&n.Entry, id)
		if err != nil {
			return err
		}
		run.lines = append(run.lines, l)
	}
	if err := run.flush(ctx); err != nil {
		return err
	}
	if err := h.traders(ctx, &run, provider, others); err != nil {
		return err
	}
	_, err = h.pool.Exec(ctx, `UPDATE app.hooks SET used_at = $3 WHERE organization = $1 AND provider = $2`, organization, provider, h.now())
	return err
}

// name is the id of a notice's line. All messages of one sender are one source:
// the n-th that shows the same is the n-th line.
func (h *Hooks) name(ctx context.Context, organization, provider string, n *bank.Notice) (id string, err error) {
	key, notice := bank.KeyOf(&n.Entry), sha256.Sum256([]byte(n.ID))
	var ordinal int
	err = pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		// One message of a sender at a time.
		if _, err := tx.Exec(ctx, `SELECT FROM app.hooks WHERE organization = $1 AND provider = $2 FOR UPDATE`, organization, provider); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `SELECT ordinal FROM app.hook_notices WHERE organization = $1 AND provider = $2 AND notice = $3 AND key = $4`,
			organization, provider, notice[:], key[:]).Scan(&ordinal)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return tx.QueryRow(ctx, `INSERT INTO app.hook_notices (organization, provider, notice, key, ordinal)
			SELECT $1, $2, $3, $4, 1 + count(*) FROM app.hook_notices WHERE organization = $1 AND provider = $2 AND key = $4
			ON CONFLICT (organization, provider, notice) DO NOTHING RETURNING ordinal`, organization, provider, notice[:], key[:]).Scan(&ordinal)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("%w: an id of the sender's with other content", bank.ErrBody)
	}
	return key.ID(ordinal), err
}
