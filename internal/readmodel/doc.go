// Package readmodel keeps what the projections folded in PostgreSQL, schema
// "projections", and answers the questions of pages and commands from it. SQL
// stands beside the Go that runs it.
//
// It must never know a broker or a key, or decide anything that a projection
// should decide. Of the ledger's own tables it reads what a trace leads to, and
// it writes none. Everything in it can be thrown away and built again from the
// log.
//
//	err := postgres.Migrate(ctx, url, readmodel.Schema, readmodel.Migrations())
//	db, err := readmodel.Open(ctx, url)
//	go runner.Run(ctx)                                   // projections.Runner with db as its Store
//	figures, err := db.Figures(ctx, projections.Query{Domain: "benefits"})
//	bills, next, err := db.Bills(ctx, "hg-cho-dong-van", readmodel.BillFilter{Period: "2026-09"}, readmodel.Page{Limit: 50})
//
// Lists come a page at a time: pass the cursor that came back to get the next
// one; an empty cursor says that there is none.
package readmodel
