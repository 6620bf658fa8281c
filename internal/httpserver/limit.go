package httpserver

import (
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits keeps a token bucket for each of many callers, in bounded memory: of
// those who came least lately the buckets are forgotten, which is what a bucket
// that has filled up again amounts to.
type Limits struct {
	rate  rate.Limit
	burst int

	mu          sync.Mutex
	young, aged map[string]*rate.Limiter
}

// Two generations of callers are remembered, each of at most so many. A bucket
// holds a few seconds' requests.
const (
	generation = 16 << 10
	burstTime  = 3 // seconds
)

// NewLimits lets each caller ask so often a second; 0 as often as it likes.
func NewLimits(perSecond float64) *Limits {
	return &Limits{rate: rate.Limit(perSecond), burst: int(math.Ceil(perSecond * burstTime)), young: map[string]*rate.Limiter{}}
}

// Take takes a token for a caller, or says after what time there will be one.
func (l *Limits) Take(caller string, now time.Time) (ok bool, after time.Duration) {
	if l.rate == 0 {
		return true, 0
	}
	bucket := l.bucket(caller)
	r := bucket.ReserveN(now, 1)
	if after = r.DelayFrom(now); after > 0 {
		r.CancelAt(now)
		return false, after
	}
	return true, 0
}

func (l *Limits) bucket(caller string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.young[caller]
	if bucket != nil {
		return bucket
	}
	if bucket = l.aged[caller]; bucket == nil {
		bucket = rate.NewLimiter(l.rate, l.burst)
	}
	if len(l.young) >= generation {
		l.young, l.aged = map[string]*rate.Limiter{}, l.young
	}
	l.young[caller] = bucket
	return bucket
}

// RetryAfter is the value of that header: whole seconds, at least one.
func RetryAfter(after time.Duration) string {
	return strconv.Itoa(max(int(math.Ceil(after.Seconds())), 1))
}

// limited turns requests away that come too fast from one address. This machine
// itself is let through: whoever is on it has better ways to be a nuisance.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := AddressOf(r.Context())
		if !at.IsLoopback() {
			if ok, after := s.limits.Take(network(at), time.Now()); !ok {
				s.options.Observer.Limited("address")
				w.Header().Set("Retry-After", RetryAfter(after))
				if strings.Contains(r.Header.Get("Accept"), "text/html") {
					tooMany(w, RetryAfter(after))
					return
				}
				Problem(w, http.StatusTooManyRequests, "too_many_requests", "Too many requests come from this address.")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// tooMany says it to people. Who asks too fast from an address gets nothing that
// costs more than these bytes.
func tooMany(w http.ResponseWriter, seconds string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusTooManyRequests)
	//nolint:errcheck // the visitor has left
	io.WriteString(w, `<!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Quá nhiều yêu cầu · Sổ Chợ</title></head>`+
		`<body><main><h1>Quá nhiều yêu cầu</h1><p>Nơi bạn vào mạng đang mở trang quá nhanh. Hãy chờ `+seconds+` giây rồi thử lại.</p>`+
		`<div lang="en"><h2>Too many requests</h2><p>Too many requests come from your network. Wait `+seconds+` seconds and try again.</p></div></main></body></html>`)
}
