package service_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socho/internal/identity"
	"socho/internal/service"
	"socho/internal/vault"
	"socho/ledger"
)

// TestActivateRules: a log that began with set 1 goes over to a newer one, which
// takes what the older could not read, and replays to the same ledger.
func TestActivateRules(t *testing.T) {
	s, err := service.Open(t.Context(), service.Options{Data: t.TempDir(), Own: true, FirstRules: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := strings.ReplaceAll(`{"specversion":"1.0","id":"list-1","source":"urn:test","type":"vn.socho.benefit.list_opened.v1","subject":"MARKET","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","list":"d1","programme":"elderly","period":"2026-09","currency":"VND"}}`, "MARKET", market)
	if got := publish(t, s, fees(0, 20)+list); got[ledger.Posted] != 20 || got[ledger.Malformed] != 1 {
		t.Fatalf("under set 1: %v", got)
	}
	for again, want := range []int{service.EmbeddedPartitions, 0} {
		if n, err := s.ActivateRules(t.Context(), 2); err != nil || n != want {
			t.Fatalf("time %d: %d switched, %v", again, n, err)
		}
	}
	if _, err := s.ActivateRules(t.Context(), ledger.LatestRuleSet+1); err == nil {
		t.Error("a set that nobody has was activated")
	}
	if got := publish(t, s, fees(20, 5)+list); got[ledger.Posted] != 5 || got[ledger.Recorded] != 1 {
		t.Fatalf("under set 2: %v", got)
	}
	audit, err := s.Verify(t.Context(), false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Fatalf("%v %+v", err, audit)
	}
}

// TestRightsReachTheLog: who may approve is said on the log as the directory has
// it, whatever changed it there.
func TestRightsReachTheLog(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	key, err := vault.LoadMaster(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	people, err := identity.Open(s.DB.Pool, key.Derive)
	if err != nil {
		t.Fatal(err)
	}
	fund := `{"specversion":"1.0","id":"fund","source":"urn:test","type":"vn.socho.organization.registered.v1","subject":"hg-quy","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","kind":"fund","name":"Quỹ","unit":"02"}}`
	publish(t, s, fund)
	if err := s.WaitForProjections(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx := identity.With(t.Context(), identity.CLI())
	lan, _, err := people.Add(ctx, "lan", "vi")
	if err != nil {
		t.Fatal(err)
	}
	hoa, _, err := people.Add(ctx, "hoa", "vi")
	if err != nil {
		t.Fatal(err)
	}
	grant := func(person, text string, do func(context.Context, string, identity.Grant) error) {
		t.Helper()
		g, err := identity.ParseGrant(text)
		if err == nil {
			err = do(ctx, person, g)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	waitFor := func(want ...string) {
		t.Helper()
		var got []string
		for range 400 {
			rights, err := s.DB.Rights(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = nil
			for _, r := range rights {
				if r.Held {
					got = append(got, r.Organization+" "+r.Key)
				}
			}
			if slices.Equal(got, want) {
				return
			}
			time.Sleep(25 * time.Millisecond)
		}
		t.Fatalf("on the log %q, want %q", got, want)
	}
	lanProposes, lanApproves, hoaApproves := "hg-quy right:propose_payouts:"+lan, "hg-quy right:approve_payouts:"+lan, "hg-quy right:approve_payouts:"+hoa
	grant(lan, "proposer@hg-quy", people.Grant)
	grant(hoa, "approver@*", people.Grant)
	waitFor(hoaApproves, lanProposes)
	if err := people.Lock(ctx, hoa); err != nil {
		t.Fatal(err)
	}
	waitFor(lanProposes)
	if err := people.Unlock(ctx, hoa); err != nil {
		t.Fatal(err)
	}
	grant(lan, "proposer@hg-quy", people.Revoke)
	grant(lan, "approver@hg-quy", people.Grant)
	if lan < hoa {
		waitFor(lanApproves, hoaApproves)
	} else {
		waitFor(hoaApproves, lanApproves)
	}
	audit, err := s.Verify(t.Context(), false, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Fatalf("%v %+v", err, audit)
	}
}
