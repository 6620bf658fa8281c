package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"socho/internal/identity"
)

// TokenCommand is socho token.
type TokenCommand struct {
	Create TokenCreateCommand `cmd:"" help:"Make a token by which a program comes in."`
	Person TokenPersonCommand `cmd:"" help:"Make a token by which a person works with commands, for an hour."`
	List   TokenListCommand   `cmd:"" help:"List tokens with what they may do, never the secret."`
	Revoke TokenRevokeCommand `cmd:"" help:"End a token, at once."`
}

// TokenCreateCommand is socho token create.
type TokenCreateCommand struct {
	Name  string   `arg:"" help:"What the program is called."`
	Right []string `help:"What it may do; may be given several times." required:"" placeholder:"RIGHT@ORG"`
	Days  int      `help:"How long it is good for, at most 366 days." default:"90"`
}

// Help implements kong's help for one command.
func (*TokenCreateCommand) Help() string {
	var names []string
	for _, r := range identity.Rights() {
		if r.ForTokens() {
			names = append(names, string(r))
		}
	}
	return "Example: socho token create accounting --right see.bills@hg-truong-bac-me --days 30\n\nThe secret is printed this one time. Rights: " + strings.Join(names, ", ") + ". An organization of * is every organization."
}

// Run makes a token.
func (c *TokenCreateCommand) Run(ctx context.Context, call *Call) error {
	grants := make([]identity.Grant, len(c.Right))
	for i, text := range c.Right {
		var err error
		if grants[i], err = identity.ParseScope(text); err != nil {
			return usageError{err}
		}
	}
	if c.Days < 1 || c.Days > 366 {
		return usageError{errors.New("--days: expected 1 to 366")}
	}
	return call.withPeople(ctx, func(ctx context.Context, people *identity.Directory) error {
		made, secret, err := people.CreateToken(ctx, c.Name, grants, time.Duration(c.Days)*24*time.Hour)
		if err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(struct {
				identity.APIToken `json:",inline"`
				Secret            string `json:"secret"`
			}{made, secret})
		}
		fmt.Fprintf(call.Stdout, "%s, good until %s; it is not shown again:\n%s\n", made.ID, made.ExpiresAt.Local().Format(time.DateOnly), secret)
		return nil
	})
}

// TokenPersonCommand is socho token person.
type TokenPersonCommand struct {
	Name string `arg:"" help:"User name."`
}

// Help implements kong's help for one command.
func (*TokenPersonCommand) Help() string {
	return "Example: socho token person lan.nguyen\n\nWhoever holds it is that person, with the rights that they have at that moment; approving asks for one made in the last five minutes. It is good for an hour, is printed this one time, and the trail says who made it. People who can sign in make their own, on the page of their account."
}

// Run makes a token.
func (c *TokenPersonCommand) Run(ctx context.Context, call *Call) error {
	return call.withPerson(ctx, c.Name, func(ctx context.Context, people *identity.Directory, person identity.Staff) error {
		made, secret, err := people.CreatePersonToken(ctx, person.ID)
		if errors.Is(err, identity.ErrNotFound) {
			return fmt.Errorf("%s is locked; socho user unlock lets them in", person.Name)
		}
		if err != nil {
			return err
		}
		if call.CLI.JSON {
			return call.json(struct {
				identity.PersonToken `json:",inline"`
				Secret               string `json:"secret"`
			}{made, secret})
		}
		fmt.Fprintf(call.Stdout, "%s, good until %s; it is not shown again:\n%s\n", made.ID, made.ExpiresAt.Local().Format("2006-01-02 15:04"), secret)
		return nil
	})
}

// TokenListCommand is socho token list.
type TokenListCommand struct{}

// Help implements kong's help for one command.
func (*TokenListCommand) Help() string { return "Example: socho token list" }

// Run lists tokens.
func (c *TokenListCommand) Run(ctx context.Context, call *Call) error {
	return call.withPeople(ctx, func(ctx context.Context, people *identity.Directory) error {
		all, err := people.Tokens(ctx)
		if err != nil {
			return err
		}
		out := call.lines("TOKEN\tNAME\tSTATE\tUSED\tMAY")
		for _, t := range all {
			state, used := "until "+t.ExpiresAt.Local().Format(time.DateOnly), "never"
			switch {
			case t.RevokedAt != nil:
				state = "revoked"
			case !t.ExpiresAt.After(time.Now()):
				state = "expired"
			}
			if t.UsedAt != nil {
				used = t.UsedAt.Local().Format("2006-01-02 15:04")
			}
			texts := make([]string, len(t.Grants))
			for i, g := range t.Grants {
				texts[i] = g.String()
			}
			if err = out.write(t, "%s\t%s\t%s\t%s\t%s", t.ID, t.Name, state, used, strings.Join(texts, " ")); err != nil {
				return out.end(err)
			}
		}
		persons, err := people.PersonTokens(ctx, "")
		for _, t := range persons {
			used := "never"
			if t.UsedAt != nil {
				used = t.UsedAt.Local().Format("2006-01-02 15:04")
			}
			if err = out.write(t, "%s\t%s\t%s\t%s\t%s", t.ID, t.Person, "until "+t.ExpiresAt.Local().Format("15:04"), used, "as the person may"); err != nil {
				break
			}
		}
		return out.end(err)
	})
}

// TokenRevokeCommand is socho token revoke.
type TokenRevokeCommand struct {
	Token string `arg:"" help:"Its id, t-… or k-…, as socho token list shows it."`
}

// Help implements kong's help for one command.
func (*TokenRevokeCommand) Help() string {
	return "Example: socho token revoke t-k3vq2m7xw5ajz4bnr6tpcdyhle"
}

// Run ends a token.
func (c *TokenRevokeCommand) Run(ctx context.Context, call *Call) error {
	return call.withPeople(ctx, func(ctx context.Context, people *identity.Directory) error {
		revoke := people.RevokeToken
		if strings.HasPrefix(c.Token, "k-") {
			revoke = func(ctx context.Context, id string) error { return people.RevokePersonToken(ctx, "", id) }
		}
		err := revoke(ctx, c.Token)
		if errors.Is(err, identity.ErrNotFound) {
			return fmt.Errorf("there is no token %q; socho token list names them", c.Token)
		}
		return err
	})
}
