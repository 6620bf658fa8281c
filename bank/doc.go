// Package bank reads what banks say about money that moved: statements and
// notifications (camt.052, camt.053, camt.054, MT940, MT942, the CSV and XLSX
// exports of Vietnamese banks), payment orders and their status (pain.001,
// pain.002), and the webhooks of SePay, Casso and payOS. It finds reference codes
// in what payers wrote and says which line may be taken without a person.
//
// A file is readable as a whole or not at all: Result.Valid and Result.Reason.
// What does not add up in a readable file is a Problem with its line and field:
// balances that do not lead from opening to closing, dates that no calendar has,
// entries that could not be read and were left out. Nothing is dropped in silence,
// and no text repeats what a payer wrote.
//
// Files come from strangers. A document type, an entity, a namespace that is not
// the format's own, a second document, a part that unpacks to gigabytes: each is
// refused as soon as it is seen. Memory does not grow with the number of lines.
//
// The package must never know bills, persons or organizations, and it knows no
// clock, disk, network or database; what it reads from is handed in. What becomes
// of an entry is for the ledger to decide.
//
// A worked example: read a file, name each entry for ever, find its code.
//
//	result, err := bank.Parse(file, bank.Options{}, nil) // is all of it readable?
//	if err != nil || !result.Valid { … }
//	ids := bank.NewOrdinals()
//	bank.Parse(file, bank.Options{}, func(e *bank.Entry) error {
//		id := ids.ID(e)                        // the same in every file that shows it
//		codes := refcode.Find(e.Remittance)    // [HP2526YK2Y6]
//		…
//	})
//
// Sources: ISO 20022 message definitions camt.052/053/054 and pain.001/002; SWIFT
// Standards MT, category 9, MT 940 and MT 942; the providers' own documentation,
// named in their files. Column headings of Vietnamese exports are a table,
// layouts.json, that people extend without code.
package bank
