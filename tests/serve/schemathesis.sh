#!/usr/bin/env bash
# Asks a server what /openapi.json allows, and what it does not, with all checks of schemathesis: `make serve-openapi`.
#
# LACOS     the program (default build/release/bin/lacos)
# EXAMPLES  cases of each operation and phase (default 1200, which makes some 20,000 cases)
# PYTHON    an interpreter with requirements.txt installed (default: the environment of run_clients.sh)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

python=${PYTHON:-build/clients-venv/bin/python}
work=$(mktemp -d "${TMPDIR:-/tmp}/lacos-openapi.XXXXXX")
mkdir "$work/adapters"
echo "tester $(printf secret | sha256sum | cut -d' ' -f1) admin" >"$work/keys"  # so that the routes of adapters answer, too
"${LACOS:-build/release/bin/lacos}" serve --model examples/bloom-nano --listen 127.0.0.1:0 --api-keys "$work/keys" --adapter-root "$work/adapters" \
  >"$work/line" &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
until grep -q http "$work/line"; do sleep 0.2; kill -0 $server; done
url=$(grep -o 'http://[^ ]*' "$work/line")
schemathesis=$(realpath "$(dirname "$python")")/schemathesis config=$PWD/tests/serve/schemathesis.toml
cd "$work"  # it keeps what it finds in the current folder
"$schemathesis" --config-file "$config" run "$url/openapi.json" \
  --header 'Authorization: Bearer secret' --max-examples "${EXAMPLES:-1200}" --continue-on-failure --no-color --output-truncate true "$@"
