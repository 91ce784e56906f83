// Examples from the columns of a table: pairs, hard negatives, labels, scores, classes and plain
// texts; and which rows are dropped.
#include "lacos/data/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Texts = std::vector<std::vector<std::string>>;

class ExamplesTest : public ::testing::Test {
 protected:
  ExampleFile Read(const std::string& bytes, const ExampleOptions& options = {},
                   const std::string& name = "f.tsv") {
    return ReadExamples(folder_.Write(name, bytes), options);
  }
  std::string Error(const std::string& bytes, const ExampleOptions& options = {},
                    const std::string& name = "f.tsv") {
    return ErrorOf([&] { Read(bytes, options, name); });
  }
  static Texts TextsOf(const ExampleFile& file) {
    Texts texts;
    for (const Example& example : file.examples) texts.push_back(example.texts);
    return texts;
  }
  TestFolder folder_;
};

const char* const kNli =
    "sentence1\tsentence2\tlabel\n"
    "p1\te1\tentailment\n"
    "p1\tn1\tneutral\n"
    "p1\tc1\tcontradiction\n"
    "p2\te2\tentailment\n"
    "p3\tc3\tcontradiction\n"
    "p4\tx\t-\n"
    "p4\tx\t\n"
    "same\tsame\tentailment\n";

TEST_F(ExamplesTest, EntailmentRowsMakePairsAndTheRestIsCounted) {
  const ExampleFile file = Read(kNli);
  EXPECT_EQ(file.kind, ExampleKind::kPairs);
  EXPECT_EQ(TextsOf(file), (Texts{{"p1", "e1"}, {"p2", "e2"}}));
  EXPECT_EQ(file.examples[1].line, 5);
  EXPECT_EQ(file.rows, 8);
  EXPECT_EQ(file.dropped.no_gold_label, 2);
  EXPECT_EQ(file.dropped.other_label, 3);
  EXPECT_EQ(file.dropped.identical_texts, 1);
}

TEST_F(ExamplesTest, HardNegativesAreTheContradictionsOfThePremise) {
  const ExampleFile file = Read(kNli, {.hard_negatives = true});
  EXPECT_EQ(TextsOf(file), (Texts{{"p1", "e1", "c1"}, {"p2", "e2"}}));
  EXPECT_EQ(file.dropped.other_label, 2)
      << "a neutral row and a contradiction of a premise without entailment";
}

TEST_F(ExamplesTest, HardNegativesMayPrecedeTheirPairAndServeSeveral) {
  const ExampleFile file =
      Read("premise\thypothesis\tlabel\np\tc1\tc\np\ta\te\np\tb\te\np\tc2\tc\np\tb\tc\np\tc1\tc\n",
           {.hard_negatives = true});
  EXPECT_EQ(TextsOf(file), (Texts{{"p", "a", "c1", "c2", "b"}, {"p", "b", "c1", "c2"}}));
  EXPECT_EQ(file.dropped_negatives, 3) << "c1 again for each, and b where it is the positive";
  EXPECT_EQ(file.dropped.other_label, 0);
}

TEST_F(ExamplesTest, EverySpellingOfALabelIsUnderstood) {
  for (const char* label : {"entailment", "e", "0", "ENTAILMENT", "E"}) {
    EXPECT_EQ(
        Read(std::string("anchor\tpositive\tgold_label\na\tb\t") + label + "\n").examples.size(),
        1u)
        << label;
  }
  for (const auto& [labels, value] : {std::pair{"entailment e 0 Entailment", 0},
                                      {"neutral n 1 NEUTRAL", 1},
                                      {"contradiction c 2 Contradiction", 2}}) {
    std::string bytes = "sentence1\tsentence2\tlabel\n";
    std::istringstream stream(labels);
    for (std::string label; stream >> label;) bytes += "a\tb\t" + label + "\n";
    const ExampleFile file = Read(bytes, {.labelled = true});
    EXPECT_EQ(file.kind, ExampleKind::kLabelled);
    ASSERT_EQ(file.examples.size(), 4u);
    for (const Example& example : file.examples) EXPECT_EQ(example.label, value);
  }
}

TEST_F(ExamplesTest, AnUnknownLabelNamesFileLineValueAndTheKnownOnes) {
  EXPECT_THAT(Error("sentence1\tsentence2\tlabel\na\tb\te\na\tb\tyes\n"),
              AllOf(HasSubstr("/f.tsv:3] found the label 'yes' in the column 'label'"),
                    HasSubstr("entailment, neutral or contradiction"), HasSubstr("0, 1 or 2")));
  EXPECT_THAT(Error("sentence1\tsentence2\tlabel\na\tb\tthree\n"), HasSubstr("'three'"));
  EXPECT_THAT(Error("premise\thypothesis\tlabel\na\tb\t3\n"), HasSubstr("'3'"));
}

