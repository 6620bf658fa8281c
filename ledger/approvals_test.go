package ledger_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"socho/events"
	"socho/ledger"
)

func grantedRight(holder, right, actor string) events.Fact {
	return by{&events.RightGranted{Grant: events.Grant{Dated: on, Holder: events.ID(holder), Right: events.Word(right)}}, actor}
}

func revokedRight(holder, right, actor string) events.Fact {
	return by{&events.RightRevoked{Grant: events.Grant{Dated: on, Holder: events.ID(holder), Right: events.Word(right)}}, actor}
}

func approvals(approvers events.Count, above, actor string) events.Fact {
	return by{&events.ApprovalsRequired{Dated: on, Sum: dong(above), Approvers: number(approvers)}, actor}
}

func listOpened(list, actor string) events.Fact {
	return by{&events.ListOpened{Dated: on, List: events.ID(list), Programme: "elderly", Period: "2026-09", Currency: "VND"}, actor}
}

func entryAdded(list, payout, amount, actor string) events.Fact {
	f := &events.ListEntryAdded{Dated: on, Sum: dong(amount), List: events.ID(list), Payout: events.PayoutID(payout), Unit: "00688", Method: "account", Kind: "regular"}
	f.Person, f.Sealed = "p1", map[string]string{"account": "i1." + strings.Repeat("A", 22)}
	return by{f, actor}
}

// entryWith is an entry otherwise than usual.
func entryWith(change func(*events.ListEntryAdded), actor string) events.Fact {
	f := *entryAdded("d1", "o1", "500", actor).(by).Fact.(*events.ListEntryAdded)
	change(&f)
	return by{&f, actor}
}

func entryRemoved(list, payout, actor string) events.Fact {
	return by{&events.ListEntryRemoved{Dated: on, List: events.ID(list), Payout: events.PayoutID(payout), Reason: "wrong_amount"}, actor}
}

func withdrawn(list, actor string) events.Fact {
	return by{&events.ListWithdrawn{Dated: on, List: events.ID(list), Reason: "wrong"}, actor}
}

// total is what somebody has seen of a list. The digest is filled in by the one
// who plays, from the records before it, unless it is given.
func total(list, sum string, count events.Count, digest string) events.ListTotal {
	return events.ListTotal{Dated: on, Sum: dong(sum), List: events.ID(list), Count: number(count), Digest: events.Digest(digest)}
}

func proposed(list, sum string, count events.Count, digest, actor string) events.Fact {
	return by{&events.ListProposed{ListTotal: total(list, sum, count, digest)}, actor}
}

func approved(list, sum string, count events.Count, digest, actor string) events.Fact {
	return by{&events.ListApproved{ListTotal: total(list, sum, count, digest)}, actor}
}

func resumed(from string) events.Fact {
	f := &events.PersonResumed{Dated: on, Programme: "elderly", FromPeriod: events.Period(from), Reason: "renewed"}
	f.Person = "p1"
	return f
}

// digestOf is the digest of a list from its own records, as an office works it
// out: by another way than the rules.
func digestOf(t *testing.T, list events.ID, steps []step) (digest string) {
	t.Helper()
	for i, s := range steps {
		if s.fact == nil || s.want != "recorded" {
			continue
		}
		r := handed(t, 0, fmt.Sprint("e", i), s.fact)
		value := ledger.Hash(events.ValueHash(r.Value))
		b, _ := s.fact.(by)
		switch f := b.Fact.(type) {
		case *events.ListOpened:
			if f.List == list {
				digest = fmt.Sprintf("%x", value)
			}
		case *events.ListEntryAdded:
			if f.List == list {
				digest = string(ledger.RunningDigest(events.Digest(digest), value))
			}
		case *events.ListEntryRemoved:
			if f.List == list {
				digest = string(ledger.RunningDigest(events.Digest(digest), value))
			}
		}
	}
	return digest
}

// Who takes part: lan and minh draw lists up, hoa and thu approve, an
// administrator gives rights.
const (
	lan, minh, hoa, thu = "person:lan", "person:minh", "person:hoa", "person:thu"
	admin               = "own person:admin"
)

