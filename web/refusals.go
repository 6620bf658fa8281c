package web

import (
	"fmt"
	"math"
	"slices"
	"time"

	"socho/internal/identity"
	"socho/ledger"
)

// notTaken are the outcomes of records that changed nothing and that somebody
// should look at. A duplicate is none of them: the fact is in the book.
var notTaken = []ledger.Status{ledger.Refused, ledger.Malformed, ledger.Misrouted, ledger.Conflict}

type refusalsPage struct {
	Status   string
	Statuses []string
	Outcomes []*ledger.Outcome
	Pager    pager
}

func (s *site) refusals(r *request) (*view, error) {
	page := refusalsPage{Status: r.query.Get("status")}
	wanted := notTaken
	for _, status := range notTaken {
		page.Statuses = append(page.Statuses, status.String())
	}
	if page.Status != "" {
		status, ok := ledger.ParseStatus(page.Status)
		if !ok || !slices.Contains(notTaken, status) {
			return nil, errBad
		}
		wanted = []ledger.Status{status}
	}
	behind, err := readPlace(r.query.Get("cursor"))
	if err != nil {
		return nil, err
	}
	found, err := s.Outcomes.RecentOutcomes(r.Context(), wanted, r.scope(identity.SeeRefusals), behind, eventsPerPage+1)
	if err != nil {
		return nil, err
	}
	var next string
	if len(found) > eventsPerPage {
		found = found[:eventsPerPage]
		next = writePlace(found[len(found)-1])
	}
	page.Outcomes, page.Pager = found, r.pager(next)
	return &view{template: "refusals", title: r.language.say("refusals.title"), section: "refusals", data: page}, nil
}

// A place in the order of time is written as microseconds since 1970, shard and
// offset: "1790000000000000:3:120".
func writePlace(o *ledger.Outcome) string {
	return fmt.Sprintf("%d:%d:%d", o.RecordedAt.UnixMicro(), o.Shard, o.Offset)
}

// readPlace is the inverse of writePlace; nothing is the latest of all.
func readPlace(cursor string) (*ledger.Outcome, error) {
	if cursor == "" {
		return nil, nil
	}
	var at, shard, offset int64
	if n, err := fmt.Sscanf(cursor, "%d:%d:%d", &at, &shard, &offset); n != 3 || err != nil || at < 0 || at > latestPlace || shard < 0 || shard > math.MaxInt16 || offset < 0 {
		return nil, errBad
	}
	return &ledger.Outcome{RecordedAt: time.UnixMicro(at), Shard: int(shard), Offset: offset}, nil
}

// latestPlace keeps a made-up cursor to times that a database knows: the year 5138.
const latestPlace = 100_000_000_000_000_000
