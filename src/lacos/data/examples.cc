#include "lacos/data/examples.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/data/cells.h"

namespace lacos {
namespace {

// After so many labels without one that tells, a 2 among them says that they are those of NLI.
constexpr size_t kUndecidedRows = 4096;

// The number of bytes of a text in a message that shows rows.
constexpr size_t kShownBytes = 40;

// A row that holds a pair: its first text, what belongs to it, and what does not.
struct PairRow {
  std::string first;
  std::vector<std::string> seconds, negatives;
  Label label;
  std::string label_cell;
  int64_t line = 0;
  int32_t shard = 0;
};

// What the labels of a file's pairs are.
enum class Labels : uint8_t { kUndecided, kNone, kNli, kParaphrase };

[[noreturn]] void FailColumns(const TableReader& table) {
  const std::vector<std::string>& names = table.columns();
  const bool one = names.size() == 1 && names[0].find_first_of(",;\t|") != std::string::npos;
  throw UserError(fmt::format(
      "[{}] has the columns {}; expected a header that names sentence1|premise|anchor|query and "
      "sentence2|hypothesis|positive|answer (with negative, negative_1..n, label|gold_label or "
      "score), text (with label), or set; {} (docs/data.md lists the names)",
      table.name(), ColumnList(table),
      one ? "check `delimiter`" : "rename the columns or add a header line"));
}

// Reads the rows of one table into an ExampleFile.
class ExampleReader {
 public:
  using Visit = std::function<void(const Example&)>;

  // `visit` may be empty; then the examples are kept.
  ExampleReader(const std::string& path, const ExampleOptions& options, Visit visit)
      : options_(options), visit_(std::move(visit)), table_(path, options.table) {
    file_.path = path;
  }

  ExampleFile Read() {
    if (table_.columns().empty()) {
      throw UserError(fmt::format("[{}] is empty; expected a table with a header; check the path",
                                  table_.name()));
    }
    columns_ = RecognizeColumns(table_);
    file_.found = columns_.found;
    file_.column_notes = columns_.Notes(table_);
    file_.warnings = columns_.left_out;
    Classify();
    while (table_.Next(cells_)) {
      if (table_.columns().size() != known_columns_) Locate();  // a row of JSON with a new key
      if (file_.shards.empty() || file_.shards.back() != table_.path())
        file_.shards.push_back(table_.path());
      ++file_.rows;
      if (splits_.Keep(Cell(columns_.split), columns_.split >= 0)) ReadRow();
    }
    file_.dropped.other_split = splits_.dropped();
    if (labels_ == Labels::kUndecided) DecideAtEnd();
    if (file_.kind == ExampleKind::kPairs && options_.hard_negatives) AddContradictions();
    if (!visit_) RequireExamples();
    file_.has_nli_labels = columns_.label >= 0 && labels_ == Labels::kNli;
    file_.unused_columns = OtherColumns(table_, UsedColumns());
    for (const std::string& warning : {list_like_.Warning(), table_.QuotingWarning()}) {
      if (!warning.empty()) file_.warnings.push_back(warning);
    }
    for (size_t i = 0; i < table_.columns().size(); ++i)
      file_.columns.emplace_back(table_.columns()[i], RoleOf(static_cast<int>(i)));
    return std::move(file_);
  }

 private:
  void Locate() {
    known_columns_ = table_.columns().size();
    if (columns_.found == TableColumns::Found::kByName) columns_ = FindColumns(table_);
  }

  void Classify() {
    known_columns_ = table_.columns().size();
    const bool pair = columns_.HasPair();
    const bool want_labels = options_.labelled || options_.hard_negatives || options_.ignore_score;
    if (pair && columns_.score >= 0 && !(want_labels && columns_.label >= 0) &&
        !options_.labelled) {
      file_.kind = ExampleKind::kScored;
      score_column_is_label_ = false;
    } else if (pair && options_.labelled) {
      if (columns_.label < 0) {
        throw UserError(fmt::format(
            "[{}] has the columns {}; expected a label or gold_label beside the sentences; choose "
            "another `loss` or file",
            table_.name(), ColumnList(table_)));
      }
      file_.kind = ExampleKind::kLabelled;
    } else if (pair) {
      file_.kind = ExampleKind::kPairs;
      // The names of columns tell more than the scheme, which may be given for several files.
      const bool nli = columns_.names_nli ||
                       (options_.label_scheme == LabelScheme::kNli && !columns_.names_paraphrase);
      const bool paraphrase =
          columns_.names_paraphrase || options_.label_scheme == LabelScheme::kParaphrase;
      labels_ = nli ? Labels::kNli : paraphrase ? Labels::kParaphrase : Labels::kUndecided;
    } else if (columns_.text >= 0) {
      file_.kind = columns_.label >= 0 ? ExampleKind::kClasses : ExampleKind::kUnlabelled;
    } else if (columns_.set >= 0) {
      file_.kind = ExampleKind::kPairs;
      is_set_ = true;
    } else {
      FailColumns(table_);
    }
  }

