// Package web shows the book: published figures, collection boards, bills with
// their payment codes, payouts, and the event behind each of them, as pages
// rendered on the server, in Vietnamese first and English beside it.
//
// The pages only read. They need no script, ask no third party for anything,
// and show personal data in no form: what is sealed is named and not opened,
// and a record that cannot be read is not shown at all.
//
// The package must never know a database or a broker: what it reads comes
// through the interfaces in Sources, each defined beside the page that needs
// it. Amounts are whole numbers or decimal strings all the way to the page.
//
//	pages, err := web.New(web.Sources{Model: db, Outcomes: outcomes, Records: log, Log: logger})
//	server := &http.Server{Handler: pages}
package web
