#!/usr/bin/env bash
# Brings a real bitcoind (package bitcoin-knots of Debian's unstable suite) into one folder, beside the system and
# without touching it, and prints the command that runs it. Needs Debian's apt, its network and root; says so in one
# line and exits 3 where that is missing. About 10 s and 60 MB.
#
#   test/bitcoind.sh [folder]      default: .lanekit/bitcoind
set -euo pipefail

folder=$(mkdir -p "${1:-$(dirname "$0")/../.lanekit/bitcoind}" && cd "${1:-$(dirname "$0")/../.lanekit/bitcoind}" && pwd)
wrapper="$folder/bitcoind"
present() { [ -x "$wrapper" ] && "$wrapper" --version >/dev/null 2>&1; }
if present; then echo "$wrapper"; exit 0; fi
# One at a time: files of tests that run side by side ask at once.
exec 9> "$folder/lock"
if command -v flock >/dev/null 2>&1; then flock 9; fi
if present; then echo "$wrapper"; exit 0; fi

missing() { echo "no bitcoind here: $1" >&2; exit 3; }
command -v apt-get >/dev/null 2>&1 || missing "this system has no apt"
[ "$(id -u)" = 0 ] || missing "apt needs root"

# The mirror is the one this machine already uses.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | grep -v -- -security | head -n 1 || true)
[ -n "$mirror" ] || missing "apt names no Debian mirror"

state="$folder/apt"
mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial" "$state/parts" "$state/debs" "$folder/root"
: > "$state/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror unstable main" > "$state/sources.list"
# Images of Docker keep no index of packages: it would be made three times.
own=(-o "Dir::State=$state/state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache"
  -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin
  -o "Dir::Etc::sourcelist=$state/sources.list" -o "Dir::Etc::sourceparts=$state/parts" -o APT::Sandbox::User=root
  -o Acquire::Languages=none -o APT::Install-Recommends=false)
apt-get "${own[@]}" -qq update >/dev/null 2>&1 || missing "the package lists cannot be fetched"

packages=$(apt-get "${own[@]}" -s install bitcoin-knots 2>/dev/null | awk '$1 == "Inst" { print $2 }' | grep -vE '^(systemd|debconf|adduser|passwd|init-system-helpers)' || true)
[ -n "$packages" ] || missing "the package bitcoin-knots is not offered"
# shellcheck disable=SC2086
(cd "$state/debs" && apt-get "${own[@]}" -qq download $packages >/dev/null 2>&1) || missing "the packages cannot be fetched"
for deb in "$state"/debs/*.deb; do dpkg -x "$deb" "$folder/root"; done
rm -rf "$state"

daemon=$(find "$folder/root" -name bitcoind -type f | head -n 1)
loader=$(find "$folder/root" \( -name 'ld-linux-x86-64.so.2' -o -name 'ld-linux-aarch64.so.1' \) | head -n 1)
{ [ -n "$daemon" ] && [ -n "$loader" ]; } || missing "the packages hold no bitcoind"
libraries=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$daemon" > "$wrapper"
chmod +x "$wrapper"
"$wrapper" --version >/dev/null 2>&1 || missing "the fetched bitcoind does not run"
echo "$wrapper"
