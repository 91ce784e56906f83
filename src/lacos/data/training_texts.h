// Hashes of the texts and pairs that a model was trained on: what test texts are looked up in, to
// see what a score owes to having seen them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/rows.h"

namespace lacos {

// A text as it is compared beside the exact comparison: without blanks and punctuation, letters in
// lower case. So other case, tokenisation ("you 'd"), quotation marks and final stops make no
// difference. Lower case is that of ASCII, Latin-1, Greek and Cyrillic; blanks and punctuation
// those of ASCII, Latin-1, General Punctuation, Arabic, Devanagari, CJK and full-width forms.
// Accents stay, and composed and decomposed forms differ: no Unicode tables are needed, and the
// form will not change with them. Empty for texts without a letter or digit.
std::string OverlapForm(std::string_view text);

enum class Seen : uint8_t { kNo, kNormalized, kExactly };

// Sorted lists of 64-bit prefixes of SHA-256: of texts, and of pairs of texts in either order. A
// text or pair whose overlap form is empty is known exactly only. With a million training texts,
// one of 5e12 test texts is taken for a known one by chance.
class TrainingTexts {
 public:
  static constexpr const char* kFileName = "training_texts.bin";

  // One example: its texts, and pairs of the first with each of the others.
  void AddExample(const std::vector<std::string>& texts);
  void Merge(const TrainingTexts& other);

  Seen FindText(const std::string& text) const;
  Seen FindPair(const std::string& first, const std::string& second) const;

  // Distinct ones, as they stand.
  int64_t texts() const { return static_cast<int64_t>(Sorted(kTexts).size()); }
  int64_t pairs() const { return static_cast<int64_t>(Sorted(kPairs).size()); }

  // kFileName: "LACOSTX1", the four lists' lengths, then their sorted values, all 8 bytes
  // little-endian. A function of the set of examples alone.
  std::string Bytes() const;
  // Throws UserError for a file that is none of these.
  static TrainingTexts Read(const std::string& path);

 private:
  enum List { kTexts, kTextForms, kPairs, kPairForms };
  const std::vector<uint64_t>& Sorted(List list) const;
  Seen Find(List exact, uint64_t hash, List form, uint64_t form_hash, bool has_form) const;

  // Sorted and made distinct when they are first asked for; not from two threads.
  mutable std::array<std::vector<uint64_t>, 4> lists_;
  mutable std::array<bool, 4> is_sorted_{};
};

// Every text of a file of training examples, whatever its labels: columns sentence1|premise|anchor,
// sentence2|hypothesis|positive, negative, negative_1..n and text of a table (rows.h); of a .txt
// file (.gz, .zst) every line. Throws UserError.
void AddTrainingFile(const std::string& path, const TableOptions& options, TrainingTexts& texts);

}  // namespace lacos
