package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/postgres"
	"socho/internal/sample"
)

// TestSamplePeople: whoever the sample's people work for keeps a book in the
// sample, one person for each role of staff, and the trader's stall is billed.
func TestSamplePeople(t *testing.T) {
	var events bytes.Buffer
	if err := sample.Generate(&events, sample.Options{}); err != nil {
		t.Fatal(err)
	}
	has := func(parts ...string) bool {
		for line := range bytes.Lines(events.Bytes()) {
			found := true
			for _, part := range parts {
				found = found && bytes.Contains(line, []byte(part))
			}
			if found {
				return true
			}
		}
		return false
	}
	roles := map[identity.Role]bool{}
	for _, p := range samplePeople {
		roles[p.grant.Role] = true
		if p.grant.Organization != identity.Everywhere && !has("organization.registered", fmt.Sprintf("%q", p.grant.Organization)) {
			t.Errorf("%s works for %s, which the sample does not have", p.name, p.grant.Organization)
		}
	}
	if len(roles) != len(identity.Roles())-1 || roles[identity.Trader] {
		t.Errorf("roles: %v", roles)
	}
	if !has("market.fee_assessed", sampleTrader.Organization, fmt.Sprintf(`"stall":%q`, sampleTrader.Stall)) {
		t.Errorf("%+v is billed nothing", sampleTrader)
	}
}

// TestSecuritySamplePeople: where pages leave this machine nobody of the sample
// comes in any more, by whatever was tried here.
func TestSecuritySamplePeople(t *testing.T) {
	db, err := postgres.Open(t.Context(), testdb.Database(t, "sample", func(ctx context.Context, url string) error {
		return postgres.Migrate(ctx, url, "app", postgres.AppMigrations())
	}), "app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	people, err := identity.Open(db.Pool, func(string) ([]byte, error) { return make([]byte, 32), nil })
	if err != nil {
		t.Fatal(err)
	}
	ctx := identity.With(t.Context(), identity.CLI())
	p := samplePeople[len(samplePeople)-1]
	if err := samplePerson(ctx, people, p.name, "chợ phiên Đồng Văn chủ nhật", p.grant); err != nil {
		t.Fatal(err)
	}
	staff, err := people.Staff(ctx, p.name)
	if err != nil {
		t.Fatal(err)
	}
	made := identity.With(t.Context(), &identity.Principal{ID: staff.ID, Kind: identity.Person, Grants: staff.Grants, SteppedUpAt: time.Now()})
	_, secret, err := people.CreateToken(made, "x", []identity.Grant{{Right: identity.SeeBills, Organization: identity.Everywhere}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := people.IssueCard(ctx, sampleTrader.Organization, sampleTrader.Stall, "p-of-the-sample"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := dismiss(t.Context(), people); err != nil {
			t.Fatal(err)
		}
	}
	if staff, err = people.Staff(ctx, p.name); err != nil || staff.LockedAt == nil {
		t.Error("still let in", err)
	}
	if _, err := people.ByToken(t.Context(), secret); err == nil {
		t.Error("the token is good")
	}
	if cards, err := people.Cards(ctx, sampleTrader.Organization); err != nil || len(cards) != 1 || cards[0].RevokedAt == nil {
		t.Errorf("%+v, %v", cards, err)
	}
	if link, err := people.SetUp(ctx); err != nil || link == "" {
		t.Error("an administrator of the sample counts as one", err)
	}
}
