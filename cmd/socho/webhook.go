package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	"socho/internal/reconcile"
	"socho/internal/service"
)

// WebhookCommand is socho webhook.
type WebhookCommand struct {
	Connect    WebhookConnectCommand    `cmd:"" help:"Take a provider's messages for an organization, or replace its secret."`
	List       WebhookListCommand       `cmd:"" help:"List who is connected."`
	Settle     WebhookSettleCommand     `cmd:"" help:"Forget the secret before the newest one."`
	Disconnect WebhookDisconnectCommand `cmd:"" help:"Take no more messages."`
}

// hookOf names a connection.
type hookOf struct {
	Org      string `help:"Whose account it is." required:"" placeholder:"ORG"`
	Provider string `help:"sepay, casso or payos." required:"" enum:"sepay,casso,payos" placeholder:"NAME"`
}

// WebhookConnectCommand is socho webhook connect.
type WebhookConnectCommand struct {
	hookOf
	Account    string   `help:"The organization's own name for the account; by itself, main for the registered one." placeholder:"ID"`
	Also       []string `help:"Number of a further account of the organization, whose messages come as well." placeholder:"NUMBER"`
	SecretFile string   `help:"File that holds the provider's secret; without it, one is made and shown once." type:"existingfile" placeholder:"FILE"`
}

// Help implements kong's help for one command.
func (*WebhookConnectCommand) Help() string {
	return "Example: socho webhook connect --org hg-truong-mau --provider sepay\n\nThe provider sends to /hooks/PROVIDER/ORG of this server. " +
		"A secret that is replaced stays good beside the new one until socho webhook settle.\n\n" +
		"At a market, only messages about its registered account are taken, about accounts named by --also, and about those that traders have connected with their consent. Others are answered and not kept; socho webhook list counts them."
}

// Run connects.
func (c *WebhookConnectCommand) Run(ctx context.Context, call *Call) error {
	secret := rand.Text() + rand.Text()
	if c.SecretFile != "" {
		text, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return usageError{err}
		}
		secret = strings.TrimSpace(string(text))
	}
	return call.withHooks(ctx, func(h *reconcile.Hooks) error {
		if err := h.Connect(ctx, c.Org, c.Provider, c.Account, secret, "cli"); err != nil {
			return err
		}
		for _, number := range c.Also {
			if err := h.Own(ctx, c.Org, number); err != nil {
				return err
			}
		}
		if call.CLI.JSON {
			said := map[string]string{"organization": c.Org, "provider": c.Provider, "path": "/hooks/" + c.Provider + "/" + c.Org}
			if c.SecretFile == "" {
				said["secret"] = secret
			}
			return call.json(said)
		}
		fmt.Fprintf(call.Stdout, "Messages of %s are taken at /hooks/%s/%s.\n", c.Provider, c.Provider, c.Org)
		if c.SecretFile == "" {
			fmt.Fprintf(call.Stdout, "Its secret, shown this once: %s\n", secret)
		}
		return nil
	})
}

// WebhookListCommand is socho webhook list.
type WebhookListCommand struct{}

// Help implements kong's help for one command.
func (*WebhookListCommand) Help() string { return "Example: socho webhook list --json" }

// Run lists connections.
func (*WebhookListCommand) Run(ctx context.Context, call *Call) error {
	return call.withHooks(ctx, func(h *reconcile.Hooks) error {
		list, err := h.List(ctx)
		if err != nil {
			return err
		}
		out := call.lines("ORGANIZATION\tPROVIDER\tACCOUNT\tSECRETS\tLAST MESSAGE\tNOT KEPT")
		for _, one := range list {
			used := "none yet"
			if one.UsedAt != nil {
				used = one.UsedAt.Format("2006-01-02 15:04")
			}
			if err := out.write(one, "%s\t%s\t%s\t%d\t%s\t%d", one.Organization, one.Provider, one.Account, one.Secrets, used, one.PassedOver); err != nil {
				return out.end(err)
			}
		}
		return out.end(nil)
	})
}

// WebhookSettleCommand is socho webhook settle.
type WebhookSettleCommand struct{ hookOf }

// Help implements kong's help for one command.
func (*WebhookSettleCommand) Help() string {
	return "Example: socho webhook settle --org hg-truong-mau --provider sepay"
}

// Run forgets the old secret.
func (c *WebhookSettleCommand) Run(ctx context.Context, call *Call) error {
	return call.withHooks(ctx, func(h *reconcile.Hooks) error { return h.Settle(ctx, c.Org, c.Provider) })
}

// WebhookDisconnectCommand is socho webhook disconnect.
type WebhookDisconnectCommand struct{ hookOf }

// Help implements kong's help for one command.
func (*WebhookDisconnectCommand) Help() string {
	return "Example: socho webhook disconnect --org hg-truong-mau --provider sepay"
}

// Run disconnects.
func (c *WebhookDisconnectCommand) Run(ctx context.Context, call *Call) error {
	return call.withHooks(ctx, func(h *reconcile.Hooks) error { return h.Disconnect(ctx, c.Org, c.Provider) })
}

func (c *Call) withHooks(ctx context.Context, do func(*reconcile.Hooks) error) error {
	s, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer s.Close()
	hooks, err := c.hooks(s)
	if err != nil {
		return err
	}
	return do(hooks)
}

// hooks takes banks' messages in.
func (c *Call) hooks(s *service.Service) (*reconcile.Hooks, error) {
	master, err := c.master()
	if err != nil {
		return nil, err
	}
	importer := func(ctx context.Context, organization string) (*reconcile.Importer, error) {
		return c.importer(ctx, s, organization)
	}
	hooks, err := reconcile.NewHooks(s.DB.Pool, master.Derive, importer, c.logger(true))
	if err != nil {
		return nil, err
	}
	hooks.Traders, err = c.saleAccounts(s)
	return hooks, err
}
