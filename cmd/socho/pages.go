package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"socho/internal/httpserver"
	"socho/internal/identity"
	"socho/internal/logpublisher"
	"socho/internal/metrics"
	"socho/internal/payoutreport"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/internal/service"
	"socho/internal/vault"
	"socho/ledger/proof"
	"socho/web"
	"socho/web/api"
)

// handler joins what is served: pages, API, metrics and the published log.
func (c *RunCommand) handler(call *Call, s *service.Service, readers api.Readers, at service.Proof, people *identity.Directory, server *httpserver.Server, counted *metrics.Metrics, demo []web.DemoPerson, verifier web.Verifier, month web.Payouts, kept web.ChoreKeeper, matching *web.Desk) (http.Handler, error) {
	log := call.logger(true)
	address := func(r *http.Request) netip.Addr { return httpserver.AddressOf(r.Context()) }
	// Proxies that are trusted are taken to speak TLS to the outside.
	sessions := people.Sessions(server.Scheme() == "https" || len(c.TrustedProxy) > 0, address, log)
	provider := c.provider()
	figures := readmodel.NewLive(s.Read)
	hooks, err := call.hooks(s)
	if err != nil {
		return nil, err
	}
	hooks.PassedOver = counted.PassedOver
	personKey, err := call.personKey()
	if err != nil {
		return nil, err
	}
	desk, err := call.office(s)
	if err != nil {
		return nil, err
	}
	desk.Ledger, desk.Model = readers.Ledger, readers.Model
	accounts, err := call.saleAccounts(s)
	if err != nil {
		return nil, err
	}
	cards, err := c.stallCards(call, s, readers, at)
	if err != nil {
		return nil, err
	}
	paper := func(ctx context.Context, shard int, offset int64) ([]byte, error) {
		return receiptPDF(ctx, s, at, shard, offset)
	}
	pages, err := web.New(web.Sources{
		Traders: &web.TraderSources{Sales: readers.Model, Accounts: accounts, Takings: readmodel.NewTakings(s.Read), Draining: server.Draining(), Receipt: paper},
		Cards:   cards, ReceiptPaper: paper,
		Model: readers.Model, Figures: figures, Traces: s.Read, Outcomes: readers.Ledger, Records: s.Log, Recorder: s, Finance: func(actor string) web.Finance { return desk.For(actor) },
		Desk:   matching,
		Access: people, People: people, Sessions: sessions, Provider: provider, Demo: demo,
		Connections: connections(s, at, people, provider, hooks), Verifier: verifier, Unsealer: unsealer{s.Vault}, Names: s.Vault,
		PayPoints:   payoutreport.Books{Ledger: s.DB, Read: s.Read},
		MonthPapers: monthPapers{payoutreport.Books{Ledger: s.DB, Read: s.Read}, s, people},
		Payouts:     month, Chores: kept,
		PersonID: func(organization, citizenID string) string {
			return payouts.PersonID(personKey, organization, citizenID)
		},
		Receipt: func(shard int, offset int64) string {
			return fmt.Sprintf("%s/events/%d/%d/receipt", api.Prefix, shard, offset)
		},
		Health: func(ctx context.Context) error {
			select {
			case <-server.Draining():
				return errors.New("ending")
			default:
				return s.DB.Ping(ctx)
			}
		},
		Sample: func(ctx context.Context) (bool, error) { return s.DB.Done(ctx, sampleTask) },
		Standing: func(ctx context.Context) (stand web.Standing, err error) {
			heads, err := s.DB.Heads(ctx)
			for _, head := range heads {
				stand.Records += head.NextOffset
				if head.RecordedAt.After(stand.Latest) {
					stand.Latest = head.RecordedAt
				}
			}
			return stand, err
		},
		Shards: func(ctx context.Context) ([]web.Shard, error) {
			all, err := s.Shards(ctx)
			if err != nil {
				return nil, err
			}
			signed, err := s.Checkpoints(at)
			said := make([]web.Shard, len(all))
			for i, one := range all {
				said[i] = web.Shard{Shard: one.Shard, Decided: one.NextOffset, Waiting: one.End - one.NextOffset, RecordedAt: one.RecordedAt, Stopped: one.Stopped, Code: one.Code}
				if c := signed[one.Shard]; c != nil {
					said[i].Signed = c.Size
				}
			}
			return said, err
		},
		Stopped: func(ctx context.Context) ([]web.Standstill, error) {
			stopped, err := s.DB.StoppedShards(ctx)
			said := make([]web.Standstill, len(stopped))
			for i, shard := range stopped {
				said[i] = web.Standstill{Shard: shard.Shard, Code: shard.Code}
			}
			return said, err
		},
		Log: log, PublicURL: c.publicOrigin(), SecurityContact: c.SecurityContact, SecondFactor: !c.private(),
	})
	if err != nil {
		return nil, err
	}
	callers, limits := callers{people, !c.private()}, httpserver.NewLimits(c.RatePrincipal)
	programs, err := api.New(api.Options{Service: s, Readers: readers, Figures: figures, Proof: at, Who: callers, Limits: limits,
		Draining: server.Draining(), Observer: counted, SessionCookie: sessions.Cookie.Name, Log: log})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/{provider}/{organization}", hooks)
	mux.Handle("/api/", sessions.Handler(httpserver.SameOrigin(httpserver.Routed(programs))))
	mux.Handle("/openapi.json", programs)
	mux.Handle("GET /metrics", guarded(counted.Handler(), callers, c.private(), identity.Verify))
	mux.Handle("/log/", published(http.StripPrefix("/log", logpublisher.Handler(at.Log)), callers, c.private()))
	mux.Handle("/", sessions.Handler(paced(limits, counted, pages)))
	return httpserver.Routed(mux), nil
}

