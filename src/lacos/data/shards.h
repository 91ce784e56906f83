// The files of a table: one file, or a folder of shards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

struct Shard {
  std::string path;
  // The split that the names of file and folders tell, as datasets reads them: "train", "dev" or
  // "test"; empty if they tell none.
  std::string split;
};

// The path in lower case and without the suffix of a compression, whose end tells the kind of a file.
std::string PlainName(std::string_view path);

// The kind of a table by the name of its file.
enum class TableKind : uint8_t { kTsv, kCsv, kJson, kOther };
TableKind TableKindOf(std::string_view path);
// Whether the name promises JSON lines (.jsonl, .ndjson).
bool NamesJsonLines(std::string_view path);

// The file `path` itself ("-" is stdin), or the tables in the folder `path` and the folders below
// it, by name. Hidden names, descriptions (README, LICENSE, *.md) and the files in which datasets
// keeps its own notes (dataset_info.json, state.json, ...) are no tables. Throws UserError for a
// folder without tables, with tables of several kinds, or with files of a format that is not text.
std::vector<Shard> ShardsOf(const std::string& path);

}  // namespace lacos
