package web

import (
	"slices"

	"socho/events"
	"socho/internal/identity"
	"socho/projections"
)

type alertsPage struct {
	Organization projections.Organization
	Manage       bool
	Closed       bool // those that were closed are listed too
	Alerts       []projections.Alert
	ID           string
	Reasons      []string
}

// why an alert is closed.
var alertReasons = []string{"swapped_removed", "false_alarm", "inspected_wrongly", "stall_closed", "bank_fault", "other_reason"}

func (s *site) alertList(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	page := alertsPage{Organization: o, Manage: r.who.May(identity.ManageCards, o.Organization), Closed: r.query.Get("closed") != "", ID: newID(), Reasons: alertReasons}
	if page.Alerts, err = s.Cards.Model.Alerts(r.Context(), o.Organization, page.Closed); err != nil {
		return nil, err
	}
	return &view{template: "alerts", title: r.language.say("alerts.title", "market", o.Name), section: "market", crumbs: r.crumbs(o), data: &page}, nil
}

// closeAlert says what an alert was.
func (s *site) closeAlert(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	alert, why := r.PostFormValue("alert"), r.PostFormValue("why")
	if !events.ValidID(alert) || !slices.Contains(alertReasons, why) {
		return nil, errBad
	}
	d, err := r.draft(o.Organization, r.PostFormValue("id"), "market.alert_closed", &events.AlertClosed{Dated: events.Dated{EffectiveOn: r.today()}, Alert: events.ID(alert), Reason: events.Word(why)}, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		return nil, err
	}
	return see(r.URL.Path, "alert_closed"), nil
}
