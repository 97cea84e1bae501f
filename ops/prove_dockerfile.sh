#!/usr/bin/env bash
# Runs the steps of the Dockerfile in a clean Debian root with chroot instead of Docker, then the container's own
# command and health check as its unprivileged user. Needs root and debootstrap.
#
#   ops/prove_dockerfile.sh [WORK_FOLDER]
#
# FROM becomes debootstrap (with Python from Debian where the base image brings its own); RUN, COPY, ENV, USER, WORKDIR,
# HEALTHCHECK and ENTRYPOINT are read from the Dockerfile, so that what is proven is what is written there. The package
# mirror, pip's and apt's settings of this machine are used and are not part of the image.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d /var/tmp/earshot-docker.XXXXXX)}
found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true)
mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) bookworm main.*/\2/p; s/^URIs: *\([^ ]*\).*/\1/p' <<< "$found" | sed -n 1p)
mirror=${EARSHOT_MIRROR:-${mirror:-http://deb.debian.org/debian}}
say() { printf '\n== %s\n' "$*"; }

say "clean root in $work"
if [ ! -e "$work/base/.complete" ]; then
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base" "$mirror" > "$work.debootstrap.log" 2>&1 ||
        { tail -5 "$work.debootstrap.log"; exit 1; }
    touch "$work/base/.complete"
fi
python3 "$project/ops/dockerfile_steps.py" "$project" "$work"