// TestApprovals: what was approved, by somebody else, is what is ordered.
func TestApprovals(t *testing.T) {
	// e0 to e6: a fund, an entitlement, three rights and two words above 1000.
	base := []step{
		{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {entitled("900"), "recorded"},
		{grantedRight("lan", "propose_payouts", admin), "recorded"}, {grantedRight("hoa", "approve_payouts", admin), "recorded"},
		{grantedRight("thu", "approve_payouts", admin), "recorded"}, {approvals(1, "1000", admin), "recorded"},
	}
	after := func(steps []step, more ...step) []step { return append(slices.Clip(steps), more...) }
	drawn := after(base, step{listOpened("d1", lan), "recorded"}, step{entryAdded("d1", "o1", "500", lan), "recorded"},
		step{entryAdded("d1", "o2", "400", "token:office"), "recorded"})
	digest := digestOf(t, "d1", drawn)
	toPropose := step{proposed("d1", "900", 2, digest, lan), "recorded"}
	toApprove := step{approved("d1", "900", 2, digest, hoa), "recorded"}
	given := after(drawn, toPropose, toApprove)

	large := after(base, step{listOpened("d1", lan), "recorded"}, step{entryAdded("d1", "o1", "1001", lan), "recorded"})
	largeDigest := digestOf(t, "d1", large)
	twoWords := after(large, step{proposed("d1", "1001", 1, largeDigest, lan), "recorded"})

	scenarios := map[string][]step{
		"approved by another, then ordered": after(given, step{ordered("o1", "500"), "posted"}, step{ordered("o2", "400"), "posted"},
			step{ordered("o1", "500"), "refused payout_exists"}),
		"nothing is ordered past a list": after(base, step{ordered("o1", "500"), "refused not_listed"}),
		"a list of a fund that asks for no approval is one person's work, its approval another's": {
			{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {entitled("900"), "recorded"}, {ordered("o9", "100"), "posted"},
			{listOpened("d1", "cli"), "recorded"}, {entryAdded("d1", "o1", "500", "cli"), "recorded"}, {ordered("o1", "500"), "refused list_not_approved"},
		},
		"not before it is approved": after(drawn, step{ordered("o1", "500"), "refused list_not_approved"}, toPropose,
			step{ordered("o1", "500"), "refused list_not_approved"}, toApprove, step{ordered("o1", "500"), "posted"}),
		"not another amount than approved": after(given, step{ordered("o1", "501"), "refused differs_from_list"}, step{ordered("o1", "400"), "refused differs_from_list"}),
		"nothing is added once it is proposed": after(drawn, toPropose, step{entryAdded("d1", "o3", "1", lan), "refused list_proposed"}, toApprove,
			step{entryAdded("d1", "o3", "1", lan), "refused list_approved"}, step{ordered("o3", "1"), "refused not_listed"}),
		"who proposes says what the list holds": after(drawn,
			step{proposed("d1", "901", 2, digest, lan), "refused list_differs"}, step{proposed("d1", "900", 1, digest, lan), "refused list_differs"},
			step{proposed("d1", "900", 2, largeDigest, lan), "refused list_differs"}, toPropose, step{proposed("d1", "900", 2, digest, lan), "refused list_proposed"}),
		"who approves says what the list holds": after(drawn, toPropose,
			step{approved("d1", "901", 2, digest, hoa), "refused list_differs"}, step{approved("d1", "900", 3, digest, hoa), "refused list_differs"},
			step{approved("d1", "900", 2, largeDigest, hoa), "refused list_differs"}, toApprove, step{approved("d1", "900", 2, digest, thu), "refused list_approved"}),
		"nobody approves what they drew up": after(base, step{grantedRight("minh", "propose_payouts", admin), "recorded"},
			step{listOpened("d1", minh), "recorded"}, step{entryAdded("d1", "o1", "500", minh), "recorded"},
			step{revokedRight("minh", "propose_payouts", admin), "recorded"}, step{grantedRight("minh", "approve_payouts", admin), "recorded"},
			step{proposed("d1", "500", 1, digestFrom(t, base, "d1", 1, minh), lan), "recorded"},
			step{approved("d1", "500", 1, digestFrom(t, base, "d1", 1, minh), minh), "refused four_eyes"},
			step{approved("d1", "500", 1, digestFrom(t, base, "d1", 1, minh), lan), "refused four_eyes"}),
		"approving takes the right, and a person": after(drawn, toPropose,
			step{approved("d1", "900", 2, digest, "person:nobody"), "refused right_missing"}, step{approved("d1", "900", 2, digest, "token:hoa"), "refused right_missing"},
			step{approved("d1", "900", 2, digest, "cli"), "refused right_missing"}, step{approved("d1", "900", 2, digest, "token:office"), "refused four_eyes"},
			step{approved("d1", "900", 2, digest, "person:person:hoa"), "refused right_missing"},
			step{revokedRight("hoa", "approve_payouts", admin), "recorded"}, step{approved("d1", "900", 2, digest, hoa), "refused right_missing"}),
		"a record without a stamp is nobody's": after(base, step{by{listOpened("d1", lan).(by).Fact, ""}, "refused actor_unknown"}),
		"drawing up takes the right where approvals are asked for": after(base, step{listOpened("d1", hoa), "refused right_missing"},
			step{listOpened("d1", "person:nobody"), "refused right_missing"}, step{listOpened("d1", "cli"), "recorded"},
			step{entryAdded("d1", "o1", "5", hoa), "refused right_missing"}, step{entryAdded("d2", "o1", "5", lan), "refused list_unknown"}),
		"a large list takes two": after(twoWords, step{approved("d1", "1001", 1, largeDigest, hoa), "recorded one_more_approval"},
			step{approved("d1", "1001", 1, largeDigest, hoa), "refused approved_before"}, step{ordered("o1", "1001"), "refused list_not_approved"},
			step{approved("d1", "1001", 1, largeDigest, thu), "recorded"}, step{ordered("o1", "1001"), "refused over_entitlement"}),
		"what is asked for when it is approved counts": after(twoWords, step{approvals(1, "2000", admin), "recorded one_more_approval"},
			step{approvals(1, "2000", "own person:other"), "recorded"}, step{approved("d1", "1001", 1, largeDigest, hoa), "recorded"}),
		"a payout stands on one list": after(drawn, step{listOpened("d2", lan), "recorded"}, step{entryAdded("d2", "o1", "5", lan), "refused payout_listed"},
			step{listOpened("d1", lan), "refused list_exists"}, step{withdrawn("d1", lan), "recorded"}, step{entryAdded("d1", "o3", "5", lan), "refused list_withdrawn"},
			step{entryAdded("d2", "o1", "5", lan), "recorded"}, step{listOpened("d1", lan), "refused list_exists"}),
		"a withdrawn list gives nothing more": after(given, step{ordered("o1", "500"), "posted"}, step{withdrawn("d1", "person:nobody"), "refused right_missing"},
			step{withdrawn("d1", hoa), "recorded"}, step{ordered("o2", "400"), "refused list_not_approved"}, step{withdrawn("d1", hoa), "refused list_withdrawn"},
			step{listOpened("d2", lan), "recorded"}, step{entryAdded("d2", "o1", "500", lan), "refused payout_exists"}, step{entryAdded("d2", "o2", "300", lan), "recorded"}),
		"an order taken back is ordered again from its list": after(given, step{ordered("o1", "500"), "posted"}, step{reverse("e12"), "posted"},
			step{ordered("o1", "500"), "posted"}),
		"nobody holds both rights, or gives themselves one": after(base, step{grantedRight("lan", "approve_payouts", admin), "refused four_eyes"},
			step{grantedRight("hoa", "propose_payouts", admin), "refused four_eyes"}, step{grantedRight("admin", "approve_payouts", admin), "refused own_right"}),
		"rights and what is asked for come from where people sign in": after(base, step{grantedRight("x", "approve_payouts", "person:admin"), "refused not_ours"},
			step{revokedRight("hoa", "approve_payouts", "person:admin"), "refused not_ours"}, step{approvals(0, "1", "cli"), "refused not_ours"},
			step{approvals(0, "1", "own "+lan), "refused own_right"}, step{approvals(0, "1", "own "+hoa), "refused own_right"},
			step{by{approvals(0, "1", "").(by).Fact, "own "}, "refused actor_unknown"},
			step{approvals(0, "1", admin), "recorded one_more_approval"}, step{approvals(0, "1", admin), "recorded one_more_approval"},
			step{approvals(0, "2", "own person:other"), "recorded one_more_approval"}, step{ordered("o1", "500"), "refused not_listed"},
			step{approvals(0, "2", admin), "recorded"}, step{ordered("o1", "500"), "posted"}, step{approvals(1, "500", admin), "recorded"},
			step{approvals(2, "500", "cli"), "refused not_ours"}, step{approvals(2, "500", admin), "recorded"}),
		"a program fills a list, a person answers for it": after(base, step{listOpened("d1", "token:office"), "recorded"}, step{entryAdded("d1", "o1", "500", "cli"), "recorded"},
			step{proposed("d1", "500", 1, strings.Repeat("0", 64), "token:office"), "refused right_missing"}, step{proposed("d1", "500", 1, strings.Repeat("0", 64), "cli"), "refused right_missing"},
			step{proposed("d1", "500", 1, strings.Repeat("0", 64), hoa), "refused right_missing"}, step{proposed("d1", "500", 1, strings.Repeat("0", 64), lan), "refused list_differs"},
			step{withdrawn("d1", "token:office"), "recorded"}),
		"a program takes back no list that is handed over": after(given, step{withdrawn("d1", "token:office"), "refused right_missing"}, step{withdrawn("d1", "cli"), "recorded"}),
		"arrears and other programmes stand on the same list": {
			{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {entitled("900"), "recorded"},
			{grantedRight("hoa", "approve_payouts", admin), "recorded"}, {listOpened("d1", "cli"), "recorded"},
			{entryWith(func(f *events.ListEntryAdded) { f.Period, f.Kind = "2026-08", "arrears" }, "cli"), "recorded"},
			{entryWith(func(f *events.ListEntryAdded) { f.Payout, f.Programme, f.Kind = "o2", "funeral", "funeral" }, "cli"), "recorded"},
			{by{&events.ListProposed{ListTotal: total("d1", "1000", 2, arrears(t))}, "cli"}, "recorded"}, {approved("d1", "1000", 2, arrears(t), hoa), "recorded"},
			{ordered("o1", "500"), "refused differs_from_list"}, {orderedOf("o1", "elderly", "2026-08"), "refused not_entitled"}, {orderedOf("o2", "funeral", "2026-09"), "refused not_entitled"},
		},
		"an entry says where its money goes": after(base, step{listOpened("d1", lan), "recorded"},
			step{entryWith(func(f *events.ListEntryAdded) { f.Sealed = nil }, lan), "refused account_missing"},
			step{entryWith(func(f *events.ListEntryAdded) { f.Sealed, f.Method = nil, "ewallet" }, lan), "refused account_missing"},
			step{entryWith(func(f *events.ListEntryAdded) { f.Sealed, f.Method = nil, "cash" }, lan), "recorded"}),
		"an order brings no account of its own": after(given, step{func() events.Fact {
			f := *ordered("o1", "500").(*events.PayoutOrdered)
			f.Sealed = map[string]string{"account": "i1." + strings.Repeat("A", 22)}
			return &f
		}(), "refused differs_from_list"}),
		"an entry is taken off, and put on again otherwise": after(drawn, step{entryRemoved("d1", "o1", hoa), "refused right_missing"}, step{entryRemoved("d2", "o1", lan), "refused list_unknown"},
			step{entryRemoved("d1", "o9", lan), "refused not_listed"}, step{entryRemoved("d1", "o1", lan), "recorded"}, step{entryRemoved("d1", "o1", lan), "refused not_listed"},
			step{proposed("d1", "900", 2, digest, lan), "refused list_differs"}, step{ordered("o1", "500"), "refused not_listed"},
			step{entryAdded("d1", "o1", "100", lan), "recorded"}, step{proposed("d1", "500", 2, removed(t, drawn), lan), "recorded"},
			step{approved("d1", "500", 2, removed(t, drawn), hoa), "recorded"}, step{ordered("o1", "500"), "refused differs_from_list"}, step{ordered("o1", "100"), "posted"}),
		"a word counts while its right does": after(twoWords, step{approved("d1", "1001", 1, largeDigest, hoa), "recorded one_more_approval"},
			step{revokedRight("hoa", "approve_payouts", admin), "recorded"}, step{approved("d1", "1001", 1, largeDigest, thu), "recorded one_more_approval"},
			step{grantedRight("hoa", "approve_payouts", admin), "recorded"}, step{approved("d1", "1001", 1, largeDigest, hoa), "recorded"}),
		"a word is enough once less is asked for": after(twoWords, step{approved("d1", "1001", 1, largeDigest, hoa), "recorded one_more_approval"},
			step{approvals(1, "2000", admin), "recorded one_more_approval"}, step{approvals(1, "2000", "own person:other"), "recorded"},
			step{approved("d1", "1001", 1, largeDigest, hoa), "recorded"}),
		"to ask for less takes two persons": after(base, step{approvals(0, "1", "own cli"), "refused not_a_person"}, step{approvals(0, "1", "own token:a"), "refused not_a_person"},
			step{approvals(0, "1", "own person:x"), "recorded one_more_approval"}, step{grantedRight("x", "approve_payouts", admin), "recorded"},
			step{approvals(0, "1", admin), "recorded one_more_approval"}, step{approvals(0, "1", "own person:y"), "recorded"}),
		"what comes by another door draws nothing up": after(base, step{listOpened("d1", "inbox"), "refused right_missing"}, step{listOpened("d1", "token:office"), "recorded"}),
		"what is ordered is not sent once its list is withdrawn": after(given, step{ordered("o1", "500"), "posted"}, step{withdrawn("d1", hoa), "recorded"},
			step{sent("o1", "500"), "refused list_withdrawn"}),
		"nobody takes a right from themselves": after(base, step{revokedRight("hoa", "approve_payouts", "own "+hoa), "refused own_right"}),
		"resuming leaves room for a stop": func() (steps []step) {
			for range 7 {
				steps = append(steps, step{stop("2026-05"), "recorded"}, step{resumed("2026-05"), "recorded"})
			}
			return append(steps, step{stop("2026-05"), "recorded"}, step{resumed("2026-05"), "refused too_many_changes"}, step{stop("2026-04"), "recorded"},
				step{stop("2026-06"), "refused too_many_changes"}, step{entitled("900"), "recorded"}, step{ordered("o1", "1"), "refused person_stopped"})
		}(),
		"a list is in one currency, and not endless": after(drawn,
			step{by{func() events.Fact {
				f := *entryAdded("d1", "o3", "5", lan).(by).Fact.(*events.ListEntryAdded)
				f.Sum = usd("5.00")
				return &f
			}(), lan}, "refused other_currency"}, step{entryAdded("d1", "o3", "999999999999999", lan), "refused list_too_large"}),
		"payments go on after a stop": {
			{lineIn("g1", "5000"), "posted"}, {funded("g1", "5000"), "posted"}, {entitled("900"), "recorded"}, {resumed("2026-09"), "refused not_stopped"},
			{stop("2026-05"), "recorded"}, {ordered("o1", "100"), "refused person_stopped"}, {resumed("2026-10"), "recorded"}, {ordered("o1", "100"), "refused person_stopped"},
			{resumed("2026-09"), "recorded"}, {ordered("o1", "100"), "posted"}, {stop("2026-11"), "recorded"}, {sent("o1", "100"), "posted"},
			{reverse("e8"), "recorded"}, {ordered("o2", "100"), "refused person_stopped"}, {reverse("e4"), "recorded"}, {ordered("o2", "100"), "posted"},
		},
	}
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) { play(t, 2, scenarios[name]) })
	}
}

