// Every form of data with one column too many, read by the commands that train nothing: the column is
// named, or used, or the file is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/io/json.h"
#include "program.h"
#include "unit/data/forms.h"

namespace lacos {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// What a run says about the column, or that it was refused with a message about columns.
void ExpectNamedOnce(const RunResult& result, const std::string& what) {
  if (result.status != 0) {
    EXPECT_THAT(result.status, AnyOf(1, 2)) << what << result.err;
    EXPECT_THAT(result.err, HasSubstr("; expected ")) << what;
    return;
  }
  const size_t first = result.err.find("'surplus'");
  EXPECT_NE(first, std::string::npos) << what << result.err;
  if (first == std::string::npos) return;
  EXPECT_EQ(result.err.find("'surplus'", first + 1), std::string::npos) << what << result.err;
}

class SurplusColumns : public ::testing::Test {
 protected:
  // Runs the command on each form with a header, with and without --json; the file is the last word.
  void ExpectNamed(const std::vector<std::string>& words, size_t at_least) {
    size_t read = 0;
    for (const Form& form : Forms()) {
      if (!form.has_header || form.file == "arrays.jsonl")
        continue;  // the column would have no name
      const std::string path = folder_.Write(form.file, WithSurplus(form));
      std::vector<std::string> command = words;
      command.push_back(path);
      const RunResult result = RunLacos(command);
      ExpectNamedOnce(result, words[0] + ", " + form.name + ": ");
      read += result.status == 0 ? 1 : 0;
    }
    EXPECT_GE(read, at_least) << words[0];
  }
  // The value of "unused_columns" of a command with --json.
  std::string Unused(std::vector<std::string> words) {
    words.emplace_back("--json");
    const RunResult result = RunLacos(words);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::Parse(result.out, "stdout").At("unused_columns").Dump();
  }
  const TempFolder folder_;
};

TEST_F(SurplusColumns, OfTextsAreNamed) {
  for (const char* column : {"sentence1", "premise", "anchor", "sentence"}) {
    ExpectNamed({"tokenize", "--model", TinyModel(), "--field", column, "--input"}, 1);
    ExpectNamed({"embed", "--model", TinyModel(), "--output", "-", "--field", column, "--input"},
                1);
    ExpectNamed(
        {"similarity", "--model", TinyModel(), "--query", "a", "--field", column, "--input"}, 1);
  }
  const std::string table = folder_.Write("a.csv", "text,id,surplus\na b,1,x\nc d,2,y\n");
  const std::string lines = folder_.Write(
      "a.jsonl", "{\"text\": \"a\", \"id\": 1}\n{\"surplus\": \"x\", \"text\": \"b\"}\n");
  for (const std::string& file : {table, lines}) {
    const std::vector<std::string> model = {"--model", TinyModel(), "--input", file};
    std::vector<std::vector<std::string>> commands = {
        {"tokenize"},
        {"similarity", "--query", "a"},
        {"embed", "--overwrite", "--output", folder_ / "v.npy"}};
    for (std::vector<std::string> words : commands) {
      words.insert(words.end(), model.begin(), model.end());
      EXPECT_EQ(Unused(words), R"(["id", "surplus"])") << words[0] << file;
    }
  }
}

TEST_F(SurplusColumns, OfPairsAreNamed) {
  ExpectNamed({"similarity", "--model", TinyModel(), "--input"}, 20);
  const std::string pairs = folder_.Write("p.csv", "id,query,answer,surplus\n1,a b,c d,x\n");
  EXPECT_EQ(Unused({"similarity", "--model", TinyModel(), "--input", pairs}),
            R"(["id", "surplus"])");
}

TEST_F(SurplusColumns, OfEvaluationsAreNamed) {
  for (const char* task :
       {"bitext", "pair_classification", "sts", "clustering", "classification"}) {
    ExpectNamed({"eval", "--floor", "word-overlap", "--task", task, "--data"},
                task == std::string("bitext") ? 15 : 0);
  }
  const std::string sts = folder_.Write(
      "s.tsv", "surplus\tsentence1\tsentence2\tscore\nx\ta b\ta c\t1\ny\td\te\t2.5\n");
  const RunResult result =
      RunLacos({"eval", "--floor", "word-overlap", "--task", "sts", "--data", sts, "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(Json::Parse(result.out, "stdout").At("tasks")[0].At("notes").Dump(),
              HasSubstr("'surplus'"));
}

TEST_F(SurplusColumns, OfBeirsFilesAreNamed) {
  folder_.Write("corpus.jsonl", R"({"_id": "1", "title": "", "text": "green", "metadata": {}})"
                                "\n");
  folder_.Write("queries.jsonl", R"({"_id": "q", "text": "green", "surplus": 1}
{"_id": "r", "text": "red"}
)");
  folder_.Write("qrels.tsv", "query-id\tcorpus-id\tscore\nq\t1\t1\n");
  const RunResult result = RunLacos(
      {"eval", "--floor", "word-overlap", "--task", "retrieval", "--data", folder_.path()});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("corpus.jsonl] columns that are not used: 'metadata'"));
  EXPECT_THAT(result.err, HasSubstr("1 of 2 queries have no relevant document"));
  ExpectNamedOnce(result, "retrieval: ");
}

}  // namespace
}  // namespace lacos
