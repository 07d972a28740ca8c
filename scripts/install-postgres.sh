#!/usr/bin/env bash
# Installs Debian's PostgreSQL, on which the tests run the store, and PgBouncer, where they are missing. The tests start servers of their own.
set -euo pipefail

missing=()
if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" > /dev/null && ! command -v initdb > /dev/null; then
    missing+=(postgresql)
fi
if [[ ! -x /usr/sbin/pgbouncer ]] && ! command -v pgbouncer > /dev/null; then
    missing+=(pgbouncer)
fi
if ((${#missing[@]} == 0)); then
    exit 0
fi

if ! command -v apt-get > /dev/null || ((EUID != 0)); then
    echo "Install Debian's packages postgresql (15 or later) and pgbouncer, for the tests of Perdure.Postgres." >&2
    exit 1
fi

# Only the files: Debian would make a cluster, and start both for everybody at once.
mkdir -p /etc/postgresql-common
if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
fi

export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update
apt-get install -y "${missing[@]}"
