// The STS tasks of SemEval 2012 to 2017: in two files with sentences and scores, and in the
// one-file forms that others made of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/data/cells.h"
#include "lacos/data/prepare/known_sets.h"
#include "lacos/data/prepare/pairing.h"
#include "lacos/data/prepare/raw_format.h"
#include "lacos/data/prepare/scored_rows.h"

namespace lacos {
namespace {

bool IsWhitespace(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

// Whether the text is a pair of languages such as "es-en".
bool IsLanguagePair(std::string_view text) {
  return text.size() == 5 && text[2] == '-' && IsLanguageCode(text.substr(0, 2)) &&
         IsLanguageCode(text.substr(3));
}

SuiteSet StsSet(const std::string& name, const std::string& subset) {
  return {.task = "sts",
          .name = name,
          .subset = subset,
          .split = "test",
          .languages = {"en"},
          .path = fmt::format("sts/{}/{}.tsv", name, subset),
          .score_low = 0,
          .score_high = 5};
}

// A pair of languages of STS17 under the name that published tables use. SemEval's files name two
// of the pairs the other way round, although English comes first in all of them.
SuiteSet Sts17Set(std::string pair) {
  if (pair == "ar-en") pair = "en-ar";
  if (pair == "tr-en") pair = "en-tr";
  SuiteSet set = StsSet("STS17", pair);
  const std::string first = pair.substr(0, 2), second = pair.substr(3);
  set.languages =
      first == second ? std::vector<std::string>{first} : std::vector<std::string>{first, second};
  return set;
}

// The subset of `year` ("12" to "16") that a raw file names, in its usual spelling; empty if there
// is none.
std::string SubsetOf(std::string_view year, std::string_view lower) {
  for (const KnownSet& known : KnownSets()) {
    if (known.task != "sts" || known.name != fmt::format("STS{}", year)) continue;
    std::string subset = LowerAscii(known.subset);
    if (subset == lower) return std::string(known.subset);
    // In some editions the two surprise sets of 2012 lack that word.
    if (subset.starts_with("surprise.") && subset.substr(9) == lower)
      return std::string(known.subset);
  }
  return "";
}

constexpr std::array<const char*, 5> kYears = {"12", "13", "14", "15", "16"};

// The year that a folder's name mentions, such as STS2013-gold, STS13-en-test, 2016, and the names
// inside the organizers' own archives.
std::string YearIn(const std::string& part) {
  std::string found;
  for (const char* year : kYears) {
    for (const std::string& form : {fmt::format("20{}", year), fmt::format("sts{}", year)}) {
      const size_t at = part.find(form);
      if (at == std::string::npos) continue;
      const size_t end = at + form.size();
      if (end < part.size() && part[end] >= '0' && part[end] <= '9') continue;
      // This is an archive of several years, whose folders say more.
      if (!found.empty() && found != year) return "";
      found = year;
    }
  }
  if (!found.empty()) return found;
  if (part == "test-gold") return "12";
  if (part == "test-gs") return "13";
  if (part == "test_evaluation_task2a") return "15";
  return "";
}

// The year that the file itself or the nearest folder mentions.
std::string YearOf(const std::vector<std::string>& parts) {
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    const std::string year = YearIn(*part);
    if (!year.empty()) return year;
  }
  return "";
}

bool IsTraining(const std::vector<std::string>& parts) {
  return parts.size() > 1 && parts[parts.size() - 2].find("train") != std::string::npos;
}

bool IsSentEval(const std::vector<std::string>& parts) {
  return parts.size() > 1 && parts[parts.size() - 2].ends_with("-en-test");
}

// The stem of a file: "headlines" for "sts.input.headlines.txt" and "sts2016.input.headlines.txt".
// Nothing for other files.
std::optional<std::string> StemOf(std::string_view file, std::string_view kind) {
  if (!file.starts_with("sts") || !file.ends_with(".txt")) return std::nullopt;
  file.remove_prefix(3);
  if (file.starts_with("20") && file.size() > 4) file.remove_prefix(4);
  if (!file.starts_with(kind)) return std::nullopt;
  file.remove_prefix(kind.size());
  file.remove_suffix(4);
  return std::string(file);
}

class SemEvalFormat : public RawFormat {
 public:
  std::string Task() const override { return "sts"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    const auto stem = Stem(parts.back());
    if (!stem) return false;
    if (IsTrack(*stem)) return true;
    return !IsTraining(parts) && !Candidates(parts, *stem).empty();
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const std::vector<std::string> parts = LowerParts(file.name);
    const std::string stem = *Stem(parts.back());
    const bool is_gold = !StemOf(parts.back(), ".input.").has_value();
    pairing_.Add(is_gold, stem, YearOf(parts) + " " + stem, std::move(file),
                 [&](const RawFile& input, const RawFile& gold) { Convert(input, gold, out); });
  }

