// The STS benchmark, its translations, and SICK: tables with a score in each row.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/prepare/raw_format.h"
#include "lacos/data/prepare/scored_rows.h"

namespace lacos {
namespace {

SuiteSet BenchmarkSet(const std::string& split) {
  return {.task = "sts",
          .name = "STSBenchmark",
          .subset = "",
          .split = split,
          .languages = {"en"},
          .path = fmt::format("sts/STSBenchmark/{}.tsv", split),
          .score_low = 0,
          .score_high = 5};
}

[[noreturn]] void FailColumns(const std::string& where, size_t found, const std::string& expected) {
  throw UserError(fmt::format("{} found {} column{}; expected {}; copy or download the file again",
                              where, found, found == 1 ? "" : "s", expected));
}

// The columns of a table with a header, found by their names.
class Header {
 public:
  Header(const RawFile& file, const RawLines& lines) : file_(file) {
    if (lines.lines().empty())
      throw UserError(fmt::format("[{}] is empty; expected a table", file.shown));
    for (const std::string_view cell : SplitTabs(lines.lines()[0]))
      names_.push_back(LowerAscii(cell));
  }
  std::optional<size_t> Find(const std::string& name) const {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return i;
    }
    return std::nullopt;
  }
  size_t Column(const std::string& name) const {
    const auto column = Find(name);
    if (column) return *column;
    throw UserError(fmt::format(
        "{} has the columns ({}); expected '{}' among them; copy or download the file again",
        file_.Where(1), TruncateForMessage(fmt::format("{}", fmt::join(names_, ", ")), 200), name));
  }
  size_t size() const { return names_.size(); }

 private:
  const RawFile& file_;
  std::vector<std::string> names_;
};

class StsTableFormat : public RawFormat {
 public:
  std::string Task() const override { return "sts"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return Kind(parts.back()) != FileKind::kOther;
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const std::vector<std::string> parts = LowerParts(file.name);
    const RawLines lines(file);
    out.NoteLines(file, lines);
    switch (Kind(parts.back())) {
      case FileKind::kBenchmark:
        AddBenchmark(file, lines, parts, out);
        break;
      case FileKind::kBenchmarkTsv:
        AddBenchmarkTsv(file, lines, out);
        break;
      case FileKind::kTranslated:
        AddTranslated(file, lines, parts.back(), out);
        break;
      case FileKind::kSick:
        AddSick(file, lines, parts, out);
        break;
      case FileKind::kOther:
        break;
    }
  }

 private:
  enum class FileKind { kOther, kBenchmark, kBenchmarkTsv, kTranslated, kSick };

  static FileKind Kind(std::string_view file) {
    if (file == "sts-train.csv" || file == "sts-dev.csv" || file == "sts-test.csv")
      return FileKind::kBenchmark;
    if (file == "stsbenchmark.tsv") return FileKind::kBenchmarkTsv;
    if (file == "sick_train.txt" || file == "sick_trial.txt" || file == "sick_test_annotated.txt" ||
        file == "sick.txt") {
      return FileKind::kSick;
    }
    if (file.starts_with("stsb-") && file.ends_with(".csv")) {
      file.remove_prefix(5);
      file.remove_suffix(4);
      const size_t dash = file.rfind('-');
      if (dash == std::string_view::npos || !IsLanguageCode(file.substr(0, dash)))
        return FileKind::kOther;
      const std::string_view split = file.substr(dash + 1);
      if (split == "train" || split == "dev" || split == "test") return FileKind::kTranslated;
    }
    return FileKind::kOther;
  }

  // A row has genre, file, year, id, score, sentence1, sentence2, and sometimes two sources. Quotes
  // are part of the text.
  static void AddBenchmark(const RawFile& file, const RawLines& lines,
                           const std::vector<std::string>& parts, SuiteWriter& out) {
    const std::string split = parts.back().substr(4, parts.back().size() - 8);
    ScoredRows table;
    for (size_t i = 0; i < lines.lines().size(); ++i) {
      const std::string where = file.Where(static_cast<int64_t>(i) + 1);
      const auto cells = SplitTabs(lines.lines()[i]);
      if (cells.size() != 7 && cells.size() != 9) {
        FailColumns(where, cells.size(),
                    "genre, file, year, id, score, two sentences, and none or two sources");
      }
      table.Add(cells[5], cells[6], ScoreIn(cells[4], 0, where));
    }
    // SentEval keeps a tokenized copy of the benchmark in STS/STSBenchmark. The folder of the
    // original is stsbenchmark.
    const bool senteval = file.name.find("STS/STSBenchmark/") != std::string::npos ||
                          file.name.starts_with("STSBenchmark/");
    out.AddTable(BenchmarkSet(split), table.rows, {.files = {&file}, .other_edition = senteval},
                 table.scores);
  }

