package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"socho/internal/identity"
)

// UserCommand is socho user.
type UserCommand struct {
	Add      UserAddCommand      `cmd:"" help:"Make an account, and a link by which its owner sets a password."`
	List     UserListCommand     `cmd:"" help:"List accounts with what they may do."`
	Grant    UserGrantCommand    `cmd:"" help:"Give a person roles."`
	Revoke   UserRevokeCommand   `cmd:"" help:"Take roles away, and sign the person out."`
	Lock     UserLockCommand     `cmd:"" help:"Keep a person out, at once."`
	Unlock   UserUnlockCommand   `cmd:"" help:"Let a person in again, and forget attempts that failed."`
	Reset    UserResetCommand    `cmd:"" help:"Make a link for a person who has lost the password or the second factor."`
	Sessions UserSessionsCommand `cmd:"" help:"List where a person is signed in, or sign them out everywhere."`
}

// withPeople opens the directory for one command, which acts as cli.
func (c *Call) withPeople(ctx context.Context, f func(ctx context.Context, people *identity.Directory) error) error {
	s, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	people, err := c.directory(s)
	if err == nil {
		err = f(identity.With(ctx, identity.CLI()), people)
	}
	return errors.Join(wrongUsage(err), s.Close())
}

// withPerson does the same for one person, by user name or id.
func (c *Call) withPerson(ctx context.Context, name string, f func(ctx context.Context, people *identity.Directory, person identity.Staff) error) error {
	return c.withPeople(ctx, func(ctx context.Context, people *identity.Directory) error {
		person, err := people.Staff(ctx, name)
		if errors.Is(err, identity.ErrNotFound) {
			return fmt.Errorf("there is no user %q; socho user list names them", name)
		}
		if err != nil {
			return err
		}
		return f(ctx, people, person)
	})
}

// wrongUsage tells what was typed wrong from what cannot be done now.
func wrongUsage(err error) error {
	if errors.Is(err, identity.ErrGrant) || errors.Is(err, identity.ErrName) {
		return usageError{err}
	}
	return err
}

// link is where a person goes with a token that is good once.
func link(token string) string { return "/welcome?link=" + token }

// made is what is printed of a new link, this one time.
type made struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Link string `json:"link"`
}

func (c *Call) made(m made) error {
	if c.CLI.JSON {
		return c.json(m)
	}
	_, err := fmt.Fprintf(c.Stdout, "%s %s\nGive them this link, at the address of the pages; it is good once, for %.0f hours:\n%s\n", m.Name, m.ID, identity.InvitationLife.Hours(), m.Link)
	return err
}

func parseGrants(texts []string) ([]identity.Grant, error) {
	grants := make([]identity.Grant, len(texts))
	for i, text := range texts {
		var err error
		if grants[i], err = identity.ParseGrant(text); err != nil {
			return nil, usageError{err}
		}
	}
	return grants, nil
}

// UserAddCommand is socho user add.
type UserAddCommand struct {
	Name     string   `arg:"" help:"User name: 2 to 32 of a-z 0-9 . _ -"`
	Grant    []string `help:"What they may do; may be given several times." placeholder:"ROLE@ORG"`
	Language string   `help:"Language of their pages." enum:"vi,en" default:"vi"`
}

// Help implements kong's help for one command.
func (*UserAddCommand) Help() string {
	return "Example: socho user add lan.nguyen --grant market_manager@hg-cho-dong-van\n\nRoles: " + roleList() + ". An organization of * is every organization. Nobody both proposes and approves in one."
}

