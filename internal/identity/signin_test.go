package identity_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"socho/internal/identity"
)

// The first start prints a link; whoever uses it is the administrator, and no
// second one comes of it.
func TestSetUp(t *testing.T) {
	t.Parallel()
	h := open(t)
	old, err := h.SetUp(t.Context())
	must(t, err)
	token, err := h.SetUp(t.Context())
	must(t, err)
	_, err = h.Redeem(t.Context(), old, "lan", good)
	wants(t, "the link of the start before", err, identity.ErrLink)
	_, err = h.Redeem(t.Context(), token, "lan", "matkhau123")
	if err == nil || !strings.Contains(err.Error(), "first") {
		t.Errorf("a bad password: %v", err)
	}
	// Two at once: one wins.
	var wg sync.WaitGroup
	results := make([]error, 2)
	for i, name := range []string{"lan", "hoa"} {
		wg.Go(func() { _, results[i] = h.Redeem(t.Context(), token, name, good) })
	}
	wg.Wait()
	winner := map[bool]string{true: "lan", false: "hoa"}[results[0] == nil]
	if (results[0] == nil) == (results[1] == nil) {
		t.Fatalf("%v", results)
	}
	if again, err := h.SetUp(t.Context()); err != nil || again != "" {
		t.Errorf("a link after the set-up: %q, %v", again, err)
	}
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, winner, good))
	if p := b.who(t); !p.May(identity.ManagePeople, identity.Everywhere) {
		t.Errorf("%+v", p)
	}
	// The last administrator stays, but for local commands.
	err = b.visit(t, func(ctx context.Context, _ *identity.Sessions) error { return h.Lock(ctx, identity.From(ctx).ID) })
	wants(t, "locking oneself out", err, identity.ErrLastAdministrator)
}

func TestSetUpExpires(t *testing.T) {
	t.Parallel()
	h := open(t)
	token, err := h.SetUp(t.Context())
	must(t, err)
	h.pass(identity.SetUpLife)
	_, err = h.Redeem(t.Context(), token, "lan", good)
	wants(t, "after an hour", err, identity.ErrLink)
}

// A wrong name, a wrong password, a locked account and one without a password
// are answered alike.
func TestNothingIsRevealed(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	locked := h.person(t, "hoa")
	must(t, h.Lock(cli(t), locked))
	_, _, err := h.Add(cli(t), "moi", "vi")
	must(t, err)
	for i, c := range [][2]string{{"lan", "sai mật khẩu rồi"}, {"nobody", good}, {"hoa", good}, {"moi", ""}, {"moi", good}, {"", ""}, {"lan", strings.Repeat("x", 5000)}} {
		b := h.browser("192.0.2.9")
		if err := b.signIn(t, c[0], c[1]); err != identity.ErrSignIn {
			t.Errorf("%d %s: %v", i, c[0], err)
		}
		if b.who(t) != nil {
			t.Errorf("%s is in", c[0])
		}
	}
	// The letters of a Vietnamese password count, not how a keyboard composes them.
	must(t, h.browser("192.0.2.9").signIn(t, " LAN", "chi\u0301n con tra\u0302u qua ca\u0302\u0300u tre"))
}

// Accounts that exist and ones that do not wait alike, and longer each time;
// right passwords do not help meanwhile.
func TestAccountsWait(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	for _, name := range []string{"lan", "nobody"} {
		tried := 0
		for ; tried < 20; tried++ {
			if err := h.browser("192.0.2.1").signIn(t, name, "sai mật khẩu rồi"); waits(err) {
				break
			}
		}
		if tried != 5 {
			t.Errorf("%s: %d attempts", name, tried)
		}
	}
	if err := h.browser("192.0.2.2").signIn(t, "lan", good); !waits(err) {
		t.Errorf("from elsewhere: %v", err)
	}
	h.pass(30 * time.Second)
	wants(t, "one more", h.browser("192.0.2.1").signIn(t, "lan", "sai mật khẩu rồi"), identity.ErrSignIn)
	h.pass(30 * time.Second)
	if err := h.browser("192.0.2.1").signIn(t, "lan", good); !waits(err) {
		t.Errorf("the second wait is longer: %v", err)
	}
	h.pass(30 * time.Second)
	must(t, h.browser("192.0.2.1").signIn(t, "lan", good))
	wants(t, "forgiven", h.browser("192.0.2.1").signIn(t, "lan", "sai mật khẩu rồi"), identity.ErrSignIn)

	entries, _, err := h.Trail(t.Context(), identity.TrailFilter{Action: "lock_out", Organizations: everywhere}, 0, "")
	if err != nil || len(entries) < 3 {
		t.Errorf("%d lock-outs in the trail, %v", len(entries), err)
	}
}

