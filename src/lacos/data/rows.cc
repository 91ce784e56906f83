#include "lacos/data/rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/json_rows.h"
#include "lacos/data/list_text.h"
#include "lacos/data/shards.h"
#include "lacos/io/json.h"
#include "lacos/io/line_reader.h"

namespace lacos {
namespace {

// Far more than any table has. The limit keeps a file from creating cells without end.
constexpr size_t kMaxColumns = 4096;
// The limit for one quoted field. Without it, an open quote would make a single field of the rest
// of the file.
constexpr int64_t kMaxTextBytes = JsonRows::kMaxTextBytes;

constexpr size_t kShownCell = 60;  // bytes of a cell in a message

constexpr const char* kSplitColumn = "split";
// Corpora of translations, as datasets has them, are objects of two texts under this key.
constexpr std::string_view kTranslation = "translation";

std::string_view TrimWhitespace(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Whether a cell is in quotes and has quotes inside, all of them doubled, as writers of CSV quote.
bool IsQuotedCell(std::string_view cell) {
  if (cell.size() < 4 || cell.front() != '"' || cell.back() != '"') return false;
  cell = cell.substr(1, cell.size() - 2);
  bool has_quotes = false;
  for (size_t at = 0; (at = cell.find('"', at)) != std::string_view::npos; at += 2) {
    if (at + 1 == cell.size() || cell[at + 1] != '"') return false;
    has_quotes = true;
  }
  return has_quotes;
}

// The delimiter that a line such as "sep=;" names, which spreadsheets write before the header.
std::optional<char> NamedDelimiter(std::string_view line) {
  if (line.size() == 7 && line.front() == '"' && line.back() == '"') line = line.substr(1, 5);
  if (line.size() != 5 || !line.starts_with("sep=")) return std::nullopt;
  return line.back();
}

// Whether a file of unknown kind begins like JSON.
bool BeginsLikeJson(std::string_view start) {
  if (start.starts_with("\xEF\xBB\xBF")) start.remove_prefix(3);
  const size_t first = start.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  if (start[first] == '{') return true;
  if (start[first] != '[') return false;
  const size_t second = start.find_first_not_of(" \t\r\n", first + 1);
  return second == std::string_view::npos || start[second] == '{' || start[second] == '[' ||
         start[second] == '"';
}

}  // namespace

TableOptions MakeTableOptions(const std::string& delimiter, const std::string& quoting,
                              bool replace_invalid) {
  TableOptions options;
  if (!delimiter.empty())
    options.delimiter = delimiter == "\\t" || delimiter == "tab" ? '\t' : delimiter[0];
  if (!quoting.empty()) options.quoting = quoting == "csv";
  options.replace_invalid = replace_invalid;
  return options;
}

struct TableReader::State {
  // A row with its place.
  struct Row {
    Cells cells;
    std::vector<ListCell> lists;
    int64_t line = 0;
    size_t shard = 0;
    std::string place;  // for messages; empty: the file and the line
  };

  State(const std::string& path, const TableOptions& table_options)
      : options(table_options), name(path == "-" ? "stdin" : path), shards(ShardsOf(path)) {
    for (const Shard& file : shards) has_splits |= !file.split.empty();
    OpenShard();
    if (is_json) {
      // The first row is read for its keys.
      Row first;
      if (Read(first)) ahead.push_back(std::move(first));
    }
  }

  TableOptions options;
  std::string name;
  std::vector<Shard> shards;
  size_t shard = 0;
  bool has_splits = false;  // whether the names of shards tell splits
  std::unique_ptr<LineReader> lines;
  std::unique_ptr<JsonRows> json;
  bool is_json = false;
  bool quoting = false;
  char delimiter = '\t';
  bool header_is_row = false;
  int64_t quoted_cells = 0;  // in a table without quoting
  std::string first_quoted;  // the place of the first one, and the cell
  size_t width = 0;          // the number of cells in a line of the file
  std::vector<std::string> columns, header_cells;
  std::unordered_map<std::string, size_t> keys;  // the column of each key, for JSON
  std::string line;
  std::vector<std::string> fields;  // the fields of the row that was split last
  std::deque<Row> ahead;            // rows that were read before they were asked for
  std::vector<int> list_texts;      // the columns of ReadListTexts
  Row row;                          // the row that is being read, then the one that Next returned

