package proof

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"socho/events"
	"socho/ledger"
)

// jsonVersion is what a receipt in JSON calls itself.
const jsonVersion = "socho.receipt.v1"

// The JSON form. Pointers tell what is absent; where bytes are no text they
// stand in base64 under another name.
type jsonReceipt struct {
	Receipt    string      `json:"receipt"`
	Leaf       jsonLeaf    `json:"leaf"`
	Record     *jsonRecord `json:"record,omitzero"`
	RecordHash string      `json:"record_sha256,omitzero"` // in place of a record that does not fit
	Proof      []string    `json:"proof"`
	Checkpoint string      `json:"checkpoint"`
}

type jsonLeaf struct {
	Shard      int    `json:"shard"`
	Offset     int64  `json:"offset"`
	RecordedAt string `json:"recorded_at"`
	RuleSet    int    `json:"rule_set"`
	Status     string `json:"status"`
	Code       string `json:"code"`
	Transfers  string `json:"transfers_sha256"`
}

type jsonRecord struct {
	Key         *string        `json:"key,omitzero"`
	KeyBase64   *string        `json:"key_base64,omitzero"`
	Headers     []jsonHeader   `json:"headers"`
	Value       jsontext.Value `json:"value,omitzero"`
	ValueBase64 *string        `json:"value_base64,omitzero"`
}

type jsonHeader struct {
	Name        string  `json:"name"`
	Value       *string `json:"value,omitzero"`
	ValueBase64 *string `json:"value_base64,omitzero"`
}

// JSON writes the receipt as one line that ends with a line break: at most
// MaxJSON bytes, for which a large record gives way to its hash. Errors: a
// receipt that takes more even so, as with many witnesses.
func (r *Receipt) JSON() ([]byte, error) {
	b, err := r.json(r.Record)
	if err == nil && len(b) > MaxJSON && r.Record != nil {
		b, err = r.json(nil)
	}
	if err == nil && len(b) > MaxJSON {
		err = fmt.Errorf("the receipt takes %d bytes, %d are the most; ask for one without witnesses", len(b), MaxJSON)
	}
	return b, err
}

func (r *Receipt) json(record *events.Record) ([]byte, error) {
	l := &r.Leaf
	out := jsonReceipt{
		Receipt: jsonVersion,
		Leaf: jsonLeaf{l.Shard, l.Offset, l.RecordedAt.Format(timeFormat), l.RuleSet, statusText(l.Status), l.Code,
			hex.EncodeToString(l.Transfers[:])},
		Proof:      make([]string, len(r.Path)),
		Checkpoint: string(r.Checkpoint.Text()),
	}
	for i := range r.Path {
		out.Proof[i] = base64.StdEncoding.EncodeToString(r.Path[i][:])
	}
	if record == nil {
		out.RecordHash = hex.EncodeToString(l.RecordHash[:])
	} else {
		out.Record = writeRecord(record)
	}
	b, err := json.Marshal(&out, json.Deterministic(true), jsontext.EscapeForHTML(false), jsontext.EscapeForJS(false), jsontext.PreserveRawStrings(true))
	return append(b, '\n'), err
}

func writeRecord(given *events.Record) *jsonRecord {
	record := sortedHeaders(given)
	out := &jsonRecord{Headers: make([]jsonHeader, len(record.Headers))}
	out.Key, out.KeyBase64 = textOrBase64(record.Key)
	for i, h := range record.Headers {
		out.Headers[i].Name = h.Name
		out.Headers[i].Value, out.Headers[i].ValueBase64 = textOrBase64(h.Value)
	}
	if canonicalObject(record.Value) {
		out.Value = record.Value
	} else if record.Value != nil {
		text := base64.StdEncoding.EncodeToString(record.Value)
		out.ValueBase64 = &text
	}
	return out
}

func textOrBase64(b []byte) (text, b64 *string) {
	if b == nil {
		return nil, nil
	}
	if utf8.Valid(b) {
		s := string(b)
		return &s, nil
	}
	s := base64.StdEncoding.EncodeToString(b)
	return nil, &s
}

