// Sets in two parallel files (Tatoeba's translations, StackOverflow's titles and tags), and MSRP.
#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/prepare/pairing.h"
#include "lacos/data/prepare/raw_format.h"

namespace lacos {
namespace {

void RequireEqualLength(const RawFile& first, const RawLines& a, const RawFile& second,
                        const RawLines& b) {
  if (a.lines().size() == b.lines().size()) return;
  throw UserError(
      fmt::format("[{}] has {} lines and [{}] {}; expected as many; copy or download both again",
                  first.shown, a.lines().size(), second.shown, b.lines().size()));
}

// The Tatoeba test of LASER, in files such as tatoeba.fra-eng.fra and tatoeba.fra-eng.eng.
class TatoebaFormat : public RawFormat {
 public:
  std::string Task() const override { return "bitext"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return !Pair(parts.back()).empty();
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const std::string name = LowerParts(file.name).back();
    const std::string pair = Pair(name);
    pairing_.Add(
        name.ends_with(".eng"), pair, pair, std::move(file),
        [&](const RawFile& first, const RawFile& english) { Convert(first, english, out); });
  }
  void Finish(SuiteWriter& out) override {
    pairing_.Finish(
        [&](const RawFile& first, const RawFile& english) { Convert(first, english, out); });
  }

 private:
  // The pair of languages in a file's name, such as "fra-eng", or nothing.
  static std::string Pair(const std::string& file) {
    constexpr std::string_view kStart = "tatoeba.";
    if (file.size() != 19 || !file.starts_with(kStart) || file.substr(11, 5) != "-eng.") return "";
    const std::string language = file.substr(8, 3), side = file.substr(16);
    return IsLanguageCode(language) && (side == "eng" || side == language) ? file.substr(8, 7) : "";
  }

  static void Convert(const RawFile& first, const RawFile& english, SuiteWriter& out) {
    const std::string pair = Pair(LowerParts(first.name).back());
    const RawLines a(first), b(english);
    RequireEqualLength(first, a, english, b);
    TsvRows rows({"sentence1", "sentence2"});
    for (size_t i = 0; i < a.lines().size(); ++i) rows.Add({a.lines()[i], b.lines()[i]});
    out.NoteLines(first, a);
    out.NoteLines(english, b);
    out.AddTable({.task = "bitext",
                  .name = "Tatoeba",
                  .subset = pair,
                  .split = "test",
                  .languages = {pair.substr(0, 3), "eng"},
                  .path = fmt::format("bitext/tatoeba/{}.tsv", pair)},
                 rows, {.files = {&first, &english}});
  }

  Pairing pairing_{"file in the other language", "English file"};
};

// The tags of StackOverflow's titles in the order of their numbers, 1 to 20, from the set's README.
const std::vector<std::string> kTags = {
    "wordpress", "oracle", "svn",    "apache", "excel",     "matlab", "visual-studio",
    "cocoa",     "osx",    "bash",   "spring", "hibernate", "scala",  "sharepoint",
    "ajax",      "qt",     "drupal", "linq",   "haskell",   "magento"};

class StackOverflowFormat : public RawFormat {
 public:
  std::string Task() const override { return "clustering"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return parts.back() == "title_stackoverflow.txt" || parts.back() == "label_stackoverflow.txt";
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const bool is_label = LowerParts(file.name).back().starts_with("label");
    pairing_.Add(
        is_label, "", "", std::move(file),
        [&](const RawFile& titles, const RawFile& labels) { Convert(titles, labels, out); });
  }
  void Finish(SuiteWriter& out) override {
    pairing_.Finish(
        [&](const RawFile& titles, const RawFile& labels) { Convert(titles, labels, out); });
  }

 private:
  static void Convert(const RawFile& titles, const RawFile& labels, SuiteWriter& out) {
    const RawLines texts(titles), numbers(labels);
    RequireEqualLength(titles, texts, labels, numbers);
    TsvRows rows({"text", "label"});
    for (size_t i = 0; i < texts.lines().size(); ++i) {
      const auto number = ParseNumber(numbers.lines()[i]);
      const bool inside = number && *number >= 1 && *number <= static_cast<double>(kTags.size());
      const size_t tag = inside ? static_cast<size_t>(*number) : 0;
      if (!inside || static_cast<double>(tag) != *number) {
        throw UserError(fmt::format(
            "{} found '{}'; expected a number from 1 to {}; copy or download the file again",
            labels.Where(static_cast<int64_t>(i) + 1), TruncateForMessage(numbers.lines()[i], 60),
            kTags.size()));
      }
      rows.Add({texts.lines()[i], kTags[tag - 1]});
    }
    out.NoteLines(titles, texts);
    out.AddTable({.task = "clustering",
                  .name = "StackOverflow",
                  .subset = "",
                  .split = "all",
                  .languages = {"en"},
                  .path = "clustering/stackoverflow.tsv",
                  .labels = kTags},
                 rows, {.files = {&titles, &labels}});
  }

  Pairing pairing_{"title_StackOverflow.txt", "label_StackOverflow.txt"};
};

// Microsoft's paraphrase corpus. A row has the quality, two ids and two texts. There is a header,
// and quotes are part of the text.
class MsrParaphraseFormat : public RawFormat {
 public:
  std::string Task() const override { return "pair_classification"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return !SplitOf(parts.back()).empty();
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const std::string name = LowerParts(file.name).back(), split = SplitOf(name);
    const RawLines lines(file);
    TsvRows rows({"sentence1", "sentence2", "label"});
    for (size_t i = 0; i < lines.lines().size(); ++i) {
      const auto cells = SplitTabs(lines.lines()[i]);
      const std::string where = file.Where(static_cast<int64_t>(i) + 1);
      if (cells.size() != 5) {
        throw UserError(fmt::format(
            "{} found {} column{}; expected quality, two ids and two texts; copy or download the file again",
            where, cells.size(), cells.size() == 1 ? "" : "s"));
      }
      if (i == 0 && LowerAscii(cells[0]) == "quality") continue;
      if (cells[0] != "0" && cells[0] != "1") {
        throw UserError(fmt::format(
            "{} found the quality '{}'; expected 0 or 1; copy or download the file again", where,
            TruncateForMessage(cells[0], 60)));
      }
      rows.Add({cells[3], cells[4], cells[0]});
    }
    out.NoteLines(file, lines);
    out.AddTable({.task = "pair_classification",
                  .name = "MSRP",
                  .subset = "",
                  .split = split == "val" ? "dev" : split,
                  .languages = {"en"},
                  .path = fmt::format("pair_classification/MSRP/{}.tsv", split)},
                 rows, {.files = {&file}, .other_edition = name.starts_with("msr_")});
  }

 private:
  static std::string SplitOf(std::string_view file) {
    if (file == "msr-para-train.tsv" || file == "msr_paraphrase_train.txt") return "train";
    if (file == "msr-para-val.tsv") return "val";
    if (file == "msr-para-test.tsv" || file == "msr_paraphrase_test.txt") return "test";
    return "";
  }
};

}  // namespace

std::unique_ptr<RawFormat> MakeTatoebaFormat() { return std::make_unique<TatoebaFormat>(); }
std::unique_ptr<RawFormat> MakeStackOverflowFormat() {
  return std::make_unique<StackOverflowFormat>();
}
std::unique_ptr<RawFormat> MakeMsrParaphraseFormat() {
  return std::make_unique<MsrParaphraseFormat>();
}

}  // namespace lacos
