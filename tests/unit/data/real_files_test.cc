// The readers on published data, if it lies beside the checkout: known row counts, and known
// difficulties of each format.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>

#include "lacos/data/examples.h"
#include "lacos/io/json.h"
#include "shared_files.h"
#include "test_paths.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

const std::string kData = SharedFile("data/");

#define SKIP_WITHOUT(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "not at hand: " << (path)

// Unpacks the regular files of a .tar.gz (ustar) into a folder, without the folders in their names.
void Unpack(const std::string& archive, const TestFolder& folder) {
  gzFile file = gzopen(archive.c_str(), "rb");
  ASSERT_NE(file, nullptr);
  char header[512];
  while (gzread(file, header, 512) == 512 && header[0] != 0) {
    const auto size = static_cast<size_t>(std::strtoll(header + 124, nullptr, 8));
    std::string contents((size + 511) / 512 * 512, '\0');
    ASSERT_EQ(gzread(file, contents.data(), static_cast<unsigned>(contents.size())),
              static_cast<int>(contents.size()));
    contents.resize(size);
    const std::string name = std::string(header, strnlen(header, 100));
    if (header[156] == '0' || header[156] == 0)
      folder.Write(name.substr(name.rfind('/') + 1), contents);
  }
  gzclose(file);
}

struct Expected {
  const char* name;
  size_t graded;
  int64_t ungraded;
};

void ExpectScored(const std::string& path, const Expected& expected) {
  const ScoredPairs pairs = ReadScoredPairs(path, {}, "");
  EXPECT_EQ(pairs.score.size(), expected.graded) << path;
  EXPECT_EQ(pairs.dropped_no_score, expected.ungraded) << path;
  for (size_t i = 0; i < pairs.score.size(); ++i) {
    EXPECT_GE(pairs.score[i], 0);
    EXPECT_LE(pairs.score[i], 5);
    EXPECT_FALSE(pairs.first[i].empty() || pairs.second[i].empty()) << path << " " << i;
  }
}

TEST(RealFiles, StsBenchmarkAndItsCompanion) {
  const std::string archive = kData + "sts/stsb/Stsbenchmark.tar.gz",
                    companion = kData + "sts/stsb/Stscompanion.tar.gz";
  SKIP_WITHOUT(archive);
  const TestFolder folder;
  Unpack(archive, folder);
  Unpack(companion, folder);
  for (const Expected& e :
       {Expected{"sts-train.csv", 5749, 0}, {"sts-dev.csv", 1500, 0}, {"sts-test.csv", 1379, 0}}) {
    ExpectScored(folder / e.name, e);
  }
  const ScoredPairs test = ReadScoredPairs(folder / "sts-test.csv", {}, "");
  EXPECT_EQ(test.first[0], "A girl is styling her hair.");
  EXPECT_EQ(test.second[0], "A girl is brushing her hair.");
  EXPECT_EQ(test.score[0], 2.5);
  for (const char* name : {"sts-mt.csv", "sts-other.csv"}) {
    const ScoredPairs pairs = ReadScoredPairs(folder / name, {}, "");
    EXPECT_GT(pairs.score.size(), 1000u) << name;
    EXPECT_EQ(pairs.rows, static_cast<int64_t>(pairs.score.size()) + pairs.dropped_no_score);
  }
}

