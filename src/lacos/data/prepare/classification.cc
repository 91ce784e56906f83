// Classification sets: lines "label text" (sent-conv), SentEval's TREC and SST files, and sets with
// one file for each class.
#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/data/cells.h"
#include "lacos/data/prepare/pairing.h"
#include "lacos/data/prepare/raw_format.h"

namespace lacos {
namespace {

const std::vector<std::string> kPolarity = {"negative", "positive"};
const std::vector<std::string> kSubjectivity = {"subjective", "objective"};
const std::vector<std::string> kFive = {"very negative", "negative", "neutral", "positive",
                                        "very positive"};
// The classes in the order of sent-conv's numbers (compare TREC.train.all with raw_TREC.train).
const std::vector<std::string> kQuestions = {"DESC", "ENTY", "ABBR", "HUM", "LOC", "NUM"};

SuiteSet ClassSet(const std::string& name, const std::string& split,
                  const std::vector<std::string>& labels) {
  return {.task = "classification",
          .name = name,
          .subset = "",
          .split = split,
          .languages = {"en"},
          .path = fmt::format("classification/{}/{}.tsv", name, split),
          .labels = labels};
}

// The place and form of the label in the lines of a file.
enum class Lines {
  kNumberFirst,  // "1 text"
  kNameFirst,    // "DESC:manner text"
  kNumberLast,   // "text TAB 1"
};

struct Source {
  const char* file;    // lower case
  const char* folder;  // name of its folder; nullptr for any folder
  const char* name;
  const char* split;
  const std::vector<std::string>* labels;
  Lines lines;
  bool other_edition;
};

const Source kSources[] = {
    {"custrev.all", nullptr, "CR", "all", &kPolarity, Lines::kNumberFirst, false},
    {"mpqa.all", nullptr, "MPQA", "all", &kPolarity, Lines::kNumberFirst, false},
    {"rt-polarity.all", nullptr, "MR", "all", &kPolarity, Lines::kNumberFirst, false},
    {"subj.all", nullptr, "SUBJ", "all", &kSubjectivity, Lines::kNumberFirst, false},
    {"trec.train.all", nullptr, "TREC", "train", &kQuestions, Lines::kNumberFirst, false},
    {"trec.test.all", nullptr, "TREC", "test", &kQuestions, Lines::kNumberFirst, false},
    {"raw_trec.train", nullptr, "TREC", "train", &kQuestions, Lines::kNameFirst, false},
    {"raw_trec.test", nullptr, "TREC", "test", &kQuestions, Lines::kNameFirst, false},
    {"train_5500.label", nullptr, "TREC", "train", &kQuestions, Lines::kNameFirst, true},
    {"trec_10.label", nullptr, "TREC", "test", &kQuestions, Lines::kNameFirst, true},
    {"stsa.binary.train", nullptr, "SST2", "train", &kPolarity, Lines::kNumberFirst, false},
    {"stsa.binary.dev", nullptr, "SST2", "dev", &kPolarity, Lines::kNumberFirst, false},
    {"stsa.binary.test", nullptr, "SST2", "test", &kPolarity, Lines::kNumberFirst, false},
    {"stsa.fine.train", nullptr, "SST5", "train", &kFive, Lines::kNumberFirst, false},
    {"stsa.fine.dev", nullptr, "SST5", "dev", &kFive, Lines::kNumberFirst, false},
    {"stsa.fine.test", nullptr, "SST5", "test", &kFive, Lines::kNumberFirst, false},
    {"sentiment-train", "binary", "SST2", "train", &kPolarity, Lines::kNumberLast, true},
    {"sentiment-dev", "binary", "SST2", "dev", &kPolarity, Lines::kNumberLast, true},
    {"sentiment-test", "binary", "SST2", "test", &kPolarity, Lines::kNumberLast, true},
    {"sentiment-train", "fine", "SST5", "train", &kFive, Lines::kNumberFirst, true},
    {"sentiment-dev", "fine", "SST5", "dev", &kFive, Lines::kNumberFirst, true},
    {"sentiment-test", "fine", "SST5", "test", &kFive, Lines::kNumberFirst, true},
};

class LabelledLinesFormat : public RawFormat {
 public:
  std::string Task() const override { return "classification"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return Find(parts) != nullptr;
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const Source& source = *Find(LowerParts(file.name));
    const RawLines lines(file);
    TsvRows rows({"text", "label"});
    for (size_t i = 0; i < lines.lines().size(); ++i) {
      const auto [text, label] =
          Parse(source, lines.lines()[i], file.Where(static_cast<int64_t>(i) + 1));
      rows.Add({text, (*source.labels)[label]});
    }
    out.NoteLines(file, lines);
    out.AddTable(ClassSet(source.name, source.split, *source.labels), rows,
                 {.files = {&file}, .other_edition = source.other_edition});
  }

