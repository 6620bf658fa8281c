package main

import (
	"context"
	"log/slog"
	"net/http"

	"socho/internal/logpublisher"
	"socho/internal/service"
	"socho/web"
)

// handler joins the pages to what they read from, and the published log beside
// them.
func (c *Call) handler(s *service.Service, at service.Proof) (http.Handler, error) {
	pages, err := web.New(web.Sources{
		Model: s.Read, Outcomes: s.DB, Records: s.Log,
		Health: func(ctx context.Context) error { return s.DB.Ping(ctx) },
		Sample: func(ctx context.Context) (bool, error) { return s.DB.Done(ctx, sampleTask) },
		Standing: func(ctx context.Context) (at web.Standing, err error) {
			heads, err := s.DB.Heads(ctx)
			for _, head := range heads {
				at.Records += head.NextOffset
				if head.RecordedAt.After(at.Latest) {
					at.Latest = head.RecordedAt
				}
			}
			return at, err
		},
		Stopped: func(ctx context.Context) ([]web.Standstill, error) {
			stopped, err := s.DB.StoppedShards(ctx)
			said := make([]web.Standstill, len(stopped))
			for i, shard := range stopped {
				said[i] = web.Standstill{Shard: shard.Shard, Code: shard.Code}
			}
			return said, err
		},
		Log: slog.New(slog.NewTextHandler(c.Stderr, nil)),
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/log/", http.StripPrefix("/log", logpublisher.Handler(at.Log)))
	mux.Handle("/", pages)
	return mux, nil
}