// canonicalObject reports whether a value is a JSON object in the one spelling
// that intake writes (RFC 8785): such a value stands in the receipt as it is.
func canonicalObject(value []byte) bool {
	if len(value) == 0 || value[0] != '{' || len(value) > MaxJSON {
		return false
	}
	again := jsontext.Value(value).Clone()
	return again.Canonicalize() == nil && string(again) == string(value)
}

var errJSON = errors.New("it is no receipt: expected the JSON or the text that socho receipt prints")

// parseJSON reads the parts. That they are spelled in the one right way is for
// the caller to see, by writing them again.
func parseJSON(text []byte, keys *Keys) (*Receipt, error) {
	if len(text) > MaxJSON {
		return nil, fmt.Errorf("it is longer than a receipt may be (%d bytes)", MaxJSON)
	}
	var in jsonReceipt
	if err := json.Unmarshal(text, &in, json.RejectUnknownMembers(true)); err != nil || in.Receipt != jsonVersion {
		return nil, errJSON
	}
	r := &Receipt{Leaf: Leaf{Shard: in.Leaf.Shard, Offset: in.Leaf.Offset, RuleSet: in.Leaf.RuleSet, Code: in.Leaf.Code}}
	var err error
	if r.Leaf.RecordedAt, err = time.Parse(timeFormat, in.Leaf.RecordedAt); err != nil || in.Leaf.Shard < 0 || in.Leaf.Offset < 0 || in.Leaf.RuleSet < 0 {
		return nil, errJSON
	}
	var ok bool
	if r.Leaf.Status, ok = ledger.ParseStatus(in.Leaf.Status); !ok {
		n, err := strconv.ParseUint(in.Leaf.Status, 10, 8)
		if err != nil {
			return nil, errJSON
		}
		r.Leaf.Status = ledger.Status(n)
	}
	if r.Leaf.Transfers, err = hash(in.Leaf.Transfers); err != nil {
		return nil, err
	}
	for _, p := range in.Proof {
		h, err := base64.StdEncoding.DecodeString(p)
		if err != nil || len(h) != tlog.HashSize {
			return nil, errJSON
		}
		r.Path = append(r.Path, tlog.Hash(h))
	}
	switch {
	case (in.Record == nil) == (in.RecordHash == ""):
		return nil, errJSON
	case in.Record == nil:
		if r.Leaf.RecordHash, err = hash(in.RecordHash); err != nil {
			return nil, err
		}
	default:
		if r.Record, err = readRecord(in.Record); err != nil {
			return nil, err
		}
		r.Record.Shard, r.Record.Offset = r.Leaf.Shard, r.Leaf.Offset
		r.Leaf.RecordHash = r.Record.Hash()
	}
	if r.Checkpoint, err = Open([]byte(in.Checkpoint), keys); err != nil {
		return nil, fmt.Errorf("its checkpoint %w", err)
	}
	return r, nil
}

func hash(text string) (h ledger.Hash, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, errJSON
	}
	return ledger.Hash(b), nil
}

func readRecord(in *jsonRecord) (*events.Record, error) {
	r := &events.Record{}
	var err error
	if r.Key, err = bytesOf(in.Key, in.KeyBase64); err != nil {
		return nil, err
	}
	for _, h := range in.Headers {
		value, err := bytesOf(h.Value, h.ValueBase64)
		if err != nil {
			return nil, err
		}
		r.Headers = append(r.Headers, events.Header{Name: h.Name, Value: value})
	}
	if in.Value != nil && in.ValueBase64 != nil {
		return nil, errJSON
	}
	if in.Value != nil {
		r.Value = in.Value
		return r, nil
	}
	r.Value, err = bytesOf(nil, in.ValueBase64)
	return r, err
}

func bytesOf(text, b64 *string) ([]byte, error) {
	switch {
	case text != nil && b64 != nil:
		return nil, errJSON
	case text != nil:
		return []byte(*text), nil
	case b64 != nil:
		b, err := base64.StdEncoding.DecodeString(*b64)
		if err != nil {
			return nil, errJSON
		}
		return append([]byte{}, b...), nil
	}
	return nil, nil
}
