package events

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"socho/internal/money"
)

// TypePrefix begins every event type: vn.socho.<area>.<fact>.v<N>.
const TypePrefix = "vn.socho."

// kind is one fact of the catalogue in all its versions, the oldest first.
type kind struct {
	name     string // area.fact
	doc      string
	shard    bool // a fact about the log itself: subject shard:N, exempt from the organization's key
	own      bool // of an organization, but written where people sign in, under this ledger's own source
	versions []version
}

// internal reports whether the fact is written by this ledger's own processes
// only.
func (k *kind) internal() bool { return k.shard || k.own || k.name == "intake.undecodable" }

// version makes an empty fact to decode into, and lifts a decoded one to the
// version after it. The newest version has no upcast.
type version struct {
	make   func() Fact
	form   *form // how data is read fast; nil: not at all
	upcast func(Fact) (Fact, error)
	fields *plan
}

func fact[T any, P interface {
	*T
	Fact
}]() version {
	return version{make: func() Fact { return P(new(T)) }, fields: planOf(reflect.TypeFor[T]()), form: formOf(reflect.TypeFor[T]())}
}

var catalogue = []kind{
	{name: "organization.registered", doc: "An organization begins to keep its book here.", versions: []version{fact[OrganizationRegistered]()}},
	{name: "organization.opening_balance", doc: "What an account held when the office started.", versions: []version{fact[OpeningBalance]()}},
	{name: "organization.right_granted", doc: "Somebody may do what rules ask a right for.", own: true, versions: []version{fact[RightGranted]()}},
	{name: "organization.right_revoked", doc: "Somebody may no longer do it.", own: true, versions: []version{fact[RightRevoked]()}},
	{name: "organization.approvals_required", doc: "How many persons approve a list of payouts.", own: true, versions: []version{fact[ApprovalsRequired]()}},
	{name: "organization.tariff_set", doc: "What an item costs from a day on.", versions: []version{fact[TariffSet]()}},
	{name: "organization.tariff_ended", doc: "What an item cost it costs no longer.", versions: []version{fact[TariffEnded]()}},
	{name: "organization.credit_applied", doc: "A payer's credit pays a bill.", versions: []version{fact[CreditApplied]()}},
	{name: "organization.suspense_placed", doc: "Money that waited finds its place.", versions: []version{fact[SuspensePlaced]()}},
	{name: "organization.passed_on", doc: "What was collected for others went to them.", versions: []version{fact[PassedOn]()}},
	{name: "organization.spent", doc: "Money went out for the organization's own ends.", versions: []version{fact[Spent]()}},
	{name: "organization.earned", doc: "Money came in that no bill asked for.", versions: []version{fact[Earned]()}},
	{name: "organization.refunded_in_cash", doc: "A payer's credit was paid back in cash.", versions: []version{fact[RefundedInCash]()}},
	{name: "organization.month_closed", doc: "The books of a month are closed.", versions: []version{fact[MonthClosed]()}},
	{name: "organization.month_reopened", doc: "They are open again.", versions: []version{fact[MonthReopened]()}},
	{name: "market.stall_let", doc: "A stall is let to a trader.", versions: []version{fact[StallLet]()}},
	{name: "market.fee_assessed", doc: "The market bills a stall for a month.", versions: []version{fact[FeeAssessed]()}},
	{name: "market.payment_received", doc: "Money for a market bill arrived.", versions: []version{fact[PaymentReceived]()}},
	{name: "market.cash_banked", doc: "A collector paid cash into the bank.", versions: []version{fact[CashBanked]()}},
	{name: "market.fee_waived", doc: "The market waives a part of a bill.", versions: []version{fact[FeeWaived]()}},
	{name: "market.stall_described", doc: "How large a stall is, and of which class.", versions: []version{fact[StallDescribed]()}},
	{name: "market.stall_vacated", doc: "Nobody holds a stall any more.", versions: []version{fact[StallVacated]()}},
	{name: "market.trader_absent", doc: "A stall stays closed for a while.", versions: []version{fact[TraderAbsent]()}},
	{name: "market.tickets_handed_out", doc: "A collector was given tickets to sell.", versions: []version{fact[TicketsHandedOut]()}},
	{name: "market.tickets_sold", doc: "Tickets were sold for cash.", versions: []version{fact[TicketsSold]()}},
	{name: "market.tickets_returned", doc: "Tickets came back unsold.", versions: []version{fact[TicketsReturned]()}},
	{name: "market.card_issued", doc: "A card with a payment code is made for a stall.", versions: []version{fact[CardIssued]()}},
	{name: "market.card_printed", doc: "A card came to paper.", versions: []version{fact[CardPrinted]()}},
	{name: "market.card_posted", doc: "A card hangs at its stall.", versions: []version{fact[CardPosted]()}},
	{name: "market.card_inspected", doc: "Somebody looked at what hangs at a stall.", versions: []version{fact[CardInspected]()}},
	{name: "market.card_replaced", doc: "Another card takes a card's place.", versions: []version{fact[CardReplaced]()}},
	{name: "market.card_revoked", doc: "A card is good for nothing any more.", versions: []version{fact[CardRevoked]()}},
	{name: "market.alert_raised", doc: "Something at a market asks for a person.", versions: []version{fact[AlertRaised]()}},
	{name: "market.alert_closed", doc: "An alert was looked into.", versions: []version{fact[AlertClosed]()}},
	{name: "market.sales_connected", doc: "A trader consents that her sales are kept here.", versions: []version{fact[SalesConnected]()}},
	{name: "market.sales_disconnected", doc: "A trader's consent ends.", versions: []version{fact[SalesDisconnected]()}},
	{name: "market.sale_received", doc: "A customer paid a trader.", versions: []version{fact[SaleReceived]()}},
	{name: "school.bill_issued", doc: "A school bills a pupil.", versions: []version{fact[BillIssued]()}},
	{name: "school.bill_paid", doc: "Money for a school bill arrived.", versions: []version{fact[BillPaid]()}},
	{name: "school.bill_exempted", doc: "An exemption or reduction of a school bill.", versions: []version{fact[BillExempted]()}},
	{name: "school.refunded", doc: "A payer's credit is paid back.", versions: []version{fact[Refunded]()}},
	{name: "school.pupil_enrolled", doc: "A pupil is in a class from a day on.", versions: []version{fact[PupilEnrolled]()}},
	{name: "school.pupil_left", doc: "A pupil has left.", versions: []version{fact[PupilLeft]()}},
	{name: "school.reduction_granted", doc: "A pupil's bills are reduced.", versions: []version{fact[ReductionGranted]()}},
	{name: "school.reduction_ended", doc: "They are reduced no longer.", versions: []version{fact[ReductionEnded]()}},
	{name: "benefit.person_entitled", doc: "A person may receive this much for a month.", versions: []version{fact[PersonEntitled]()}},
	{name: "benefit.funded", doc: "A grant for the fund arrived.", versions: []version{fact[Funded]()}},
	{name: "benefit.payout_ordered", doc: "The fund owes a person a payout.", versions: []version{fact[PayoutOrdered]()}},
	{name: "benefit.payout_sent", doc: "The payout went to the bank.", versions: []version{fact[PayoutSent]()}},
	{name: "benefit.payout_settled", doc: "The bank carried the payout out.", versions: []version{fact[PayoutSettled]()}},
	{name: "benefit.payout_returned", doc: "The payout came back, or was rejected.", versions: []version{fact[PayoutReturned]()}},
	{name: "benefit.cash_drawn", doc: "Cash left the bank for a pay point.", versions: []version{fact[CashDrawn]()}},
	{name: "benefit.paid_in_cash", doc: "A payout was handed over at a pay point.", versions: []version{fact[PaidInCash]()}},
	{name: "benefit.person_stopped", doc: "Payments to a person stop from a month on.", versions: []version{fact[PersonStopped]()}},
	{name: "benefit.person_resumed", doc: "Payments to a person go on from a month on.", versions: []version{fact[PersonResumed]()}},
	{name: "benefit.list_opened", doc: "A list of payouts is begun.", versions: []version{fact[ListOpened]()}},
	{name: "benefit.list_entry_added", doc: "A payout is put on an open list.", versions: []version{fact[ListEntryAdded]()}},
	{name: "benefit.list_entry_removed", doc: "A payout is taken off an open list.", versions: []version{fact[ListEntryRemoved]()}},
	{name: "benefit.list_proposed", doc: "A list is closed and handed over for approval.", versions: []version{fact[ListProposed]()}},
	{name: "benefit.list_approved", doc: "Somebody else approves the list.", versions: []version{fact[ListApproved]()}},
	{name: "benefit.list_withdrawn", doc: "Nothing more is ordered from the list.", versions: []version{fact[ListWithdrawn]()}},
	{name: "benefit.batch_opened", doc: "A batch of payouts for the bank is begun.", versions: []version{fact[BatchOpened]()}},
	{name: "benefit.payout_batched", doc: "A payout goes to the bank with a batch.", versions: []version{fact[PayoutBatched]()}},
	{name: "benefit.batch_closed", doc: "A batch holds these payouts and no more.", versions: []version{fact[BatchClosed]()}},
	{name: "benefit.batch_exported", doc: "A file was made of a batch.", versions: []version{fact[BatchExported]()}},
	{name: "benefit.batch_submitted", doc: "A batch's file was handed to the bank.", versions: []version{fact[BatchSubmitted]()}},
	{name: "benefit.batch_cancelled", doc: "A batch never goes to the bank.", versions: []version{fact[BatchCancelled]()}},
	{name: "benefit.grant_returned", doc: "What a fund has not used went back.", versions: []version{fact[GrantReturned]()}},
	{name: "benefit.recovered", doc: "A person gave back what they were not owed.", versions: []version{fact[Recovered]()}},
	{name: "bank.line_received", doc: "A line of a bank statement or webhook.", versions: []version{fact[LineReceived]()}},
	{name: "bank.line_allocated", doc: "Money of a bank line is placed.", versions: []version{fact[LineAllocated]()}},
	{name: "bank.statement_received", doc: "What a statement says of an account as a whole.", versions: []version{fact[StatementReceived]()}},
	{name: "bank.lines_offset", doc: "Money came in by one line and left by another.", versions: []version{fact[LinesOffset]()}},
	{name: "bank.line_noted", doc: "Somebody has looked at a line.", versions: []version{fact[LineNoted]()}},
	{name: "ledger.reversed", doc: "The postings of an earlier event are taken back.", versions: []version{fact[Reversed]()}},
	{name: "registry.institution_reported", doc: "Whether one institution takes part.", versions: []version{fact[InstitutionReported]()}},
	{name: "registry.figure_reported", doc: "A surveyed figure of a unit.", versions: []version{fact[FigureReported]()}},
	{name: "person.erased", doc: "A person's keys are destroyed.", versions: []version{fact[Erased]()}},
	{name: "intake.undecodable", doc: "Input that is no event, sealed.", versions: []version{fact[Undecodable]()}},
	{name: "shard.opened", doc: "Record 0 of a partition.", shard: true, versions: []version{fact[ShardOpened]()}},
	{name: "shard.rules_activated", doc: "A numbered rule set decides from here on.", shard: true, versions: []version{fact[RulesActivated]()}},
}

