// Files of the field that look like one form and are another: columns of licences and ids without a
// header, lists and quotes in the form of text, shards without headers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lacos/data/examples.h"
#include "lacos/data/list_text.h"
#include "lacos/data/training_texts.h"
#include "unit/data/forms.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OddFiles : public ::testing::Test {
 protected:
  ExampleFile Read(const std::string& name, const std::string& bytes) {
    return ReadExamples(folder_.Write(name, bytes), {});
  }
  std::string Error(const std::string& name, const std::string& bytes) {
    return ErrorOf([&] { Read(name, bytes); });
  }
  static Texts TextsIn(const ExampleFile& file) {
    Texts texts;
    for (const Example& example : file.examples) texts.push_back(example.texts);
    return texts;
  }
  TestFolder folder_;
};

// The files of manythings.org.
TEST_F(OddFiles, LicencesBehindAPairAreNoNegatives) {
  const std::string licence = "CC-BY 2.0 (France) Attribution: tatoeba.org #";
  const ExampleFile file =
      Read("fra.txt", "Go.\tVa !\t" + licence + "2877272 (CM)\nHi.\tSalut !\t" + licence +
                          "538123 (CM)\nRun!\tCours !\t" + licence + "906328 (papabear)\n");
  EXPECT_EQ(TextsIn(file), (Texts{{"Go.", "Va !"}, {"Hi.", "Salut !"}, {"Run!", "Cours !"}}));
  EXPECT_THAT(file.warnings,
              ElementsAre(AllOf(HasSubstr("fra.txt] column 3 seems to have no texts"),
                                HasSubstr("begin with 'CC-BY 2.0 (France)"), HasSubstr("header"))));
  EXPECT_THAT(file.unused_columns, ElementsAre("column_3"));
  // With a header of unknown names it is the same.
  const ExampleFile named =
      Read("fra.tsv", "English\tFrench\tAttribution\nGo on.\tVa !\t" + licence +
                          "1\nHi you.\tSalut !\t" + licence + "2\n");
  EXPECT_EQ(TextsIn(named), (Texts{{"Go on.", "Va !"}, {"Hi you.", "Salut !"}}));
  EXPECT_THAT(named.unused_columns, ElementsAre("Attribution"));
}

TEST_F(OddFiles, WordsThatRepeatAndAddressesBehindAPairAreNoNegatives) {
  EXPECT_THAT(
      Read("a.tsv", "a b\tc d\tweb\ne f\tg h\tweb\ni j\tk l\tnews\nm n\to p\tweb\n").warnings,
      ElementsAre(HasSubstr("its cells repeat, such as 'web'")));
  EXPECT_THAT(Read("a.tsv", "a b\tc d\thttps://a.org/1\ne f\tg h\thttps://b.org/2\n").warnings,
              ElementsAre(HasSubstr("ids or addresses")));
  // Negatives may have the prompt that positives have, or come from few texts as these do.
  for (
      const char* bytes :
      {"query: a\tpassage text: b c\tpassage text: d e\nquery: f\tpassage text: g h\tpassage text: i\n",
       "a b\tyes it is\tno it is\nc d\tyes it is\tno it is\ne f\tno it is\tyes it is\n"
       "g h\tyes it is\tno it is\n",
       "dog1\tHund1\tKatze1\ncat2\tKatze2\tHund2\n"}) {
    const ExampleFile file = Read("a.tsv", bytes);
    EXPECT_THAT(file.warnings, IsEmpty()) << bytes;
    EXPECT_EQ(file.examples[0].texts.size(), 3u) << bytes;
  }
}

TEST_F(OddFiles, IdsInThePlaceOfATextNeedAHeader) {
  for (const char* bytes :
       {"doc_1\ta b\ndoc_2\tc d\n", "a b\tdoc/1\nc d\tdoc/2\n", "q-1\ta b\tc d\nq-2\te f\tg h\n"}) {
    EXPECT_THAT(Error("a.tsv", bytes), AllOf(HasSubstr("has the columns"), HasSubstr("header")));
  }
}

