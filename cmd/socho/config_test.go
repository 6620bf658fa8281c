package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const configurationPage = "../../docs/configuration.md"

const configurationHead = `# Configuration

Every setting is a flag or an environment variable; the flag wins. ` + "`socho config check`" + ` shows the
settings that ` + "`socho run`" + ` would start with and names everything that is wrong with them. A variable that
begins with ` + "`SOCHO_`" + ` and is not listed here is an error there.

A secret need not stand in the environment: the variable whose name ends in ` + "`_FILE`" + ` names a file that
holds it. Giving both is an error. Times are written as ` + "`500ms`, `20s` or `2m`" + `; lists are separated by commas.

This page is generated from the program: ` + "`go test ./cmd/socho -run Configuration -update`" + `.
`

// TestConfigurationPage holds docs/configuration.md to the flags that there are.
func TestConfigurationPage(t *testing.T) {
	var cli CLI
	app, err := kong.New(&cli, kong.Name("socho"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(configurationHead)
	section := func(title string, flags []*kong.Flag) {
		flags = slices.DeleteFunc(slices.Clone(flags), func(f *kong.Flag) bool { return f.Hidden || len(f.Envs) == 0 })
		slices.SortFunc(flags, func(a, b *kong.Flag) int { return cmp.Compare(a.Name, b.Name) })
		fmt.Fprintf(&b, "\n## %s\n\n| Flag | Variable | Type | Default | Meaning |\n|---|---|---|---|---|\n", title)
		for _, f := range flags {
			name := "`" + f.Envs[0] + "`"
			if isSecret(f) {
				name += ", `" + f.Envs[0] + fileVariant + "`"
			}
			standard := "—"
			if f.HasDefault && f.Default != "" {
				standard = "`" + f.Default + "`"
			}
			fmt.Fprintf(&b, "| `--%s` | %s | %s | %s | %s |\n", f.Name, name, typeOf(f), standard, strings.ReplaceAll(f.Help, "<", "&lt;"))
		}
	}
	section("All commands", app.Model.Flags)
	for _, command := range app.Model.Children {
		if command.Name == "run" {
			section("`socho run`", command.Flags)
		}
	}
	b.WriteString("\nGo's own variables hold as well; `GOMEMLIMIT` takes the place of the limit of 224 MiB that `socho run` sets itself.\n")
	if *update {
		if err := os.WriteFile(configurationPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(configurationPage)
	if err != nil || string(page) != b.String() {
		t.Errorf("%s is not what the flags say (%v); run: go test ./cmd/socho -run Configuration -update", configurationPage, err)
	}
}

// typeOf says what a setting's text must be.
func typeOf(f *kong.Flag) string {
	switch {
	case f.Enum != "":
		return strings.ReplaceAll(f.Enum, ",", " or ")
	case f.PlaceHolder != "":
		return strings.ToLower(f.PlaceHolder)
	}
	return f.Target.Kind().String()
}
