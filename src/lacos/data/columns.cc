#include "lacos/data/columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/column_contents.h"
#include "lacos/data/labels.h"

namespace lacos {
namespace {

// Enough rows to tell a header from a text.
constexpr size_t kSampledRowCount = 50;

// Messages show so many bytes of a name.
constexpr size_t kShownName = 60;

using Role = ColumnRole;

constexpr KnownColumn kKnownColumns[] = {
    {Role::kFirst, "sentence1", true},
    {Role::kFirst, "premise", true},
    {Role::kFirst, "anchor", true},
    {Role::kFirst, "sentence_A", true},
    {Role::kFirst, "sent0", true},
    {Role::kFirst, "query"},
    {Role::kFirst, "question"},
    {Role::kFirst, "question1"},
    {Role::kFirst, "text1"},
    {Role::kFirst, "text_a"},
    {Role::kFirst, "caption1"},
    {Role::kFirst, "#1 String"},
    {Role::kFirst, "source"},
    {Role::kFirst, "src"},
    {Role::kSecond, "sentence2", true},
    {Role::kSecond, "hypothesis", true},
    {Role::kSecond, "positive", true},
    {Role::kSecond, "sentence_B", true},
    {Role::kSecond, "hypo", true},
    {Role::kSecond, "sent1", true},
    {Role::kSecond, "pos"},
    {Role::kSecond, "positives"},
    {Role::kSecond, "question2"},
    {Role::kSecond, "text2"},
    {Role::kSecond, "text_b"},
    {Role::kSecond, "caption2"},
    {Role::kSecond, "#2 String"},
    {Role::kSecond, "answer"},
    {Role::kSecond, "response"},
    {Role::kSecond, "passage"},
    {Role::kSecond, "document"},
    {Role::kSecond, "context"},
    {Role::kSecond, "target"},
    {Role::kSecond, "tgt"},
    {Role::kSecond, "trg"},
    {Role::kNegative, "negative"},
    {Role::kNegative, "neg"},
    {Role::kNegative, "hard_neg"},
    {Role::kNegative, "hard_negative"},
    {Role::kNegative, "negatives"},
    {Role::kNegative, "hard_negatives"},
    {Role::kText, "text"},
    {Role::kText, "sentence"},
    {Role::kSet, "set"},
    {Role::kLabel, "label"},
    {Role::kLabel, "gold_label"},
    {Role::kLabel, "entailment_judgment"},
    {Role::kLabel, "entailment_label"},
    {Role::kLabel, "gold"},
    {Role::kLabel, "is_duplicate"},
    {Role::kLabel, "is_paraphrase"},
    {Role::kLabel, "labels"},
    {Role::kLabel, "class"},
    {Role::kScore, "score"},
    {Role::kScore, "relatedness_score"},
    {Role::kScore, "similarity_score"},
    {Role::kScore, "similarity"},
    {Role::kScore, "gold_score"},
    {Role::kSplit, "split"},
};

// Columns that describe a row and hold no text of it.
constexpr std::string_view kDescriptions[] = {"",     "id",  "_id",   "idx",    "index",
                                              "guid", "pid", "split", "pairid", "unnamed:0"};

// The English names of languages that head the columns of parallel files; codes of two letters are
// known without a list.
constexpr std::string_view kLanguages[] = {
    "arabic",     "bengali",    "bulgarian",  "catalan",    "chinese",     "croatian",  "czech",
    "danish",     "dutch",      "english",    "estonian",   "finnish",     "french",    "german",
    "greek",      "hebrew",     "hindi",      "hungarian",  "indonesian",  "italian",   "japanese",
    "korean",     "latvian",    "lithuanian", "nonenglish", "norwegian",   "persian",   "polish",
    "portuguese", "romanian",   "russian",    "serbian",    "slovak",      "slovenian", "spanish",
    "swahili",    "swedish",    "tamil",      "thai",       "translation", "turkish",   "ukrainian",
    "urdu",       "vietnamese",
};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether a cell names a language: "de", "pt-BR", "zh_Hans" or "german".
bool NamesLanguage(std::string_view cell) {
  if (cell.size() >= 2 && IsLetter(cell[0]) && IsLetter(cell[1]) &&
      (cell.size() == 2 || ((cell[2] == '-' || cell[2] == '_') && cell.size() <= 8))) {
    return true;
  }
  const std::string name = ComparableName(cell);
  return std::ranges::find(kLanguages, name) != std::end(kLanguages);
}

// Whether the first row names the columns although none of the names is known.
bool LooksLikeHeader(const std::vector<std::string>& header, const SampledRows& rows) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < header.size(); ++i) {
    if (std::ranges::find(kDescriptions, ComparableName(header[i])) == std::end(kDescriptions)) {
      names.push_back(header[i]);
    } else if (!header[i].empty() && EveryCell(rows, i, IsNumber)) {
      return true;  // "id" above numbers
    }
  }
  // Numbers below a name of any length, such as AG News' "Class Index".
  for (size_t i = 0; header.size() > 1 && i < header.size(); ++i) {
    if (!IsNumber(header[i]) && EveryCell(rows, i, IsNumber)) return true;
  }
  // A single column may hold a text of one word.
  if (names.size() < 2 || !std::ranges::all_of(names, IsOneWord)) return false;
  if (names.size() == 2 && std::ranges::all_of(names, NamesLanguage)) return true;
  if (std::ranges::any_of(
          names, [](std::string_view cell) { return cell.find('_') != std::string_view::npos; })) {
    return true;
  }
  if (rows.empty()) return true;
  size_t longer = 0;
  for (const TableReader::Cells& cells : rows) {
    longer +=
        std::ranges::any_of(cells, [](const auto& cell) { return cell && IsLongerText(*cell); });
  }
  return 2 * longer > rows.size();
}

