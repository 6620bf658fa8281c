package main

import (
	"net/http"

	"socho/internal/service"
)

// handler joins the pages.
func (c *Call) handler(s *service.Service) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}
