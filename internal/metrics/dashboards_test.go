package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"socho/ledger"
)

const dashboards = "../../deploy/dashboards/"

// metricName finds the metrics that a query names.
var metricName = regexp.MustCompile(`\b(socho|go|process)_[a-z_]+`)

// Dashboards and alerts ask for metrics that there are.
func TestDashboardsAskForWhatThereIs(t *testing.T) {
	m := New()
	m.Watch(source())
	m.posted.add([]int64{0}, &ledger.Batch{Outcomes: []ledger.Outcome{{Status: ledger.Refused, Code: "x", Type: "y"}}}, 1)
	m.Request("GET /", "GET", 200, time.Millisecond, false)
	m.Limited("address")
	m.PassedOver("sepay", 3)
	there := map[string]bool{"socho_lease_held": true, "socho_processes": true} // leases could not be told above
	for _, name := range regexp.MustCompile(`(?m)^[a-z_]+`).FindAllString(scrape(t, m), -1) {
		there[name] = true
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile(dashboards + "grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	check := func(where, query string) {
		names := metricName.FindAllString(query, -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing: %s", where, query)
		}
		for _, name := range names {
			if asked[name] = true; !there[name] {
				t.Errorf("%s asks for %s, which there is not", where, name)
			}
		}
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			check(p.Title, target.Expr)
		}
	}
	for name := range there {
		if plain := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count"); strings.HasPrefix(name, "socho_") &&
			!asked[plain] && !asked[plain+"_bucket"] && name != "socho_shard_next_offset" {
			t.Errorf("no panel shows %s", name)
		}
	}
	alerts, err := os.ReadFile(dashboards + "alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(operations), -1) {
		anchors[strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9_ -]`).ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-")] = true
	}
	rules := strings.Split(string(alerts), "- alert: ")[1:]
	for _, rule := range rules {
		name, rest, _ := strings.Cut(rule, "\n")
		expr := regexp.MustCompile(`expr: (.*)`).FindStringSubmatch(rest)
		runbook := regexp.MustCompile(`runbook: docs/operations\.md#(\S+)`).FindStringSubmatch(rest)
		if expr == nil || !strings.Contains(rest, "severity:") || !strings.Contains(rest, "summary:") {
			t.Fatalf("%s lacks something:\n%s", name, rest)
		}
		check(name, expr[1])
		if runbook == nil || !anchors[runbook[1]] {
			t.Errorf("%s leads to %q, which docs/operations.md does not have", name, runbook)
		}
	}
	if len(rules) < 10 {
		t.Errorf("%d rules", len(rules))
	}
}
