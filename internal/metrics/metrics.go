// Package metrics counts what the service does, for Prometheus. It tells how
// much and how fast, never of whom: no organization, person or account is ever a
// label, and each label has few values.
//
// What happens with every payment is added once a batch; what can be asked for,
// such as how far a shard is behind, is asked when somebody scrapes.
//
//	m := metrics.New()
//	s, err := service.Open(ctx, service.Options{…, Observer: m})
//	m.Watch(metrics.Of(s, at))
//	mux.Handle("/metrics", m.Handler())
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is everything counted in one process.
type Metrics struct {
	registry *prometheus.Registry
	posted   *posted

	requests *prometheus.CounterVec   // by route, method and status
	duration *prometheus.HistogramVec // by route, in seconds
	limited  *prometheus.CounterVec   // by what: address, principal
	streams  prometheus.Gauge
	passed   *prometheus.CounterVec // by provider
}

// New returns metrics that count from zero.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), posted: newPosted(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "socho_http_requests_total", Help: "Requests answered, by pattern of the route."}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "socho_http_request_duration_seconds", Help: "Time from a request to the end of its answer, streams apart.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "socho_http_limited_total", Help: "Requests turned away for coming too fast, by what was counted."}, []string{"by"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "socho_http_streams", Help: "Live streams that are open."}),
		passed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "socho_hook_passed_over_total", Help: "Messages of banks about accounts that nobody has connected: answered, not kept."}, []string{"provider"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector(),
		m.posted, m.requests, m.duration, m.limited, m.streams, m.passed)
	return m
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: scrapeTime + time.Second})
}

// otherRoute stands for whatever no pattern was found for.
const otherRoute = "other"

// methods are those told apart; any text may stand in a request.
var methods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true, http.MethodOptions: true}

// Request counts one request that has been answered. Route is the pattern that
// it matched, never its address.
func (m *Metrics) Request(route, method string, status int, took time.Duration, stream bool) {
	if route == "" || route == "/" {
		route = otherRoute
	}
	if !methods[method] {
		method = otherRoute
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if !stream {
		m.duration.WithLabelValues(route).Observe(took.Seconds())
	}
}

// Limited counts a request that was turned away for coming too fast.
func (m *Metrics) Limited(by string) { m.limited.WithLabelValues(by).Inc() }

// Stream counts a live stream until ended is called.
func (m *Metrics) Stream() (ended func()) {
	m.streams.Inc()
	return m.streams.Dec
}

// PassedOver counts messages of a provider about accounts that nobody has connected.
func (m *Metrics) PassedOver(provider string, messages int64) {
	m.passed.WithLabelValues(provider).Add(float64(messages))
}
