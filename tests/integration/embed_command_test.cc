// `lacos embed`: order, precisions, formats, empty texts and reports.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "lacos/io/json.h"
#include "lacos/io/line_reader.h"
#include "lacos/io/npy.h"
#include "program.h"

namespace lacos {
namespace {

std::vector<float> Floats(const NpyArray& array) {
  std::vector<float> values(array.data.size() / sizeof(float));
  std::memcpy(values.data(), array.data.data(), array.data.size());
  return values;
}

RunResult Embed(const std::string& input, const std::string& output,
                std::vector<std::string> more = {}) {
  std::vector<std::string> words = {"embed", "--model",  TinyModel(), "--input",
                                    input,   "--output", output,      "--quiet"};
  words.insert(words.end(), more.begin(), more.end());
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  return result;
}

std::string ManyTexts(int count) {
  std::string texts;
  for (int i = 0; i < count; ++i) {
    texts += "text " + std::to_string(i * 7919 % 1000) +
             std::string(static_cast<size_t>(i % 13), 'x') + "\n";
  }
  return texts;
}

TEST(EmbedCommand, TheTextsAreNeverOverwritten) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.jsonl", "\"a text\"\n");
  ExpectUserError(RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output", input,
                            "--overwrite"}),
                  "is the input itself; expected another file");
  EXPECT_EQ(ReadAll(input), "\"a text\"\n");
}

TEST(EmbedCommand, JsonLinesAndNpyHoldTheSameVectorsInInputOrder) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", ManyTexts(50));
  Embed(input, folder / "v.npy");
  Embed(input, folder / "v.jsonl");
  const NpyArray array = ReadNpy(folder / "v.npy");
  ASSERT_EQ(array.shape, (std::vector<int64_t>{50, 32}));
  const std::vector<float> values = Floats(array);
  LineReader lines(folder / "v.jsonl");
  std::string line;
  for (int64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(lines.Next(line));
    const Json json = Json::Parse(line, "v.jsonl");
    EXPECT_EQ(json.At("index").AsInt(), i);
    const Json vector = json.At("embedding");
    ASSERT_EQ(vector.size(), 32u);
    for (size_t j = 0; j < 32; ++j) {
      EXPECT_EQ(static_cast<float>(vector[j].AsDouble()), values[static_cast<size_t>(i) * 32 + j]);
    }
  }
  EXPECT_FALSE(lines.Next(line));
}

TEST(EmbedCommand, LinesGoToStdoutAndTheSummaryToStderr) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", ManyTexts(50));
  Embed(input, folder / "v.jsonl", {"--precision", "float16"});
  const std::vector<std::string> words = {"embed",    "--model", TinyModel(),   "--input", input,
                                          "--output", "-",       "--precision", "float16"};
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, ReadAll(folder / "v.jsonl"));
  EXPECT_NE(result.err.find("\ntokens "), std::string::npos) << result.err;
  EXPECT_EQ(folder.Names(), (std::vector<std::string>{"texts.txt", "v.jsonl", "v.jsonl.run.json"}));
  std::vector<std::string> quiet = words;
  quiet.push_back("--quiet");
  EXPECT_EQ(RunLacos(quiet).err, "");
  std::vector<std::string> json = words;
  json.push_back("--json");
  const std::string err = RunLacos(json).err;
  EXPECT_EQ(Json::Parse(err.substr(err.find("{\n")), "stderr").At("texts").AsInt(), 50);
}

TEST(EmbedCommand, StdoutTakesNoPrecisionThatNeedsAllTextsFirst) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", ManyTexts(50));
  ExpectUsageError(RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output", "-",
                             "--precision", "int8"}),
                   "--precision");
}

class EmbedCommandCompute : public testing::TestWithParam<const char*> {};

