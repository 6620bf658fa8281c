package projections

import (
	"strings"
	"time"

	"socho/events"
	"socho/internal/money"
	"socho/ledger"
)

// SalesConnection is a trader's consent that her sales are kept here, from her own
// account or as she writes them down: hers alone, whoever holds the stall later. As a change,
// one without From says only that it has ended.
type SalesConnection struct {
	Organization string      `json:"organization"`
	Connection   string      `json:"connection"`
	Trader       string      `json:"trader"` // her opaque id in the organization
	Stall        string      `json:"stall"`
	From         events.Date `json:"from"`
	Until        events.Date `json:"until"`
	ConnectedAt  time.Time   `json:"connected_at"`
	EndedOn      events.Date `json:"ended_on"` // empty while it has not been taken back
	EndedAt      time.Time   `json:"ended_at"`
	Reason       string      `json:"reason"`
	At           Position    `json:"at"` // of the consent, which holds her account, sealed
}

// Stands says whether the connection takes in what is paid on a day.
func (c *SalesConnection) Stands(on events.Date) bool {
	return c.EndedOn == "" && c.From <= on && on <= c.Until
}

// Sale is money that a customer paid a trader. Amount is in minor units. One that
// was taken back keeps its row: UndoneOn is the day that this is true of.
type Sale struct {
	Organization string         `json:"organization"`
	Trader       string         `json:"trader"`
	Stall        string         `json:"stall"`
	EffectiveOn  events.Date    `json:"effective_on"`
	SaidAt       time.Time      `json:"said_at"` // the fact's own time: the bank's, or that of the telephone
	Method       string         `json:"method"`  // bank, ewallet or cash
	Connection   string         `json:"connection"`
	Currency     money.Currency `json:"currency"`
	Amount       int64          `json:"amount_minor"`
	Source       string         `json:"source"`
	EventID      string         `json:"event_id"`
	UndoneOn     events.Date    `json:"undone_on"`
	At           Position       `json:"at"`
	Changed      int64          `json:"changed"` // offset of the record that changed it last
}

// SaleUndone takes the sale that an event said back, from a day on.
type SaleUndone struct {
	Organization, Source, EventID string
	On                            events.Date
	At                            Position
}

// FoldSales keeps traders' consents and what came in through them, or in cash.
// What the ledger only took note of was known before, and is no sale.
func FoldSales(c *Changes, a *Accepted) {
	at := Position{a.Shard, a.Offset}
	on := a.Event.Fact.Effective()
	switch f := a.Event.Fact.(type) {
	case *events.SalesConnected:
		c.Connections = append(c.Connections, SalesConnection{Organization: a.Event.Subject, Connection: string(f.Connection), Trader: string(f.Person),
			Stall: string(f.Stall), From: on, Until: f.Until, ConnectedAt: a.RecordedAt, At: at})
	case *events.SalesDisconnected:
		c.Connections = append(c.Connections, SalesConnection{Organization: a.Event.Subject, Connection: string(f.Connection),
			EndedOn: on, EndedAt: a.RecordedAt, Reason: string(f.Reason), At: at})
	case *events.SaleReceived:
		if a.Outcome.Status == ledger.Posted {
			c.Sales = append(c.Sales, Sale{Organization: a.Event.Subject, Trader: string(f.Person), Stall: string(f.Stall), EffectiveOn: on,
				SaidAt: saidAt(a), Method: string(f.Method), Connection: string(f.Connection), Currency: f.Currency, Amount: f.Money().Minor(),
				Source: string(a.Event.Source), EventID: string(a.Event.ID), At: at, Changed: a.Offset})
		}
	case *events.Reversed:
		if ofTrader(a.Transfers) {
			c.Undone = append(c.Undone, SaleUndone{a.Event.Subject, string(f.ReversesSource), string(f.Reverses), on, at})
		}
	}
}

// saidAt is the publisher's own time; where it cannot be one, when the record was
// made.
func saidAt(a *Accepted) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, string(a.Event.Time)); err == nil {
		return t.UTC()
	}
	return a.RecordedAt
}

// ofTrader reports whether transfers move a trader's own accounts, which are no
// part of the organization's book.
func ofTrader(transfers []ledger.Transfer) bool {
	return len(transfers) > 0 && strings.HasPrefix(transfers[0].Debit, "trader:")
}
