// Small raw test sets with every difficulty of the public archives: what is written and what
// is refused.
#include "lacos/data/prepare/prepare.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "lacos/data/prepare/raw_text.h"
#include "lacos/io/manifest.h"
#include "unit/io/test_archives.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

// Tracks of made-up languages ("xx-yy") are sets without known counts in lacos.
class PrepareTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes) {
    fs::create_directories(fs::path(folder_ / ("raw/" + name)).parent_path());
    folder_.Write("raw/" + name, bytes);
  }
  PrepareReport Prepare(const std::vector<std::string>& only = {}) {
    return PrepareSuite({.from = folder_ / "raw",
                         .to = folder_ / "suite",
                         .only = only,
                         .allow_incomplete = true,
                         .allow_changed_texts = changed_texts_,
                         .writing = {.overwrite = true}});
  }
  std::string Error(const std::vector<std::string>& only = {}) {
    return ErrorOf([&] { Prepare(only); });
  }
  std::string Output(const std::string& path) { return folder_.Read("suite/" + path); }
  static std::string Lines(const std::string& line, int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += line + "\n";
    return lines;
  }

  TestFolder folder_;
  bool changed_texts_ = false;
};

TEST_F(PrepareTest, BlankGoldLinesAreUngradedAndOnlyLineFeedsEndALine) {
  // U+0085, U+2028, \x0b, \x1c and \x0c are line breaks for Python's splitlines.
  Write("STS.input.track9.xx-yy.txt",
        "a\xC2\x85\x62\tc\nungraded\tpair\nd\xE2\x80\xA8"
        "e\tf\x0Bg\nh\x1Ci\tj\x0C\n\xE2\x80\xA9k \t l\n");
  Write("STS.gs.track9.xx-yy.txt", "5.000\n\n0\n \n2.50\n");
  const PrepareReport report = Prepare();
  EXPECT_EQ(Output("sts/STS17/xx-yy.tsv"),
            "sentence1\tsentence2\tscore\na\xC2\x85\x62\tc\t5\nd\xE2\x80\xA8"
            "e\tf\x0Bg\t0\n\xE2\x80\xA9k \t l\t2.5\n");
  EXPECT_THAT(report.notes, Contains(AllOf(Field(&PrepareNote::what, "ungraded rows were left out"),
                                           Field(&PrepareNote::count, 2))));
  const Suite suite = OpenSuite(folder_ / "suite");
  ASSERT_EQ(suite.sets.size(), 1u);
  EXPECT_EQ(suite.sets[0].languages, (std::vector<std::string>{"xx", "yy"}));
  const ScoredPairs pairs = ReadStsSet(suite, suite.sets[0]);
  EXPECT_THAT(pairs.score, ElementsAre(5, 0, 2.5));
  EXPECT_EQ(pairs.second[1], "f\x0Bg");
}

TEST_F(PrepareTest, LineEndsMarksAndQuotesAreAsFound) {
  Write("STS.input.track9.xx-yy.txt",
        "\xEF\xBB\xBFShe said \"no\t\"yes\" and \"maybe\r\na\rb\t'' ``c\r\n");
  Write("STS.gs.track9.xx-yy.txt",
        "\xEF\xBB\xBF"
        "1\r\n4.2\r\n");
  const PrepareReport report = Prepare();
  EXPECT_EQ(
      Output("sts/STS17/xx-yy.tsv"),
      "sentence1\tsentence2\tscore\nShe said \"no\t\"yes\" and \"maybe\t1\na b\t'' ``c\t4.2\n");
  EXPECT_THAT(report.notes, Contains(Field(&PrepareNote::what, HasSubstr("became spaces"))))
      << "the carriage return inside a text";
}

TEST_F(PrepareTest, LatinOneFilesAreConverted) {
  Write("STS.input.track9.xx-yy.txt", "caf\xE9 \x93quoted\x94 \x85\tna\xEFve\n");
  Write("STS.gs.track9.xx-yy.txt", "3\n");
  const PrepareReport report = Prepare();
  EXPECT_THAT(
      Output("sts/STS17/xx-yy.tsv"),
      HasSubstr("caf\xC3\xA9 \xE2\x80\x9Cquoted\xE2\x80\x9D \xE2\x80\xA6\tna\xC3\xAFve\t3\n"));
  EXPECT_THAT(report.notes,
              ElementsAre(Field(&PrepareNote::what, HasSubstr("converted from Windows-1252"))));
  EXPECT_EQ(Windows1252ToUtf8("\x80\x81\x9F\xA0\xFF"),
            "\xE2\x82\xAC\xC2\x81\xC5\xB8\xC2\xA0\xC3\xBF");
}

