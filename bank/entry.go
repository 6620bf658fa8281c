package bank

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Direction says which way money went, seen from the account.
type Direction string

// The two directions.
const (
	Credit Direction = "credit" // money in
	Debit  Direction = "debit"  // money out
)

// Entry is one line of a statement, notification or webhook, or one transfer of a
// payment order. Only Line, Direction, Amount and Currency are always there.
type Entry struct {
	Line      int    `json:"line"`                // where it begins: line of the text, row of the sheet, from 1
	Statement int    `json:"statement,omitzero"`  // which of the file's statements, from 1
	Account   string `json:"account,omitzero"`    // the account that the statement is about
	Booked    bool   `json:"booked"`              // false while pending, expected or for information
	BookedOn  string `json:"booked_on,omitzero"`  // YYYY-MM-DD as printed; a day that no calendar has is also a Problem
	BookedAt  string `json:"booked_at,omitzero"`  // HH:MM:SS of that day, local time, where printed
	ValueDate string `json:"value_date,omitzero"` // YYYY-MM-DD as printed

	Direction Direction `json:"direction"`
	Amount    Amount    `json:"amount"` // zero or more
	Currency  string    `json:"currency"`
	Reversal  bool      `json:"reversal,omitzero"` // it takes an earlier entry back; Direction is already the way this money went

	Reference     string `json:"reference,omitzero"`      // the bank's own: AcctSvcrRef, :61: behind //, the reference column
	EndToEndID    string `json:"end_to_end_id,omitzero"`  // the payer's, carried along
	InstructionID string `json:"instruction_id,omitzero"` // InstrId; of :61: the reference before //

	Remittance          string `json:"remittance,omitzero"` // what the payer wrote, in the bank's wrapping; breaks kept
	CounterpartyName    string `json:"counterparty_name,omitzero"`
	CounterpartyAccount string `json:"counterparty_account,omitzero"`
	ReturnReason        string `json:"return_reason,omitzero"` // ISO 20022 code, such as AC04, when money comes back

	Details []Detail `json:"details,omitzero"` // the transactions of a batch entry; their amounts are part of Amount
}

// Detail is one transaction inside an entry (camt TxDtls).
type Detail struct {
	Direction           Direction `json:"direction,omitzero"` // as printed; banks often leave it out
	Amount              *Amount   `json:"amount,omitzero"`
	Currency            string    `json:"currency,omitzero"`
	Reference           string    `json:"reference,omitzero"`
	EndToEndID          string    `json:"end_to_end_id,omitzero"`
	InstructionID       string    `json:"instruction_id,omitzero"`
	Remittance          string    `json:"remittance,omitzero"`
	CounterpartyName    string    `json:"counterparty_name,omitzero"`
	CounterpartyAccount string    `json:"counterparty_account,omitzero"`
	ReturnReason        string    `json:"return_reason,omitzero"`
}

// Key is what the same money shows in every file and message that reports it:
//
//	account, direction, currency, amount, and
//	the bank's reference, where it is one for life;
//	else the day and the normalised content.
//
// A reference counts as one for life from ten letters or digits on. Shorter ones
// are trace and document numbers that start again: with stall fees that are all
// alike, two payments of different days would take one another's name. What is
// printed instead of a reference (NONREF, NOTPROVIDED) never counts.
//
// Content is reduced to capital letters and digits without diacritics, so that
// line breaks, case and lost marks make no second payment. Account and reference
// are reduced likewise, and the amount to its value.
//
// A Key is a hash (SHA-256), since all of this is personal data; it is fixed for
// ever, and golden-tested.
type Key [sha256.Size]byte

// keyVersion begins every hashed text. Another way to reduce or order the fields
// needs another one.
const keyVersion = "socho bank entry 1"

// lifelong is the least number of letters and digits of a reference that is taken
// to name one payment for ever.
const lifelong = 10

// KeyOf returns the entry's key.
func KeyOf(e *Entry) Key {
	parts := []string{keyVersion, Fold(e.Account), string(e.Direction), e.Currency, e.Amount.d.String()}
	if ref := Fold(e.Reference); len(ref) >= lifelong && !placeholder(ref) {
		parts = append(parts, "reference", ref)
	} else {
		parts = append(parts, "content", e.BookedOn, Fold(e.Remittance))
	}
	h := sha256.New()
	for _, p := range parts {
		// The length before each part keeps parts from flowing into one another.
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return Key(h.Sum(nil))
}

// placeholder: what banks print where there is no reference.
func placeholder(folded string) bool {
	return folded == "NOTPROVIDED" || strings.HasPrefix(folded, "NONREF") || strings.Trim(folded, "0") == ""
}

// ID names the n-th entry of one source that has this key, n from 1: "be1-" and
// 40 hexadecimal digits.
func (k Key) ID(n int) string {
	sum := sha256.Sum256([]byte(hex.EncodeToString(k[:]) + "#" + strconv.Itoa(n)))
	return "be1-" + hex.EncodeToString(sum[:20])
}

// Ordinals numbers the equal entries of one source. A source is one file, or all
// deliveries of one webhook sender, each counted once by the sender's own id.
//
// Two sources that show the same money give it the same ids, and the union of the
// ids of all sources has each key as often as the source that shows it most often:
// merged by maximum multiplicity, never by sum. So a file may come twice, and
// overlapping files may come in any order; and two children's equal fees, paid on
// one day with the same words, stay two wherever one file shows both.
type Ordinals struct{ seen map[Key]int }

// NewOrdinals begins a source.
func NewOrdinals() *Ordinals { return &Ordinals{map[Key]int{}} }

// ID returns the entry's id. Entries come in the order of their source.
func (o *Ordinals) ID(e *Entry) string {
	k := KeyOf(e)
	o.seen[k]++
	return k.ID(o.seen[k])
}

// Merge returns the entries of several sources, each money once, in the order in
// which they first appear, with their ids. It is for sources that fit into memory;
// an importer that remembers ids does the same with Ordinals.
func Merge(sources ...[]Entry) (merged []Entry, ids []string) {
	known := map[string]bool{}
	for _, source := range sources {
		ordinals := NewOrdinals()
		for i := range source {
			id := ordinals.ID(&source[i])
			if known[id] {
				continue
			}
			known[id] = true
			merged, ids = append(merged, source[i]), append(ids, id)
		}
	}
	return merged, ids
}
