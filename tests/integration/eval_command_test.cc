// `lacos eval` and `lacos similarity`: rows, averages, undefined correlations, ranks.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "lacos/io/json.h"
#include "training_runs.h"

namespace lacos {
namespace {

using testing::HasSubstr;

const char* const kPairs =
    "sentence1\tsentence2\tscore\n"
    "a man plays\ta man plays\t5\n"
    "a dog runs\ta cat sleeps\t1.5\n"
    "the sun\tthe moon\t2\n"
    "one two three\tfour five six seven\t0.5\n";

TEST(EvalCommand, JsonHasOneRowAFileAndTheAverage) {
  const TempFolder folder;
  const std::string a = folder.Write("a.tsv", kPairs), b = folder.Write("b.tsv", kPairs);
  const RunResult result = RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", a,
                                     b, "--json", "--max-length", "12"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_EQ(report.At("model").AsString(), TinyModel());
  ASSERT_EQ(report.At("tasks").size(), 2u);
  const Json task = report.At("tasks")[0];
  EXPECT_EQ(task.At("name").AsString(), a);
  EXPECT_EQ(task.At("n").AsInt(), 4);
  EXPECT_EQ(task.At("truncated").AsInt(), 2);  // the two longest distinct texts
  EXPECT_LE(std::abs(task.At("spearman").AsDouble()), 100);
  EXPECT_NEAR(report.At("average").At("spearman").AsDouble(), task.At("spearman").AsDouble(),
              1e-12);
  EXPECT_NEAR(report.At("average").At("pearson").AsDouble(), task.At("pearson").AsDouble(), 1e-12);
}

TEST(EvalCommand, TheTableHasTheSameRows) {
  const TempFolder folder;
  const std::string a = folder.Write("a.tsv", kPairs);
  const RunResult result = RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", a});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(CountLines(result.out), 3u) << result.out;
  EXPECT_NE(result.out.find("average"), std::string::npos);
}

TEST(EvalCommand, ConstantScoresGiveNullAndAWarningNotZero) {
  const TempFolder folder;
  const std::string a = folder.Write("a.tsv", "sentence1\tsentence2\tscore\na\tb\t3\nc\td\t3\n");
  const RunResult result =
      RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", a, "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_TRUE(report.At("tasks")[0].At("spearman").IsNull());
  EXPECT_TRUE(report.At("tasks")[0].At("pearson").IsNull());
  EXPECT_TRUE(report.At("average").At("spearman").IsNull());
  EXPECT_NE(result.err.find("no correlation exists"), std::string::npos);
}

TEST(EvalCommand, TheTestSplitIsTheDefault) {
  const TempFolder folder;
  const std::string a = folder.Write(
      "a.tsv",
      "split\tsentence1\tsentence2\tscore\n"
      "train\tx\ty\t1\ndev\tx\ty\t1\ndev\tz\tw\t2\ntest\ta\tb\t3\ntest\tc\td\t4\ntest\te\tf\t5\n");
  for (const auto& [split, n] : std::vector<std::pair<std::string, int>>{{"", 3}, {"dev", 2}}) {
    std::vector<std::string> words = {"eval",   "--model", TinyModel(), "--task", "sts",
                                      "--data", a,         "--json",    "--quiet"};
    if (!split.empty()) words.insert(words.end(), {"--split", split});
    const RunResult result = RunLacos(words);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(Json::Parse(result.out, "stdout").At("tasks")[0].At("n").AsInt(), n);
  }
  ExpectUserError(
      RunLacos({"eval", "--model", TinyModel(), "--task", "sts", "--data", a, "--split", "nosuch"}),
      "nosuch");
}

// Runs `lacos eval WORDS --json` and returns its report.
Json Evaluate(std::vector<std::string> words) {
  words.insert(words.begin(), "eval");
  words.insert(words.end(), {"--json", "--quiet"});
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  return Json::Parse(result.out, "stdout");
}

TEST(EvalCommand, MeasuresEveryTaskOnAUsersFiles) {
  const TempFolder folder;
  const std::string pairs = folder.Write(
      "pairs.tsv",
      "sentence1\tsentence2\tlabel\na man plays\ta man is playing\t1\nthe sun\tthree dogs\t0\n"
      "we eat bread\twe eat bread now\t1\nred cars\ta quiet song\t0\n");
  Json task =
      Evaluate({"--floor", "word-overlap", "--task", "pair_classification", "--data", pairs})
          .At("tasks")[0];
  EXPECT_EQ(task.At("n").AsInt(), 4);
  EXPECT_EQ(task.At("average_precision").AsDouble(), 100);
  EXPECT_EQ(task.At("best_f1").AsDouble(), 100);

  const std::string bitext =
      folder.Write("bitext.tsv", "un deux\tun two\ntrois\ttrois three\nquatre\tquatre\n");
  task = Evaluate({"--floor", "tf-idf", "--task", "bitext", "--data", bitext}).At("tasks")[0];
  EXPECT_EQ(task.At("n").AsInt(), 3);
  EXPECT_EQ(task.At("accuracy").AsDouble(), 100);

  std::string rows = "split\ttext\tlabel\n";
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(i);
    const std::string fruit = "\tapples and pears " + n + "\tfruit\n",
                      tools = "\tbolts and screws " + n + "\ttools\n";
    // The test rows list the classes in another order than the training rows.
    rows += i < 8 ? "train" + fruit + "train" + tools : "test" + tools + "test" + fruit;
  }
  const std::string labelled = folder.Write("labelled.tsv", rows);
  task = Evaluate({"--floor", "word-overlap", "--task", "classification", "--data", labelled})
             .At("tasks")[0];
  EXPECT_EQ(task.At("n").AsInt(), 8);
  EXPECT_EQ(task.At("accuracy").AsDouble(), 100);
  task = Evaluate({"--floor", "word-overlap", "--task", "classification", "--shots", "2", "--data",
                   labelled})
             .At("tasks")[0];
  EXPECT_EQ(task.At("accuracy").AsDouble(), 100);
  task = Evaluate(
             {"--floor", "word-overlap", "--task", "clustering", "--data", labelled, "--split", ""})
             .At("tasks")[0];
  EXPECT_EQ(task.At("n").AsInt(), 24);
  EXPECT_GT(task.At("v_measure").AsDouble(), 50);

