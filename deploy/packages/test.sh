#!/usr/bin/env bash
# test.sh DIR: checks what build.sh made in DIR. As root it installs the deb of this machine, then the rpm (with a
# database of its own), runs each as the unit says, and removes it again; others get the checks that need no root.
set -euo pipefail
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
version=$(cat cmd/licenseimport/VERSION)
arch=$(go env GOARCH)
deb=$(ls "$dir"/*_"$arch".deb)
rpm=$(ls "$dir"/*."$(uname -m)".rpm)
work=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

echo "the same bytes from another directory, as another clock and umask have it"
mkdir "$work/source"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$work/source"
COMMIT=$(git describe --always --abbrev=40 --exclude='*' --dirty) SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) \
	bash -c "umask 077; TZ=Asia/Tokyo '$work/source/deploy/packages/build.sh' '$work/dist'"
diff "$dir/SHA256SUMS" "$work/dist/SHA256SUMS"
(cd "$dir" && sha256sum --quiet -c SHA256SUMS)

echo "deb and rpm hold the same files"
files() { sed 's|^\./|/|; s|/$||' | grep -E '^/(etc|usr)/.*licenseimport' | grep -vE '^/(etc|usr/share/doc)/licenseimport$' | sort; }
dpkg-deb --fsys-tarfile "$deb" | tar -t | files >"$work/deb"
rpm -qpl "$rpm" | files >"$work/rpm"
test -s "$work/deb"
diff "$work/deb" "$work/rpm"

mkdir "$work/root"
dpkg-deb -x "$deb" "$work/root"
gzip -dc "$work/root/usr/share/man/man1/licenseimport.1.gz" | grep '^\.TH LICENSEIMPORT 1' # the root is whole: slim images install no pages
"$work/root/usr/bin/licenseimport" --version | grep -F "licenseimport $version, commit $(git rev-parse HEAD)"

if [ "$(id -u)" != 0 ] || dpkg -s licenseimport >/dev/null 2>&1 || [ -e /var/lib/licenseimport ]; then
	echo "THE PACKAGES WERE NOT INSTALLED: that needs root, and a machine without licenseimport"
	exit 0
fi
rpm() { command rpm --dbpath "$work/rpmdb" --nodeps "$@" 2> >(grep -v '^rpm: ' >&2); } # Debian's rpm warns of itself
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	dpkg --purge licenseimport >/dev/null 2>&1 || true
	[ ! -e "$work/rpmdb" ] || rpm -e licenseimport >/dev/null 2>&1 || true
	rm -rf "$work" /var/lib/licenseimport
}
unit=/usr/lib/systemd/system/licenseimport.service
as() { setpriv --reuid licenseimport --regid licenseimport --clear-groups --no-new-privs --bounding-set=-all "$@"; }

# What systemd does with the unit: its directory, its user, its command; here at free ports.
serves() {
	systemd-analyze verify "$unit"
	systemd-analyze security --no-pager --offline=yes --threshold=20 "$unit" | tail -n 1
	install -d -m 0700 -o licenseimport -g licenseimport /var/lib/licenseimport
	cd /var/lib/licenseimport
	LICENSEIMPORT_HTTP=127.0.0.1:0 LICENSEIMPORT_NATS_PORT=-1 setpriv --reuid licenseimport --regid licenseimport \
		--clear-groups --no-new-privs --bounding-set=-all $(sed -n 's/^ExecStart=//p' "$unit") >"$work/log" 2>&1 &
	server=$!
	for _ in $(seq 150); do
		as licenseimport status --data /var/lib/licenseimport >/dev/null 2>&1 && break
		kill -0 "$server" || { cat "$work/log"; exit 1; }
		sleep 0.2 # between two tries
	done
	licenseimport template >"$work/licenses.csv"
	licenseimport import "$work/licenses.csv" --data /var/lib/licenseimport
	! grep -F "$(cat /var/lib/licenseimport/admin.key)" "$work/log" # the key is not in the log
	kill -TERM "$server"
	wait "$server"
	server=
	as licenseimport rebuild --data /var/lib/licenseimport
}

removed() { # removed: the program is gone, the data stays
	test ! -e /usr/bin/licenseimport -a ! -e "$unit" -a -d /var/lib/licenseimport/nats
	rm -rf /var/lib/licenseimport
}

dpkg -i "$deb"
serves
dpkg --remove licenseimport
removed
dpkg --purge licenseimport
echo "the deb: installed, served, removed; the data stayed"
rpm -i "$rpm"
serves
rpm -e licenseimport
removed
echo "the rpm: installed, served, removed; the data stayed"
