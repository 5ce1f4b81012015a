#!/usr/bin/env bash
# build.sh DIR: static binaries, archives, deb and rpm packages, and SHA256SUMS into DIR. The result depends
# on the source, COMMIT and SOURCE_DATE_EPOCH only (default: the last commit and its time): not on path, user or clock.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

VERSION=$(cat cmd/licenseimport/VERSION)
COMMIT=${COMMIT:-$(git describe --always --abbrev=40 --exclude='*' --dirty)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
BUILD=$(mktemp -d)
trap 'rm -rf "$BUILD"' EXIT
export VERSION SOURCE_DATE_EPOCH BUILD
rm -f "$out"/licenseimport* "$out/SHA256SUMS"

program() { # program GOOS GOARCH: to $BUILD
	CGO_ENABLED=0 GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false \
		-ldflags="-s -w -buildid= -X main.commit=$COMMIT" -o "$BUILD/licenseimport" ./cmd/licenseimport
}

# The manual page is made from the table that --help is made from: the same for every platform.
CGO_ENABLED=0 go run -trimpath -buildvcs=false ./cmd/licenseimport man >"$BUILD/licenseimport.1"
gzip -9nk "$BUILD/licenseimport.1"

archive() { # archive NAME: the program, its manual page and its licence, as NAME.tar.gz
	mkdir "$BUILD/$1"
	cp "$BUILD/licenseimport" "$BUILD/licenseimport.1" LICENSE README.md CHANGELOG.md "$BUILD/$1"
	tar -C "$BUILD" --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
		--mode=u=rwX,go=rX -cf - "$1" | gzip -9n >"$out/$1.tar.gz"
}

for platform in ${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}; do
	os=${platform%/*} arch=${platform#*/}
	program "$os" "$arch"
	archive "licenseimport-$VERSION-$os-$arch"
	[ "$os" = linux ] || continue
	for packager in deb rpm; do
		ARCH=$arch go tool -modfile=tools/nfpm/go.mod nfpm package -f deploy/packages/nfpm.yaml -p $packager -t "$out" >/dev/null
	done
done
(cd "$out" && sha256sum -- licenseimport* >SHA256SUMS)
