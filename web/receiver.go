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

// receiver is the opaque id of who received cash: whoever is authorised and showed
// a citizen's card, or else whom the payout is for. A page does not say it, since
// neither a telephone nor an address may know how ids of persons are made. Of a
// payout that is not known nobody is said.
// Errors: errBad where the number is no citizen's, or one of name and number stands
// without the other.
func (s *site) receiver(ctx context.Context, organization, payout string, personal map[string]string) (string, error) {
	if len(personal) > 0 {
		if s.PersonID == nil || !citizenID.MatchString(personal["receiver_id"]) || personal["receiver_name"] == "" {
			return "", errBad
		}
		return s.PersonID(organization, personal["receiver_id"]), nil
	}
	p, err := s.Model.Payout(ctx, organization, payout)
	if err != nil && !errors.Is(err, readmodel.ErrNotFound) {
		return "", err
	}
	return p.Person, nil
}

// fillReceiver says the receiver of a queued payment.
func fillReceiver(s *site, ctx context.Context, f *queuedFact) error {
	var payout string
	if json.Unmarshal(f.Data["payout"], &payout) != nil {
		return errBad
	}
	person, err := s.receiver(ctx, f.Organization, payout, f.Personal)
	if err != nil {
		return err
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