  folder.Write("corpus.jsonl",
               "{\"_id\": \"d1\", \"title\": \"\", \"text\": \"green apples\"}\n"
               "{\"_id\": \"d2\", \"title\": \"\", \"text\": \"old bolts\"}\n");
  folder.Write("queries.jsonl",
               "{\"_id\": \"q1\", \"text\": \"apples\"}\n{\"_id\": \"q2\", \"text\": \"bolts\"}\n");
  folder.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n");
  task = Evaluate({"--floor", "word-overlap", "--task", "retrieval", "--data", folder.path()})
             .At("tasks")[0];
  EXPECT_EQ(task.At("n").AsInt(), 2);
  EXPECT_EQ(task.At("ndcg_at_10").AsDouble(), 100);
}

// ArguAna and Quora have their queries in the corpus, under the same ids.
TEST(EvalCommand, ADocumentWithTheQuerysIdIsLeftOut) {
  const TempFolder folder;
  folder.Write("corpus.jsonl", R"({"_id": "1", "title": "", "text": "green apples"}
{"_id": "2", "title": "", "text": "green apples here"}
{"_id": "3", "title": "", "text": "old bolts"}
)");
  folder.Write("queries.jsonl", R"({"_id": "1", "text": "green apples"}
{"_id": "q", "text": "bolts"}
)");
  folder.Write("qrels.tsv", "query-id\tcorpus-id\tscore\n1\t2\t1\nq\t3\t1\n");
  std::vector<std::string> words = {"--floor",   "word-overlap", "--task",
                                    "retrieval", "--data",       folder.path()};
  const Json task = Evaluate(words).At("tasks")[0];
  EXPECT_EQ(task.At("ndcg_at_10").AsDouble(), 100);
  EXPECT_EQ(task.At("identical_ids").AsInt(), 1);
  words.insert(words.begin(), "eval");
  RunResult result = RunLacos(words);
  EXPECT_NE(result.err.find("1 of 2 queries have the id of a document"), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("--keep-identical-ids"), std::string::npos) << result.err;
  words.insert(words.end(), {"--keep-identical-ids", "--json"});
  const Json kept = Json::Parse(RunLacos(words).out, "stdout").At("tasks")[0];
  EXPECT_NEAR(kept.At("ndcg_at_10").AsDouble(), 50 * (1 / std::log2(3.0) + 1), 1e-9);
  EXPECT_EQ(kept.At("identical_ids").AsInt(), 0);
  EXPECT_TRUE(kept.At("keeps_identical_ids").AsBool());
  EXPECT_FALSE(task.At("keeps_identical_ids").AsBool());
  const std::string pairs = folder.Write("pairs.tsv", "sentence1\tsentence2\na\tb\nc\td\n");
  ExpectUsageError(RunLacos({"eval", "--floor", "word-overlap", "--task", "bitext", "--data", pairs,
                             "--keep-identical-ids"}),
                   "--keep-identical-ids");

  // Queries and documents that are numbered independently of each other.
  folder.Write("qrels.tsv", "query-id\tcorpus-id\tscore\n1\t1\t1\nq\t3\t1\n");
  words.resize(words.size() - 2);
  result = RunLacos(words);
  EXPECT_NE(result.err.find("1 documents that are relevant for a query have its id and so count as "
                            "not found"),
            std::string::npos)
      << result.err;
}

TEST(EvalCommand, ClassesWithFewTextsAreCounted) {
  const TempFolder folder;
  const std::string small = folder.Write("small.tsv", "text\tlabel\na\tred\nb\tred\nc\tblue\n");
  std::vector<std::string> words = {"eval",           "--floor", "word-overlap", "--task",
                                    "classification", "--data",  small};
  ExpectUserError(RunLacos(words),
                  "too few texts to train on: 'red' 2, 'blue' 1; expected at least two classes of "
                  "two texts each");
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < 24; ++i)
    rows += "text " + std::to_string(i) + (i % 2 == 0 ? "\tred\n" : "\tblue\n");
  words.back() = folder.Write("rare.tsv", rows + "rare\tgreen\nrare too\tgreen\n");
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("fewer texts than the 10 parts of the cross-validation: 'green' 2;"),
            std::string::npos)
      << result.err;
  const std::string train = folder.Write("train.tsv", "text\tlabel\na\tred\nb\tred\n");
  words.insert(words.end(), {"--train-data", train});
  ExpectUserError(RunLacos(words), "'red' 2, 'blue' 0, 'green' 0; expected at least two classes");
}

