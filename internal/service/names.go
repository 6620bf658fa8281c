package service

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"socho/events"
	"socho/internal/intake"
	"socho/internal/vault"
)

// Indexed is what remembering names anew has found.
type Indexed struct {
	Records int64 `json:"records"` // read
	Names   int64 `json:"names"`   // remembered, as often as they are said
	Erased  int64 `json:"erased"`  // of persons whose keys are destroyed
	Missing int64 `json:"missing"` // whose keys are not here: the copy of the keys was older
}

// IndexNames makes persons findable by the names that the log holds, from its
// first record to its end as it is now; what was there before is thrown away. It
// is for a ledger whose names were not remembered from the start, or were
// restored. Facts may come in meanwhile. Errors: those of the log and the
// database.
func (s *Service) IndexNames(ctx context.Context, progress Progress) (found Indexed, err error) {
	ends, err := s.Log.Ends(ctx)
	if err != nil {
		return found, err
	}
	if err := s.Vault.ForgetNames(ctx); err != nil {
		return found, err
	}
	var of int64
	for _, end := range ends {
		of += end
	}
	for shard, end := range ends {
		for offset := int64(0); offset < end; {
			records, err := s.Log.Read(ctx, shard, offset, time.Second)
			if err != nil {
				return found, err
			}
			if len(records) == 0 {
				continue // a slow broker; the end is known to be there
			}
			if err := s.indexNames(ctx, records, &found); err != nil {
				return found, err
			}
			offset = records[len(records)-1].Offset + 1
			found.Records += int64(len(records))
			if progress != nil {
				progress(min(found.Records, of), of)
			}
		}
	}
	return found, nil
}

// sealedName is a name as the log has it.
type sealedName struct {
	at             events.Place
	person, sealed string
}

func (s *Service) indexNames(ctx context.Context, records []events.Record, found *Indexed) error {
	var sealed []sealedName
	var refs []vault.Ref
	for i := range records {
		some := sealedNames(&records[i])
		for _, n := range some {
			refs = append(refs, vault.Ref{Organization: n.at.Organization, Person: n.person})
		}
		sealed = append(sealed, some...)
	}
	if len(sealed) == 0 {
		return nil
	}
	keys, err := s.Vault.Opener(ctx, refs)
	if err != nil {
		return err
	}
	var names []vault.Name
	for _, n := range sealed {
		clear, err := keys.Open(n.at, n.person, n.sealed)
		switch {
		case errors.Is(err, vault.ErrErased):
			found.Erased++
		case errors.Is(err, vault.ErrNoKey):
			found.Missing++
		case errors.Is(err, vault.ErrTampered): // a refused record may hold anything
		case err != nil:
			return err
		default:
			names = append(names, vault.Name{Organization: n.at.Organization, Person: n.person, Text: clear})
		}
	}
	found.Names += int64(len(names))
	for some := range slices.Chunk(names, 500) {
		if err := s.Vault.Remember(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// sealedNames lists the sealed names in a record.
func sealedNames(r *events.Record) (found []sealedName) {
	e, err := events.Decode(r.Value)
	if err != nil {
		return nil
	}
	var data struct {
		Person string            `json:"person"`
		Sealed map[string]string `json:"sealed"`
	}
	if json.Unmarshal(e.Data, &data) != nil || data.Person == "" {
		return nil
	}
	for _, field := range intake.NameFields {
		if text := data.Sealed[field]; text != "" {
			found = append(found, sealedName{events.Place{Organization: e.Subject, Source: e.Source, ID: e.ID, Field: field}, data.Person, text})
		}
	}
	return found
}