TEST_F(PrepareTest, OnlyTrackSixMayHaveMorePairsThanScores) {
  const std::string pairs = "a\tb\nc\td\ne\tf\ng\th\n";
  Write("STS.input.track6.xx-yy.txt", pairs);
  Write("STS.gs.track6.xx-yy.txt", "1\n2\n");
  EXPECT_THAT(Prepare().notes,
              ElementsAre(AllOf(Field(&PrepareNote::what, HasSubstr("behind the last score")),
                                Field(&PrepareNote::count, 2))));
  EXPECT_EQ(Output("sts/STS17/xx-yy.tsv"), "sentence1\tsentence2\tscore\na\tb\t1\nc\td\t2\n");
  Write("STS.gs.track6.xx-yy.txt", "1\n2\n3\n4\n5\n");
  EXPECT_THAT(Error(),
              AllOf(HasSubstr("STS.input.track6.xx-yy.txt] has 4 lines"), HasSubstr("] 5;")));
  fs::remove_all(folder_ / "raw");
  Write("STS.input.track5.xx-yy.txt", pairs);
  Write("STS.gs.track5.xx-yy.txt", "1\n2\n");
  EXPECT_THAT(Error(), AllOf(HasSubstr("has 4 lines"),
                             HasSubstr("expected one score, or a blank line, for each")));
}

TEST_F(PrepareTest, DamagedRowsAreNamed) {
  Write("STS.gs.track9.xx-yy.txt", "1\n2\n");
  Write("STS.input.track9.xx-yy.txt", "a\tb\nno tab\n");
  EXPECT_THAT(Error(), HasSubstr("STS.input.track9.xx-yy.txt:2] found 1 column;"));
  Write("STS.input.track9.xx-yy.txt", "a\tb\nc\td\te\n");
  EXPECT_THAT(Error(), HasSubstr("STS.input.track9.xx-yy.txt:2] found 3 columns"))
      << "a tab inside a sentence";
  Write("STS.input.track9.xx-yy.txt", "a\tb\nc\td\n");
  Write("STS.gs.track9.xx-yy.txt", "1\ngood\n");
  EXPECT_THAT(Error(), HasSubstr("STS.gs.track9.xx-yy.txt:2] found the score 'good'"));
  Write("STS.gs.track9.xx-yy.txt", "1\n7\n");
  EXPECT_THAT(Error(), HasSubstr("STS.gs.track9.xx-yy.txt:2] found the score 7; expected 0 to 5"));
  Write("STS.input.track9.xx-yy.txt", std::string("a\tb\nc\0\td\n", 9));
  EXPECT_THAT(Error(), HasSubstr("byte 0"));
  Write("STS.input.track9.xx-yy.txt",
        "\xFF\xFE"
        "a");
  EXPECT_THAT(Error(), HasSubstr("UTF-16"));
  EXPECT_FALSE(fs::exists(folder_ / "suite")) << "nothing is left behind";
}

TEST_F(PrepareTest, AHalfWithoutItsPartnerIsAnErrorWhereverItIs) {
  Write("STS.input.track9.xx-yy.txt", "a\tb\n");
  EXPECT_THAT(Error(),
              HasSubstr("STS.input.track9.xx-yy.txt] has no STS.gs file that belongs to it"));
  Write("elsewhere/STS.gs.track9.xx-yy.txt", "1\n");
  EXPECT_EQ(Prepare().sets.size(), 1u) << "SemEval 2017 has the scores in an archive of their own";
  Write("copy/STS.gs.track9.xx-yy.txt", "1\n");
  EXPECT_EQ(Prepare().sets.size(), 1u) << "an equal copy changes nothing";
  Write("copy/STS.gs.track9.xx-yy.txt", "2\n");
  EXPECT_THAT(Error(), AllOf(HasSubstr("copy/STS.gs.track9.xx-yy.txt"), HasSubstr("differ")));
}

TEST_F(PrepareTest, OneSetWithTwoContentsIsRefused) {
  Write("a/STS.xx-yy.txt", "s\tt\t2.0\n");
  WriteArchive(folder_ / "raw/b.zip", {{"STS2017-extended/STS.xx-yy.txt", "s\tt\t2\n", ""}});
  const PrepareReport report = Prepare();
  EXPECT_EQ(report.sets.size(), 1u);
  EXPECT_THAT(report.notes, ElementsAre(Field(&PrepareNote::what, HasSubstr("equal contents"))));
  WriteArchive(folder_ / "raw/b.zip", {{"STS2017-extended/STS.xx-yy.txt", "s\tt\t3\n", ""}});
  EXPECT_THAT(Error(), AllOf(HasSubstr("a/STS.xx-yy.txt]"),
                             HasSubstr("b.zip/STS2017-extended/STS.xx-yy.txt]"),
                             HasSubstr("STS17 xx-yy test with different contents")));
}

