#!/usr/bin/env bash
# Installs the Debian 12 packages for building and testing lacos. Needs root or sudo unless all are installed already.
#   tools/install_deps.sh [--core|--fuzz|--threads|--coverage|--pages|--tidy|--clean-root]
#     --core: only what `make quickstart` needs, which is everything but Boost;
#     --fuzz, --threads: also clang with libFuzzer and the sanitizers; --coverage: also gcovr; --pages: also chromium;
#     --tidy: also clang-tidy; --clean-root: also mmdebstrap, which makes the minimal systems that packages are tried in
set -euo pipefail

packages=(
  g++ make cmake ninja-build pkg-config git ca-certificates python3 python3-venv
  libdnnl-dev libhwy-dev libomp-dev
  libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev
  libssl-dev zlib1g-dev libzstd-dev libarchive-dev libonig-dev libutf8proc-dev liblinear-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  clang-format ccache
)

# Only the server and a test need Boost. 1.81 and Debian's default, 1.74, cannot be installed together.
[[ ${1:-} == --core ]] || packages+=(libboost1.81-dev libboost-context1.81-dev)
[[ ${1:-} == --fuzz || ${1:-} == --threads ]] && packages+=(clang libclang-rt-dev)
[[ ${1:-} == --coverage ]] && packages+=(gcovr)
[[ ${1:-} == --pages ]] && packages+=(chromium)
[[ ${1:-} == --tidy ]] && packages+=(clang-tidy)
[[ ${1:-} == --clean-root ]] && packages+=(mmdebstrap)

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

run=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "install_deps.sh: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  run=(sudo)
fi
echo "installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get update -qq
# Nothing is removed: the headers of Boost 1.74, if they are installed, stay until their owner decides.
"${run[@]}" apt-get install -y -qq --no-install-recommends --no-remove "${missing[@]}" >/dev/null
