package api

import (
	"context"
	"strconv"
	"strings"

	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/ledger"
)

type balancesInput struct {
	Paging
	Past
	Account string `query:"account" maxLength:"512" doc:"Only accounts whose name begins so." example:"hg-cho-dong-van:stall:A12:"`
}

func (a *API) balances(ctx context.Context, in *balancesInput) (*pageOutput[postgres.Balance], error) {
	as, err := in.asOf()
	if err != nil {
		return nil, err
	}
	key, err := in.after("balances", 2)
	if err != nil {
		return nil, err
	}
	var after ledger.AccountName
	if key != nil {
		after = ledger.AccountName{Organization: key[0], Path: key[1]}
	}
	organization, path, exact := strings.Cut(in.Account, ":")
	f := postgres.BalanceFilter{Path: path}
	if exact {
		f.Organizations = scope(ctx, organization)
	} else {
		f.Organizations, f.OrganizationPrefix = scope(ctx, ""), organization
	}
	items, err := a.accountsOf(as).BalancePage(ctx, f, as, after, in.Limit+1)
	if err != nil || len(items) <= in.Limit {
		return page(withoutTraders(ctx, items), ""), err
	}
	items = items[:in.Limit]
	organization, path, _ = strings.Cut(items[in.Limit-1].Account, ":")
	return page(withoutTraders(ctx, items), cursor("balances", organization, path)), nil
}

// accountsOf is where accounts are read: as they stand, through the database's own
// lock; as of the past, from history that takes the whole log.
func (a *API) accountsOf(as postgres.AsOf) *postgres.DB {
	if as.IsZero() {
		return a.Readers.Ledger
	}
	return a.Service.DB
}

type transfersInput struct {
	Paging
	Past
	Account string `query:"account" required:"true" minLength:"3" maxLength:"512" pattern:"^[a-z0-9-]{1,64}:.+$" doc:"The account's full name." example:"hg-cho-dong-van:bank:main"`
}

func (a *API) transfers(ctx context.Context, in *transfersInput) (*pageOutput[postgres.Posting], error) {
	as, err := in.asOf()
	if err != nil {
		return nil, err
	}
	key, err := in.after("transfers", 1)
	if err != nil {
		return nil, err
	}
	var place int64
	if key != nil {
		if place, err = strconv.ParseInt(key[0], 10, 64); err != nil || place <= 0 {
			return nil, readmodel.ErrCursor
		}
	}
	organization, path, _ := strings.Cut(in.Account, ":")
	if strings.HasPrefix(path, "trader:") && !mayRead(ctx, "") {
		return page([]postgres.Posting{}, ""), nil
	}
	items, place, err := a.accountsOf(as).PostingPage(ctx, ledger.AccountName{Organization: organization, Path: path}, as, place, in.Limit)
	next := ""
	if place != 0 {
		next = cursor("transfers", strconv.FormatInt(place, 10))
	}
	return page(items, next), err
}
