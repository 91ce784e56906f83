// The public test sets that lacos knows: how many rows each file has and what the converted file
// hashes to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lacos {

struct KnownSet {
  std::string_view task, name, subset, split;
  int64_t rows;
  // Of the converted file, as the archives of tools/golden/make_known_sets.py give it; empty: not
  // at hand then.
  std::string_view sha256;
  // sts: the first 16 digits of the SHA-256 of the scores alone, one a line: the same in every
  // edition.
  std::string_view scores_sha256;
  // Rows in another edition (SentEval's SST2 with phrases, its MSRP that has no val); 0: the same.
  int64_t other_rows;
  bool optional;  // not listed as missing
};

std::span<const KnownSet> KnownSets();
// Nothing where lacos does not know the set (a new language of Tatoeba).
const KnownSet* FindKnownSet(std::string_view task, std::string_view name, std::string_view subset,
                             std::string_view split);

}  // namespace lacos