// Many guesses at once are as many as one after the other.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	var wg sync.WaitGroup
	var mu sync.Mutex
	let := 0
	for range 24 {
		wg.Go(func() {
			if err := h.browser("192.0.2.1").signIn(t, "lan", "sai mật khẩu rồi"); !waits(err) {
				mu.Lock()
				let++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if let != 5 {
		t.Errorf("%d guesses were looked at", let)
	}
}

func TestAddressesWait(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	ctx := h.browser("198.51.100.7")
	guess := func() error {
		return ctx.visit(t, func(ctx context.Context, _ *identity.Sessions) error {
			_, err := h.ByToken(ctx, identity.TokenPrefix+strings.Repeat("A", 43))
			return err
		})
	}
	for range 60 {
		wants(t, "a guess", guess(), identity.ErrSignIn)
	}
	if err := guess(); !waits(err) {
		t.Errorf("after 60: %v", err)
	}
	if err := ctx.signIn(t, "lan", good); !waits(err) {
		t.Errorf("the address waits with everything: %v", err)
	}
	must(t, h.browser("198.51.100.8").signIn(t, "lan", good))
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	secret, recovery := b.enrol(t)
	if len(recovery) != 10 {
		t.Fatal(recovery)
	}
	second := func(b *browser, code string) error {
		return b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.SecondFactor(ctx, code) })
	}
	half := func() *browser {
		b := h.browser("192.0.2.1")
		wants(t, "the password alone", b.signIn(t, "lan", good), errSecond)
		if b.who(t) != nil {
			t.Fatal("the password alone opens the account")
		}
		return b
	}
	wants(t, "no password before", second(h.browser("192.0.2.1"), h.code(t, secret)), identity.ErrNotSignedIn)
	wants(t, "the code that set it up", second(half(), h.code(t, secret)), identity.ErrSignIn)

	h.pass(time.Minute)
	code := h.code(t, secret)
	must(t, second(half(), code))
	wants(t, "the same code again", second(half(), code), identity.ErrSignIn)
	h.pass(2 * time.Minute)
	wants(t, "a code two minutes old", second(half(), code), identity.ErrSignIn)

	must(t, second(half(), strings.ToUpper(recovery[3])))
	wants(t, "a recovery code twice", second(half(), recovery[3]), identity.ErrSignIn)
	must(t, second(half(), recovery[4]))

	slow := half()
	h.pass(5*time.Minute + time.Second)
	wants(t, "too late", second(slow, h.code(t, secret)), identity.ErrNotSignedIn)

	// The secret is nowhere to be read.
	var rows string
	must(t, h.pool.QueryRow(t.Context(), `SELECT string_agg(p::text, ' ') || (SELECT coalesce(string_agg(s::text, ' '), '') FROM app.sessions s) FROM app.people p`).Scan(&rows))
	if strings.Contains(rows, secret) || strings.Contains(rows, good) || strings.Contains(rows, b.cookies["__Host-socho"]) {
		t.Error("a secret stands in the database")
	}
}

// Of two requests with one code, one passes.
func TestOneCodeOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.person(t, "lan")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	secret, _ := b.enrol(t)
	h.pass(time.Minute)
	code := h.code(t, secret)
	browsers := make([]*browser, 4)
	for i := range browsers {
		browsers[i] = h.browser("192.0.2.1")
		wants(t, "password", browsers[i].signIn(t, "lan", good), errSecond)
	}
	var wg sync.WaitGroup
	results := make([]error, len(browsers))
	for i, b := range browsers {
		wg.Go(func() {
			results[i] = b.visit(t, func(ctx context.Context, s *identity.Sessions) error { return s.SecondFactor(ctx, code) })
		})
	}
	wg.Wait()
	passed := 0
	for _, err := range results {
		if err == nil {
			passed++
		}
	}
	if passed != 1 {
		t.Errorf("%d passed: %v", passed, results)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.person(t, "lan")
	b := h.browser("192.0.2.1")
	must(t, b.signIn(t, "lan", good))
	secret, _ := b.enrol(t)
	token, err := h.Reset(cli(t), id)
	must(t, err)
	if b.who(t) == nil {
		t.Error("making the link has changed something")
	}
	if name, err := h.Invitation(t.Context(), token); err != nil || name != "lan" {
		t.Errorf("%q, %v", name, err)
	}
	const other = "một mật khẩu hoàn toàn khác"
	_, err = h.Redeem(t.Context(), token, "ignored", other)
	must(t, err)
	if b.who(t) != nil {
		t.Error("the session before goes on")
	}
	_, err = h.Redeem(t.Context(), token, "", other)
	wants(t, "twice", err, identity.ErrLink)
	wants(t, "the password before", h.browser("192.0.2.1").signIn(t, "lan", good), identity.ErrSignIn)
	again := h.browser("192.0.2.1")
	wants(t, "the new password alone", again.signIn(t, "lan", other), errSecond)
	h.pass(time.Minute)
	must(t, again.second(t, h.code(t, secret)))
	// Who has lost the second factor too needs a link of another kind, which
	// makes the one before worthless.
	void, err := h.Reset(cli(t), id)
	must(t, err)
	token, err = h.Restart(cli(t), id)
	must(t, err)
	_, err = h.Redeem(t.Context(), void, "", good)
	wants(t, "the link before", err, identity.ErrLink)
	_, err = h.Redeem(t.Context(), token, "", good)
	must(t, err)
	must(t, h.browser("192.0.2.1").signIn(t, "lan", good))
	_, err = h.Invitation(t.Context(), "nothing")
	wants(t, "no link", err, identity.ErrLink)
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"ngắn":                   "short",
		"1234567":                "short",
		"mật khẩu":               "common",
		"MatKhau123":             "common",
		"Hà Giang 2026":          "common",
		"p@ssw0rd":               "common", // from breaches
		"P@$$w0rd1":              "",       // the list holds what is used most, not every way to write it
		"Iloveyou2":              "common",
		"liverpool1":             "common",
		"aaaaaaaaaaaaaaaaaa":     "common",
		"thutrang1990":           "",
		"lan.nguyen!!":           "name",
		strings.Repeat("á", 300): "long",
		good:                     "",
	} {
		err := identity.CheckPassword("lan.nguyen", password)
		got := ""
		if p, ok := err.(*identity.PasswordError); ok {
			got = p.Reason
		}
		if got != want {
			t.Errorf("%.20s: %q, not %q", password, got, want)
		}
	}
}

// TestCost holds the cost of a guess to OWASP's least.
func TestCost(t *testing.T) {
	t.Parallel()
	if c := identity.Cost; c.Memory < 19<<10 || c.Iterations < 2 || c.Parallelism != 1 || c.SaltLength < 16 || c.KeyLength < 32 {
		t.Errorf("%+v", c)
	}
}
