#include "lacos/data/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

using Cells = std::vector<std::optional<std::string>>;

constexpr const char* kIndexName = "suite.json";

std::vector<std::string> Strings(const Json& array) {
  std::vector<std::string> strings;
  array.ForEachElement([&](const Json& element) { strings.push_back(element.AsString()); });
  return strings;
}

int64_t Rows(const Json& json) {
  const int64_t rows = json.At("rows").AsInt();
  if (rows >= 0) return rows;
  throw UserError(fmt::format("{} is {}; expected a count; prepare the suite again",
                              json.At("rows").Where(), rows));
}

// A path in the index, which must exist and stay inside the suite's folder.
std::string CheckedPath(const std::string& folder, const Json& path) {
  std::string name = path.AsString();
  if (!StaysInside(name)) {
    throw UserError(
        fmt::format("{} is '{}'; expected a path inside the suite; do not trust this folder",
                    path.Where(), name));
  }
  if (!FileExists(folder + "/" + name)) {
    throw UserError(
        fmt::format("{} names '{}', which is not there; expected the file; prepare the suite again",
                    path.Where(), name));
  }
  return name;
}

SuiteFile ReadFileEntry(const std::string& folder, const Json& json) {
  return {CheckedPath(folder, json.At("path")), Rows(json), json.At("sha256").AsString()};
}

std::string TextOr(const Json& json, const char* key, const std::string& absent) {
  const auto found = json.Find(key);
  return found ? found->AsString() : absent;
}

SuiteSet ReadSet(const std::string& folder, const Json& json) {
  const SuiteFile file = ReadFileEntry(folder, json);
  SuiteSet set{.task = json.At("task").AsString(),
               .name = json.At("name").AsString(),
               .subset = TextOr(json, "subset", ""),
               .split = json.At("split").AsString(),
               .languages = Strings(json.At("languages")),
               .path = file.path,
               .rows = file.rows,
               .sha256 = file.sha256};
  if (const auto scale = json.Find("scale")) {
    if (scale->size() != 2) {
      throw UserError(fmt::format("{} has {} values; expected the lowest and the highest score",
                                  scale->Where(), scale->size()));
    }
    set.score_low = (*scale)[0].AsDouble();
    set.score_high = (*scale)[1].AsDouble();
  }
  if (const auto labels = json.Find("labels")) set.labels = Strings(*labels);
  if (set.task == "retrieval") {
    set.queries = ReadFileEntry(folder, json.At("queries"));
    set.qrels = ReadFileEntry(folder, json.At("qrels"));
  }
  if (const auto usual = json.Find("usual")) set.usual = usual->AsBool();
  if (const auto published = json.Find("published_text")) set.published_text = published->AsBool();
  if (const auto origin = json.Find("origin")) {
    origin->ForEachElement([&](const Json& entry) {
      set.origin.push_back({entry.At("file").AsString(), 0, entry.At("sha256").AsString()});
    });
  }
  return set;
}

// Reads a table that has exactly these columns.
class TsvReader {
 public:
  TsvReader(const std::string& path, const std::vector<std::string>& columns)
      : columns_(columns), table_(path, {.delimiter = '\t', .quoting = false}) {
    if (table_.columns() == columns) return;
    throw UserError(fmt::format("[{}] has the columns ({}); expected ({}); prepare the suite again",
                                path, TruncateForMessage(Joined(table_.columns()), 200),
                                Joined(columns)));
  }
  bool Next() { return table_.Next(cells_); }
  const std::string& operator[](size_t i) const { return *cells_[i]; }
  std::string Where() const { return table_.Where(); }

 private:
  static std::string Joined(const std::vector<std::string>& names) {
    std::string joined;
    for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
    return joined;
  }
  std::vector<std::string> columns_;
  TableReader table_;
  Cells cells_;
};

void RequireRows(const std::string& path, int64_t found, int64_t expected) {
  if (found == expected) return;
  throw UserError(
      fmt::format("[{}] has {} rows; expected {}, as suite.json says; prepare the suite again",
                  path, found, expected));
}

void RequireTask(const SuiteSet& set, const std::string& path,
                 std::initializer_list<const char*> tasks) {
  for (const char* task : tasks) {
    if (set.task == task) return;
  }
  throw UserError(fmt::format("[{}] is of the task {}; expected {}; choose another set", path,
                              set.task, *tasks.begin()));
}

}  // namespace

std::vector<const SuiteSet*> Suite::Find(const std::string& task, const std::string& name,
                                         const std::string& split) const {
  std::vector<const SuiteSet*> found;
  for (const SuiteSet& set : sets) {
    if ((task.empty() || set.task == task) && (name.empty() || set.name == name) &&
        (split.empty() || set.split == split || set.split == "all")) {
      found.push_back(&set);
    }
  }
  return found;
}

Suite OpenSuite(const std::string& folder) {
  const std::string path = folder + "/" + kIndexName;
  if (!FileExists(path)) {
    throw UserError(fmt::format(
        "[{}] has no {}; expected a folder that 'lacos data prepare' wrote; check the path or prepare one",
        folder, kIndexName));
  }
  const Json json = Json::ReadFile(path);
  const int64_t format = json.At("format").AsInt();
  if (format != 1) {
    throw UserError(
        fmt::format("{} is {}; expected 1; prepare the suite again with this version of lacos",
                    json.At("format").Where(), format));
  }
  Suite suite{.folder = folder, .sets = {}, .absent = {}};
  json.At("sets").ForEachElement(
      [&](const Json& set) { suite.sets.push_back(ReadSet(folder, set)); });
  if (const auto absent = json.Find("absent")) {
    absent->ForEachElement([&](const Json& set) {
      suite.absent.push_back({set.At("task").AsString(), set.At("name").AsString(),
                              TextOr(set, "subset", ""), TextOr(set, "split", "")});
    });
  }
  std::stable_sort(suite.sets.begin(), suite.sets.end(), [](const SuiteSet& a, const SuiteSet& b) {
    return std::tie(a.task, a.name, a.subset, a.split) <
           std::tie(b.task, b.name, b.subset, b.split);
  });
  return suite;
}

