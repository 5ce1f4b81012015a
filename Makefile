# What CI runs is `go test ./...` and `make check`; `make help` lists the rest.

PROGRAM := bin/licenseimport
FUZZTIME ?= 60s
VULNDB ?= https://vuln.go.dev
COMMIT := $(shell git describe --always --abbrev=40 --exclude='*' --dirty 2>/dev/null)

# Packages whose tests run the built program from outside; the others are the unit suite.
OUTSIDE := ./internal/contracttest ./internal/crashtest ./internal/robustnesstest ./web/browsertest ./examples ./cmd/benchmark
UNIT = $(shell go list ./... | grep -v -E '/(contracttest|crashtest|robustnesstest|browsertest|examples|benchmark)$$')
# Packages without goroutines of their own, or whose tests ask one thing after the other, which the race detector slows 10
# to 50 times for nothing; and tests that start the program for each of hundreds of commands. Of the scripts those are left
# that are about the servers.
SEQUENTIAL := internal/(workbook|wordingtest|toolstest|openapi|openapi/openapitest)
COMMAND_TESTS = ^TestScripts$$/^(audit|doctor|export|help|import|keysathand|mapping|outcomes|preview|rebuild|retry)$$|^TestOutputToFullDisk$$
# The two longest tests on three NATS nodes, which the race detector slows most: `make long` has them.
NODE_TESTS = ^(TestProcessesTakeTurns|TestNodesThatAreCutOff)$$

.PHONY: help check generate generated fmt vet vuln test unit race outside tools fuzz bench sizes profile large scale pgo memory chaos chaos-cluster soak races races-changes cluster disk powercut long reference run build lint packages packages-test screenshots

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

check: fmt generated vet lint vuln race races tools powercut packages-test ## with go test ./... all that CI runs
	$(MAKE) fuzz FUZZTIME=1s

fmt: ## fails where a file is not formatted
	@test -z "$$(gofmt -l cmd deploy events examples ingest internal processor projector web)" || { echo "not formatted:"; gofmt -l cmd deploy events examples ingest internal processor projector web; exit 1; }

generate: ## every file that follows from the tables in the code: schemas, columns, the OpenAPI document's last part
	go generate ./...

# The state of the work tree, as one hash: changed and new files.
TREE = { git diff; git ls-files --others --exclude-standard; } | git hash-object --stdin

generated: ## fails where `make generate` changes a file
	@before=$$($(TREE)); go generate ./... && test "$$before" = "$$($(TREE))" || { echo "make generate changed files: commit them"; git status --short; exit 1; }

vet: ## the analysers
	go vet -tags tools,powercut ./...
	go tool staticcheck -tags tools,powercut ./...

vuln: ## known vulnerabilities in what the program calls; VULNDB names another database, such as file:///a/copy
	@if curl -sSfL -m 20 -o /dev/null $(VULNDB)/index/db.json; then go tool govulncheck -db $(VULNDB) ./...; \
	else echo "VULNERABILITIES WERE NOT LOOKED FOR: $(VULNDB) cannot be reached from here (VULN=required makes this an error)"; test "$(VULN)" != required; fi

build: ## the program, to bin/
	go build -ldflags='-X main.commit=$(COMMIT)' -o $(PROGRAM) ./cmd/licenseimport

test: unit outside ## all tests, without the race detector

unit: ## the unit suite
	go test $(UNIT)

race: ## the unit suite with the race detector; much of it waits for the disk, hence -p
	go test -race -p 4 -skip '$(COMMAND_TESTS)|$(NODE_TESTS)' $(shell echo $(UNIT) | tr ' ' '\n' | grep -v -E '/$(SEQUENTIAL)$$')

outside: ## the built program: its contract, killed processes, hostile clients, the page in a browser, the examples in all languages, the benchmark in small
	go test -count=1 -tags tools $(OUTSIDE) ./internal/openapi

tools: ## what needs more programs than Go: the page in a browser, the documents' commands, examples in other languages, linters of the API
	go test -count=1 -tags tools ./internal/contracttest ./web/browsertest ./examples ./internal/openapi -run "^($$(grep -ho '^func Test[A-Za-z0-9]*' $$(grep -lr '^//go:build tools' internal web examples --include='*_test.go' --exclude-dir=node_modules) | cut -d' ' -f2 | paste -sd'|'))$$"

lint: ## golangci-lint with .golangci.yaml; its first run on a machine compiles it, in one to two minutes
	go tool -modfile=tools/golangci-lint/go.mod golangci-lint run

packages: ## static binaries, deb and rpm, and their checksums, to dist/; the same commit gives the same bytes
	deploy/packages/build.sh dist

packages-test: ## packages for Linux, built twice and compared; as root also installed, run as the unit says, and removed
	PLATFORMS='linux/amd64 linux/arm64' deploy/packages/build.sh bin/packages
	PLATFORMS='linux/amd64 linux/arm64' deploy/packages/test.sh bin/packages

