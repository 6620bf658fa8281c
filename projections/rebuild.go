package projections

import (
	"context"
	"fmt"
)

// Rebuilder is a store that can build a projection a second time beside the
// one that serves.
type Rebuilder interface {
	// Begin makes an empty place for a projection, throwing away what an
	// unfinished rebuild left, and returns it as a store of its own.
	Begin(ctx context.Context, projection string) (Store, error)
	// Switch puts the rebuilt projection in the place of the live one, in one
	// transaction, unless the live one has folded further: then it changes
	// nothing and returns false.
	Switch(ctx context.Context, projection string) (switched bool, err error)
}

// Rebuild folds a projection from the first record on, beside the live one,
// and switches it in when it has caught up. The live one serves, and is kept
// up, until then. A crash on the way leaves the live one as it is; the next
// Rebuild starts afresh.
func Rebuild(ctx context.Context, name string, source Source, r Rebuilder) error {
	p, ok := Named(name)
	if !ok {
		return fmt.Errorf("%w: no projection %q", ErrQuery, name)
	}
	store, err := r.Begin(ctx, name)
	if err != nil {
		return err
	}
	runner := &Runner{Source: source, Store: store, Projections: []Projection{p}}
	for {
		if err := runner.Fold(ctx); err != nil {
			return err
		}
		if switched, err := r.Switch(ctx, name); err != nil || switched {
			return err
		}
	}
}
