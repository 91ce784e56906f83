// Hashes of the texts and pairs that a model was trained on. Test texts are looked up among them,
// to see how much of a score is due to texts that the model has seen.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/rows.h"

namespace lacos {

enum class Seen : uint8_t { kNo, kNormalized, kExactly };

// Sorted lists of 64-bit prefixes of SHA-256 hashes of texts, and of pairs of texts in either
// order. A text or pair with an empty overlap form is only compared exactly. With a million
// training texts, one of 5e12 test texts is taken for a known one by chance.
class TrainingTexts {
 public:
  static constexpr const char* kFileName = "training_texts.bin";

  // Adds an example: its texts, and the pairs of the first text with each of the others.
  void AddExample(const std::vector<std::string>& texts);
  void Merge(const TrainingTexts& other);

  Seen FindText(const std::string& text) const;
  Seen FindPair(const std::string& first, const std::string& second) const;

  // The number of distinct texts, compared exactly.
  int64_t texts() const { return static_cast<int64_t>(Sorted(kTexts).size()); }
  int64_t pairs() const { return static_cast<int64_t>(Sorted(kPairs).size()); }

  // Whether some of the hashes come from a file "LACOSTX1". Earlier versions wrote it, with a form of
  // texts that knew fewer capital letters and no Unicode normalization, so fewer texts are found
  // inexactly.
  bool has_earlier_form() const { return has_earlier_form_; }

  // The contents of the file kFileName: "LACOSTX2", the lengths of the four lists, then their
  // sorted values, all in 8 bytes, little-endian. They depend only on the set of examples.
  std::string Bytes() const;
  // Reads such a file, or a file "LACOSTX1". Throws UserError for any other file.
  static TrainingTexts Read(const std::string& path);

 private:
  enum List { kTexts, kTextForms, kPairs, kPairForms };
  const std::vector<uint64_t>& Sorted(List list) const;
  Seen Find(List exact, uint64_t hash, List form, uint64_t form_hash, bool has_form) const;

  // The lists are sorted and made distinct on first use, which must not happen from two threads.
  mutable std::array<std::vector<uint64_t>, 4> lists_;
  mutable std::array<bool, 4> is_sorted_{};
  bool has_earlier_form_ = false;
};

// Adds every text of a file of training examples, whatever its labels: the texts of the pair, its
// negatives, sets and texts alone, as columns.h knows them. A .txt file has a text in each line,
// unless its first line has tabs or names such a column. Throws UserError for a file that cannot be read or has no such column.
void AddTrainingFile(const std::string& path, const TableOptions& options, TrainingTexts& texts);

}  // namespace lacos