# Each package is built once: `go test -fuzz` would link it again for each target. The corpus is go test's own. The fuzzer
# may report the end of its time as a failure, "context deadline exceeded", without an input that fails. Such a run is
# repeated once.
fuzz: ## each fuzz target for FUZZTIME
	@for dir in $$(grep -rl '^func Fuzz' --include='*_test.go' --exclude-dir=node_modules . | xargs -n1 dirname | sort -u); do \
		binary="$$PWD/bin/fuzz/$$dir/fuzz.test"; \
		mkdir -p "$${binary%/*}" && go test -c -fuzz . -o "$$binary" "$$dir" || exit 1; \
		targets=$$(cd "$$dir" && "$$binary" -test.list '^Fuzz') && test -n "$$targets" || exit 1; \
		for target in $$targets; do \
			echo "$$dir $$target"; \
			run() { (cd "$$dir" && "$$binary" -test.run '^$$' -test.fuzz "^$$target$$" -test.fuzztime $(FUZZTIME) \
				-test.fuzzminimizetime 1x -test.fuzzcachedir "$$(go env GOCACHE)/fuzz/$$(go list)") 2>&1; }; \
			out=$$(run) || { case "$$out" in *"Failing input"*) false;; *"context deadline exceeded"*) out=$$(run);; *) false;; esac; } || \
				{ echo "$$out"; exit 1; }; \
			echo "$$out" | tail -2 | head -1; \
		done || exit 1; \
	done

bench: build sizes ## the whole table of BENCHMARKS.md and that of make sizes, half an hour; parts: go run ./cmd/benchmark -only floor -scale 0.1
	go run ./cmd/benchmark -write BENCHMARKS.md

sizes: build ## disk, memory and time to ready by the number of licenses: the table of docs/operating.md; some ten minutes, 10 GB
	go run ./cmd/benchmark sizes -write docs/operating.md

profile: build ## what a row costs at each stage: CPU, allocations, waits; the same of JetStream alone
	go run ./cmd/benchmark profile -keep bin/profile
	go run ./cmd/benchmark profile -keep bin/profile/floor -floor

large: build ## ten million rows in one file, a kill right after it, searches, and the file again; some twenty minutes, 25 GB
	go run ./cmd/benchmark large

scale: ## what a license and a company cost the NATS server: the figures of the plan in docs/scaling-out.md; some five minutes
	go run ./cmd/benchmark scale

pgo: build ## cmd/licenseimport/default.pgo, by which the compiler optimises
	go run ./cmd/benchmark pgo

memory: build ## what the role ingest needs for a file of 2 GB, and for an Excel workbook
	go run ./cmd/benchmark -only memory,workbook

chaos: ## kills and pauses at random for CHAOS_SECONDS (60), drawn from CHAOS_SEED; and programs with faults, which must be found
	CHAOS_SECONDS=$${CHAOS_SECONDS:-60} go test -count=1 -timeout 120m -run '^(TestChaos|TestChangesInChaos|TestFaultsAreFound|TestChangeFaultsAreFound)$$' -v ./internal/crashtest

chaos-cluster: ## the same on three NATS nodes that are killed, wiped and cut off meanwhile, one at a time
	CHAOS_NODES=3 CHAOS_SECONDS=$${CHAOS_SECONDS:-60} go test -count=1 -timeout 150m -run '^(TestChaos|TestChangesInChaos)$$' -v ./internal/crashtest

soak: ## 200,000 generated rows, in one process and in several; features of 50,000 licenses, with kills
	SOAK_ROWS=$${SOAK_ROWS:-200000} FEATURE_LICENSES=$${FEATURE_LICENSES:-50000} go test -count=1 -timeout 30m -run '^(TestGenerated|TestFeaturesAndKills)$$' -v ./internal/crashtest

races: ## 400 races each of two writers of one job, on one NATS node and on three
	LICENSEIMPORT_LONG=1 go test -count=1 -run '^(TestRaces|TestThreeReplicas)' ./events/eventlog

races-changes: ## 400 races each of updates, undos, cancels and imports of the same licenses, on one NATS node and on three; some twenty minutes
	LICENSEIMPORT_LONG=1 go test -count=1 -timeout 60m -run '^(TestUpdateRaces|TestUndoRaces)' ./processor

cluster: ## larger imports on three NATS nodes that are killed, wiped and cut off; backups of one
	CLUSTER_ROWS=$${CLUSTER_ROWS:-50000} go test -count=1 -timeout 20m -run '^(TestClusterInTrouble|TestChangesInAClusterInTrouble)$$' -v ./internal/crashtest
	go test -tags cluster -count=1 -run Cluster ./events/eventlog

powercut: ## POWERCUTS (4) power cuts, drawn from POWERCUT_SEED (1), on a file system that forgets what was not synced (Linux, as root, with /dev/fuse)
	go test -tags powercut -count=1 -timeout 60m -run '^(TestPowerCut|TestPowerCutFindsAMissingBarrier|TestPowerCutAfterAPurge|TestPowerCutFindsUnsyncedRewrites|TestWhatIsSyncedSurvives|TestSomeSurvives)$$' ./internal/crashtest/...

disk: ## a disk that fills up (as root, for a small file system in memory)
	go test -tags mount -count=1 -run DiskFillsUp ./internal/robustnesstest

long: ## more races and larger attacks than CI runs
	go test -race -count=1 -run '$(NODE_TESTS)' ./events/eventlog
	LICENSEIMPORT_LONG=1 go test -count=1 -timeout 20m ./internal/robustnesstest ./events/eventlog

screenshots: ## every view of the page to docs/screenshots (fonts: fonts-noto-core fonts-noto-cjk)
	go test -tags tools ./web/browsertest -count=1 -run 'Views|Cancels|Administers|StaysSignedIn|UnknownProducts' -screenshots docs/screenshots

reference: ## the viewer of the API reference, copied from its npm package
	cd internal/openapi/lint && npm ci --ignore-scripts --no-audit --no-fund
	for file in swagger-ui-bundle.js swagger-ui.css; do sed '/sourceMappingURL/d' internal/openapi/lint/node_modules/swagger-ui-dist/$$file > web/reference/$$file; done
	cp internal/openapi/lint/node_modules/swagger-ui-dist/LICENSE web/reference/LICENSE.md

run: build ## the server
	$(PROGRAM) serve
