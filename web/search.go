package web

import (
	"fmt"
	"strings"

	"socho/internal/identity"
	"socho/ledger"
)

type searchPage struct {
	Question string
	Found    []*ledger.Outcome
}

// search finds a record by its position or by its event's id, among those of
// the organizations that the visitor may see.
func (s *site) search(r *request) (*view, error) {
	page := searchPage{Question: strings.TrimSpace(r.query.Get("q"))}
	v := &view{template: "search", title: r.language.say("search.title"), section: "events", data: &page}
	if page.Question == "" {
		return v, nil
	}
	if before, behind, ok := strings.Cut(page.Question, ":"); ok {
		if shard, offset, ok := readRecord(before, behind); ok {
			return see(fmt.Sprintf("/events/%d/%d", shard, offset), ""), nil
		}
	}
	found, err := s.Outcomes.Claimants(r.Context(), page.Question, "", "")
	if err != nil {
		return nil, err
	}
	for _, o := range found {
		if r.who.May(identity.SeeEvents, o.Organization) {
			page.Found = append(page.Found, o)
		}
	}
	if len(page.Found) == 1 {
		return see(fmt.Sprintf("/events/%d/%d", page.Found[0].Shard, page.Found[0].Offset), ""), nil
	}
	return v, nil
}
