// Package payoutreport says how a month of benefits was paid: what lies at each
// pay point, the list that people sign for cash, and the report of the month, as
// numbers, on paper and as a workbook. It reads the ledger and the projections and
// says no facts.
//
//	books := payoutreport.Books{Ledger: s.DB, Read: s.Read}
//	till, err := books.Till(ctx, "hg-quy-bao-tro", "xa-dong-van", "2026-10")
//	report, err := books.Report(ctx, "hg-quy-bao-tro", "2026-10", time.Now())
//	page, err := report.PDF()
package payoutreport