  std::vector<int> UsedColumns() const {
    std::vector<int> used = {columns_.split};
    const auto add = [&](std::initializer_list<int> more) { used.insert(used.end(), more); };
    switch (file_.kind) {
      case ExampleKind::kUnlabelled:
        add({columns_.text});
        break;
      case ExampleKind::kClasses:
        add({columns_.text, columns_.label});
        break;
      case ExampleKind::kScored:
        add({columns_.first, columns_.second,
             score_column_is_label_ ? columns_.label : columns_.score});
        break;
      case ExampleKind::kLabelled:
        add({columns_.first, columns_.second, columns_.label});
        break;
      case ExampleKind::kPairs:
        if (is_set_) {
          add({columns_.set});
        } else {
          add({columns_.first, columns_.second, columns_.label});
          used.insert(used.end(), columns_.negatives.begin(), columns_.negatives.end());
        }
        break;
    }
    return used;
  }

  std::string RoleOf(int column) const {
    const std::vector<int> used = UsedColumns();
    if (std::ranges::find(used, column) == used.end()) return "not used";
    const std::pair<int, const char*> roles[] = {
        {columns_.first, "first text"},
        {columns_.second, "second text"},
        {columns_.text, "text"},
        {columns_.set, "set of texts"},
        {columns_.split, "split"},
        {columns_.score, "score"},
        {columns_.label, score_column_is_label_ ? "score" : "label"}};
    for (const auto& [known, role] : roles) {
      if (known == column) return role;
    }
    return "negative";
  }

  void Add(Example example) {
    if (visit_) {
      visit_(example);
    } else {
      file_.examples.push_back(std::move(example));
    }
  }

  void CountLabel(const std::optional<std::string>& cell) {
    const std::string label = cell.value_or("");
    const auto place = file_.label_counts.find(label);
    if (place != file_.label_counts.end()) {
      ++place->second;
    } else if (file_.label_counts.size() < ExampleFile::kMaxLabels) {
      file_.label_counts.emplace(label, 1);
    }
  }

  std::optional<std::string> Cell(int column) const {
    if (column < 0 || static_cast<size_t>(column) >= cells_.size()) return std::nullopt;
    return cells_[static_cast<size_t>(column)];
  }
  const std::string& NameOf(int column) const {
    return table_.columns()[static_cast<size_t>(column)];
  }

  std::string TakeText(int column, const char* name) {
    const auto place = static_cast<size_t>(column);
    if (const ListCell* list = FindList(table_, column)) {
      throw UserError(
          fmt::format("{} has a list of {} values in the column '{}'; expected one text; "
                      "write a row for each",
                      table_.Where(), list->texts.size(), NameOf(column)));
    }
    if (column < 0 || place >= cells_.size() ||
        !cells_[place]) {  // the row may have fewer cells than the header
      throw UserError(
          fmt::format("{} has no text for {}; expected a string; correct the row", table_.Where(),
                      column < 0 ? std::string(name) : fmt::format("'{}'", NameOf(column))));
    }
    list_like_.See(
        *cells_[place], [&] { return table_.Where(); }, NameOf(column));
    return std::move(*cells_[place]);
  }

  // The texts of a column that may hold a list.
  std::vector<std::string> TakeTexts(int column, const char* name) {
    const ListCell* list = FindList(table_, column);
    if (list == nullptr) return {TakeText(column, name)};
    if (list->has_others) {
      throw UserError(
          fmt::format("{} has a list in the column '{}' whose elements are not all texts; expected "
                      "texts; write the texts alone",
                      table_.Where(), NameOf(column)));
    }
    return list->texts;
  }

  Label LabelIn(const std::optional<std::string>& cell) const {
    if (const ListCell* list = FindList(table_, columns_.label)) {
      throw UserError(
          fmt::format("{} has a list of {} values in the column '{}'; expected one label; "
                      "write a row for each",
                      table_.Where(), list->texts.size(), NameOf(columns_.label)));
    }
    const std::optional<Label> label = ReadLabel(cell.value_or(""));
    if (label) return *label;
    FailLabel(table_.Where(), *cell);
  }