  void Finish(SuiteWriter& out) override {
    pairing_.Finish([&](const RawFile& input, const RawFile& gold) { Convert(input, gold, out); });
  }

 private:
  static std::optional<std::string> Stem(std::string_view file) {
    const auto input = StemOf(file, ".input.");
    return input ? input : StemOf(file, ".gs.");
  }
  // Whether the stem is a track such as "track4a.es-en".
  static bool IsTrack(std::string_view stem) {
    const size_t dot = stem.find('.');
    return stem.starts_with("track") && dot != std::string_view::npos &&
           IsLanguagePair(stem.substr(dot + 1));
  }

  // The sets to which a file may belong: one if its name or its folder mentions the year, otherwise
  // all sets with such a subset.
  static std::vector<SuiteSet> Candidates(const std::vector<std::string>& parts,
                                          const std::string& stem) {
    std::vector<SuiteSet> sets;
    const std::string stated = YearOf(parts);
    for (const char* year : kYears) {
      if (!stated.empty() && stated != year) continue;
      const std::string subset = SubsetOf(year, stem);
      if (!subset.empty()) sets.push_back(StsSet(fmt::format("STS{}", year), subset));
    }
    return sets;
  }

  void Convert(const RawFile& input, const RawFile& gold, SuiteWriter& out) const {
    const std::vector<std::string> parts = LowerParts(input.name);
    const std::string stem = *Stem(parts.back());
    const RawLines input_lines(input), gold_lines(gold);
    const size_t rows = gold_lines.lines().size();
    // Track 6 has 500 pairs, of which the first 250 were scored.
    const bool first_part = stem.starts_with("track6.") && input_lines.lines().size() > rows;
    if (input_lines.lines().size() != rows && !first_part) {
      throw UserError(fmt::format(
          "[{}] has {} lines and [{}] {}; expected one score, or a blank line, for each pair; "
          "copy or download both again",
          input.shown, input_lines.lines().size(), gold.shown, rows));
    }
    const std::vector<SuiteSet> candidates = Candidates(parts, stem);
    // The files of 2016 have notes on the sources behind the sentences.
    const bool has_notes = std::any_of(candidates.begin(), candidates.end(),
                                       [](const SuiteSet& set) { return set.name == "STS16"; });
    const size_t most_cells = has_notes ? 4 : 2;
    ScoredRows scored;
    int64_t ungraded = 0;
    for (size_t i = 0; i < rows; ++i) {
      const auto line = static_cast<int64_t>(i) + 1;
      const auto cells = SplitTabs(input_lines.lines()[i]);
      if (cells.size() < 2 || cells.size() > most_cells) {
        throw UserError(fmt::format(
            "{} found {} column{}; expected two sentences with a tab between them; copy or "
            "download the file again",
            input.Where(line), cells.size(), cells.size() == 1 ? "" : "s"));
      }
      if (IsWhitespace(gold_lines.lines()[i])) {
        ++ungraded;
        continue;
      }
      scored.Add(cells[0], cells[1],
                 ScoreIn(SplitTabs(gold_lines.lines()[i])[0], 0, gold.Where(line)));
    }
    SuiteSet set;
    if (IsTrack(stem)) {
      set = Sts17Set(stem.substr(stem.find('.') + 1));
      if (stem.starts_with("track4b.")) {
        set.subset = "es-en-news";
        set.path = "sts/STS17/es-en-news.tsv";
        set.languages = {"en", "es"};
        set.usual = false;
      }
    } else {
      set = Choose(candidates, input, scored);
    }
    out.NoteLines(input, input_lines);
    out.Note(input, "ungraded rows were left out", ungraded);
    out.Note(input, "rows behind the last score were left out",
             static_cast<int64_t>(input_lines.lines().size() - rows));
    out.AddTable(std::move(set), scored.rows,
                 {.files = {&input, &gold}, .other_edition = IsSentEval(parts)}, scored.scores);
  }

