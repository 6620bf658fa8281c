package office

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/money"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/projections"
)

// linkLetters is the length of a link's secret: 26 letters of 5 bits are 130.
const linkLetters = 26

// secret is what stands in the link of a pupil: nobody finds it who does not have
// the key, and whoever prints a slip finds it again.
func (o *Office) secret(organization, person string, generation int) string {
	mac := hmac.New(sha256.New, o.Links)
	fmt.Fprintf(mac, "socho.parent.v1\x00%s\x00%s\x00%d", organization, person, generation)
	return strings.ToLower(ids.EncodeToString(mac.Sum(nil))[:linkLetters])
}

func hashed(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// IssueLinks gives every pupil of a class, or of all classes, a link, who has none.
// It returns how many are new.
func (o *Office) IssueLinks(ctx context.Context, organization, class string, on events.Date) (issued int, err error) {
	people, err := o.pupilsOf(ctx, organization, class, on)
	if err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, o.App, func(tx pgx.Tx) error {
		for _, person := range people {
			var last int
			var live bool
			if err := tx.QueryRow(ctx, `SELECT coalesce(max(generation), 0), coalesce(bool_or(revoked_at IS NULL), false) FROM app.parent_links WHERE organization = $1 AND person = $2`,
				organization, person).Scan(&last, &live); err != nil {
				return err
			}
			if live {
				continue
			}
			tag, err := tx.Exec(ctx, `INSERT INTO app.parent_links (organization, person, generation, hash, created_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				organization, person, last+1, hashed(o.secret(organization, person, last+1)), o.Actor)
			if err != nil {
				return err
			}
			issued += int(tag.RowsAffected())
		}
		return nil
	})
	return issued, err
}

// RevokeLinks takes the links of a class, or of all classes, back: they open nothing
// any more, and new ones are other ones. It returns how many there were.
func (o *Office) RevokeLinks(ctx context.Context, organization, class string, on events.Date) (revoked int, err error) {
	people, err := o.pupilsOf(ctx, organization, class, on)
	if err != nil {
		return 0, err
	}
	if class == "" { // also of those who have left
		people = nil
	}
	tag, err := o.App.Exec(ctx, `UPDATE app.parent_links SET revoked_at = now() WHERE organization = $1 AND revoked_at IS NULL AND ($2::text[] IS NULL OR person = ANY($2))`, organization, people)
	return int(tag.RowsAffected()), err
}

func (o *Office) pupilsOf(ctx context.Context, organization, class string, on events.Date) (people []string, err error) {
	terms, _, err := o.Model.Terms(ctx, organization, "school.pupil_enrolled", "school.pupil_left")
	if err != nil {
		return nil, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return nil, err
	}
	here, _ := book.Pupils(on)
	people = []string{}
	for _, p := range here {
		if class == "" || p.Class == class {
			people = append(people, p.Person)
		}
	}
	return people, nil
}

// links returns the secrets of the links that are open, by person.
func (o *Office) links(ctx context.Context, organization string) (map[string]string, error) {
	rows, err := o.App.Query(ctx, `SELECT person, generation FROM app.parent_links WHERE organization = $1 AND revoked_at IS NULL`, organization)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	var person string
	var generation int
	_, err = pgx.ForEachRow(rows, []any{&person, &generation}, func() error {
		found[person] = o.secret(organization, person, generation)
		return nil
	})
	return found, err
}

// Family is what a link opens: the bills of one child.
type Family struct {
	Organization projections.Organization
	Class        string
	Bills        []FamilyBill // the latest first
}

// FamilyBill is a bill with what it is made of and when it was paid.
type FamilyBill struct {
	projections.Bill
	Items    []events.Item
	Payments []FamilyPayment
}

// FamilyPayment is money that came for a bill: a receipt, by its record.
type FamilyPayment struct {
	On     events.Date
	Amount int64
	At     projections.Position
	// Against is the account that it came from.
	Against string
}

// ErrLink: the link opens nothing: there is none such, or it was taken back.
var ErrLink = errors.New("the link opens nothing")

// maxFamilyBills bounds what one link shows.
const maxFamilyBills = 24

// Family opens a link. Nobody has signed in: what it shows is that child's alone.
// Errors: ErrLink.
func (o *Office) Family(ctx context.Context, secret string) (*Family, error) {
	if len(secret) != linkLetters {
		return nil, ErrLink
	}
	var organization, person string
	err := o.App.QueryRow(ctx, `SELECT organization, person FROM app.parent_links WHERE hash = $1 AND revoked_at IS NULL`, hashed(secret)).Scan(&organization, &person)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrLink
	}
	if err != nil {
		return nil, err
	}
	f := &Family{}
	if f.Organization, err = o.Everything.Organization(ctx, organization); err != nil {
		return nil, err
	}
	found, _, err := o.Everything.AllBills(ctx, organization, readmodel.BillFilter{Holder: "pupil:" + person})
	if err != nil {
		return nil, err
	}
	for i := len(found) - 1; i >= 0 && len(f.Bills) < maxFamilyBills; i-- {
		b := &found[i]
		if b.Currency != money.VND || b.Status() == projections.BillReversed {
			continue
		}
		if f.Class == "" {
			f.Class = b.Class
		}
		one := FamilyBill{Bill: *b}
		if one.Payments, err = o.payments(ctx, b); err != nil {
			return nil, err
		}
		f.Bills = append(f.Bills, one)
	}
	bare := make([]projections.Bill, len(f.Bills))
	for i := range f.Bills {
		bare[i] = f.Bills[i].Bill
	}
	full, err := o.issued(ctx, bare, false, nil)
	if err != nil {
		return nil, err
	}
	for i := range full {
		f.Bills[i].Items = full[i].Items
	}
	return f, nil
}

// payments are the transfers that paid a bill, without what was waived; what was
// taken back is below zero.
func (o *Office) payments(ctx context.Context, b *projections.Bill) (paid []FamilyPayment, err error) {
	if b.Paid == 0 {
		return nil, nil
	}
	account := b.Organization + ":" + b.Holder + ":receivable:" + b.Bill
	err = o.App.Postings(ctx, account, postgres.AsOf{}, func(p postgres.Posting) error {
		sign, against := int64(-1), p.Credit
		if p.Credit == account {
			sign, against = 1, p.Debit
		}
		_, path, _ := strings.Cut(against, ":")
		switch kind, _, _ := strings.Cut(path, ":"); kind {
		case "income", "held", "equity", "waivers":
			return nil
		}
		amount, err := money.Parse(p.Amount, p.Currency)
		paid = append(paid, FamilyPayment{p.EffectiveOn, sign * amount.Minor(), projections.Position{Shard: p.Shard, Offset: p.Offset}, path})
		return err
	})
	return paid, err
}

// Ranges lists the tickets that a market's collectors were given, and what they
// sold.
func (o *Office) Ranges(ctx context.Context, organization string) ([]billing.Range, error) {
	terms, _, err := o.Model.Terms(ctx, organization, "market.tickets_handed_out", "market.tickets_sold", "market.tickets_returned")
	if err != nil {
		return nil, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return nil, err
	}
	return book.Ranges, nil
}
