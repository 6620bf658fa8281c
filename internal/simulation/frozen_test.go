package simulation

import "testing"

// TestFrozen freezes an instance right before each commit: whoever takes over
// must not be kept waiting for as long as it does not wake.
func TestFrozen(t *testing.T) {
	if testing.Short() {
		t.Skip("brings up a service for each case")
	}
	host, err := NewHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() }) //nolint:errcheck // its folder is temporary
	for _, at := range []step{stepKeys, stepErasure, stepBatch, stepProjections} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			r := begun(t, host, false)
			if err := r.zombieAt(t.Context(), moment{at, true}, r.load.lines); err != nil {
				t.Fatal(err)
			}
			if err := r.examine(t.Context(), r.node.Service, r.broker.addresses()); err != nil {
				t.Fatal(err)
			}
			for _, p := range r.result.Problems {
				t.Error(p)
			}
		})
	}
}
