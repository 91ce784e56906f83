#!/usr/bin/env bash
# Installs, upgrades and purges the packages of `make deb` in a minimal Debian system: `make deb-test`. Needs root
# (mmdebstrap and chroot).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for name in lacos liblacos0 liblacos-dev; do
  [[ -n $(compgen -G "dist/${name}_*.deb") ]] || { echo "test_deb.sh: expected dist/${name}_*.deb; run 'make deb'" >&2; exit 1; }
done
root=$(mktemp -d "${TMPDIR:-/tmp}/lacos-deb.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
# What the packages depend on is installed while the system is made, since a chroot may have no network.
depends=$(for package in dist/*.deb; do dpkg-deb --field "$package" Depends; done | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g' |
  grep -v '^liblacos' | sort -u)
tools/clean_root.sh "$root" $depends g++ cmake make pkg-config man-db bash-completion
mkdir "$root/packages" "$root/newer"
cp dist/*.deb "$root/packages/"
# The same packages with a higher version, to upgrade to.
for package in dist/*.deb; do
  tree=$(mktemp -d)
  dpkg-deb --raw-extract "$package" "$tree"
  sed -i -E 's/^(Version: .*)$/\1+newer/; s/\(= ([^)]*)\)/(= \1+newer)/' "$tree/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip -z1 --build "$tree" "$root/newer/$(basename "$package")" >/dev/null
  rm -rf "$tree"
done
cp -r tests/api/foreign "$root/foreign"

cat > "$root/try.sh" <<'TRY'
set -euo pipefail
cd /tmp
dpkg --install /packages/*.deb >/dev/null
lacos --version
lacos demo --output demo | tail -n 3
man --path lacos-train >/dev/null
bash -c '. /usr/share/bash-completion/completions/lacos; COMP_WORDS=(lacos train --lear) COMP_CWORD=2; _lacos; [[ ${COMPREPLY[*]} == --learning-rate ]]'
bash -c '. /usr/share/bash-completion/completions/lacos; COMP_WORDS=(lacos train --loss co) COMP_CWORD=3; _lacos; [[ ${COMPREPLY[*]} == "cosine cosent" ]]'
cmake -S /foreign -B foreign >/dev/null
cmake --build foreign >/dev/null
# As in examples/serve/Dockerfile: a user without rights serves a model.
useradd --system --no-create-home --shell /usr/sbin/nologin lacos
setpriv --reuid=lacos --regid=lacos --clear-groups lacos serve --model /usr/share/lacos/demo/bloom-nano --listen 127.0.0.1:0 > serving &
for _ in $(seq 100); do [[ -s serving ]] && break; sleep 0.1; done
exec 3<>/dev/tcp/127.0.0.1/$(sed 's/.*://' serving)
printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
grep -q '200 OK' <&3
exec 3>&-
kill %1
wait %1
mkdir work
foreign/foreign /usr/share/lacos/demo/bloom-nano /usr/share/lacos/demo/data work
cc -o embed "/usr/share/doc/lacos/examples/embed.c" $(pkg-config --cflags --libs lacos)
./embed demo/trained 'A man plays a guitar.' 'Someone makes music.'
dpkg --install /newer/*.deb >/dev/null
dpkg-query --show 'lacos' 'liblacos*'
lacos --version
dpkg --purge lacos liblacos-dev liblacos0 >/dev/null
TRY
# With /proc, by which a program finds its own place, in a mount namespace that ends with the test.
unshare --mount --pid --fork --mount-proc="$root/proc" chroot "$root" /bin/bash /try.sh
left=$(cd "$root" && find usr etc var -name '*lacos*')
[[ -z $left ]] || { echo "test_deb.sh: the purged packages left $left" >&2; exit 1; }
echo "the packages were installed, used, upgraded and purged"