// entry is what a full type name leads to.
type entry struct {
	kind    *kind
	version int // counted from 1
}

// Vocabulary is a set of event types and currencies to read events with. What
// a rule set decides by is frozen with it, while the catalogue grows: an old
// log is read by the words it was written in. Envelope attributes, bounds and
// closed sets are the same in every vocabulary so far; testdata/golden/boundary.txt
// holds them, and a change to one has to become a part of Vocabulary first.
type Vocabulary struct {
	types      map[string]entry // by full type name
	newest     map[string]int   // area.fact: the newest version, which older ones are lifted to
	currencies []money.Currency
}

// Whole is everything that this release knows. Intake and projections read
// with it.
var Whole = newVocabulary(catalogue, money.Currencies())

func newVocabulary(kinds []kind, currencies []money.Currency) *Vocabulary {
	voc := &Vocabulary{map[string]entry{}, map[string]int{}, currencies}
	for i := range kinds {
		k := &kinds[i]
		voc.newest[k.name] = len(k.versions)
		for v := range k.versions {
			voc.types[TypePrefix+k.name+".v"+strconv.Itoa(v+1)] = entry{k, v + 1}
		}
	}
	return voc
}

// Current reports whether what this vocabulary reads is what Whole makes of it:
// no type of it has a newer version there.
func (voc *Vocabulary) Current() bool {
	for name, version := range voc.newest {
		if Whole.newest[name] != version {
			return false
		}
	}
	return true
}

