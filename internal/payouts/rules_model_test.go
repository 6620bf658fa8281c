package payouts_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"socho/events"
	"socho/ledger"
)

// asked tells whether whoever runs the tests has said how many cases are tried.
var asked = sync.OnceValue(func() (said bool) {
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.rapid.checks" || f.Name == "rapid.checks" })
	return said
})

// checks is how many cases are tried, unless that was said.
func checks(t *testing.T, n int) {
	t.Helper()
	if asked() {
		return
	}
	if err := flag.Set("rapid.checks", fmt.Sprint(n)); err != nil {
		t.Fatal(err)
	}
}

// counterfund is a fund's ledger in memory, in which a bad office says whatever it
// likes in any order, and an honest bank and pay points carry out what they were let.
type counterfund struct {
	*rapid.T
	book      *ledger.Book
	offset    int64
	shown     []events.ListTotal // totals that somebody has seen, of any time
	orders    map[string]string  // payout → id of its last order that stands
	nth       int
	files     map[string][]string // batch → payouts, as its file has them
	digests   map[string]string   // batch → its file's
	transfers []*transfer
	cash      []*handed
	kept      []due
	said      []events.Record // observations, to be said again
	out       int64           // what has left persons' accounts by the ledger, less what came back
}

const (
	modelEntitled = 1000
	modelPersons  = 2
)

// payoutOf says whose a payout is, and how much.
func payoutOf(n int) (payout, person string, amount int64) {
	return fmt.Sprintf("o%d", n), fmt.Sprintf("p%d", n%modelPersons), []int64{1000, 600, 500}[n%3]
}

// TestOfficeCannotPayTwice: a hostile office that says anything in any order, with
// totals of any time, cannot bring more to somebody than they are entitled to; and
// money out is what was settled and is open, after each fact. What a bank and pay
// points report that should not have been is marked.
func TestOfficeCannotPayTwice(t *testing.T) {
	checks(t, 300)
	rapid.Check(t, func(r *rapid.T) {
		m := &counterfund{T: r, book: ledger.NewBook(1), orders: map[string]string{}, files: map[string][]string{}, digests: map[string]string{}}
		m.begin()
		some := map[string]func(*rapid.T){"": m.check}
		for name, act := range map[string]func(){
			"list": m.list, "word": m.word, "order": m.order, "takeback": m.takeBack, "batch": m.batch, "file": m.file,
			"carry": m.carry, "answer": m.answer, "back": m.comesBack, "again": m.again, "counter": m.counter, "leave": m.leave, "handover": m.handOver, "sync": m.sync,
		} {
			some[name] = func(r *rapid.T) {
				m.T = r
				act()
			}
		}
		r.Repeat(some)
	})
}

func (m *counterfund) begin() {
	count := func(n events.Count) *events.Count { return &n }
	m.put("shard:0", "shard.opened", "open", "", &events.ShardOpened{Ledger: "test", Format: count(1), Shard: count(0), Shards: count(1)})
	m.put("shard:0", "shard.rules_activated", "rules", "", &events.RulesActivated{RuleSet: count(ledger.LatestRuleSet)})
	m.line("grant", "in", 9000)
	m.say("", "benefit.funded", &events.Funded{Dated: modelDay, Sum: dong(9000), Line: "grant"})
	for p := range modelPersons {
		f := &events.PersonEntitled{Dated: modelDay, Sum: dong(modelEntitled), Programme: "monthly", Period: month, Unit: "00721"}
		f.Person = events.ID(fmt.Sprintf("p%d", p))
		m.say("cli", "benefit.person_entitled", f)
	}
	for holder, right := range map[string]string{"lan": "propose_payouts", "hoa": "approve_payouts", "thu": "approve_payouts"} {
		m.say("own person:admin", "organization.right_granted", &events.RightGranted{Grant: events.Grant{Dated: modelDay, Holder: events.ID(holder), Right: events.Word(right)}})
	}
	m.say("own person:admin", "organization.approvals_required", &events.ApprovalsRequired{Dated: modelDay, Sum: dong(1000), Approvers: count(1)})
}

