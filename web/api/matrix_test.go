package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"socho/internal/identity"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/web/api"
)

// address makes a request of an operation about one organization, or about none.
func address(t *testing.T, a http.Handler, o api.Operation, organization string) (path, body string) {
	t.Helper()
	id := "x0"
	if organization == theirs {
		id = secret + "0"
	}
	path = strings.NewReplacer("{organization}", organization, "{bill}", "b-"+id, "{payout}", "o1").Replace(o.Path)
	query := ""
	switch o.Scope {
	case api.InQuery:
		query = "organization=" + organization
	case api.InAccount:
		query = "account=" + organization + ":income:management"
	case api.InRecord:
		found := read[list](t, ask(a, "all", "GET", api.Prefix+"/outcomes?limit=1&type=vn.socho.market.fee_assessed.v1&organization="+organization, nil))
		path = strings.NewReplacer("{shard}", fmt.Sprint(found.Items[0]["shard"]), "{offset}", fmt.Sprint(found.Items[0]["offset"])).Replace(path)
	case api.InBody:
		query, body = "dry_run=true", fee(organization, id, "A0")
	}
	switch o.ID {
	case "get-payout-status":
		query = "period=2026-09"
	case "get-adoption", "follow-adoption":
		query = "domain=fees&period=2026-09"
	}
	if query != "" {
		path += "?" + query
	}
	return path, body
}

// Every operation by every role, in its own organization and in another one, and
// by nobody: who has the right is answered, nobody else is, and no byte of
// another organization is ever in an answer.
func TestEveryOperationByEveryRole(t *testing.T) {
	draining := make(chan struct{})
	close(draining) // streams end after their first message
	a := handler(t, func(o *api.Options) { o.Draining = draining })
	for _, o := range api.Operations {
		for _, organization := range []string{ours, theirs} {
			path, body := address(t, a, o, organization)
			send := func(caller string) (int, string) {
				w := ask(a, caller, o.Method, path, strings.NewReader(body), "Content-Type", kindOf(o))
				return w.Code, w.Body.String()
			}
			if code, text := send(""); code != http.StatusUnauthorized || !strings.Contains(text, `"not_signed_in"`) {
				t.Errorf("%s by nobody: %d %s", o.ID, code, text)
			}
			for _, caller := range slices.Sorted(maps.Keys(everyone)) {
				p := everyone[caller]
				code, text := send(caller)
				may := p.May(o.Right, organization)
				if o.Scope == api.Nowhere {
					may = p.MaySomewhere(o.Right)
				}
				if o.ID == "get-bill" { // of the stall that the trader's right is bound to there is none here
					may = may || organization == ours && caller == string(identity.Trader)
				}
				switch {
				case may && code != http.StatusOK && !slices.Contains([]int{http.StatusNotFound, http.StatusConflict}, code):
					t.Errorf("%s in %s by %s, who may: %d %s", o.ID, organization, caller, code, text)
				case !may && o.Scope == api.InRecord && !p.MaySomewhere(o.Right) && code != http.StatusForbidden,
					!may && o.Scope == api.InRecord && p.MaySomewhere(o.Right) && code != http.StatusNotFound,
					!may && o.Scope != api.InRecord && code != http.StatusForbidden:
					t.Errorf("%s in %s by %s, who may not: %d %s", o.ID, organization, caller, code, text)
				}
				if !p.May(o.Right, theirs) && strings.Contains(strings.ReplaceAll(text, path, ""), secret) {
					t.Errorf("%s in %s by %s holds another organization's: %s", o.ID, organization, caller, text)
				}
			}
		}
	}
}

// kindOf is the content type of what is sent.
func kindOf(o api.Operation) string {
	switch o.ID {
	case "publish-event":
		return "application/cloudevents+json"
	case "publish-events":
		return "application/x-ndjson"
	}
	return ""
}

// A list without an organization named holds those where the right is held, and
// for whoever has it nowhere there is none.
func TestListsAreOfOnesOwn(t *testing.T) {
	a := handler(t)
	for _, o := range api.Operations {
		if o.Scope != api.InQuery && (o.Scope != api.InAccount || o.ID == "list-transfers") {
			continue
		}
		for _, query := range []string{"?limit=500", "?limit=1", "?limit=500&account=hg-"} {
			if strings.Contains(query, "account") && o.Scope != api.InAccount {
				continue
			}
			for caller, p := range everyone {
				w := ask(a, caller, o.Method, o.Path+query, nil)
				if !p.MaySomewhere(o.Right) {
					refused(t, w, http.StatusForbidden, "not_allowed")
					continue
				}
				found := read[list](t, w)
				for _, item := range found.Items {
					organization, _ := item["organization"].(string)
					if account, ok := item["account"].(string); ok && o.Scope == api.InAccount {
						organization, _, _ = strings.Cut(account, ":")
					}
					if organization == "" {
						organization = identity.Everywhere
					}
					if !p.May(o.Right, organization) {
						t.Errorf("%s%s by %s holds %v", o.ID, query, caller, item)
					}
				}
			}
		}
	}
}

