#!/bin/sh
# Takes the picture of a report that the README shows: docs/picture.sh tieout-out/report.html docs/report.png
# Needs Chromium; the upper part of a page 1200 wide, down to the first bridge.
set -eu
page=$(realpath "$1")
picture=$(realpath "$2")
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$profile" \
  --virtual-time-budget=5000 --window-size=1200,"${3:-1560}" --screenshot="$picture" "file://$page"
