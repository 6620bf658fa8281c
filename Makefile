# run: the main job.  test: every test that needs nothing beyond what it sets
# up itself.  check: exactly what continuous integration runs.
GO ?= go

.PHONY: run test check lint vuln race build bench sim kafka test-kafka kafka-short fuzz-api test-browser

run: build
	./bin/socho run --sample

build:
	$(GO) build -o bin/socho ./cmd/socho

test:
	$(GO) test -timeout 20m ./...

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'not formatted:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

# Known flaws in what the program comes to, where their database is reachable.
vuln:
	@said=$$($(GO) tool -modfile=tools/go.mod govulncheck ./... 2>&1); code=$$?; echo "$$said"; \
	case "$$said" in *'fetching vulnerabilities'*) echo 'the database of known flaws is not reachable: nothing was looked up';; *) exit $$code;; esac

# Under the race detector, which makes tests some eight times as slow: every
# package that starts goroutines or shares state between them (race_test.go holds
# the list to that), and of the commands those scripts that go through a whole
# service. What folds, parses or prints, and shares nothing, gains nothing by it.
RACED = ./events ./ledger ./qr ./projections \
	./internal/bench ./internal/chores ./internal/devstack ./internal/devstack/cluster ./internal/httpserver \
	./internal/identity ./internal/identity/oidc ./internal/intake ./internal/kafka ./internal/logpublisher \
	./internal/metrics ./internal/payouts ./internal/pgcopy ./internal/postgres ./internal/readmodel \
	./internal/reconcile ./internal/service ./internal/simulation ./internal/vault ./internal/verification \
	./web ./web/api

race:
	$(GO) test -race -short -vet=off -timeout 20m -skip 'TestFastIsNotLenient|TestSchemaAgreesWithCodec' $(RACED)
	$(GO) test -race -short -vet=off -timeout 20m -run 'TestServeOverTLS|TestWhoMayScrape|TestScripts/(log|payout|publish)$$' ./cmd/socho

# Three brokers of Apache Kafka on loopback, their jars through Maven; prints
# the addresses for --kafka, and runs until Ctrl-C.
kafka:
	$(GO) run ./internal/devstack/apachekafka/run

# The same tests of faults on Apache Kafka itself.
test-kafka:
	SOCHO_TEST_KAFKA=1 $(GO) test -count=1 -v -run ApacheKafka ./internal/service

kafka-short:
	SOCHO_TEST_KAFKA=1 $(GO) test -count=1 -v -short -run ApacheKafka ./internal/service

# Every page in a Chromium, where one is installed: complaints, width on a
# phone, barriers that axe-core sees (fetched by npm), and what each page weighs.
test-browser:
	SOCHO_TEST_BROWSER=1 $(GO) test -count=1 -v -timeout 25m -run Browser ./web ./cmd/socho

# The tests come last, so that their closing lines are the last thing printed.
check: lint vuln race kafka-short test-browser test

# A thousand seeds of load and faults against the real code, and fifty with real
# processes killed. What fails is printed with the command that plays it again.
SEED ?= 1

sim: build
	./bin/socho simulate --seed $(SEED) --runs 1000
	./bin/socho simulate --seed $(SEED) --runs 50 --kills --faults kill_service,kill_postgres

# The whole service beside the machine's own pace, then its parts alone.
# With KAFKA=broker,… on those brokers, see make kafka.
bench: build
	./bin/socho bench $(if $(KAFKA),--kafka $(KAFKA))
	$(GO) test -run '^$$' -bench . -benchmem ./events ./ledger ./internal/postgres ./projections ./internal/readmodel

# Requests made up from the API's description by schemathesis, which comes from
# PyPI into the user's cache: no answer may be a fault, or one that is not described.
FUZZER = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/socho/schemathesis

fuzz-api: $(FUZZER)/bin/schemathesis
	SOCHO_TEST_SCHEMATHESIS=$< SEED=$(SEED) $(GO) test -count=1 -v -run TestSchemathesis ./web/api

$(FUZZER)/bin/schemathesis:
	python3 -m venv $(FUZZER)
	$(FUZZER)/bin/pip install --quiet schemathesis==4.32.5
