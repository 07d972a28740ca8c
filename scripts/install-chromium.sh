#!/usr/bin/env bash
# Installs Debian's Chromium, in which the pages are tested, where it is missing.
set -euo pipefail

if [[ -x /usr/bin/chromium ]]; then
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y chromium