func roleList() string {
	var names []string
	for _, r := range identity.Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// Run makes the account.
func (c *UserAddCommand) Run(ctx context.Context, call *Call) error {
	grants, err := parseGrants(c.Grant)
	if err != nil {
		return err
	}
	if err := identity.Compatible(grants); err != nil {
		return usageError{err}
	}
	return call.withPeople(ctx, func(ctx context.Context, people *identity.Directory) error {
		id, token, err := people.Add(ctx, c.Name, c.Language)
		if errors.Is(err, identity.ErrTaken) {
			return fmt.Errorf("user %s is there already; socho user grant gives them roles", c.Name)
		}
		if err != nil {
			return err
		}
		for _, g := range grants {
			if err := people.Grant(ctx, id, g); err != nil {
				return err
			}
		}
		return call.made(made{id, c.Name, link(token)})
	})
}

// UserListCommand is socho user list.
type UserListCommand struct{}

// Help implements kong's help for one command.
func (*UserListCommand) Help() string { return "Example: socho user list --json" }

// Run lists accounts.
func (c *UserListCommand) Run(ctx context.Context, call *Call) error {
	return call.withPeople(ctx, func(ctx context.Context, people *identity.Directory) error {
		all, err := people.People(ctx)
		if err != nil {
			return err
		}
		out := call.lines("NAME\tSTATE\tSECOND FACTOR\tMAY")
		for _, p := range all {
			state := "active"
			switch {
			case p.LockedAt != nil:
				state = "locked"
			case !p.Password:
				state = "invited"
			}
			factor := "none"
			if p.TOTP {
				factor = fmt.Sprintf("app, %d recovery codes", p.Recovery)
			}
			texts := make([]string, len(p.Grants))
			for i, g := range p.Grants {
				texts[i] = g.String()
			}
			if err = out.write(p, "%s\t%s\t%s\t%s", p.Name, state, factor, strings.Join(texts, " ")); err != nil {
				break
			}
		}
		return out.end(err)
	})
}

// UserGrantCommand is socho user grant.
type UserGrantCommand struct {
	Name  string   `arg:"" help:"User name."`
	Grant []string `arg:"" help:"ROLE@ORG, or ROLE@ORG/OBJECT for one stall or pay point." placeholder:"ROLE@ORG"`
}

// Help implements kong's help for one command.
func (*UserGrantCommand) Help() string {
	return "Example: socho user grant lan.nguyen auditor@*\n\nRoles: " + roleList() + "."
}

// Run gives roles.
func (c *UserGrantCommand) Run(ctx context.Context, call *Call) error {
	return call.eachGrant(ctx, c.Name, c.Grant, (*identity.Directory).Grant)
}

// UserRevokeCommand is socho user revoke.
type UserRevokeCommand struct {
	Name  string   `arg:"" help:"User name."`
	Grant []string `arg:"" help:"As socho user list shows it." placeholder:"ROLE@ORG"`
}

// Help implements kong's help for one command.
func (*UserRevokeCommand) Help() string { return "Example: socho user revoke lan.nguyen auditor@*" }

// Run takes roles away.
func (c *UserRevokeCommand) Run(ctx context.Context, call *Call) error {
	return call.eachGrant(ctx, c.Name, c.Grant, (*identity.Directory).Revoke)
}

func (c *Call) eachGrant(ctx context.Context, name string, texts []string, do func(*identity.Directory, context.Context, string, identity.Grant) error) error {
	grants, err := parseGrants(texts)
	if err != nil {
		return err
	}
	return c.withPerson(ctx, name, func(ctx context.Context, people *identity.Directory, person identity.Staff) error {
		for _, g := range grants {
			if err := do(people, ctx, person.ID, g); errors.Is(err, identity.ErrNotFound) {
				return fmt.Errorf("%s does not have %s", person.Name, g)
			} else if err != nil {
				return err
			}
		}
		return c.person(ctx, people, person.ID)
	})
}

// person prints an account as it is now.
func (c *Call) person(ctx context.Context, people *identity.Directory, id string) error {
	p, err := people.Staff(ctx, id)
	if err != nil {
		return err
	}
	if c.CLI.JSON {
		return c.json(p)
	}
	fmt.Fprintln(c.Stdout, p.Name, p.ID)
	for _, g := range p.Grants {
		fmt.Fprintln(c.Stdout, " ", g)
	}
	return nil
}

// UserLockCommand is socho user lock.
type UserLockCommand struct {
	Name string `arg:"" help:"User name."`
}

// Help implements kong's help for one command.
func (*UserLockCommand) Help() string { return "Example: socho user lock lan.nguyen" }

// Run locks an account.
func (c *UserLockCommand) Run(ctx context.Context, call *Call) error {
	return call.withPerson(ctx, c.Name, func(ctx context.Context, people *identity.Directory, person identity.Staff) error {
		if err := people.Lock(ctx, person.ID); err != nil {
			return err
		}
		return call.person(ctx, people, person.ID)
	})
}

// UserUnlockCommand is socho user unlock.
type UserUnlockCommand struct {
	Name string `arg:"" help:"User name."`
}

// Help implements kong's help for one command.
func (*UserUnlockCommand) Help() string { return "Example: socho user unlock lan.nguyen" }

// Run unlocks an account.
func (c *UserUnlockCommand) Run(ctx context.Context, call *Call) error {
	return call.withPerson(ctx, c.Name, func(ctx context.Context, people *identity.Directory, person identity.Staff) error {
		if err := people.Unlock(ctx, person.ID); err != nil {
			return err
		}
		return call.person(ctx, people, person.ID)
	})
}

// UserResetCommand is socho user reset.
type UserResetCommand struct {
	Name         string `arg:"" help:"User name."`
	SecondFactor bool   `help:"Take the second factor away as well, for who has lost it and the recovery codes."`
}

// Help implements kong's help for one command.
func (*UserResetCommand) Help() string {
	return "Example: socho user reset lan.nguyen\n\nUntil the link is used nothing changes. Using it sets a new password and signs out everywhere; a second factor stays, without --second-factor."
}

// Run makes the link.
func (c *UserResetCommand) Run(ctx context.Context, call *Call) error {
	return call.withPerson(ctx, c.Name, func(ctx context.Context, people *identity.Directory, person identity.Staff) error {
		reset := people.Reset
		if c.SecondFactor {
			reset = people.Restart
		}
		token, err := reset(ctx, person.ID)
		if err != nil {
			return err
		}
		return call.made(made{person.ID, person.Name, link(token)})
	})
}

// UserSessionsCommand is socho user sessions.
type UserSessionsCommand struct {
	Name string `arg:"" help:"User name."`
	End  bool   `help:"Sign them out everywhere first."`
}

// Help implements kong's help for one command.
func (*UserSessionsCommand) Help() string { return "Example: socho user sessions lan.nguyen --end" }

// Run lists or ends sessions.
func (c *UserSessionsCommand) Run(ctx context.Context, call *Call) error {
	return call.withPerson(ctx, c.Name, func(ctx context.Context, people *identity.Directory, person identity.Staff) error {
		if c.End {
			if err := people.EndSessions(ctx, person.ID); err != nil {
				return err
			}
		}
		found, err := people.SessionsOf(ctx, person.ID)
		if err != nil {
			return err
		}
		out := call.lines("SESSION\tNETWORK\tSINCE\tSEEN")
		for _, s := range found {
			if err = out.write(s, "%s\t%s\t%s\t%s", s.ID, s.Network, s.CreatedAt.Local().Format("2006-01-02 15:04"), s.SeenAt.Local().Format("2006-01-02 15:04")); err != nil {
				break
			}
		}
		return out.end(err)
	})
}
