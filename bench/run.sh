#!/usr/bin/env bash
# The budgets' table: floor and saga3, queue-floor and queue, queue and publish by turns, at 64 and at 256 clients, each for about 5 s; medians and ratios.
#   bench/run.sh [K]       K rounds (3)
#   bench/run.sh --short   for CI, about 20 s: one short run of every workload; fails on a broken run, never on a slow one
#   --no-build             takes the Release build that is there
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
project="$root/bench/Perdure.Bench"
bench="$project/bin/Release/net10.0/Perdure.Bench.dll"
seconds_each=5

usage() { echo "usage: bench/run.sh [K] [--short] [--no-build]" >&2; exit 2; }
rounds=3 short=0 build=1
for arg in "$@"; do
    case "$arg" in
        --short) short=1 ;;
        --no-build) build=0 ;;
        *) [[ $arg =~ ^[1-9][0-9]?$ ]] || usage; rounds=$arg ;;
    esac
done

# field NAME: that number of the JSON line on standard input.
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }

# run ARG...: runs the bench, keeps its last line in $line; a run that breaks ends the script.
run() {
    local code=0
    line=$(dotnet "$bench" "$@" | tail -n 1) || code=$?
    if ((code != 0)) || [[ -z $(field per_second <<< "$line") ]]; then
        echo "BROKEN: $* (exit code $code): $line" >&2
        exit 1
    fi
}

# measure WORKLOAD CLIENTS N: runs it and notes what the table needs.
declare -A rates=() costs=()
measure() {
    run "$1" --clients "$2" --n "$3"
    local cost
    cost=$(awk -v cpu="$(field cpu_seconds <<< "$line")" -v n="$3" 'BEGIN { printf "%.1f", cpu * 1000000 / n }')
    echo "$line"
    rates[$1-$2]+="$(field per_second <<< "$line") "
    costs[$1-$2]+="$cost "
}

median() { tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

table() {
    local floor=$1 workload=$2 clients bare full
    printf '\n%8s %14s %12s %7s %14s %14s\n' clients "$floor/s" "$workload/s" ratio 'floor µs each' "$workload µs each"
    for clients in 64 256; do
        bare=$(median <<< "${rates[$floor-$clients]}") full=$(median <<< "${rates[$workload-$clients]}")
        printf '%8s %14.0f %12.0f %7.2f %13.1f %13.1f\n' "$clients" "$bare" "$full" \
            "$(awk -v a="$full" -v b="$bare" 'BEGIN { print a / b }')" \
            "$(median <<< "${costs[$floor-$clients]}")" "$(median <<< "${costs[$workload-$clients]}")"
    done
}

if ((build)); then
    dotnet build "$project" -c Release --nologo -v quiet
fi

if ((short)); then
    for clients in 64 256; do
        measure floor "$clients" 20000
        measure saga3 "$clients" 20000
    done
    for smoke in "compensate --n 500" "signal --n 500" "signal --n 500 --hold" "timer --n 200" "history --n 500" "saga3 --n 500 --store memory" "saga3 --n 500 --store postgres" "queue --n 2000 --store postgres" "publish --n 500 --store postgres" "floor --n 2000 --store postgres" "queue-floor --n 5000 --store postgres" "saga3 --n 100 --clients 1 --bare-commit" "queue-floor --n 5000" "queue --n 2000" "queue --n 2000 --limits" "queue --n 2000 --only-enqueue" "queue --n 2000 --hold" "publish --n 2000"; do
        # shellcheck disable=SC2086
        run $smoke --cold
        echo "$line"
    done
    table floor saga3
    exit 0
fi

declare -A n=()
for clients in 64 256; do
    for workload in floor saga3 queue-floor queue publish; do
        run "$workload" --clients "$clients" --n 20000
        n[$workload-$clients]=$(awk -v rate="$(field per_second <<< "$line")" -v s="$seconds_each" 'BEGIN { printf "%d", rate * s / 1000 + 1 }')000
    done
done
for ((round = 0; round < rounds; round++)); do
    for clients in 64 256; do
        for workload in floor saga3 queue-floor queue publish; do
            measure "$workload" "$clients" "${n[$workload-$clients]}"
        done
    done
done
table floor saga3
table queue-floor queue
table queue publish
