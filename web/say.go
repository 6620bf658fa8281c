package web

import (
	"regexp"
	"strings"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// sentence says in plain words what an event says. Every value in it is an
// opaque id, an amount, a day or a word of a closed set.
func (l *language) sentence(e *events.Event) string {
	name := events.Name(e.Type)
	key := "say." + name
	v := []any{"org", e.Subject, "on", date(e.Fact.Effective())}
	sum := func(s events.Sum) { v = append(v, "amount", l.decimal(string(s.Amount), s.Currency)) }
	switch f := e.Fact.(type) {
	case *events.OrganizationRegistered:
		v = append(v, "kind", l.word("kind", string(f.Kind)), "name", f.Name, "unit", unit(string(f.Unit)))
	case *events.OpeningBalance:
		v = append(v, "account", l.account(string(f.Path)), "side", l.word("side", string(f.Side)))
		sum(f.Sum)
	case *events.RightGranted:
		v = append(v, "holder", f.Holder, "right", l.word("right_on_log", string(f.Right)))
	case *events.RightRevoked:
		v = append(v, "holder", f.Holder, "right", l.word("right_on_log", string(f.Right)))
	case *events.ApprovalsRequired:
		if *f.Approvers == 0 {
			key += ".none"
		}
		v = append(v, "count", l.number(int64(*f.Approvers)))
		sum(f.Sum)
	case *events.StallLet:
		v = append(v, "stall", f.Stall, "person", f.Person)
	case *events.FeeAssessed:
		v = append(v, "bill", f.Bill, "stall", f.Stall, "month", month(string(f.Period)), "due", date(f.DueOn), "amount", l.items(f.Items, f.Currency))
	case *events.BillIssued:
		v = append(v, "bill", f.Bill, "person", f.Person, "class", f.Class, "month", month(string(f.Period)), "due", date(f.DueOn), "amount", l.items(f.Items, f.Currency))
	case *events.PaymentReceived:
		key, v = l.payment(key, v, &f.Payment)
	case *events.BillPaid:
		key, v = l.payment(key, v, &f.Payment)
	case *events.CashBanked:
		if f.PayPoint != "" {
			key += ".pay_point"
			v = append(v, "point", f.PayPoint)
		}
		v = append(v, "collector", f.Collector, "line", f.Line)
		sum(f.Sum)
	case *events.FeeWaived:
		v = append(v, "bill", f.Bill, "reason", l.word("why", string(f.Reason)))
		sum(f.Sum)
	case *events.BillExempted:
		v = append(v, "bill", f.Bill, "reason", l.word("why", string(f.Reason)))
		sum(f.Sum)
	case *events.Refunded:
		v = append(v, "holder", l.holder(holderOf(f.Stall, f.Person)), "line", f.Line)
		sum(f.Sum)
	case *events.PersonEntitled:
		v = append(v, "person", f.Person, "programme", l.word("programme", string(f.Programme)), "month", month(string(f.Period)), "unit", unit(string(f.Unit)))
		sum(f.Sum)
	case *events.Funded:
		v = append(v, "line", f.Line)
		sum(f.Sum)
	case *events.PayoutOrdered:
		v = append(v, "payout", f.Payout, "person", f.Person, "programme", l.word("programme", string(f.Programme)), "month", month(string(f.Period)), "method", l.word("method", string(f.Method)))
		sum(f.Sum)
	case *events.PayoutSent:
		v = append(v, "payout", f.Payout)
		sum(f.Sum)
	case *events.PayoutSettled:
		v = append(v, "payout", f.Payout, "line", f.Line)
		sum(f.Sum)
	case *events.PayoutReturned:
		if f.Line == "" {
			key += ".rejected"
		} else {
			v = append(v, "line", f.Line)
		}
		v = append(v, "payout", f.Payout, "reason", l.word("why", string(f.Reason)))
		sum(f.Sum)
	case *events.CashDrawn:
		v = append(v, "point", f.PayPoint, "line", f.Line)
		sum(f.Sum)
	case *events.PaidInCash:
		if f.Person != "" {
			key += ".receiver"
			v = append(v, "receiver", f.Person)
		}
		v = append(v, "payout", f.Payout, "point", f.PayPoint)
		sum(f.Sum)
	case *events.PersonStopped:
		v = append(v, "person", f.Person, "programme", l.word("programme", string(f.Programme)), "month", month(string(f.FromPeriod)), "reason", l.word("why", string(f.Reason)))
	case *events.PersonResumed:
		v = append(v, "person", f.Person, "programme", l.word("programme", string(f.Programme)), "month", month(string(f.FromPeriod)), "reason", l.word("why", string(f.Reason)))
	case *events.ListOpened:
		v = append(v, "list", f.List, "programme", l.word("programme", string(f.Programme)), "month", month(string(f.Period)))
	case *events.ListEntryAdded:
		v = append(v, "list", f.List, "payout", f.Payout, "person", f.Person, "unit", unit(string(f.Unit)), "method", l.word("method", string(f.Method)))
		sum(f.Sum)
	case *events.ListEntryRemoved:
		v = append(v, "list", f.List, "payout", f.Payout, "reason", l.word("why", string(f.Reason)))
	case *events.ListProposed:
		v = append(v, "list", f.List, "count", l.number(int64(*f.Count)))
		sum(f.Sum)
	case *events.ListApproved:
		v = append(v, "list", f.List, "count", l.number(int64(*f.Count)))
		sum(f.Sum)
	case *events.ListWithdrawn:
		v = append(v, "list", f.List, "reason", l.word("why", string(f.Reason)))
	case *events.BatchOpened:
		v = append(v, "batch", f.Batch, "account", f.Account, "method", l.word("method", string(f.Method)), "day", date(f.ExecuteOn))
	case *events.PayoutBatched:
		v = append(v, "batch", f.Batch, "payout", f.Payout)
		sum(f.Sum)
	case *events.BatchClosed:
		v = append(v, "batch", f.Batch, "count", l.number(int64(*f.Count)))
		sum(f.Sum)
	case *events.BatchExported:
		v = append(v, "batch", f.Batch, "format", f.Format)
	case *events.BatchSubmitted:
		v = append(v, "batch", f.Batch)
	case *events.BatchCancelled:
		v = append(v, "batch", f.Batch, "reason", l.word("why", string(f.Reason)))
	case *events.LineReceived:
		key += "." + string(f.Direction) + "." + string(f.Kind)
		v = append(v, "line", f.Line, "account", f.Account)
		sum(f.Sum)
	case *events.LineAllocated:
		if f.Bill == "" {
			key += ".clearing"
			v = append(v, "method", l.word("method", string(f.Clearing)))
		} else {
			v = append(v, "bill", f.Bill)
		}
		v = append(v, "line", f.Line)
		sum(f.Sum)
	case *events.Reversed:
		v = append(v, "event", f.Reverses, "reason", l.word("why", string(f.Reason)))
	case *events.InstitutionReported:
		v = append(v, "institution", f.Institution, "unit", unit(string(f.Unit)), "status", l.word("takes_part", string(f.Status)))
	case *events.FigureReported:
		key += "." + string(f.Domain)
		v = append(v, "unit", unit(string(f.Unit)), "part", l.number(int64(*f.Numerator)), "whole", l.number(int64(*f.Denominator)))
	case *events.Erased:
		key += "." + string(f.Scope)
		v = append(v, "person", f.Person)
	case *events.Undecodable:
		v = append(v, "reason", l.reasonWords(string(f.Reason)))
	case *events.ShardOpened:
		v = append(v, "shard", *f.Shard, "shards", *f.Shards, "ledger", f.Ledger)
	case *events.RulesActivated:
		v = append(v, "set", *f.RuleSet)
	default:
		ending, values := l.officeSentence(f)
		key += ending
		v = append(v, values...)
	}
	return l.say(key, v...)
}

func (l *language) payment(key string, v []any, p *events.Payment) (string, []any) {
	v = append(v, "bill", p.Bill, "method", l.word("method", string(p.Method)), "amount", l.decimal(string(p.Amount), p.Currency))
	if p.Method == "cash" {
		return key + ".cash", append(v, "collector", p.Collector)
	}
	return key, v
}

// items adds up the lines of a bill.
func (l *language) items(items []events.Item, c money.Currency) string {
	var total money.Total
	for _, it := range items {
		total = total.Plus(events.Money(it.Amount, c).Minor())
	}
	return l.total(total, c)
}

// holder says whose a bill or credit is.
func (l *language) holder(holder string) string {
	kind, id, ok := strings.Cut(holder, ":")
	if _, known := l.text["holder."+kind]; ok && known {
		return l.say("holder."+kind, "id", id)
	}
	return holder
}

// account says what an account is for: stall:A12:receivable:b1 is what stall
// A12 owes on bill b1. A path of no known kind is shown as it is.
func (l *language) account(path string) string {
	s := strings.Split(path, ":")
	if last := len(s) - 1; last > 0 && len(s[last]) == 3 {
		if _, known := money.Currency(s[last]).Scale(); known {
			s = s[:last]
		}
	}
	key, v := "account."+s[0], []any{}
	switch {
	case len(s) == 4 && s[2] == "receivable":
		key, v = "account.receivable", []any{"holder", l.holder(s[0] + ":" + s[1]), "bill", s[3]}
	case len(s) == 3 && s[2] == "credit":
		key, v = "account.credit", []any{"holder", l.holder(s[0] + ":" + s[1])}
	case len(s) == 5 && s[0] == "person":
		key, v = "account."+s[2], []any{"person", s[1], "programme", l.word("programme", s[3]), "month", month(s[4])}
	case len(s) == 4 && s[0] == "trader":
		key, v = "account.trader."+s[2], []any{"person", s[1], "id", s[3]}
	case len(s) == 4 && s[0] == "person":
		key, v = "account.payout."+s[2], []any{"payout", s[3]}
	case len(s) == 3:
		key, v = "account."+s[0]+"."+s[1], []any{"id", s[2]}
	case len(s) == 2 && (s[0] == "bank" || s[0] == "clearing" || s[0] == "income" || s[0] == "held" || s[0] == "expense" || s[0] == "waivers"):
		id := s[1]
		switch s[0] {
		case "clearing":
			id = l.word("method", id)
		case "income", "held", "expense":
			id = l.word("item", id)
		case "waivers":
			id = l.word("why", id)
		}
		v = []any{"id", id}
	case len(s) == 2:
		key = "account." + s[0] + "." + s[1]
	}
	if _, known := l.text[key]; !known {
		return path
	}
	return l.say(key, v...)
}

// reason says why an outcome is what it is; empty for an ordinary one.
func (l *language) reason(o *ledger.Outcome) string {
	if o.Code == "" {
		return ""
	}
	return l.reasonWords(o.Code)
}

func (l *language) reasonWords(code string) string { return l.word("reason", code) }

// The forms that the ledger writes details in.
var (
	asked     = regexp.MustCompile(`^asked ([0-9]+), [a-z]+ ([0-9]+)$`)
	first     = regexp.MustCompile(`^first at ([0-9]+:[0-9]+)$`)
	stopped   = regexp.MustCompile(`^stopped from ([0-9-]+)$`)
	programme = regexp.MustCompile(`^programme ([a-z0-9_]+), period ([0-9-]+)$`)
)

// detail says the numbers and ids that an outcome turned on. A form that is
// not known here is shown as it stands.
func (l *language) detail(o *ledger.Outcome) string {
	if m := asked.FindStringSubmatch(o.Detail); m != nil {
		return l.say("detail.asked", "asked", l.decimal(m[1], money.VND), "left", l.decimal(m[2], money.VND))
	}
	if m := first.FindStringSubmatch(o.Detail); m != nil {
		return l.say("detail.first", "id", m[1])
	}
	if m := stopped.FindStringSubmatch(o.Detail); m != nil {
		return l.say("detail.stopped", "month", month(m[1]))
	}
	if m := programme.FindStringSubmatch(o.Detail); m != nil {
		return l.say("detail.programme", "programme", l.word("programme", m[1]), "month", month(m[2]))
	}
	if codes, ok := strings.CutPrefix(o.Detail, "also "); ok {
		words := strings.Fields(codes)
		for i, code := range words {
			words[i] = l.reasonWords(code)
		}
		return l.say("detail.also", "id", strings.Join(words, "; "))
	}
	if strings.HasPrefix(o.Detail, "/") && !strings.Contains(o.Detail, " ") {
		return l.say("detail.field", "id", o.Detail)
	}
	word, id, ok := strings.Cut(o.Detail, " ")
	if _, known := l.text["detail."+word]; ok && known && events.ValidPath(id) {
		return l.say("detail."+word, "id", id)
	}
	return o.Detail
}