// arrears is the digest of the list of that scenario.
func arrears(t *testing.T) string {
	t.Helper()
	steps := make([]step, 4)
	return digestOf(t, "d1", append(steps, step{listOpened("d1", "cli"), "recorded"},
		step{entryWith(func(f *events.ListEntryAdded) { f.Period, f.Kind = "2026-08", "arrears" }, "cli"), "recorded"},
		step{entryWith(func(f *events.ListEntryAdded) { f.Payout, f.Programme, f.Kind = "o2", "funeral", "funeral" }, "cli"), "recorded"}))
}

func orderedOf(payout, programme, period string) events.Fact {
	f := *ordered(payout, "500").(*events.PayoutOrdered)
	f.Programme, f.Period = events.Word(programme), events.Period(period)
	return &f
}

// removed is the digest once an entry was taken off and put on again.
func removed(t *testing.T, drawn []step) string {
	t.Helper()
	steps := append(slices.Clip(drawn), make([]step, 7)...)
	steps[len(drawn)+3] = step{entryRemoved("d1", "o1", lan), "recorded"}
	return digestOf(t, "d1", append(steps, step{entryAdded("d1", "o1", "100", lan), "recorded"}))
}

// digestFrom is the digest of a list of one entry that somebody draws up after
// the first steps and so many others.
func digestFrom(t *testing.T, first []step, list string, more int, actor string) string {
	t.Helper()
	steps := slices.Clone(first)
	for range more {
		steps = append(steps, step{})
	}
	return digestOf(t, events.ID(list), append(steps, step{listOpened(list, actor), "recorded"}, step{entryAdded(list, "o1", "500", actor), "recorded"}))
}

