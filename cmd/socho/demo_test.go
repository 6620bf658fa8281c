package main

import (
	"bytes"
	"fmt"
	"testing"

	"socho/internal/identity"
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
	if !has("market.fee_assessed", sampleTrader.organization, fmt.Sprintf(`"stall":%q`, sampleTrader.stall)) {
		t.Errorf("%+v is billed nothing", sampleTrader)
	}
}
