// The languages that BLOOM was trained on. Averages over other languages say more about the base
// than about the training.
#include "lacos/eval/results/languages.h"

#include <algorithm>
#include <iterator>

namespace lacos {
namespace {

// ISO 639-1 and 639-3 codes. Macrolanguages are listed with those members that test sets use.
constexpr std::string_view kCodes[] = {
    "ak",  "aka", "ar",  "ara", "arb", "arz", "as",  "asm", "bm",  "bam", "bn",  "ben",
    "ca",  "cat", "en",  "eng", "es",  "spa", "eu",  "eus", "fon", "fr",  "fra", "gu",
    "guj", "hi",  "hin", "id",  "ind", "ig",  "ibo", "ki",  "kik", "kn",  "kan", "lg",
    "lug", "ln",  "lin", "ml",  "mal", "mr",  "mar", "ne",  "nep", "npi", "nso", "ny",
    "nya", "or",  "ori", "ory", "pa",  "pan", "pt",  "por", "rn",  "run", "rw",  "kin",
    "sn",  "sna", "st",  "sot", "sw",  "swa", "swh", "ta",  "tam", "te",  "tel", "tn",
    "tsn", "ts",  "tso", "tum", "tw",  "twi", "ur",  "urd", "vi",  "vie", "wo",  "wol",
    "xh",  "xho", "yo",  "yor", "zh",  "zho", "cmn", "yue", "zu",  "zul"};

}  // namespace

bool IsBloomLanguage(std::string_view code) {
  return !code.empty() && std::ranges::find(kCodes, code) != std::end(kCodes);
}

bool AreBloomLanguages(const std::vector<std::string>& codes) {
  return std::all_of(codes.begin(), codes.end(),
                     [](const std::string& code) { return IsBloomLanguage(code); });
}

}  // namespace lacos
