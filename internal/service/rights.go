package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/readmodel"
	"socho/ledger"
)

// rightsAgain is how often the directory is compared with the log.
const rightsAgain = time.Second

// rightsOnLog are the roles whose right a rule asks for, as the log calls it.
var rightsOnLog = map[identity.Role]events.Word{identity.Proposer: "propose_payouts", identity.Approver: "approve_payouts"}

// change is a right that the directory and the log say differently.
type change struct {
	organization, holder string
	role                 identity.Role
	give                 bool
	since                int64 // the record that set it last, -1 for none
}

// bringRights writes onto the log who may propose and approve, as the directory
// has it, until the context ends. Whatever changed the directory, a grant, a lock
// or a restored backup, shows as a difference; one that the rules refuse is
// written once.
func (s *Service) bringRights(ctx context.Context) {
	tried := map[events.EventID]bool{}
	wait := rightsAgain
	for ctx.Err() == nil {
		if err := s.bringRightsOnce(ctx, tried); err != nil && ctx.Err() == nil {
			s.slog.Warn("rights are not on the log yet", "reason", err)
			wait = min(2*wait, 30*time.Second)
		} else {
			wait = rightsAgain
		}
		pause(ctx, wait)
	}
}

func (s *Service) bringRightsOnce(ctx context.Context, tried map[events.EventID]bool) (failed error) {
	changes, _, err := s.rightsThatDiffer(ctx)
	if err != nil || len(changes) == 0 {
		return err
	}
	// What the ledger has not decided yet may say the same: after a restore, all of
	// it. A record more would not be what was signed.
	ends, err := s.Log.Ends(ctx)
	if err != nil {
		return err
	}
	decided := map[int]bool{} // shards up to here; one that stands still holds no other up
	for _, c := range changes {
		shard := events.ShardOf([]byte(c.organization), s.Log.shards)
		if _, asked := decided[shard]; !asked {
			err := s.WaitFor(ctx, map[int]int64{shard: ends[shard]})
			decided[shard], failed = err == nil, errors.Join(failed, err)
		}
	}
	changes, held, err := s.rightsThatDiffer(ctx)
	if err != nil {
		return err
	}
	heads, err := s.DB.Heads(ctx)
	if err != nil {
		return err
	}
	for _, c := range changes {
		shard := events.ShardOf([]byte(c.organization), s.Log.shards)
		if !decided[shard] || heads[shard].Reads(events.Type("organization.right_granted")) != nil {
			continue // under such rules nothing asks for rights
		}
		actor, at := held[c].GivenBy, held[c].At
		if !c.give {
			if actor, at, err = identity.TakenBy(ctx, s.DB.Pool, c.holder, c.role, c.organization); err != nil {
				return err
			}
		}
		if actor != "cli" {
			actor = string(identity.Person) + ":" + actor
		}
		line, id, err := c.fact(at)
		if err != nil {
			return err
		}
		if tried[id] {
			continue
		}
		report, err := s.Publish(ctx, strings.NewReader(line), intake.Options{Actor: actor, Own: true})
		if err != nil {
			return err
		}
		outcomes, err := s.Decided(ctx, report)
		if err != nil {
			return err
		}
		tried[id] = true
		if outcomes[ledger.Recorded]+outcomes[ledger.Duplicate] == 0 {
			s.slog.Warn("a right of the directory was refused on the log", "organization", c.organization, "holder", c.holder, "right", rightsOnLog[c.role])
		}
	}
	return failed
}

// rightsThatDiffer lists what has to be said on the log, what is taken away
// first: nobody holds both rights for a moment.
func (s *Service) rightsThatDiffer(ctx context.Context) (changes []change, held map[change]identity.Holding, err error) {
	holdings, err := identity.Holdings(ctx, s.DB.Pool, identity.Proposer, identity.Approver)
	if err != nil {
		return nil, nil, err
	}
	onLog, err := s.DB.Rights(ctx)
	if err != nil {
		return nil, nil, err
	}
	type right struct{ organization, key string }
	said := map[right]int64{}
	stands := map[right]bool{}
	for _, r := range onLog {
		said[right{r.Organization, r.Key}], stands[right{r.Organization, r.Key}] = r.Offset, r.Held
	}
	held = map[change]identity.Holding{}
	wanted := map[right]bool{}
	var funds []string
	for _, h := range holdings {
		places := []string{h.Organization}
		if h.Organization == identity.Everywhere {
			if funds == nil {
				if funds, err = s.funds(ctx); err != nil {
					return nil, nil, err
				}
			}
			places = funds
		}
		for _, organization := range places {
			r := right{organization, "right:" + string(rightsOnLog[h.Role]) + ":" + h.Person}
			if wanted[r] = true; stands[r] {
				continue
			}
			c := change{organization, h.Person, h.Role, true, -1}
			if offset, ok := said[r]; ok {
				c.since = offset
			}
			if _, twice := held[c]; !twice { // by a grant here and one everywhere
				changes = append(changes, c)
			}
			held[c] = h
		}
	}
	for _, r := range onLog {
		if !r.Held || wanted[right{r.Organization, r.Key}] {
			continue
		}
		name, holder, _ := strings.Cut(strings.TrimPrefix(r.Key, "right:"), ":")
		for role, word := range rightsOnLog {
			if string(word) == name {
				changes = append(changes, change{r.Organization, holder, role, false, r.Offset})
			}
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(number(a.give), number(b.give)) })
	return changes, held, nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// funds are the organizations that pay benefits out.
func (s *Service) funds(ctx context.Context) (names []string, err error) {
	page := readmodel.Page{Limit: 200}
	for {
		some, next, err := s.Read.Organizations(ctx, readmodel.OrganizationFilter{Kind: "fund"}, page)
		if err != nil {
			return nil, err
		}
		for i := range some {
			names = append(names, some[i].Organization)
		}
		if next == "" {
			return names, nil
		}
		page.Cursor = next
	}
}

// fact is the change as it is handed to intake. The id is of the change itself,
// so that two processes that see it say it once.
func (c change) fact(at time.Time) (line string, id events.EventID, err error) {
	name, grant := "organization.right_revoked", events.Grant{Holder: events.ID(c.holder), Right: rightsOnLog[c.role]}
	day := at.In(time.FixedZone("ICT", 7*3600))
	grant.EffectiveOn = events.Date(day.Format(time.DateOnly))
	var fact events.Fact = &events.RightRevoked{Grant: grant}
	if c.give {
		name, fact = "organization.right_granted", &events.RightGranted{Grant: grant}
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %s %d %d", name, c.organization, c.holder, grant.Right, c.since, at.UnixMicro()))
	id = events.EventID("right-" + hex.EncodeToString(hash[:16]))
	value, err := events.New(events.Envelope{ID: id, Source: events.OwnSources + "identity", Type: events.Type(name), Subject: c.organization,
		Time: events.Time(day.Format(time.RFC3339))}, fact)
	if err != nil {
		return "", "", errors.Join(fmt.Errorf("right of %s in %s", c.holder, c.organization), err)
	}
	return string(value) + "\n", id, nil
}
