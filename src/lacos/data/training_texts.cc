#include "lacos/data/training_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/data/columns.h"
#include "lacos/data/overlap_form.h"
#include "lacos/data/shards.h"
#include "lacos/io/line_reader.h"
#include "lacos/io/mapped_file.h"

namespace lacos {
namespace {

constexpr char kMagic[] = "LACOSTX2", kEarlierMagic[] = "LACOSTX1";
constexpr size_t kWord = sizeof(uint64_t), kHeader = 5 * kWord;
static_assert(std::endian::native == std::endian::little,
              "hashes are written as they lie in memory");

// Whether a .txt file has a text in each line. It is a table if its first line has tabs or names a
// known column, or if a delimiter or a kind of quoting is given.
bool HasTextLines(const std::string& path, const TableOptions& options) {
  if (!PlainName(path).ends_with(".txt") || options.delimiter || options.quoting) return false;
  const TableReader table(path, options);
  const TableColumns columns = FindColumns(table);
  return table.columns().size() <= 1 && columns.text < 0 && columns.first < 0 && columns.second < 0;
}

uint64_t PairHash(uint64_t a, uint64_t b) {
  const std::array<uint64_t, 2> both = {std::min(a, b), std::max(a, b)};
  return Sha256Prefix(std::string_view(reinterpret_cast<const char*>(both.data()), sizeof(both)));
}

struct Hashes {
  uint64_t exact = 0, form = 0;
  bool has_form = false;
};
Hashes HashesOf(const std::string& text) {
  const std::string form = OverlapForm(text);
  return {.exact = Sha256Prefix(text), .form = Sha256Prefix(form), .has_form = !form.empty()};
}

}  // namespace

void TrainingTexts::AddExample(const std::vector<std::string>& texts) {
  is_sorted_ = {};
  Hashes first;
  for (size_t i = 0; i < texts.size(); ++i) {
    const Hashes hashes = HashesOf(texts[i]);
    lists_[kTexts].push_back(hashes.exact);
    if (hashes.has_form) lists_[kTextForms].push_back(hashes.form);
    if (i == 0) {
      first = hashes;
      continue;
    }
    lists_[kPairs].push_back(PairHash(first.exact, hashes.exact));
    if (first.has_form && hashes.has_form)
      lists_[kPairForms].push_back(PairHash(first.form, hashes.form));
  }
}

void TrainingTexts::Merge(const TrainingTexts& other) {
  is_sorted_ = {};
  has_earlier_form_ |= other.has_earlier_form_;
  for (size_t i = 0; i < lists_.size(); ++i) {
    lists_[i].insert(lists_[i].end(), other.lists_[i].begin(), other.lists_[i].end());
  }
}

const std::vector<uint64_t>& TrainingTexts::Sorted(List list) const {
  std::vector<uint64_t>& values = lists_[list];
  if (!is_sorted_[list]) {
    std::ranges::sort(values);
    values.erase(std::unique(values.begin(), values.end()), values.end());
    is_sorted_[list] = true;
  }
  return values;
}

Seen TrainingTexts::Find(List exact, uint64_t hash, List form, uint64_t form_hash,
                         bool has_form) const {
  if (std::ranges::binary_search(Sorted(exact), hash)) return Seen::kExactly;
  return has_form && std::ranges::binary_search(Sorted(form), form_hash) ? Seen::kNormalized
                                                                         : Seen::kNo;
}

Seen TrainingTexts::FindText(const std::string& text) const {
  const Hashes hashes = HashesOf(text);
  return Find(kTexts, hashes.exact, kTextForms, hashes.form, hashes.has_form);
}

Seen TrainingTexts::FindPair(const std::string& first, const std::string& second) const {
  const Hashes a = HashesOf(first), b = HashesOf(second);
  return Find(kPairs, PairHash(a.exact, b.exact), kPairForms, PairHash(a.form, b.form),
              a.has_form && b.has_form);
}

std::string TrainingTexts::Bytes() const {
  std::string bytes(has_earlier_form_ ? kEarlierMagic : kMagic, kWord);
  const auto append = [&](const void* data, size_t words) {
    bytes.append(static_cast<const char*>(data), words * kWord);
  };
  for (const List list : {kTexts, kTextForms, kPairs, kPairForms}) {
    const uint64_t count = Sorted(list).size();
    append(&count, 1);
  }
  for (const List list : {kTexts, kTextForms, kPairs, kPairForms})
    append(Sorted(list).data(), Sorted(list).size());
  return bytes;
}

TrainingTexts TrainingTexts::Read(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  const auto fail = [&](const std::string& found) {
    throw UserError(fmt::format(
        "[{}] {}; expected the hashes of training texts that `lacos train` wrote; check the "
        "folder with `lacos verify`",
        path, found));
  };
  const auto begins_with = [&](const char* magic) {
    return bytes.size() >= kHeader && std::memcmp(bytes.data(), magic, kWord) == 0;
  };
  if (!begins_with(kMagic) && !begins_with(kEarlierMagic)) fail("has another beginning");
  std::array<uint64_t, 4> counts{};
  std::memcpy(counts.data(), bytes.data() + kWord, sizeof(counts));
  uint64_t words = 0;
  for (const uint64_t count : counts) {
    if (count > bytes.size() / kWord) fail(fmt::format("announces a list of {} hashes", count));
    words += count;
  }
  if (kHeader + words * kWord != bytes.size()) {
    fail(
        fmt::format("has {} bytes where its lists take {}", bytes.size(), kHeader + words * kWord));
  }
  TrainingTexts texts;
  texts.has_earlier_form_ = begins_with(kEarlierMagic);
  size_t at = kHeader;
  for (size_t i = 0; i < counts.size(); ++i) {
    texts.lists_[i].resize(counts[i]);
    if (counts[i] > 0) std::memcpy(texts.lists_[i].data(), bytes.data() + at, counts[i] * kWord);
    at += counts[i] * kWord;
    if (std::ranges::adjacent_find(texts.lists_[i], std::greater_equal<>()) !=
        texts.lists_[i].end()) {
      fail("has a list that is not sorted");
    }
    texts.is_sorted_[i] = true;
  }
  return texts;
}

void AddTrainingFile(const std::string& path, const TableOptions& options, TrainingTexts& texts) {
  if (HasTextLines(path, options)) {
    LineReader lines(path, {.replace_invalid = options.replace_invalid});
    for (std::string line; lines.Next(line);) texts.AddExample({line});
    return;
  }
  TableReader table(path, options);
  TableColumns columns = RecognizeColumns(table);
  size_t known = table.columns().size();
  std::vector<std::optional<std::string>> cells;
  bool any = false;
  while (table.Next(cells)) {
    if (table.columns().size() != known && columns.found == TableColumns::Found::kByName) {
      known = table.columns().size();
      columns = FindColumns(table);
    }
    std::vector<std::string> row;
    const auto add = [&](int column) {
      any |= column >= 0;
      if (const ListCell* list = FindList(table, column)) {
        for (const std::string& text : list->texts) {
          if (!text.empty()) row.push_back(text);
        }
      } else if (column >= 0 && static_cast<size_t>(column) < cells.size()) {
        auto& cell = cells[static_cast<size_t>(column)];
        if (cell && !cell->empty()) row.push_back(std::move(*cell));
      }
    };
    for (const int column : {columns.first, columns.second, columns.text, columns.set}) add(column);
    for (const int column : columns.negatives) add(column);
    if (!row.empty()) texts.AddExample(row);
  }
  if (any) return;
  throw UserError(fmt::format(
      "[{}] has the columns {}; expected sentence1|premise|anchor|query, "
      "sentence2|hypothesis|positive|answer, negative, set or text; name the columns in a "
      "header, or give one text a line as .txt",
      path, ColumnList(table)));
}

}  // namespace lacos
