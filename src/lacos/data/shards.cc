#include "lacos/data/shards.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/io/folder.h"
#include "lacos/io/foreign_formats.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

struct KnownSuffix {
  std::string_view suffix;
  TableKind kind;
};
constexpr KnownSuffix kSuffixes[] = {
    {".tsv", TableKind::kTsv},    {".txt", TableKind::kTsv},   {".csv", TableKind::kCsv},
    {".jsonl", TableKind::kJson}, {".json", TableKind::kJson}, {".ndjson", TableKind::kJson},
};

// The words of datasets for its splits (datasets/data_files.py), each between characters that are
// no letters.
struct SplitWord {
  std::string_view word, split;
};
constexpr SplitWord kSplitWords[] = {
    {"train", "train"}, {"training", "train"},  {"validation", "dev"}, {"valid", "dev"},
    {"dev", "dev"},     {"val", "dev"},         {"test", "test"},      {"testing", "test"},
    {"eval", "test"},   {"evaluation", "test"},
};

std::string SplitOf(std::string_view lower_name) {
  std::string split;
  for (size_t begin = 0; begin < lower_name.size();) {
    const auto is_letter = [&](size_t at) {
      return lower_name[at] >= 'a' && lower_name[at] <= 'z';
    };
    size_t end = begin;
    while (end < lower_name.size() && is_letter(end)) ++end;
    for (const SplitWord& known : kSplitWords) {
      if (lower_name.substr(begin, end - begin) == known.word) split = known.split;
    }
    begin = end + 1;
  }
  return split;
}

bool IsNote(std::string_view lower_name) {
  const std::string_view file = lower_name.substr(lower_name.rfind('/') + 1);
  for (const std::string_view name : {"dataset_info.json", "dataset_infos.json", "state.json",
                                      "dataset_dict.json", "_metadata", "_success"}) {
    if (file == name) return true;
  }
  return file.starts_with("readme") || file.starts_with("license") || file.ends_with(".md");
}

}  // namespace

std::string PlainName(std::string_view path) {
  std::string name = LowerAscii(path);
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  }
  return name;
}

TableKind TableKindOf(std::string_view path) {
  const std::string name = PlainName(path);
  for (const KnownSuffix& known : kSuffixes) {
    if (name.ends_with(known.suffix)) return known.kind;
  }
  return TableKind::kOther;
}

bool NamesJsonLines(std::string_view path) {
  const std::string name = PlainName(path);
  return name.ends_with(".jsonl") || name.ends_with(".ndjson");
}

std::vector<Shard> ShardsOf(const std::string& path) {
  if (path == "-" || !FolderExists(path)) return {{path, ""}};
  std::vector<Shard> shards;
  std::string foreign;
  const auto is_hidden = [](const std::string& name) { return name.starts_with('.'); };
  for (const std::string& name : ListFilesBelow(path, is_hidden)) {
    const std::string lower = LowerAscii(name);
    if (IsNote(lower)) continue;
    const std::string file = path.ends_with('/') ? path + name : path + "/" + name;
    if (TableKindOf(lower) != TableKind::kOther) {
      shards.push_back({file, SplitOf(lower)});
    } else if (HasForeignSuffix(lower) && foreign.empty()) {
      foreign = file;
    }
  }
  if (shards.empty() && !foreign.empty()) return {{foreign, ""}};  // whose first bytes name it
  if (shards.empty()) {
    throw UserError(fmt::format(
        "[{}] is a folder without tables; expected .tsv, .csv, .txt, .jsonl or .json files (plain, "
        ".gz or .zst); name the folder that holds the shards, or one file",
        path));
  }
  if (!foreign.empty()) {
    throw UserError(fmt::format(
        "[{}] lies beside {}; expected text files alone in a folder of shards; move it elsewhere, or "
        "name one file",
        foreign, shards[0].path));
  }
  for (const Shard& shard : shards) {
    if (TableKindOf(shard.path) == TableKindOf(shards[0].path)) continue;
    throw UserError(fmt::format(
        "[{}] is another kind of table than {}; expected shards of one kind in a folder; move one "
        "elsewhere, or name one file",
        shard.path, shards[0].path));
  }
  return shards;
}

}  // namespace lacos
