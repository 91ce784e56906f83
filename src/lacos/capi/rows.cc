// lacos_open_rows and its companions: the rows of a table as the library reads it, as JSON.
#include <algorithm>
#include <memory>

#include "lacos/base/error.h"
#include "lacos/capi/call_settings.h"
#include "lacos/capi/status.h"
#include "lacos/capi/text.h"
#include "lacos/data/columns.h"
#include "lacos/data/rows.h"
#include "lacos/train/settings.h"

#include <fmt/format.h>

struct lacos_rows {
  std::unique_ptr<lacos::TableReader> reader;
  lacos::TableReader::Cells cells;
};

namespace lacos::capi {
namespace {

void OpenRows(const char* path, const char* json, lacos_rows** rows) {
  Require(rows != nullptr,
          "[rows] NULL; expected where the rows are to be put; pass the address of a pointer");
  *rows = nullptr;
  Require(path != nullptr, "[path] NULL; expected a file or folder; pass its path");
  CallSettings settings(json, "lacos_open_rows");
  std::string delimiter, quoting;
  bool replace_invalid = false;
  settings.ReadListed(SettingNamed("delimiter"), delimiter);
  settings.ReadListed(SettingNamed("quoting"), quoting);
  settings.ReadListed(SettingNamed("replace_invalid"), replace_invalid);
  settings.RefuseOthers();
  auto opened = std::make_unique<lacos_rows>();
  opened->reader =
      std::make_unique<TableReader>(path, MakeTableOptions(delimiter, quoting, replace_invalid));
  // Gives the columns of a table without a header their usual names.
  if (!opened->reader->columns().empty()) RecognizeColumns(*opened->reader);
  *rows = opened.release();
}

// The row that was read last, as an object of texts, lists of texts and nulls.
Json RowObject(const lacos_rows& rows) {
  const TableReader& reader = *rows.reader;
  Json row = Json::Object();
  for (size_t i = 0; i < reader.columns().size(); ++i) {
    const std::string& name = reader.columns()[i];
    const ListCell* list = FindList(reader, static_cast<int>(i));
    if (list != nullptr && list->has_others) {
      throw UserError(fmt::format(
          "{} has a list with other values than texts and numbers in the column '{}'; expected only "
          "these; correct the row, or leave the column out",
          reader.Where(), name));
    }
    if (list != nullptr) {
      row.Set(name, Json::Strings(list->texts));
    } else if (i < rows.cells.size() && rows.cells[i]) {
      row.Set(name, *rows.cells[i]);
    } else {
      row.Set(name, Json());
    }
  }
  return row;
}

void NextRows(lacos_rows* rows, size_t count, char** json) {
  Require(rows != nullptr, "[rows] NULL; expected open rows; call lacos_open_rows first");
  Require(json != nullptr, "[json] NULL; expected where the rows are to be put; pass its address");
  *json = nullptr;
  Json list = Json::Array();
  constexpr size_t kMostRows = 65536;
  for (size_t i = 0; i < std::min(count, kMostRows) && rows->reader->Next(rows->cells); ++i)
    list.Append(RowObject(*rows));
  GiveText(list.Dump(), json);
}

}  // namespace
}  // namespace lacos::capi

extern "C" {

lacos_status lacos_open_rows(const char* path, const char* settings, lacos_rows** rows) {
  return lacos::capi::Call([&] { lacos::capi::OpenRows(path, settings, rows); });
}

lacos_status lacos_next_rows(lacos_rows* rows, size_t count, char** json) {
  return lacos::capi::Call([&] { lacos::capi::NextRows(rows, count, json); });
}

void lacos_close_rows(lacos_rows* rows) { delete rows; }
}
