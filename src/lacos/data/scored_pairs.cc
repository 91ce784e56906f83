// Reads sentence pairs with similarity scores, with or without a header (declared in examples.h).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/columns.h"
#include "lacos/data/examples.h"
#include "lacos/data/shards.h"
#include "lacos/io/line_reader.h"

namespace lacos {
namespace {

// enough rows to find one that distinguishes a score from a text that is a number
constexpr size_t kSampledRows = 200;

// The positions of the three cells in a table without a header.
struct Layout {
  size_t first, second, score;
  size_t min_cells, max_cells;
};

using Cells = std::vector<std::optional<std::string>>;

bool EmptyOrNumber(const Cells& cells, size_t i) {
  return cells[i]->empty() || ParseNumber(*cells[i]);
}

// The layouts in the order of preference. A table has the first layout that fits most sampled rows.
constexpr Layout kLayouts[] = {
    {5, 6, 4, 7, ~size_t{0}},  // STS benchmark: genre file year id score s1 s2 [sources]
    {4, 5, 3, 6, ~size_t{0}},  // companion of the benchmark: file year id score s1 s2 [sources]
    {0, 1, 2, 3, 3},           // s1 s2 score
    {1, 2, 0, 3, 3},           // score s1 s2
};

size_t CountFits(const Layout& layout, const std::vector<Cells>& rows, bool with_number) {
  size_t fits = 0;
  for (const Cells& cells : rows) {
    if (cells.size() < layout.min_cells || cells.size() > layout.max_cells) continue;
    const bool number = ParseNumber(*cells[layout.score]).has_value();
    const bool texts = !ParseNumber(*cells[layout.first]) || !ParseNumber(*cells[layout.second]);
    fits += texts && (number || (!with_number && EmptyOrNumber(cells, layout.score) &&
                                 !cells[layout.first]->empty() && !cells[layout.second]->empty()));
  }
  return fits;
}

std::optional<Layout> Recognize(const std::vector<Cells>& rows) {
  for (const bool with_number :
       {true, false}) {  // rows with a score are more informative than rows without
    const Layout* best = nullptr;
    size_t most = 0;
    for (const Layout& layout : kLayouts) {
      const size_t fits = CountFits(layout, rows, with_number);
      if (fits > most) {
        most = fits;
        best = &layout;
      }
    }
    if (best != nullptr) return *best;
  }
  return std::nullopt;
}

// Whether the file is one of the STS benchmark, which are called .csv but have tabs and no quoting.
bool IsTabbedCsv(const std::string& path) {
  if (!PlainName(path).ends_with(".csv")) return false;
  LineReader lines(path, {.replace_invalid = true});
  std::string line;
  return lines.Next(line) && std::count(line.begin(), line.end(), '\t') >= 5;
}

class ScoredPairReader {
 public:
  ScoredPairReader(const std::string& path, TableOptions options, const std::string& split)
      : options_(std::move(options)), splits_(split) {
    pairs_.path = path;
    if (!options_.delimiter && path != "-" && IsTabbedCsv(ShardsOf(path).front().path)) {
      options_.delimiter = '\t';
      if (!options_.quoting) options_.quoting = false;
    }
  }

  ScoredPairs Read() {
    // The STS benchmark has two more cells in some rows. In a file with a header they are counted
    // below.
    options_.ragged = true;
    TableReader table(pairs_.path, options_);
    ReadTable(table);
    pairs_.dropped_other_split = splits_.dropped();
    for (const std::string& warning : {list_like_.Warning(), table.QuotingWarning()}) {
      if (!warning.empty()) pairs_.warnings.push_back(warning);
    }
    return std::move(pairs_);
  }

 private:
  void ReadTable(TableReader& table) {
    if (table.columns().empty()) {
      throw UserError(fmt::format(
          "[{}] is empty; expected sentence pairs with scores; check the path", table.name()));
    }
    const TableColumns columns = FindColumns(table);
    const int score = columns.score >= 0 ? columns.score : columns.label;
    if (columns.HasPair() && score >= 0) {
      ReadWithHeader(table);
    } else if (columns.first >= 0 || columns.second >= 0 || columns.text >= 0 || score >= 0 ||
               table.header_cells().empty()) {
      throw UserError(fmt::format(
          "[{}] has the columns {}; expected sentence1, sentence2 and score; add what is missing",
          table.name(), ColumnList(table)));
    } else {
      ReadWithoutHeader(table);
    }
    splits_.RequireSome(table.name());
    if (pairs_.score.empty()) {
      throw UserError(
          fmt::format("[{}] has {} rows and none with a score; expected some; check the file",
                      table.name(), pairs_.rows));
    }
  }

