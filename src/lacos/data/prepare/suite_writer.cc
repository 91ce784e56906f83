#include "lacos/data/prepare/suite_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/data/prepare/known_sets.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"

namespace lacos {
namespace {

std::string TitleOf(const SuiteSet& set) {
  return fmt::format("{}{}{}{}", set.name, set.subset.empty() ? "" : " " + set.subset,
                     set.split == "all" ? "" : " ", set.split == "all" ? "" : set.split);
}

Json FileJson(const SuiteFile& file) {
  Json json = Json::Object();
  json.Set("path", file.path);
  json.Set("rows", file.rows);
  json.Set("sha256", file.sha256);
  return json;
}

Json SetJson(const SuiteSet& set) {
  Json json = Json::Object();
  json.Set("task", set.task);
  json.Set("name", set.name);
  json.Set("subset", set.subset);
  json.Set("split", set.split);
  json.Set("languages", Json::Strings(set.languages));
  json.Set("path", set.path);
  json.Set("rows", set.rows);
  json.Set("sha256", set.sha256);
  if (set.task == "sts") {
    Json scale = Json::Array();
    scale.Append(set.score_low);
    scale.Append(set.score_high);
    json.Set("scale", scale);
  }
  if (!set.labels.empty()) json.Set("labels", Json::Strings(set.labels));
  if (set.task == "retrieval") {
    json.Set("queries", FileJson(set.queries));
    json.Set("qrels", FileJson(set.qrels));
  }
  if (!set.usual) json.Set("usual", false);
  if (!set.published_text) json.Set("published_text", false);
  Json origin = Json::Array();
  for (const SuiteFile& file : set.origin) {
    Json entry = Json::Object();
    entry.Set("file", file.path);
    entry.Set("sha256", file.sha256);
    origin.Append(entry);
  }
  json.Set("origin", origin);
  return json;
}

}  // namespace

TsvRows::TsvRows(std::initializer_list<std::string_view> header) { Add(header); }

void TsvRows::Add(std::initializer_list<std::string_view> cells) {
  bool first = true;
  for (const std::string_view cell : cells) {
    if (!first) text_ += '\t';
    first = false;
    Append(cell);
  }
  text_ += '\n';
  ++rows_;
}

void TsvRows::Append(std::string_view cell) {
  const size_t begin = text_.size();
  text_ += cell;
  if (cell.find_first_of("\t\n\r") == std::string_view::npos) return;
  std::replace_if(
      text_.begin() + static_cast<ptrdiff_t>(begin), text_.end(),
      [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  ++changed_cells_;
}

SuiteWriter::SuiteWriter(std::string folder, WriterOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {}

bool SuiteWriter::WantsTask(std::string_view task) const {
  return options_.only.empty() ||
         std::find(options_.only.begin(), options_.only.end(), task) != options_.only.end();
}

void SuiteWriter::Write(const std::string& path, const std::string& contents) {
  const std::string whole = folder_ + "/" + path;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(whole).parent_path(), error);
  WriteFileAtomically(whole, contents);  // reports what went wrong
}

void SuiteWriter::Note(const RawFile& file, const std::string& what, int64_t count) {
  if (count > 0) notes_.push_back({file.shown, what, count});
}

void SuiteWriter::NoteFile(const RawFile& file, const std::string& what) {
  notes_.push_back({file.shown, what, 0});
}

void SuiteWriter::NoteLines(const RawFile& file, const RawLines& lines) {
  if (lines.converted()) NoteFile(file, "no valid UTF-8: converted from Windows-1252 (Latin-1)");
}

bool SuiteWriter::SeenBefore(const SuiteSet& set, const std::string& sha256, const Source& source) {
  const auto [it, added] = seen_.emplace(set.path, Seen{sha256, source.files.front()->shown});
  if (added) return false;
  if (it->second.sha256 == sha256) {
    NoteFile(*source.files.front(), fmt::format("{} once more, with equal contents", TitleOf(set)));
    return true;
  }
  throw UserError(fmt::format(
      "[{}] and [{}] hold {} with different contents; expected one of them, or equal ones; "
      "remove one from the folder",
      it->second.shown, source.files.front()->shown, TitleOf(set)));
}

void SuiteWriter::CheckRows(const SuiteSet& set, const Source& source, int64_t found) const {
  const KnownSet* known = FindKnownSet(set.task, set.name, set.subset, set.split);
  // A new language of a translated set must have as many rows as the English original.
  if (known == nullptr) known = FindKnownSet(set.task, set.name, "en", set.split);
  if (known == nullptr || known->rows == 0) {
    if (found > 0) return;
    throw UserError(
        fmt::format("[{}] gives no row of {}; expected some; copy or download the file again",
                    source.files.front()->shown, TitleOf(set)));
  }
  if (found == known->rows ||
      (source.other_edition && known->other_rows > 0 && found == known->other_rows))
    return;
  const std::string other =
      source.other_edition && known->other_rows > 0 ? fmt::format(" or {}", known->other_rows) : "";
  throw UserError(
      fmt::format("[{}] gives {} rows of {}; expected {}{}; copy or download the file again",
                  source.files.front()->shown, found, TitleOf(set), known->rows, other));
}

void SuiteWriter::AddTable(SuiteSet set, const TsvRows& rows, const Source& source,
                           const std::string& scores) {
  const RawFile& file = *source.files.front();
  const std::string sha256 = Sha256Hex(rows.text());
  CheckRows(set, source, rows.rows());
  const KnownSet* known = FindKnownSet(set.task, set.name, set.subset, set.split);
  if (known != nullptr && !known->scores_sha256.empty() &&
      std::string_view(Sha256Hex(scores)).substr(0, 16) != known->scores_sha256) {
    throw UserError(fmt::format(
        "[{}] gives {} with other scores than published; expected scores of SHA-256 {}...; copy "
        "or download the "
        "file again",
        source.files.back()->shown, TitleOf(set), known->scores_sha256));
  }
  set.published_text = known == nullptr || known->sha256.empty() || known->sha256 == sha256;
  if (!set.published_text && !source.other_edition && !options_.allow_changed_texts) {
    throw UserError(fmt::format(
        "[{}] gives {} with SHA-256 {}; expected {}; copy or download the file again, or pass "
        "`allow_changed_texts` if it is an edition of its own",
        file.shown, TitleOf(set), sha256, known->sha256));
  }
  if (SeenBefore(set, sha256, source)) return;
  if (!set.published_text)
    NoteFile(file, "other texts than the published ones; counts and scores are right");
  Note(file, "cells with tabs or line breaks, which became spaces", rows.changed_cells());
  Write(set.path, rows.text());
  set.rows = rows.rows();
  set.sha256 = sha256;
  for (const RawFile* origin : source.files)
    set.origin.push_back({origin->name, 0, origin->sha256});
  sets_.push_back(std::move(set));
}

void SuiteWriter::AddRetrieval(SuiteSet set, const std::string& documents,
                               const std::string& queries, const std::string& qrels,
                               const Source& source) {
  const auto count = [](const std::string& text) {
    return static_cast<int64_t>(std::count(text.begin(), text.end(), '\n'));
  };
  set.rows = count(documents);
  set.sha256 = Sha256Hex(documents);
  set.queries.rows = count(queries);
  set.queries.sha256 = Sha256Hex(queries);
  set.qrels.rows = count(qrels) - 1;
  set.qrels.sha256 = Sha256Hex(qrels);
  CheckRows(set, source, set.queries.rows);
  const std::string all = Sha256Hex(documents + queries + qrels);
  const KnownSet* known = FindKnownSet(set.task, set.name, set.subset, set.split);
  set.published_text = known == nullptr || known->sha256.empty() || known->sha256 == all;
  if (!set.published_text && !options_.allow_changed_texts) {
    throw UserError(fmt::format(
        "[{}] gives {} with SHA-256 {}; expected {}; copy or download the file again, or pass "
        "`allow_changed_texts` if it is an edition of its own",
        source.files.front()->shown, TitleOf(set), all, known->sha256));
  }
  if (SeenBefore(set, all, source)) return;
  for (const SuiteSet& other : sets_) {
    if (other.qrels.path != set.qrels.path || other.qrels.path.empty() ||
        other.qrels.sha256 == set.qrels.sha256) {
      continue;
    }
    throw UserError(fmt::format(
        "[{}] asks other questions, or of other paragraphs, than [{}]; expected the same ids in "
        "the same order in "
        "all languages of {}; copy or download the file again",
        source.files.front()->shown, seen_.at(other.path).shown, set.name));
  }
  Write(set.path, documents);
  Write(set.queries.path, queries);
  Write(set.qrels.path, qrels);
  for (const RawFile* origin : source.files)
    set.origin.push_back({origin->name, 0, origin->sha256});
  sets_.push_back(std::move(set));
}

std::vector<AbsentSet> SuiteWriter::Absent() const {
  std::vector<AbsentSet> absent;
  for (const KnownSet& known : KnownSets()) {
    if (known.optional || !WantsTask(known.task)) continue;
    const bool found = std::any_of(sets_.begin(), sets_.end(), [&](const SuiteSet& set) {
      return set.task == known.task && set.name == known.name && set.subset == known.subset &&
             set.split == known.split;
    });
    if (!found) {
      absent.push_back({std::string(known.task), std::string(known.name), std::string(known.subset),
                        std::string(known.split)});
    }
  }
  return absent;
}

void SuiteWriter::Finish() {
  std::sort(sets_.begin(), sets_.end(), [](const SuiteSet& a, const SuiteSet& b) {
    return std::tie(a.task, a.name, a.subset, a.split) <
           std::tie(b.task, b.name, b.subset, b.split);
  });
  Json sets = Json::Array();
  for (const SuiteSet& set : sets_) sets.Append(SetJson(set));
  Json absent = Json::Array();
  for (const AbsentSet& set : Absent()) {
    Json entry = Json::Object();
    entry.Set("task", set.task);
    entry.Set("name", set.name);
    entry.Set("subset", set.subset);
    entry.Set("split", set.split);
    absent.Append(entry);
  }
  Json suite = Json::Object();
  suite.Set("format", 1);
  suite.Set("sets", sets);
  suite.Set("absent", absent);
  Write("suite.json", suite.Dump(2) + "\n");
}

}  // namespace lacos
