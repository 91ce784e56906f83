#!/usr/bin/env bash
# Installs the wheel in a minimal Debian system without any of our packages, as a new user would, and runs the demo there:
# `make wheel-test`. Needs root (mmdebstrap and chroot).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ -n $(compgen -G 'dist/lacos-*.whl') ]] || { echo "test_wheel.sh: expected dist/lacos-*.whl; run 'make wheel'" >&2; exit 1; }
root=$(mktemp -d "${TMPDIR:-/tmp}/lacos-wheel.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
tools/clean_root.sh "$root" python3-venv
python3 -m pip --version >/dev/null 2>&1 || { echo "test_wheel.sh: expected python3 with pip" >&2; exit 1; }
python3 -m pip download --quiet --disable-pip-version-check --only-binary :all: --dest "$root/wheels" 'numpy>=1.21'
cp dist/lacos-*.whl "$root/wheels/"

cat > "$root/try.sh" <<'TRY'
set -euo pipefail
cd /tmp
python3 -m venv venv
started=$(date +%s)
venv/bin/pip install --quiet --no-index --find-links /wheels lacos
venv/bin/lacos --version
venv/bin/lacos demo --output demo
echo "from pip install to the end of the demo: $(($(date +%s) - started)) s"
venv/bin/python - <<'PYTHON'
import lacos
with lacos.SentenceEncoder("demo/trained") as encoder:
    vectors = encoder.encode(["A man plays a guitar.", "Someone makes music.", "The bank raised its rates."])
    close, far = encoder.similarity(vectors[:1], vectors[1:])[0]
    assert close > far, (close, far)
PYTHON
found=$(compgen -G '/usr/share/doc/*dnnl*' || compgen -G '/usr/share/doc/*spdlog*' || true)
[[ -z $found ]] || { echo "test_wheel.sh: expected a system without our packages; found $found" >&2; exit 1; }
TRY
# With /proc, by which a program finds its own place, in a mount namespace that ends with the test.
unshare --mount --pid --fork --mount-proc="$root/proc" chroot "$root" /bin/bash /try.sh