TEST(RealFiles, StsBenchmarkInElevenLanguages) {
  const std::string archive = kData + "sts/stsb-multi-mt_csv.tar.gz";
  SKIP_WITHOUT(archive);
  const TestFolder folder;
  Unpack(archive, folder);
  for (const char* language : {"de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "zh"}) {
    for (const auto& [split, n] : {std::pair{"train", 5749}, {"dev", 1500}, {"test", 1379}}) {
      const std::string name = fmt::format("stsb-{}-{}.csv", language, split);
      ExpectScored(folder / name, {name.c_str(), static_cast<size_t>(n), 0});
    }
  }
}

TEST(RealFiles, Sts2016WithEmptyScores) {
  const std::string archive = kData + "sts/STS2016_semeval_tsv.tar.gz";
  SKIP_WITHOUT(archive);
  const TestFolder folder;
  Unpack(archive, folder);
  int64_t rows = 0;
  size_t graded = 0;
  for (const auto& [name, n] : {std::pair{"answer-answer", 254},
                                {"headlines", 249},
                                {"plagiarism", 230},
                                {"postediting", 244},
                                {"question-question", 209}}) {
    const ScoredPairs pairs = ReadScoredPairs(folder / fmt::format("{}.test.tsv", name), {}, "");
    EXPECT_EQ(pairs.score.size(), static_cast<size_t>(n)) << name;
    graded += pairs.score.size();
    rows += pairs.rows;
  }
  EXPECT_EQ(graded, 1186u);
  EXPECT_EQ(rows, 9183);
}

TEST(RealFiles, SickAsScoresAndAsLabels) {
  const std::string path = kData + "sts/sick2014/SICK_train.txt.gz";
  SKIP_WITHOUT(path);
  ExpectScored(path, {"", 4500, 0});
  EXPECT_EQ(ReadExamples(path, {}).kind, ExampleKind::kScored);
  const ExampleFile pairs = ReadExamples(path, {.ignore_score = true});
  EXPECT_EQ(pairs.kind, ExampleKind::kPairs);
  EXPECT_EQ(static_cast<int64_t>(pairs.examples.size()) + pairs.dropped.other_label +
                pairs.dropped.identical_texts,
            4500);
  EXPECT_EQ(ReadExamples(path, {.labelled = true}).examples.size(), 4500u);
}

TEST(RealFiles, MnliPairsAndHardNegatives) {
  const std::string path = kData + "nli/nyu_hw2/mnli_train.tsv.gz";
  SKIP_WITHOUT(path);
  const ExampleFile pairs = ReadExamples(path, {});
  EXPECT_EQ(pairs.rows, 20000);
  EXPECT_EQ(static_cast<int64_t>(pairs.examples.size()) + pairs.dropped.identical_texts, 6709);
  const ExampleFile hard = ReadExamples(path, {.hard_negatives = true});
  EXPECT_EQ(hard.examples.size(), pairs.examples.size());
  size_t negatives = 0;
  for (const Example& example : hard.examples) negatives += example.texts.size() - 2;
  EXPECT_GT(negatives, 100u);
}

TEST(RealFiles, FarsTailIsQuotedAndSplitAtTabs) {
  const std::string path = kData + "nli/farstail/Train-word.csv.gz";
  SKIP_WITHOUT(path);
  const ExampleFile file = ReadExamples(path, {.table = {.delimiter = '\t'}});
  EXPECT_EQ(file.rows, 7266);
  EXPECT_EQ(static_cast<int64_t>(file.examples.size()) + file.dropped.identical_texts, 2429)
      << "as Python's csv module reads it";
}

TEST(RealFiles, OcnliHasRowsWithoutGoldLabel) {
  const std::string path = kData + "nli/ocnli/train.10k.json.gz";
  SKIP_WITHOUT(path);
  const ExampleFile file = ReadExamples(path, {});
  EXPECT_EQ(static_cast<int64_t>(file.examples.size()) + file.dropped.identical_texts, 3309);
  EXPECT_GT(file.dropped.no_gold_label, 0);
}

TEST(RealFiles, XnliInJsonLinesAndWithoutHeader) {
  const std::string jsonl = kData + "nli/xnli_hkunlp/fr.train.jsonl.gz",
                    dev = kData + "nli/xnli_xtreme/dev-fr.tsv.gz";
  SKIP_WITHOUT(jsonl);
  const ExampleFile train = ReadExamples(jsonl, {});
  EXPECT_EQ(train.rows, 9000);
  EXPECT_EQ(static_cast<int64_t>(train.examples.size()) + train.dropped.identical_texts, 3000);
  const ExampleFile file = ReadExamples(
      dev, {.table = {.columns = {"premise", "hypothesis", "label"}}, .labelled = true});
  EXPECT_EQ(file.examples.size(), 2490u);
  // Without names, the words in the third column say that it has NLI labels.
  const ExampleFile unnamed = ReadExamples(dev, {});
  EXPECT_EQ(unnamed.rows, 2490);
  EXPECT_EQ(static_cast<int64_t>(unnamed.examples.size()) + unnamed.dropped.identical_texts, 830);
}

TEST(RealFiles, TextsThatAreNotUtf8AreNamed) {
  const std::string path = kData + "tasks/classification_senteval_like/subj.all.gz";
  SKIP_WITHOUT(path);
  const std::string message =
      ErrorOf([&] { ReadExamples(path, {.table = {.columns = {"text"}}}); });
  EXPECT_NE(message.find("is not valid UTF-8"), std::string::npos) << message;
  EXPECT_EQ(
      ReadExamples(path, {.table = {.replace_invalid = true, .columns = {"text"}}}).examples.size(),
      10000u);
}

TEST(RealFiles, TheTokenizerOfTheDemoModelReadsBackEqual) {
  const Json json = Json::ReadFile(LACOS_SOURCE_DIR "/examples/bloom-nano/tokenizer.json");
  EXPECT_EQ(Json::Parse(json.Dump(2), "again").Dump(), json.Dump());
}

}  // namespace
}  // namespace lacos
