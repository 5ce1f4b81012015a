# What CI runs is `make check`; what each target shows stands in the README.

PROGRAM := bin/licenseimport
FUZZTIME ?= 60s

.PHONY: check test race fuzz bench run build lint fmt

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

run: build
	$(PROGRAM) serve