  const std::string& NameOf(size_t i) const {
    return shards[i].path == "-" ? name : shards[i].path;
  }
  const std::string& ShardName() const { return NameOf(shard); }

  [[noreturn]] void Fail(int64_t at, const std::string& what) const {
    throw UserError(fmt::format("[{}:{}] {}", ShardName(), at, what));
  }

  void OpenShard() {
    const std::string& path = shards[shard].path;
    LineOptions line_options{.replace_invalid = options.replace_invalid};
    const bool names_lines = NamesJsonLines(path);
    if (names_lines) line_options.max_line_bytes = kMaxTextBytes;
    lines = std::make_unique<LineReader>(path, line_options);
    const TableKind kind = TableKindOf(path);
    is_json =
        kind == TableKind::kJson || (kind == TableKind::kOther && BeginsLikeJson(lines->Peek()));
    if (is_json) {
      json = std::make_unique<JsonRows>(std::move(lines), ShardName(), names_lines);
      return;
    }
    delimiter = options.delimiter.value_or(kind == TableKind::kCsv ? ',' : '\t');
    quoting = options.quoting.value_or(kind == TableKind::kCsv);
    if (!options.columns.empty()) {
      if (shard == 0) SetColumns(options.columns);
      return;
    }
    if (!NextLine(false)) return;
    if (const auto named = NamedDelimiter(line); named && kind == TableKind::kCsv) {
      delimiter = options.delimiter.value_or(*named);
      if (!NextLine(false)) return;
    }
    Split();
    if (header_is_row) {
      ahead.push_back(TakeFields());
      return;
    }
    std::vector<std::string> names;
    for (const std::string& cell : fields) names.emplace_back(TrimWhitespace(cell));
    if (shard == 0) {
      header_cells = fields;
      SetColumns(std::move(names));
    } else if (names !=
               std::vector<std::string>(columns.begin(),
                                        columns.begin() + static_cast<std::ptrdiff_t>(width))) {
      Fail(row.line,
           fmt::format(
               "found the columns ({}); expected those of {} ({}); give all shards the same "
               "header",
               TruncateForMessage(fmt::format("{}", fmt::join(names, ", ")), 200), shards[0].path,
               TruncateForMessage(fmt::format("{}", fmt::join(columns, ", ")), 200)));
    }
  }

  void SetColumns(std::vector<std::string> names) {
    width = names.size();
    columns = std::move(names);
    if (!has_splits) return;
    for (const std::string& column : columns) has_splits &= LowerAscii(column) != kSplitColumn;
    if (has_splits) columns.emplace_back(kSplitColumn);
  }

  // Reads the next line that begins a row. Unless `blank_is_row`, an empty line may only be
  // followed by empty lines.
  bool NextLine(bool blank_is_row) {
    if (!lines->Next(line)) return false;
    row.line = lines->line_number();
    if (!line.empty() || blank_is_row) return true;
    while (lines->Next(line)) {
      if (!line.empty()) {
        Fail(row.line, "found a blank line; expected a row of the table; remove it");
      }
    }
    return false;
  }

  std::string& AddField() {
    if (fields.size() == kMaxColumns) {
      Fail(row.line,
           fmt::format("has more than {} columns; expected at most that; check `delimiter`",
                       kMaxColumns));
    }
    return fields.emplace_back();
  }

  // Splits `line` into `fields`, reading on while a quoted field is open.
  void Split() {
    fields.clear();
    if (!quoting) {
      for (size_t begin = 0;;) {
        const size_t end = line.find(delimiter, begin);
        std::string& field = AddField();
        field.assign(line, begin, end == std::string::npos ? end : end - begin);
        if (field.starts_with('"') && IsQuotedCell(field) && ++quoted_cells == 1) {
          first_quoted = fmt::format("[{}:{}] has the cell {}", ShardName(), lines->line_number(),
                                     TruncateForMessage(field, kShownCell));
        }
        if (end == std::string::npos) return;
        begin = end + 1;
      }
    }
    size_t at = 0;
    while (true) {
      std::string& field = AddField();
      if (at < line.size() && line[at] == '"') {
        at = ReadQuoted(at + 1, field);
        if (at < line.size() && line[at] != delimiter) {
          Fail(
              lines->line_number(),
              fmt::format("found text after the closing quote of field {}; expected the delimiter; "
                          "double the quotes inside it or pass `quoting` none",
                          fields.size()));
        }
      } else {
        const size_t end = std::min(line.find(delimiter, at), line.size());
        field.assign(line, at, end - at);
        at = end;
      }
      if (at == line.size()) return;
      ++at;  // skips the delimiter
    }
  }

