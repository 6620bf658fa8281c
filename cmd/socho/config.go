package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/internal/httpserver"
	"socho/internal/service"
)

// fileVariant follows the name of a secret's environment variable: NAME_FILE
// names a file that holds it, so that it need not stand in the environment.
const fileVariant = "_FILE"

// isSecret says that a flag's value must not be shown.
func isSecret(f *kong.Flag) bool { return f.Tag != nil && f.Tag.Has("secret") }

// secretFiles reads secrets from the files that the environment names. Errors:
// a file that cannot be read, or a secret that is given twice.
func secretFiles(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !isSecret(flag) || len(flag.Envs) == 0 {
		return nil, nil
	}
	name := flag.Envs[0]
	file := os.Getenv(name + fileVariant)
	if file == "" {
		return nil, nil
	}
	if os.Getenv(name) != "" {
		return nil, fmt.Errorf("%s and %s%s are both set; give one", name, name, fileVariant)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", name, fileVariant, err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// logger writes to stderr in the form that was asked for. A server says more.
func (c *Call) logger(server bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelWarn}
	if server {
		options.Level = slog.LevelInfo
	}
	if c.CLI.LogFormat == "json" {
		return slog.New(httpserver.Logs(slog.NewJSONHandler(c.Stderr, options)))
	}
	return slog.New(httpserver.Logs(slog.NewTextHandler(c.Stderr, options)))
}

// check finds everything that is wrong with the settings that all commands
// share, each with what to do.
func (c *CLI) check() (problems []error) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if (c.Database == "") != (len(c.Kafka) == 0) {
		say("give both --database and --kafka, or neither for the embedded default")
	}
	if c.Database != "" {
		if _, err := pgxpool.ParseConfig(c.Database); err != nil {
			say("--database: not an address of PostgreSQL, such as postgres://socho@db.example/socho") // its text may hold the password
		}
	}
	for _, broker := range c.Kafka {
		if host, port, ok := strings.Cut(broker, ":"); !ok || host == "" || port == "" {
			say("--kafka %q: expected HOST:PORT,…", broker)
		}
	}
	if err := c.secure(&service.Options{}); err != nil {
		problems = append(problems, err)
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		say("--data %q: %w", c.Data, err)
	} else if info, err := os.Stat(data); err == nil && !info.IsDir() {
		say("--data %q: expected a folder", c.Data)
	}
	if c.Signer != "" {
		if _, err := os.Stat(c.Signer); err != nil {
			say("--signer: %w", err)
		}
	}
	return problems
}

// ConfigCommand is socho config.
type ConfigCommand struct {
	Check ConfigCheckCommand `cmd:"" help:"Examine the settings that socho run would start with."`
}

// ConfigCheckCommand is socho config check.
type ConfigCheckCommand struct {
	ServerFlags
}

// Help implements kong's help for one command.
func (*ConfigCheckCommand) Help() string {
	return "Example: SOCHO_ADDR=0.0.0.0:443 socho config check\n\nTakes the flags and the environment of socho run, opens nothing, and names everything that is wrong with them. Secrets are not shown. Exits 2 where anything is wrong."
}

// Setting is one setting as it would be used.
type Setting struct {
	Name  string `json:"name"`  // of the flag
	Value string `json:"value"` // "set" for a secret
	From  string `json:"from"`  // flag, environment, file, default
}

type configChecked struct {
	OK       bool      `json:"ok"`
	Settings []Setting `json:"settings"`
	Problems []string  `json:"problems"`
}

// Run examines the settings.
func (c *ConfigCheckCommand) Run(_ context.Context, call *Call, k *kong.Context) error {
	var settings []Setting
	for _, flag := range k.Flags() {
		if len(flag.Envs) == 0 {
			continue
		}
		s := Setting{Name: "--" + flag.Name, Value: fmt.Sprint(flag.Target.Interface()), From: from(k, flag)}
		if isSecret(flag) && s.Value != "" {
			s.Value = "set"
		}
		settings = append(settings, s)
	}
	slices.SortFunc(settings, func(a, b Setting) int { return cmp.Compare(a.Name, b.Name) })
	problems := slices.Concat(call.CLI.check(), c.check(), unknownSettings(k.Model))
	said := make([]string, len(problems))
	for i, p := range problems {
		said[i] = p.Error()
	}
	if call.CLI.JSON {
		if err := call.json(configChecked{len(said) == 0, settings, said}); err != nil {
			return err
		}
	} else {
		for _, s := range settings {
			fmt.Fprintf(call.Stdout, "%-22s %-40s %s\n", s.Name, s.Value, s.From)
		}
	}
	if len(problems) > 0 {
		return usageError{errors.Join(problems...)}
	}
	return nil
}

// from says where a setting comes from.
func from(k *kong.Context, flag *kong.Flag) string {
	for _, step := range k.Path {
		if step.Flag == flag && !step.Resolved {
			return "flag"
		}
	}
	switch name := flag.Envs[0]; {
	case os.Getenv(name) != "":
		return "environment"
	case isSecret(flag) && os.Getenv(name+fileVariant) != "":
		return "file"
	}
	return "default"
}

// unknownSettings finds variables that look like ours and are none: a misspelled
// one would be ignored in silence.
func unknownSettings(app *kong.Application) (problems []error) {
	known := map[string]bool{}
	for _, flag := range allFlags(app.Node) {
		for _, name := range flag.Envs {
			known[name] = true
			known[name+fileVariant] = isSecret(flag)
		}
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "SOCHO_") && !strings.HasPrefix(name, "SOCHO_TEST_") && !known[name] {
			problems = append(problems, fmt.Errorf("%s: there is no such setting; see docs/configuration.md", name))
		}
	}
	return problems
}

// allFlags lists the flags of a command and of those below it.
func allFlags(n *kong.Node) []*kong.Flag {
	all := slices.Clone(n.Flags)
	for _, child := range n.Children {
		all = append(all, allFlags(child)...)
	}
	return all
}
