#include "lacos/data/json_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"

namespace lacos {
namespace {

// The limit of rows.cc for the columns of a table.
constexpr size_t kMaxTexts = 4096;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

size_t SkipBlanksFrom(std::string_view text, size_t at) {
  while (at < text.size() && IsBlank(text[at])) ++at;
  return at;
}

// Finds the end of a JSON value, of which the text may come in pieces.
class ValueScanner {
 public:
  // Goes through the text from `at`. Returns the position after the value, or npos if it goes on
  // behind the text.
  size_t Scan(std::string_view text, size_t at) {
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (in_string_) {
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '"') {
          in_string_ = false;
          if (depth_ == 0) return at + 1;
        }
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if (c == '}' || c == ']') {
        if (depth_ == 0) return at;  // a number or word before the end of its array
        if (--depth_ == 0) return at + 1;
      } else if (depth_ == 0 && (c == ',' || IsBlank(c))) {
        return at;
      }
    }
    return std::string_view::npos;
  }

 private:
  int64_t depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

// The text with null in the place of NaN, Infinity and -Infinity outside of strings.
std::string WithoutNan(std::string_view text) {
  std::string changed;
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\') {
      changed += text.substr(at++, 2);
      continue;
    }
    if (c == '"') in_string = !in_string;
    size_t length = 0;
    if (!in_string) {
      for (const std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
        if (text.substr(at).starts_with(word)) length = word.size();
      }
    }
    if (length > 0) {
      changed += "null";
      at += length - 1;
    } else {
      changed += c;
    }
  }
  return changed;
}

// Whether an object has several keys and nothing but arrays.
bool HasOnlyArrays(const Json& object) {
  bool arrays = object.size() > 1;
  object.ForEachItem([&](std::string_view, const Json& value) { arrays &= value.IsArray(); });
  return arrays;
}

// Whether the first value in `line` ends there.
bool EndsInLine(std::string_view line, size_t at) {
  return ValueScanner().Scan(line, at) != std::string_view::npos;
}

bool IsArrayOfTexts(const Json& value) {
  if (!value.IsArray()) return false;
  bool texts = true;
  value.ForEachElement([&](const Json& element) { texts &= element.IsString(); });
  return texts;
}

bool IsInteger(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The objects of rows that are arrays of cells: pandas' orient "split".
std::vector<Json> NameCells(const Json& columns, const Json& rows, const std::string& where) {
  std::vector<std::string> names;
  columns.ForEachElement(
      [&](const Json& name) { names.push_back(name.IsString() ? name.AsString() : name.Dump()); });
  std::vector<Json> objects;
  rows.ForEachElement([&](const Json& cells) {
    if (!cells.IsArray() || cells.size() != names.size()) {
      throw UserError(fmt::format(
          "[{}: row {}] found {} cells; expected {}, one for each of 'columns'; correct the row",
          where, objects.size() + 1, cells.IsArray() ? cells.size() : 0, names.size()));
    }
    Json object = Json::Object();
    size_t i = 0;
    cells.ForEachElement([&](const Json& cell) { object.Set(names[i++], cell); });
    objects.push_back(std::move(object));
  });
  return objects;
}

// The objects of columns that have the same number of values each.
std::vector<Json> RowsOfColumns(const Json& columns, const std::string& where) {
  std::vector<Json> rows;
  std::string first_name;
  columns.ForEachItem([&](std::string_view name, const Json& values) {
    if (first_name.empty()) {
      first_name = name;
      rows.assign(values.size(), Json::Object());
    }
    if (values.size() != rows.size()) {
      throw UserError(
          fmt::format("[{}] has {} values in the column '{}' and {} in '{}'; expected an object of "
                      "columns with as many values in each; correct the file, or write one object "
                      "a line",
                      where, rows.size(), first_name, values.size(), std::string(name)));
    }
    size_t i = 0;
    const std::string key(name);
    if (values.IsArray()) {
      values.ForEachElement([&](const Json& value) { rows[i++].Set(key, value); });
    } else {
      values.ForEachItem([&](std::string_view, const Json& value) { rows[i++].Set(key, value); });
    }
  });
  return rows;
}

// Converts an array of texts into an object with the names anchor, positive, negative_1, and so
// on.
Json NameTexts(const Json& array) {
  Json object = Json::Object();
  for (size_t i = 0; i < array.size(); ++i) {
    object.Set(i == 0   ? "anchor"
               : i == 1 ? "positive"
                        : fmt::format("negative_{}", i - 1),
               array[i]);
  }
  return object;
}

// The rows of an object that holds a whole table (the last form in json_rows.h), or nothing if the
// object is a row itself. Throws UserError, beginning with [where], for columns of different lengths.
std::optional<std::vector<Json>> RowsOfTable(const Json& object, const std::string& where) {
  if (!object.IsObject() || object.size() == 0) return std::nullopt;
  if (const auto data = object.Find("data"); data && data->IsArray()) {
    if (const auto columns = object.Find("columns"); columns && columns->IsArray())
      return NameCells(*columns, *data, where);
    std::vector<Json> rows;
    data->ForEachElement([&](const Json& row) { rows.push_back(row); });
    if (std::ranges::all_of(rows, [](const Json& row) { return row.IsObject(); })) return rows;
    if (object.size() > 1) return std::nullopt;
  }
  bool arrays = true, objects = true, numbered = true;
  object.ForEachItem([&](std::string_view key, const Json& value) {
    arrays &= value.IsArray();
    objects &= value.IsObject();
    numbered &= IsInteger(key);
  });
  if (objects && numbered) {  // pandas' orient "index"
    std::vector<Json> rows;
    object.ForEachItem([&](std::string_view, const Json& row) { rows.push_back(row); });
    return rows;
  }
  // {"set": [...]} is a row. An object of one object is a row, too, unless its keys are numbers.
  if (arrays && !(object.size() == 1 && object.Has("set"))) return RowsOfColumns(object, where);
  if (objects) {
    bool indexed = true;
    object.ForEachItem([&](std::string_view, const Json& column) {
      column.ForEachItem([&](std::string_view key, const Json&) { indexed &= IsInteger(key); });
    });
    if (indexed) return RowsOfColumns(object, where);
  }
  return std::nullopt;
}

}  // namespace

