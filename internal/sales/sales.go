// Package sales knows whose own account a bank's message is about: that of a trader
// who consents that her takings are shown to her. It finds her by a keyed hash of
// the account number, which is kept nowhere in clear, and by nothing once she has
// taken her consent back.
//
// Anybody can type the number that hangs at a neighbour's stall. So an account
// takes nothing in before it is proved: by a transfer out of it that carries a
// code, which only its owner can make, or by the board's word.
//
//	accounts := sales.Accounts{Vault: vault, Read: read, Key: key}
//	err := accounts.Give(ctx, "hg-cho", "p-17", "k-1", "0011001234567") // before the consent is said
//	c, ok, err := accounts.Standing(ctx, "hg-cho", "0011001234567", "2026-09-01")
//	err = accounts.Forget(ctx, "hg-cho", "k-1")
//
// It must never know HTTP or what a message looks like.
package sales

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"socho/bank"
	"socho/events"
	"socho/internal/readmodel"
	"socho/internal/vault"
	"socho/projections"
)

// Index finds accounts by keyed hashes; *vault.Vault does.
type Index interface {
	RememberAccount(ctx context.Context, ref vault.AccountRef, number string) error
	FindAccount(ctx context.Context, organization, number string) (vault.AccountRef, bool, error)
	AccountOf(ctx context.Context, organization, object string) (vault.AccountRef, bool, error)
	ProveAccount(ctx context.Context, organization, object string) (bool, error)
	ForgetAccount(ctx context.Context, organization, object string) error
}

// Consents are the connections that stand on the log; *readmodel.DB has them.
type Consents interface {
	SalesConnection(ctx context.Context, organization, connection string) (projections.SalesConnection, error)
	AnySalesConnection(ctx context.Context, organization string) (bool, error)
}

// Accounts are the traders' accounts of every organization.
type Accounts struct {
	Vault Index
	Read  Consents
	Key   []byte // proofs are derived from it
}

// ErrTaken: the account is connected already, perhaps by somebody else.
var ErrTaken = errors.New("the account is connected already")

// States of an account that was given for a connection.
const (
	None   = ""       // there is none: never given, or forgotten
	Asked  = "asked"  // given, and not proved yet: nothing is taken in
	Proved = "proved" // what is paid to it is taken in while the consent stands
)

// Give notes which account a connection is for. It comes before the consent: an
// account without a consent takes nothing in. Errors: ErrTaken, vault.ErrErased;
// those of the database.
func (a *Accounts) Give(ctx context.Context, organization, trader, connection, number string) error {
	err := a.Vault.RememberAccount(ctx, vault.AccountRef{Organization: organization, Person: trader, Object: connection}, bank.Fold(number))
	if errors.Is(err, vault.ErrAccountTaken) {
		return ErrTaken
	}
	return err
}

// Forget lets nobody be found by a connection's account. Doing it twice does
// nothing more.
func (a *Accounts) Forget(ctx context.Context, organization, connection string) error {
	return a.Vault.ForgetAccount(ctx, organization, connection)
}

// State is one of None, Asked and Proved.
func (a *Accounts) State(ctx context.Context, organization, connection string) (string, error) {
	ref, ok, err := a.Vault.AccountOf(ctx, organization, connection)
	switch {
	case err != nil || !ok:
		return None, err
	case ref.Proved:
		return Proved, nil
	}
	return Asked, nil
}

// letters of a code: those of reference codes, none of which looks like another.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Code is what a transfer out of the account carries in its content to prove it:
// ten letters and digits that nobody can know beforehand.
func (a *Accounts) Code(organization, connection string) string {
	mac := hmac.New(sha256.New, a.Key)
	fmt.Fprintf(mac, "proof of account\x00%s\x00%s", organization, connection)
	code := []byte("XN")
	for _, b := range mac.Sum(nil)[:8] {
		code = append(code, letters[int(b)%len(letters)])
	}
	return string(code)
}

// Confirm is the board's word that a connection's account is the trader's. Errors:
// readmodel.ErrNotFound where no account waits for it.
func (a *Accounts) Confirm(ctx context.Context, organization, connection string) error {
	found, err := a.Vault.ProveAccount(ctx, organization, connection)
	if err == nil && !found {
		err = readmodel.ErrNotFound
	}
	return err
}

// Any reports whether traders of an organization connect accounts at all.
func (a *Accounts) Any(ctx context.Context, organization string) (bool, error) {
	return a.Read.AnySalesConnection(ctx, organization)
}

// Standing returns the consent under which what is paid to an account on a day is
// taken in; ok is false where there is none. An account whose consent is over is
// forgotten on the way: it was left where a process ended between the two steps of
// taking a consent back, or it ran out.
func (a *Accounts) Standing(ctx context.Context, organization, number string, on events.Date) (c projections.SalesConnection, ok bool, err error) {
	ref, found, err := a.Vault.FindAccount(ctx, organization, bank.Fold(number))
	if err != nil || !found {
		return c, false, err
	}
	c, err = a.Read.SalesConnection(ctx, organization, ref.Object)
	switch {
	case errors.Is(err, readmodel.ErrNotFound):
		return c, false, nil // the consent has yet to be said
	case err != nil:
		return c, false, err
	case c.EndedOn != "" || c.Until < on:
		return c, false, a.Forget(ctx, organization, ref.Object)
	case c.Trader != ref.Person:
		return c, false, nil
	}
	return c, ref.Proved && c.Stands(on), nil
}

// Moved looks at the content of a transfer out of an account: where it carries the
// code of the connection that the account was given for, the account is proved.
func (a *Accounts) Moved(ctx context.Context, organization, number, content string) (proved bool, err error) {
	ref, found, err := a.Vault.FindAccount(ctx, organization, bank.Fold(number))
	if err != nil || !found || ref.Proved || !strings.Contains(bank.Fold(content), a.Code(organization, ref.Object)) {
		return false, err
	}
	return a.Vault.ProveAccount(ctx, organization, ref.Object)
}