TEST_F(ExamplesTest, WithoutLabelsEveryRowIsAPair) {
  const ExampleFile file = Read(
      "x,anchor,positive,negative_2,negative_1\n1,a,p,n2,n1\n2,b,q,,n1\n3,c,r,r,r2\n", {}, "f.csv");
  EXPECT_EQ(file.kind, ExampleKind::kPairs);
  EXPECT_EQ(TextsOf(file), (Texts{{"a", "p", "n1", "n2"}, {"b", "q", "n1"}, {"c", "r", "r2"}}));
  EXPECT_EQ(file.dropped_negatives, 1);
  EXPECT_EQ(TextsOf(Read("anchor\tpositive\tnegative\na\tp\tn\n")), (Texts{{"a", "p", "n"}}));
}

TEST_F(ExamplesTest, ScoresAndLabelsKeepIdenticalTexts) {
  const ExampleFile scored = Read("sentence1\tsentence2\tscore\na\ta\t5.0\na\tb\t\nb\tc\t2.5\n");
  EXPECT_EQ(scored.kind, ExampleKind::kScored);
  EXPECT_EQ(TextsOf(scored), (Texts{{"a", "a"}, {"b", "c"}}));
  EXPECT_EQ(scored.examples[1].score, 2.5);
  EXPECT_EQ(scored.dropped.no_gold_label, 1);
  EXPECT_EQ(Read("sentence1\tsentence2\tlabel\na\ta\te\n", {.labelled = true}).examples.size(), 1u);
  EXPECT_THAT(Error("sentence1\tsentence2\tscore\na\tb\tgood\n"),
              HasSubstr(":2] found the score 'good'; expected a number"));
  EXPECT_THAT(Error("sentence1\tsentence2\tscore\na\tb\tinf\n"),
              HasSubstr("found the score 'inf'"));
}

TEST_F(ExamplesTest, SickHasScoresAndLabels) {
  const std::string sick =
      "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n1\ta\tb\t4."
      "5\tENTAILMENT\n2\tc\td\t1\tCONTRADICTION\n";
  EXPECT_EQ(Read(sick).kind, ExampleKind::kScored);
  EXPECT_EQ(TextsOf(Read(sick, {.ignore_score = true})), (Texts{{"a", "b"}}));
  EXPECT_EQ(Read(sick, {.hard_negatives = true}).kind, ExampleKind::kPairs);
  const ExampleFile labelled = Read(sick, {.labelled = true});
  EXPECT_EQ(labelled.kind, ExampleKind::kLabelled);
  EXPECT_EQ(labelled.examples[1].label, 2);
}

TEST_F(ExamplesTest, TextWithLabelMakesClassesInOrderOfAppearance) {
  const ExampleFile file = Read("text\tlabel\na\tz\nb\t-\nc\tz\nd\t\n");
  EXPECT_EQ(file.kind, ExampleKind::kClasses);
  EXPECT_EQ(file.class_names, (std::vector<std::string>{"z", "-"}));
  EXPECT_EQ(TextsOf(file), (Texts{{"a"}, {"b"}, {"c"}}));
  EXPECT_EQ(file.examples[2].label, 0);
  EXPECT_EQ(file.dropped.no_gold_label, 1);
}

TEST_F(ExamplesTest, TextAloneIsUnlabelled) {
  const ExampleFile file =
      Read("{\"text\": \"a\"}\n{\"text\": \"b\", \"meta\": {\"x\": [1]}}\n", {}, "f.jsonl");
  EXPECT_EQ(file.kind, ExampleKind::kUnlabelled);
  EXPECT_EQ(TextsOf(file), (Texts{{"a"}, {"b"}}));
}

TEST_F(ExamplesTest, JsonLinesMayBringLabelsAndNegativesLate) {
  const ExampleFile file = Read(
      "{\"premise\": \"p\", \"hypothesis\": \"h\", \"label\": 0}\n"
      "{\"premise\": \"p\", \"hypothesis\": \"i\", \"label\": 0, \"negative\": \"n\"}\n"
      "{\"premise\": \"p\", \"hypothesis\": \"j\", \"label\": null}\n",
      {}, "f.jsonl");
  EXPECT_EQ(TextsOf(file), (Texts{{"p", "h"}, {"p", "i", "n"}}));
  EXPECT_EQ(file.dropped.no_gold_label, 1);
  EXPECT_THAT(
      Error("{\"premise\": \"p\", \"hypothesis\": \"h\"}\n{\"premise\": \"p\"}\n", {}, "f.jsonl"),
      HasSubstr("/f.jsonl:2] has no text for 'hypothesis'"));
}