// A right that is bound to a stall is one to its bills alone.
func TestTraderSeesTheStallsBills(t *testing.T) {
	a, trader := handler(t), string(identity.Trader)
	bills := api.Prefix + "/organizations/" + ours + "/bills"
	if found := read[list](t, ask(a, trader, "GET", bills+"?stall=A1", nil)); len(found.Items) != 1 || found.Items[0]["stall"] != "A1" || found.Items[0]["owed"] != "21000" {
		t.Errorf("%v", found)
	}
	refused(t, ask(a, trader, "GET", bills, nil), 403, "not_allowed")
	refused(t, ask(a, trader, "GET", bills+"?stall=A2", nil), 403, "not_allowed")
	if got := read[map[string]any](t, ask(a, trader, "GET", bills+"/b-x1", nil)); got["issued"] != "41000" || got["paid"] != "20000" {
		t.Errorf("%v", got)
	}
	refused(t, ask(a, trader, "GET", bills+"/b-x2", nil), 404, "not_found")
}

// The description names every operation, its right, and each answer that the
// guard may give.
func TestDocument(t *testing.T) {
	a := handler(t)
	w := ask(a, "", "GET", "/openapi.json", nil)
	var document map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil || document["openapi"] != "3.1.0" {
		t.Fatal(err, document["openapi"])
	}
	described := 0
	for path, item := range a.Document().Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post} {
			if op == nil {
				continue
			}
			described++
			i := slices.IndexFunc(api.Operations, func(o api.Operation) bool { return o.Path == path && o.Method == method })
			if i < 0 {
				t.Fatalf("%s %s is in no table", method, path)
			}
			o := api.Operations[i]
			if op.Extensions["x-right"] != string(o.Right) || !strings.Contains(op.Description, string(o.Right)) || len(op.Security) == 0 {
				t.Errorf("%s: %+v", o.ID, op)
			}
			if method == "POST" && op.Responses["202"].Content["application/json"].Schema == nil {
				t.Errorf("%s does not describe what it accepts", o.ID)
			}
			for _, status := range []string{"401", "403", "422", "429", "500", "503"} {
				if op.Responses[status] == nil || op.Responses[status].Content["application/problem+json"] == nil {
					t.Errorf("%s does not describe %s", o.ID, status)
				}
			}
		}
	}
	if described != len(api.Operations) {
		t.Errorf("%d operations are described, the table has %d", described, len(api.Operations))
	}
}

// The second lock: what the readers are asked without any filter, they answer
// for the caller's organizations alone.
func TestReadersAreKeptFromOthers(t *testing.T) {
	opened(t)
	for caller, p := range map[string]*identity.Principal{"nobody": nil, "ours": everyone["publisher"], "all": everyone["all"]} {
		ctx := identity.With(t.Context(), p)
		outcomes, err := shared.readers.Ledger.OutcomePage(ctx, postgres.OutcomeFilter{}, -1, 0, 500)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, o := range outcomes {
			seen[o.Organization] = true
		}
		bills, _, err := shared.readers.Model.Bills(ctx, theirs, readmodel.BillFilter{}, readmodel.Page{})
		if err != nil {
			t.Fatal(err)
		}
		balances, err := shared.readers.Ledger.BalancePage(ctx, postgres.BalanceFilter{OrganizationPrefix: theirs}, postgres.AsOf{}, ledger.AccountName{}, 500)
		if err != nil {
			t.Fatal(err)
		}
		if others := len(balances) > 0; others != (caller == "all") {
			t.Errorf("%s sees %d balances of another", caller, len(balances))
		}
		if wants := map[string]bool{"nobody": false, "ours": false, "all": true}[caller]; seen[theirs] != wants || seen["unrouted"] != wants || len(bills) > 0 != wants || seen[ours] != (p != nil) {
			t.Errorf("%s sees %v, %d bills of another", caller, seen, len(bills))
		}
	}
}