TEST_F(PrepareTest, CountsAreChecked) {
  Write("custrev.all", Lines("0 bad", 10));
  EXPECT_THAT(Error(), AllOf(HasSubstr("raw/custrev.all] gives 10 rows of CR; expected 3775")));
  changed_texts_ = true;
  EXPECT_THAT(Error(), HasSubstr("gives 10 rows")) << "changed texts are not changed counts";
}

TEST_F(PrepareTest, TextsAreCheckedUnlessAnotherEditionIsKnownOrAllowed) {
  Write("custrev.all", Lines("0 bad", 1368) + Lines("1 good", 2407));
  EXPECT_THAT(Error(),
              AllOf(HasSubstr("gives CR with SHA-256"), HasSubstr("`allow_changed_texts`")));
  changed_texts_ = true;
  EXPECT_FALSE(Prepare().sets.at(0).published_text);
  changed_texts_ = false;
  fs::remove(folder_ / "raw/custrev.all");
  Write("CR/custrev.neg", Lines("bad", 1368));
  Write("CR/custrev.pos", Lines("good", 2407));
  const PrepareReport report = Prepare();
  EXPECT_FALSE(report.sets.at(0).published_text) << "SentEval's edition";
  const Suite suite = OpenSuite(folder_ / "suite");
  const LabelledTexts texts = ReadLabelledSet(suite, suite.sets[0]);
  EXPECT_EQ(texts.labels, (std::vector<std::string>{"negative", "positive"}));
  EXPECT_EQ(std::count(texts.label.begin(), texts.label.end(), 1), 2407);
  EXPECT_FALSE(suite.sets[0].published_text);
}

TEST_F(PrepareTest, AnotherEditionMayHaveItsOwnCounts) {
  const std::string header = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n";
  Write("MRPC/msr_paraphrase_train.txt",
        "\xEF\xBB\xBF" + header + Lines("1\t2\t3\tsay \"so\tand so\r", 4076));
  Prepare();
  const Suite suite = OpenSuite(folder_ / "suite");
  const LabelledPairs pairs = ReadPairClassificationSet(suite, suite.sets.at(0));
  EXPECT_EQ(pairs.first.size(), 4076u) << "SentEval's train holds val";
  EXPECT_EQ(pairs.first[4075], "say \"so");
  EXPECT_EQ(pairs.second[4075], "and so");
  Write("MRPC/msr_paraphrase_train.txt", header + Lines("1\t2\t3\tsay\tso\r", 4075));
  EXPECT_THAT(Error(), HasSubstr("gives 4075 rows of MSRP train; expected 3576 or 4076"));
  fs::remove_all(folder_ / "raw");
  Write("msr-para-train.tsv", header + Lines("1\t2\t3\tsay\tso\r", 4076));
  EXPECT_THAT(Error(), HasSubstr("gives 4076 rows of MSRP train; expected 3576;"));
}

TEST_F(PrepareTest, LabelsStandWhereEachLayoutHasThem) {
  Write("TREC/TREC_10.label",
        Lines("DESC:def What is\xA0it ?", 250) + Lines("NUM:date When ?", 250));
  Write("SST/binary/sentiment-dev", Lines("a fine film\t1", 872));
  Write("SST/fine/sentiment-dev", Lines("4 a fine film", 1101));
  Write("elsewhere/sentiment-dev", "no set\n");
  Prepare();
  EXPECT_THAT(Output("classification/TREC/test.tsv"),
              HasSubstr("text\tlabel\nWhat is\xC2\xA0it ?\tDESC\n"));
  EXPECT_THAT(Output("classification/TREC/test.tsv"), HasSubstr("\nWhen ?\tNUM\n"));
  EXPECT_THAT(Output("classification/SST2/dev.tsv"), HasSubstr("\na fine film\tpositive\n"));
  EXPECT_THAT(Output("classification/SST5/dev.tsv"), HasSubstr("\na fine film\tvery positive\n"));
  Write("SST/fine/sentiment-dev", "5 a fine film\n");
  EXPECT_THAT(Error(), HasSubstr("sentiment-dev:1] found the label '5'"));
  Write("SST/fine/sentiment-dev", "fine\n");
  EXPECT_THAT(Error(), HasSubstr("sentiment-dev:1] found no blank"));
}