  // Adds the form of sentence-transformers, which has named columns and all three splits in one
  // file.
  static void AddBenchmarkTsv(const RawFile& file, const RawLines& lines, SuiteWriter& out) {
    const Header header(file, lines);
    const size_t split = header.Column("split"), score = header.Column("score"),
                 first = header.Column("sentence1"), second = header.Column("sentence2");
    std::map<std::string, ScoredRows> tables;
    for (size_t i = 1; i < lines.lines().size(); ++i) {
      const std::string where = file.Where(static_cast<int64_t>(i) + 1);
      const auto cells = SplitTabs(lines.lines()[i]);
      if (cells.size() != header.size())
        FailColumns(where, cells.size(), fmt::format("{}", header.size()));
      const std::string name(cells[split]);
      if (name != "train" && name != "dev" && name != "test") {
        throw UserError(
            fmt::format("{} found the split '{}'; expected train, dev or test; correct it", where,
                        TruncateForMessage(name, 60)));
      }
      tables[name].Add(cells[first], cells[second], ScoreIn(cells[score], 0, where));
    }
    for (const auto& [name, table] : tables) {
      out.AddTable(BenchmarkSet(name), table.rows, {.files = {&file}, .other_edition = true},
                   table.scores);
    }
  }

  static void AddTranslated(const RawFile& file, const RawLines& lines, const std::string& name,
                            SuiteWriter& out) {
    const size_t dash = name.rfind('-');
    const std::string language = name.substr(5, dash - 5),
                      split = name.substr(dash + 1, name.size() - dash - 5);
    ScoredRows table;
    for (const CsvRecord& record : ParseCsv(file, lines)) {
      const std::string where = file.Where(record.line);
      if (record.cells.size() != 3)
        FailColumns(where, record.cells.size(), "two sentences and a score");
      table.Add(record.cells[0], record.cells[1], ScoreIn(record.cells[2], 0, where));
    }
    SuiteSet set = BenchmarkSet(split);
    set.name = "stsb-multi-mt";
    set.subset = language;
    set.languages = {language};
    set.path = fmt::format("sts/stsb-multi-mt/{}.{}.tsv", language, split);
    out.AddTable(std::move(set), table.rows, {.files = {&file}}, table.scores);
  }

  // Adds SICK_train.txt and similar files, or SICK.txt, in which the column SemEval_set names the
  // split.
  static void AddSick(const RawFile& file, const RawLines& lines,
                      const std::vector<std::string>& parts, SuiteWriter& out) {
    const Header header(file, lines);
    const size_t first = header.Column("sentence_a"), second = header.Column("sentence_b"),
                 score = header.Column("relatedness_score");
    const bool whole = parts.back() == "sick.txt";
    const size_t split = whole ? header.Column("semeval_set") : 0;
    const std::string stated = parts.back().starts_with("sick_test") ? "test"
                               : parts.back() == "sick_trial.txt"    ? "trial"
                                                                     : "train";
    std::map<std::string, ScoredRows> tables;
    for (size_t i = 1; i < lines.lines().size(); ++i) {
      const std::string where = file.Where(static_cast<int64_t>(i) + 1);
      const auto cells = SplitTabs(lines.lines()[i]);
      if (cells.size() != header.size())
        FailColumns(where, cells.size(), fmt::format("{}", header.size()));
      const std::string name = whole ? LowerAscii(cells[split]) : stated;
      if (name != "train" && name != "trial" && name != "test") {
        throw UserError(
            fmt::format("{} found the split '{}'; expected TRAIN, TRIAL or TEST; correct it", where,
                        TruncateForMessage(name, 60)));
      }
      tables[name].Add(cells[first], cells[second], ScoreIn(cells[score], 1, where));
    }
    const bool senteval = parts.size() > 1 && file.name.find("SICK/SICK_") != std::string::npos;
    for (const auto& [name, table] : tables) {
      SuiteSet set = BenchmarkSet(name == "trial" ? "dev" : name);
      set.name = "SICK-R";
      set.path = fmt::format("sts/SICK-R/{}.tsv", name);
      set.score_low = 1;
      out.AddTable(std::move(set), table.rows,
                   {.files = {&file}, .other_edition = senteval || whole}, table.scores);
    }
  }
};

}  // namespace

std::unique_ptr<RawFormat> MakeStsTableFormat() { return std::make_unique<StsTableFormat>(); }

}  // namespace lacos
