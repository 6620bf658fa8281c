package api_test

import (
	"cmp"
	"context"
	"net"
	"os"
	"os/exec"
	"testing"

	"socho/internal/httpserver"
	"socho/web/api"
)

// TestSchemathesis has schemathesis make up requests from the description: no
// answer may be a fault of the server, or one that is not described. Make
// fuzz-api installs and runs it.
func TestSchemathesis(t *testing.T) {
	program := os.Getenv("SOCHO_TEST_SCHEMATHESIS")
	if program == "" {
		t.Skip("SKIPPED, no made-up requests were sent: make fuzz-api does, with schemathesis from PyPI")
	}
	draining := make(chan struct{})
	close(draining) // streams end after their first message
	a := handler(t, func(o *api.Options) { o.Draining = draining })
	server, err := httpserver.New(httpserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener, httpserver.SameOrigin(httpserver.Routed(a))) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	at := "http://" + listener.Addr().String()
	args := []string{"run", at + "/openapi.json", "--url", at, "--header", "Authorization:Bearer cli", "--seed", cmp.Or(os.Getenv("SEED"), "1"), "--max-examples", "60",
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance,ignored_auth",
		"--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"}
	run := exec.CommandContext(ctx, program, args...) //nolint:gosec // whoever runs the tests says which
	run.Dir = t.TempDir()
	out, err := run.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
