package ledger

import (
	"slices"
	"strings"

	"socho/events"
	"socho/internal/money"
)

// Kind is an account's class in the trial balance.
type Kind string

const (
	Asset     Kind = "asset"
	Liability Kind = "liability"
	Income    Kind = "income"
	Expense   Kind = "expense"
	Equity    Kind = "equity"
)

// Limit bounds an account's balance, on whichever side.
type Limit string

const (
	NoLimit       Limit = ""
	CreditsAtMost Limit = "credits_at_most_debits" // a receivable: never below zero
	DebitsAtMost  Limit = "debits_at_most_credits" // a payable, a credit, a fund: never overdrawn
)

// Account is one account with its running sums.
type Account struct {
	Number       int64 // within its shard, in order of first use
	Organization string
	Path         string
	Kind         Kind
	Currency     money.Currency
	Limit        Limit
	Debits       money.Total
	Credits      money.Total
	Last         int64 // where a store keeps the account's last transfer; deciding passes it on unread
}

// broken reports whether the account's limit is exceeded.
func (a *Account) broken() bool {
	switch a.Limit {
	case CreditsAtMost:
		return a.Credits.Compare(a.Debits) > 0
	case DebitsAtMost:
		return a.Debits.Compare(a.Credits) > 0
	}
	return false
}

// chart is part of every rule set: it lists every kind of account by its path; {} stands for one id. The
// names follow the table of accounts in docs/architecture.md. A line may be added for a later set where no
// earlier set can come to such a path: what those open begins as openable says.
var chart = []struct {
	pattern []string
	kind    Kind
	limit   Limit
}{
	{split("bank:{}"), Asset, NoLimit},
	{split("unallocated:in:{}"), Liability, NoLimit}, // a payment may name a line that is yet to come
	{split("unallocated:out:{}"), Asset, NoLimit},
	{split("clearing:{}"), Asset, NoLimit},
	{split("cash:collector:{}"), Asset, NoLimit}, // what came in may be heard of after what went out
	{split("cash:paypoint:{}"), Asset, NoLimit},
	{split("stall:{}:receivable:{}"), Asset, CreditsAtMost},
	{split("stall:{}:credit"), Liability, DebitsAtMost},
	{split("pupil:{}:receivable:{}"), Asset, CreditsAtMost},
	{split("pupil:{}:credit"), Liability, DebitsAtMost},
	{split("income:{}"), Income, NoLimit},
	{split("held:{}"), Liability, NoLimit}, // collected for others
	{split("waivers:{}"), Expense, NoLimit},
	{split("suspense:in"), Liability, NoLimit},       // came in, for nothing known or proved
	{split("suspense:out:{}"), Asset, CreditsAtMost}, // left for a payout that nobody has ordered
	{split("equity:opening"), Equity, NoLimit},
	{split("charges:bank"), Expense, NoLimit},
	{split("interest:bank"), Income, NoLimit},
	{split("grants:received"), Liability, DebitsAtMost},
	{split("grants:used"), Income, NoLimit},
	{split("person:{}:granted:{}:{}"), Expense, NoLimit}, // bounded by the entitlement, in the rule
	{split("person:{}:payable:{}"), Liability, DebitsAtMost},
	{split("person:{}:clearing:{}"), Liability, DebitsAtMost},
	{split("person:{}:returned:{}"), Liability, DebitsAtMost},
	{split("person:{}:recoverable:{}:{}"), Asset, CreditsAtMost}, // left beyond what was owed for a month
	// From rule set 3 on: what an office spends; a trader's own money, which is no part of the market's.
	{split("expense:{}"), Expense, NoLimit},
	{split("trader:{}:bank:{}"), Asset, NoLimit},
	{split("trader:{}:cash:{}"), Asset, NoLimit},
	{split("trader:{}:sales:{}"), Income, NoLimit},
}

func split(pattern string) []string { return strings.Split(pattern, ":") }

// Chart returns the kind and limit of the account at a path, and false where
// the chart has no such account. A currency other than đồng is the path's last
// segment, so that one path is always one currency.
func Chart(path string) (Kind, Limit, bool) {
	segments := split(path)
	if kind, limit, ok := chartOf(segments); ok {
		return kind, limit, true
	}
	last := len(segments) - 1
	if c := money.Currency(segments[last]); c != money.VND && last > 0 {
		if _, known := c.Scale(); known {
			return chartOf(segments[:last])
		}
	}
	return "", "", false
}

func chartOf(segments []string) (Kind, Limit, bool) {
	for _, c := range chart {
		if len(c.pattern) == len(segments) && matches(c.pattern, segments) {
			return c.kind, c.limit, true
		}
	}
	return "", "", false
}

func matches(pattern, segments []string) bool {
	for i, p := range pattern {
		if p == "{}" {
			if !events.ValidID(segments[i]) {
				return false
			}
		} else if p != segments[i] {
			return false
		}
	}
	return true
}

// inCurrency returns the path of an account kept in a currency.
func inCurrency(path string, c money.Currency) string {
	if c == money.VND {
		return path
	}
	return path + ":" + string(c)
}

// bare takes a path apart without the currency behind it, where it has as many
// segments as the account with one.
func bare(path string, segments int) []string {
	s := split(path)
	if len(s) == segments+1 {
		if _, known := money.Currency(s[segments]).Scale(); known {
			return s[:segments]
		}
	}
	return s
}

// isReceivable takes the path of a receivable apart.
func isReceivable(path string) (holder, bill string, ok bool) {
	s := bare(path, 4)
	if len(s) == 4 && s[2] == "receivable" && slices.Contains([]string{"stall", "pupil"}, s[0]) {
		return s[0] + ":" + s[1], s[3], true
	}
	return "", "", false
}
