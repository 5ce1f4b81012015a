# What CI runs is `make check`; what each target shows stands in the README.

PROGRAM := bin/licenseimport
FUZZTIME ?= 60s

.PHONY: check test race fuzz bench chaos cluster run build lint fmt screenshots

check: fmt build ## everything that must be green
	go vet ./...
	go tool staticcheck ./...
	go test -race ./...

build:
	go build -o $(PROGRAM) ./cmd/licenseimport

fmt: ## fails where a file is not formatted
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }

test:
	go test ./...

race:
	go test -race ./...

lint: ## needs golangci-lint
	golangci-lint run

fuzz: ## each fuzz target for FUZZTIME
	@set -e; go list ./... | while read -r pkg; do \
		go test -list '^Fuzz' $$pkg | grep '^Fuzz' | while read -r target; do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done || exit 1; \
	done

bench: build ## 100,000 rows beside JetStream's floor
	go run ./cmd/benchmark -rows 100000 -runs 3

screenshots: ## every view of the page to docs/screenshots (fonts: fonts-noto-core fonts-noto-cjk)
	go test ./web/browsertest -count=1 -run 'Views|Cancels' -screenshots $(CURDIR)/docs/screenshots

cluster: ## the log on three NATS nodes with replicated streams
	go test -tags cluster -count=1 ./events/eventlog

run: build
	$(PROGRAM) serve