var modelDay = events.Dated{EffectiveOn: "2026-10-01"}

func dong(n int64) events.Sum {
	return events.Sum{Amount: events.Decimal(fmt.Sprint(n)), Currency: "VND"}
}

// say says a fact under an id of its own.
func (m *counterfund) say(actor, name string, fact events.Fact) *ledger.Outcome {
	m.nth++
	return m.put(fund, name, fmt.Sprint("e", m.nth), actor, fact)
}

func (m *counterfund) put(subject, name, id, actor string, fact events.Fact) *ledger.Outcome {
	source := "urn:test"
	actor, own := strings.CutPrefix(actor, "own ")
	if own {
		source = events.OwnSources + "identity"
	}
	value, err := events.New(events.Envelope{ID: events.EventID(id), Source: events.URI(source), Type: events.Type(name), Subject: subject, Time: "2026-10-01T00:00:00Z"}, fact)
	if err != nil {
		m.Fatal(name, err)
	}
	record := events.Record{Key: []byte(subject), Value: value}
	if actor != "" {
		record.Headers = []events.Header{{Name: events.HeaderActor, Value: []byte(actor)}}
	}
	return m.decide(record)
}

func (m *counterfund) decide(record events.Record) *ledger.Outcome {
	record.Offset = m.offset
	m.offset++
	batch, err := ledger.Decide(m.Context(), m.book.Head(0), []events.Record{record}, m.book)
	if err != nil {
		m.Fatal(err)
	}
	m.book.Apply(batch)
	for _, t := range batch.Transfers[0] {
		from, to := strings.HasPrefix(t.Debit, "person:"), strings.HasPrefix(t.Credit, "person:")
		if from && !to {
			m.out += t.Amount.Minor()
		} else if to && !from {
			m.out -= t.Amount.Minor()
		}
	}
	return &batch.Outcomes[0]
}

// observe says what happened, under an id that follows from it.
func (m *counterfund) observe(name, id string, fact events.Fact) *ledger.Outcome {
	value, err := events.New(events.Envelope{ID: events.EventID(id), Source: "urn:bank", Type: events.Type(name), Subject: fund, Time: "2026-10-01T00:00:00Z"}, fact)
	if err != nil {
		m.Fatal(name, err)
	}
	record := events.Record{Key: []byte(fund), Value: value}
	m.said = append(m.said, record)
	return m.decide(record)
}

func (m *counterfund) line(id, direction string, amount int64) {
	m.observe("bank.line_received", "line-"+id, &events.LineReceived{Dated: modelDay, Sum: dong(amount), Line: events.ID(id), Account: "tk", Direction: events.Word(direction), Kind: "payment"})
}

func (m *counterfund) pick(name string, most int) int { return rapid.IntRange(0, most).Draw(m.T, name) }

func (m *counterfund) actor() string {
	return rapid.SampledFrom([]string{"person:lan", "person:lan", "person:hoa", "person:thu", "cli", "token:x"}).Draw(m.T, "actor")
}

// state reads what the rules remember.
func (m *counterfund) state(key string, into any) bool {
	k := ledger.StateKey{Organization: fund, Key: key}
	found, err := m.book.State(m.Context(), 0, []ledger.StateKey{k})
	if err != nil {
		m.Fatal(err)
	}
	if found[k] == nil {
		return false
	}
	if err := json.Unmarshal(found[k], into); err != nil {
		m.Fatal(err)
	}
	return true
}

type modelTotal struct {
	State  string        `json:"state"`
	Count  events.Count  `json:"count"`
	Sum    int64         `json:"sum"`
	Digest events.Digest `json:"digest"`
}

// held is what lies on an account, as credits less debits.
func (m *counterfund) held(path string) int64 {
	name := ledger.AccountName{Organization: fund, Path: path}
	found, err := m.book.Accounts(m.Context(), 0, []ledger.AccountName{name})
	if err != nil {
		m.Fatal(err)
	}
	a := found[name]
	return new(big.Int).Sub(a.Credits.Big(), a.Debits.Big()).Int64()
}

