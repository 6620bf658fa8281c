package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/jackc/pgx/v5"

	"socho/ledger"
)

// Rows that change in place are not in the log's tree. They carry a SHA-256 of
// themselves instead, so that an audit sees a flipped byte or an edited value
// without replaying the log. Whoever edits the digest along with the row is seen
// by a replay alone.

// stateDigest is that of a row of rule_state, under the label "socho.state.v1".
func stateDigest(shard int, organization, key string, offset int64, value []byte) []byte {
	b := append(make([]byte, 0, 128+len(key)+len(value)), "socho.state.v1\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(shard))
	b = binary.BigEndian.AppendUint64(b, uint64(offset))
	b = appendText(b, organization)
	b = appendText(b, key)
	sum := sha256.Sum256(append(b, value...))
	return sum[:]
}

// positionDigest is that of a position, but for its epoch, under the label
// "socho.position.v1".
func positionDigest(h *ledger.Head) []byte {
	b := append(make([]byte, 0, 512), "socho.position.v1\x00"...)
	for _, n := range []int64{int64(h.Shard), int64(h.Shards), h.NextOffset, h.NextAccount, h.RecordedAt.UnixMicro(), int64(h.RuleSet)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = appendText(b, h.Ledger)
	b = append(b, h.Genesis[:]...)
	b = append(b, h.LastLeaf[:]...)
	sum := sha256.Sum256(append(b, h.Frontier.Bytes()...))
	return sum[:]
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// position holds what a shard's position says against its digest and against
// the records and accounts behind it.
func (a *Audit) position(ctx context.Context, tx pgx.Tx, h *ledger.Head, last *ledger.Outcome, genesis ledger.Hash) error {
	var digest []byte
	var accounts, stateRows, counted int64
	if err := tx.QueryRow(ctx, `
		SELECT digest, state_rows, (SELECT count(*) FROM accounts WHERE shard = $1), (SELECT count(*) FROM rule_state WHERE shard = $1)
		FROM positions WHERE shard = $1`, h.Shard).Scan(&digest, &stateRows, &accounts, &counted); err != nil {
		return err
	}
	altered := h.NextOffset > 0 && string(digest) != string(positionDigest(h)) || h.NextAccount != accounts || h.Genesis != genesis
	if last != nil {
		altered = altered || !h.RecordedAt.Equal(last.RecordedAt) || h.RuleSet < last.RuleSet
	}
	if altered {
		a.problem("positions: the row of shard %d is not as it was written", h.Shard)
	}
	if stateRows != counted {
		a.problem("rule_state: shard %d has %d rows, %d were written", h.Shard, counted, stateRows)
	}
	return nil
}

// state holds every row of rule state against its digest, and against the
// accepted record of its organization that set it.
// What a record has to be is asked beside the join: as a part of it, a table without
// statistics has been joined by its one organization, each row with every other.
func (a *Audit) state(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		SELECT r.shard, r.organization, r.key, r.log_offset, r.value, r.digest, coalesce(o.organization = r.organization AND o.status IN (1, 2), false)
		FROM rule_state r LEFT JOIN outcomes o ON (o.shard, o.log_offset) = (r.shard, r.log_offset)
		ORDER BY r.organization, r.key`)
	if err != nil {
		return err
	}
	var shard int
	var organization, key string
	var offset int64
	var value, digest []byte
	var set bool
	_, err = pgx.ForEachRow(rows, []any{&shard, &organization, &key, &offset, &value, &digest, &set}, func() error {
		if !set || string(digest) != string(stateDigest(shard, organization, key, offset, value)) {
			a.problem("rule_state: %s %s is not as it was written", organization, key)
		}
		return nil
	})
	return err
}
