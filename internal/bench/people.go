package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"socho/internal/identity"
	"socho/internal/vault"
)

// cast is who of a hundred does what; the traders are the rest.
var cast = []struct {
	role  identity.Role
	kind  string // of the organizations that they work in; empty: everywhere
	share int
}{
	{identity.Collector, "market", 14},
	{identity.MarketManager, "market", 8},
	{identity.FinanceOfficer, "school", 8},
	{identity.FinanceOfficer, "fund", 2},
	{identity.Proposer, "fund", 2},
	{identity.Approver, "fund", 2},
	{identity.Clerk, "fund", 4},
	{identity.Official, "", 6},
	{identity.Auditor, "", 3},
	{identity.Administrator, "", 2},
	{"program", "", 4},
	{"nobody", "", 5},
}

// PeopleLeast is one of each role and some traders.
const PeopleLeast = 20

// hashesAtOnce bounds how many passwords and PINs are hashed side by side.
const hashesAtOnce = 2

// programs of the API ask for these, those with a payment to hand in apart.
var programStarts = []string{
	"/api/v1/organizations", "/api/v1/outcomes?limit=100", "/api/v1/refusals", "/api/v1/shards", "/api/v1/checkpoints",
	"/api/v1/adoption?domain=fees", "/api/v1/adoption?domain=benefits",
	"/api/v1/organizations/hg-cho-dong-van/bills", "/api/v1/organizations/hg-truong-bac-me/bills?unpaid=true",
	"/api/v1/organizations/hg-quy-bao-tro/payouts", "/api/v1/organizations/hg-quy-bao-tro/payout-status?period=2026-09",
	"/api/v1/balances?account=hg-cho-dong-van:", "/api/v1/transfers?account=hg-cho-dong-van:cash:collector:nv-01",
}

// people makes everybody who will come, with accounts, cards and tokens of their
// own, in the organizations of the sample.
func (r *pagesRun) people(ctx context.Context) ([]visitor, error) {
	master, err := vault.LoadMaster(filepath.Join(r.dir, "master.key"))
	if err != nil {
		return nil, err
	}
	directory, err := identity.Open(r.pool, master.Derive)
	if err != nil {
		return nil, err
	}
	places := map[string][]string{}
	for _, kind := range []string{"market", "school", "fund"} {
		rows, err := r.pool.Query(ctx, `SELECT organization FROM projections.organizations WHERE kind = $1 ORDER BY organization`, kind)
		if err != nil {
			return nil, err
		}
		if places[kind], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return nil, err
		}
	}
	var stalls [][2]string
	rows, err := r.pool.Query(ctx, `SELECT organization, stall FROM projections.stalls ORDER BY stall, organization`)
	if err != nil {
		return nil, err
	}
	if stalls, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s [2]string, err error) { return s, row.Scan(&s[0], &s[1]) }); err != nil {
		return nil, err
	}
	all := make([]visitor, r.People)
	ctx = identity.With(ctx, identity.CLI())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(hashesAtOnce)
	at := 0
	for _, part := range cast {
		for n := range max(1, r.People*part.share/100) {
			i := at
			at++
			g := identity.Grant{Role: part.role, Organization: identity.Everywhere}
			if part.kind != "" {
				g.Organization = places[part.kind][n%len(places[part.kind])]
			}
			group.Go(func() (err error) {
				all[i], err = newVisitor(ctx, directory, i, g)
				return err
			})
		}
	}
	for n := 0; at < len(all); n++ {
		i, stall := at, stalls[n%len(stalls)]
		at++
		group.Go(func() error {
			_, token, pin, err := directory.IssueCard(ctx, stall[0], stall[1], fmt.Sprint("visitor-", i))
			all[i] = visitor{Role: string(identity.Trader), Card: token, PIN: pin, Starts: []string{"/work", "/stalls/" + stall[0] + "/" + stall[1]}}
			return err
		})
	}
	return all, group.Wait()
}

// newVisitor makes one who is no trader.
func newVisitor(ctx context.Context, directory *identity.Directory, i int, g identity.Grant) (visitor, error) {
	v := visitor{Role: string(g.Role), Starts: []string{"/work", "/"}}
	switch g.Role {
	case "nobody":
		v.Starts = []string{"/"}
		return v, nil
	case "program":
		v.Starts, v.Listens = programStarts, true
		var grants []identity.Grant
		for _, right := range []identity.Right{identity.SeeFigures, identity.SeeBoard, identity.SeeBills, identity.SeePayouts, identity.SeeEvents, identity.SeeRefusals} {
			grants = append(grants, identity.Grant{Right: right, Organization: identity.Everywhere})
		}
		if i%4 == 0 {
			v.Pays = "hg-cho-dong-van"
			grants = append(grants, identity.Grant{Right: identity.PublishEvents, Organization: v.Pays})
		}
		var err error
		_, v.Token, err = directory.CreateToken(ctx, fmt.Sprint("visitor ", i), grants, 24*time.Hour)
		return v, err
	}
	v.Name, v.Password = fmt.Sprintf("visitor.%d", i), strings.ToLower(rand.Text())
	for _, right := range g.Role.Rights() {
		v.Listens = v.Listens || right == identity.SeeFigures
	}
	id, link, err := directory.Add(ctx, v.Name, "vi")
	if err == nil {
		err = directory.Grant(ctx, id, g)
	}
	if err == nil {
		_, err = directory.Redeem(ctx, link, v.Name, v.Password)
	}
	return v, err
}
