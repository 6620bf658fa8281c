package main

import (
	"log/slog"

	"socho/internal/chores"
	"socho/internal/identity"
	"socho/internal/service"
	"socho/web"
)

// payoutPages are what pages do a fund's month with: the process that commands use,
// in the name of whoever is signed in, and the chores for what takes long.
func (c *Call) payoutPages(s *service.Service, people *identity.Directory, log *slog.Logger) (web.Payouts, *chores.Chores, error) {
	master, err := c.master()
	if err != nil {
		return nil, nil, err
	}
	persons, err := master.Derive("persons by citizen id")
	if err != nil {
		return nil, nil, err
	}
	files, err := master.Derive("files of chores")
	if err != nil {
		return nil, nil, err
	}
	kept, err := chores.New(s.DB.Pool, files, log)
	return func(actor string, progress func(part, whole int64), may func(organization string) bool) web.PayoutWork {
		p := s.Payouts(actor)
		p.Persons, p.Trail, p.Progress, p.May = persons, people.Record, progress, may
		return p
	}, kept, err
}
