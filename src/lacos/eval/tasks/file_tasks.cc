// Tasks on a user's own files, outside of any suite.
#include "lacos/eval/tasks/file_tasks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/columns.h"
#include "lacos/data/labels.h"
#include "lacos/data/task.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// What the user is told about a file that was read.
struct Remarks {
  std::vector<std::string> notes, warnings;

  void Add(Remarks more) {
    std::ranges::move(more.notes, std::back_inserter(notes));
    std::ranges::move(more.warnings, std::back_inserter(warnings));
  }
};

// The cells of some columns in the rows of one split.
class Columns {
 public:
  // `choose` picks the columns among those that were found: positions, or -1 for one that is absent.
  // `expected` says what they are.
  template <class Choose>
  Columns(const std::string& path, const FileTaskOptions& options, const Choose& choose,
          const char* expected, const std::string& split)
      : reader_(path, options.table), filter_(split) {
    const TableColumns found = RecognizeColumns(reader_, Wanted::kPair);
    columns_ = choose(found);
    split_column_ = found.split;
    if (std::ranges::find(columns_, -1) != columns_.end()) {
      throw UserError(
          fmt::format("[{}] found the columns {}; expected {}; rename the columns, or "
                      "add a header line",
                      path, ColumnList(reader_), expected));
    }
    for (const std::string& note : found.Notes(reader_))
      notes_.push_back(fmt::format("[{}] {}", path, note));
    warnings_ = found.left_out;
  }

  bool has_split() const { return split_column_ >= 0; }
  void RequireSome() const { filter_.RequireSome(reader_.name()); }

  bool Next(std::vector<std::string>& cells) {
    TableReader::Cells row;
    while (reader_.Next(row)) {
      const auto cell = [&](int column) {
        return column < 0 ? std::nullopt : row[static_cast<size_t>(column)];
      };
      if (!filter_.Keep(cell(split_column_), has_split())) continue;
      cells.clear();
      for (const int column : columns_) {
        if (const ListCell* list = FindList(reader_, column)) {
          throw UserError(fmt::format(
              "{} has a list of {} values in the column '{}'; expected one; write a row for each",
              reader_.Where(), list->texts.size(), reader_.columns()[static_cast<size_t>(column)]));
        }
        if (!cell(column)) {
          throw UserError(
              fmt::format("{} has no value in the column '{}'; expected one in every row; "
                          "complete the row",
                          reader_.Where(), reader_.columns()[static_cast<size_t>(column)]));
        }
        list_like_.See(
            *cell(column), [&] { return reader_.Where(); },
            reader_.columns()[static_cast<size_t>(column)]);
        cells.push_back(*cell(column));
      }
      return true;
    }
    return false;
  }
  std::string Where() const { return reader_.Where(); }
  // The name of a chosen column, by its place among them.
  const std::string& NameOf(size_t place) const {
    return reader_.columns()[static_cast<size_t>(columns_[place])];
  }
  // What was noticed about the file: how its columns were found, and what was left out.
  Remarks Finish(int64_t without_label) const {
    std::vector<std::string> notes = notes_;
    if (without_label > 0) {
      notes.push_back(
          fmt::format("[{}] {} rows without a label were left out", reader_.name(), without_label));
    }
    if (filter_.dropped() > 0) {
      notes.push_back(fmt::format("[{}] {} rows of another split were left out", reader_.name(),
                                  filter_.dropped()));
    }
    std::vector<int> used = columns_;
    used.push_back(split_column_);
    const std::string unused = UnusedColumnsNote(OtherColumns(reader_, used));
    if (!unused.empty()) notes.push_back(fmt::format("[{}] {}", reader_.name(), unused));
    std::vector<std::string> warnings = warnings_;
    for (const std::string& warning : {list_like_.Warning(), reader_.QuotingWarning()}) {
      if (!warning.empty()) warnings.push_back(warning);
    }
    return {.notes = std::move(notes), .warnings = std::move(warnings)};
  }

 private:
  TableReader reader_;
  SplitFilter filter_;
  std::vector<int> columns_;
  int split_column_ = -1;
  ListLikeTexts list_like_;
  std::vector<std::string> notes_, warnings_;
};

void RequireRows(const std::string& path, size_t found) {
  if (found >= 2) return;
  throw UserError(fmt::format(
      "[{}] found {} rows to score; expected at least two; check the file or choose another `split`",
      path, found));
}

