// Package identity knows who is asking and what they may do: accounts of staff,
// cards of traders, sessions, tokens of programs, grants, and the trail of all
// that was done with them.
//
// Rights are a table in the code; who holds which role where is a row in
// schema app, read on each request, so that a grant revoked is gone at once.
// Rights that rules of the ledger depend on are facts on the log and no part
// of this package.
//
// It must never know what an event means or how a page looks, and never hand
// out, log or store in the clear a password, a PIN, a code or a token.
package identity
