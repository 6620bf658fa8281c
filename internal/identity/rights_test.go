package identity_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"socho/internal/identity"
)

func TestMay(t *testing.T) {
	trader := &identity.Principal{Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Trader, Organization: "hg-cho", Object: "A12"}}}
	board := &identity.Principal{Kind: identity.Person, Grants: []identity.Grant{{Role: identity.MarketManager, Organization: "hg-cho"}}}
	province := &identity.Principal{Kind: identity.Person, Grants: []identity.Grant{{Role: identity.Official, Organization: identity.Everywhere}}}
	token := &identity.Principal{Kind: identity.Token, Grants: []identity.Grant{{Right: identity.SeeFigures, Organization: "hg-cho"}}}
	for _, c := range []struct {
		name         string
		who          *identity.Principal
		right        identity.Right
		organization string
		object       []string
		want         bool
	}{
		{"nobody", nil, identity.SeeFigures, "hg-cho", nil, false},
		{"a trader sees her stall", trader, identity.SeeBills, "hg-cho", []string{"A12"}, true},
		{"and no other", trader, identity.SeeBills, "hg-cho", []string{"A13"}, false},
		{"not that of another market", trader, identity.SeeBills, "hg-khac", []string{"A12"}, false},
		{"and not all stalls", trader, identity.SeeBills, "hg-cho", nil, false},
		{"the board sees every stall", board, identity.SeeBills, "hg-cho", []string{"A13"}, true},
		{"in its own market", board, identity.SeeBills, "hg-khac", nil, false},
		{"and not everywhere", board, identity.SeeBills, identity.Everywhere, nil, false},
		{"the province is everywhere", province, identity.SeeFigures, identity.Everywhere, nil, true},
		{"in each", province, identity.SeeFigures, "hg-cho", nil, true},
		{"but never unseals", province, identity.UnsealIdentity, "hg-cho", nil, false},
		{"an empty organization is none", province, identity.SeeFigures, "", nil, false},
		{"a token has its right", token, identity.SeeFigures, "hg-cho", nil, true},
		{"and no other right", token, identity.SeeBoard, "hg-cho", nil, false},
		{"an empty right is none", board, "", "hg-cho", nil, false},
		{"commands have all", identity.CLI(), identity.UnsealContact, "hg-cho", nil, true},
	} {
		if got := c.who.May(c.right, c.organization, c.object...); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if got := province.Organizations(identity.SeeFigures); !slices.Equal(got, []string{"*"}) {
		t.Errorf("the province: %v", got)
	}
	if got := trader.Organizations(identity.SeeBills); len(got) != 0 || !trader.MaySomewhere(identity.SeeBills) {
		t.Errorf("the trader: %v", got)
	}
}

func TestSteppedUp(t *testing.T) {
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at   time.Time
		want bool
	}{{time.Time{}, false}, {now, true}, {now.Add(-4 * time.Minute), true}, {now.Add(-5 * time.Minute), false}, {now.Add(time.Second), false}} {
		if got := (&identity.Principal{Kind: identity.Person, SteppedUpAt: c.at}).SteppedUp(now); got != c.want {
			t.Errorf("%s: %v", c.at, got)
		}
	}
}

// What separates duties is held here, whatever is added to the table.
func TestDutiesAreSeparate(t *testing.T) {
	for _, role := range identity.Roles() {
		has := func(r identity.Right) bool { return slices.Contains(role.Rights(), r) }
		if has(identity.ProposePayouts) && has(identity.ApprovePayouts) {
			t.Errorf("%s proposes and approves", role)
		}
		if has(identity.ManagePeople) && (has(identity.PublishEvents) || has(identity.UnsealIdentity) || has(identity.UnsealContact) || has(identity.ApprovePayouts)) {
			t.Errorf("%s has power over people and money", role)
		}
	}
	propose := identity.Grant{Role: identity.Proposer, Organization: "hg-quy"}
	for organization, want := range map[string]bool{"hg-quy": false, "*": false, "hg-khac": true} {
		err := identity.Compatible([]identity.Grant{propose, {Role: identity.Approver, Organization: organization}})
		if (err == nil) != want || err != nil && !errors.Is(err, identity.ErrFourEyes) {
			t.Errorf("%s: %v", organization, err)
		}
	}
}
