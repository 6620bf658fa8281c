package pgcopy_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/devstack/testdb"
	"socho/internal/pgcopy"
)

// TestRoundTrip: what is written is what PostgreSQL reads, at the edges of each
// type.
func TestRoundTrip(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), testdb.Database(t, "empty", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SET timezone = 'UTC';
		CREATE TABLE rows (n integer, flag boolean, small smallint, big bigint, words text, raw bytea, at timestamptz, on_day date, sum numeric(39,0))`); err != nil {
		t.Fatal(err)
	}
	type row struct {
		flag   bool
		small  int16
		big    int64
		words  string
		raw    []byte
		at     time.Time
		day    string
		hi, lo uint64
	}
	at := time.Date(2026, 9, 1, 1, 2, 3, 456_789_000, time.UTC)
	rows := []row{
		{false, 0, 0, "", []byte{}, time.Unix(0, 0).UTC(), "1970-01-01", 0, 0},
		{true, -1, -1, "Chợ Đồng Văn", []byte{0, 255}, at, "2026-09-01", 0, 1},
		{true, math.MaxInt16, math.MaxInt64, "a\nb\tc\\", []byte("x"), at, "2199-12-31", 0, 9_999},
		{true, math.MinInt16, math.MinInt64, "'", []byte{1}, at, "2000-01-01", 0, 10_000},
		{true, 1, 1, "'", []byte{1}, at, "1999-12-31", 0, 999_999_999_999_999},
		{true, 1, 1, "'", []byte{1}, at, "2000-02-29", 0, 1_000_000_000_000_000_000},
		{true, 1, 1, "'", []byte{1}, at, "2024-02-29", 0, math.MaxUint64},
		{true, 1, 1, "'", []byte{1}, at, "2024-02-29", 1, 0},
		{true, 1, 1, "'", []byte{1}, at, "2024-02-29", 123_456_789, 987_654_321},
		{true, 1, 1, "'", []byte{1}, at, "2024-02-29", math.MaxUint64, math.MaxUint64},
	}
	r := pgcopy.New(9)
	if n, err := r.CopyTo(t.Context(), conn.PgConn(), "rows", "n"); n != 0 || err != nil {
		t.Errorf("no rows: %d, %v", n, err)
	}
	for i, c := range rows {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		r.Row()
		r.Int32(int32(i))
		r.Bool(c.flag)
		r.Int16(c.small)
		r.Int64(c.big)
		r.Text(c.words)
		r.Bytes(c.raw)
		r.Time(c.at)
		r.Date(day)
		r.Whole(c.hi, c.lo)
	}
	r.Row()
	r.Int32(int32(len(rows)))
	for range 4 {
		r.Null()
	}
	r.TextOrNull("")
	for range 3 {
		r.Null()
	}
	if n, err := r.CopyTo(t.Context(), conn.PgConn(), "rows", "n, flag, small, big, words, raw, at, on_day, sum"); err != nil || n != int64(len(rows)+1) {
		t.Fatal(n, err)
	}
	for i, c := range rows {
		whole := new(big.Int).SetUint64(c.hi)
		whole.Or(whole.Lsh(whole, 64), new(big.Int).SetUint64(c.lo))
		want := fmt.Sprint(c.flag, c.small, c.big, c.words, c.raw, c.at, c.day, whole)
		var flag bool
		var small int16
		var number int64
		var words, day, sum string
		var raw []byte
		var at time.Time
		if err := conn.QueryRow(t.Context(), `SELECT flag, small, big, words, raw, at, on_day::text, sum::text FROM rows WHERE n = $1`, i).
			Scan(&flag, &small, &number, &words, &raw, &at, &day, &sum); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(flag, small, number, words, raw, at.UTC(), day, sum); got != want {
			t.Errorf("row %d: got %s, want %s", i, got, want)
		}
	}
	var nulls bool
	if err := conn.QueryRow(t.Context(), `SELECT num_nulls(flag, small, big, words, raw, at, on_day, sum) = 8 FROM rows WHERE n = $1`, len(rows)).Scan(&nulls); err != nil || !nulls {
		t.Errorf("nulls: %v, %v", nulls, err)
	}
}

func BenchmarkRow(b *testing.B) {
	r := pgcopy.New(5)
	for i := range b.N {
		if i%8000 == 0 {
			r.Reset()
		}
		r.Row()
		r.Int16(1)
		r.Int64(int64(i))
		r.Text("payment_cash")
		r.Whole(0, uint64(i)*1000)
		r.Bytes([]byte("0123456789abcdef0123456789abcdef"))
	}
}
