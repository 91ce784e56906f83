#!/usr/bin/env bash
# Makes a minimal Debian 12 system in a folder, from the package sources of this machine.
#   tools/clean_root.sh FOLDER [PACKAGE...]
set -euo pipefail

folder=$1
include=$(IFS=,; echo "${*:2}")
"$(dirname "${BASH_SOURCE[0]}")/install_deps.sh" --clean-root
# mmdebstrap tells the two formats of sources apart by their content, so each file is passed on as it is.
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  if [[ -s $file ]]; then sources+=("$file"); fi
done
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
apt-config dump Acquire > "$settings"
mmdebstrap --quiet --variant=minbase ${include:+--include="$include"} --aptopt="$settings" bookworm "$folder" "${sources[@]}"