 private:
  static const Source* Find(const std::vector<std::string>& parts) {
    for (const Source& source : kSources) {
      if (parts.back() != source.file) continue;
      if (source.folder == nullptr ||
          (parts.size() > 1 && parts[parts.size() - 2] == source.folder))
        return &source;
    }
    return nullptr;
  }

  static std::pair<std::string_view, size_t> Parse(const Source& source, std::string_view line,
                                                   const std::string& where) {
    const bool last = source.lines == Lines::kNumberLast;
    const size_t at = last ? line.rfind('\t') : line.find(' ');
    if (at == std::string_view::npos) {
      throw UserError(fmt::format(
          "{} found no {}; expected a text and its label; copy or download the file again", where,
          last ? "tab" : "blank behind a label"));
    }
    const std::string_view text = last ? line.substr(0, at) : line.substr(at + 1);
    std::string_view label = last ? line.substr(at + 1) : line.substr(0, at);
    const std::vector<std::string>& names = *source.labels;
    if (source.lines == Lines::kNameFirst) {
      label = label.substr(0, label.find(':'));
      for (size_t i = 0; i < names.size(); ++i) {
        if (label == names[i]) return {text, i};
      }
    } else if (label.size() == 1 && label[0] >= '0' &&
               static_cast<size_t>(label[0] - '0') < names.size()) {
      return {text, static_cast<size_t>(label[0] - '0')};
    }
    throw UserError(
        fmt::format("{} found the label '{}'; expected one of {}; copy or download the file again",
                    where, TruncateForMessage(label, 60), names.size()));
  }
};

// Pairs of files such as CR/custrev.{pos,neg}; class 0 comes first, as in sent-conv's files.
class PolarityFilesFormat : public RawFormat {
 public:
  std::string Task() const override { return "classification"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return Find(parts.back()).has_value();
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const Kind kind = *Find(LowerParts(file.name).back());
    pairing_.Add(kind.label == 1, kind.name, kind.name, std::move(file),
                 [&](const RawFile& first, const RawFile& second) { Convert(first, second, out); });
  }
  void Finish(SuiteWriter& out) override {
    pairing_.Finish(
        [&](const RawFile& first, const RawFile& second) { Convert(first, second, out); });
  }

 private:
  struct Kind {
    std::string name;
    size_t label;
    const std::vector<std::string>* labels;
  };
  static std::optional<Kind> Find(const std::string& file) {
    static const std::map<std::string, Kind> kKinds = {
        {"custrev.neg", {"CR", 0, &kPolarity}},
        {"custrev.pos", {"CR", 1, &kPolarity}},
        {"rt-polarity.neg", {"MR", 0, &kPolarity}},
        {"rt-polarity.pos", {"MR", 1, &kPolarity}},
        {"mpqa.neg", {"MPQA", 0, &kPolarity}},
        {"mpqa.pos", {"MPQA", 1, &kPolarity}},
        {"subj.subjective", {"SUBJ", 0, &kSubjectivity}},
        {"subj.objective", {"SUBJ", 1, &kSubjectivity}},
    };
    const auto it = kKinds.find(file);
    if (it == kKinds.end()) return std::nullopt;
    return it->second;
  }

  static void Convert(const RawFile& first, const RawFile& second, SuiteWriter& out) {
    const Kind kind = *Find(LowerParts(first.name).back());
    TsvRows rows({"text", "label"});
    const RawFile* files[] = {&first, &second};
    for (size_t label = 0; label < 2; ++label) {
      const RawLines lines(*files[label]);
      for (const std::string_view line : lines.lines()) rows.Add({line, (*kind.labels)[label]});
      out.NoteLines(*files[label], lines);
    }
    out.AddTable(ClassSet(kind.name, "all", *kind.labels), rows,
                 {.files = {&first, &second}, .other_edition = true});
  }

  Pairing pairing_{"file of the first class", "file of the second class"};
};

}  // namespace

std::unique_ptr<RawFormat> MakeLabelledLinesFormat() {
  return std::make_unique<LabelledLinesFormat>();
}
std::unique_ptr<RawFormat> MakePolarityFilesFormat() {
  return std::make_unique<PolarityFilesFormat>();
}

}  // namespace lacos
