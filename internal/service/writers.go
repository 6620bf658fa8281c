package service

// Writers returns from how many connections at once the workers of so many
// shards write the ledger.
func Writers(shards int) int { return shards }
