package ledger

import (
	"context"
	"slices"
	"strings"
	"sync"

	"socho/internal/money"
)

// Claim is an idempotency key: an event's id, unique within its organization
// and source.
type Claim struct{ Organization, Source, EventID string }

// Claimed is the record that holds a claim.
type Claimed struct {
	Offset    int64
	ValueHash Hash
	Status    Status
	Type      string
}

// AccountName names an account of one organization.
type AccountName struct{ Organization, Path string }

// StateKey names one row of an organization's rule state.
type StateKey struct{ Organization, Key string }

// Store is what deciding reads: the ledger as it was before the batch. Asked
// for what it does not have, it leaves it out of the answer. Any error is a
// fault and stops the shard.
type Store interface {
	Claims(ctx context.Context, shard int, claims []Claim) (map[Claim]Claimed, error)
	Accounts(ctx context.Context, shard int, names []AccountName) (map[AccountName]Account, error)
	State(ctx context.Context, shard int, keys []StateKey) (map[StateKey][]byte, error)
	TransfersAt(ctx context.Context, shard int, offset int64) ([]Transfer, error)
}

// Presumer is a Store whose caller can tell afterwards that a claim was taken:
// writing the batch then fails as a whole. Where Presumes is true, the records'
// own claims are not looked up, and are taken as new unless the batch itself
// has them.
type Presumer interface {
	Store
	Presumes() bool
}

// view is the ledger as one record sees it: the store, and over it the effects
// of the records before it in the batch. What is missing is read on demand, so
// prefetching changes speed and nothing else.
type view struct {
	ctx      context.Context
	shard    int
	store    Store
	presumes bool  // see Presumer
	under    *view // of a probe: the view whose claims and state it sees; it has no store
	probe    *view
	dry      decision             // of a probe
	parsed   map[StateKey]billRow // rows of state that a rule has read
	claims   map[Claim]Claimed
	asked    map[Claim]bool
	accounts map[AccountName]*entry // nil: looked for, not there
	state    map[StateKey][]byte
	batch    *Batch // as far as it is decided
	needs    []Need
	next     int64 // number of the next account to be opened
	touched  []*entry
	lately   [4]*entry          // accounts asked for last: a payment asks for each several times
	changed  map[StateKey]int64 // offset of the record that set it last
	fault    error
}

// entry is an account as the batch has it so far.
type entry struct {
	Account
	touched bool
}

// views are those of large batches, with the room that they have taken up but
// nothing in it: growing maps anew costs more than all that is put there.
var views = sync.Pool{New: func() any { return emptyView() }}

// roomy is from how many records on a batch takes a view that has room: to empty
// it costs as much as it is large.
const roomy = 512

func emptyView() *view {
	return &view{
		claims: map[Claim]Claimed{}, asked: map[Claim]bool{}, parsed: map[StateKey]billRow{},
		accounts: map[AccountName]*entry{}, state: map[StateKey][]byte{}, changed: map[StateKey]int64{},
	}
}

// newView returns a view for so many records; done takes it back.
func newView(ctx context.Context, batch *Batch, store Store, records int) *view {
	v := (*view)(nil)
	if records >= roomy {
		v = views.Get().(*view) //nolint:errcheck // it holds nothing else
	} else {
		v = emptyView()
	}
	p, ok := store.(Presumer)
	v.ctx, v.shard, v.store, v.batch, v.next = ctx, batch.Head.Shard, store, batch, batch.From.NextAccount
	v.presumes = ok && p.Presumes()
	return v
}

// done ends the use of a view. What the batch has taken over stays as it is.
func (v *view) done(records int) {
	if records < roomy {
		return
	}
	clear(v.claims)
	clear(v.asked)
	clear(v.parsed)
	clear(v.accounts)
	clear(v.state)
	clear(v.touched)
	clear(v.changed)
	clear(v.needs)
	*v = view{claims: v.claims, asked: v.asked, parsed: v.parsed, accounts: v.accounts, state: v.state,
		touched: v.touched[:0], changed: v.changed, needs: v.needs[:0]}
	views.Put(v)
}