  [[noreturn]] void FailLabel(const std::string& where, const std::string& cell) const {
    const bool paraphrase = labels_ == Labels::kParaphrase;
    throw UserError(fmt::format(
        "{} found the label '{}' in the column '{}'; expected {}, or '-' for none; correct it{}",
        where, TruncateForMessage(cell, 60), NameOf(columns_.label),
        paraphrase
            ? "1 for texts that mean the same, else 0 (or names such as premise and hypothesis "
              "for the columns of NLI)"
            : "entailment, neutral or contradiction, e, n or c, 0, 1 or 2",
        file_.kind == ExampleKind::kLabelled || options_.label_scheme != LabelScheme::kAuto
            ? ""
            : ", or name a column of scores 'score'"));
  }

  void ReadRow() {
    Example example;
    example.line = table_.line_number();
    example.shard = static_cast<int32_t>(file_.shards.size()) - 1;
    const bool has_label = columns_.label >= 0 && file_.kind != ExampleKind::kUnlabelled &&
                           file_.kind != ExampleKind::kScored;
    if (has_label) CountLabel(Cell(columns_.label));
    switch (file_.kind) {
      case ExampleKind::kUnlabelled:
        example.texts.push_back(TakeText(columns_.text, "text"));
        Add(std::move(example));
        return;
      case ExampleKind::kClasses:
        ReadClass(example);
        return;
      case ExampleKind::kScored: {
        const std::optional<std::string> score =
            Cell(score_column_is_label_ ? columns_.label : columns_.score);
        if (!score || IsMissingScore(*score)) {
          ++file_.dropped.no_gold_label;
          return;
        }
        example.score = ParseScore(*score, table_.Where());
        TakeSentences(example);
        Add(std::move(example));
        return;
      }
      case ExampleKind::kLabelled: {
        const std::optional<std::string> cell = Cell(columns_.label);
        const Label label = LabelIn(cell);
        if (label.kind == Label::Kind::kScore) FailLabel(table_.Where(), *cell);
        if (label.kind == Label::Kind::kMissing || label.kind == Label::Kind::kMissingNli) {
          ++file_.dropped.no_gold_label;
          return;
        }
        example.label = label.value;
        TakeSentences(example);
        Add(std::move(example));
        return;
      }
      case ExampleKind::kPairs:
        is_set_ ? ReadSet(example) : ReadPair();
        return;
    }
  }

  void ReadClass(Example& example) {
    if (FindList(table_, columns_.label) != nullptr) LabelIn(std::nullopt);
    const std::optional<std::string> label = Cell(columns_.label);
    if (!label || label->empty()) {  // '-' is an ordinary class name here
      ++file_.dropped.no_gold_label;
      return;
    }
    example.texts.push_back(TakeText(columns_.text, "text"));
    const auto [it, added] =
        classes_.emplace(*label, static_cast<int32_t>(file_.class_names.size()));
    if (added) file_.class_names.push_back(*label);
    example.label = it->second;
    Add(std::move(example));
  }

  void TakeSentences(Example& example) {
    example.texts.push_back(TakeText(columns_.first, "sentence1"));
    example.texts.push_back(TakeText(columns_.second, "sentence2"));
  }

  void ReadSet(const Example& place) {
    const ListCell* list = FindList(table_, columns_.set);
    if (list == nullptr || list->has_others) {
      throw UserError(
          fmt::format("{} has no list of texts in the column '{}'; expected one, such as "
                      "[\"a text\", \"one of the same meaning\"]; correct the row",
                      table_.Where(), NameOf(columns_.set)));
    }
    if (list->texts.size() < 2) {
      ++file_.dropped.no_positive;
      return;
    }
    PairRow row{.first = list->texts[0],
                .seconds = {list->texts.begin() + 1, list->texts.end()},
                .negatives = {},
                .label = {},
                .label_cell = {},
                .line = place.line,
                .shard = place.shard};
    AddExamples(std::move(row));
  }

