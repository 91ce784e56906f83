# The beginning of run.sh and paper.sh, which source this file: it reads their arguments SIZE and LANGUAGES and the
# environment, which their comments explain, and quantizes the base.
#
# Needs  prefix, with which the name of the default output folder begins
# Sets   here, size, languages, suites, out, lacos, and the arrays nli, quantize_flags, train_flags and eval_flags

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[[ $# -eq 2 && -f $here/$1.toml ]] || usage
size=$1 languages=$2
case $languages in
  english) suites=sts-en ;;
  multilingual) suites=sts-en,sts-multilingual ;;
  *) usage ;;
esac
: "${BLOOM:?names the folder of the original weights}" "${NLI:?names the training files}" "${SUITE:?names the prepared test sets}"
out=${OUT:-results/$prefix$size-$languages}
lacos=${LACOS:-$(command -v lacos || echo "$here/../build/release/bin/lacos")}
read -ra nli <<<"$NLI"
read -ra quantize_flags <<<"${QUANTIZE_FLAGS:-}"
read -ra train_flags <<<"${TRAIN_FLAGS:-}"
read -ra eval_flags <<<"${EVAL_FLAGS:-}"

mkdir -p "$out"
if [[ ! -f $out/base-int8/lacos.json ]]; then
  "$lacos" quantize --model "$BLOOM" --output "$out/base-int8" "${quantize_flags[@]}"
fi
