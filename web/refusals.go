package web

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

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

var errEnough = errors.New("a page is full")

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
	since, err := readPosition(r.query.Get("cursor"))
	if err != nil {
		return nil, err
	}
	var next string
	err = s.Outcomes.ListOutcomes(r.Context(), wanted, since, func(o *ledger.Outcome) error {
		if len(page.Outcomes) == eventsPerPage {
			next = strconv.Itoa(o.Shard) + ":" + strconv.FormatInt(o.Offset, 10)
			return errEnough
		}
		page.Outcomes = append(page.Outcomes, o)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	page.Pager = r.pager(next)
	return &view{"refusals", r.language.say("refusals.title"), "refusals", page}, nil
}

// readPosition reads "3:120" as: nothing of the shards before 3, and of shard
// 3 what stands at 120 or behind it.
func readPosition(cursor string) (map[int]int64, error) {
	if cursor == "" {
		return nil, nil
	}
	before, behind, ok := strings.Cut(cursor, ":")
	shard, err1 := strconv.ParseUint(before, 10, 15)
	offset, err2 := strconv.ParseInt(behind, 10, 64)
	if !ok || err1 != nil || err2 != nil || offset < 0 || shard > maxShownShards {
		return nil, errBad
	}
	since := map[int]int64{int(shard): offset}
	for passed := range int(shard) {
		since[passed] = math.MaxInt64
	}
	return since, nil
}

// maxShownShards bounds what a cursor can make us build.
const maxShownShards = 1024
