package main

import (
	"context"
	"net/http"

	"socho/internal/service"
)

func (c *Call) loadSample(ctx context.Context, s *service.Service) error { return nil }
func (c *Call) handler(s *service.Service) http.Handler                  { return http.NotFoundHandler() }