TEST_F(PrepareTest, LabelsThatAreNoTagAreNamed) {
  for (const char* label : {"0", "21", "-1", "1.5", "1e300", "-1e300", "x", ""}) {
    Write("title_StackOverflow.txt", "how\n");
    Write("label_StackOverflow.txt", std::string(label) + "\n");
    EXPECT_THAT(Error(),
                HasSubstr("label_StackOverflow.txt:1] found '" + std::string(label) + "'"));
    EXPECT_THAT(Error(), HasSubstr("expected a number from 1 to 20"));
  }
}

TEST_F(PrepareTest, ScoresAreCheckedInEveryEdition) {
  Write("STS13-en-test/STS.input.FNWN.txt", Lines("a\tb", 189));
  Write("STS13-en-test/STS.gs.FNWN.txt", Lines("1.0", 189));
  changed_texts_ = true;
  EXPECT_THAT(Error(), AllOf(HasSubstr("STS13 FNWN"), HasSubstr("other scores than published")));
}

TEST_F(PrepareTest, AbsentSetsAreListedAndNothingIsWrittenUnlessAllowed) {
  Write("STS.xx-yy.txt", "s\tt\t2.0\n");
  const PrepareReport report =
      PrepareSuite({.from = folder_ / "raw", .to = folder_ / "suite", .only = {"sts"}});
  EXPECT_FALSE(report.written);
  EXPECT_FALSE(fs::exists(folder_ / "suite"));
  EXPECT_THAT(report.absent, Contains(AllOf(Field(&AbsentSet::name, "STS12"),
                                            Field(&AbsentSet::subset, "MSRvid"))));
  EXPECT_THAT(report.absent, Not(Contains(Field(&AbsentSet::task, "retrieval"))));
  EXPECT_THAT(report.absent, Not(Contains(Field(&AbsentSet::subset, "en-de"))))
      << "an addition, not asked for";
  EXPECT_TRUE(Prepare({"sts"}).written);
  EXPECT_THAT(OpenSuite(folder_ / "suite").absent, Contains(Field(&AbsentSet::name, "STS12")));
  EXPECT_THAT(VerifyManifest(folder_ / "suite"), ElementsAre());
  EXPECT_THAT(Error({"retrieval"}),
              HasSubstr("holds no test set that lacos knows among its 1 files"));
  EXPECT_THAT(Error({"sport"}), HasSubstr("[`only`] found the task 'sport'"));
}

TEST_F(PrepareTest, QuotedFieldsMayHoldLineBreaksAndCommas) {
  RawFile file{.name = "x.csv",
               .shown = "raw/x.csv",
               .bytes = "a,\"b, \"\"c\"\"\",1\r\n\"d\r\ne\",f,2\r\n",
               .sha256 = ""};
  const RawLines lines(file);
  const auto records = ParseCsv(file, lines);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_THAT(records[0].cells, ElementsAre("a", "b, \"c\"", "1"));
  EXPECT_THAT(records[1].cells, ElementsAre("d\r\ne", "f", "2"));
  EXPECT_EQ(records[1].line, 2);
  file.bytes = "a,b,1\n\"c,d,2\n";
  EXPECT_THAT(ErrorOf([&] {
                const RawLines open(file);
                ParseCsv(file, open);
              }),
              HasSubstr("[raw/x.csv:2] found a quoted field that is still open"));
  TsvRows rows({"a", "b"});
  rows.Add({"d\r\ne\tf", "g"});
  EXPECT_EQ(rows.text(), "a\tb\nd  e f\tg\n");
  EXPECT_EQ(rows.changed_cells(), 1);
  EXPECT_EQ(rows.rows(), 1);
}

TEST_F(PrepareTest, ATranslationHasAsManyRowsAsItsOriginal) {
  Write("stsb-xx-test.csv", Lines("\"a, b\",c,1.0", 1378));
  EXPECT_THAT(Error(), HasSubstr("gives 1378 rows of stsb-multi-mt xx test; expected 1379"));
  Write("stsb-xx-test.csv", Lines("\"a, b\",c,1.0", 1379));
  EXPECT_EQ(Prepare().sets.at(0).path, "sts/stsb-multi-mt/xx.test.tsv");
  EXPECT_THAT(Output("sts/stsb-multi-mt/xx.test.tsv"), HasSubstr("\na, b\tc\t1\n"));
}

