package ledger

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// get reads a row of rule state; false where there is none. What a bill's row
// says is asked for by every payment of it: that one is parsed once a batch, or
// once after each change. Rows that hold lists are parsed anew each time, since
// a rule may write to them.
func get[T any](d *decision, key string) (row T, ok bool) {
	k := StateKey{d.event.Subject, key}
	bill, isBill := any(&row).(*billRow)
	if isBill {
		if *bill, ok = d.bills()[k]; ok {
			return row, true
		}
	}
	b := d.value(k)
	if b == nil {
		return row, false
	}
	if err := json.Unmarshal(b, &row); err != nil {
		d.fail(fmt.Errorf("rule state %s of %s is damaged: %w", key, d.event.Subject, err))
		return row, true
	}
	if isBill {
		d.bills()[k] = *bill
	}
	return row, true
}

// A copy of a bill's row shares nothing with it.
var _ = billRow{} == billRow{}

// put writes a row of rule state.
func (d *decision) put(key string, row any) {
	b, err := json.Marshal(row)
	if err != nil {
		d.fail(err)
		return
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		d.fail(err)
		return
	}
	d.changes = append(d.changes, Change{StateKey: StateKey{d.event.Subject, key}, Value: v})
}
