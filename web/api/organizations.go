package api

import (
	"context"
	"errors"
	"slices"
	"sort"

	"socho/events"
	"socho/internal/adminunits"
	"socho/internal/readmodel"
	"socho/projections"
)

// Organization is one institution that keeps its book here.
type Organization struct {
	Organization string               `json:"organization"`
	Kind         string               `json:"kind" enum:"market,school,fund,province"`
	Name         string               `json:"name"`
	Unit         string               `json:"unit" doc:"Code of its commune or province."`
	BankBIN      string               `json:"bank_bin" doc:"Empty where it has no bank account here, likewise account."`
	Account      string               `json:"account"`
	Since        events.Date          `json:"since"`
	At           projections.Position `json:"at" doc:"The record that says so."`
}

func organizationOf(o *projections.Organization) Organization {
	return Organization{o.Organization, o.Kind, o.Name, o.Unit, o.BankBIN, o.Account, o.Since, o.At}
}

type organizationsInput struct {
	Paging
	Organization string `query:"organization" maxLength:"64" doc:"Only this one."`
	Kind         string `query:"kind" enum:"market,school,fund,province" doc:"Only these."`
	Unit         string `query:"unit" maxLength:"16" doc:"Only of this commune or province." example:"08"`
}

func (a *API) organizations(ctx context.Context, in *organizationsInput) (*pageOutput[Organization], error) {
	f := readmodel.OrganizationFilter{Kind: in.Kind}
	if in.Unit != "" {
		if f.Units = adminunits.Expand(in.Unit); len(f.Units) == 0 {
			return nil, wrong("query.unit", "There is no such administrative unit.")
		}
	}
	mine := scope(ctx, in.Organization)
	if mine == nil {
		found, next, err := a.Readers.Model.Organizations(ctx, f, in.page())
		if err != nil {
			return nil, err
		}
		items := make([]Organization, len(found))
		for i := range found {
			items[i] = organizationOf(&found[i])
		}
		return page(items, next), nil
	}
	return a.fewOrganizations(ctx, mine, f, in.Paging)
}

// fewOrganizations lists those that somebody has a right in, which are few.
func (a *API) fewOrganizations(ctx context.Context, mine []string, f readmodel.OrganizationFilter, p Paging) (*pageOutput[Organization], error) {
	key, err := p.after("organizations", 1)
	if err != nil {
		return nil, err
	}
	sort.Strings(mine)
	var items []Organization
	for _, id := range mine {
		if key != nil && id <= key[0] {
			continue
		}
		o, err := a.Readers.Model.Organization(ctx, id)
		if errors.Is(err, readmodel.ErrNotFound) {
			continue // the grant was there first
		}
		if err != nil {
			return nil, err
		}
		if f.Kind != "" && o.Kind != f.Kind || f.Units != nil && !slices.Contains(f.Units, o.Unit) {
			continue
		}
		if len(items) == p.Limit {
			return page(items, cursor("organizations", items[p.Limit-1].Organization)), nil
		}
		items = append(items, organizationOf(&o))
	}
	return page(items, ""), nil
}

type InOrganization struct {
	Organization string `path:"organization" minLength:"1" maxLength:"64" doc:"The organization." example:"hg-cho-dong-van"`
}

type organizationOutput struct{ Body Organization }

func (a *API) organization(ctx context.Context, in *InOrganization) (*organizationOutput, error) {
	o, err := a.Readers.Model.Organization(ctx, in.Organization)
	return &organizationOutput{organizationOf(&o)}, err
}