TEST_P(EmbedCommandCompute, AVectorDependsNeitherOnItsNeighboursNorOnBatchesNorOnThreads) {
  const TempFolder folder;
  const std::string texts = ManyTexts(60), compute = GetParam();
  const std::string input = folder.Write("texts.txt", texts);
  const std::string first = folder.Write("one.txt", texts.substr(0, texts.find('\n') + 1));
  Embed(input, folder / "a.npy", {"--compute", compute, "--threads", "1"});
  Embed(input, folder / "b.npy", {"--compute", compute, "--threads", "2", "--batch-tokens", "50"});
  Embed(first, folder / "c.npy", {"--compute", compute});
  if (HasFailure()) return;
  const auto together = ReadNpy(folder / "a.npy").data, alone = ReadNpy(folder / "c.npy").data;
  EXPECT_EQ(together, ReadNpy(folder / "b.npy").data);
  ASSERT_EQ(alone.size(), 32 * sizeof(float));
  EXPECT_EQ(std::memcmp(alone.data(), together.data(), alone.size()), 0);
}
INSTANTIATE_TEST_SUITE_P(Modes, EmbedCommandCompute, testing::Values("f32", "bf16", "int8"),
                         [](const auto& info) { return std::string(info.param); });

TEST(EmbedCommand, PrecisionsHaveTheirTypesAndShapes) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", ManyTexts(40));
  struct Case {
    std::string name;
    DType dtype;
    int64_t columns;
  };
  for (const Case& c : {Case{"float16", DType::kF16, 32}, Case{"int8", DType::kI8, 32},
                        Case{"uint8", DType::kU8, 32}, Case{"binary", DType::kI8, 4},
                        Case{"ubinary", DType::kU8, 4}}) {
    SCOPED_TRACE(c.name);
    Embed(input, folder / (c.name + ".npy"), {"--precision", c.name});
    const NpyArray array = ReadNpy(folder / (c.name + ".npy"));
    EXPECT_EQ(array.dtype, c.dtype);
    EXPECT_EQ(array.shape, (std::vector<int64_t>{40, c.columns}));
  }
  // Every dimension uses the whole range of codes: 0 for its minimum, and 255 or, because the step
  // is rounded, 254 for its maximum.
  const NpyArray codes = ReadNpy(folder / "uint8.npy");
  for (size_t j = 0; j < 32; ++j) {
    int low = 255, high = 0;
    for (size_t i = 0; i < 40; ++i) {
      low = std::min(low, static_cast<int>(codes.data[i * 32 + j]));
      high = std::max(high, static_cast<int>(codes.data[i * 32 + j]));
    }
    EXPECT_EQ(low, 0);
    EXPECT_GE(high, 254);
  }
  const NpyArray signs = ReadNpy(folder / "ubinary.npy");
  Embed(input, folder / "float32.npy");
  const std::vector<float> values = Floats(ReadNpy(folder / "float32.npy"));
  for (size_t k = 0; k < values.size(); ++k) {
    EXPECT_EQ(static_cast<int>(signs.data[k / 8]) >> (7 - k % 8) & 1, values[k] > 0 ? 1 : 0);
  }
  // Only the results are left. The temporary float32 copy for int8 is a file without a name.
  for (const std::string& name : folder.Names()) EXPECT_EQ(name.find("XX"), std::string::npos);
}

// Streaming only saves memory: embed, eval and similarity give the same bytes with it.
TEST(EmbedCommand, StreamedLayersGiveTheSameBytesInEveryCommand) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", ManyTexts(40));
  std::string pairs = "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 20; ++i) {
    pairs += "a text " + std::to_string(i) + "\tanother " + std::to_string(i % 7) + "\t" +
             std::to_string(i * 3 % 6) + "\n";
  }
  const std::string scored = folder.Write("pairs.tsv", pairs);
  for (const std::string compute : {"f32", "bf16", "int8"}) {
    const auto run = [&](bool streamed) {
      const std::vector<std::string> flags =
          streamed ? std::vector<std::string>{"--compute", compute, "--stream-layers",
                                              "--batch-tokens", "64"}
                   : std::vector<std::string>{"--compute", compute, "--batch-tokens", "64"};
      const auto with = [&](std::vector<std::string> words) {
        words.insert(words.end(), flags.begin(), flags.end());
        const RunResult result = RunLacos(words);
        EXPECT_EQ(result.status, 0) << result.err;
        return result.out;
      };
      std::vector<std::string> embed = flags;
      embed.push_back("--overwrite");
      Embed(input, folder / "v.npy", embed);
      const std::string model = TinyModel();
      const Json eval = Json::Parse(
          with({"eval", "--model", model, "--data", scored, "--json", "--quiet"}), "eval");
      return ReadAll(folder / "v.npy") + eval.At("tasks").Dump() +
             with({"similarity", "--model", model, "--input", scored, "--quiet"}) +
             with({"similarity", "--model", model, "--query", "text 7", "--input", input,
                   "--quiet"});
    };
    EXPECT_EQ(run(true), run(false)) << compute;
  }
}