TEST_F(OddFiles, ListsInTheFormOfTextAreLists) {
  const Texts expected = {
      {"a b", "c d", "e f", "it's"}, {"g h", "i j"}, {"k l", "m n", "o, \"p\""}};
  const std::string python =
      "query,pos,neg\na b,['c d'],\"['e f', \"\"it's\"\"]\"\ng h,['i j'],[]\n"
      "k l,['m n'],\"['o, \"\"p\"\"']\"\n";
  const std::string json =
      "query,pos,neg\na b,\"[\"\"c d\"\"]\",\"[\"\"e f\"\", \"\"it's\"\"]\"\ng h,\"[\"\"i j\"\"]\",[]\n"
      "k l,\"[\"\"m n\"\"]\",\"[\"\"o, \\\"\"p\\\"\"\"\"]\"\n";
  for (const std::string& bytes : {python, json}) {
    const ExampleFile file = Read("a.csv", bytes);
    EXPECT_EQ(TextsIn(file), expected);
    EXPECT_THAT(file.Notes(), ElementsAre(AllOf(HasSubstr("'neg'"), HasSubstr("read as lists")),
                                          AllOf(HasSubstr("'pos'"), HasSubstr("read as lists"))));
    TrainingTexts texts;
    AddTrainingFile(folder_ / "a.csv", {}, texts);
    EXPECT_EQ(texts.FindText("it's"), Seen::kExactly);
  }
  EXPECT_EQ(TextsIn(Read("set.tsv", "set\n['a b', 'c d']\n[\"e f\", \"g h\"]\n")),
            (Texts{{"a b", "c d"}, {"e f", "g h"}}));
}

TEST_F(OddFiles, OtherTextsThatLookLikeListsAreNamed) {
  const auto warnings = [&](const std::string& bytes) { return Read("a.csv", bytes).warnings; };
  EXPECT_THAT(warnings("query,pos,neg\na b,c d,['e' 'f']\ng h,i j,k\n"),
              ElementsAre(AllOf(HasSubstr("a.csv:2] has ['e' 'f'] in the column 'neg'"),
                                HasSubstr("read as one text"), HasSubstr("such texts: 1"))));
  EXPECT_THAT(warnings("text\n\"['a', 'b']\"\n\"{'a': 'b'}\"\n\"[1]\"\n[sic]\n"),
              ElementsAre(AllOf(HasSubstr("a.csv:2]"), HasSubstr("such texts: 2"))));
  EXPECT_THAT(warnings("query,pos\na b,c d\ne f,\"['g']\"\n"), ElementsAre(HasSubstr("a.csv:3]")))
      << "one such cell does not make a column of lists";
}

TEST(ListText, IsThatOfJsonAndPython) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(ParseListText(R"(['a', "it's", 'x\'y', '\\n\n', 'é', '\xe9\u4f60', '\U0001f642'])"),
            (Strings{"a", "it's", "x'y", "\\n\n", "é", "é你", "🙂"}));
  EXPECT_EQ(ParseListText(R"( [ "a\/b" , "\ud83d\ude42" ] )"), (Strings{"a/b", "🙂"}));
  EXPECT_EQ(ParseListText("[]"), Strings{});
  for (const char* text : {"", "[", "a", "['a'", "['a' 'b']", "['a',]", "[1]", "['a', None]",
                           "['a']x", R"(['\ud83d'])", R"(['\q'])", "[['a']]", "['\\", "['\\u12"}) {
    EXPECT_FALSE(ParseListText(text)) << text;
  }
  EXPECT_TRUE(LooksLikeList("['a' 'b']") && LooksLikeList(R"({"a": 1})"));
  EXPECT_FALSE(LooksLikeList("[a]") || LooksLikeList("[1, 2]") || LooksLikeList("['a'] b"));
}

TEST_F(OddFiles, QuotedCellsOfATableWithoutQuotingAreNamed) {
  const std::string bytes = "sentence1\tsentence2\n\"a \"\"b\"\"\"\tc d\ne\t\"f \"\"g\"\" h\"\n";
  const ExampleFile file = Read("a.tsv", bytes);
  EXPECT_EQ(file.examples[0].texts[0], "\"a \"\"b\"\"\"") << "quotes are text";
  EXPECT_THAT(file.warnings,
              ElementsAre(AllOf(HasSubstr("a.tsv:2]"), HasSubstr("cells that look quoted: 2"),
                                HasSubstr("`quoting` csv"))));
  EXPECT_THAT(Read("b.tsv", "sentence1\tsentence2\n\"a\"\tb \"\" c\n\"d\" e \"f\"\tg\n").warnings,
              IsEmpty());
}