std::vector<SuiteProblem> VerifySuite(const Suite& suite) {
  std::map<std::string, std::string> expected;  // the hash of each file, listed once
  for (const SuiteSet& set : suite.sets) {
    expected.emplace(set.path, set.sha256);
    if (!set.queries.path.empty()) expected.emplace(set.queries.path, set.queries.sha256);
    if (!set.qrels.path.empty()) expected.emplace(set.qrels.path, set.qrels.sha256);
  }
  std::vector<SuiteProblem> problems;
  for (const auto& [path, sha256] : expected) {
    const std::string found = FileSha256(suite.PathOf(path));
    if (found != sha256) problems.push_back({path, "sha256 " + found, "sha256 " + sha256});
  }
  return problems;
}

ScoredPairs ReadStsSet(const Suite& suite, const SuiteSet& set) {
  const std::string path = suite.PathOf(set.path);
  RequireTask(set, path, {"sts"});
  TsvReader rows(path, {"sentence1", "sentence2", "score"});
  ScoredPairs pairs;
  pairs.path = path;
  while (rows.Next()) {
    const double score = ParseScore(rows[2], rows.Where());
    if (score < set.score_low || score > set.score_high) {
      throw UserError(
          fmt::format("{} found the score {}; expected {} to {}; prepare the suite again",
                      rows.Where(), score, set.score_low, set.score_high));
    }
    pairs.first.push_back(rows[0]);
    pairs.second.push_back(rows[1]);
    pairs.score.push_back(score);
    ++pairs.rows;
  }
  RequireRows(path, pairs.rows, set.rows);
  return pairs;
}

TextPairs ReadBitextSet(const Suite& suite, const SuiteSet& set) {
  const std::string path = suite.PathOf(set.path);
  RequireTask(set, path, {"bitext"});
  TsvReader rows(path, {"sentence1", "sentence2"});
  TextPairs pairs;
  while (rows.Next()) {
    pairs.first.push_back(rows[0]);
    pairs.second.push_back(rows[1]);
  }
  RequireRows(path, static_cast<int64_t>(pairs.first.size()), set.rows);
  return pairs;
}

LabelledTexts ReadLabelledSet(const Suite& suite, const SuiteSet& set) {
  const std::string path = suite.PathOf(set.path);
  RequireTask(set, path, {"classification", "clustering"});
  TsvReader rows(path, {"text", "label"});
  LabelledTexts texts;
  texts.labels = set.labels;
  while (rows.Next()) {
    const auto label = std::find(set.labels.begin(), set.labels.end(), rows[1]);
    if (label == set.labels.end()) {
      throw UserError(fmt::format(
          "{} found the label '{}'; expected one of the {} that suite.json names; prepare "
          "the suite again",
          rows.Where(), TruncateForMessage(rows[1], 60), set.labels.size()));
    }
    texts.texts.push_back(rows[0]);
    texts.label.push_back(static_cast<int32_t>(label - set.labels.begin()));
  }
  RequireRows(path, static_cast<int64_t>(texts.texts.size()), set.rows);
  return texts;
}

LabelledPairs ReadPairClassificationSet(const Suite& suite, const SuiteSet& set) {
  const std::string path = suite.PathOf(set.path);
  RequireTask(set, path, {"pair_classification"});
  TsvReader rows(path, {"sentence1", "sentence2", "label"});
  LabelledPairs pairs;
  while (rows.Next()) {
    if (rows[2] != "0" && rows[2] != "1") {
      throw UserError(
          fmt::format("{} found the label '{}'; expected 0 or 1; prepare the suite again",
                      rows.Where(), TruncateForMessage(rows[2], 60)));
    }
    pairs.first.push_back(rows[0]);
    pairs.second.push_back(rows[1]);
    pairs.label.push_back(rows[2] == "1" ? 1 : 0);
  }
  RequireRows(path, static_cast<int64_t>(pairs.first.size()), set.rows);
  return pairs;
}

RetrievalData ReadRetrievalSet(const Suite& suite, const SuiteSet& queries,
                               const SuiteSet& documents) {
  RequireTask(queries, suite.PathOf(queries.path), {"retrieval"});
  RequireTask(documents, suite.PathOf(documents.path), {"retrieval"});
  if (queries.qrels.path != documents.qrels.path) {
    throw UserError(fmt::format(
        "[{}] and [{}] are of different sets; expected languages of one set; choose others",
        suite.PathOf(queries.queries.path), suite.PathOf(documents.path)));
  }
  RetrievalData data =
      ReadRetrieval(suite.PathOf(documents.path), suite.PathOf(queries.queries.path),
                    suite.PathOf(queries.qrels.path));
  RequireRows(suite.PathOf(documents.path), static_cast<int64_t>(data.documents.ids.size()),
              documents.rows);
  RequireRows(suite.PathOf(queries.queries.path), static_cast<int64_t>(data.queries.ids.size()),
              queries.queries.rows);
  RequireRows(suite.PathOf(queries.qrels.path), static_cast<int64_t>(data.relevant.size()),
              queries.qrels.rows);
  return data;
}

}  // namespace lacos
