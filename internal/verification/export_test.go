package verification

import "time"

// WithBeat makes the signs of life come faster.
func (v *Verifier) WithBeat(d time.Duration) *Verifier {
	v.beat = d
	return v
}