// list opens lists and puts payouts on them or takes them off.
func (m *counterfund) list() {
	list := events.ID(fmt.Sprint("l", m.pick("list", 3)))
	payout, person, amount := payoutOf(m.pick("payout", 5))
	m.say("person:lan", "benefit.list_opened", &events.ListOpened{Dated: modelDay, List: list, Programme: "monthly", Period: month, Currency: "VND"})
	if m.pick("off", 6) == 0 {
		m.say(m.actor(), "benefit.list_entry_removed", &events.ListEntryRemoved{Dated: modelDay, List: list, Payout: events.PayoutID(payout), Reason: "mistake"})
		return
	}
	f := &events.ListEntryAdded{Dated: modelDay, Sum: dong(amount), List: list, Payout: events.PayoutID(payout), Unit: "00721", Method: "account", Kind: "regular"}
	f.Person, f.Sealed = events.ID(person), map[string]string{"account": "i1." + strings.Repeat("A", 22)}
	m.say("person:lan", "benefit.list_entry_added", f)
}

// word proposes, approves or withdraws a list, by what somebody has seen of it.
func (m *counterfund) word() {
	list := events.ID(fmt.Sprint("l", m.pick("list", 3)))
	var t modelTotal
	if !m.state("list:"+string(list), &t) || t.Count == 0 {
		return
	}
	what := events.ListTotal{Dated: modelDay, Sum: dong(t.Sum), List: list, Count: &t.Count, Digest: t.Digest}
	m.shown = append(m.shown, what)
	if m.pick("stale", 5) == 0 {
		what = rapid.SampledFrom(m.shown).Draw(m.T, "seen")
	}
	switch m.pick("word", 6) {
	case 0, 1:
		m.say(m.actor(), "benefit.list_proposed", &events.ListProposed{ListTotal: what})
	case 2:
		m.say(m.actor(), "benefit.list_withdrawn", &events.ListWithdrawn{Dated: modelDay, List: list, Reason: "mistake"})
	default:
		before := t.State
		o := m.say(m.actor(), "benefit.list_approved", &events.ListApproved{ListTotal: what})
		if o.Status.Accepted() && (before != "proposed" || *what.Count != t.Count && what.List == list) {
			m.Fatalf("approved a list that was %s, or not as it is", before)
		}
	}
}

func (m *counterfund) order() {
	payout, person, amount := payoutOf(m.pick("payout", 5))
	if m.pick("wrong", 9) == 0 {
		amount += 100
	}
	f := &events.PayoutOrdered{Dated: modelDay, Sum: dong(amount), Payout: events.PayoutID(payout), Programme: "monthly", Period: month, Unit: "00721", Method: "account"}
	f.Person = events.ID(person)
	if o := m.say("process:payouts", "benefit.payout_ordered", f); o.Status == ledger.Posted {
		m.orders[payout] = o.EventID
	}
}

// takeBack takes an order back, to issue its money under another id.
func (m *counterfund) takeBack() {
	payout, _, _ := payoutOf(m.pick("payout", 5))
	if id := m.orders[payout]; id != "" {
		m.say("person:lan", "ledger.reversed", &events.Reversed{Dated: modelDay, Reverses: events.EventID(id), ReversesSource: "urn:test", Reason: "reissued"})
	}
}

// batch opens batches and puts payouts into them, whole, in part, or twice.
func (m *counterfund) batch() {
	batch := fmt.Sprint("b", m.pick("batch", 3))
	m.say("person:lan", "benefit.batch_opened", &events.BatchOpened{Dated: modelDay, Batch: events.PayoutID(batch), Account: "tk", Method: "account", Currency: "VND", ExecuteOn: "2026-10-05"})
	for range m.pick("payouts", 3) {
		payout, _, amount := payoutOf(m.pick("payout", 5))
		if m.pick("part", 9) == 0 {
			amount -= 100
		}
		o := m.say("person:lan", "benefit.payout_batched", &events.PayoutBatched{Dated: modelDay, Sum: dong(amount), Batch: events.PayoutID(batch), Payout: events.PayoutID(payout)})
		if o.Status == ledger.Posted {
			m.transfers = append(m.transfers, &transfer{batch: batch, payout: payout, amount: amount, state: "waiting"})
		}
	}
}

