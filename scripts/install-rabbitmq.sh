#!/usr/bin/env bash
# Installs Debian's RabbitMQ, to which tests bridge topics, where it is missing. The tests start a broker of their own.
set -euo pipefail

if [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]]; then
    exit 0
fi

if ! command -v apt-get > /dev/null || ((EUID != 0)); then
    echo "Install Debian's package rabbitmq-server, for the tests of Perdure.RabbitMq and samples/Fulfilment." >&2
    exit 1
fi

# Only the files: Debian would start a broker for everybody at once.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y rabbitmq-server
