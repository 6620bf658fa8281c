package kafka

import (
	"context"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// login is a SASL mechanism that is made when it is first needed, so that a password nobody can sign in with is an
// error of the first call.
type login struct{ user, password string }

func (l login) Name() string { return scram.SHA512.Name() }

func (l login) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	m, err := scram.Mechanism(scram.SHA512, l.user, l.password)
	if err != nil {
		return nil, nil, err
	}
	return m.Start(ctx)
}

// signIn does on a connection of ours what kafka-go does on its own.
func (c *Client) signIn(ctx context.Context, pc *protocol.Conn) error {
	if c.opts.User == "" {
		return nil
	}
	l := login{c.opts.User, c.opts.Password}
	m, err := pc.RoundTrip(&saslhandshake.Request{Mechanism: l.Name()})
	if err != nil {
		return err
	}
	if res, ok := m.(*saslhandshake.Response); !ok || res.ErrorCode != 0 {
		return kafkago.UnsupportedSASLMechanism
	}
	state, say, err := l.Start(ctx)
	if err != nil {
		return err
	}
	for done := false; !done; {
		m, err := pc.RoundTrip(&saslauthenticate.Request{AuthBytes: say})
		if err != nil {
			return err
		}
		res, ok := m.(*saslauthenticate.Response)
		if !ok {
			return kafkago.SASLAuthenticationFailed
		}
		if res.ErrorCode != 0 {
			return kafkago.Error(res.ErrorCode)
		}
		if done, say, err = state.Next(ctx, res.AuthBytes); err != nil {
			return err
		}
	}
	return nil
}