  void ReadPair() {
    PairRow row;
    row.line = table_.line_number();
    row.shard = static_cast<int32_t>(file_.shards.size()) - 1;
    if (columns_.label >= 0) {
      const std::optional<std::string> cell = Cell(columns_.label);
      row.label = LabelIn(cell);
      row.label_cell = cell.value_or("");
      if (labels_ != Labels::kUndecided && !Keeps(row)) return;
    }
    row.first = TakeText(columns_.first, "sentence1");
    row.seconds = TakeTexts(columns_.second, "sentence2");
    for (const int column : columns_.negatives) {
      if (!Cell(column) && FindList(table_, column) == nullptr) continue;
      for (std::string& text : TakeTexts(column, "negative")) {
        if (!text.empty()) row.negatives.push_back(std::move(text));
      }
    }
    if (columns_.label < 0) {
      AddExamples(std::move(row));
      return;
    }
    if (labels_ != Labels::kUndecided) {
      AddPair(std::move(row));
      return;
    }
    const Label::Kind kind = row.label.kind;
    saw_two_ |= kind == Label::Kind::kNumber && row.label.value == 2;
    undecided_.push_back(std::move(row));
    if (kind == Label::Kind::kScore) {
      DecideForScores();
    } else if (kind == Label::Kind::kNli || kind == Label::Kind::kMissingNli ||
               (saw_two_ && undecided_.size() >= kUndecidedRows)) {
      Decide(Labels::kNli);
    } else if (kind == Label::Kind::kParaphrase) {
      Decide(Labels::kParaphrase);
    }
  }

  void Decide(Labels labels) {
    labels_ = labels;
    for (PairRow& row : std::exchange(undecided_, {})) {
      if (Keeps(row)) AddPair(std::move(row));
    }
  }

  // The labels of this file are scores.
  void DecideForScores() {
    labels_ = Labels::kNone;
    file_.label_counts.clear();
    file_.kind = ExampleKind::kScored;
    score_column_is_label_ = true;
    for (PairRow& row : std::exchange(undecided_, {})) {
      if (row.label.kind == Label::Kind::kMissing) {
        ++file_.dropped.no_gold_label;
        continue;
      }
      Example example{.texts = {std::move(row.first)}, .line = row.line};
      const std::string where = PlaceOf(row);
      if (row.seconds.size() != 1) {
        throw UserError(
            fmt::format("{} has a list of {} texts beside a score; expected one text; "
                        "write a row for each",
                        where, row.seconds.size()));
      }
      example.texts.push_back(std::move(row.seconds[0]));
      example.shard = row.shard;
      example.score = ParseScore(row.label_cell, where);
      Add(std::move(example));
    }
  }

  std::string PlaceOf(const PairRow& row) const {
    return fmt::format("[{}]", file_.PlaceOf({.texts = {}, .shard = row.shard, .line = row.line}));
  }

  // Decides when all rows were read and no label told.
  void DecideAtEnd() {
    const auto has_label = [](const PairRow& row) {
      return row.label.kind != Label::Kind::kMissing;
    };
    if (saw_two_ || std::ranges::none_of(undecided_, has_label)) {
      Decide(Labels::kNli);
      return;
    }
    if (visit_) {
      file_.labels_are_open = true;
      return;
    }
    // One row of each label, or two of the only one.
    std::vector<const PairRow*> shown;
    for (const PairRow& row : undecided_) {
      const bool other = shown.empty() || row.label.value != shown[0]->label.value;
      if (has_label(row) &&
          (shown.size() < 2 || (other && shown[0]->label.value == shown[1]->label.value))) {
        if (shown.size() == 2) shown.pop_back();
        shown.push_back(&row);
      }
    }
    std::string rows;
    for (const PairRow* row : shown) {
      rows +=
          fmt::format("{}line {}: {} for '{}' and '{}'", rows.empty() ? "" : ", ", row->line,
                      row->label_cell, TruncateForMessage(row->first, kShownBytes),
                      row->seconds.empty() ? "" : TruncateForMessage(row->seconds[0], kShownBytes));
    }
    throw UserError(fmt::format(
        "[{}] has no labels but 0 and 1 in the column '{}' ({}); expected to know whether 0 is "
        "entailment, as in NLI data, or 1 is the same meaning, as in paraphrase data; pass "
        "`label_scheme` nli or `label_scheme` paraphrase",
        file_.path, NameOf(columns_.label), rows));
  }