// familyRate is how many families' pages one address opens a second: a whole class
// may sit behind one.
const familyRate = 5

// paced turns requests of a session away that come too fast. The API counts its
// callers itself, tokens among them.
func paced(limits *httpserver.Limits, counted *metrics.Metrics, pages *web.Pages) http.Handler {
	next := httpserver.Routed(pages)
	// Links of families open without signing in; whoever tries many out is slowed down.
	families := httpserver.NewLimits(familyRate)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, web.FamilyPath) {
			if ok, after := families.Take(httpserver.AddressOf(r.Context()).String(), time.Now()); !ok {
				counted.Limited("address")
				pages.TooMany(w, r, after)
				return
			}
		}
		if p := identity.From(r.Context()); p != nil {
			if ok, after := limits.Take(p.ID, time.Now()); !ok {
				counted.Limited("principal")
				if web.ForBrowser(r) {
					pages.TooMany(w, r, after)
					return
				}
				w.Header().Set("Retry-After", httpserver.RetryAfter(after))
				httpserver.Problem(w, http.StatusTooManyRequests, "too_many_requests", "Too many requests come from this session.")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// master reads the master key of the data directory.
func (c *Call) master() (vault.Key, error) {
	data, err := filepath.Abs(c.CLI.Data)
	if err != nil {
		return vault.Key{}, err
	}
	return vault.LoadMaster(filepath.Join(data, "master.key"))
}

// personKey is what opaque ids of persons are derived under.
func (c *Call) personKey() ([]byte, error) {
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	return master.Derive("persons by citizen id")
}

// directory is who there is and what they may do.
func (c *Call) directory(s *service.Service) (*identity.Directory, error) {
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	return identity.Open(s.DB.Pool, master.Derive)
}

// callers finds out who asks: by the token that is presented, else by the
// session.
type callers struct {
	people *identity.Directory
	second bool // sessions of staff without a second factor are nobody's
}

// FromRequest implements api.Authenticator.
func (c callers) FromRequest(r *http.Request) (*identity.Principal, error) {
	presented := r.Header.Get("Authorization")
	if presented == "" {
		p := identity.From(r.Context())
		if c.second && p != nil && !p.Second {
			p = nil
		}
		return p, nil
	}
	scheme, token, _ := strings.Cut(presented, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, identity.ErrSignIn
	}
	return c.people.ByToken(identity.WithVisit(r.Context(), httpserver.AddressOf(r.Context())), strings.TrimSpace(token))
}

// forwarded are headers that proxies set, of which one is enough to know that
// somebody else asks.
var forwarded = []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via"}

// guarded lets this machine ask where it alone is served, and whoever has a right
// everywhere. Where others are served, a proxy on this machine may speak for them
// and say nothing of it.
func guarded(next http.Handler, who api.Authenticator, private bool, right identity.Right) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed := slices.ContainsFunc(forwarded, func(name string) bool { return r.Header.Get(name) != "" })
		if !private || passed || !httpserver.AddressOf(r.Context()).IsLoopback() {
			p, err := who.FromRequest(r)
			switch {
			case err != nil || p == nil:
				w.Header().Set("WWW-Authenticate", `Bearer realm="socho"`)
				httpserver.Problem(w, http.StatusUnauthorized, "not_signed_in", "Present an API token with the right "+string(right)+" everywhere. Without one, only this machine may ask, where it alone is served.")
				return
			case !p.May(right, identity.Everywhere):
				httpserver.Problem(w, http.StatusForbidden, "not_allowed", "This needs the right "+string(right)+" everywhere.")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// published lets everybody have what proves the log: checkpoints, hashes and tiles.
// The records themselves hold what is a trader's or an office's own.
func published(log http.Handler, who api.Authenticator, private bool) http.Handler {
	records := guarded(log, who, private, identity.SeeEvents)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/log/"), "/")
		if strings.HasPrefix(path, proof.Records) {
			records.ServeHTTP(w, r)
			return
		}
		log.ServeHTTP(w, r)
	})
}