// NewVocabulary picks types, such as "market.fee_assessed.v1", and currencies
// out of what this release knows. It panics where it does not know one: they
// are written down in code.
func NewVocabulary(types []string, currencies []money.Currency) *Vocabulary {
	return Whole.pick(types, currencies)
}

func (voc *Vocabulary) pick(types []string, currencies []money.Currency) *Vocabulary {
	part := &Vocabulary{map[string]entry{}, map[string]int{}, currencies}
	for _, name := range types {
		e, ok := voc.types[TypePrefix+name]
		if !ok {
			panic("events: no type " + name)
		}
		part.types[TypePrefix+name] = e
		part.newest[e.kind.name] = max(part.newest[e.kind.name], e.version)
	}
	for _, c := range currencies {
		if !slices.Contains(voc.currencies, c) {
			panic("events: no currency " + string(c))
		}
	}
	return part
}

// Types lists every event type, all versions, sorted.
func Types() []string { return slices.Sorted(maps.Keys(Whole.types)) }

// Type returns the full name of a fact's newest version, such as
// Type("market.fee_assessed"). It panics on a name that is not in the
// catalogue.
func Type(name string) string {
	n, ok := Whole.newest[name]
	if !ok {
		panic("events: no fact " + name)
	}
	return TypePrefix + name + ".v" + strconv.Itoa(n)
}

// Name returns area.fact of a full type name, or "" where it is none of ours.
func Name(fullType string) string {
	e, ok := Whole.types[fullType]
	if !ok {
		return ""
	}
	return e.kind.name
}

// Has reports whether a type is in the vocabulary, by its full name.
func (voc *Vocabulary) Has(fullType string) bool {
	_, ok := voc.types[fullType]
	return ok
}

// find finds a type, or says whether it is the fact or the version that is not
// known.
func (voc *Vocabulary) find(fullType string) (entry, error) {
	if e, ok := voc.types[fullType]; ok {
		return e, nil
	}
	if rest, ok := strings.CutPrefix(fullType, TypePrefix); ok {
		if at := strings.LastIndex(rest, ".v"); at > 0 {
			if _, ok := voc.newest[rest[:at]]; ok {
				return entry{}, errorf(UnknownVersion, "/type", "this fact is not known in that version")
			}
		}
	}
	return entry{}, errorf(UnknownEventType, "/type", "no such fact in the catalogue")
}
