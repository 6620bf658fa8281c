package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socho/internal/devstack/testdb"
	"socho/internal/postgres"
	"socho/internal/service"
	"socho/ledger"
)

// Page by page gives what the whole list gives, whatever the filter and the
// limit.
func TestListsByPage(t *testing.T) {
	s := open(t, testdb.Data(t, "service", service.Migrate))
	school := strings.NewReplacer(market, "hg-truong-khac").Replace(fees(0, 9))
	publish(t, s, fees(0, 7)+"no event\n"+school+fees(3, 2)+strings.Replace(fees(2, 1), "26000", "27000", 1)+fees(20, 4))
	ctx := t.Context()

	for _, limit := range []int{1, 3, 100} {
		for _, f := range []postgres.OutcomeFilter{
			{}, {Organizations: []string{market}}, {Organizations: []string{}}, {Statuses: []ledger.Status{ledger.Duplicate, ledger.Conflict}},
			{Organizations: []string{market}, Statuses: []ledger.Status{ledger.Posted}, Type: "vn.socho.market.fee_assessed.v1"},
		} {
			var whole, paged []string
			name := func(o *ledger.Outcome) string { return fmt.Sprint(o.Shard, ":", o.Offset) }
			if err := s.DB.ListOutcomes(ctx, f.Statuses, f.Since, func(o *ledger.Outcome) error {
				if (f.Organizations == nil || slices.Contains(f.Organizations, o.Organization)) && (f.Type == "" || f.Type == o.Type) {
					whole = append(whole, name(o))
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for shard, offset := -1, int64(0); ; {
				page, err := s.DB.OutcomePage(ctx, f, shard, offset, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range page {
					paged = append(paged, name(o))
					shard, offset = o.Shard, o.Offset
				}
				if len(page) < limit {
					break
				}
			}
			if !slices.Equal(whole, paged) {
				t.Errorf("outcomes %+v by %d: %v, want %v", f, limit, paged, whole)
			}
		}
		heads, err := s.Heads(ctx)
		if err != nil {
			t.Fatal(err)
		}
		past := postgres.AsOf{Position: map[int]int64{}}
		for shard, head := range heads {
			past.Position[shard] = max(head.NextOffset-4, 1)
		}
		for _, as := range []postgres.AsOf{{}, past, {Effective: "2026-08-31"}, {Effective: "2026-09-01"}} {
			var whole, paged []postgres.Balance
			if err := s.DB.Balances(ctx, market+":", as, func(b postgres.Balance) error {
				whole = append(whole, b)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for after := (ledger.AccountName{}); ; {
				page, err := s.DB.BalancePage(ctx, postgres.BalanceFilter{Organizations: []string{market}}, as, after, limit)
				if err != nil {
					t.Fatal(err)
				}
				paged = append(paged, page...)
				if len(page) < limit {
					break
				}
				after.Organization, after.Path, _ = strings.Cut(page[len(page)-1].Account, ":")
			}
			if !slices.Equal(whole, paged) {
				t.Errorf("balances %+v by %d:\n%v\nwant\n%v", as, limit, paged, whole)
			}
			var postings, turned []postgres.Posting
			if err := s.DB.Postings(ctx, market+":income:management", as, func(p postgres.Posting) error {
				postings = append(postings, p)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			account := ledger.AccountName{Organization: market, Path: "income:management"}
			for place := int64(0); ; {
				page, next, err := s.DB.PostingPage(ctx, account, as, place, limit)
				if err != nil {
					t.Fatal(err)
				}
				turned = append(turned, page...)
				if place = next; next == 0 {
					break
				}
			}
			slices.Reverse(turned)
			if !slices.Equal(postings, turned) {
				t.Errorf("postings %+v by %d:\n%v\nwant\n%v", as, limit, turned, postings)
			}
		}
	}
	if _, _, err := s.DB.PostingPage(ctx, ledger.AccountName{Organization: market, Path: "none"}, postgres.AsOf{}, 0, 1); err != postgres.ErrNoAccount {
		t.Error(err)
	}
}
