package reconcile

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/go-json-experiment/json"

	"socho/bank"
	"socho/events"
	"socho/internal/money"
	"socho/projections"
)

// Messages at a market's address are about its own accounts, about a trader's who
// has connected hers with her consent, or about neither. What is about neither is
// answered and not kept: it is somebody's history at a bank, and nobody has agreed
// that it comes here.

// Traders knows whose own account a message is about; *sales.Accounts does.
type Traders interface {
	Any(ctx context.Context, organization string) (bool, error)
	Standing(ctx context.Context, organization, number string, on events.Date) (projections.SalesConnection, bool, error)
	Moved(ctx context.Context, organization, number, content string) (proved bool, err error)
}

// Own notes a further account of an organization, whose messages are taken as those
// of the registered one are.
func (h *Hooks) Own(ctx context.Context, organization, number string) error {
	_, err := h.pool.Exec(ctx, `INSERT INTO app.hook_accounts (organization, token) VALUES ($1, $2) ON CONFLICT DO NOTHING`, organization, h.token(organization, number))
	return err
}

func (h *Hooks) token(organization, number string) []byte {
	mac := hmac.New(sha256.New, h.accounts)
	fmt.Fprintf(mac, "%s\x00%s", organization, bank.Fold(number))
	return mac.Sum(nil)
}

// own reports whether a message is about an account of the organization. Where
// nobody could have connected another, all are.
func (h *Hooks) own(ctx context.Context, im *Importer, number string) (own bool, err error) {
	if h.Traders == nil || im.Known != "" && bank.Fold(number) == bank.Fold(im.Known) {
		return true, nil
	}
	if !im.Market || im.Known == "" {
		if any, err := h.Traders.Any(ctx, im.Organization); err != nil || !any {
			return true, err
		}
	}
	err = h.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM app.hook_accounts WHERE organization = $1 AND token = $2)`,
		im.Organization, h.token(im.Organization, number)).Scan(&own)
	return own, err
}

// traders brings what was paid to a trader's account onto the log, and counts what
// is nobody's.
func (h *Hooks) traders(ctx context.Context, r *run, provider string, notices []*bank.Notice) error {
	var text []byte
	var passed int64
	for _, n := range notices {
		e := &n.Entry
		if e.Direction == bank.Debit {
			// Nothing that she pays is kept, only that it proved the account to be hers.
			if proved, err := h.Traders.Moved(ctx, r.Organization, e.Account, e.Remittance); err != nil {
				return err
			} else if !proved {
				passed++
			}
			continue
		}
		c, ok, err := h.Traders.Standing(ctx, r.Organization, e.Account, events.Date(day(e)))
		if err != nil {
			return err
		}
		if !ok {
			passed++
			continue
		}
		id, err := h.name(ctx, r.Organization, provider, n)
		if err != nil {
			return err
		}
		line, err := sale(e, &c, id)
		if err != nil {
			return err
		}
		text = append(append(text, line...), '\n')
	}
	if len(text) > 0 {
		if _, err := r.publish(ctx, string(text)); err != nil {
			return err
		}
	}
	if passed == 0 {
		return nil
	}
	h.log.InfoContext(ctx, "messages about accounts that nobody has connected were not kept", "provider", provider, "organization", r.Organization, "messages", passed)
	_, err := h.pool.Exec(ctx, `UPDATE app.hooks SET passed_over = passed_over + $3 WHERE organization = $1 AND provider = $2`, r.Organization, provider, passed)
	if err == nil && h.PassedOver != nil {
		h.PassedOver(provider, passed)
	}
	return err
}

// sale is what a message says as a fact about the trader. Who paid from which
// account is not kept: she sees the name, if the bank says one, and what was
// written.
func sale(e *bank.Entry, c *projections.SalesConnection, id string) ([]byte, error) {
	currency := money.Currency(e.Currency)
	scale, _ := currency.Scale()
	on := day(e)
	data := map[string]any{
		"effective_on": on, "amount": e.Amount.Decimal().StringFixed(scale), "currency": currency,
		"stall": c.Stall, "method": "bank", "connection": c.Connection, "line": id, "person": c.Trader,
	}
	personal := map[string]string{}
	for name, text := range map[string]string{"content": e.Remittance, "payer_name": e.CounterpartyName} {
		if text != "" {
			personal[name] = first(text, events.MaxPersonalChars)
		}
	}
	if len(personal) > 0 {
		data["personal"] = personal
	}
	seen, err := json.Marshal(data, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(seen)
	return event("sale-"+hex.EncodeToString(hash[:20]), "market.sale_received", c.Organization, on+"T"+clock(e.BookedAt)+"+07:00", "", data)
}
