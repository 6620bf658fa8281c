package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"socho/internal/identity"
)

//go:embed translations
var translationFiles embed.FS

// language is one of the two that pages are written in.
type language struct {
	code, other      string
	thousands, point string
	text             map[string]string
	pages            map[string]*template.Template
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// loadLanguages reads the translations and refuses to start where one language
// lacks a text, or says it with other values, than the other.
func loadLanguages() (map[string]*language, error) {
	vi := &language{code: "vi", other: "en", thousands: ".", point: ","}
	en := &language{code: "en", other: "vi", thousands: ",", point: "."}
	for _, l := range []*language{vi, en} {
		if err := l.load(); err != nil {
			return nil, err
		}
	}
	for _, pair := range [][2]*language{{vi, en}, {en, vi}} {
		for key, text := range pair[0].text {
			other, ok := pair[1].text[key]
			if !ok {
				return nil, fmt.Errorf("translations/%s lacks %q", pair[1].code, key)
			}
			if !slices.Equal(placeholders(text), placeholders(other)) {
				return nil, fmt.Errorf("translations: %q does not take the same values in both languages", key)
			}
		}
	}
	return map[string]*language{vi.code: vi, en.code: en}, nil
}

// load reads the texts of one language: all.json, and a file for each area of the
// pages. No two files say the same.
func (l *language) load() error {
	l.text = map[string]string{}
	folder := "translations/" + l.code
	files, err := translationFiles.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := translationFiles.ReadFile(folder + "/" + f.Name())
		if err != nil {
			return err
		}
		var some map[string]string
		if err := json.Unmarshal(b, &some); err != nil {
			return fmt.Errorf("%s/%s: %w", folder, f.Name(), err)
		}
		for key, text := range some {
			if _, twice := l.text[key]; twice {
				return fmt.Errorf("%s/%s: %q stands in another file too", folder, f.Name(), key)
			}
			l.text[key] = text
		}
	}
	return nil
}

func placeholders(text string) []string {
	found := map[string]bool{}
	for _, p := range placeholder.FindAllString(text, -1) {
		found[p] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// t says a text with its values: t("stall.title", "stall", "A12"). An unknown
// key is an error, which ends the page: tests walk every page.
func (l *language) t(key string, values ...any) (string, error) {
	text, ok := l.text[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	if len(values)%2 != 0 {
		return "", fmt.Errorf("text %q: a value without a name", key)
	}
	for i := 0; i < len(values); i += 2 {
		text = strings.ReplaceAll(text, "{"+fmt.Sprint(values[i])+"}", fmt.Sprint(values[i+1]))
	}
	return text, nil
}

// say is t for keys that the program knows to exist.
func (l *language) say(key string, values ...any) string {
	text, err := l.t(key, values...)
	if err != nil {
		panic(err) // the page's own recovery makes it a fault that is logged
	}
	return text
}

// word says a word of a set that publishers may add to: in translation where
// there is one, else as it was written.
func (l *language) word(set, word string) string {
	if text, ok := l.text[set+"."+word]; ok {
		return text
	}
	return strings.ReplaceAll(word, "_", " ")
}

// The cookies that keep what a visitor chose.
const (
	languageCookie = "lang"
	themeCookie    = "theme"
	keepChoice     = 365 * 24 * time.Hour
)

// choose takes the language that was asked for now, or else chosen before in
// this browser, or else by this person elsewhere, or else Vietnamese. A choice
// made now is kept for a year, and with the person's account.
func (s *site) choose(w http.ResponseWriter, r *http.Request) *language {
	who := identity.From(r.Context())
	if l, ok := s.languages[r.URL.Query().Get("lang")]; ok {
		http.SetCookie(w, s.cookie(languageCookie, l.code, keepChoice))
		if s.Sessions != nil && who != nil && who.Language != l.code {
			if err := s.People.SetLanguage(r.Context(), l.code); err != nil {
				s.Log.WarnContext(r.Context(), "the language is not kept", "error", err) // the page is in it all the same
			}
		}
		return l
	}
	if c, err := r.Cookie(s.cookieName(languageCookie)); err == nil {
		if l, ok := s.languages[c.Value]; ok {
			return l
		}
	}
	if who != nil && s.languages[who.Language] != nil {
		return s.languages[who.Language]
	}
	return s.languages["vi"]
}

// chooseTheme does likewise for light or dark; empty leaves it to the device.
func (s *site) chooseTheme(w http.ResponseWriter, r *http.Request) string {
	theme := r.URL.Query().Get("theme")
	switch theme {
	case "light", "dark", "auto":
		http.SetCookie(w, s.cookie(themeCookie, theme, keepChoice))
	default:
		if c, err := r.Cookie(s.cookieName(themeCookie)); err == nil {
			theme = c.Value
		}
	}
	if theme != "light" && theme != "dark" {
		return ""
	}
	return theme
}

// secure says that pages leave the machine, and so go over HTTPS, spoken here or
// by a proxy.
func (s *site) secure() bool { return s.Sessions != nil && s.Sessions.Cookie.Secure }

// cookieName keeps other hosts of the same domain from planting a cookie.
func (s *site) cookieName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

// cookie is one that no script reads and that goes to this site alone; a
// negative age takes it away.
func (s *site) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure()}
}

// Words says words of a set in a language, as pages do, for what is handed on as
// files and paper.
func Words(code string) (func(set, word string) string, error) {
	all, err := loadLanguages()
	if err != nil {
		return nil, err
	}
	l, ok := all[code]
	if !ok {
		return nil, fmt.Errorf("no language %q", code)
	}
	return l.word, nil
}
