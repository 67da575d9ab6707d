#!/usr/bin/env bash
# Makes sure that there is a Chromium for the browser tests: the machine's own, Debian's package, or Playwright's.
set -euo pipefail
python=$1
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ -d "/Applications/Google Chrome.app" ]; then exit 0; fi
if command -v apt-get >/dev/null; then
    sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo"
    if $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; then exit 0; fi
fi
"$python" -m playwright install --with-deps chromium