LabelledPairs ReadPairs(const std::string& path, const FileTaskOptions& options, Remarks& remarks) {
  bool names_nli = false;
  const auto choose = [&](const TableColumns& found) {
    names_nli = found.names_nli;
    return std::vector<int>{found.first, found.second,
                            found.label >= 0 ? found.label : found.score};
  };
  Columns rows(path, options, choose, "sentence1, sentence2, label", options.split);
  LabelledPairs pairs;
  std::vector<std::string> cells;
  int64_t without_label = 0;
  while (rows.Next(cells)) {
    const std::optional<Label> label = ReadLabel(cells[2]);
    using Kind = Label::Kind;
    if (label && (label->kind == Kind::kMissing || label->kind == Kind::kMissingNli)) {
      ++without_label;
      continue;
    }
    if (names_nli && label && label->kind == Kind::kNumber) {
      throw UserError(fmt::format(
          "{} found the label '{}' in a table of NLI (a column premise, hypothesis, gold_label or "
          "entailment_judgment), where 0 is entailment; expected 1 for a pair that means the same, "
          "else 0; if that is what they are, name the columns sentence1, sentence2 and label",
          rows.Where(), TruncateForMessage(cells[2], 60)));
    }
    const bool known = label && (label->kind == Kind::kParaphrase ||
                                 (label->kind == Kind::kNumber && label->value < 2));
    if (!known) {
      throw UserError(fmt::format(
          "{} found the label '{}' in the column '{}'; expected 1 for a pair that means the same, else "
          "0; correct the row",
          rows.Where(), TruncateForMessage(cells[2], 60), rows.NameOf(2)));
    }
    pairs.first.push_back(cells[0]);
    pairs.second.push_back(cells[1]);
    pairs.label.push_back(label->value);
  }
  rows.RequireSome();
  RequireRows(path, pairs.label.size());
  remarks.Add(rows.Finish(without_label));
  return pairs;
}

TextPairs ReadBitext(const std::string& path, const FileTaskOptions& options, Remarks& remarks) {
  const auto choose = [](const TableColumns& found) {
    return std::vector<int>{found.first, found.second};
  };
  Columns rows(path, options, choose, "sentence1, sentence2", options.split);
  TextPairs pairs;
  std::vector<std::string> cells;
  while (rows.Next(cells)) {
    pairs.first.push_back(cells[0]);
    pairs.second.push_back(cells[1]);
  }
  rows.RequireSome();
  RequireRows(path, pairs.first.size());
  remarks.Add(rows.Finish(0));
  return pairs;
}

// Texts with an empty label are left out, as in training.
LabelledTexts ReadLabelled(const std::string& path, const FileTaskOptions& options,
                           const std::string& split, Remarks& remarks, bool* has_split = nullptr) {
  const auto choose = [](const TableColumns& found) {
    return std::vector<int>{found.text >= 0    ? found.text
                            : found.second < 0 ? found.first
                                               : -1,
                            found.label};
  };
  Columns rows(path, options, choose, "text, label", split);
  if (has_split != nullptr) *has_split = rows.has_split();
  LabelledTexts texts;
  std::map<std::string, int32_t> ids;
  std::vector<std::string> cells;
  int64_t without_label = 0;
  while (rows.Next(cells)) {
    if (cells[1].empty()) {
      ++without_label;
      continue;
    }
    const auto [place, is_new] = ids.emplace(cells[1], static_cast<int32_t>(ids.size()));
    if (is_new) texts.labels.push_back(cells[1]);
    texts.texts.push_back(cells[0]);
    texts.label.push_back(place->second);
  }
  rows.RequireSome();
  RequireRows(path, texts.texts.size());
  remarks.Add(rows.Finish(without_label));
  return texts;
}

std::unique_ptr<EvaluationTask> Classification(const std::string& path, TaskName name,
                                               const FileTaskOptions& options, Remarks& remarks) {
  bool has_split = false;
  LabelledTexts test = ReadLabelled(path, options, options.split, remarks, &has_split);
  if (!options.train_data.empty()) {
    return MakeClassificationTask(std::move(name),
                                  ReadLabelled(options.train_data, options, "train", remarks),
                                  std::move(test), options.classification);
  }
  if (has_split) {
    Remarks ignored;  // they are those of the first reading
    return MakeClassificationTask(std::move(name), ReadLabelled(path, options, "train", ignored),
                                  std::move(test), options.classification);
  }
  name.split = "all";
  return MakeClassificationTask(std::move(name), std::move(test), {}, options.classification);
}

