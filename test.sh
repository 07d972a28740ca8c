#!/usr/bin/env bash
# Builds everything and runs every test. The last line printed is the total: "N passed, N failed".
#   ./test.sh          what a change must pass
#   ./test.sh --long   the same, with the long runs (PERDURE_LONG=1)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() { echo "usage: ./test.sh [--long]" >&2; exit 2; }
hang_limit=10m
for arg in "$@"; do
    case "$arg" in
        --long) export PERDURE_LONG=1; hang_limit=60m ;;
        *) usage ;;
    esac
done

# No server of the build outlives this script. (MSBuild reads properties from the environment, too.)
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false UseRazorBuildServer=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

results=TestResults
passed=0 failed=0 skipped=0
complaints=()

complain() { complaints+=("$1"); echo "FAILED: ${1%%$'\n'*}"; }

# check NAME COMMAND...: one pass or fail by the command's exit code.
check() {
    local name=$1
    shift
    echo "== $name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        complain "$name"
    fi
}

# counter TRX NAME: one number of a result file's summary.
counter() { sed -n "s/.*<Counters [^>]*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1; }

# failures LOG: the failed tests of a run and how their messages begin, for the end of the output.
failures() { grep -E -A 8 '^  Failed ' "$1" | cut -c 1-300 | sed 's/^/    /'; }

# Runs one test project and adds what its result file says. A run that fails without naming a failed test, or was cut
# short (the host crashed, or hung past the limit), counts as one failure more.
run_tests() {
    local project=$1 name log trx code=0 total=0 executed=0 good=0 bad=0
    name=$(basename "$project" .csproj)
    log="$results/$name.log"
    trx="$results/$name.trx"
    echo "== $name"
    dotnet test "$project" --no-build --configuration Release --results-directory "$results" \
        --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=normal" \
        --blame --blame-hang-timeout "$hang_limit" --blame-hang-dump-type none \
        > "$log" 2>&1 < /dev/null || code=$?

    if [[ -f $trx ]]; then
        total=$(counter "$trx" total) executed=$(counter "$trx" executed)
        good=$(counter "$trx" passed) bad=$(counter "$trx" failed)
    fi
    total=${total:-0} executed=${executed:-0} good=${good:-0} bad=${bad:-0}

    if ((code != 0)) && { ((bad == 0)) || grep -qE "Test Run Aborted|test run was aborted" "$log"; }; then
        bad=$((bad + 1))
        complain "$name: the run ended early, exit code $code"
    elif ((bad > 0)); then
        complain "$name: $bad failed"$'\n'"$(failures "$log")"
    fi
    if ((code != 0 || bad > 0)); then
        cat "$log"
    elif ((total == 0)); then
        echo "   has no tests"
    fi

    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + total - executed))
    echo "   $good passed, $bad failed"
}

run_samples() {
    local data
    data=$(mktemp -d)
    check "sample Orders" dotnet samples/Orders/bin/Release/net10.0/Orders.dll --data "$data/orders"
    check "sample Fulfilment" dotnet samples/Fulfilment/bin/Release/net10.0/Fulfilment.dll --data "$data/fulfilment"
    rm -rf "$data"
}

run_bench() {
    check "bench, short" bench/run.sh --short --no-build
    if [[ -n ${PERDURE_LONG:-} ]]; then
        check "soak of ten minutes on PostgreSQL" dotnet bench/Perdure.Bench/bin/Release/net10.0/Perdure.Bench.dll soak --store postgres --clients 16
    fi
}

build() {
    dotnet restore Perdure.slnx --locked-mode -m:2 &&
        dotnet build Perdure.slnx --no-restore --configuration Release -warnaserror -m:2
}

rm -rf "$results"
mkdir -p "$results"

if build; then
    check "Chromium is there" scripts/install-chromium.sh
    check "PostgreSQL is there" scripts/install-postgres.sh
    check "RabbitMQ is there" scripts/install-rabbitmq.sh
    for project in tests/*/*Tests.csproj tests/Perdure.Simulation/Perdure.Simulation.csproj; do
        run_tests "$project"
    done
    run_samples
    run_bench
else
    failed=1
    complain "the build"
fi

echo
for complaint in "${complaints[@]}"; do
    echo "FAILED: $complaint"
done
total="$passed passed, $failed failed"
if ((skipped > 0)); then
    total+=", $skipped skipped"
fi
echo "$total"
((failed == 0))
