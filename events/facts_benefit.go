package events

import "socho/internal/money"

// The facts of social benefits.

// PersonEntitled: a person may receive this much from a programme for a month.
// A later fact for the same month replaces the amount.
type PersonEntitled struct {
	Dated
	Of
	Sum
	Programme Word   `json:"programme"`
	Period    Period `json:"period"`
	Unit      Unit   `json:"unit"`
}

func (f *PersonEntitled) check() error { return f.Sum.check() }

// Funded: a grant for the fund arrived by a bank line.
type Funded struct {
	Dated
	Sum
	Line ID `json:"line"`
}

func (f *Funded) check() error { return f.Sum.check() }

// PayoutOrdered: the fund owes a person a payout, by account, ewallet or cash.
type PayoutOrdered struct {
	Dated
	Of
	Sum
	Payout    PayoutID `json:"payout"`
	Programme Word     `json:"programme"`
	Period    Period   `json:"period"`
	Unit      Unit     `json:"unit"`
	Method    Word     `json:"method" in:"account,ewallet,cash"`
}

func (f *PayoutOrdered) check() error { return f.Sum.check() }

// PayoutSent: the order went to the bank.
type PayoutSent struct {
	Dated
	Sum
	Payout PayoutID `json:"payout"`
}

func (f *PayoutSent) check() error { return f.Sum.check() }

// PayoutSettled: the bank carried the payout out, on a line of the statement.
type PayoutSettled struct {
	Dated
	Sum
	Payout PayoutID `json:"payout"`
	Line   ID       `json:"line"`
}

func (f *PayoutSettled) check() error { return f.Sum.check() }

// PayoutReturned: the money came back on a line, or, without a line, the bank
// rejected the order before any money moved.
type PayoutReturned struct {
	Dated
	Sum
	Payout PayoutID `json:"payout"`
	Line   ID       `json:"line,omitzero"`
	Reason Word     `json:"reason"`
}

func (f *PayoutReturned) check() error { return f.Sum.check() }

// CashDrawn: cash left the bank on a line and lies at a pay point.
type CashDrawn struct {
	Dated
	Sum
	PayPoint ID `json:"pay_point"`
	Line     ID `json:"line"`
}

func (f *CashDrawn) check() error { return f.Sum.check() }

// PaidInCash: a payout was handed over at a pay point. Person is whoever
// received it, who may be somebody authorised by the one entitled.
type PaidInCash struct {
	Dated
	MaybeOf
	Sum
	Payout   PayoutID `json:"payout"`
	PayPoint ID       `json:"pay_point"`
}

func (f *PaidInCash) check() error { return f.Sum.check() }

// PersonStopped: payments of a programme stop from a month on (Decree 20/2021:
// the month after death or ineligibility).
type PersonStopped struct {
	Dated
	Of
	Programme  Word   `json:"programme"`
	FromPeriod Period `json:"from_period"`
	Reason     Word   `json:"reason"`
}

// PersonResumed: payments of a programme go on from a month on, after a stop.
type PersonResumed struct {
	Dated
	Of
	Programme  Word   `json:"programme"`
	FromPeriod Period `json:"from_period"`
	Reason     Word   `json:"reason"`
}

// ListOpened begins a list of payouts of a programme for a month. Entries follow
// until it is proposed.
type ListOpened struct {
	Dated
	List      ID             `json:"list"`
	Programme Word           `json:"programme"`
	Period    Period         `json:"period"`
	Currency  money.Currency `json:"currency"`
}

// ListEntryAdded puts a payout on an open list: to whom, how much, in which
// unit, how, and as what. Programme and Period are said where they are not the
// list's: arrears of an earlier month, help with a funeral. The account that it
// goes to is personal, and is what was approved with the list.
type ListEntryAdded struct {
	Dated
	Of
	Sum
	List      ID       `json:"list"`
	Payout    PayoutID `json:"payout"`
	Programme Word     `json:"programme,omitzero"`
	Period    Period   `json:"period,omitzero"`
	Unit      Unit     `json:"unit"`
	Method    Word     `json:"method" in:"account,ewallet,cash"`
	Kind      Word     `json:"kind" in:"regular,arrears,one_off,funeral"`
}

func (f *ListEntryAdded) check() error { return f.Sum.check() }

// ListEntryRemoved takes a payout off an open list.
type ListEntryRemoved struct {
	Dated
	List   ID       `json:"list"`
	Payout PayoutID `json:"payout"`
	Reason Word     `json:"reason"`
}

// ListTotal is a list as whoever proposes or approves it has seen it: how many
// entries, their sum, and the digest over all of them as the ledger keeps it.
type ListTotal struct {
	Dated
	Sum
	List   ID     `json:"list"`
	Count  *Count `json:"count" within:"1,10000000"`
	Digest Digest `json:"digest"`
}

func (f *ListTotal) check() error { return f.Sum.check() }

// ListProposed closes a list and hands it over for approval.
type ListProposed struct{ ListTotal }

// ListApproved is the word of somebody who did not draw the list up.
type ListApproved struct{ ListTotal }

// ListWithdrawn: nothing more is ordered from the list. Its payouts that were
// not ordered may stand on another one.
type ListWithdrawn struct {
	Dated
	List   ID   `json:"list"`
	Reason Word `json:"reason"`
}

// BatchOpened begins a batch of payouts that go to the bank together, from one of
// the organization's own accounts on a day.
type BatchOpened struct {
	Dated
	Batch     PayoutID       `json:"batch"`
	Account   ID             `json:"account"`
	Method    Word           `json:"method" in:"account,ewallet"`
	Currency  money.Currency `json:"currency"`
	ExecuteOn Date           `json:"execute_on"`
}

// PayoutBatched puts a payout into an open batch. It is on its way from here on,
// as by PayoutSent.
type PayoutBatched struct {
	Dated
	Sum
	Batch  PayoutID `json:"batch"`
	Payout PayoutID `json:"payout"`
}

func (f *PayoutBatched) check() error { return f.Sum.check() }

// BatchClosed: the batch holds these payouts and no more. The digest is over all
// of them, as the ledger keeps it.
type BatchClosed struct {
	Dated
	Sum
	Batch  PayoutID `json:"batch"`
	Count  *Count   `json:"count" within:"1,10000000"`
	Digest Digest   `json:"digest"`
}

func (f *BatchClosed) check() error { return f.Sum.check() }

// BatchExported: a file was made of a closed batch, with this digest of its
// bytes. One batch gives one file in each format.
type BatchExported struct {
	Dated
	Batch  PayoutID `json:"batch"`
	Format Word     `json:"format"`
	Digest Digest   `json:"digest"`
}

// BatchSubmitted: a file was handed to the bank. It is one that was exported, to
// the byte.
type BatchSubmitted struct {
	Dated
	Batch  PayoutID `json:"batch"`
	Digest Digest   `json:"digest"`
}

// BatchCancelled: no file of the batch goes to the bank, and none has.
type BatchCancelled struct {
	Dated
	Batch  PayoutID `json:"batch"`
	Reason Word     `json:"reason"`
}
