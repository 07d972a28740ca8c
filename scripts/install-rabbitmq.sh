#!/usr/bin/env bash
# Installs Debian's RabbitMQ, to which tests bridge topics, where it is missing. The tests start a broker of their own.
set -euo pipefail

if [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]]; then
    exit 0
fi

if ! command -v apt-get > /dev/null || ((EUID != 0)); then
    echo "Install Debian's package rabbitmq-server, for the tests of Perdure.RabbitMq." >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y rabbitmq-server
