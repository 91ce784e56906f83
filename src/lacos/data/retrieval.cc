#include "lacos/data/retrieval.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/columns.h"
#include "lacos/data/rows.h"
#include "lacos/data/shards.h"
#include "lacos/text/strip.h"

namespace lacos {
namespace {

using Places = std::unordered_map<std::string, int32_t>;  // of texts, by id

void NoteUnused(const TableReader& table, const std::vector<int>& used,
                std::vector<std::string>& notes) {
  const std::string unused = UnusedColumnsNote(OtherColumns(table, used));
  if (!unused.empty()) notes.push_back(fmt::format("[{}] {}", table.name(), unused));
}

RetrievalTexts ReadTexts(const std::string& path, bool are_documents, Places& places,
                         std::vector<std::string>& notes) {
  TableReader table(path, {});
  RetrievalTexts texts;
  TableReader::Cells cells;
  size_t known = 0;
  int id = -1, text = -1, title = -1;
  while (table.Next(cells)) {
    if (table.columns().size() != known) {
      known = table.columns().size();
      id = table.Column({"_id", "id"});
      text = table.Column({"text"});
      title = are_documents ? table.Column({"title"}) : -1;
    }
    const auto cell = [&](int column) {
      return column < 0 ? std::nullopt : cells[static_cast<size_t>(column)];
    };
    if (!cell(id) || !cell(text)) {
      throw UserError(
          fmt::format("{} has no text for {}; expected \"_id\" and \"text\" on each line; "
                      "correct the line",
                      table.Where(), cell(id) ? "'text'" : "'_id'"));
    }
    if (!places.emplace(*cell(id), static_cast<int32_t>(texts.ids.size())).second) {
      throw UserError(fmt::format(
          "{} has the id '{}' for the second time; expected each once; correct the line",
          table.Where(), TruncateForMessage(*cell(id), 60)));
    }
    texts.ids.push_back(*cell(id));
    texts.texts.push_back(are_documents
                              ? StripWhitespace(cell(title).value_or("") + " " + *cell(text))
                              : *cell(text));
  }
  if (texts.ids.empty()) {
    throw UserError(fmt::format("[{}] is empty; expected one object a line; check the path", path));
  }
  NoteUnused(table, {id, text, title}, notes);
  return texts;
}

// Reads judgements row by row.
class JudgementReader {
 public:
  explicit JudgementReader(const std::string& path)
      : table_(path, TableOptionsOf(path)), is_json_(table_.is_json()) {
    const std::vector<std::string>& names = table_.columns();
    if (is_json_) {
      Locate();
      return;
    }
    // BEIR takes the first line for a header, whatever its names are.
    const bool has_header = names.size() == 3 && !ParseNumber(names[2]);
    if (!has_header) {
      throw UserError(fmt::format(
          "[{}] begins with {}; expected a header line query-id, corpus-id, score with tabs between "
          "them, and such rows; add it{}",
          path, ColumnList(table_),
          names.size() == 4 || (names.size() == 1 && names[0].find(' ') != std::string::npos)
              ? ", and leave the second of the four columns of TREC's format out"
              : ""));
    }
    columns_ = {0, 1, 2};
  }

  bool Next() {
    if (!table_.Next(cells_)) return false;
    if (is_json_ && table_.columns().size() != known_) Locate();
    return true;
  }
  const std::string& query() const { return Cell(0); }
  const std::string& document() const { return Cell(1); }
  double score() const { return ParseScore(Cell(2), table_.Where()); }
  std::string Where() const { return table_.Where(); }
  void Finish(std::vector<std::string>& notes) const { NoteUnused(table_, columns_, notes); }

 private:
  static TableOptions TableOptionsOf(const std::string& path) {
    if (TableKindOf(path) == TableKind::kJson) return {};
    return {.delimiter = '\t', .quoting = false};
  }
  void Locate() {
    known_ = table_.columns().size();
    columns_ = {table_.Column({"query-id", "query_id"}),
                table_.Column({"corpus-id", "corpus_id", "doc_id"}), table_.Column({"score"})};
  }
  const std::string& Cell(size_t i) const {
    const int column = columns_[i];
    if (column < 0 || !cells_[static_cast<size_t>(column)]) {
      throw UserError(fmt::format(
          "{} has the columns {} and no value for '{}'; expected query-id, corpus-id and score; correct "
          "the row",
          table_.Where(), ColumnList(table_),
          i == 0   ? "query-id"
          : i == 1 ? "corpus-id"
                   : "score"));
    }
    return *cells_[static_cast<size_t>(column)];
  }

  TableReader table_;
  bool is_json_;
  size_t known_ = 0;
  std::vector<int> columns_;
  TableReader::Cells cells_;
};

}  // namespace

RetrievalData ReadRetrieval(const std::string& corpus, const std::string& queries,
                            const std::string& qrels) {
  Places document_places, query_places;
  RetrievalData data;
  data.documents = ReadTexts(corpus, true, document_places, data.notes);
  data.queries = ReadTexts(queries, false, query_places, data.notes);
  JudgementReader rows(qrels);
  std::map<std::pair<int32_t, int32_t>, double> judged;
  while (rows.Next()) {
    const auto query = query_places.find(rows.query());
    const auto document = document_places.find(rows.document());
    if (query == query_places.end() || document == document_places.end()) {
      const bool is_query = query == query_places.end();
      throw UserError(fmt::format("{} names the {} '{}'; expected one of [{}]; correct the row",
                                  rows.Where(), is_query ? "query" : "document",
                                  TruncateForMessage(is_query ? rows.query() : rows.document(), 60),
                                  is_query ? queries : corpus));
    }
    const double score = rows.score();
    const auto [place, is_new] = judged.emplace(std::pair(query->second, document->second), score);
    if (!is_new && place->second != score) {
      throw UserError(fmt::format(
          "{} gives the document '{}' the score {} for the query '{}', which has {} in an earlier "
          "row; expected one score; remove a row",
          rows.Where(), TruncateForMessage(rows.document(), 60), score,
          TruncateForMessage(rows.query(), 60), place->second));
    }
    if (is_new) data.relevant.push_back({query->second, document->second, score});
  }
  rows.Finish(data.notes);
  return data;
}

}  // namespace lacos