// file closes, exports, submits or cancels a batch; an edited file is one more digest.
func (m *counterfund) file() {
	batch := fmt.Sprint("b", m.pick("batch", 3))
	var t modelTotal
	if !m.state("batch:"+batch, &t) {
		return
	}
	id := events.PayoutID(batch)
	var payouts []string
	for _, x := range m.transfers {
		if x.batch == batch {
			payouts = append(payouts, fmt.Sprint(x.payout, " ", x.amount))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(payouts, "\n")))
	if m.pick("edited", 4) == 0 {
		sum[0]++
	}
	digest := events.Digest(hex.EncodeToString(sum[:]))
	switch m.pick("act", 4) {
	case 0:
		count := max(t.Count, 1) // an empty one cannot be said
		m.say("person:lan", "benefit.batch_closed", &events.BatchClosed{Dated: modelDay, Sum: dong(max(t.Sum, 1)), Batch: id, Count: &count, Digest: t.Digest})
	case 1:
		if o := m.say("person:lan", "benefit.batch_exported", &events.BatchExported{Dated: modelDay, Batch: id, Format: "xlsx", Digest: digest}); o.Status.Accepted() {
			if before := m.digests[batch]; before != "" && before != string(digest) {
				m.Fatalf("batch %s is two files", batch)
			}
			m.digests[batch] = string(digest)
		}
	case 2:
		if o := m.say("person:lan", "benefit.batch_submitted", &events.BatchSubmitted{Dated: modelDay, Batch: id, Digest: digest}); o.Status.Accepted() {
			if m.digests[batch] != string(digest) {
				m.Fatalf("a file of batch %s goes to the bank that is none of it", batch)
			}
			m.files[batch] = payouts
		}
	default:
		m.say(m.actor(), "benefit.batch_cancelled", &events.BatchCancelled{Dated: modelDay, Batch: id, Reason: "wrong_day"})
		if m.state("batch:"+batch, &t) && t.State == "cancelled" {
			for _, x := range m.transfers {
				if x.batch == batch && x.state == "waiting" {
					x.state = "cancelled"
				}
			}
		}
	}
}

// carry has the bank carry out or reject a line of a file that it has.
func (m *counterfund) carry() {
	for _, x := range m.transfers {
		if x.state == "waiting" && m.files[x.batch] != nil {
			x.state = rapid.SampledFrom([]string{"waiting", "carried", "carried", "rejected"}).Draw(m.T, "what")
		}
	}
}

// answer tells what the bank did, or that a cancelled batch went nowhere.
func (m *counterfund) answer() {
	for _, x := range m.transfers {
		if x.reported || x.state != "carried" && x.state != "rejected" && x.state != "cancelled" || m.pick("this one", 1) == 0 {
			continue
		}
		x.reported = true
		id := x.payout + "-" + x.batch
		if x.state == "carried" {
			m.line("out-"+id, "out", x.amount)
			m.observe("benefit.payout_settled", "settled-"+id, &events.PayoutSettled{Dated: modelDay, Sum: dong(x.amount), Payout: events.PayoutID(x.payout), Line: events.ID("out-" + id)})
			continue
		}
		m.observe("benefit.payout_returned", "returned-"+id, &events.PayoutReturned{Dated: modelDay, Sum: dong(x.amount), Payout: events.PayoutID(x.payout), Reason: "wrong_account"})
	}
}

// comesBack has money come back that had arrived, months later maybe.
func (m *counterfund) comesBack() {
	for _, x := range m.transfers {
		if x.state == "carried" && x.reported && m.pick("this one", 3) == 0 {
			x.state = "back"
			id := x.payout + "-" + x.batch
			m.line("in-"+id, "in", x.amount)
			m.observe("benefit.payout_returned", "back-"+id, &events.PayoutReturned{Dated: modelDay, Sum: dong(x.amount), Payout: events.PayoutID(x.payout), Line: events.ID("in-" + id), Reason: "account_closed"})
		}
	}
}

