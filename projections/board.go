package projections

import (
	"socho/events"
	"socho/ledger"
)

// FoldBoard keeps what a collection board stands on beside the bills: the
// organizations, who each stall is let to, and money on its way (cash that
// collectors and pay points hold, credit that payers have).
func FoldBoard(c *Changes, a *Accepted) {
	at := Position{a.Shard, a.Offset}
	switch f := a.Event.Fact.(type) {
	case *events.OrganizationRegistered:
		c.Organizations = append(c.Organizations, Organization{a.Event.Subject, string(f.Kind), string(f.Name), string(f.Unit),
			string(f.BankBIN), string(f.Account), f.EffectiveOn, at})
	case *events.StallLet:
		c.Stalls = append(c.Stalls, Stall{a.Event.Subject, string(f.Stall), string(f.Person), f.EffectiveOn, at})
	}
	for i := range a.Transfers {
		t := &a.Transfers[i]
		c.hold(a.Event.Subject, t, t.Debit, t.Amount.Minor())
		c.hold(a.Event.Subject, t, t.Credit, -t.Amount.Minor())
	}
}

// hold books one side of a transfer where its account is money on its way.
// Cash is an asset, credit a liability: both are shown above zero.
func (c *Changes) hold(organization string, t *ledger.Transfer, path string, debit int64) {
	s, n := steps(path)
	h := Holding{Organization: organization, Currency: t.Amount.Currency()}
	switch {
	case n > 2 && s[0] == "cash":
		h.Kind, h.Holder = s[1], s[2]
	case n > 2 && s[2] == "credit" && (s[0] == "stall" || s[0] == "pupil"):
		h.Kind, h.Holder = HoldingCredit, s[0]+":"+s[1]
		debit = -debit
	default:
		return
	}
	if c.holdings == nil {
		c.holdings = map[Holding]int{}
	}
	i, ok := c.holdings[h]
	if !ok {
		i = len(c.Holdings)
		c.holdings[h] = i
		c.Holdings = append(c.Holdings, h)
	}
	c.Holdings[i].Amount += debit
}