  void ReadWithHeader(TableReader& table) {
    Cells cells;
    TableColumns columns;
    size_t known_columns = 0;
    bool score_is_label = false, has_score = false;
    const auto cell = [&](int column) {
      return column < 0 ? std::nullopt : cells[static_cast<size_t>(column)];
    };
    while (table.Next(cells)) {
      // This is the first row, or a row of JSON with a new key.
      if (table.columns().size() != known_columns) {
        known_columns = table.columns().size();
        columns = FindColumns(table);
        score_is_label = columns.score < 0;
      }
      ++pairs_.rows;
      if (cells.size() != known_columns) {
        throw UserError(fmt::format("{} found {} columns; expected {} ({}); correct the row",
                                    table.Where(), cells.size(), known_columns,
                                    fmt::join(table.columns(), ", ")));
      }
      if (!splits_.Keep(cell(columns.split), columns.split >= 0)) continue;
      std::optional<std::string> score = cell(score_is_label ? columns.label : columns.score);
      if (score_is_label) {
        const std::optional<Label> label = ReadLabel(score.value_or(""));
        // GLUE hides the scores of its test set behind -1.
        if (label && label->kind == Label::Kind::kMissingNli) score.reset();
        has_score |= label && label->kind == Label::Kind::kScore;
      }
      Add(table.Where(), cell(columns.first), cell(columns.second), score);
      for (const int column : {columns.first, columns.second}) {
        list_like_.See(
            *cell(column), [&] { return table.Where(); },
            table.columns()[static_cast<size_t>(column)]);
      }
    }
    if (score_is_label && !has_score && !pairs_.score.empty()) {
      throw UserError(fmt::format(
          "[{}] has no values but 0, 1 and 2 in the column '{}', like labels of NLI or paraphrases; "
          "expected scores; name the column 'score' if they are",
          table.name(), table.columns()[static_cast<size_t>(columns.label)]));
    }
    pairs_.unused_columns = OtherColumns(table, {columns.first, columns.second, columns.split,
                                                 score_is_label ? columns.label : columns.score});
  }

  void ReadWithoutHeader(TableReader& table) {
    // The names of shards may add a column with their split.
    const size_t width = table.header_cells().size();
    const bool has_split = table.columns().size() > width;
    std::vector<std::string> names;
    for (size_t i = 1; i <= width; ++i) names.push_back(fmt::format("column {}", i));
    table.TakeHeaderAsRow(names);
    Cells cells;
    const auto next = [&] {
      while (table.Next(cells)) {
        std::optional<std::string> split;
        if (has_split) {
          split = std::move(cells.back());
          cells.pop_back();
        }
        if (splits_.Keep(split, has_split)) return true;
        ++pairs_.rows;
      }
      return false;
    };
    std::vector<Cells> sample;
    std::vector<std::string> where;
    while (sample.size() < kSampledRows && next()) {
      sample.push_back(cells);
      where.push_back(table.Where());
    }
    if (sample.empty()) return;  // all rows are of another split
    const std::optional<Layout> layout = Recognize(sample);
    if (!layout) {
      throw UserError(fmt::format(
          "{} found {} columns without a header and without two texts and a score; expected a header "
          "with sentence1, sentence2 and score, or one of the layouts 'sentence1 sentence2 score', "
          "'score sentence1 sentence2' and the STS benchmark's; add a header{}",
          where[0], sample[0].size(), sample[0].size() == 1 ? ", or check `delimiter`" : ""));
    }
    for (size_t i = 0; i < sample.size(); ++i) AddByLayout(where[i], *layout, sample[i]);
    while (next()) AddByLayout(table.Where(), *layout, cells);
    pairs_.layout = fmt::format(
        "has no header; column {} is taken for the score, columns {} and {} for the texts{}",
        layout->score + 1, layout->first + 1, layout->second + 1,
        width > 3 ? ", and others are not used" : "");
  }

  void AddByLayout(const std::string& where, const Layout& layout, const Cells& cells) {
    if (cells.size() < layout.min_cells || cells.size() > layout.max_cells) {
      throw UserError(fmt::format(
          "{} found {} columns; expected {}{}, as in the first rows; correct the row", where,
          cells.size(), layout.min_cells, layout.max_cells > layout.min_cells ? " or more" : ""));
    }
    ++pairs_.rows;
    Add(where, cells[layout.first], cells[layout.second], cells[layout.score]);
  }

  void Add(const std::string& where, const std::optional<std::string>& first,
           const std::optional<std::string>& second, const std::optional<std::string>& score) {
    if (!first || !second) {
      throw UserError(
          fmt::format("{} lacks a sentence; expected two texts; correct the row", where));
    }
    if (!score || IsMissingScore(*score)) {
      ++pairs_.dropped_no_score;
      return;
    }
    pairs_.score.push_back(ParseScore(*score, where));
    pairs_.first.push_back(*first);
    pairs_.second.push_back(*second);
  }

  TableOptions options_;
  SplitFilter splits_;
  ScoredPairs pairs_;
  ListLikeTexts list_like_;
};

}  // namespace

std::vector<std::string> ScoredPairs::Notes() const {
  std::vector<std::string> notes;
  if (!layout.empty()) notes.push_back(layout);
  if (dropped_no_score > 0)
    notes.push_back(fmt::format("{} rows without a score were left out", dropped_no_score));
  if (dropped_other_split > 0)
    notes.push_back(fmt::format("{} rows of another split were left out", dropped_other_split));
  if (std::string unused = UnusedColumnsNote(unused_columns); !unused.empty())
    notes.push_back(std::move(unused));
  return notes;
}

ScoredPairs ReadScoredPairs(const std::string& path, const TableOptions& options,
                            const std::string& split) {
  return ScoredPairReader(path, options, split).Read();
}

}  // namespace lacos
