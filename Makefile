# run: the main job.  test: every test that needs nothing beyond what it sets
# up itself.  check: exactly what continuous integration runs.
GO ?= go

.PHONY: run test check lint race build bench kafka test-kafka kafka-short

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

# Three brokers of Apache Kafka on loopback, their jars through Maven; prints
# the addresses for --kafka, and runs until Ctrl-C.
kafka:
	$(GO) run ./internal/devstack/apachekafka/run

# The same tests of faults on Apache Kafka itself.
test-kafka:
	SOCHO_TEST_KAFKA=1 $(GO) test -count=1 -v -run ApacheKafka ./internal/service

kafka-short:
	SOCHO_TEST_KAFKA=1 $(GO) test -count=1 -v -short -run ApacheKafka ./internal/service

# The tests come last, so that their closing lines are the last thing printed.
check: lint race kafka-short test

# The whole service beside the machine's own pace, then its parts alone.
bench: build
	./bin/socho bench
	$(GO) test -run '^$$' -bench . -benchmem ./events ./ledger ./internal/postgres ./projections ./internal/readmodel
