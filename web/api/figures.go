package api

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socho/internal/adminunits"
	"socho/projections"
)

// Figure is one published rate with what is needed to check it.
type Figure struct {
	Domain      string        `json:"domain" enum:"benefits,fees,schools,accounts,einvoices,systems"`
	Unit        *string       `json:"unit" doc:"Code of the commune or province; null for the whole."`
	Period      string        `json:"period"`
	By          string        `json:"by" enum:"count,value,persons,institutions"`
	Numerator   Count         `json:"numerator" doc:"By value a decimal string, else a whole number."`
	Denominator Count         `json:"denominator" doc:"Likewise."`
	Rate        *string       `json:"rate" doc:"Percent with one decimal, half-up; null where the denominator is 0."`
	Definition  string        `json:"definition" doc:"Name and version of what is counted."`
	Position    map[int]int64 `json:"position" doc:"Offset, by shard, up to which it holds."`
	Digest      string        `json:"digest" doc:"Of the events behind it."`
}

// Count is a whole number, or a sum of money as a decimal string.
type Count struct {
	text  string
	money bool
}

// MarshalJSON implements json.Marshaler.
func (c Count) MarshalJSON() ([]byte, error) {
	if c.money {
		return json.Marshal(c.text)
	}
	return []byte(c.text), nil
}

// Schema implements huma.SchemaProvider.
func (Count) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString, Pattern: `^[0-9]+$`}}}
}

// FigureOf writes a figure as the commands do.
func FigureOf(f *projections.Figure) Figure {
	count := func(text string) Count { return Count{text, f.By == projections.ByValue} }
	out := Figure{Domain: f.Domain, Period: f.Period, By: f.By, Numerator: count(f.Numerator), Denominator: count(f.Denominator),
		Rate: f.Rate, Definition: f.Definition, Position: f.Position, Digest: f.Digest}
	if f.Unit != "" {
		out.Unit = &f.Unit
	}
	if out.Position == nil {
		out.Position = map[int]int64{}
	}
	return out
}

func figuresOf(found []projections.Figure) Figures {
	items := make([]Figure, len(found))
	for i := range found {
		items[i] = FigureOf(&found[i])
	}
	return Figures{items}
}

// Figures are the answers to one question.
type Figures struct {
	Items []Figure `json:"items"`
}

type FigureQuery struct {
	Domain string `query:"domain" required:"true" enum:"benefits,fees,schools,accounts,einvoices,systems"`
	Unit   string `query:"unit" maxLength:"16" doc:"Only this commune, or province." example:"08"`
	Period string `query:"period" maxLength:"7" doc:"A month, quarter or year; without it the latest complete month." example:"2026-09"`
	By     string `query:"by" enum:"count,value,persons,institutions" doc:"Only this kind of rate."`
}

func (in *FigureQuery) query() (projections.Query, error) {
	q := projections.Query{Domain: in.Domain, By: in.By, Period: in.Period, Unit: in.Unit}
	if in.By != "" && !slices.Contains(projections.Bys(in.Domain), in.By) {
		return q, wrong("query.by", "The domain has no such rate.")
	}
	if in.Period != "" {
		if _, err := projections.Months(in.Period); err != nil {
			return q, err
		}
	}
	if in.Unit != "" {
		if q.Units = adminunits.Expand(in.Unit); len(q.Units) == 0 {
			return q, wrong("query.unit", "There is no such administrative unit.")
		}
	}
	return q, nil
}

type adoptionInput struct {
	FigureQuery
	AsOf string `query:"as_of" maxLength:"2048" doc:"As known before these records, or at a time: SHARD:OFFSET,… or RFC 3339."`
}

type adoptionOutput struct{ Body Figures }

func (a *API) adoption(ctx context.Context, in *adoptionInput) (*adoptionOutput, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	as, err := Past{AsOf: in.AsOf}.asOf()
	if err != nil {
		return nil, err
	}
	q.AsOf = projections.AsOf{Next: as.Position, RecordedAt: as.Time.Truncate(time.Microsecond)}
	found, err := a.Figures.Figures(ctx, q)
	return &adoptionOutput{figuresOf(found)}, err
}
