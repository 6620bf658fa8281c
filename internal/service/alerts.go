package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"socho/events"
	"socho/projections"
)

// alertsAgain is how often what asks for a person is looked for.
const alertsAgain = 2 * time.Second

// Alerts is who raises alerts by itself.
const Alerts = "process:alerts"

// raiseAlerts says on the log what asks for a person at stalls, until the context
// ends: an inspection that found another account, receipts that fell, and money for
// a bill that went to an account which is not ours. What it says has an id of its
// cause, so that saying it again after a crash, or by two processes, says it once;
// replay never comes here.
func (s *Service) raiseAlerts(ctx context.Context) {
	wait := alertsAgain
	said := map[events.EventID]bool{} // and decided, whatever was decided
	for ctx.Err() == nil {
		if err := s.raiseAlertsOnce(ctx, said); err != nil && ctx.Err() == nil {
			s.slog.Warn("alerts are not raised yet", "reason", err)
			wait = min(2*wait, 30*time.Second)
		} else {
			wait = alertsAgain
		}
		pause(ctx, wait)
	}
}

func (s *Service) raiseAlertsOnce(ctx context.Context, said map[events.EventID]bool) (failed error) {
	drafts, err := s.alerts(ctx)
	if err != nil || !slices.ContainsFunc(drafts, func(d events.Draft) bool { return !said[d.Envelope.ID] }) {
		return err
	}
	// What is not folded yet may say the same: after a restore, all of it.
	if err := s.WaitForProjections(ctx); err != nil {
		return err
	}
	if drafts, err = s.alerts(ctx); err != nil {
		return err
	}
	for i := range drafts {
		d := &drafts[i]
		if said[d.Envelope.ID] {
			continue
		}
		// One by one: a shard that stands still holds no other up.
		outcomes, err := s.Say(ctx, Alerts, drafts[i:i+1])
		if err != nil {
			failed = err
			continue
		}
		said[d.Envelope.ID] = true
		s.slog.Info("alert", "organization", d.Envelope.Subject, "alert", d.Envelope.ID, "outcome", outcomes[0].Status.String(), "code", outcomes[0].Code)
	}
	return failed
}

// alerts lists what is to be raised and has not been.
func (s *Service) alerts(ctx context.Context) (drafts []events.Draft, err error) {
	found, err := s.Read.OtherAccounts(ctx)
	if err != nil {
		return nil, err
	}
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return nil, err
	}
	ready := func(organization string) bool { // else it waits for newer rules
		return heads[events.ShardOf([]byte(organization), s.Log.shards)].Reads(events.Type("market.alert_raised")) == nil
	}
	for i := range found {
		f := &found[i]
		if !ready(f.Organization) {
			continue
		}
		fact := &events.AlertRaised{Dated: events.Dated{EffectiveOn: f.On}, Kind: "other_account", Stall: events.ID(f.Stall), Card: events.ID(f.Card)}
		drafts = append(drafts, alertDraft(f.Organization, "other", f.Source+"\x00"+f.EventID, f.RecordedAt, fact))
	}
	lines, err := s.Read.ForeignLines(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		at, err := time.ParseInLocation(time.DateOnly, string(l.On), time.FixedZone("ICT", 7*3600))
		if err != nil {
			return nil, err
		}
		if ready(l.Organization) {
			fact := &events.AlertRaised{Dated: events.Dated{EffectiveOn: l.On}, Kind: "foreign_account", Line: events.ID(l.Line)}
			drafts = append(drafts, alertDraft(l.Organization, "foreign", l.Line, at, fact))
		}
	}
	open := map[string]map[string]bool{} // stalls whose receipts are known to have fallen, by market
	err = s.Read.WeeksPaid(ctx, func(organization, stall string, since events.Date, counts map[events.Date]int64) error {
		expected, seen, fell := projections.Fell(counts, since)
		if !fell || !ready(organization) {
			return nil
		}
		if open[organization] == nil {
			if open[organization], err = s.fallen(ctx, organization, since); err != nil {
				return err
			}
		}
		if open[organization][stall] {
			return nil
		}
		first, err := time.ParseInLocation(time.DateOnly, string(since), time.FixedZone("ICT", 7*3600))
		if err != nil {
			return err
		}
		over := first.AddDate(0, 0, 7)
		e, n := events.Count(expected), events.Count(seen)
		fact := &events.AlertRaised{Dated: events.Dated{EffectiveOn: events.Date(over.Format(time.DateOnly))}, Kind: "receipts_fell", Stall: events.ID(stall),
			Since: since, Expected: &e, Seen: &n}
		drafts = append(drafts, alertDraft(organization, "fell", stall+"\x00"+string(since), over, fact))
		return nil
	})
	return drafts, err
}

// fallen are the stalls for which an alert is open, or was raised for that very
// week: a bad month is one alert, not four.
func (s *Service) fallen(ctx context.Context, organization string, since events.Date) (map[string]bool, error) {
	alerts, err := s.Read.Alerts(ctx, organization, true)
	if err != nil {
		return nil, err
	}
	stalls := map[string]bool{}
	for i := range alerts {
		if a := &alerts[i]; a.Kind == "receipts_fell" && (a.ClosedOn == "" || a.Since == since) {
			stalls[a.Stall] = true
		}
	}
	return stalls, nil
}

// alertDraft is an alert with an id and a time of its cause alone.
func alertDraft(organization, kind, cause string, at time.Time, fact *events.AlertRaised) events.Draft {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%s\x00%s", organization, kind, cause)))
	id := kind + "-" + hex.EncodeToString(sum[:16])
	fact.Alert = events.ID(id)
	return events.Draft{Envelope: events.Envelope{ID: events.EventID(id), Source: events.OwnSources + "alerts", Type: events.Type("market.alert_raised"),
		Subject: organization, Time: events.Time(at.In(time.FixedZone("ICT", 7*3600)).Format(time.RFC3339))}, Fact: fact}
}
