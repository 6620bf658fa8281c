package main

import (
	"context"
	"fmt"

	"socho/events"
)

// EventsCommand is socho events.
type EventsCommand struct {
	Schema   SchemaCommand   `cmd:"" help:"Print the JSON Schema of an event type, or list the types."`
	AsyncAPI AsyncAPICommand `cmd:"" name:"asyncapi" help:"Print the AsyncAPI 3 document of the topics."`
}

// AsyncAPICommand is socho events asyncapi.
type AsyncAPICommand struct{}

// Help implements kong's help for one command.
func (*AsyncAPICommand) Help() string {
	return "Example: socho events asyncapi > asyncapi.json\n\nWhat partners' own producers may write to socho.inbox, and what then stands on socho.events."
}

// Run prints the document.
func (c *AsyncAPICommand) Run(_ context.Context, call *Call) error {
	text, err := events.AsyncAPI()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(call.Stdout, "%s\n", text)
	return err
}

// SchemaCommand is socho events schema.
type SchemaCommand struct {
	Type string `arg:"" optional:"" help:"The event type, such as vn.socho.market.fee_assessed.v1."`
}

// Help implements kong's help for one command.
func (*SchemaCommand) Help() string {
	return "Example: socho events schema vn.socho.market.fee_assessed.v1"
}

// Run prints a schema.
func (c *SchemaCommand) Run(_ context.Context, call *Call) error {
	if c.Type == "" {
		out := call.lines("TYPE")
		for _, name := range events.Types() {
			if err := out.write(map[string]string{"type": name}, "%s", name); err != nil {
				return err
			}
		}
		return out.end(nil)
	}
	schema, err := events.Schema(c.Type)
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprintf(call.Stdout, "%s\n", schema)
	return err
}
