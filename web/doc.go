// Package web shows the book: published figures to everybody; collection
// boards, bills with their payment codes, payouts, records and the event behind
// each of them to those who have the right; and to administrators the people
// who do. Pages are rendered on the server, in Vietnamese first and English
// beside it, from the parts in static/socho.css and templates/parts.html, which
// /design shows all together.
//
// One table of routes says for every page and act which right opens it and how
// the organization is found in the request, and one function, admit, asks.
//
// Pages ask no third party for anything, work without scripts, and show what is
// sealed only in the answer to a form that asks for it, to who has the right and
// has just proved who they are, after it was written down (reveal.go). A record
// that cannot be read is not shown at all. What people do here concerns accounts,
// cards and tokens; facts come in through intake alone.
//
// The package must never know a broker, nor a database but through package
// identity: what it reads comes through the interfaces in Sources, each defined
// beside the page that needs it. Amounts are whole numbers or decimal strings
// all the way to the page.
//
//	pages, err := web.New(web.Sources{Model: db, Figures: db, Traces: db, Outcomes: outcomes, Records: log, Access: people, People: people, Sessions: sessions, Log: logger})
//	server := &http.Server{Handler: sessions.Handler(pages)}
package web
