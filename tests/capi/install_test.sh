#!/usr/bin/env bash
# Installs into a folder, then builds the C test, the examples and a foreign CMake project with nothing but the installed
# files.
# Usage: install_test.sh SOURCE BUILD
set -euo pipefail

source=$1 build=$2
stage=$build/tests/capi/install_test.work
rm -rf "$stage"
mkdir -p "$stage"

fail() { echo "install_test: $*" >&2; exit 1; }

DESTDIR=$stage/root cmake --install "$build" --prefix /opt/any >"$stage/install.log"
prefix=$stage/root/opt/any
for file in bin/lacos libexec/lacos/lacos-serve lib/liblacos.so include/lacos.h lib/pkgconfig/lacos.pc share/doc/lacos/LICENSE; do
  [[ -e $prefix/$file ]] || fail "$file was not installed"
done
if find "$prefix" -name '*.py' -path '*/site-packages/*' | grep -q .; then fail "the Python package was installed too"; fi

# The staged tree works without changes, because the .pc file derives the prefix from its own path.
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
version=$("$prefix/bin/lacos" --version)
[[ $version == "lacos $(pkg-config --modversion lacos)" ]] || fail "lacos.pc has another version than '$version'"

read -r -a flags <<<"$(pkg-config --cflags --libs lacos)"
cc -std=c11 -pedantic -Wall -Wextra -Werror -O1 -o "$stage/capi_test" "$source"/tests/capi/*.c "${flags[@]}" -pthread -lm
cc -std=c11 -pedantic -Wall -Wextra -Werror -o "$stage/embed" "$prefix/share/doc/lacos/examples/embed.c" "${flags[@]}"
echo '#include <lacos.h>
int main() { lacos_options options = {}; options.struct_size = sizeof options; return lacos_open("", &options, nullptr) == LACOS_OK; }' \
  >"$stage/cplusplus.cc"
c++ -std=c++11 -pedantic -Wall -Werror -o "$stage/cplusplus" "$stage/cplusplus.cc" "${flags[@]}"

c++ -std=c++17 -pedantic -Wall -Wextra -Werror -o "$stage/embed_cc" "$prefix/share/doc/lacos/examples/embed.cc" "${flags[@]}"

# The library must export only the C interface and what LACOS_API marks in the C++ interface.
others=$(nm --dynamic --defined-only --demangle --without-symbol-versions "$prefix/lib/liblacos.so" | cut -d' ' -f3- |
  grep -vE '^(lacos_|LACOS_|lacos::v0::(Version|Error|Cancelled|SentenceEncoder|Server|Quantize|Train|Evaluate|Similarities|Cosines|Nearest)\b|(typeinfo( name)?|vtable) for lacos::v0::(Error|Cancelled)$)' || true)
[[ -z $others ]] || fail "liblacos.so exports more than its two interfaces: $others"

export LD_LIBRARY_PATH=$prefix/lib
"$stage/cplusplus"
[[ $(readelf --dynamic "$stage/embed" | grep --count 'NEEDED.*liblacos.so.0\]') == 1 ]] || fail "the example does not need liblacos.so.0"
mkdir "$stage/work"
"$stage/capi_test" "$prefix/bin/lacos" "$source/examples/bloom-nano" "$stage/work"
"$stage/embed" "$source/examples/bloom-nano" 'A man plays a guitar.' 'Someone makes music.' >"$stage/embed.out"
grep -qE '^-?[01]\.[0-9]{6}$' "$stage/embed.out" || fail "the example printed: $(cat "$stage/embed.out")"
"$stage/embed_cc" "$source/examples/bloom-nano" 'A man plays a guitar.' 'Someone makes music.' >"$stage/embed_cc.out"
awk -v a="$(cat "$stage/embed.out")" -v b="$(cat "$stage/embed_cc.out")" 'BEGIN { exit !(a - b < 0.02 && b - a < 0.02) }' ||
  fail "the C++ example printed $(cat "$stage/embed_cc.out"), and the C example $(cat "$stage/embed.out")"

# A foreign project finds the package in a tree that is staged for /usr, which its files do not name.
unset LD_LIBRARY_PATH PKG_CONFIG_PATH
DESTDIR=$stage/usr_root cmake --install "$build" --prefix /usr >>"$stage/install.log"
if grep -rnE '["=( ]/[a-z]|find_dependency' "$stage/usr_root/usr/lib/cmake/lacos" --include='*.cmake' | grep -vE '^[^:]*:[0-9]+:#'; then
  fail "the package's files name an absolute path or another package"
fi
cmake -S "$source/tests/api/foreign" -B "$stage/foreign" -DCMAKE_PREFIX_PATH="$stage/usr_root/usr" -DCMAKE_BUILD_TYPE=Debug \
  >"$stage/foreign.log" || fail "the foreign project was not configured: $(tail -5 "$stage/foreign.log")"
mkdir "$stage/foreign_work"
cmake --build "$stage/foreign" >>"$stage/foreign.log" || fail "the foreign project was not built: $(tail -20 "$stage/foreign.log")"
"$stage/foreign/foreign" "$source/examples/bloom-nano" "$source/examples/data" "$stage/foreign_work"