TEST(EvalCommand, ScoresVectorsOfAnotherSystemLikeItsOwn) {
  const TempFolder folder;
  const std::string data = folder.Write("a.tsv", kPairs);
  const std::string texts = folder / "texts.jsonl", vectors = folder / "vectors.npy";
  ASSERT_EQ(RunLacos({"eval", "--data", data, "--write-texts", texts}).status, 0);
  ASSERT_EQ(
      RunLacos({"embed", "--model", TinyModel(), "--input", texts, "--output", vectors, "--quiet"})
          .status,
      0);
  const Json own = Evaluate({"--model", TinyModel(), "--data", data});
  const Json other = Evaluate({"--embeddings", vectors, "--data", data});
  EXPECT_EQ(own.At("tasks")[0].At("spearman").AsDouble(),
            other.At("tasks")[0].At("spearman").AsDouble());
  EXPECT_EQ(own.At("tasks")[0].At("interval").Dump(), other.At("tasks")[0].At("interval").Dump());

  const std::string more = folder.Write("b.tsv", std::string(kPairs) + "a new text\tanother\t3\n");
  ExpectUserError(RunLacos({"eval", "--embeddings", vectors, "--data", more}), "expected 9");
}

TEST(EvalCommand, AVectorIsComputedOnceForAllRuns) {
  const TempFolder folder;
  const std::string data = folder.Write("a.tsv", kPairs), cache = folder / "cache";
  const std::vector<std::string> words = {"eval", "--model", TinyModel(), "--data",
                                          data,   "--cache", cache};
  const RunResult first = RunLacos(words), second = RunLacos(words);
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, second.out);
  EXPECT_NE(first.err.find("7 distinct texts: 7 embedded"), std::string::npos) << first.err;
  EXPECT_NE(second.err.find("7 from the cache"), std::string::npos) << second.err;
  // Vectors from other settings are not taken from the cache.
  std::vector<std::string> normalized = words;
  normalized.insert(normalized.end(), {"--max-length", "3"});
  EXPECT_NE(RunLacos(normalized).err.find("0 from the cache"), std::string::npos);
}