  // Chooses among the sets of several years in which headlines, images and OnWN were used, by their
  // scores or at least their counts.
  static SuiteSet Choose(const std::vector<SuiteSet>& candidates, const RawFile& input,
                         const ScoredRows& scored) {
    if (candidates.size() == 1) return candidates[0];
    const std::string hash = Sha256Hex(scored.scores).substr(0, 16);
    std::vector<SuiteSet> fitting;
    for (const SuiteSet& set : candidates) {
      const KnownSet* known = FindKnownSet("sts", set.name, set.subset, set.split);
      if (known != nullptr && known->scores_sha256 == hash) fitting.push_back(set);
    }
    if (fitting.size() == 1) return fitting[0];
    throw UserError(fmt::format(
        "[{}] with {} graded pairs is of none of the years that have such a set, and its folder "
        "names none; expected "
        "the scores of one; copy or download the file again",
        input.shown, scored.rows.rows()));
  }

  Pairing pairing_{"STS.input file", "STS.gs file"};
};

// The STS files of brmson (2016/headlines.test.tsv with score, sentence1, sentence2; ungraded rows
// have an empty score) and those of STS2017-extended (STS.en-de.txt with sentence1, sentence2,
// score).
class ScoredTsvFormat : public RawFormat {
 public:
  std::string Task() const override { return "sts"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return IsExtended(parts.back()) || ByYear(parts).has_value();
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const std::vector<std::string> parts = LowerParts(file.name);
    const bool extended = IsExtended(parts.back());
    SuiteSet set = extended ? Sts17Set(parts.back().substr(4, 5)) : *ByYear(parts);
    const size_t score_cell = extended ? 2 : 0, first = extended ? 0 : 1;
    const RawLines lines(file);
    ScoredRows scored;
    int64_t ungraded = 0;
    for (size_t i = 0; i < lines.lines().size(); ++i) {
      const auto line = static_cast<int64_t>(i) + 1;
      const auto cells = SplitTabs(lines.lines()[i]);
      if (cells.size() != 3) {
        throw UserError(fmt::format(
            "{} found {} column{}; expected two sentences and a score; copy or download the file again",
            file.Where(line), cells.size(), cells.size() == 1 ? "" : "s"));
      }
      if (IsWhitespace(cells[score_cell])) {
        ++ungraded;
        continue;
      }
      scored.Add(cells[first], cells[first + 1], ScoreIn(cells[score_cell], 0, file.Where(line)));
    }
    out.NoteLines(file, lines);
    out.Note(file, "ungraded rows were left out", ungraded);
    out.AddTable(std::move(set), scored.rows, {.files = {&file}, .other_edition = extended},
                 scored.scores);
  }

 private:
  // Whether the file is one such as "sts.en-de.txt".
  static bool IsExtended(std::string_view file) {
    return file.size() == 13 && file.starts_with("sts.") && file.ends_with(".txt") &&
           IsLanguagePair(file.substr(4, 5));
  }
  static std::optional<SuiteSet> ByYear(const std::vector<std::string>& parts) {
    std::string_view file = parts.back();
    if (parts.size() < 2 || !file.ends_with(".test.tsv")) return std::nullopt;
    file.remove_suffix(std::string_view(".test.tsv").size());
    const std::string year = YearIn(parts[parts.size() - 2]);
    const std::string subset = year.empty() ? "" : SubsetOf(year, file);
    if (subset.empty()) return std::nullopt;
    return StsSet("STS" + year, subset);
  }
};

}  // namespace

std::unique_ptr<RawFormat> MakeSemEvalFormat() { return std::make_unique<SemEvalFormat>(); }
std::unique_ptr<RawFormat> MakeScoredTsvFormat() { return std::make_unique<ScoredTsvFormat>(); }

}  // namespace lacos