TEST(EmbedCommand, Int8NeedsMoreThanOneText) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "alone\n");
  ExpectUserError(RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output",
                            folder / "v.npy", "--precision", "int8", "--quiet"}),
                  "one text");
}

// A query gets the codes that it would have among the corpus's texts.
TEST(EmbedCommand, RangesOfAnEarlierRunMakeCodesComparable) {
  const TempFolder folder;
  const std::string corpus = folder.Write("corpus.txt", ManyTexts(120));
  const std::string text = ReadAll(corpus).substr(0, ReadAll(corpus).find('\n') + 1);
  const std::string query = folder.Write("query.txt", text);
  Embed(corpus, folder / "c.npy", {"--precision", "int8"});
  Embed(corpus, folder / "f.npy");
  EXPECT_EQ(ReadNpy(folder / "c.npy.ranges.npy").shape, (std::vector<int64_t>{2, 32}));
  const RunResult result =
      Embed(query, folder / "q.npy",
            {"--precision", "int8", "--ranges", folder / "c.npy.ranges.npy", "--json"});
  EXPECT_EQ(Json::Parse(result.out, "stdout").At("clipped").AsInt(), 0);
  Embed(query, folder / "k.npy", {"--precision", "int8", "--calibration", folder / "f.npy"});
  const std::vector<std::byte> all = ReadNpy(folder / "c.npy").data;
  for (const char* name : {"q.npy", "k.npy"}) {
    EXPECT_EQ(ReadNpy(folder / name).data, std::vector<std::byte>(all.begin(), all.begin() + 32));
    EXPECT_EQ(ReadAll(folder / name + ".ranges.npy"), ReadAll(folder / "c.npy.ranges.npy"));
  }
  const std::string run = ReadAll(folder / "q.npy.run.json");
  EXPECT_NE(run.find("\"ranges\""), std::string::npos) << run;

  const auto error = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"embed", "--model",  TinyModel(),      "--input",
                                      query,   "--output", folder / "e.npy", "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return RunLacos(words);
  };
  ExpectUserError(error({"--precision", "int8", "--ranges", folder / "c.npy"}),
                  "the ranges of these codes are in " + (folder / "c.npy.ranges.npy"));
  ExpectUserError(error({"--precision", "int8", "--ranges", folder / "f.npy"}),
                  "pass them as --calibration");
  ExpectUserError(error({"--precision", "int8", "--ranges", folder / "c.npy.ranges.npy",
                         "--truncate-dim", "8"}),
                  "has the shape [2, 32]; expected ranges as float32 [2, 8]");
  ExpectUsageError(error({"--ranges", folder / "c.npy.ranges.npy"}), "goes with --precision int8");
  ExpectUsageError(error({"--precision", "int8", "--ranges", "a", "--calibration", "b"}),
                   "--calibration");
}

