// What the columns of a table mean, told by their names: one table of names for everyone who reads
// training or test data.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/list_text.h"
#include "lacos/data/rows.h"

namespace lacos {

enum class ColumnRole : uint8_t {
  kFirst,     // the first text of a pair: anchor, premise, query
  kSecond,    // the second text of a pair, or a list of them
  kNegative,  // a text that does not belong to the first one, or a list of them
  kText,      // a text alone
  kSet,       // a list of texts with the same meaning
  kLabel,     // an NLI label, a paraphrase label, a class or a score, which its values tell
  kScore,     // the similarity of a pair
  kSplit,     // train, dev or test
};

struct KnownColumn {
  ColumnRole role;
  std::string_view name;
  // Whether it makes a pair also in a table with a column "text". Tables with other pairs and a
  // column "text" are read as texts.
  bool before_text = false;
};
// Every name that is known. If a table has several columns of one role, the first of this order
// counts, except for negatives, of which all count.
std::span<const KnownColumn> KnownColumns();

// The form in which names are compared: in lower case, without blanks, '_' and '-'. So
// "Sentence 1", "sentence_1" and "sentence1" are one name.
std::string ComparableName(std::string_view name);

// The positions of a table's known columns, or -1.
struct TableColumns {
  // How the columns were found: by their names, by their order because a header names two unknown
  // columns, or by their order because the table has no header.
  enum class Found : uint8_t { kByName, kByOrder, kWithoutHeader };

  int first = -1, second = -1, label = -1, score = -1, text = -1, set = -1, split = -1;
  std::vector<int> negatives;  // as they are numbered
  // Columns of second texts, negatives or sets whose cells are lists that stand as text.
  std::vector<int> lists;
  Found found = Found::kByName;
  // For columns of a table without header that are not used: why, as a warning.
  std::vector<std::string> left_out;

  bool HasPair() const { return first >= 0 && second >= 0; }
  // Whether the names say that labels are those of NLI, or that 1 means the same.
  bool names_nli = false, names_paraphrase = false;

  // What a reader of the table should be told about how its columns were found.
  std::vector<std::string> Notes(const TableReader& table) const;
};

// The columns by their names alone, for rows of JSON that bring new keys. Throws UserError if two
// columns have one name, ignoring the case.
TableColumns FindColumns(const TableReader& table);

// What a caller of RecognizeColumns needs. With kPair, two columns without header are a pair,
// whatever their cells.
enum class Wanted : uint8_t { kAnything, kPair };
// The columns of a table that was just opened. Where no name is known, the cells decide: two texts
// with a header that looks like one (language codes, single words above sentences) are a pair;
// without a header, one column of texts, two, or three and more are texts, pairs, and triplets with
// any number of negatives. Then the first row is an example, and the columns get usual names.
// Columns behind a pair that have no text for each row (column_contents.h) are not used. Columns of
// numbers, ids instead of a text, or a third column of labels that are no NLI words, stay unknown
// without a header. Unless a pair is wanted, lists that stand as text are read as lists.
TableColumns RecognizeColumns(TableReader& table, Wanted wanted = Wanted::kAnything);

// The names of a table's columns for messages: "(a, b)".
std::string ColumnList(const TableReader& table);
// "columns that are not used: 'a', 'b'", or an empty text without any.
std::string UnusedColumnsNote(const std::vector<std::string>& names);
// The names of the columns that are not among `used` (positions, or -1).
std::vector<std::string> OtherColumns(const TableReader& table, const std::vector<int>& used);

// Counts texts that are lists in the form of text, or objects, and probably should not be one text.
class ListLikeTexts {
 public:
  // To be called for each text; `where` gives its place for messages, `column` the name of its column.
  template <class Where>
  void See(std::string_view text, const Where& where, const std::string& column) {
    if (!LooksLikeList(text)) return;
    if (++count_ == 1) first_ = Describe(text, where(), column);
  }
  // A warning with the first one; empty without any.
  std::string Warning() const;

 private:
  static std::string Describe(std::string_view text, const std::string& where,
                              const std::string& column);
  int64_t count_ = 0;
  std::string first_;
};

// The arrays of the row that was read last, by column; null for a column without one.
const ListCell* FindList(const TableReader& table, int column);

}  // namespace lacos