// The usual names for the columns of a table without header, or nothing if the cells do not tell.
// Columns behind a pair that have no texts get no usual name and are added to `left_out`.
std::vector<std::string> NamesWithoutHeader(const SampledRows& rows, size_t width,
                                            std::vector<std::string>& left_out) {
  for (size_t i = 0; i < width; ++i) {
    if (EveryCell(rows, i, IsNumber)) return {};
  }
  if (width == 1) return {"text"};
  if (width == 2 && HoldsClasses(rows, 0, 1)) return {};
  if (HoldsIds(rows, 0) || HoldsIds(rows, 1)) return {};
  if (width == 3 && EveryCell(rows, 2, IsNliWord)) return {"sentence1", "sentence2", "label"};
  for (size_t i = 0; i < width; ++i) {
    if (EveryCell(rows, i, [](const std::string& cell) { return ReadLabel(cell).has_value(); }))
      return {};
  }
  std::vector<std::string> names = {"anchor", "positive"};
  for (size_t i = 2; i < width; ++i) {
    const std::optional<std::string> reason = WhyNoText(rows, i, 1);
    if (reason)
      left_out.push_back(fmt::format("column {} seems to have no texts: {}", i + 1, *reason));
    names.push_back(fmt::format("{}_{}", reason ? "column" : "negative", reason ? i + 1 : i - 1));
  }
  return names;
}

// The number behind a negative's name; 0 for none, nothing for any other name.
std::optional<int64_t> NumberOfNegative(std::string_view name) {
  for (const KnownColumn& known : kKnownColumns) {
    if (known.role != Role::kNegative) continue;
    const std::string stem = ComparableName(known.name);
    if (!name.starts_with(stem)) continue;
    const std::string_view rest = name.substr(stem.size());
    if (rest.empty()) return 0;
    if (rest.size() > 9) continue;
    if (!std::ranges::all_of(rest, [](char c) { return c >= '0' && c <= '9'; })) continue;
    return static_cast<int64_t>(ParseNumber(rest).value_or(0));
  }
  return std::nullopt;
}

