package api

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"time"
)

// Shard is where one shard stands.
type Shard struct {
	Shard       int        `json:"shard"`
	State       string     `json:"state" enum:"running,stopped"`
	Code        string     `json:"code" doc:"Why it stands still; see docs/operations.md."`
	NextOffset  int64      `json:"next_offset" doc:"The ledger has decided what lies before."`
	End         int64      `json:"end" doc:"The log ends before."`
	LagRecords  int64      `json:"lag_records" doc:"end − next_offset."`
	LagMS       int64      `json:"lag_ms" doc:"For how long the next record has been waiting, in milliseconds."`
	RecordedAt  *time.Time `json:"recorded_at" doc:"Of the last record decided; null before the first one that intake stamped."`
	Held        bool       `json:"held" doc:"Some process works on it."`
	Projections int64      `json:"projection_lag_records" doc:"Decided, and not folded by the projection that is farthest behind."`
}

type shardsOutput struct{ Body Page[Shard] }

func (a *API) shards(ctx context.Context, _ *struct{}) (*shardsOutput, error) {
	all, err := a.Service.Shards(ctx)
	if err != nil {
		return nil, err
	}
	folded, err := a.Service.Read.Positions(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]Shard, len(all))
	for i, s := range all {
		items[i] = Shard{Shard: s.Shard, State: "running", Code: s.Code, NextOffset: s.NextOffset, End: s.End, LagRecords: max(s.End-s.NextOffset, 0),
			LagMS: s.Waiting.Milliseconds(), Held: s.Process != ""}
		if s.Stopped {
			items[i].State = "stopped"
		}
		if s.RecordedAt.Unix() > 0 {
			items[i].RecordedAt = &s.RecordedAt
		}
		for _, at := range folded {
			items[i].Projections = max(items[i].Projections, s.NextOffset-at[s.Shard])
		}
	}
	return &shardsOutput{Page[Shard]{Items: items}}, nil
}

// Checkpoint is the newest signed word on a shard's log.
type Checkpoint struct {
	Shard  int    `json:"shard"`
	Origin string `json:"origin" doc:"Names the ledger and the shard."`
	Size   int64  `json:"size" doc:"Records that it covers."`
	Root   string `json:"root" doc:"Merkle tree hash (RFC 6962), in base64."`
	Note   string `json:"note" doc:"The signed note, as C2SP tlog-checkpoint has it."`
}

type checkpointsOutput struct{ Body Page[Checkpoint] }

func (a *API) checkpoints(context.Context, *struct{}) (*checkpointsOutput, error) {
	found, err := a.Service.Checkpoints(a.Proof)
	if err != nil {
		return nil, err
	}
	items := []Checkpoint{}
	for _, shard := range slices.Sorted(maps.Keys(found)) {
		c := found[shard]
		items = append(items, Checkpoint{shard, c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]), string(c.Text())})
	}
	return &checkpointsOutput{Page[Checkpoint]{Items: items}}, nil
}