TEST(EvalCommand, KeepsResultsThatCanBeCompared) {
  const TempFolder folder;
  std::string rows = "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    rows += "word " + n + " and word a\t" + (i % 2 == 0 ? "word " + n + " and" : "something else") +
            "\t" + std::to_string(i % 2 == 0 ? 5 : i % 3) + "\n";
  }
  const std::string data = folder.Write("a.tsv", rows), a = folder / "a", b = folder / "b";
  const auto run = [&](const std::string& floor, const std::string& output) {
    return RunLacos({"eval", "--floor", floor, "--data", data, "--output", output}).status;
  };
  ASSERT_EQ(run("word-overlap", a), 0);
  ASSERT_EQ(run("tf-idf", b), 0);
  for (const char* file :
       {"results.json", "results.csv", "items.jsonl", "report.html", "run.json", "lacos.json"}) {
    EXPECT_TRUE(std::filesystem::exists(a + "/" + file)) << file;
  }
  EXPECT_EQ(RunLacos({"verify", a}).status, 0);
  const std::string page = ReadAll(a + "/report.html");
  ASSERT_EQ(RunLacos({"report", a}).status, 0);
  EXPECT_EQ(ReadAll(a + "/report.html"), page);
  const Json same = Evaluate({"--compare", a, a});
  EXPECT_EQ(same.At("comparisons")[0].At("difference").AsDouble(), 0);
  EXPECT_EQ(same.At("comparisons")[0].At("p").AsDouble(), 1);
  EXPECT_EQ(Evaluate({"--compare", a, b}).At("comparisons").size(), 1u);
  ExpectUserError(RunLacos({"eval", "--compare", a, folder.path()}), "results.json");
  ExpectUserError(RunLacos({"eval", "--floor", "tf-idf", "--data", data, "--output", a}),
                  "already exists");
}

TEST(EvalCommand, SaysWhatIsMissingOnTheCommandLine) {
  const TempFolder folder;
  const std::string data = folder.Write("a.tsv", kPairs);
  EXPECT_EQ(RunLacos({"eval", "--data", data}).status, 2);
  EXPECT_EQ(RunLacos({"eval", "--model", TinyModel()}).status, 2);
  EXPECT_EQ(RunLacos({"eval", "--model", TinyModel(), "--floor", "tf-idf", "--data", data}).status,
            2);
  EXPECT_EQ(RunLacos({"eval", "--model", TinyModel(), "--suite", "sts-en"}).status, 2);
}

TEST(SimilarityCommand, EqualSentencesHaveCosineOne) {
  const TempFolder folder;
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"header.tsv", "sentence1\tsentence2\nsame\tsame\nleft\tright\n"},
           {"plain.tsv", "same\tsame\nleft\tright\n"},
           {"pairs.csv", "premise,hypothesis\nsame,same\nleft,right\n"},
           {"pairs.jsonl",
            "{\"anchor\": \"same\", \"positive\": \"same\"}\n{\"anchor\": \"left\", \"positive\": "
            "\"right\"}\n"}}) {
    SCOPED_TRACE(name);
    const std::string input = folder.Write(name, text);
    const RunResult result = RunLacos({"similarity", "--model", TinyModel(), "--input", input});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(CountLines(result.out), 2u);
    EXPECT_EQ(result.out.rfind("1.000000\tsame\tsame\n", 0), 0u) << result.out;
    const RunResult json =
        RunLacos({"similarity", "--model", TinyModel(), "--input", input, "--json"});
    const Json pairs = Json::Parse(json.out, "stdout").At("pairs");
    ASSERT_EQ(pairs.size(), 2u);
    EXPECT_EQ(pairs[0].At("cosine").AsDouble(), 1);
    EXPECT_EQ(pairs[1].At("sentence2").AsString(), "right");
  }
}