TEST_F(ExamplesTest, ASplitColumnIsHonoured) {
  const std::string bytes = "text\tsplit\na\ttrain\nb\tdev\nc\ttest\nd\tvalidation\n";
  const ExampleFile train = Read(bytes, {.split = "train"});
  EXPECT_EQ(TextsOf(train), (Texts{{"a"}}));
  EXPECT_EQ(train.dropped.other_split, 3);
  EXPECT_EQ(TextsOf(Read(bytes, {.split = "dev"})), (Texts{{"b"}, {"d"}}));
  EXPECT_EQ(Read(bytes).examples.size(), 4u);
  EXPECT_EQ(Read("text\na\n", {.split = "dev"}).examples.size(), 1u);
  EXPECT_THAT(Error("text\tsplit\na\ttrain\n", {.split = "test"}),
              AllOf(HasSubstr("no row of the split 'test'"), HasSubstr("'train'")));
}

TEST_F(ExamplesTest, AFileThatLeavesNoExampleIsAnError) {
  EXPECT_THAT(Error(""), HasSubstr("/f.tsv] is empty"));
  EXPECT_THAT(Error("sentence1\tsentence2\n"), HasSubstr("has a header and no rows"));
  EXPECT_THAT(Error("sentence1\tsentence2\tlabel\na\tb\tn\nc\td\t-\n"),
              HasSubstr("has 2 rows and none of use: 1 without a gold label or score, 1 neutral "
                        "or contradiction"));
}

TEST_F(ExamplesTest, AMissingHeaderNamesTheKnownColumns) {
  EXPECT_THAT(Error("A man plays.\tA man is playing.\t3.5\n"),
              AllOf(HasSubstr("has the columns (A man plays., A man is playing., 3.5)"),
                    HasSubstr("sentence1|premise|anchor"), HasSubstr("text"),
                    HasSubstr("add a header line")));
  EXPECT_THAT(Error("sentence1\tlabel\na\te\n"), HasSubstr("expected a header"));
  EXPECT_THAT(Error("sentence1\tsentence2\na\tb\n", {.labelled = true}),
              HasSubstr("expected a label or gold_label"));
  EXPECT_EQ(
      Read("a\tb\te\n", {.table = {.columns = {"premise", "hypothesis", "label"}}}).examples.size(),
      1u);
}

TEST_F(ExamplesTest, ARowOfAnotherWidthStopsTheRun) {
  EXPECT_THAT(Error("sentence1\tsentence2\na\tb\nc\n"),
              HasSubstr("/f.tsv:3] found 1 column; expected 2"));
}

std::vector<int64_t> LinesKept(ExampleFile file, double fraction, uint64_t seed) {
  KeepFraction(file, fraction, seed);
  std::vector<int64_t> lines;
  for (const Example& example : file.examples) lines.push_back(example.line);
  EXPECT_EQ(file.dropped.beyond_fraction + static_cast<int64_t>(lines.size()), 200);
  return lines;
}

TEST_F(ExamplesTest, ASmallerFractionLiesInsideALargerOneOfTheSameSeed) {
  std::string table = "text\n";
  for (int i = 0; i < 200; ++i) table += "text " + std::to_string(i) + "\n";
  const ExampleFile file = Read(table);
  for (const uint64_t seed : {1, 2}) {
    std::vector<int64_t> before;
    for (const auto& [fraction, count] : std::vector<std::pair<double, size_t>>{
             {0.001, 1}, {0.1, 20}, {0.3, 60}, {0.5, 100}, {1.0, 200}}) {
      const std::vector<int64_t> lines = LinesKept(file, fraction, seed);
      EXPECT_EQ(lines.size(), count);
      EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
      EXPECT_TRUE(std::includes(lines.begin(), lines.end(), before.begin(), before.end()))
          << fraction;
      before = lines;
    }
  }
  EXPECT_NE(LinesKept(file, 0.3, 1), LinesKept(file, 0.3, 2));
  EXPECT_EQ(LinesKept(file, 0.3, 1), LinesKept(file, 0.3, 1));
}