  // Reads a field that begins after an opening quote. Returns the position after the closing quote
  // in `line`.
  size_t ReadQuoted(size_t at, std::string& field) {
    const int64_t began = lines->line_number();
    while (true) {
      const size_t quote = line.find('"', at);
      if (quote == std::string::npos) {
        field.append(line, at);
        field += lines->dropped_cr() ? "\r\n" : "\n";
        if (static_cast<int64_t>(field.size()) > kMaxTextBytes) {
          Fail(
              began,
              fmt::format(
                  "found a quoted field of over {} bytes; expected a closing quote; close it or pass "
                  "`quoting` none",
                  kMaxTextBytes));
        }
        if (!lines->Next(line)) {
          Fail(
              began,
              "found a quoted field that is still open at the end of the file; expected a closing quote; "
              "close it "
              "or pass `quoting` none");
        }
        at = 0;
      } else if (quote + 1 < line.size() && line[quote + 1] == '"') {
        field.append(line, at, quote + 1 - at);
        at = quote + 2;
      } else {
        field.append(line, at, quote - at);
        return quote + 1;
      }
    }
  }

  // The row of `fields`.
  Row TakeFields() {
    Row taken{.cells = {}, .lists = {}, .line = row.line, .shard = shard, .place = {}};
    taken.cells.resize(fields.size());
    for (size_t i = 0; i < fields.size(); ++i) taken.cells[i] = std::move(fields[i]);
    if (has_splits) taken.cells.emplace_back(shards[shard].split);
    return taken;
  }

  size_t ColumnOfKey(const std::string& key) {
    const auto [it, added] = keys.emplace(key, columns.size());
    if (added) {
      if (columns.size() == kMaxColumns) {
        throw UserError(fmt::format(
            "[{}] brings the number of different keys above {}; expected the same few keys in all "
            "rows; check that this file is a table",
            json->Place(), kMaxColumns));
      }
      columns.push_back(key);
    }
    return it->second;
  }

  void AddValue(const std::string& key, const Json& value, Row& to) {
    if (key == kTranslation && value.IsObject()) {
      value.ForEachItem([&](std::string_view language, const Json& text) {
        AddValue(std::string(language), text, to);
      });
      return;
    }
    const size_t column = ColumnOfKey(key);
    if (to.cells.size() <= column) to.cells.resize(column + 1);
    if (value.IsArray()) {
      ListCell list{.column = column, .texts = {}, .has_others = false};
      value.ForEachElement([&](const Json& element) {
        if (element.IsString()) {
          list.texts.push_back(element.AsString());
        } else if (element.IsNumber() || element.IsBool()) {
          list.texts.push_back(element.Dump());
        } else {
          list.has_others = true;
        }
      });
      to.lists.push_back(std::move(list));
    } else if (!value.IsNull() && !value.IsObject()) {
      to.cells[column] = value.IsString() ? value.AsString() : value.Dump();
    }
  }

  bool ReadJson(Row& to) {
    Json object;
    if (!json->Next(object)) return false;
    to =
        Row{.cells = {}, .lists = {}, .line = json->line(), .shard = shard, .place = json->Place()};
    object.ForEachItem(
        [&](std::string_view key, const Json& value) { AddValue(std::string(key), value, to); });
    if (has_splits) {
      const size_t column = ColumnOfKey(kSplitColumn);
      if (to.cells.size() <= column) to.cells.resize(column + 1);
      if (!to.cells[column]) to.cells[column] = shards[shard].split;
    }
    return true;
  }

  bool ReadLine(Row& to) {
    if (!NextLine(width == 1)) return false;
    Split();
    if (!options.ragged && fields.size() != width) {
      const bool quotes = !quoting && line.find('"') != std::string::npos;
      Fail(row.line,
           fmt::format("found {} column{}; expected {} ({}); correct the row{}", fields.size(),
                       fields.size() == 1 ? "" : "s", width,
                       fmt::join(columns.begin(),
                                 columns.begin() + static_cast<std::ptrdiff_t>(width), ", "),
                       quotes ? " or pass `quoting` csv" : " or check `delimiter`"));
    }
    to = TakeFields();
    return true;
  }

