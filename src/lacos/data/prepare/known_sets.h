// The public test sets that lacos knows, with the number of rows and the hash of each converted
// file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lacos {

struct KnownSet {
  std::string_view task, name, subset, split;
  int64_t rows;
  // Hash of the converted file, as tools/golden/make_known_sets.py computed it from the archives.
  // Empty if the archive was not at hand.
  std::string_view sha256;
  // For sts, the first 16 digits of the SHA-256 of the scores alone, one a line. It is the same in
  // every edition.
  std::string_view scores_sha256;
  // The number of rows in another edition (SentEval's SST2 with phrases, its MSRP without val), or
  // 0 if it is the same.
  int64_t other_rows;
  bool optional;  // whether the set is left out of the list of missing sets
};

std::span<const KnownSet> KnownSets();
// The set with these names, or nullptr if lacos does not know it (for example a new language of
// Tatoeba).
const KnownSet* FindKnownSet(std::string_view task, std::string_view name, std::string_view subset,
                             std::string_view split);

}  // namespace lacos