// again hands in what was observed before: it is known.
func (m *counterfund) again() {
	if o := m.decide(rapid.SampledFrom(m.said).Draw(m.T, "observation")); o.Status != ledger.Duplicate {
		m.Fatalf("said twice: %s", o.Status)
	}
}

// dues are what pay points may hand over now.
func (m *counterfund) dues() (all []due) {
	for n := range 6 {
		payout, person, _ := payoutOf(n)
		var order struct {
			Void bool `json:"void"`
		}
		if m.state("payout:"+payout, &order) && !order.Void {
			if open := m.held("person:"+person+":payable:"+payout) + m.held("person:"+person+":returned:"+payout); open > 0 {
				all = append(all, due{payout, open})
			}
		}
	}
	return all
}

func (m *counterfund) counter() {
	if all := m.dues(); len(all) > 0 {
		m.tell(m.hand(rapid.SampledFrom(all).Draw(m.T, "line")))
	}
}

func (m *counterfund) leave() { m.kept = m.dues() }

func (m *counterfund) handOver() {
	if len(m.kept) > 0 {
		i := m.pick("line", len(m.kept)-1)
		m.hand(m.kept[i])
		m.kept = slices.Delete(m.kept, i, i+1)
	}
}

func (m *counterfund) hand(d due) *handed {
	h := &handed{due: d, id: fmt.Sprint("cash-", len(m.cash))}
	m.cash = append(m.cash, h)
	return h
}

func (m *counterfund) sync() {
	for _, h := range m.cash {
		if !h.told {
			m.tell(h)
		}
	}
}

func (m *counterfund) tell(h *handed) {
	o := m.observe("benefit.paid_in_cash", h.id, &events.PaidInCash{Dated: modelDay, Sum: dong(h.amount), Payout: events.PayoutID(h.payout), PayPoint: "dong-van"})
	if o.Status != ledger.Posted {
		m.Fatalf("%s: %s %s", h.id, o.Status, o.Code)
	}
	h.told, h.marked = true, o.Code != "" && o.Code != "more_than_held"
}

func (m *counterfund) check(*rapid.T) {
	out, open, marked := map[string]int64{}, map[string]int64{}, map[string]int64{}
	left := int64(0)
	for _, x := range m.transfers {
		person := "p" + fmt.Sprint(int(x.payout[1]-'0')%modelPersons)
		switch {
		case x.state == "waiting":
			out[person] += x.amount
			open[x.payout] += x.amount
		case x.state == "carried":
			out[person] += x.amount
			if x.reported {
				left += x.amount
			} else {
				open[x.payout] += x.amount
			}
		case x.state != "back" && !x.reported:
			open[x.payout] += x.amount // rejected or cancelled, and nobody has said so
		}
	}
	touched := map[string]bool{}
	for _, h := range m.cash {
		if h.told {
			person := "p" + fmt.Sprint(int(h.payout[1]-'0')%modelPersons)
			out[person] += h.amount
			left += h.amount
			if h.marked {
				marked[person] += h.amount
				touched[person] = true
			}
		}
	}
	if left != m.out {
		m.Fatalf("%d has left, by the ledger %d", left, m.out)
	}
	for n := range 6 {
		payout, person, _ := payoutOf(n)
		if clearing := m.held("person:" + person + ":clearing:" + payout); !touched[person] && clearing != open[payout] {
			m.Fatalf("payout %s: %d is on its way, by the ledger %d", payout, open[payout], clearing)
		}
	}
	for p := range modelPersons {
		person := fmt.Sprint("p", p)
		if out[person] > modelEntitled+marked[person] {
			m.Fatalf("%s: %d has left or can leave, of %d; %d of it is marked", person, out[person], modelEntitled, marked[person])
		}
		if beyond := m.held("person:" + person + ":recoverable:monthly:" + month); beyond != 0 && !touched[person] {
			m.Fatalf("%s: %d is to be recovered, and nobody was paid twice", person, -beyond)
		}
	}
	sum := new(big.Int)
	for _, a := range m.book.Balances() {
		sum.Add(sum, a.Debits.Big()).Sub(sum, a.Credits.Big())
	}
	if sum.Sign() != 0 {
		m.Fatalf("debits and credits differ by %s", sum)
	}
}
