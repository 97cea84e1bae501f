#!/usr/bin/env bash
# Builds the image with buildah and runs it: doctor, two sample calls, the health check. Needs root, no daemon.
#
#   ops/prove_image.sh [BASE_IMAGE_ROOT]
#
# Where no image registry can be reached, name a Debian root as made by
#   debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm BASE_IMAGE_ROOT
# It then replaces the base image. This machine's pip and apt settings are mounted during the build and do not become part of the image.
set -euo pipefail
cd "$(dirname "$0")/.."

base=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' Dockerfile | head -n 1)
store=$(mktemp -d /var/tmp/earshot-image.XXXXXX)
trap 'rm -rf "$store"' EXIT
buildah() { command buildah --root "$store/images" --runroot "$store/run" --storage-driver vfs "$@"; }

# `cpu` is `app` by another name: a copy less.
options=(--isolation chroot --format docker --target app --tag earshot)
if [ $# -gt 0 ]; then
    container=$(buildah from scratch)
    buildah copy --quiet "$container" "$1" / > /dev/null
    buildah commit --quiet --rm "$container" "docker.io/library/$base" > /dev/null
    options+=(--pull-never)
fi
for file in /etc/pip.conf /root/.config/pip/pip.conf /etc/apt/sources.list /etc/apt/sources.list.d /usr/share/keyrings \
    /etc/ssl/certs "${PIP_FIND_LINKS:-}"; do
    if [ -e "$file" ]; then options+=(--volume "$file:$file:ro"); fi
done
buildah build "${options[@]}" .

container=$(buildah from --pull-never earshot)
inside() { buildah run --isolation chroot "$container" -- "$@"; }
failed=0
for words in "doctor" "--limit 2" "" "status --json"; do  # "" is a second run: nothing to do
    printf '\n== python run.py %s\n' "$words"
    # shellcheck disable=SC2086 - several words are meant
    inside python run.py $words || { echo "exit $?"; failed=1; }
done
printf '\n== size of the image, MB: '
buildah inspect --type image --format '{{.FromImageID}}' earshot > /dev/null
du -sm "$(buildah mount "$container")" | cut -f1
exit "$failed"
