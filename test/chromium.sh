#!/usr/bin/env bash
# Prints the command of a Chromium: CHROMIUM, else one on the PATH, else one that it brings from Debian's packages into one
# folder, beside the system and without touching it. That needs Debian's apt, its network and root; where it is
# missing, says so in one line and exits 3. About 30 s and 400 MB.
#
#   test/chromium.sh [folder]      default: .lanekit/chromium
set -euo pipefail

for found in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
  if [ -n "$found" ] && command -v "$found" >/dev/null 2>&1; then command -v "$found"; exit 0; fi
done

folder=$(mkdir -p "${1:-$(dirname "$0")/../.lanekit/chromium}" && cd "${1:-$(dirname "$0")/../.lanekit/chromium}" && pwd)
wrapper="$folder/chromium"
if [ -x "$wrapper" ] && "$wrapper" --version >/dev/null 2>&1; then echo "$wrapper"; exit 0; fi

missing() { echo "no Chromium here: $1" >&2; exit 3; }
command -v apt-get >/dev/null 2>&1 || missing "this system has no apt"
[ "$(id -u)" = 0 ] || missing "apt needs root"

# Lists of its own, so that the system's stay as they are; what is installed already is not fetched again.
state="$folder/apt"
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs" "$folder/root"
own=(-o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state/cache" -o APT::Sandbox::User=root
  -o Acquire::Languages=none -o APT::Install-Recommends=false)
apt-get "${own[@]}" -qq update >/dev/null 2>&1 || missing "the package lists cannot be fetched"
packages=$(apt-get "${own[@]}" -s install chromium fonts-liberation 2>/dev/null | awk '$1 == "Inst" { print $2 }' || true)
[ -n "$packages" ] || missing "the package chromium is not offered"
# shellcheck disable=SC2086
(cd "$state/debs" && apt-get "${own[@]}" -qq download $packages >/dev/null 2>&1) || missing "the packages cannot be fetched"
for deb in "$state"/debs/*.deb; do dpkg -x "$deb" "$folder/root"; done
rm -rf "$state"

binary="$folder/root/usr/lib/chromium/chromium"
[ -x "$binary" ] || missing "the packages hold no Chromium"
libraries=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$binary" > "$wrapper"
chmod +x "$wrapper"
"$wrapper" --version >/dev/null 2>&1 || missing "the fetched Chromium does not run"
echo "$wrapper"