TEST(EmbedCommand, EmptyTextsGiveZeroVectorsAndAreCounted) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "one\n\nthree\n");
  const RunResult result = RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output",
                                     folder / "v.npy", "--json", "--normalize"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("no tokens"), std::string::npos) << result.err;
  const Json report = Json::Parse(result.out, "stdout");
  EXPECT_EQ(report.At("texts").AsInt(), 3);
  EXPECT_EQ(report.At("empty").AsInt(), 1);
  EXPECT_EQ(report.At("tokens").AsInt(), 8);  // each token is one byte
  EXPECT_EQ(report.At("truncated").AsInt(), 0);
  EXPECT_GT(report.At("peak_rss_bytes").AsInt(), 1000000);
  EXPECT_GT(report.At("rss_anon_bytes").AsInt(), 0);
  EXPECT_GT(report.At("seconds").AsDouble(), 0);
  EXPECT_GT(report.At("tokens_per_second").AsDouble(), 0);
  const std::vector<float> values = Floats(ReadNpy(folder / "v.npy"));
  for (size_t row = 0; row < 3; ++row) {
    double squares = 0;
    for (size_t j = 0; j < 32; ++j) squares += double(values[row * 32 + j]) * values[row * 32 + j];
    // The tolerance allows for 32 squares of floats that were each rounded once.
    EXPECT_NEAR(squares, row == 1 ? 0 : 1, 32 * 0x1p-22);
  }
}

TEST(EmbedCommand, NoTextsGiveNoRows) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "");
  for (const std::string precision : {"float32", "int8"}) {
    Embed(input, folder / (precision + ".npy"), {"--precision", precision});
    EXPECT_EQ(ReadNpy(folder / (precision + ".npy")).shape, (std::vector<int64_t>{0, 32}));
  }
  Embed(input, folder / "v.jsonl");
  EXPECT_EQ(ReadAll(folder / "v.jsonl"), "");
}

TEST(EmbedCommand, TruncationIsCountedAndEqualsTheShortText) {
  const TempFolder folder;
  const std::string longer = folder.Write("long.txt", "abcdefgh\nabc\n"),
                    shorter = folder.Write("short.txt", "abcd\nabc\n");
  const RunResult result = Embed(longer, folder / "a.npy", {"--max-length", "4", "--json"});
  EXPECT_EQ(Json::Parse(result.out, "stdout").At("truncated").AsInt(), 1);
  Embed(shorter, folder / "b.npy");
  EXPECT_EQ(ReadNpy(folder / "a.npy").data, ReadNpy(folder / "b.npy").data);
}

TEST(EmbedCommand, TruncatedDimensionsAreThoseOfTheWholeVector) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", ManyTexts(5));
  Embed(input, folder / "whole.npy");
  Embed(input, folder / "cut.npy", {"--truncate-dim", "8"});
  Embed(input, folder / "unit.npy", {"--truncate-dim", "8", "--normalize"});
  const std::vector<float> whole = Floats(ReadNpy(folder / "whole.npy")),
                           cut = Floats(ReadNpy(folder / "cut.npy")),
                           unit = Floats(ReadNpy(folder / "unit.npy"));
  ASSERT_EQ(cut.size(), 40u);
  for (size_t i = 0; i < 5; ++i) {
    double squares = 0;
    for (size_t j = 0; j < 8; ++j) {
      EXPECT_EQ(cut[i * 8 + j], whole[i * 32 + j]);
      squares += double(cut[i * 8 + j]) * cut[i * 8 + j];
    }
    for (size_t j = 0; j < 8; ++j)
      EXPECT_FLOAT_EQ(unit[i * 8 + j], static_cast<float>(cut[i * 8 + j] / std::sqrt(squares)));
  }
  ExpectUsageError(RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output",
                             folder / "x.npy", "--truncate-dim", "33"}),
                   "--truncate-dim");
}

// A sentence-transformers folder over TinyModel with one more settings file.
std::string FolderWith(const TempFolder& folder, const std::string& name,
                       const std::string& contents) {
  namespace fs = std::filesystem;
  const std::string model = folder / "model";
  fs::copy(TinyModel(), model);
  fs::create_directory(model + "/1_Pooling");
  const auto write = [&](const std::string& file, const std::string& text) {
    std::ofstream(model + "/" + file) << text;
  };
  write("1_Pooling/config.json", "{}");
  write("modules.json", R"([{"name": "0", "path": "", "type": "sentence_transformers.Transformer"},
      {"name": "1", "path": "1_Pooling", "type": "sentence_transformers.Pooling"}])");
  write(name, contents);
  return model;
}