func (v *view) prefetch(needs []Need) error {
	var claims []Claim
	var names []AccountName
	var keys []StateKey
	for _, n := range needs {
		for _, c := range n.Claims {
			if !v.asked[c] {
				v.asked[c] = true
				claims = append(claims, c)
			}
		}
		for _, path := range n.Accounts {
			name := AccountName{n.Organization, path}
			if _, ok := v.accounts[name]; !ok {
				v.accounts[name] = nil
				names = append(names, name)
			}
		}
		for _, key := range n.State {
			k := StateKey{n.Organization, key}
			if _, ok := v.state[k]; !ok {
				v.state[k] = nil
				keys = append(keys, k)
			}
		}
	}
	if len(claims) > 0 {
		found, err := v.store.Claims(v.ctx, v.shard, claims)
		if err != nil {
			return err
		}
		for c, held := range found {
			v.claims[c] = held
		}
	}
	if len(names) > 0 {
		found, err := v.store.Accounts(v.ctx, v.shard, names)
		if err != nil {
			return err
		}
		for name, a := range found {
			v.accounts[name] = &entry{Account: a}
		}
	}
	if len(keys) > 0 {
		found, err := v.store.State(v.ctx, v.shard, keys)
		if err != nil {
			return err
		}
		for k, value := range found {
			v.state[k] = value
		}
	}
	return nil
}

// taken returns the record that holds the claim of a record about to be decided.
func (v *view) taken(c Claim) (Claimed, bool) {
	if v.presumes {
		held, ok := v.claims[c]
		return held, ok
	}
	return v.claimed(c)
}

// claimed returns the record that holds any claim.
func (v *view) claimed(c Claim) (Claimed, bool) {
	if v.under != nil {
		held, ok := v.under.claims[c]
		return held, ok
	}
	if !v.asked[c] {
		v.fail(v.prefetch([]Need{{Claims: []Claim{c}}}))
	}
	held, ok := v.claims[c]
	return held, ok
}

func (v *view) account(name AccountName) *entry {
	for _, a := range v.lately {
		if a != nil && a.Path == name.Path && a.Organization == name.Organization {
			return a
		}
	}
	a, ok := v.accounts[name]
	if !ok && v.under != nil {
		v.accounts[name] = nil
		return nil
	}
	if !ok {
		v.fail(v.prefetch([]Need{{Organization: name.Organization, Accounts: []string{name.Path}}}))
		a = v.accounts[name]
	}
	v.note(a)
	return a
}

// note keeps an account among those asked for last.
func (v *view) note(a *entry) {
	copy(v.lately[1:], v.lately[:])
	v.lately[0] = a
}

func (v *view) value(k StateKey) []byte {
	if v.under != nil {
		b, ok := v.under.state[k]
		if !ok {
			v.state[k] = nil
		}
		return b
	}
	b, ok := v.state[k]
	if !ok {
		v.fail(v.prefetch([]Need{{Organization: k.Organization, State: []string{k.Key}}}))
		b = v.state[k]
	}
	return b
}

// bills are the rows of bills that rules have read so far, by key.
func (v *view) bills() map[StateKey]billRow {
	if v.under != nil {
		return v.under.parsed
	}
	return v.parsed
}

func (v *view) transfersAt(offset int64) []Transfer {
	if v.under != nil {
		return nil
	}
	if i := offset - v.batch.From.NextOffset; i >= 0 {
		if i < int64(len(v.batch.Transfers)) {
			return v.batch.Transfers[i]
		}
		return nil
	}
	t, err := v.store.TransfersAt(v.ctx, v.shard, offset)
	v.fail(err)
	return t
}

// fail keeps the first fault; the batch is then abandoned as a whole.
func (v *view) fail(err error) {
	if v.fault == nil {
		v.fault = err
	}
}

// post applies transfers whose limits have been checked.
func (v *view) post(transfers []Transfer) {
	for _, t := range transfers {
		debit := v.open(AccountName{t.Organization, t.Debit}, t.Amount.Currency())
		debit.Debits = debit.Debits.Plus(t.Amount.Minor())
		credit := v.open(AccountName{t.Organization, t.Credit}, t.Amount.Currency())
		credit.Credits = credit.Credits.Plus(t.Amount.Minor())
	}
}

func (v *view) open(name AccountName, c money.Currency) *entry {
	a := v.account(name)
	if a == nil {
		kind, limit, ok := Chart(name.Path)
		if !ok {
			panic("ledger: a rule posts to an account outside the chart: " + name.Path)
		}
		// Accounts are remembered for long; the names may be parts of a larger text.
		name = AccountName{strings.Clone(name.Organization), strings.Clone(name.Path)}
		a = &entry{Account: Account{Number: v.next, Organization: name.Organization, Path: name.Path, Kind: kind, Currency: c, Limit: limit}}
		v.next++
		v.accounts[name] = a
		v.note(a)
	}
	if !a.touched {
		a.touched = true
		v.touched = append(v.touched, a)
	}
	return a
}