std::string Xquad(const std::string& text, const std::string& id) {
  std::string paragraphs;
  for (int p = 0; p < 119; ++p) {
    std::string questions;
    for (int q = 0; q < 10; ++q) {
      questions +=
          fmt::format("{}{{\"id\":\"{}{}-{}\",\"question\":\"{} q{}\\u0085\",\"answers\":[]}}",
                      q ? "," : "", id, p, q, text, q);
    }
    paragraphs += fmt::format("{}{{\"context\":\"{} p{}\\n\\t\",\"qas\":[{}]}}", p ? "," : "", text,
                              p, questions);
  }
  return fmt::format("{{\"data\":[{{\"title\":\"T_t\",\"paragraphs\":[{}]}}],\"version\":\"1.1\"}}",
                     paragraphs);
}

TEST_F(PrepareTest, QuestionsOfOneLanguageFindParagraphsOfAnother) {
  Write("xquad.xa.json", Xquad("one", "q"));
  Write("xquad.xb.json", Xquad("two", "q"));
  Prepare();
  const Suite suite = OpenSuite(folder_ / "suite");
  ASSERT_EQ(suite.sets.size(), 2u);
  const RetrievalData data = ReadRetrievalSet(suite, suite.sets[0], suite.sets[1]);
  EXPECT_EQ(data.documents.ids.size(), 119u);
  EXPECT_EQ(data.queries.ids.size(), 1190u);
  ASSERT_EQ(data.relevant.size(), 1190u);
  EXPECT_EQ(data.queries.texts[static_cast<size_t>(data.relevant[25].query)], "one q5\xC2\x85");
  EXPECT_EQ(data.documents.texts[static_cast<size_t>(data.relevant[25].document)], "two p2")
      << "BEIR and MTEB strip documents";
  Write("xquad.xb.json", Xquad("two", "other"));
  EXPECT_THAT(Error(),
              AllOf(HasSubstr("xquad.xb.json] asks other questions"), HasSubstr("xquad.xa.json]")));
  Write("xquad.xb.json", "{\"data\": [");
  EXPECT_THAT(Error(), HasSubstr("xquad.xb.json"));
}

TEST_F(PrepareTest, TranslationsAreParallel) {
  Write("tatoeba.xyz-eng.xyz", "uno\ndos\n");
  Write("tatoeba.xyz-eng.eng", "one\ntwo\n");
  Prepare();
  const Suite suite = OpenSuite(folder_ / "suite");
  const TextPairs pairs = ReadBitextSet(suite, suite.sets.at(0));
  EXPECT_THAT(pairs.first, ElementsAre("uno", "dos"));
  EXPECT_THAT(pairs.second, ElementsAre("one", "two"));
  Write("tatoeba.xyz-eng.eng", "one\n");
  EXPECT_THAT(Error(), AllOf(HasSubstr("has 2 lines"), HasSubstr("expected as many")));
}

TEST_F(PrepareTest, HostileAndTruncatedArchivesEndTheWork) {
  WriteArchive(folder_ / "x.tar.gz",
               {{"STS.xx-yy.txt", "s\tt\t2.0\n" + std::string(1 << 16, 'x'), ""}});
  Write("x.tar.gz", folder_.Read("x.tar.gz").substr(0, 100));
  EXPECT_THAT(Error(), HasSubstr("x.tar.gz] ends inside its compressed data"));
  fs::remove(folder_ / "raw/x.tar.gz");
  WriteArchive(folder_ / "raw/x.zip", {{"../STS.xx-yy.txt", "s\tt\t2.0\n", ""}});
  EXPECT_THAT(Error(), HasSubstr("do not trust"));
  WriteArchive(folder_ / "raw/x.zip", {{"STS.xx-yy.txt", std::string(size_t{66} << 20, ' '), ""}});
  EXPECT_THAT(Error(), HasSubstr("archive bomb"));
}

TEST_F(PrepareTest, OneArchiveMayBeNamed) {
  fs::create_directories(folder_ / "raw");
  WriteArchive(folder_ / "raw/x.zip", {{"STS.xx-yy.txt", "s\tt\t2.0\n", ""}});
  const PrepareReport report = PrepareSuite(
      {.from = folder_ / "raw/x.zip", .to = folder_ / "suite", .allow_incomplete = true});
  EXPECT_EQ(report.sets.at(0).origin.at(0).path, "x.zip/STS.xx-yy.txt");
  EXPECT_THAT(ErrorOf([&] { PrepareSuite({.from = folder_ / "none", .to = folder_ / "s2"}); }),
              HasSubstr("none] does not exist"));
  EXPECT_THAT(ErrorOf([&] { PrepareSuite({.from = folder_ / "raw", .to = folder_ / "suite"}); }),
              HasSubstr("already exists"));
}

}  // namespace
}  // namespace lacos
