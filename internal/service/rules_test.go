package service_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/intake"
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
	if err := s.WaitForLedger(t.Context()); err != nil { // the rules are in force once it has decided so
		t.Fatal(err)
	}
	// What the rules cannot read yet would be malformed on the log for ever, under an
	// id that nobody could use again: it is kept from it.
	report, err := s.Publish(t.Context(), strings.NewReader(fees(0, 20)+list), intake.Options{Actor: "test"})
	if err != nil || report.Published != 20 || report.NotPublished != 1 || report.Refusals[0].Code != intake.RulesTooOld || report.Refusals[0].Line != 21 {
		t.Fatalf("under set 1: %+v, %v", report, err)
	}
	var old *ledger.OldRulesError
	if !errors.As(report.Unread, &old) || old.Name != "benefit.list_opened" || old.InForce != 1 || old.Needed != 2 {
		t.Errorf("not read because of %v", report.Unread)
	}
	if got, err := s.Decided(t.Context(), report); err != nil || got[ledger.Posted] != 20 || got[ledger.Malformed] != 0 {
		t.Fatalf("under set 1: %v, %v", got, err)
	}
	// Of this ledger's own facts, all that are said together wait.
	said := []events.Draft{
		{Envelope: events.Envelope{ID: "let", Source: "urn:socho:pages", Type: events.Type("market.stall_let"), Subject: market, Time: "2026-09-01T08:00:00+07:00"},
			Fact: &events.StallLet{Dated: events.Dated{EffectiveOn: "2026-09-01"}, Of: events.Of{Person: "p1"}, Stall: "A1"}},
		{Envelope: events.Envelope{ID: "vacated", Source: "urn:socho:pages", Type: events.Type("market.stall_vacated"), Subject: market, Time: "2026-09-01T08:00:00+07:00"},
			Fact: &events.StallVacated{Dated: events.Dated{EffectiveOn: "2026-09-02"}, Stall: "A1"}},
	}
	before, err := s.DB.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, say := range map[string]func(context.Context, string, []events.Draft) ([]*ledger.Outcome, error){"say": s.Say, "try": s.TrySay} {
		if _, err := say(t.Context(), "person:x", said); !errors.As(err, &old) || old.Name != "market.stall_vacated" || old.Needed != 3 {
			t.Errorf("%s under set 1: %v", name, err)
		}
	}
	if after, err := s.DB.Heads(t.Context()); err != nil || after[old.Shard].NextOffset != before[old.Shard].NextOffset {
		t.Errorf("a part of it was said: %d records more, %v", after[old.Shard].NextOffset-before[old.Shard].NextOffset, err)
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
	if _, err := s.Say(t.Context(), "person:x", said); !errors.As(err, &old) || old.InForce != 2 {
		t.Errorf("under set 2: %v", err)
	}
	if _, err := s.ActivateRules(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if outcomes, err := s.Say(t.Context(), "person:x", said); err != nil || outcomes[1].Status != ledger.Recorded {
		t.Errorf("under set 3: %v", err)
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