bool IsKnownName(std::string_view cell) {
  const std::string name = ComparableName(cell);
  return NumberOfNegative(name) || std::ranges::any_of(kKnownColumns, [&](const auto& known) {
           return name == ComparableName(known.name);
         });
}

// Whether a cell is a header whose names are between other delimiters than those of the table, such
// as "question;answer" in a .csv of a spreadsheet that writes numbers with a comma.
bool IsHeaderOfOtherDelimiter(std::string_view cell) {
  for (const char delimiter : {',', ';', '\t', '|'}) {
    size_t names = 0, known = 0;
    std::string_view rest = cell;
    while (true) {
      const size_t end = std::min(rest.find(delimiter), rest.size());
      ++names;
      known += IsKnownName(rest.substr(0, end)) ? 1 : 0;
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
    if (names >= 2 && known >= 2) return true;
  }
  return false;
}

// Whether a single column has the same number of semicolons or bars in each of three rows and more: it
// is a table with another delimiter.
bool HasOtherDelimiter(const std::string& header, const SampledRows& rows) {
  return rows.size() >= 2 && std::ranges::any_of(std::string_view(";|"), [&](char delimiter) {
           const auto count = std::ranges::count(header, delimiter);
           return count > 0 && EveryCell(rows, 0, [&](const std::string& cell) {
                    return std::ranges::count(cell, delimiter) == count;
                  });
         });
}

// Throws if the names of the columns are in quotes that count as text, as in a .tsv of pandas with
// quoting: then the quotes of the cells would be part of the texts.
void RefuseQuotedNames(const TableReader& table) {
  const std::vector<std::string>& cells = table.header_cells();
  const auto quoted = [](std::string_view cell) {
    return cell.size() > 2 && cell.front() == '"' && cell.back() == '"' &&
           IsKnownName(cell.substr(1, cell.size() - 2));
  };
  const auto cell = std::ranges::find_if(cells, quoted);
  if (table.is_json() || cell == cells.end()) return;
  throw UserError(fmt::format(
      "[{}] has the column {} in quotes, which are part of the text in such a table; expected names "
      "without quotes; pass `quoting` csv",
      table.name(), *cell));
}

bool HasRole(const TableColumns& columns) {
  return columns.first >= 0 || columns.second >= 0 || columns.label >= 0 || columns.score >= 0 ||
         columns.text >= 0 || columns.set >= 0 || !columns.negatives.empty();
}

}  // namespace

std::span<const KnownColumn> KnownColumns() { return kKnownColumns; }

std::string ComparableName(std::string_view name) {
  std::string comparable;
  for (const char c : LowerAscii(name)) {
    if (c != ' ' && c != '_' && c != '-') comparable += c;
  }
  return comparable;
}