// broken returns the first account whose limit the transfers would exceed,
// looking at their effect as a whole.
func (v *view) broken(transfers []Transfer) (AccountName, bool) {
	if len(transfers) == 1 && transfers[0].Debit != transfers[0].Credit { // nearly always
		t := &transfers[0]
		for i, path := range [...]string{t.Debit, t.Credit} {
			var a Account
			name := AccountName{t.Organization, path}
			if known := v.account(name); known != nil {
				a = known.Account
			} else {
				_, a.Limit, _ = Chart(path)
			}
			if i == 0 {
				a.Debits = a.Debits.Plus(t.Amount.Minor())
			} else {
				a.Credits = a.Credits.Plus(t.Amount.Minor())
			}
			if a.broken() {
				return name, true
			}
		}
		return AccountName{}, false
	}
	after := map[AccountName]Account{}
	order := make([]AccountName, 0, 2*len(transfers))
	at := func(name AccountName) Account {
		if a, ok := after[name]; ok {
			return a
		}
		order = append(order, name)
		if a := v.account(name); a != nil {
			return a.Account
		}
		_, limit, _ := Chart(name.Path)
		return Account{Limit: limit}
	}
	for _, t := range transfers {
		debit, credit := AccountName{t.Organization, t.Debit}, AccountName{t.Organization, t.Credit}
		a := at(debit)
		a.Debits = a.Debits.Plus(t.Amount.Minor())
		after[debit] = a
		b := at(credit)
		b.Credits = b.Credits.Plus(t.Amount.Minor())
		after[credit] = b
	}
	for _, name := range order {
		if a := after[name]; a.broken() {
			return name, true
		}
	}
	return AccountName{}, false
}

// Need is what a record is going to look at.
type Need struct {
	Organization string
	Claims       []Claim
	Accounts     []string
	State        []string
}

// Change sets one row of rule state.
type Change struct {
	StateKey
	Value  []byte // canonical JSON
	Offset int64  // of the record that set it last
}

// Book is a whole ledger in memory: a Store for tests, recomputation and
// simulation. Its zero value is not ready; use NewBook.
type Book struct {
	Shards   int
	accounts map[AccountName]Account
	state    map[StateKey][]byte
	claims   map[Claim]Claimed
	entries  map[[2]int64][]Transfer
	heads    map[int]Head
}

// NewBook returns an empty ledger of so many shards.
func NewBook(shards int) *Book {
	return &Book{Shards: shards, accounts: map[AccountName]Account{}, state: map[StateKey][]byte{},
		claims: map[Claim]Claimed{}, entries: map[[2]int64][]Transfer{}, heads: map[int]Head{}}
}

// Head returns where a shard stands.
func (b *Book) Head(shard int) Head {
	h, ok := b.heads[shard]
	if !ok {
		h = Head{Shard: shard, Shards: b.Shards, RecordedAt: epoch}
	}
	return h
}

// Apply takes over a decided batch.
func (b *Book) Apply(batch *Batch) {
	b.heads[batch.Head.Shard] = batch.Head
	for _, a := range batch.Accounts {
		b.accounts[AccountName{a.Organization, a.Path}] = a
	}
	for _, c := range batch.Changes {
		b.state[c.StateKey] = c.Value
	}
	for i := range batch.Outcomes {
		o := &batch.Outcomes[i]
		if o.Claims {
			b.claims[Claim{strings.Clone(o.Organization), strings.Clone(o.Source), strings.Clone(o.EventID)}] = Claimed{o.Offset, o.ValueHash, o.Status, o.Type}
		}
		if t := batch.Transfers[i]; len(t) > 0 {
			b.entries[[2]int64{int64(o.Shard), o.Offset}] = t
		}
	}
}

// Balances returns every account, sorted by organization and path.
func (b *Book) Balances() []Account {
	all := make([]Account, 0, len(b.accounts))
	for _, a := range b.accounts {
		all = append(all, a)
	}
	slices.SortFunc(all, func(x, y Account) int {
		return slices.Compare([]string{x.Organization, x.Path}, []string{y.Organization, y.Path})
	})
	return all
}

// Claims implements Store.
func (b *Book) Claims(_ context.Context, _ int, claims []Claim) (map[Claim]Claimed, error) {
	return pick(b.claims, claims), nil
}

// Accounts implements Store.
func (b *Book) Accounts(_ context.Context, _ int, names []AccountName) (map[AccountName]Account, error) {
	return pick(b.accounts, names), nil
}

// State implements Store.
func (b *Book) State(_ context.Context, _ int, keys []StateKey) (map[StateKey][]byte, error) {
	return pick(b.state, keys), nil
}

// TransfersAt implements Store.
func (b *Book) TransfersAt(_ context.Context, shard int, offset int64) ([]Transfer, error) {
	return b.entries[[2]int64{int64(shard), offset}], nil
}

func pick[K comparable, V any](from map[K]V, keys []K) map[K]V {
	found := make(map[K]V, len(keys))
	for _, k := range keys {
		if v, ok := from[k]; ok {
			found[k] = v
		}
	}
	return found
}

var _ Store = (*Book)(nil)