// Pairs of two equal sentences all have the same similarity, whatever the sentence is, so all pairs
// tie. As two of three pairs have the label 1, the average precision is 2/3 in any order.
TEST(EvalCommand, EqualSentencesTieInAveragePrecision) {
  const TempFolder folder;
  std::string text = "sentence1\tsentence2\tlabel\n";
  for (int i = 0; i < 90; ++i) {
    const std::string sentence = "a sentence with the number " + std::to_string(i * i);
    text += sentence + "\t" + sentence + (i % 3 == 0 ? "\t0\n" : "\t1\n");
  }
  const std::string data = folder.Write("pairs.tsv", text);
  for (const std::vector<std::string>& system :
       {std::vector<std::string>{"--model", TinyModel()}, {"--floor", "tf-idf"}}) {
    std::vector<std::string> words = {"--task", "pair_classification", "--data", data};
    words.insert(words.end(), system.begin(), system.end());
    const Json result = Evaluate(words).At("tasks")[0];
    EXPECT_NEAR(result.At("average_precision").AsDouble(), 100 * 2.0 / 3, 1e-9) << system[0];
  }
}

TEST(EvalCommand, PairClassificationRefusesNumbersOfNli) {
  const TempFolder folder;
  const std::string data =
      folder.Write("nli.tsv", "premise\thypothesis\tlabel\na b\ta b\t0\nc d\te f\t1\n");
  ExpectUserError(
      RunLacos({"eval", "--floor", "tf-idf", "--task", "pair_classification", "--data", data}),
      "nli.tsv:2] found the label '0' in a table of NLI");
}

TEST(EvalCommand, RetrievalWithoutARelevantDocumentIsAnError) {
  const TempFolder folder;
  folder.Write("corpus.jsonl", "{\"_id\": \"d\", \"text\": \"a b\"}\n");
  folder.Write("queries.jsonl", "{\"_id\": \"q\", \"text\": \"a\"}\n");
  folder.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq\td\t0\n");
  ExpectUserError(
      RunLacos({"eval", "--floor", "tf-idf", "--task", "retrieval", "--data", folder.path()}),
      "has 1 rows and none with a score above 0");
}

TEST(EvalCommand, TextsWithoutAClassAreLeftOut) {
  const TempFolder folder;
  const std::string data =
      folder.Write("classes.csv", "text,label\na b,x\na c,x\nd e,y\nd f,y\ng h,\n");
  const RunResult result =
      RunLacos({"eval", "--floor", "tf-idf", "--task", "clustering", "--data", data, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Json::Parse(result.out, "stdout").At("tasks")[0].At("n").AsInt(), 4);
  EXPECT_THAT(result.err, testing::HasSubstr("1 rows without a label were left out"));
}

TEST(SimilarityCommand, AQueryFindsItselfFirstAndTiesGoToTheEarlierLine) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "far away\nneedle\nhay\nneedle\nstraw\n");
  const RunResult result = RunLacos({"similarity", "--model", TinyModel(), "--query", "needle",
                                     "--input", input, "--top-k", "3", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json found = Json::Parse(result.out, "stdout").At("results");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].At("line").AsInt(), 2);
  EXPECT_EQ(found[1].At("line").AsInt(), 4);
  EXPECT_EQ(found[0].At("rank").AsInt(), 1);
  EXPECT_EQ(found[0].At("cosine").AsDouble(), 1);
  EXPECT_EQ(found[1].At("cosine").AsDouble(), 1);
  EXPECT_GE(found[1].At("cosine").AsDouble(), found[2].At("cosine").AsDouble());
  const RunResult text = RunLacos({"similarity", "--model", TinyModel(), "--query", "needle",
                                   "--input", input, "--top-k", "1"});
  EXPECT_EQ(text.out, "1\t1.000000\t2\tneedle\n");
}

TEST(SimilarityCommand, PairsNeedTwoTexts) {
  const TempFolder folder;
  const std::string input = folder.Write("pairs.tsv", "id\tleft\n1\ta b\n");
  ExpectUserError(RunLacos({"similarity", "--model", TinyModel(), "--input", input}), "pairs.tsv");
  const std::string texts = folder.Write("texts.txt", "a b\n");
  ExpectUserError(RunLacos({"similarity", "--model", TinyModel(), "--query", "", "--input", texts}),
                  "--query");
}

TEST(SimilarityCommand, AHeaderIsNotScoredAsAPair) {
  const TempFolder folder;
  const std::string input = folder.Write("pairs.tsv", "english\tfrench\na dog\tun chien\n");
  const RunResult result = RunLacos({"similarity", "--model", TinyModel(), "--input", input});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(CountLines(result.out), 1u) << result.out;
  EXPECT_THAT(result.out, HasSubstr("a dog\tun chien"));
}