TEST(EmbedCommand, TheFolderSaysHowManyValuesAreKept) {
  const TempFolder folder;
  const std::string model = FolderWith(folder, "config_sentence_transformers.json",
                                       R"({"truncate_dim": 5, "what_is_this": 1})");
  const std::string input = folder.Write("texts.txt", "one\ntwo\n");
  const auto embed = [&](const std::string& output, std::vector<std::string> more) {
    std::vector<std::string> words = {"embed", "--model",  model,          "--input",
                                      input,   "--output", folder / output};
    words.insert(words.end(), more.begin(), more.end());
    const RunResult result = RunLacos(words);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  const std::string log = embed("kept.npy", {});
  EXPECT_THAT(log, testing::HasSubstr("first 5 of 32 values"));
  EXPECT_THAT(log, testing::HasSubstr("\"what_is_this\""));
  EXPECT_THAT(embed("all.npy", {"--truncate-dim", "32"}),
              testing::Not(testing::HasSubstr("first 5 of 32")));
  const NpyArray kept = ReadNpy(folder / "kept.npy"), all = ReadNpy(folder / "all.npy");
  ASSERT_EQ(kept.shape, (std::vector<int64_t>{2, 5}));
  ASSERT_EQ(all.shape, (std::vector<int64_t>{2, 32}));
  const std::vector<float> a = Floats(kept), b = Floats(all);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(a[i], b[i / 5 * 32 + i % 5]);
  const RunResult similar =
      RunLacos({"similarity", "--model", model, "--query", "one", "--input", input, "--json"});
  EXPECT_EQ(similar.status, 0) << similar.err;
  EXPECT_THAT(similar.err, testing::HasSubstr("first 5 of 32 values"));
}

TEST(EmbedCommand, TheFolderSaysWhichPartOfALongTextIsLost) {
  const TempFolder folder;
  const std::string model =
      FolderWith(folder, "sentence_bert_config.json",
                 R"({"max_seq_length": 3, "tokenizer_args": {"truncation_side": "left"}})");
  const std::string input = folder.Write("texts.txt", "abcdef\n"),
                    end = folder.Write("end.txt", "def\n");
  const auto embed = [&](const std::string& texts, const std::string& output) {
    return RunLacos({"embed", "--model", model, "--input", texts, "--output", folder / output});
  };
  EXPECT_THAT(embed(input, "whole.npy").err, testing::HasSubstr("lost their beginning"));
  EXPECT_EQ(embed(end, "end.npy").status, 0);
  EXPECT_EQ(ReadAll(folder / "whole.npy"), ReadAll(folder / "end.npy"));
  EXPECT_EQ(RunLacos({"tokenize", "--model", model, "--input", input, "--max-length", "3"}).out,
            RunLacos({"tokenize", "--model", model, "--input", end}).out);
}

TEST(EmbedCommand, StdinAndJsonLinesGiveTheSameAsAFile) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "one\ntwo\n");
  const std::string json =
      folder.Write("texts.jsonl", "{\"body\": \"one\"}\n{\"body\": \"two\"}\n");
  Embed(input, folder / "a.npy");
  Embed(json, folder / "b.npy", {"--field", "body"});
  const RunResult piped =
      RunLacos({"embed", "--model", TinyModel(), "--input", "-", "--output", folder / "c.npy"},
               {.input = "one\r\ntwo"});
  EXPECT_EQ(piped.status, 0) << piped.err;
  EXPECT_EQ(ReadNpy(folder / "a.npy").data, ReadNpy(folder / "b.npy").data);
  EXPECT_EQ(ReadNpy(folder / "a.npy").data, ReadNpy(folder / "c.npy").data);
}

TEST(SimilarityCommand, SaysWhatIsWrongWithAFileOfPairs) {
  const TempFolder folder;
  const auto error = [&](const char* name, const char* bytes) {
    const RunResult result =
        RunLacos({"similarity", "--model", TinyModel(), "--input", folder.Write(name, bytes)});
    EXPECT_EQ(result.status, 1);
    return result.err;
  };
  EXPECT_THAT(error("flag.jsonl", "{\"query\": \"a\", \"pos\": [\"b\", \"c\"]}\n"),
              testing::HasSubstr("flag.jsonl:1] has a list of 2 values in the column 'pos'"));
  EXPECT_THAT(error("semicolons.csv", "question;answer\na;b\n"),
              testing::AllOf(testing::HasSubstr("(question;answer)"),
                             testing::HasSubstr("check --delimiter")));
}

