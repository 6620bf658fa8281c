package web

import (
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/internal/adminunits"
	"socho/internal/money"
	"socho/ledger"
)

//go:embed templates/*.html
var templateFiles embed.FS

// parse makes every page's template in one language: the layout with the
// page's own content in it.
func (s *site) parse(l *language) (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(s.functions(l)).Option("missingkey=error").ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		key := strings.TrimSuffix(path.Base(name), ".html")
		if key == "layout" || key == "parts" {
			continue
		}
		page, err := base.Clone()
		if err == nil {
			page, err = page.ParseFS(templateFiles, name)
		}
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		pages[key] = page
	}
	return pages, nil
}

// functions is what templates may call.
func (s *site) functions(l *language) template.FuncMap {
	return template.FuncMap{
		"t":       l.t,
		"word":    func(set string, word any) string { return l.word(set, fmt.Sprint(word)) },
		"lang":    func() string { return l.code },
		"other":   func() string { return l.other },
		"num":     l.number,
		"vnd":     l.vnd,
		"minor":   l.minor,
		"column":  l.column,
		"sum":     func(t money.Total) string { return l.total(t, money.VND) },
		"total":   l.total,
		"amount":  func(sum string, currency any) string { return l.decimal(sum, money.Currency(fmt.Sprint(currency))) },
		"rate":    l.rate,
		"date":    func(day any) string { return date(events.Date(fmt.Sprint(day))) },
		"period":  func(p any) string { return l.period(fmt.Sprint(p)) },
		"month":   month,
		"moment":  moment,
		"clock":   clock,
		"hex":     hashText,
		"unit":    unit,
		"asset":   s.assets.address,
		"fact":    func(fullType string) string { return l.word("fact", events.Name(fullType)) },
		"path":    l.account,
		"reason":  l.reason,
		"detail":  l.detail,
		"join":    strings.Join,
		"removal": func() []string { return removeReasons },
		"pair":    func(kv ...any) (map[string]any, error) { return pairs(kv) },
	}
}

// unit names an administrative unit.
func unit(code string) string {
	if name := adminunits.Name(code); name != "" {
		return name
	}
	if code == "" {
		return none
	}
	return code
}

func hashText(h any) string {
	switch h := h.(type) {
	case ledger.Hash:
		return hex.EncodeToString(h[:])
	case tlog.Hash:
		return hex.EncodeToString(h[:])
	}
	return fmt.Sprint(h)
}

func pairs(kv []any) (map[string]any, error) {
	m := make(map[string]any, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		m[fmt.Sprint(kv[i])] = kv[i+1]
	}
	if len(kv)%2 != 0 {
		return nil, fmt.Errorf("pair: a value without a name")
	}
	return m, nil
}