  // Whether a labelled row makes a pair or a negative; counts it otherwise.
  bool Keeps(const PairRow& row) {
    using Kind = Label::Kind;
    const Kind kind = row.label.kind;
    if (kind == Kind::kMissing || kind == Kind::kMissingNli) {
      ++file_.dropped.no_gold_label;
      return false;
    }
    const bool nli = labels_ == Labels::kNli;
    const bool fits = kind == Kind::kNumber ? nli || row.label.value < 2
                                            : kind == (nli ? Kind::kNli : Kind::kParaphrase);
    if (!fits) FailLabel(PlaceOf(row), row.label_cell);
    if (BelongsTogether(row)) return true;
    const bool is_negative = nli ? row.label.value == kContradiction : true;
    if (is_negative && options_.hard_negatives) return true;
    ++(nli ? file_.dropped.other_label : file_.dropped.not_the_same);
    return false;
  }

  bool BelongsTogether(const PairRow& row) const {
    return row.label.value == (labels_ == Labels::kNli ? static_cast<int32_t>(kEntailment) : 1);
  }

  void AddPair(PairRow row) {
    if (BelongsTogether(row)) {
      AddExamples(std::move(row));
      return;
    }
    for (std::string& text : row.seconds) {
      if (text == row.first) {
        ++file_.dropped.identical_texts;
      } else {
        contradictions_[row.first].texts.push_back(std::move(text));
      }
    }
  }

  // Adds an example for each text that belongs to the first one.
  void AddExamples(PairRow row) {
    if (row.seconds.empty()) ++file_.dropped.no_positive;
    for (std::string& second : row.seconds) {
      if (second == row.first) {
        ++file_.dropped.identical_texts;
        continue;
      }
      Example example{
          .texts = {row.first, std::move(second)}, .shard = row.shard, .line = row.line};
      for (const std::string& negative : row.negatives) AddNegative(example, negative);
      Add(std::move(example));
    }
  }

  void AddNegative(Example& example, std::string text) {
    if (std::find(example.texts.begin(), example.texts.end(), text) != example.texts.end()) {
      ++file_.dropped_negatives;
    } else {
      example.texts.push_back(std::move(text));
    }
  }

  // Adds the contradictions of a premise to each of its entailment pairs. Contradictions of
  // premises without such a pair are of no use.
  void AddContradictions() {
    for (Example& example : file_.examples) {
      const auto it = contradictions_.find(example.texts[0]);
      if (it == contradictions_.end()) continue;
      it->second.used = true;
      for (const std::string& text : it->second.texts) AddNegative(example, text);
    }
    int64_t unused = 0;
    for (const auto& [premise, found] : contradictions_) {
      if (!found.used) unused += static_cast<int64_t>(found.texts.size());
    }
    (labels_ == Labels::kParaphrase ? file_.dropped.not_the_same : file_.dropped.other_label) +=
        unused;
  }

  void RequireExamples() const {
    if (!file_.examples.empty()) return;
    if (file_.rows == 0) {
      throw UserError(
          fmt::format("[{}] has a header and no rows; expected at least one row; check the file",
                      table_.name()));
    }
    splits_.RequireSome(table_.name());
    const DroppedRows& dropped = file_.dropped;
    throw UserError(fmt::format(
        "[{}] has {} rows and none of use: {} without a gold label or score, {} neutral or "
        "contradiction, {} that do not mean the same, {} with identical texts, {} without a "
        "positive, {} of other splits; expected entailment rows or pairs; check the label column",
        table_.name(), file_.rows, dropped.no_gold_label, dropped.other_label, dropped.not_the_same,
        dropped.identical_texts, dropped.no_positive, dropped.other_split));
  }

  struct Contradictions {
    std::vector<std::string> texts;
    bool used = false;
  };

  const ExampleOptions& options_;
  Visit visit_;
  TableReader table_;
  TableColumns columns_;
  size_t known_columns_ = 0;
  bool is_set_ = false;
  bool score_column_is_label_ = false;
  SplitFilter splits_{options_.split};
  ListLikeTexts list_like_;
  std::vector<std::optional<std::string>> cells_;
  ExampleFile file_;
  Labels labels_ = Labels::kNone;
  std::vector<PairRow> undecided_;  // rows that were read before the labels told what they are
  bool saw_two_ = false;
  std::unordered_map<std::string, int32_t> classes_;
  std::unordered_map<std::string, Contradictions> contradictions_;  // for each premise
};

}  // namespace

ExampleFile ReadExamples(const std::string& path, const ExampleOptions& options) {
  return ExampleReader(path, options, {}).Read();
}

ExampleFile VisitExamples(const std::string& path, const ExampleOptions& options,
                          const std::function<void(const Example&)>& visit) {
  LACOS_CHECK(!options.hard_negatives, "negatives of later rows need the examples");
  return ExampleReader(path, options, visit).Read();
}

}  // namespace lacos
