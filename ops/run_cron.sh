#!/usr/bin/env bash
# Earshot from cron: 15 1 * * *  /opt/earshot/ops/run_cron.sh --max-hours 6
#
# Goes to the project's folder, keeps what the run prints in output/cron/, passes all arguments on to run.py and ends
# with its exit code. No lock is needed: a run that finds another at work ends with 4.
#
#   EARSHOT_CRON_LOGS       folder for what is printed       (output/cron)
#   EARSHOT_CRON_KEEP       how many of those files are kept (30)
#   EARSHOT_PYTHON          interpreter                      (.venv/bin/python)
set -uo pipefail
umask 077

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." || exit 3
logs=${EARSHOT_CRON_LOGS:-output/cron}
keep=${EARSHOT_CRON_KEEP:-30}
python=${EARSHOT_PYTHON:-.venv/bin/python}
case $logs in /*) ;; *) logs=$PWD/$logs ;; esac
if [ ! -x "$python" ]; then
    echo "$python: not there (from $PWD); run \`make setup\` first, or set EARSHOT_PYTHON" >&2
    exit 3
fi
case $keep in '' | *[!0-9]* | 0) echo "EARSHOT_CRON_KEEP=$keep: give a number above 0" >&2; exit 2 ;; esac
mkdir -p "$logs" || exit 3
log=$logs/cron_$(date -u +%Y%m%d_%H%M%S)_$$.log

# MLX on a Linux CPU needs OpenBLAS preloaded (docs/operations.md).
for blas in /usr/lib/*-linux-gnu/openblas-pthread/libopenblas.so.0; do
    if [ -e "$blas" ] && [ -z "${LD_PRELOAD:-}" ]; then export LD_PRELOAD=$blas; fi
done

# The run gets each signal once, from here, and this script ends after it. `set -m` gives it its own process group:
# otherwise Ctrl-C would also reach it from the terminal, and a second signal drops the calls in progress. With `set -m`
# bash also does not start it with Ctrl-C ignored.
# Checked once a second: a `wait` of hours can miss a signal that comes just before it.
run=
early=
pass_on() { if [ -n "$run" ]; then kill -s "$1" "$run" 2>/dev/null; else early=$1; fi; }
for name in TERM INT HUP; do trap "pass_on $name" "$name"; done
set -m
"$python" run.py "$@" > "$log" 2>&1 &
run=$!
set +m
[ -n "$early" ] && kill -s "$early" "$run" 2>/dev/null
while kill -0 "$run" 2>/dev/null; do sleep 1; done
wait "$run"
code=$?
trap - TERM INT HUP
echo "exit $code" >> "$log"

# A glob sorts by name, and the names by time: the oldest come first.
printed=("$logs"/cron_*.log)
for ((i = 0; i < ${#printed[@]} - keep; i++)); do rm -f -- "${printed[i]}"; done

# cron mails what is printed: nothing after a good night.
if [ "$code" -ne 0 ]; then
    case $code in 5) meaning=", finished but something needs attention" ;; 1) meaning=", some calls failed" ;; *) meaning= ;; esac
    echo "Earshot ended with $code$meaning; $log ends:"
    tail -n 25 "$log"
fi
exit "$code"
