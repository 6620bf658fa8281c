package projections

// Kinds of subjects that a trace leads from.
const (
	SubjectEvent     = "event" // an event id; its own record, and those that reverse or take it up again
	SubjectBill      = "bill"
	SubjectPayout    = "payout"
	SubjectList      = "list"  // of payouts
	SubjectBatch     = "batch" // likewise, on its way to the bank
	SubjectStall     = "stall"
	SubjectLine      = "line"
	SubjectPerson    = "person"
	SubjectCollector = "collector"
	SubjectPayPoint  = "paypoint"
	SubjectUnit      = "unit"
)

// names reports whether the account at a path is a subject's. The ledger keeps
// each account's transfers in a chain, so whatever moved such an account is
// found along it and needs no link.
func names(path, kind, id string) bool {
	switch kind {
	case SubjectBill:
		_, bill, ok := receivable(path)
		return ok && bill == id
	case SubjectPayout:
		if _, _, payout, ok := stageOf(path); ok {
			return payout == id
		}
	}
	s, n := steps(path)
	if n < 3 {
		return false
	}
	switch kind {
	case SubjectPayout:
		return s[0] == "suspense" && s[1] == "out" && s[2] == id
	case SubjectStall:
		return s[0] == "stall" && s[1] == id
	case SubjectPerson:
		return (s[0] == "pupil" || s[0] == "person") && s[1] == id
	case SubjectCollector, SubjectPayPoint:
		return s[0] == "cash" && s[1] == kind && s[2] == id
	case SubjectLine:
		return s[0] == "unallocated" && s[2] == id
	}
	return false
}

// AccountsOf is the inverse: the paths at which, and beneath which, the accounts
// of a subject lie; none where its kind has no accounts. Beneath a path stands
// its currency, where that is not đồng, or what the account is kept for. Of is
// what the bill's projection calls its holder, or the payout's its person; empty
// where that is not known.
func AccountsOf(kind, id, of string) []string {
	switch kind {
	case SubjectBill:
		if of != "" {
			return []string{of + ":receivable:" + id}
		}
	case SubjectPayout:
		paths := []string{"suspense:out:" + id}
		if of != "" {
			for _, stage := range [...]string{"payable", "clearing", "returned"} {
				paths = append(paths, "person:"+of+":"+stage+":"+id)
			}
		}
		return paths
	case SubjectStall:
		return []string{"stall:" + id}
	case SubjectPerson:
		return []string{"pupil:" + id, "person:" + id}
	case SubjectCollector, SubjectPayPoint:
		return []string{"cash:" + kind + ":" + id}
	case SubjectLine:
		return []string{"unallocated:in:" + id, "unallocated:out:" + id}
	}
	return nil
}