  // Reads a row of the current shard or, at its end, of the next one.
  bool Read(Row& to) {
    while (true) {
      if (is_json ? ReadJson(to) : (width > 0 && ReadLine(to))) return true;
      if (shard + 1 == shards.size()) return false;
      ++shard;
      OpenShard();
      if (!ahead.empty() && ahead.back().shard == shard) {  // its header is a row
        to = std::move(ahead.back());
        ahead.pop_back();
        return true;
      }
    }
  }
};

TableReader::TableReader(const std::string& path, const TableOptions& options)
    : state_(std::make_unique<State>(path, options)) {}

TableReader::~TableReader() = default;

const std::vector<std::string>& TableReader::columns() const { return state_->columns; }
const std::vector<std::string>& TableReader::header_cells() const { return state_->header_cells; }
bool TableReader::is_json() const { return state_->is_json; }
const std::string& TableReader::name() const { return state_->name; }
int64_t TableReader::line_number() const { return state_->row.line; }
const std::string& TableReader::path() const { return state_->shards[state_->row.shard].path; }
const std::vector<ListCell>& TableReader::lists() const { return state_->row.lists; }
std::string TableReader::Where() const {
  const State& state = *state_;
  return state.row.place.empty()
             ? fmt::format("[{}:{}]", state.NameOf(state.row.shard), state.row.line)
             : fmt::format("[{}]", state.row.place);
}

std::string TableReader::QuotingWarning() const {
  const State& state = *state_;
  if (state.quoted_cells == 0) return "";
  return fmt::format(
      "{}, whose quotes are taken as part of the text; cells that look quoted: {}; pass `quoting` csv "
      "if they are",
      state.first_quoted, state.quoted_cells);
}

int TableReader::Column(const std::vector<std::string>& names) const {
  const auto& columns = state_->columns;
  for (const std::string& name : names) {
    int found = -1;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (LowerAscii(columns[i]) != LowerAscii(name)) continue;
      if (found >= 0) {
        throw UserError(
            fmt::format("[{}] has the column '{}' twice; expected each name once; rename one",
                        state_->name, columns[i]));
      }
      found = static_cast<int>(i);
    }
    if (found >= 0) return found;
  }
  return -1;
}

std::vector<TableReader::Cells> TableReader::Sample(size_t count) {
  State& state = *state_;
  // The next shard is not opened, since its header may be a row.
  while (state.ahead.size() < count && state.shard == 0) {
    State::Row next;
    if (state.is_json ? !state.ReadJson(next) : !state.ReadLine(next)) break;
    state.ahead.push_back(std::move(next));
  }
  std::vector<Cells> rows;
  for (const State::Row& row : state.ahead) rows.push_back(row.cells);
  return rows;
}

void TableReader::TakeHeaderAsRow(const std::vector<std::string>& names) {
  State& state = *state_;
  LACOS_CHECK(!state.is_json && names.size() == state.width && !state.header_is_row,
              "the table has a header, and a name for each of its cells");
  state.header_is_row = true;
  State::Row first{.cells = {}, .lists = {}, .line = 1, .shard = 0, .place = {}};
  for (const std::string& cell : state.header_cells) first.cells.emplace_back(cell);
  if (state.has_splits) first.cells.emplace_back(state.shards[0].split);
  state.ahead.push_front(std::move(first));
  for (size_t i = 0; i < names.size(); ++i) state.columns[i] = names[i];
}

void TableReader::ReadListTexts(const std::vector<int>& columns) { state_->list_texts = columns; }

bool TableReader::Next(Cells& cells) {
  State& state = *state_;
  if (state.ahead.empty()) {
    State::Row next;
    if (!state.Read(next)) return false;
    state.row = std::move(next);
  } else {
    state.row = std::move(state.ahead.front());
    state.ahead.pop_front();
  }
  for (const int column : state.list_texts) {
    if (static_cast<size_t>(column) >= state.row.cells.size()) continue;  // a ragged row
    std::optional<std::string>& cell = state.row.cells[static_cast<size_t>(column)];
    auto list = cell ? ParseListText(*cell) : std::nullopt;
    if (!list) continue;
    cell.reset();
    state.row.lists.push_back(
        {.column = static_cast<size_t>(column), .texts = std::move(*list), .has_others = false});
  }
  cells = std::move(state.row.cells);
  if (state.is_json) cells.resize(state.columns.size());
  return true;
}

}  // namespace lacos
