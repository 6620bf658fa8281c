package payouts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"socho/events"
	"socho/internal/vault"
	"socho/projections"
)

// near is how far apart records may stand on the log and still be read together:
// the broker answers with whole batches, so each record alone costs as much as a
// thousand.
const near = 1024

// records reads the records at some places, each once however they are ordered.
func (p *Process) records(ctx context.Context, places []projections.Position, each func(i int, r *events.Record) error) error {
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(places[a].Shard-places[b].Shard, cmp.Compare(places[a].Offset, places[b].Offset))
	})
	var run []events.Record // that were read together last
	for n, i := range order {
		at := places[i]
		if len(run) == 0 || run[0].Shard != at.Shard || at.Offset < run[0].Offset || at.Offset >= run[0].Offset+int64(len(run)) {
			var err error
			if n+1 < len(order) && places[order[n+1]].Shard == at.Shard && places[order[n+1]].Offset-at.Offset <= near {
				run, err = p.Log.Read(ctx, at.Shard, at.Offset, 0)
			} else {
				run = make([]events.Record, 1)
				run[0], err = p.Log.At(ctx, at.Shard, at.Offset)
			}
			if err != nil {
				return err
			}
			if len(run) == 0 || run[0].Offset != at.Offset {
				return fmt.Errorf("record %d:%d is not there", at.Shard, at.Offset)
			}
		}
		if err := each(i, &run[at.Offset-run[0].Offset]); err != nil {
			return err
		}
	}
	return nil
}

// opened reads the records at some places and opens the sealed fields asked for.
func (p *Process) opened(ctx context.Context, organization string, places []projections.Position, fields []string) ([]map[string]string, error) {
	type found struct {
		at     events.Place
		person string
		sealed map[string]string
	}
	all := make([]found, len(places))
	refs := make([]vault.Ref, len(places))
	if err := p.records(ctx, places, func(i int, record *events.Record) error {
		e, err := events.Decode(record.Value)
		if err != nil || e.Subject != organization {
			return fmt.Errorf("record %d:%d is not what the tables say", record.Shard, record.Offset)
		}
		var data struct {
			Person string            `json:"person"`
			Sealed map[string]string `json:"sealed"`
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return fmt.Errorf("record %d:%d is not what the tables say", record.Shard, record.Offset)
		}
		all[i] = found{events.Place{Organization: organization, Source: e.Source, ID: e.ID}, data.Person, data.Sealed}
		refs[i] = vault.Ref{Organization: organization, Person: data.Person}
		return nil
	}); err != nil {
		return nil, err
	}
	keys, err := p.Vault.Opener(ctx, refs)
	if err != nil {
		return nil, err
	}
	clear := make([]map[string]string, len(all))
	for i, f := range all {
		clear[i] = map[string]string{}
		for _, name := range fields {
			sealed, ok := f.sealed[name]
			if !ok {
				continue
			}
			f.at.Field = name
			text, err := keys.Open(f.at, f.person, sealed)
			if errors.Is(err, vault.ErrErased) {
				continue
			}
			if err != nil {
				return nil, err
			}
			clear[i][name] = text
		}
	}
	return clear, nil
}
