package identity_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"

	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/postgres"
)

// house is a directory with a clock that tests move.
type house struct {
	*identity.Directory
	pool *pgxpool.Pool
	url  string

	mu  sync.Mutex
	now time.Time
}

func open(t *testing.T) *house {
	t.Helper()
	url := testdb.Database(t, "identity", func(ctx context.Context, url string) error {
		return postgres.Migrate(ctx, url, "app", postgres.AppMigrations())
	})
	db, err := postgres.Open(t.Context(), url, "app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	h := &house{pool: db.Pool, url: url, now: time.Now().Truncate(time.Second)}
	d, err := identity.Open(db.Pool, func(purpose string) ([]byte, error) {
		sum := sha256.Sum256([]byte(purpose))
		return sum[:], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Directory = d.WithClock(func() time.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.now
	})
	return h
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) code(t *testing.T, secret string) string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	code, err := totp.GenerateCode(secret, h.now)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

const good = "chín con trâu qua cầu tre"

// cli is a context as local commands have it.
func cli(t *testing.T) context.Context { return identity.With(t.Context(), identity.CLI()) }

// person makes an account with a password and grants.
func (h *house) person(t *testing.T, name string, grants ...string) (id string) {
	t.Helper()
	id, token, err := h.Add(cli(t), name, "vi")
	must(t, err)
	_, err = h.Redeem(t.Context(), token, "", good)
	must(t, err)
	for _, text := range grants {
		g, err := identity.ParseGrant(text)
		must(t, err)
		must(t, h.Grant(cli(t), id, g))
	}
	return id
}

// browser keeps the cookies of one visitor.
type browser struct {
	h       *house
	s       *identity.Sessions
	address string
	cookies map[string]string
}

func (h *house) browser(address string) *browser {
	return &browser{h, h.Sessions(true, nil, slog.New(slog.DiscardHandler)), address, map[string]string{}}
}

// visit makes one request; inside, f has what a page has.
func (b *browser) visit(t *testing.T, f func(ctx context.Context, s *identity.Sessions) error) error {
	t.Helper()
	r := httptest.NewRequest("GET", "https://socho.example/", nil)
	r.RemoteAddr = b.address + ":40000"
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	var err error
	b.s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err = f(r.Context(), b.s)
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	for _, c := range w.Result().Cookies() {
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("cookie %+v", c)
		}
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return err
}

func (b *browser) signIn(t *testing.T, name, password string) error {
	t.Helper()
	return b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		second, err := s.SignIn(ctx, name, password)
		if second {
			return errSecond
		}
		return err
	})
}

// second gives the second factor.
func (b *browser) second(t *testing.T, code string) error {
	t.Helper()
	return b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.SecondFactor(ctx, code) })
}

// card signs in by a card.
func (b *browser) card(t *testing.T, token, pin string) error {
	t.Helper()
	return b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		_, err := s.SignInByCard(ctx, token, pin)
		return err
	})
}

// errSecond: the password was right, and the second factor is due.
var errSecond = errors.New("second factor")

// who returns whom the browser is signed in as, nil for nobody.
func (b *browser) who(t *testing.T) (p *identity.Principal) {
	t.Helper()
	must(t, b.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
		p = identity.From(ctx)
		return nil
	}))
	return p
}

// enrol sets a second factor up and returns its secret and recovery codes.
func (b *browser) enrol(t *testing.T) (secret string, recovery []string) {
	t.Helper()
	must(t, b.visit(t, func(ctx context.Context, s *identity.Sessions) error {
		offer, err := b.h.OfferTOTP(ctx)
		must(t, err)
		secret = offer.Secret
		recovery, err = b.h.ConfirmTOTP(ctx, offer.Sealed, b.h.code(t, secret))
		return err
	}))
	return secret, recovery
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants checks an error by errors.Is; nil wants none.
func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, not %v", what, err, want)
	}
}

func waits(err error) bool {
	var wait *identity.WaitError
	return errors.As(err, &wait)
}
