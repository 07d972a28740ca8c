#!/usr/bin/env bash
# Installs Debian's PostgreSQL, on which the tests run the store, where it is missing. The tests start a server of their own.
set -euo pipefail

if compgen -G "/usr/lib/postgresql/*/bin/initdb" > /dev/null || command -v initdb > /dev/null; then
    exit 0
fi

if ! command -v apt-get > /dev/null || ((EUID != 0)); then
    echo "Install Debian's package postgresql (15 or later), for the tests of Perdure.Postgres." >&2
    exit 1
fi

# Only the files: Debian would make a cluster and start it for everybody at once.
mkdir -p /etc/postgresql-common
if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y postgresql