TEST(EvalCommand, ParallelFilesMayHaveAnyHeader) {
  const TempFolder folder;
  const std::string rows = "a dog\tun chien\na cat\tun chat\nthe sun\tle soleil\n";
  const auto count = [&](const std::string& name, const std::string& bytes) {
    const RunResult result = RunLacos({"eval", "--model", TinyModel(), "--task", "bitext", "--data",
                                       folder.Write(name, bytes), "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::Parse(result.out, "stdout").Dump();
  };
  const std::string plain = count("plain.tsv", rows);
  EXPECT_THAT(plain, HasSubstr("\"n\": 3"));
  for (const char* header : {"english\tfrench", "source\ttarget", "en\tfr", "text_en\ttext_fr"})
    EXPECT_THAT(count("headed.tsv", header + ("\n" + rows)), HasSubstr("\"n\": 3")) << header;
}

TEST(EvalCommand, ResultsSayWhatWasMeasuredAndWithWhat) {
  const TempFolder folder;
  const std::string data = folder.Write("a.tsv", kPairs), cache = folder / "cache";
  const std::vector<std::string> words = {"eval",    "--model", TinyModel(),    "--data", data,
                                          "--cache", cache,     "--max-length", "12"};
  const auto run = [&](const std::string& output) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--output", folder / output});
    const RunResult result = RunLacos(all);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::ReadFile(folder / (output + "/results.json"));
  };
  const Json results = run("first");
  const Json system = results.At("system");
  const RunResult info = RunLacos({"info", "--model", TinyModel(), "--json"});
  const Json facts = Json::Parse(info.out, "stdout");
  EXPECT_EQ(system.At("parameters").AsInt(), facts.At("parameters").AsInt());
  EXPECT_EQ(system.At("memory_bytes").AsInt(), facts.At("resident_base_bytes").AsInt());
  EXPECT_EQ(system.At("bytes").AsInt(), facts.At("bytes").AsInt());
  EXPECT_EQ(system.At("embedded_texts").AsInt(), 7);
  EXPECT_GT(system.At("tokens").AsInt(), 0);
  EXPECT_GT(system.At("tokens_per_second").AsDouble(), 0);
  EXPECT_NEAR(system.At("ms_per_text").AsDouble(), 1000 * system.At("embed_seconds").AsDouble() / 7,
              1e-9);
  EXPECT_EQ(system.At("truncated_texts").AsInt(), 2);
  EXPECT_EQ(results.At("sets")[0].At("truncated").AsInt(), 2);
  EXPECT_FALSE(system.At("machine").At("cpu").AsString().empty());
  EXPECT_EQ(system.At("date").AsString().size(), std::string("2000-01-01T00:00:00Z").size());
  const std::string page = ReadAll(folder / "first/report.html");
  for (const char* part :
       {"adapter", "parameters", "memory bytes", "pooling", "max length", "truncated texts",
        "ms per text", "machine: cpu", "date", "peak rss bytes"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }

  const Json cached = run("second").At("system");
  EXPECT_EQ(cached.At("cached_texts").AsInt(), 7);
  EXPECT_TRUE(cached.At("ms_per_text").IsNull())
      << "reading a cache is no measurement of the model";
  EXPECT_TRUE(cached.At("tokens_per_second").IsNull());
}

TEST(EvalCommand, WhatAnotherSystemSaysOfItselfStandsInItsResults) {
  const TempFolder folder;
  const std::string data = folder.Write("a.tsv", kPairs);
  const std::string texts = folder / "texts.jsonl", vectors = folder / "vectors.npy";
  ASSERT_EQ(RunLacos({"eval", "--data", data, "--write-texts", texts}).status, 0);
  ASSERT_EQ(
      RunLacos({"embed", "--model", TinyModel(), "--input", texts, "--output", vectors, "--quiet"})
          .status,
      0);
  const std::string about =
      folder.Write("about.json", R"({"model": "another", "parameters": 12, "ms_per_text": 0.5})");
  ASSERT_EQ(RunLacos({"eval", "--data", data, "--embeddings", vectors, "--about", about, "--output",
                      folder / "out", "--quiet"})
                .status,
            0);
  const Json system = Json::ReadFile(folder / "out/results.json").At("system");
  EXPECT_EQ(system.At("model").AsString(), "another");
  EXPECT_EQ(system.At("parameters").AsInt(), 12);
  EXPECT_FALSE(system.At("embeddings_sha256").AsString().empty());
  const std::string wrong = folder.Write("wrong.json", R"({"parameters": "many"})");
  ExpectUserError(RunLacos({"eval", "--data", data, "--embeddings", vectors, "--about", wrong}),
                  "parameters");
  ExpectUsageError(RunLacos({"eval", "--data", data, "--model", TinyModel(), "--about", about}),
                   "--about");
}

TEST(EvalCommand, TextsThatWereTrainedOnAreReported) {
  const TempFolder folder;
  const std::string nli = folder.Write("nli.tsv", NliTable());
  ASSERT_EQ(RunLacos(TrainArguments(nli, folder / "trained", {"--max-steps", "2"})).status, 0);
  ASSERT_EQ(
      RunLacos(TrainArguments(nli, folder / "silent", {"--max-steps", "2", "--no-text-hashes"}))
          .status,
      0);
  EXPECT_TRUE(std::filesystem::exists(folder / "trained/training_texts.bin"));
  EXPECT_FALSE(std::filesystem::exists(folder / "silent/training_texts.bin"));
  EXPECT_EQ(Adapter(folder / "trained"), Adapter(folder / "silent"));
  EXPECT_EQ(RunLacos({"verify", folder / "trained"}).status, 0);

  // The first pair is the table's first entailment pair with a changed letter case. The second pair
  // has one of its texts.
  std::string first = Sentence(0), second = Sentence(100);
  first[0] = static_cast<char>(std::toupper(first[0]));
  const std::string data = folder.Write(
      "test.tsv", "sentence1\tsentence2\tscore\n" + first + ".\t" + second + "\t5\n" + first +
                      ".\tnew words\t1\n" + "a\tb c\t2\nd e\tf\t3\ng\th i\t4\n");
  const RunResult result =
      RunLacos({"eval", "--model", folder / "trained", "--data", data, "--output", folder / "out"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("1 of 1 sets have texts that are among the 32 training texts"),
            std::string::npos)
      << result.out;
  const Json results = Json::ReadFile(folder / "out/results.json");
  const Json overlap = results.At("sets")[0].At("overlap");
  EXPECT_EQ(overlap.At("texts").AsInt(), 9);
  EXPECT_EQ(overlap.At("texts_seen").AsInt(), 2);
  EXPECT_EQ(overlap.At("texts_seen_exactly").AsInt(), 1);
  EXPECT_EQ(overlap.At("pairs_seen").AsInt(), 1);
  EXPECT_EQ(overlap.At("unseen_pairs").AsInt(), 3);
  EXPECT_EQ(results.At("system").At("training_texts").At("pairs").AsInt(), 16);
  EXPECT_NE(ReadAll(folder / "out/report.html").find("id=\"overlap\""), std::string::npos);
  EXPECT_EQ(RunLacos({"report", folder / "out"}).status, 0);
  EXPECT_NE(ReadAll(folder / "out/report.html").find("among the 32 training texts"),
            std::string::npos);

  // For a model whose folder has no hashes, the user can name the training files instead.
  const RunResult silent = RunLacos({"eval", "--model", folder / "silent", "--data", data});
  EXPECT_EQ(silent.out.find("training texts"), std::string::npos);
  EXPECT_NE(silent.err.find("--leak-check"), std::string::npos);
  const Json checked = Evaluate({"--floor", "tf-idf", "--data", data, "--leak-check", nli});
  EXPECT_EQ(checked.At("tasks")[0].At("overlap").At("texts_seen").AsInt(), 2);
  // Training that continues from an adapter keeps the hashes of the texts of its earlier training.
  const std::string more = folder.Write("more.tsv", "sentence1\tsentence2\na\tb c\nd e\tf\n");
  ASSERT_EQ(RunLacos({"train", "--model", TinyModel(), "--adapter", folder / "trained", "--train",
                      more, "--output", folder / "further", "--batch-size", "2", "--quiet"})
                .status,
            0);
  const Json further = Evaluate({"--model", folder / "further", "--data", data});
  EXPECT_EQ(further.At("tasks")[0].At("overlap").At("texts_seen").AsInt(), 6);
}

}  // namespace
}  // namespace lacos
