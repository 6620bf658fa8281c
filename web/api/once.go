package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	"socho/internal/identity"
	"socho/internal/postgres"
)

// once answers a request that bears an Idempotency-Key as it was answered the
// first time. Only answers that published are kept: after any other, the same
// key may try again.
//
// A crash while the first request is under way leaves its key taken for a
// minute; then the request may come again, and what it had published becomes a
// duplicate.
func (a *API) once(ctx context.Context, in *publishInput, do func() (*publishOutput, error)) (*publishOutput, error) {
	if in.Key == "" {
		return do()
	}
	key := postgres.RequestKey{Principal: identity.From(ctx).ID, Key: in.Key}
	o, _ := ctx.Value(operationKey{}).(*Operation)
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%t\n%s\n", o.ID, in.Wait, media(in.ContentType))
	sum.Write(in.RawBody)
	request := sum.Sum(nil)
	earlier, err := a.Service.DB.TakeKey(ctx, key, request)
	switch {
	case err != nil:
		return nil, err
	case earlier == nil: // ours
	case !bytes.Equal(earlier.Request, request):
		return nil, problem(http.StatusUnprocessableEntity, "key_reused", "This Idempotency-Key was used for another request.")
	case earlier.Status == 0:
		return nil, problem(http.StatusConflict, "under_way", "The request of this Idempotency-Key is under way. Ask again in a moment.")
	default:
		out := &publishOutput{Status: earlier.Status, Replayed: "true"}
		return out, json.Unmarshal(earlier.Response, &out.Body)
	}
	out, err := do()
	// Whether the client still waits or not, the key says what was done.
	keeping := context.WithoutCancel(ctx)
	if err != nil {
		if gone := a.Service.DB.GiveKeyBack(keeping, key); gone != nil {
			a.Log.WarnContext(ctx, "a request's key stays taken", "error", gone)
		}
		return nil, err
	}
	response, err := json.Marshal(out.Body)
	if err == nil {
		err = a.Service.DB.KeepAnswer(keeping, key, out.Status, response)
	}
	if err != nil {
		a.Log.WarnContext(ctx, "a request's answer is not kept", "error", err)
	}
	return out, nil
}