// TestListDigest pins what a list's digest is made of.
func TestListDigest(t *testing.T) {
	const want = "4298cabe12daf6ab7b8ca4892481c68e0f95a798fd93f78841c00dad925b33aa"
	if got := ledger.RunningDigest("00", ledger.Hash{1}); string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestApprovalLaws: whoever does what in whatever order, a payout is ordered
// only as persons approved it who held the right then and drew none of it up.
// What may never happen is worked out from the facts that were taken in.
func TestApprovalLaws(t *testing.T) {
	drawers, approvers := []string{lan, minh, lan, minh, hoa, "cli", "token:office", ""}, []string{hoa, thu, minh, lan, "cli"}
	rapid.Check(t, func(t *rapid.T) {
		const needed = 1000 // above it, two approve
		id := func(kind string, most int) string {
			return fmt.Sprintf("%s%d", kind, rapid.IntRange(0, most).Draw(t, kind))
		}
		amount := func() string { return rapid.SampledFrom([]string{"400", "500", "700"}).Draw(t, "amount") }
		facts := []events.Fact{lineIn("g1", "90000"), funded("g1", "90000"), entitled("5000"), approvals(1, fmt.Sprint(needed), admin),
			grantedRight("lan", "propose_payouts", admin), grantedRight("minh", "propose_payouts", admin), grantedRight("hoa", "approve_payouts", admin), grantedRight("thu", "approve_payouts", admin)}
		book := ledger.NewBook(1)
		var offset int64
		decide := func(r events.Record) ledger.Outcome {
			r.Offset = offset
			batch, err := ledger.Decide(t.Context(), book.Head(0), []events.Record{r}, book)
			if err != nil {
				t.Fatal(err)
			}
			book.Apply(batch)
			offset++
			return batch.Outcomes[0]
		}
		decide(write(t, 0, "shard:0", "shard.opened", "open", &events.ShardOpened{Ledger: "test", Format: number(1), Shard: number(0), Shards: number(1)}))
		decide(write(t, 0, "shard:0", "shard.rules_activated", "rules", &events.RulesActivated{RuleSet: number(2)}))

		type entry struct{ list, payout, amount string }
		entries, hands, words := []entry{}, map[string][]string{}, map[string][]string{}
		digests, sums, counts := map[string]events.Digest{}, map[string]int{}, map[string]events.Count{}
		held := map[string]bool{} // right and holder
		dead := map[string]bool{} // lists withdrawn
		n := rapid.IntRange(0, 60).Draw(t, "facts")
		for i := range n + len(facts) {
			var fact events.Fact
			actor, approver := rapid.SampledFrom(drawers).Draw(t, "drawer"), rapid.SampledFrom(approvers).Draw(t, "approver")
			list, payout := rapid.SampledFrom([]string{"d0", "d0", "d0", "d1"}).Draw(t, "list"), id("o", 2)
			seen := func() events.ListTotal {
				if counts[list] == 0 || rapid.IntRange(0, 5).Draw(t, "misread") == 0 {
					return total(list, "900", 2, strings.Repeat("0", 64))
				}
				return total(list, fmt.Sprint(sums[list]), counts[list], string(digests[list]))
			}
			if i < len(facts) {
				fact = facts[i]
			} else {
				switch rapid.SampledFrom([]string{"open", "add", "add", "propose", "approve", "approve", "approve", "withdraw", "right", "right", "order", "order", "reverse"}).Draw(t, "what") {
				case "open":
					fact = listOpened(list, actor)
				case "add":
					fact = entryAdded(list, payout, amount(), actor)
				case "propose":
					fact = by{&events.ListProposed{ListTotal: seen()}, actor}
				case "approve":
					fact = by{&events.ListApproved{ListTotal: seen()}, approver}
				case "withdraw":
					fact = withdrawn(list, approver)
				case "right":
					right, holder := rapid.SampledFrom([]string{"propose_payouts", "approve_payouts"}).Draw(t, "right"), rapid.SampledFrom([]string{"lan", "minh", "minh", "hoa"}).Draw(t, "holder")
					if fact = grantedRight(holder, right, admin); rapid.Bool().Draw(t, "revoke") {
						fact = revokedRight(holder, right, admin)
					}
				case "order":
					fact = ordered(payout, amount())
				case "reverse":
					fact = reverse(id("e", n))
				}
			}
			r := handed(t, 0, fmt.Sprint("e", i), fact)
			o := decide(r)
			if !o.Status.Accepted() {
				continue
			}
			actor, b := "", fact
			if of, ok := fact.(by); ok {
				actor, b = of.actor, of.Fact
			}
			switch f := b.(type) {
			case *events.RightGranted:
				held[string(f.Right)+" person:"+string(f.Holder)] = true
				if held["propose_payouts person:"+string(f.Holder)] && held["approve_payouts person:"+string(f.Holder)] {
					t.Errorf("%s holds both rights", f.Holder)
				}
			case *events.RightRevoked:
				delete(held, string(f.Right)+" person:"+string(f.Holder))
			case *events.ListOpened:
				hands[list], digests[list] = append(hands[list], actor), events.Digest(fmt.Sprintf("%x", events.ValueHash(r.Value)))
			case *events.ListEntryAdded:
				if len(words[list]) > 0 {
					t.Errorf("an entry was added to %s behind an approval", list)
				}
				entries = append(entries, entry{list, payout, string(f.Amount)})
				hands[list] = append(hands[list], actor)
				digests[list] = ledger.RunningDigest(digests[list], ledger.Hash(events.ValueHash(r.Value)))
				counts[list]++
				minor, _ := strconv.Atoi(string(f.Amount))
				sums[list] += minor
			case *events.ListProposed:
				hands[list] = append(hands[list], actor)
			case *events.ListApproved:
				if f.Digest != digests[list] || *f.Count != counts[list] || string(f.Amount) != fmt.Sprint(sums[list]) {
					t.Errorf("%s was approved as something else", list)
				}
				if !held["approve_payouts "+actor] || slices.Contains(words[list], actor) {
					t.Errorf("%s approved %s", actor, list)
				}
				words[list] = append(words[list], actor)
			case *events.ListWithdrawn:
				dead[list] = true
			case *events.PayoutOrdered:
				ok := slices.ContainsFunc(entries, func(e entry) bool {
					enough := len(words[e.list]) > 0 && (sums[e.list] <= needed || len(words[e.list]) > 1)
					return e.payout == string(f.Payout) && e.amount == string(f.Amount) && enough && !dead[e.list] &&
						!slices.ContainsFunc(words[e.list], func(w string) bool { return slices.Contains(hands[e.list], w) })
				})
				if !ok {
					t.Errorf("payout %s of %s was ordered as nobody approved it", f.Payout, f.Amount)
				}
			}
		}
	})
}