TableColumns FindColumns(const TableReader& table) {
  const std::vector<std::string>& names = table.columns();
  std::map<std::string, std::vector<size_t>> places;
  for (size_t i = 0; i < names.size(); ++i) places[ComparableName(names[i])].push_back(i);
  const auto take = [&](const std::string& comparable) {
    const auto place = places.find(comparable);
    if (place == places.end()) return -1;
    if (place->second.size() > 1) {
      throw UserError(
          fmt::format("[{}] has the column '{}' twice; expected each name once; rename one",
                      table.name(), names[place->second[1]]));
    }
    return static_cast<int>(place->second[0]);
  };
  TableColumns columns;
  bool before_text = true;  // whether both names of the pair are
  const auto find = [&](Role role, int& column) {
    for (const KnownColumn& known : kKnownColumns) {
      if (known.role != role) continue;
      column = take(ComparableName(known.name));
      before_text &= column < 0 || known.before_text;
      if (column >= 0) return;
    }
  };
  find(Role::kFirst, columns.first);
  find(Role::kSecond, columns.second);
  // MTEB's pairs are called sent1 and sent2.
  if (columns.first < 0 && places.contains("sent1") && places.contains("sent2")) {
    columns.first = take("sent1");
    columns.second = take("sent2");
  }
  // QNLI's pair is a question and a sentence.
  if (columns.first >= 0 && columns.second < 0 &&
      ComparableName(names[static_cast<size_t>(columns.first)]) == "question") {
    columns.second = take("sentence");
  }
  // ANLI's pair is a context and a hypothesis.
  if (columns.first < 0 && columns.second >= 0 &&
      ComparableName(names[static_cast<size_t>(columns.second)]) == "hypothesis") {
    columns.first = take("context");
  }
  if (!columns.HasPair() || (!before_text && places.contains("text"))) {
    find(Role::kText, columns.text);
    if (columns.text >= 0) columns.first = columns.second = -1;
  }
  find(Role::kLabel, columns.label);
  // MRPC calls its labels Quality, where 1 is a paraphrase.
  const bool is_mrpc = columns.label < 0 && places.contains("#1string");
  if (is_mrpc) columns.label = take("quality");
  find(Role::kScore, columns.score);
  find(Role::kSet, columns.set);
  find(Role::kSplit, columns.split);
  std::vector<std::pair<int64_t, int>> negatives;
  for (const auto& [name, where] : places) {
    if (const auto number = NumberOfNegative(name)) negatives.emplace_back(*number, take(name));
  }
  std::sort(negatives.begin(), negatives.end());
  for (const auto& [number, column] : negatives) columns.negatives.push_back(column);
  for (const char* name :
       {"premise", "hypothesis", "hypo", "goldlabel", "entailmentjudgment", "entailmentlabel"})
    columns.names_nli |= places.contains(name);
  if (columns.label >= 0) {
    const std::string label = ComparableName(names[static_cast<size_t>(columns.label)]);
    columns.names_paraphrase =
        label == "isduplicate" || label == "isparaphrase" || label == "quality";
  }
  return columns;
}

namespace {

// RecognizeColumns without the lists that stand as text.
TableColumns RecognizeRoles(TableReader& table, Wanted wanted) {
  TableColumns columns = FindColumns(table);
  RefuseQuotedNames(table);
  if (HasRole(columns) || table.columns().empty()) return columns;
  if (!table.is_json() && table.header_cells().empty()) return columns;  // the names were given
  if (!table.is_json() && table.header_cells().size() == 1 &&
      IsHeaderOfOtherDelimiter(table.header_cells()[0]))
    return columns;  // refused with a word on the delimiter
  const SampledRows rows = table.Sample(kSampledRowCount);
  // Tabs in each row of a .csv, such as the STS benchmark's sts-train.csv.
  const auto has_tab = [](const std::string& cell) { return cell.find('\t') != std::string::npos; };
  if (!table.is_json() && table.header_cells().size() == 1 && has_tab(table.header_cells()[0]) &&
      (rows.empty() || EveryCell(rows, 0, has_tab)))
    return columns;
  if (!table.is_json() && table.header_cells().size() == 1 &&
      HasOtherDelimiter(table.header_cells()[0], rows))
    return columns;
  if (!table.is_json() && !LooksLikeHeader(table.header_cells(), rows)) {
    SampledRows all = rows;
    all.insert(all.begin(),
               TableReader::Cells(table.header_cells().begin(), table.header_cells().end()));
    std::vector<std::string> left_out;
    std::vector<std::string> names = NamesWithoutHeader(all, table.header_cells().size(), left_out);
    if (wanted == Wanted::kPair && table.header_cells().size() == 2)
      names = {"sentence1", "sentence2"};
    if (names.empty()) return columns;
    table.TakeHeaderAsRow(names);
    columns = FindColumns(table);
    columns.found = TableColumns::Found::kWithoutHeader;
    for (const std::string& reason : left_out) {
      columns.left_out.push_back(
          fmt::format("[{}] {}; it is not used; name the columns in a header line if it should be",
                      table.name(), reason));
    }
    return columns;
  }
  // Two columns of texts whose names are unknown, such as two languages, are a pair.
  std::vector<size_t> texts;
  const std::vector<std::string>& names = table.columns();
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::ranges::find(kDescriptions, ComparableName(names[i])) == std::end(kDescriptions) &&
        (rows.empty() || EveryCell(rows, i, [](const std::string&) { return true; })) &&
        (EveryCell(rows, i, IsNumber) || !HoldsIds(rows, i))) {
      texts.push_back(i);
    }
  }
  // Columns behind the first two may have remarks, such as licences, that are no texts of a pair.
  for (size_t i = texts.size(); i-- > 2;) {
    if (WhyNoText(rows, texts[i], texts[1])) texts.erase(texts.begin() + static_cast<long>(i));
  }
  if (texts.size() != 2 || EveryCell(rows, texts[0], IsNumber) ||
      EveryCell(rows, texts[1], IsNumber) ||
      (wanted != Wanted::kPair && HoldsClasses(rows, texts[0], texts[1]) &&
       !(NamesLanguage(names[texts[0]]) && NamesLanguage(names[texts[1]])))) {
    return columns;
  }
  columns.first = static_cast<int>(texts[0]);
  columns.second = static_cast<int>(texts[1]);
  columns.found = TableColumns::Found::kByOrder;
  return columns;
}

}  // namespace