JsonRows::JsonRows(std::unique_ptr<LineReader> lines, std::string name, bool has_lines)
    : lines_(std::move(lines)), name_(std::move(name)), has_lines_(has_lines) {}

void JsonRows::Fail(int64_t line, const std::string& what) const {
  throw UserError(fmt::format("[{}:{}] {}", name_, line, what));
}

std::string JsonRows::Place() const {
  if (form_ == Form::kTable) return fmt::format("{}: row {}", name_, row_line_);
  if (form_ == Form::kArray) return fmt::format("{}:{}, row {}", name_, row_line_, rows_);
  return fmt::format("{}:{}", name_, row_line_);
}

bool JsonRows::NextLine() {
  if (std::exchange(has_line_, false)) return true;
  if (ended_ || !lines_->Next(line_)) {
    ended_ = true;
    return false;
  }
  return true;
}

bool JsonRows::OnlyBlankLinesFollow() {
  blank_line_ = 0;
  while (NextLine()) {
    if (SkipBlanksFrom(line_, 0) < line_.size()) {
      has_line_ = true;
      return false;
    }
    if (blank_line_ == 0) blank_line_ = lines_->line_number();
  }
  return true;
}

Json JsonRows::RowOf(Json value) const {
  if (value.IsArray() && value.size() >= 2 && value.size() <= kMaxTexts && IsArrayOfTexts(value))
    return NameTexts(value);
  if (value.IsObject()) return value;
  throw UserError(
      fmt::format("[{}] found {}; expected one JSON object, or an array of two texts or more, on "
                  "each line; convert the file to JSON lines",
                  Place(), value.IsArray() ? "a JSON array" : "a JSON value that is no object"));
}

Json JsonRows::ParseRow(std::string_view text) const {
  try {
    return Json::Parse(text, Place());
  } catch (const UserError&) {
    const std::string changed = WithoutNan(text);
    if (changed == text) throw;
    return Json::Parse(changed, Place());
  }
}

// Finds the form of the file from its first value.
void JsonRows::Begin() {
  if (!NextLine()) {
    form_ = Form::kEnd;
    return;
  }
  row_line_ = lines_->line_number();
  size_t at = SkipBlanksFrom(line_, 0);
  if (at == line_.size() && !has_lines_ && OnlyBlankLinesFollow()) {
    form_ = Form::kEnd;
    return;
  }
  if (has_line_) {  // blank lines before the first value
    has_line_ = false;
    blank_line_ = 0;
    row_line_ = lines_->line_number();
    at = SkipBlanksFrom(line_, 0);
  }
  has_line_ = true;
  form_ = Form::kLines;
  if (at == line_.size() || (line_[at] != '{' && line_[at] != '[')) return;
  if (line_[at] == '{') {
    BeginObject();
    return;
  }
  // An array of texts that ends in its line is a row of JSON lines, unless it is a .json file's
  // only line.
  const size_t first = SkipBlanksFrom(line_, at + 1);
  if (first < line_.size() && line_[first] != '{' && line_[first] != '[' && EndsInLine(line_, at)) {
    const std::string line = line_;
    has_line_ = false;
    const Json value = ParseRow(line);
    const bool is_only_value = OnlyBlankLinesFollow();
    if (!has_lines_ && is_only_value && IsArrayOfTexts(value)) {
      form_ = Form::kTable;
      value.ForEachElement([&](const Json& text) {
        Json row = Json::Object();
        row.Set("text", text);
        table_.push_back(std::move(row));
      });
    } else {
      first_ = RowOf(value);
    }
    return;
  }
  form_ = Form::kArray;
  has_line_ = false;
  at_ = at + 1;
}

