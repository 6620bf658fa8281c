package web

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"

	"socho/internal/readmodel"
)

// citizenID is the number of a citizen's card: Circular 59/2021/TT-BCA, twelve
// digits.
var citizenID = regexp.MustCompile(`^[0-9]{12}$`)

// fillReceiver says of cash that was paid out who received it: whoever is
// authorised and showed a citizen's card, or else whom the payout is for. The
// page does not say it, since neither a telephone nor an address may know how ids
// of persons are made. Of a payout that is not known nobody is said.
// Errors: errBad where the number is no citizen's, or a name stands without it.
func fillReceiver(s *site, ctx context.Context, f *queuedFact) error {
	person := ""
	if number, named := f.Personal["receiver_id"], len(f.Personal) > 0; named {
		if s.PersonID == nil || !citizenID.MatchString(number) || f.Personal["receiver_name"] == "" {
			return errBad
		}
		person = s.PersonID(f.Organization, number)
	} else {
		var payout string
		if json.Unmarshal(f.Data["payout"], &payout) != nil {
			return errBad
		}
		p, err := s.Model.Payout(ctx, f.Organization, payout)
		if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
			return err
		}
		person = p.Person
	}
	delete(f.Data, "person")
	if person != "" {
		b, err := json.Marshal(person)
		if err != nil {
			return err
		}
		f.Data["person"] = b
	}
	return nil
}
