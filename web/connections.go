package web

import (
	"context"
	"time"

	"socho/internal/identity"
)

// Connection is something that this installation talks to, and how that is.
type Connection struct {
	Kind   string    // brokers, database, log, witnesses, provider, inbox, webhooks, tokens
	Names  []string  // hosts, offices, …; nothing secret
	State  string    // good, slow, away, none (not set up)
	UsedAt time.Time // zero: not yet, or not known
	Count  int64     // what matters of it: records waiting, records not taken, tokens in use
	Link   string    // where more of it is
}

// ConnectionSource finds them, each within a few seconds; everywhere says that
// those of the whole installation are wanted.
type ConnectionSource func(ctx context.Context) ([]Connection, error)

type connectionsPage struct{ Connections []Connection }

// ofOrganizations are the kinds that concern single organizations, whose own
// administrators may see how they are.
var ofOrganizations = map[string]bool{"webhooks": true, "tokens": true}

// connections says what this installation is connected to, how that is and what
// to do.
func (s *site) connections(r *request) (*view, error) {
	var page connectionsPage
	if s.Connections != nil {
		all, err := s.Connections(r.Context())
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			if ofOrganizations[c.Kind] || r.who.May(identity.ManageConnections, identity.Everywhere) {
				page.Connections = append(page.Connections, c)
			}
		}
	}
	return &view{template: "connections", title: r.language.say("connections.title"), section: "connections", data: page}, nil
}
