package api

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/postgres"
	"socho/internal/readmodel"
)

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; not there on the last one."`
}

type pageOutput[T any] struct{ Body Page[T] }

func page[T any](items []T, next string) *pageOutput[T] {
	if items == nil {
		items = []T{}
	}
	return &pageOutput[T]{Page[T]{items, next}}
}

// Paging is how a list is asked for its parts.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many items a page holds."`
	Cursor string `query:"cursor" maxLength:"1024" doc:"From the page before; empty for the first one."`
}

func (p Paging) page() readmodel.Page { return readmodel.Page{Limit: p.Limit, Cursor: p.Cursor} }

// after reads a cursor of a list of our own: the key of the last item, so many
// fields of it; nil for the first page. Errors: readmodel.ErrCursor.
func (p Paging) after(list string, fields int) ([]string, error) {
	if p.Cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(p.Cursor)
	var parts []string
	if err != nil || json.Unmarshal(b, &parts) != nil || len(parts) != fields+1 || parts[0] != list {
		return nil, readmodel.ErrCursor
	}
	return parts[1:], nil
}

func cursor(list string, key ...string) string {
	b, err := json.Marshal(append([]string{list}, key...))
	if err != nil {
		panic(err) // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// position reads a cursor that holds a record's position.
func (p Paging) position(list string) (shard int, offset int64, err error) {
	key, err := p.after(list, 2)
	if err != nil || key == nil {
		return -1, 0, err
	}
	shard, err1 := strconv.Atoi(key[0])
	offset, err2 := strconv.ParseInt(key[1], 10, 64)
	if err1 != nil || err2 != nil || shard < 0 || shard > 32767 {
		return 0, 0, readmodel.ErrCursor
	}
	return shard, offset, nil
}

// Past is how a list is asked what was known or true.
type Past struct {
	AsOf      string `query:"as_of" maxLength:"2048" doc:"As known before these records, or at a time: SHARD:OFFSET,… or RFC 3339." example:"0:120,1:80"`
	Effective string `query:"effective" maxLength:"10" doc:"As true at the end of a day." example:"2026-09-30"`
}

func (p Past) asOf() (as postgres.AsOf, err error) {
	if p.AsOf != "" {
		if at, bad := time.Parse(time.RFC3339, p.AsOf); bad == nil {
			as.Time = at
		} else if as.Position = positions(p.AsOf); as.Position == nil {
			return as, wrong("query.as_of", "Expected positions such as 0:120,1:80 or a time such as 2026-09-30T17:00:00+07:00.")
		}
		if year := as.Time.Year(); !as.Time.IsZero() && (year < 1970 || year > 9999) {
			return as, wrong("query.as_of", "Expected a time after 1970.")
		}
	}
	if p.Effective != "" {
		if as.Effective = events.Date(p.Effective); !as.Effective.Valid() {
			return as, wrong("query.effective", "Expected a day such as 2026-09-30.")
		}
	}
	return as, nil
}

// positions reads SHARD:OFFSET,SHARD:OFFSET; nil where it is something else.
func positions(text string) map[int]int64 {
	found := map[int]int64{}
	for part := range strings.SplitSeq(text, ",") {
		shard, offset, _ := strings.Cut(part, ":")
		s, err1 := strconv.ParseUint(shard, 10, 15)
		o, err2 := strconv.ParseUint(offset, 10, 63)
		if err1 != nil || err2 != nil {
			return nil
		}
		found[int(s)] = int64(o)
	}
	return found
}