// The texts are our own, in the layouts in which NLI sets are published.
TEST_F(ExamplesTest, NliSetsAreReadAsTheyArePublished) {
  const Texts pair = {{"A man plays.", "Someone plays."}};
  // The layout of AllNLI.tsv from sentence-transformers.
  EXPECT_EQ(
      TextsOf(Read("split\tdataset\tfilename\tsentence1\tsentence2\tlabel\n"
                   "train\tSNLI\tsnli_1.0_train.txt\tA man plays.\tSomeone plays.\tentailment\n"
                   "train\tSNLI\tsnli_1.0_train.txt\tA man plays.\tHe says \"no\tcontradiction\n"
                   "dev\tMNLI\tmultinli_1.0_dev.txt\tA man\tA person\tentailment\n",
                   {.split = "train"}, "AllNLI.tsv")),
      pair);
  // snli_1.0_train.txt has parse trees between the columns and empty labels behind them.
  const std::string snli =
      "gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_"
      "parse\tsentence1\t"
      "sentence2\tcaptionID\tpairID\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\n"
      "entailment\t( A man )\t( x )\t(ROOT (NP))\t(ROOT)\tA man plays.\tSomeone plays.\t1.jpg#0\t1.jpg#0r1e\t"
      "entailment\t\t\t\t\n"
      "-\t( A )\t( x )\t(ROOT)\t(ROOT)\tA man plays.\tNobody "
      "agrees.\t1.jpg#1\t1.jpg#1r1n\tneutral\tentailment\t"
      "contradiction\tneutral\tentailment\n";
  const ExampleFile of_snli = Read(snli, {}, "snli_1.0_train.txt");
  EXPECT_EQ(TextsOf(of_snli), pair);
  EXPECT_EQ(of_snli.dropped.no_gold_label, 1);
  // The layout of multinli_1.0_train.jsonl and snli_1.0_train.jsonl.
  const ExampleFile multinli = Read(
      "{\"annotator_labels\": [\"entailment\"], \"genre\": \"fiction\", \"gold_label\": \"entailment\", "
      "\"pairID\": "
      "\"1e\", \"promptID\": \"1\", \"sentence1\": \"A man plays.\", \"sentence1_binary_parse\": \"( A )\", "
      "\"sentence1_parse\": \"(ROOT)\", \"sentence2\": \"Someone plays.\"}\n"
      "{\"annotator_labels\": [\"neutral\", \"entailment\"], \"genre\": \"fiction\", \"gold_label\": \"-\", "
      "\"pairID\": "
      "\"2n\", \"sentence1\": \"x\", \"sentence2\": \"y\"}\n",
      {}, "multinli_1.0_train.jsonl");
  EXPECT_EQ(TextsOf(multinli), pair);
  EXPECT_EQ(multinli.dropped.no_gold_label, 1);
  // The layout of MNLI/train.tsv in GLUE.
  EXPECT_EQ(
      TextsOf(Read("index\tpromptID\tpairID\tgenre\tsentence1\tsentence2\tlabel1\tgold_label\n"
                   "0\t1\t1e\tfiction\tA man plays.\tSomeone plays.\tentailment\tentailment\n")),
      pair);
  // The layouts of XNLI's translated training data (multinli.train.fr.tsv) and its development
  // set (xnli.dev.tsv).
  const ExampleFile translated = Read(
      "premise\thypo\tlabel\nA man plays.\tSomeone plays.\tentailment\nA man "
      "plays.\tNobody.\tcontradictory\n",
      {.hard_negatives = true}, "multinli.train.fr.tsv");
  EXPECT_EQ(TextsOf(translated), (Texts{{"A man plays.", "Someone plays.", "Nobody."}}));
  EXPECT_EQ(
      TextsOf(Read("language\tgold_label\tsentence1_binary_parse\tsentence1\tsentence2\tmatch\n"
                   "ar\tentailment\t\tA man plays.\tSomeone plays.\tTrue\n",
                   {}, "xnli.dev.tsv")),
      pair);
  // XNLI as JSON lines with numbers for labels.
  EXPECT_EQ(
      TextsOf(
          Read("{\"premise\": \"A man plays.\", \"hypothesis\": \"Someone plays.\", \"label\": 0}\n"
               "{\"premise\": \"A man plays.\", \"hypothesis\": \"No\", \"label\": 2}\n",
               {}, "fr.train.jsonl")),
      pair);
  // Triplets in the columns of all-nli and of SimCSE's nli_for_simcse.csv, and in lines that have
  // only texts.
  const Texts triplet = {{"A man plays.", "Someone plays.", "Nobody, he said"}};
  EXPECT_EQ(
      TextsOf(Read(
          "{\"anchor\": \"A man plays.\", \"positive\": \"Someone plays.\", \"negative\": \"Nobody, he "
          "said\"}\n",
          {}, "triplets.jsonl")),
      triplet);
  EXPECT_EQ(TextsOf(Read("sent0,sent1,hard_neg\nA man plays.,Someone plays.,\"Nobody, he said\"\n",
                         {}, "nli_for_simcse.csv")),
            triplet);
  EXPECT_EQ(TextsOf(Read("[\"A man plays.\", \"Someone plays.\", \"Nobody, he said\"]\n", {},
                         "AllNLI.jsonl")),
            triplet);
}

TEST_F(ExamplesTest, ARaggedRowWithoutItsTextIsNamed) {
  EXPECT_THAT(Error("sentence1\tsentence2\na\tb\nc\n", {.table = {.ragged = true}}),
              HasSubstr("/f.tsv:3] has no text for 'sentence2'"));
}

}  // namespace
}  // namespace lacos
