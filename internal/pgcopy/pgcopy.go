// Package pgcopy writes rows in PostgreSQL's binary COPY format, straight from
// values to bytes. It is what a table that takes tens of thousands of rows a
// second is filled with: a general encoder boxes every value and looks its
// type up, which costs more than PostgreSQL's own part of a narrow row.
//
// It checks nothing that PostgreSQL checks: the caller writes the fields in the
// order of the columns that it names, each in the column's type.
//
//	rows := pgcopy.New(3)
//	rows.Row()
//	rows.Int16(shard)
//	rows.Int64(offset)
//	rows.Text(path)
//	defer rows.Free()
//	n, err := rows.CopyTo(ctx, tx.Conn().PgConn(), "accounts", "shard, account, path")
//
// The format is that of PostgreSQL's manual, "COPY", section "Binary Format",
// and of the types' binary send functions.
package pgcopy

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const header = "PGCOPY\n\377\r\n\000" + "\000\000\000\000" + "\000\000\000\000"

// Rows are rows on their way. Make them with New.
type Rows struct {
	b       []byte
	columns int
	n       int64
}

// rooms are those handed back by Free.
var rooms sync.Pool

// New returns room for rows of so many columns.
func New(columns int) *Rows {
	r, ok := rooms.Get().(*Rows)
	if !ok {
		r = &Rows{b: []byte(header)}
	}
	r.columns = columns
	r.Reset()
	return r
}

// Free hands the room back for the next New. The rows may not be used after it.
func (r *Rows) Free() { rooms.Put(r) }

// Reset forgets the rows and keeps the room.
func (r *Rows) Reset() { r.b, r.n = r.b[:len(header)], 0 }

// Len is how many rows there are.
func (r *Rows) Len() int64 { return r.n }

// Size is how many bytes they take.
func (r *Rows) Size() int { return len(r.b) }

// Row begins the next row. As many fields follow as there are columns.
func (r *Rows) Row() {
	r.n++
	r.b = binary.BigEndian.AppendUint16(r.b, uint16(r.columns))
}

// Null is a field of any type.
func (r *Rows) Null() { r.length(-1) }

// Bool is a field of type boolean.
func (r *Rows) Bool(v bool) {
	r.length(1)
	if v {
		r.b = append(r.b, 1)
	} else {
		r.b = append(r.b, 0)
	}
}

// Int16 is a field of type smallint.
func (r *Rows) Int16(v int16) {
	r.length(2)
	r.b = binary.BigEndian.AppendUint16(r.b, uint16(v))
}

// Int32 is a field of type integer.
func (r *Rows) Int32(v int32) {
	r.length(4)
	r.b = binary.BigEndian.AppendUint32(r.b, uint32(v))
}

// Int64 is a field of type bigint.
func (r *Rows) Int64(v int64) {
	r.length(8)
	r.b = binary.BigEndian.AppendUint64(r.b, uint64(v))
}

// Text is a field of type text.
func (r *Rows) Text(v string) {
	r.length(len(v))
	r.b = append(r.b, v...)
}

// TextOrNull is a field of type text, NULL where v is empty.
func (r *Rows) TextOrNull(v string) {
	if v == "" {
		r.Null()
		return
	}
	r.Text(v)
}

// Bytes is a field of type bytea, or a uuid of 16 bytes.
func (r *Rows) Bytes(v []byte) {
	r.length(len(v))
	r.b = append(r.b, v...)
}

// Types of an array's elements, by the numbers that PostgreSQL knows them by.
const (
	OfInt64 = 20
	OfBytes = 17
	OfText  = 25
	OfTime  = 1184
)

// Array is a field of n elements of one type; each writes the i-th as it would
// write a field.
func (r *Rows) Array(of uint32, n int, each func(i int)) {
	start := len(r.b)
	r.length(0)
	dimensions := uint32(min(n, 1))
	r.b = binary.BigEndian.AppendUint32(r.b, dimensions)
	r.b = append(r.b, 0, 0, 0, 0) // no element is NULL
	r.b = binary.BigEndian.AppendUint32(r.b, of)
	if n > 0 {
		r.b = binary.BigEndian.AppendUint32(r.b, uint32(n))
		r.b = append(r.b, 0, 0, 0, 1) // counted from 1
	}
	for i := range n {
		each(i)
	}
	binary.BigEndian.PutUint32(r.b[start:], uint32(len(r.b)-start-4))
}

// epoch is PostgreSQL's: 2000-01-01 00:00 UTC, in unix time.
const (
	epochSeconds = 946_684_800
	epochDays    = epochSeconds / 86_400
)

// Time is a field of type timestamptz, in whole microseconds.
func (r *Rows) Time(v time.Time) { r.Int64(v.UnixMicro() - epochSeconds*1_000_000) }

// Date is a field of type date. v is the day at 00:00 UTC; its time of day is
// passed over.
func (r *Rows) Date(v time.Time) { r.Int32(int32(v.Unix()/86_400 - epochDays)) } // years 1970 to 5 million

// Whole is a field of type numeric that is a whole number from 0 to 2^128-1:
// hi·2^64 + lo.
func (r *Rows) Whole(hi, lo uint64) {
	// Digits of base 10,000, the last one first.
	var digits [10]uint16
	n := 0
	for hi != 0 || lo != 0 {
		var rest uint64
		if hi == 0 {
			lo, rest = lo/10_000, lo%10_000
		} else {
			high, over := hi/10_000, hi%10_000
			hi = high
			lo, rest = bits.Div64(over, lo, 10_000)
		}
		digits[n] = uint16(rest)
		n++
	}
	last := 0 // zeros at the end are not written
	for last < n && digits[last] == 0 {
		last++
	}
	r.length(8 + 2*(n-last))
	r.b = binary.BigEndian.AppendUint16(r.b, uint16(n-last))
	r.b = binary.BigEndian.AppendUint16(r.b, uint16(max(n-1, 0))) // weight of the first digit
	r.b = append(r.b, 0, 0, 0, 0)                                 // positive; no decimals
	for i := n - 1; i >= last; i-- {
		r.b = binary.BigEndian.AppendUint16(r.b, digits[i])
	}
}

func (r *Rows) length(n int) { r.b = binary.BigEndian.AppendUint32(r.b, uint32(int32(n))) }

// Room is how many bytes are set aside for the rows.
func (r *Rows) Room() int { return cap(r.b) }

// CopyTo writes the rows to the named columns of a table, both as SQL has
// them, within the connection's transaction if it is in one, and returns how
// many were written. No rows are no statement. Errors: those of PostgreSQL.
func (r *Rows) CopyTo(ctx context.Context, conn *pgconn.PgConn, table, columns string) (int64, error) {
	if r.n == 0 {
		return 0, nil
	}
	r.b = append(r.b, 0xff, 0xff)
	tag, err := conn.CopyFrom(ctx, bytes.NewReader(r.b), "COPY "+table+" ("+columns+") FROM STDIN (FORMAT binary)")
	r.b = r.b[:len(r.b)-2]
	return tag.RowsAffected(), err
}
