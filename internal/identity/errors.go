package identity

import (
	"errors"
	"fmt"
	"time"
)

// What can go wrong, to be compared with errors.Is.
var (
	// ErrSignIn: no. Wrong name, password, code, card or PIN, or a locked
	// account: whoever asks is not told which.
	ErrSignIn = errors.New("identity: this does not open an account")
	// ErrNotSignedIn: the session is nobody's.
	ErrNotSignedIn = errors.New("identity: nobody is signed in")
	// ErrDenied: the principal lacks the right.
	ErrDenied = errors.New("identity: the right is missing")
	// ErrStepUp: the principal has the right, and must prove anew who they are.
	ErrStepUp = errors.New("identity: prove again that it is you")
	// ErrLink: a link that was used, has expired or never was one.
	ErrLink = errors.New("identity: the link has been used or has expired")
	// ErrName: a user name has 2 to 32 of a-z, 0-9, ".", "_", "-" and begins with a letter or digit.
	ErrName = errors.New("identity: a user name has 2 to 32 small letters, digits, dots, dashes, and begins with a letter or digit")
	// ErrTaken: the name, or the provider's account, belongs to somebody.
	ErrTaken = errors.New("identity: taken already")
	// ErrNotFound: there is no such person, grant, card, device, token, session.
	ErrNotFound = errors.New("identity: not found")
	// ErrGrant: a role, right or organization that is none.
	ErrGrant = errors.New("identity: not a valid grant")
	// ErrFourEyes: nobody both proposes and approves in one organization.
	ErrFourEyes = errors.New("identity: nobody both proposes and approves in one organization")
	// ErrLastAdministrator: the last one can be neither locked nor revoked.
	ErrLastAdministrator = errors.New("identity: the last administrator stays")
	// ErrOnlyWay: without this login the person could not come in.
	ErrOnlyWay = errors.New("identity: nothing else lets this person in")
	// ErrPIN: a PIN is six digits, and not ones that everybody tries first.
	ErrPIN = errors.New("identity: a PIN is six digits, not all alike and not in a row")
	// ErrCursor: a cursor that is none of ours.
	ErrCursor = errors.New("identity: not a cursor of this list")
)

// PasswordError says why a password was not taken.
type PasswordError struct {
	Reason string // short, long, common, name
}

func (e *PasswordError) Error() string {
	return map[string]string{
		"short":  fmt.Sprintf("identity: a password has at least %d characters; %d are better", PasswordLeast, PasswordAdvised),
		"long":   fmt.Sprintf("identity: a password has at most %d bytes", PasswordMost),
		"common": "identity: this password is one of the first that anybody would try",
		"name":   "identity: a password does not contain the user name",
	}[e.Reason]
}

// WaitError says that too much was tried in vain, and when to try again. It is
// the same for accounts that exist and ones that do not.
type WaitError struct{ Until time.Time }

func (e *WaitError) Error() string {
	return "identity: too many attempts; try again after " + e.Until.UTC().Format(time.RFC3339)
}
