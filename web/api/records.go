package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"socho/events"
	"socho/internal/logpublisher"
	"socho/internal/postgres"
	"socho/ledger/proof"
)

// Record is one record of the log with what was decided of it.
type Record struct {
	Outcome   Outcome            `json:"outcome"`
	Event     json.RawMessage    `json:"event" doc:"The event as it stands on the log, personal fields sealed; null where it is none, or cannot be read now."`
	Actor     string             `json:"actor" doc:"Who handed it in; empty where that is not known."`
	Transfers []postgres.Posting `json:"transfers" doc:"What it moved."`
	Receipt   string             `json:"receipt" format:"uri-reference" doc:"Where its proof is."`
}

// TransformSchema implements huma.SchemaTransformer: encoding/json writes raw
// JSON as it is, which huma takes for bytes.
func (Record) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["event"] = &huma.Schema{Description: s.Properties["event"].Description, Extensions: map[string]any{"type": []string{"object", "null"}}}
	return s
}

type recordOutput struct{ Body Record }

var errNoRecord = notFound("record, or you may not see it")

func (a *API) record(ctx context.Context, in *Position) (*recordOutput, error) {
	o, transfers, found, err := a.Readers.Ledger.OutcomeAt(ctx, in.Shard, in.Offset)
	if err != nil {
		return nil, err
	}
	if !found || !mayReadRecord(ctx, o) {
		return nil, errNoRecord
	}
	r := Record{Outcome: outcomeOf(o), Transfers: postgres.PostingsOf(o, transfers), Event: json.RawMessage("null"),
		Receipt: in.path() + "/receipt"}
	record, err := a.Service.Log.At(ctx, in.Shard, in.Offset)
	if err != nil {
		// The ledger's own word is given even while the log cannot be read.
		a.Log.WarnContext(ctx, "record cannot be read", "shard", in.Shard, "offset", in.Offset, "error", err)
		return &recordOutput{r}, nil
	}
	// What does not decode has not come through intake, and personal data may
	// stand in it in clear.
	if _, err := events.Decode(record.Value); err == nil {
		r.Event = json.RawMessage(record.Value)
		stamp, _ := record.Header(events.HeaderActor)
		r.Actor = string(stamp)
	}
	return &recordOutput{r}, nil
}

type receiptOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// describeReceipt says what the receipt's bytes are.
func describeReceipt(op *huma.Operation) {
	op.Errors = append(op.Errors, http.StatusConflict)
	op.Responses = map[string]*huma.Response{"200": {Description: "The receipt.", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "See docs/decisions/0008-published-log.md. Any altered byte is another receipt."}}}}}
}

func (a *API) receipt(ctx context.Context, in *Position) (*receiptOutput, error) {
	o, _, found, err := a.Readers.Ledger.OutcomeAt(ctx, in.Shard, in.Offset)
	if err != nil {
		return nil, err
	}
	if !found || !mayReadRecord(ctx, o) {
		return nil, errNoRecord
	}
	keys, err := a.Proof.Keys.Known()
	var signed *proof.Signed
	read := logpublisher.Reader(a.Proof.Log, in.Shard)
	if err == nil {
		signed, err = logpublisher.Checkpoint(read, keys)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, logpublisher.ErrNoSigner) || err == nil && signed.Size <= in.Offset {
		return nil, problem(http.StatusConflict, "not_published", "The record is decided and not in a signed checkpoint yet. Ask again in a second.")
	}
	if err != nil {
		return nil, err
	}
	record, leaf, path, err := proof.Lookup(signed, in.Offset, read)
	if err != nil {
		return nil, err
	}
	r, err := proof.New(record, leaf, path, signed, false, keys)
	if err != nil {
		return nil, err
	}
	text, err := r.JSON()
	return &receiptOutput{"application/json", fmt.Sprintf(`attachment; filename="receipt-%d-%d.json"`, in.Shard, in.Offset), text}, err
}
