package identity

import "errors"

// What can go wrong, to be compared with errors.Is.
var (
	// ErrFourEyes: nobody both proposes and approves in one organization.
	ErrFourEyes = errors.New("identity: nobody both proposes and approves in one organization")
)
