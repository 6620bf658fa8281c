package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"socho/projections"
	"socho/qr"
)

type cardCheckPage struct {
	Serial, Stall, Market string
	State                 string // of the card, or unknown
	Signed                string // yes, no, or empty where there is no code
	Salt, Signature       string
	Keys, Banks, Pays     string
	Decoder               string
	Dead                  bool
}

// cardCheck is where a card's small code leads: open to everybody.
func (s *site) cardCheck(r *request) (*view, error) {
	page := cardCheckPage{Serial: r.PathValue("serial"), State: "unknown", Decoder: s.assets.address("jsqr.js")}
	_, stall, _, ok := qr.ReadSerial(page.Serial)
	if !ok {
		return nil, &failure{http.StatusNotFound, "page"}
	}
	page.Stall = stall
	cards, err := s.Cards.Serial(r.Context(), page.Serial)
	if err != nil {
		return nil, err
	}
	var card *projections.StallCard
	link, err := qr.CardLinkOf(page.Serial, r.PathValue("code"))
	signed := func(c *projections.StallCard) bool {
		return s.Cards.Signed(qr.CardMark{Serial: c.Card, Stall: c.Stall, PaysTo: c.PaysTo}.Signed(), link.Signature)
	}
	switch {
	case r.PathValue("code") == "":
		if len(cards) == 1 {
			card = &cards[0]
		}
	case err != nil:
		page.Signed = "no"
	default:
		page.Signed = "no"
		for i := range cards { // markets whose short names have met are told apart by what was signed
			if signed(&cards[i]) {
				card, page.Signed = &cards[i], "yes"
			}
		}
		if err := page.forScript(s, &link); err != nil {
			return nil, err
		}
	}
	if card != nil {
		o, err := s.Cards.Market(r.Context(), card.Organization)
		if err != nil {
			return nil, err
		}
		page.Market, page.Stall, page.State, page.Pays, page.Dead = o.Name, card.Stall, card.State, card.PaysTo, !mayHang(card)
	}
	return &view{template: "cardcheck", title: r.language.say("cardcheck.title", "card", page.Serial), data: &page, camera: true}, nil
}

// forScript says what the browser needs to check the card itself.
func (p *cardCheckPage) forScript(s *site, link *qr.CardLink) error {
	p.Salt, p.Signature = base64.StdEncoding.EncodeToString(link.Salt), base64.StdEncoding.EncodeToString(link.Signature)
	keys := []string{}
	for _, raw := range s.Cards.Keys() {
		keys = append(keys, base64.StdEncoding.EncodeToString(raw))
	}
	banks := map[string]string{}
	for _, b := range qr.Banks() {
		banks[b.BIN] = b.ShortName
	}
	for to, from := range map[*string]any{&p.Keys: keys, &p.Banks: banks} {
		b, err := json.Marshal(from)
		if err != nil {
			return err
		}
		*to = string(b)
	}
	return nil
}
