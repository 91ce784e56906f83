// Tasks on a user's own files, outside of any suite.
#include "lacos/eval/tasks/file_tasks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/task.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// The cells of some named columns in the rows of one split.
class Columns {
 public:
  // Each entry of `wanted` lists the names that a column may have.
  Columns(const std::string& path, const FileTaskOptions& options,
          const std::vector<std::vector<std::string>>& wanted, const std::string& split,
          bool may_lack_header)
      : reader_(path, options.table), filter_(split) {
    for (const auto& names : wanted) columns_.push_back(reader_.Column(names));
    split_column_ = reader_.Column({"split"});
    if (std::ranges::find(columns_, -1) == columns_.end()) return;
    if (may_lack_header && reader_.header_cells().size() == wanted.size()) {
      for (size_t i = 0; i < wanted.size(); ++i) columns_[i] = static_cast<int>(i);
      first_ = reader_.header_cells();
      return;
    }
    std::vector<std::string> usual;
    for (const auto& names : wanted) usual.push_back(names[0]);
    throw UserError(fmt::format("[{}] found the columns {}; expected {}; rename the columns", path,
                                fmt::join(reader_.columns(), ", "), fmt::join(usual, ", ")));
  }

  bool has_split() const { return split_column_ >= 0; }
  void RequireSome() const { filter_.RequireSome(reader_.name()); }

  bool Next(std::vector<std::string>& cells) {
    if (!first_.empty()) {
      cells = std::move(first_);
      first_.clear();
      return true;
    }
    std::vector<std::optional<std::string>> row;
    while (reader_.Next(row)) {
      const auto cell = [&](int column) {
        return column < 0 ? std::nullopt : row[static_cast<size_t>(column)];
      };
      if (!filter_.Keep(cell(split_column_), has_split())) continue;
      cells.clear();
      for (const int column : columns_) {
        if (!cell(column)) {
          throw UserError(fmt::format("{} no '{}'; expected a value in every row; complete the row",
                                      reader_.Where(),
                                      reader_.columns()[static_cast<size_t>(column)]));
        }
        cells.push_back(*cell(column));
      }
      return true;
    }
    return false;
  }
  std::string Where() const { return reader_.Where(); }

 private:
  TableReader reader_;
  SplitFilter filter_;
  std::vector<int> columns_;
  int split_column_ = -1;
  std::vector<std::string> first_;
};

void RequireRows(const std::string& path, size_t found) {
  if (found >= 2) return;
  throw UserError(fmt::format(
      "[{}] found {} rows to score; expected at least two; check the file or choose another `split`",
      path, found));
}

LabelledPairs ReadPairs(const std::string& path, const FileTaskOptions& options) {
  static const std::map<std::string, int32_t> kLabels = {
      {"1", 1}, {"true", 1},  {"yes", 1}, {"paraphrase", 1},
      {"0", 0}, {"false", 0}, {"no", 0},  {"not_paraphrase", 0}};
  Columns rows(path, options,
               {FirstSentenceNames(), SecondSentenceNames(), {"label", "gold_label", "score"}},
               options.split, false);
  LabelledPairs pairs;
  std::vector<std::string> cells;
  while (rows.Next(cells)) {
    const auto label = kLabels.find(LowerAscii(cells[2]));
    if (label == kLabels.end()) {
      throw UserError(fmt::format(
          "{} found the label '{}'; expected 1 for a pair that means the same, else 0; correct "
          "the row",
          rows.Where(), TruncateForMessage(cells[2], 60)));
    }
    pairs.first.push_back(cells[0]);
    pairs.second.push_back(cells[1]);
    pairs.label.push_back(label->second);
  }
  rows.RequireSome();
  RequireRows(path, pairs.label.size());
  return pairs;
}

TextPairs ReadBitext(const std::string& path, const FileTaskOptions& options) {
  Columns rows(path, options, {FirstSentenceNames(), SecondSentenceNames()}, options.split, true);
  TextPairs pairs;
  std::vector<std::string> cells;
  while (rows.Next(cells)) {
    pairs.first.push_back(cells[0]);
    pairs.second.push_back(cells[1]);
  }
  rows.RequireSome();
  RequireRows(path, pairs.first.size());
  return pairs;
}

LabelledTexts ReadLabelled(const std::string& path, const FileTaskOptions& options,
                           const std::string& split, bool* has_split = nullptr) {
  Columns rows(path, options, {{"text", "sentence", "sentence1"}, {"label", "class"}}, split,
               false);
  if (has_split != nullptr) *has_split = rows.has_split();
  LabelledTexts texts;
  std::map<std::string, int32_t> ids;
  std::vector<std::string> cells;
  while (rows.Next(cells)) {
    const auto [place, is_new] = ids.emplace(cells[1], static_cast<int32_t>(ids.size()));
    if (is_new) texts.labels.push_back(cells[1]);
    texts.texts.push_back(cells[0]);
    texts.label.push_back(place->second);
  }
  rows.RequireSome();
  RequireRows(path, texts.texts.size());
  return texts;
}

std::unique_ptr<EvaluationTask> Classification(const std::string& path, TaskName name,
                                               const FileTaskOptions& options) {
  bool has_split = false;
  LabelledTexts test = ReadLabelled(path, options, options.split, &has_split);
  if (!options.train_data.empty()) {
    return MakeClassificationTask(std::move(name),
                                  ReadLabelled(options.train_data, options, "train"),
                                  std::move(test), options.classification);
  }
  if (has_split) {
    return MakeClassificationTask(std::move(name), ReadLabelled(path, options, "train"),
                                  std::move(test), options.classification);
  }
  name.split = "all";
  return MakeClassificationTask(std::move(name), std::move(test), {}, options.classification);
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
  const fs::path folder = path;
  const fs::path in_folder = folder / "qrels" / (split + ".tsv");
  const fs::path qrels = PathExists(in_folder.string()) ? in_folder : folder / "qrels.tsv";
  return MakeRetrievalTask(std::move(name),
                           ReadRetrieval((folder / "corpus.jsonl").string(),
                                         (folder / "queries.jsonl").string(), qrels.string()),
                           options.keep_identical_ids);
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
    std::vector<std::string> notes;
    if (pairs.dropped_no_score > 0) {
      notes.push_back(
          fmt::format("[{}] {} rows without a score were left out", path, pairs.dropped_no_score));
    }
    if (pairs.dropped_other_split > 0) {
      notes.push_back(fmt::format("[{}] {} rows of another split were left out", path,
                                  pairs.dropped_other_split));
    }
    auto made = MakeStsTask(std::move(name), std::move(pairs));
    for (std::string& note : notes) made->AddNote(std::move(note));
    return made;
  }
  if (task == "pair_classification")
    return MakePairClassificationTask(std::move(name), ReadPairs(path, options));
  if (task == "bitext") return MakeBitextTask(std::move(name), ReadBitext(path, options));
  if (task == "clustering")
    return MakeClusteringTask(std::move(name), ReadLabelled(path, options, options.split));
  if (task == "classification") return Classification(path, std::move(name), options);
  if (task == "retrieval") return Retrieval(path, std::move(name), options);
  throw UserError(fmt::format("[`task`] found '{}'; expected {}; correct it", task,
                              fmt::join(WordsOf<Task>(), ", ")));
}

}  // namespace lacos