TEST_F(OddFiles, ScoredShardsWithoutHeadersHaveTheirSplits) {
  folder_.Write("sts/dev.tsv", "a b\tc d\t1.5\ne f\tg h\t2\n");
  folder_.Write("sts/test.tsv", "i j\tk l\t3.5\n");
  const ScoredPairs dev = ReadScoredPairs(folder_ / "sts", {}, "dev");
  EXPECT_THAT(dev.first, ElementsAre("a b", "e f"));
  EXPECT_THAT(dev.score, ElementsAre(1.5, 2));
  EXPECT_EQ(dev.dropped_other_split, 1);
  EXPECT_EQ(dev.rows, 3);
  EXPECT_THAT(dev.Notes(), ElementsAre(HasSubstr("column 3 is taken for the score"),
                                       HasSubstr("1 rows of another split")));
  EXPECT_THAT(ReadScoredPairs(folder_ / "sts", {}, "test").second, ElementsAre("k l"));
  EXPECT_THAT(ErrorOf([&] { ReadScoredPairs(folder_ / "sts", {}, "train"); }),
              HasSubstr("no row of the split 'train'"));
  // The files of the STS benchmark, which are called .csv and have tabs.
  folder_.Write("bench/sts-dev.csv", "g\tf\t2012\t1\t2.5\ta b\tc d\n");
  folder_.Write("bench/sts-test.csv", "g\tf\t2012\t1\t3.5\te, \"f\tg h\tx\ty\n");
  EXPECT_THAT(ReadScoredPairs(folder_ / "bench", {}, "test").first, ElementsAre("e, \"f"));
}

// Python writes NaN for an absent number, pandas "nan".
TEST_F(OddFiles, ScoresThatAreNoNumbersAreAbsent) {
  const std::string lines = R"({"sentence1": "a NaN", "sentence2": "b", "score": NaN}
{"sentence1": "c \"NaN", "sentence2": "d", "score": 0.5}
{"sentence1": "e", "sentence2": "f", "score": -Infinity}
)";
  const ExampleFile file = Read("a.jsonl", lines);
  EXPECT_EQ(TextsIn(file), (Texts{{"c \"NaN", "d"}}));
  EXPECT_EQ(file.dropped.no_gold_label, 2);
  const std::string table = "sentence1,sentence2,score\na,b,nan\nc,d,None\ne,f,0.4\n";
  EXPECT_EQ(Read("a.csv", table).dropped.no_gold_label, 2);
  EXPECT_EQ(ReadScoredPairs(folder_ / "a.csv", {}, "").dropped_no_score, 2);
  EXPECT_THAT(Error("a.csv", "sentence1,sentence2,score\na,b,\"1,5\"\n"),
              AllOf(HasSubstr("a.csv:2] found the score '1,5'"), HasSubstr("such as 3.5")));
  EXPECT_THAT(Error("a.jsonl", "{\"text\": NaNa}\n"), HasSubstr("valid JSON"));
}

TEST_F(OddFiles, ColumnsInTheOnlyLineAreATable) {
  const ExampleFile file =
      Read("test.jsonl",
           R"({"sent1": ["a b", "c d"], "sent2": ["e f", "g h"], "labels": [true, true]})");
  EXPECT_EQ(TextsIn(file), (Texts{{"a b", "e f"}, {"c d", "g h"}}));
  const std::string lists = R"({"query": "a", "pos": ["b"], "neg": ["c"]})";
  EXPECT_EQ(TextsIn(Read("a.jsonl", lists)), (Texts{{"a", "b", "c"}}));
  EXPECT_EQ(TextsIn(Read("a.jsonl", R"({"set": ["a", "b"]})")), (Texts{{"a", "b"}}));
}

TEST_F(OddFiles, ALineOfSpreadsheetsNamesTheDelimiter) {
  for (const char* line : {"sep=;\n", "\"sep=;\"\r\n"}) {
    EXPECT_EQ(TextsIn(Read("a.csv", std::string(line) + "sentence1;sentence2\na, b;\"c; d\"\n")),
              (Texts{{"a, b", "c; d"}}));
  }
}

TEST_F(OddFiles, AnotherDelimiterInEachRowIsNamed) {
  for (const char* bytes :
       {"english;french\nHello;Bonjour\nGood day;Bonne journee\n", "a b|c d\ne f|g h\ni|j\n"}) {
    EXPECT_THAT(Error("a.csv", bytes),
                AllOf(HasSubstr("has the columns"), HasSubstr("`delimiter`")));
  }
  EXPECT_EQ(TextsIn(Read("a.csv", "Yes; no.\nIt is.\nA; b.\n")).size(), 3u);
}

TEST_F(OddFiles, XmlIsNoText) {
  EXPECT_THAT(Error("a.tmx", "<?xml version=\"1.0\"?>\n<tmx>\n</tmx>\n"),
              AllOf(HasSubstr("a.tmx] is an XML file"), HasSubstr("JSON lines")));
}

TEST_F(OddFiles, ShardsThatLeadNowhereAreNamed) {
  folder_.Write("hub/train-0.csv", "sentence1,sentence2\na,b\n");
  std::filesystem::create_symlink("../blobs/gone", folder_ / "hub/train-1.csv");
  EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_ / "hub", {}); }),
              AllOf(HasSubstr("train-1.csv] is a link to '../blobs/gone'")));
}

}  // namespace
}  // namespace lacos