TableColumns RecognizeColumns(TableReader& table, Wanted wanted) {
  TableColumns columns = RecognizeRoles(table, wanted);
  if (table.is_json() || wanted == Wanted::kPair || table.columns().empty()) return columns;
  std::vector<int> may_hold_lists = columns.negatives;
  for (const int column : {columns.second, columns.set}) {
    if (column >= 0) may_hold_lists.push_back(column);
  }
  if (may_hold_lists.empty()) return columns;
  const SampledRows rows = table.Sample(kSampledRowCount);
  for (const int column : may_hold_lists) {
    if (HoldsLists(rows, static_cast<size_t>(column))) columns.lists.push_back(column);
  }
  table.ReadListTexts(columns.lists);
  return columns;
}

std::vector<std::string> TableColumns::Notes(const TableReader& table) const {
  std::vector<std::string> notes;
  if (found == Found::kWithoutHeader) {
    notes.emplace_back(
        "has no header, so its columns are taken in order and its first row is an example");
  }
  if (found == Found::kByOrder)
    notes.emplace_back("has a header with unknown names; its two columns of texts are a pair");
  for (const int column : lists) {
    notes.push_back(fmt::format(
        "the column '{}' has lists in the form of texts, as pandas writes them, which are read as "
        "lists",
        table.columns()[static_cast<size_t>(column)]));
  }
  return notes;
}

std::string ColumnList(const TableReader& table) {
  const std::string list = fmt::format("{}", fmt::join(table.columns(), ", "));
  return fmt::format("({})", TruncateForMessage(list, 200));
}

std::string UnusedColumnsNote(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names)
    list += fmt::format("{}'{}'", list.empty() ? "" : ", ", TruncateForMessage(name, kShownName));
  return list.empty() ? "" : "columns that are not used: " + list;
}

std::vector<std::string> OtherColumns(const TableReader& table, const std::vector<int>& used) {
  std::vector<std::string> others;
  for (size_t i = 0; i < table.columns().size(); ++i) {
    if (std::ranges::find(used, static_cast<int>(i)) == used.end())
      others.push_back(table.columns()[i]);
  }
  return others;
}

std::string ListLikeTexts::Warning() const {
  if (count_ == 0) return "";
  return fmt::format(
      "{}; such texts: {}; write the file as JSON lines, where lists are lists, or a row for each text",
      first_, count_);
}

std::string ListLikeTexts::Describe(std::string_view text, const std::string& where,
                                    const std::string& column) {
  return fmt::format(
      "{} has {} in the column '{}', which looks like a list and is read as one text", where,
      TruncateForMessage(text, kShownName), column);
}

const ListCell* FindList(const TableReader& table, int column) {
  for (const ListCell& list : table.lists()) {
    if (column >= 0 && list.column == static_cast<size_t>(column)) return &list;
  }
  return nullptr;
}

}  // namespace lacos
