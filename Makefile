GO      ?= go
GOLANGCI ?= golangci-lint
FUZZTIME ?= 10s
PEERS   ?= $(CURDIR)/build/peers
ROUNDS  ?= 50
EVENTS  ?= 200
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS  = -s -w -X main.releaseVersion=$(VERSION) -X main.releaseCommit=$(COMMIT)

.PHONY: build test parity peers faults lint fuzz bench testdata clean

build: ## build/fnvet
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o build/fnvet ./cmd/fnvet

test: ## every test; needs Go modules and nothing else
	$(GO) test ./... ./testdata/build ./testdata/plant

parity: ## the matcher against the slow oracle with 22,000 questions, not 1,100; needs ../shared/osv
	FNVET_DRAWS=22000 $(GO) test -count=1 -run "AgreesWithOracle|FlippedBytes" -v ./advisory

peers: ## compare with govulncheck and osv-scanner, which this builds into PEERS
	GOBIN=$(PEERS) $(GO) install golang.org/x/vuln/cmd/govulncheck@v1.3.0
	GOBIN=$(PEERS) $(GO) install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0
	FNVET_PEERS=$(PEERS) $(GO) test -count=1 -timeout 30m -run Peer -v ./cmd/fnvet

faults: ## kill server and workers at random moments, ROUNDS times, EVENTS events each, on both stores; ten minutes and more
	FNVET_FAULT_ROUNDS=$(ROUNDS) FNVET_FAULT_EVENTS=$(EVENTS) $(GO) test -count=1 -timeout 4h -run '^(TestKilled|TestWorkerKilled)$$' -v ./cmd/fnvet

lint:
	$(GOLANGCI) run

fuzz: ## every fuzz target for FUZZTIME each
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$f"; \
	    $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
	  done; \
	done

bench: ## compare two runs with benchstat
	$(GO) test -run '^$$' -bench . -benchmem -count=10 ./...

testdata: ## rebuild the packages in testdata from their registries
	$(GO) run ./testdata/build

clean:
	rm -rf build dist