TEST(EmbedCommand, EveryFormOfATableGivesTheSameVectors) {
  const TempFolder folder;
  Embed(folder.Write("texts.txt", "a b\nc d\n"), folder / "a.npy");
  const std::vector<std::byte> expected = ReadNpy(folder / "a.npy").data;
  std::filesystem::create_directory(folder / "shards");
  folder.Write("shards/part-0.jsonl", "{\"text\": \"a b\"}\n");
  folder.Write("shards/part-1.jsonl", "{\"text\": \"c d\"}\n");
  const std::vector<std::string> inputs = {
      folder.Write("lines.json",
                   "{\"id\": 1, \"text\": \"a b\"}\n{\"id\": 2, \"text\": \"c d\"}\n"),
      folder.Write("array.json", "[\n  {\"text\": \"a b\"},\n  {\"text\": \"c d\"}\n]\n"),
      folder.Write("texts.json", "[\"a b\", \"c d\"]"),
      folder.Write("columns.json", "{\"text\": [\"a b\", \"c d\"], \"id\": [1, 2]}"),
      folder.Write("pandas.json", "{\"text\":{\"0\":\"a b\",\"1\":\"c d\"}}"),
      folder.Write("table.csv", "id,text\n1,a b\n2,\"c d\"\n"),
      folder.Write("table.tsv", "sentence\tlabel\na b\tx\nc d\ty\n"),
      folder.Write("one.tsv", "a b\nc d\n"),
      folder / "shards"};
  for (const std::string& input : inputs) {
    Embed(input, folder / "b.npy", {"--overwrite"});
    EXPECT_EQ(ReadNpy(folder / "b.npy").data, expected) << input;
  }
  ExpectUserError(RunLacos({"embed", "--model", TinyModel(), "--output", folder / "c.npy",
                            "--input", folder.Write("pairs.csv", "query,answer\na,b\n")}),
                  "has the columns (query, answer)");
  ExpectUserError(RunLacos({"embed", "--model", TinyModel(), "--output", folder / "c.npy",
                            "--input", folder.Write("other.json", "{\"body\": \"a\"}\n")}),
                  "has the keys (body) and no 'text'");
}

TEST(EmbedCommand, SaysThatAFirstRowIsAText) {
  const TempFolder folder;
  const std::string input = folder.Write("one.csv", "review\na b\n");
  const auto embed = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {"embed", "--model",  TinyModel(),      "--input",
                                        input,   "--output", folder / "a.npy", "--overwrite"};
    command.insert(command.end(), more.begin(), more.end());
    const RunResult result = RunLacos(command);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  EXPECT_THAT(embed({}), testing::HasSubstr("one.csv] has no header"));
  EXPECT_EQ(ReadNpy(folder / "a.npy").shape.at(0), 2);
  EXPECT_THAT(embed({"--field", "review"}), testing::Not(testing::HasSubstr("header")));
  EXPECT_EQ(ReadNpy(folder / "a.npy").shape.at(0), 1);
}

TEST(EmbedCommand, APromptIsPutBeforeEveryText) {
  const TempFolder folder;
  const std::string input = folder.Write("texts.txt", "one\n"),
                    whole = folder.Write("whole.txt", "query: one\n");
  Embed(input, folder / "a.npy", {"--prompt", "query: "});
  Embed(whole, folder / "b.npy");
  EXPECT_EQ(ReadNpy(folder / "a.npy").data, ReadNpy(folder / "b.npy").data);
  ExpectUserError(RunLacos({"embed", "--model", TinyModel(), "--input", input, "--output",
                            folder / "c.npy", "--prompt-name", "query"}),
                  "query");
}

}  // namespace
}  // namespace lacos
