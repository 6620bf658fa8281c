package identity

import (
	"fmt"
	"slices"
)

// Right is one thing that somebody may do in an organization.
type Right string

// The rights. What is not named here nobody may do over the web or the API.
const (
	SeeFigures  Right = "see.figures"  // adoption and sums; nobody can be told apart in them
	SeeBoard    Right = "see.board"    // stalls, pupils and funds with what is paid and owing
	SeeBills    Right = "see.bills"    // single bills, with opaque ids
	SeePayouts  Right = "see.payouts"  // single payouts, with opaque ids
	SeeEvents   Right = "see.events"   // the facts on the log and their proofs
	SeeRefusals Right = "see.refusals" // what was not accepted, and why
	SeeTrail    Right = "see.trail"    // who signed in, was refused, exported, unsealed

	PublishEvents Right = "publish.events" // any fact, through the API or a file
	IssueBills    Right = "issue.bills"    // fees, school bills, waivers, exemptions
	TakeCash      Right = "take.cash"      // write receipts for cash, hand it over
	MatchPayments Right = "match.payments" // import statements, allocate lines, refund

	KeepSales    Right = "keep.sales"    // one's own alone: see and write down what customers paid, connect one's account
	InspectCards Right = "inspect.cards" // say what hangs at a stall
	ManageCards  Right = "manage.cards"  // issue, print and revoke stall cards; close alerts

	ProposePayouts Right = "propose.payouts" // entitlements, lists, batches
	ApprovePayouts Right = "approve.payouts" // the second person's word
	PayCash        Right = "pay.cash"        // pay ordered payouts out at a pay point

	UnsealIdentity Right = "unseal.identity" // read names, citizen ids and accounts
	UnsealContact  Right = "unseal.contact"  // read phones, addresses and raw texts
	ExportData     Right = "export.data"     // files without personal data
	ExportPersonal Right = "export.personal" // files with personal data

	Verify            Right = "verify"             // run the audits
	ManagePeople      Right = "manage.people"      // accounts, grants, cards, recovery
	ManageTokens      Right = "manage.tokens"      // tokens of the API
	ManageConnections Right = "manage.connections" // bank webhooks, OpenID providers, bank accounts
)

// fresh are the rights that are used rarely and do harm in wrong hands: whoever
// uses one has proved within StepUpFor that it is really them, and a token,
// which cannot prove that, is never given one.
var fresh = []Right{
	ApprovePayouts, UnsealIdentity, UnsealContact, ExportPersonal,
	ManagePeople, ManageTokens, ManageConnections,
}

// ForTokens says whether a program may have the right: none that asks for a proof
// of who one is, and none that is one person's own.
func (r Right) ForTokens() bool { return r != KeepSales && !r.NeedsStepUp() }

// NeedsStepUp says that the right is used only within StepUpFor after a step-up.
func (r Right) NeedsStepUp() bool { return slices.Contains(fresh, r) }

// Role is the work that a person does for an organization.
type Role string

// The roles.
const (
	Trader         Role = "trader"          // holds one stall, the grant's object
	Collector      Role = "collector"       // takes fees at the stalls
	MarketManager  Role = "market_manager"  // the market's management board
	FinanceOfficer Role = "finance_officer" // a school's or fund's finance office
	Proposer       Role = "proposer"        // draws up the list of payouts
	Approver       Role = "approver"        // the second person
	Clerk          Role = "clerk"           // pays cash at a pay point
	Official       Role = "official"        // the province
	Auditor        Role = "auditor"         // reads everything, changes nothing
	Administrator  Role = "administrator"   // people and connections, no money
)

// roles says what each role may do. Three rules shaped the table:
//
//   - Four eyes: nobody proposes and approves. A role holds one of the two, and
//     Compatible keeps both from one person of one organization.
//   - No power over both people and money: an administrator makes accounts and
//     connections, but sees no bill, publishes nothing and unseals nothing.
//   - Personal data only for those who must speak to a person or check who
//     stands before them: contact for boards and offices, identity for offices,
//     pay points and auditors. The province reads figures and the opaque events
//     behind them. Files that hold them are made by finance offices, and by those
//     who answer for a batch that goes to the bank: they drew its list up. What
//     customers pay a trader is hers: no office has KeepSales, and no program.
var roles = map[Role][]Right{
	Trader:    {SeeBills, KeepSales},
	Collector: {SeeBoard, SeeBills, TakeCash, InspectCards},
	MarketManager: {
		SeeFigures, SeeBoard, SeeBills, SeeEvents, SeeRefusals,
		IssueBills, TakeCash, MatchPayments, InspectCards, ManageCards, UnsealIdentity, UnsealContact, ExportData,
	},
	FinanceOfficer: {
		SeeFigures, SeeBoard, SeeBills, SeePayouts, SeeEvents, SeeRefusals,
		PublishEvents, IssueBills, MatchPayments, UnsealIdentity, UnsealContact, ExportData, ExportPersonal,
	},
	Proposer: {
		SeeFigures, SeeBoard, SeePayouts, SeeEvents, SeeRefusals,
		ProposePayouts, UnsealIdentity, UnsealContact, ExportData, ExportPersonal,
	},
	Approver: {SeeFigures, SeeBoard, SeePayouts, SeeEvents, SeeRefusals, ApprovePayouts, UnsealIdentity},
	Clerk:    {SeePayouts, PayCash, UnsealIdentity},
	Official: {SeeFigures, SeeBoard, SeeEvents, ExportData},
	Auditor: {
		SeeFigures, SeeBoard, SeeBills, SeePayouts, SeeEvents, SeeRefusals, SeeTrail,
		UnsealIdentity, ExportData, Verify,
	},
	Administrator: {SeeFigures, SeeTrail, ManagePeople, ManageTokens, ManageConnections},
}

// Roles returns every role, sorted.
func Roles() []Role {
	all := make([]Role, 0, len(roles))
	for r := range roles {
		all = append(all, r)
	}
	slices.Sort(all)
	return all
}

// Rights returns what a role may do; nothing for a role that does not exist.
func (r Role) Rights() []Right { return slices.Clone(roles[r]) }

// Rights returns every right, sorted.
func Rights() []Right {
	var all []Right
	for _, some := range roles {
		all = append(all, some...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Everywhere as the organization of a grant is every organization.
const Everywhere = "*"

// Grant is a role that a person has in an organization, or one right that a
// token has there.
type Grant struct {
	Role         Role   `json:"role,omitempty"`         // of a person
	Right        Right  `json:"right,omitempty"`        // of a token
	Organization string `json:"organization,omitempty"` // or Everywhere
	Object       string `json:"object,omitempty"`       // only this stall of it; all where empty
}

func (g Grant) gives(right Right) bool {
	return right != "" && g.Right == right || slices.Contains(roles[g.Role], right)
}

func (g Grant) in(organization string) bool {
	return g.Organization == Everywhere || g.Organization == organization
}

// String writes role@organization, with /object where there is one.
func (g Grant) String() string {
	text := string(g.Role) + string(g.Right) + "@" + g.Organization
	if g.Object != "" {
		text += "/" + g.Object
	}
	return text
}

// Compatible checks that one person may hold all of the grants.
// Errors: ErrFourEyes, naming the organization.
func Compatible(grants []Grant) error {
	for _, a := range grants {
		for _, b := range grants {
			if a.Role == Proposer && b.Role == Approver && (a.in(b.Organization) || b.in(a.Organization)) {
				return fmt.Errorf("%w: %s and %s", ErrFourEyes, a, b)
			}
		}
	}
	return nil
}
