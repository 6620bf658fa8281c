package projections

import (
	"time"

	"socho/events"
)

// States of a card.
const (
	CardIssued   = "issued"
	CardPosted   = "posted" // hangs at its stall
	CardReplaced = "replaced"
	CardRevoked  = "revoked"
)

// Results of an inspection.
const (
	InspectedRight   = "right"
	InspectedOther   = "other_account"
	InspectedRevoked = "revoked"
	InspectedUnknown = "unknown"
)

// StallCard is a card with a payment code. Person is empty where it pays to the
// market. As a change it says what one fact says of the card: fields that are empty
// or no time say nothing, Copies are to be added, and State is empty where the fact
// leaves it as it is. By are actors as intake stamps them.
type StallCard struct {
	Organization string      `json:"organization"`
	Card         string      `json:"card"` // its serial
	Stall        string      `json:"stall"`
	Person       string      `json:"person"`
	PaysTo       string      `json:"pays_to"`
	State        string      `json:"state"`
	IssuedOn     events.Date `json:"issued_on"`
	IssuedBy     string      `json:"issued_by"`
	Copies       int64       `json:"copies"` // printed so far
	PrintedOn    events.Date `json:"printed_on"`
	PrintedAt    time.Time   `json:"printed_at"`
	PrintedBy    string      `json:"printed_by"`
	PostedOn     events.Date `json:"posted_on"`
	PostedBy     string      `json:"posted_by"`
	EndedOn      events.Date `json:"ended_on"` // replaced or revoked
	EndedBy      string      `json:"ended_by"`
	Reason       string      `json:"reason"`
	ReplacedBy   string      `json:"replaced_by"` // another card
	First        Position    `json:"first"`       // of the record that issued it, which holds a person's account, sealed
	Last         Position    `json:"last"`
}

// Inspection is one look at what hangs at a stall. Person stands for the account
// that was found instead of the right one, which its record holds, sealed.
type Inspection struct {
	Organization string      `json:"organization"`
	Stall        string      `json:"stall"`
	Card         string      `json:"card"`
	Result       string      `json:"result"`
	Code         string      `json:"code"` // what the ledger found unusual in it
	Person       string      `json:"person"`
	On           events.Date `json:"on"`
	RecordedAt   time.Time   `json:"recorded_at"`
	By           string      `json:"by"`
	EventID      string      `json:"event_id"`
	Source       string      `json:"source"`
	At           Position    `json:"at"`
}

// Alert asks for a person until it is closed. As a change, empty fields say
// nothing.
type Alert struct {
	Organization string      `json:"organization"`
	Alert        string      `json:"alert"`
	Kind         string      `json:"kind"`
	Stall        string      `json:"stall"`
	Card         string      `json:"card"`
	Line         string      `json:"line"`
	Since        events.Date `json:"since"`
	Expected     int64       `json:"expected"`
	Seen         int64       `json:"seen"`
	RaisedOn     events.Date `json:"raised_on"`
	ClosedOn     events.Date `json:"closed_on"`
	ClosedBy     string      `json:"closed_by"`
	Reason       string      `json:"reason"`
	At           Position    `json:"at"`
}

// WeekReceipts is how many payments of customers a trader's bank confirmed for a
// stall in a week, which is named by its Monday. As a change the count is to be
// added. A sale that is taken back stays counted: it was a payment that somebody
// made.
type WeekReceipts struct {
	Organization string
	Stall        string
	Connection   string
	Week         events.Date
	Count        int64
}

// MarketConsent is a trader's consent that the market sees what comes in through a
// connection, until a day; Until is empty where she has taken it back. Without it
// nothing is concluded from her receipts.
type MarketConsent struct {
	Organization string
	Connection   string
	Until        events.Date
}

// FoldCards keeps the cards that hang at stalls, what was seen of them, what asks
// for a person, and how often each stall is paid.
func FoldCards(c *Changes, a *Accepted) {
	at, organization := Position{a.Shard, a.Offset}, a.Event.Subject
	card := func(id events.ID) *StallCard {
		c.Cards = append(c.Cards, StallCard{Organization: organization, Card: string(id), First: at, Last: at})
		return &c.Cards[len(c.Cards)-1]
	}
	switch f := a.Event.Fact.(type) {
	case *events.CardIssued:
		row := card(f.Card)
		row.Stall, row.Person, row.PaysTo, row.State = string(f.Stall), string(f.Person), string(f.PaysTo), CardIssued
		row.IssuedOn, row.IssuedBy = f.EffectiveOn, a.Actor
	case *events.CardPrinted:
		row := card(f.Card)
		row.Copies, row.PrintedOn, row.PrintedAt, row.PrintedBy = int64(*f.Copies), f.EffectiveOn, a.RecordedAt, a.Actor
	case *events.CardPosted:
		row := card(f.Card)
		row.PostedOn, row.PostedBy = f.EffectiveOn, a.Actor
		if a.Outcome.Code == "" { // else the book knows that it is good for nothing
			row.State = CardPosted
		}
	case *events.CardInspected:
		c.Inspections = append(c.Inspections, Inspection{organization, string(f.Stall), string(f.Card), string(f.Result), string(a.Outcome.Code), string(f.Person),
			f.EffectiveOn, a.RecordedAt, a.Actor, string(a.Event.ID), string(a.Event.Source), at})
	case *events.CardReplaced:
		row := card(f.Card)
		row.State, row.EndedOn, row.EndedBy, row.Reason, row.ReplacedBy = CardReplaced, f.EffectiveOn, a.Actor, string(f.Reason), string(f.By)
	case *events.CardRevoked:
		row := card(f.Card)
		row.State, row.EndedOn, row.EndedBy, row.Reason = CardRevoked, f.EffectiveOn, a.Actor, string(f.Reason)
	case *events.AlertRaised:
		alert := Alert{Organization: organization, Alert: string(f.Alert), Kind: string(f.Kind), Stall: string(f.Stall), Card: string(f.Card), Line: string(f.Line),
			Since: f.Since, RaisedOn: f.EffectiveOn, At: at}
		if f.Expected != nil && f.Seen != nil {
			alert.Expected, alert.Seen = int64(*f.Expected), int64(*f.Seen)
		}
		c.Alerts = append(c.Alerts, alert)
	case *events.AlertClosed:
		c.Alerts = append(c.Alerts, Alert{Organization: organization, Alert: string(f.Alert), ClosedOn: f.EffectiveOn, ClosedBy: a.Actor, Reason: string(f.Reason), At: at})
	case *events.SalesConnected:
		if f.VisibleTo == "market" {
			c.Consents = append(c.Consents, MarketConsent{organization, string(f.Connection), f.Until})
		}
	case *events.SalesDisconnected:
		c.Consents = append(c.Consents, MarketConsent{organization, string(f.Connection), ""})
	case *events.SaleReceived:
		if f.Method == "bank" && a.Outcome.Code == "" { // a line that is known already is no other payment
			c.Receipts = append(c.Receipts, WeekReceipts{organization, string(f.Stall), string(f.Connection), Monday(f.EffectiveOn), 1})
		}
	}
}