void JsonRows::BeginObject() {
  const bool ends = EndsInLine(line_, SkipBlanksFrom(line_, 0));
  form_ = ends ? Form::kLines : Form::kValues;
  has_line_ = false;
  const std::string text = ends ? line_ : TakeValue();
  Json value = ParseRow(text);
  if (ends && has_lines_ && !HasOnlyArrays(value)) {
    first_ = std::move(value);
    return;
  }
  // The object is a table only if it is the only value of the file.
  const bool is_only_value = OnlyBlankLinesFollow();
  if (is_only_value) {
    if (auto rows = RowsOfTable(value, name_)) {
      form_ = Form::kTable;
      table_ = std::move(*rows);
      return;
    }
  }
  first_ = RowOf(std::move(value));
}

bool JsonRows::Next(Json& row) {
  if (form_ == Form::kUnknown) Begin();
  if (first_) {
    row = *std::exchange(first_, std::nullopt);
    return true;
  }
  switch (form_) {
    case Form::kLines:
      return NextOfLines(row);
    case Form::kValues:
      return NextOfValues(row);
    case Form::kArray:
      return NextOfArray(row);
    case Form::kTable:
      if (static_cast<size_t>(rows_) == table_.size()) return false;
      row_line_ = rows_ + 1;
      row = RowOf(std::move(table_[static_cast<size_t>(rows_)]));
      ++rows_;
      return true;
    default:
      return false;
  }
}

bool JsonRows::NextOfLines(Json& row) {
  if (!NextLine()) return false;
  if (line_.empty()) {
    has_line_ = true;
    if (OnlyBlankLinesFollow()) return false;
  }
  if (blank_line_ > 0)
    Fail(blank_line_, "found a blank line; expected a row of the table; remove it");
  has_line_ = false;
  row_line_ = lines_->line_number();
  row = RowOf(ParseRow(line_));
  return true;
}

// Takes a value that may go on in the next lines. It begins in line_, and ends a line.
std::string JsonRows::TakeValue() {
  std::string text;
  ValueScanner scanner;
  row_line_ = lines_->line_number();
  size_t at = SkipBlanksFrom(line_, 0);
  while (true) {
    const size_t end = scanner.Scan(line_, at);
    text += line_;
    text += '\n';
    if (end != std::string_view::npos) return text;
    if (static_cast<int64_t>(text.size()) > kMaxTextBytes) {
      Fail(row_line_, fmt::format("found a value of over {} bytes; expected its end; close it, or "
                                  "write one object a line",
                                  kMaxTextBytes));
    }
    if (!NextLine()) {
      Fail(row_line_,
           "found a value that is still open at the end of the file; expected valid JSON; correct "
           "the file or fetch it again");
    }
    at = 0;
  }
}

bool JsonRows::NextOfValues(Json& row) {
  if (OnlyBlankLinesFollow()) return false;
  has_line_ = false;
  const std::string text = TakeValue();
  row = RowOf(ParseRow(text));
  return true;
}

// Moves to the next character that is no whitespace, in this line or a later one.
void JsonRows::SkipBlanks() {
  while ((at_ = SkipBlanksFrom(line_, at_)) == line_.size()) {
    if (!NextLine()) {
      Fail(lines_->line_number(),
           "found an array that is still open at the end of the file; expected ]; correct the file "
           "or fetch it again");
    }
    at_ = 0;
  }
}

bool JsonRows::NextOfArray(Json& row) {
  SkipBlanks();
  if (rows_ > 0 && line_[at_] != ']') {
    if (line_[at_] != ',') {
      Fail(lines_->line_number(),
           fmt::format("found '{}' after row {} of the array; expected a comma or ]; correct the "
                       "file",
                       TruncateForMessage(line_.substr(at_), 20), rows_));
    }
    ++at_;
    SkipBlanks();
    if (line_[at_] == ']') {
      Fail(lines_->line_number(),
           "found ] after a comma; expected another row of the array; remove the comma");
    }
  }
  if (line_[at_] == ']') {
    const bool ends = SkipBlanksFrom(line_, at_ + 1) == line_.size() && OnlyBlankLinesFollow();
    if (!ends) {
      Fail(lines_->line_number(),
           "found text after the end of the array; expected one array, or one object a line; "
           "convert the file to JSON lines");
    }
    form_ = Form::kEnd;
    return false;
  }
  row_line_ = lines_->line_number();
  ++rows_;
  ValueScanner scanner;
  std::string text;
  while (true) {
    const size_t end = scanner.Scan(line_, at_);
    text.append(line_, at_, end == std::string::npos ? end : end - at_);
    if (static_cast<int64_t>(text.size()) > kMaxTextBytes) {
      Fail(row_line_,
           fmt::format("found a row of over {} bytes; expected its end; close it", kMaxTextBytes));
    }
    if (end != std::string::npos) {
      at_ = end;
      break;
    }
    text += '\n';
    if (!NextLine()) {
      Fail(row_line_, fmt::format("found row {} of the array still open at the end of the file; "
                                  "expected its end; correct the file or fetch it again",
                                  rows_));
    }
    at_ = 0;
  }
  Json value = ParseRow(text);
  if (value.IsString()) {
    row = Json::Object();
    row.Set("text", value);
  } else {
    row = RowOf(std::move(value));
  }
  return true;
}

}  // namespace lacos