std::unique_ptr<EvaluationTask> WithRemarks(std::unique_ptr<EvaluationTask> task, Remarks remarks) {
  for (std::string& note : remarks.notes) task->AddNote(std::move(note));
  for (std::string& warning : remarks.warnings) task->AddWarning(std::move(warning));
  return task;
}

std::unique_ptr<EvaluationTask> Retrieval(const std::string& path, TaskName name,
                                          const FileTaskOptions& options) {
  const std::string& split = options.split;
  if (!FolderExists(path)) {
    throw UserError(fmt::format(
        "[{}] is not a folder; expected one with corpus.jsonl, queries.jsonl and qrels.tsv (or "
        "qrels/{}.tsv); name it",
        path, split));
  }
  const auto find = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      for (const char* suffix : {"", ".gz", ".zst"}) {
        const std::string file = (fs::path(path) / (name + suffix)).string();
        if (PathExists(file)) return file;
      }
    }
    return (fs::path(path) / names.back()).string();  // opening it names it
  };
  const std::string qrels =
      find({"qrels/" + split + ".tsv", "qrels/" + split + ".jsonl", "qrels.jsonl", "qrels.tsv"});
  RetrievalData data = ReadRetrieval(find({"corpus.jsonl"}), find({"queries.jsonl"}), qrels);
  if (std::ranges::none_of(data.relevant, [](const auto& row) { return row.score > 0; })) {
    throw UserError(fmt::format(
        "[{}] has {} rows and none with a score above 0; expected a relevant document for some "
        "query; check the file or choose another `split`",
        qrels, data.relevant.size()));
  }
  std::set<int32_t> scored;
  for (const Relevance& judgement : data.relevant) {
    if (judgement.score > 0) scored.insert(judgement.query);
  }
  Remarks remarks{.notes = data.notes, .warnings = {}};
  if (const size_t queries = data.queries.ids.size(); scored.size() < queries) {
    remarks.notes.push_back(
        fmt::format("[{}] {} of {} queries have no relevant document and are not scored", path,
                    queries - scored.size(), queries));
  }
  auto made = MakeRetrievalTask(std::move(name), std::move(data), options.keep_identical_ids);
  return WithRemarks(std::move(made), std::move(remarks));
}

}  // namespace

std::unique_ptr<EvaluationTask> FileTask(const std::string& task, const std::string& path,
                                         const FileTaskOptions& options) {
  TaskName name{.task = task, .name = path, .subset = "", .split = options.split, .languages = {}};
  if (task == "sts") {
    ScoredPairs pairs = ReadScoredPairs(path, options.table, options.split);
    if (pairs.first.empty()) {
      throw UserError(fmt::format(
          "[{}] no pair with a score; expected rows of split '{}' with sentence1, sentence2 and "
          "score; check the file or choose another `split`",
          path, options.split));
    }
    Remarks remarks{.notes = {}, .warnings = pairs.warnings};
    for (const std::string& note : pairs.Notes())
      remarks.notes.push_back(fmt::format("[{}] {}", path, note));
    return WithRemarks(MakeStsTask(std::move(name), std::move(pairs)), std::move(remarks));
  }
  Remarks remarks;
  if (task == "pair_classification") {
    LabelledPairs pairs = ReadPairs(path, options, remarks);
    return WithRemarks(MakePairClassificationTask(std::move(name), std::move(pairs)),
                       std::move(remarks));
  }
  if (task == "bitext") {
    TextPairs pairs = ReadBitext(path, options, remarks);
    return WithRemarks(MakeBitextTask(std::move(name), std::move(pairs)), std::move(remarks));
  }
  if (task == "clustering") {
    LabelledTexts texts = ReadLabelled(path, options, options.split, remarks);
    return WithRemarks(MakeClusteringTask(std::move(name), std::move(texts)), std::move(remarks));
  }
  if (task == "classification") {
    auto made = Classification(path, std::move(name), options, remarks);
    return WithRemarks(std::move(made), std::move(remarks));
  }
  if (task == "retrieval") return Retrieval(path, std::move(name), options);
  throw UserError(fmt::format("[`task`] found '{}'; expected {}; correct it", task,
                              fmt::join(WordsOf<Task>(), ", ")));
}

}  // namespace lacos
