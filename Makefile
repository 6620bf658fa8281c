# run: the main job.  test: every test that needs nothing beyond what it sets
# up itself.  check: exactly what continuous integration runs.
GO ?= go

.PHONY: run test check lint race build bench

run: build
	./bin/socho run --sample

build:
	$(GO) build -o bin/socho ./cmd/socho

test:
	$(GO) test ./...

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'not formatted:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

race:
	$(GO) test -race -short ./...

# The tests come last, so that their closing lines are the last thing printed.
check: lint race test

# The whole service beside the machine's own pace, then its parts alone.
bench: build
	./bin/socho bench
	$(GO) test -run '^$$' -bench . -benchmem ./events ./ledger ./internal/postgres ./projections ./internal/readmodel
