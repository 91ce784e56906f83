// What a sentence-transformers folder says beside its weights, in every command that uses it: prompts
// of queries and documents, similarity, and what is left out of it.
#include <cmath>
#include <filesystem>

#include "lacos/io/json.h"
#include "lacos/io/npy.h"
#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// A sentence-transformers folder around TinyModel with this config_sentence_transformers.json.
std::string SentenceFolder(const TempFolder& folder, const std::string& name,
                           const std::string& config, bool include_prompt = true) {
  fs::create_directories(folder / name + "/1_Pooling");
  for (const char* file : {"config.json", "model.safetensors", "tokenizer.json"})
    fs::create_symlink(TinyModel() + "/" + file, folder / name + "/" + file);
  folder.Write(
      name + "/modules.json",
      R"([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
 {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  folder.Write(name + "/1_Pooling/config.json",
               std::string(R"({"word_embedding_dimension": 32, "pooling_mode": "mean", )") +
                   R"("include_prompt": )" + (include_prompt ? "true}" : "false}"));
  folder.Write(name + "/config_sentence_transformers.json", config);
  return folder / name;
}

// The value of each result of a search, in the order of the lines.
std::vector<double> Search(const std::string& model, const std::string& input,
                           const std::string& key, std::vector<std::string> more = {}) {
  std::vector<std::string> words = {"similarity", "--model", model,    "--query",   "who plays?",
                                    "--input",    input,     "--json", "--compute", "f32"};
  words.insert(words.end(), more.begin(), more.end());
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  const Json results = Json::Parse(result.out, "stdout").At("results");
  std::vector<double> values(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    values.at(static_cast<size_t>(results[i].At("line").AsInt() - 1)) =
        results[i].At(key).AsDouble();
  }
  return values;
}

constexpr char kPrompts[] =
    R"({"prompts": {"query": "query: ", "document": "passage: ", "other": "x "},
 "default_prompt_name": "other"})";

TEST(FolderSettings, QueriesAndDocumentsGetTheirPrompts) {
  const TempFolder folder;
  const std::string model = SentenceFolder(folder, "st", kPrompts);
  const std::string texts = folder.Write("d.txt", "a man plays\nthe train leaves\n"),
                    prompted =
                        folder.Write("p.txt", "passage: a man plays\npassage: the train leaves\n");
  const std::vector<double> by_folder = Search(model, texts, "cosine");
  EXPECT_EQ(by_folder, Search(model, texts, "cosine",
                              {"--query-prompt", "query: ", "--document-prompt", "passage: "}));
  EXPECT_EQ(by_folder, Search(model, prompted, "cosine", {"--document-prompt", ""}));
  const std::vector<double> none = Search(model, texts, "cosine", {"--prompt", ""});
  EXPECT_NE(by_folder, none);
  EXPECT_EQ(none, Search(TinyModel(), texts, "cosine"));
  // --prompt and --prompt-name hold for both sides, and a role's own flag for its side.
  EXPECT_EQ(Search(model, texts, "cosine", {"--prompt-name", "other"}),
            Search(model, texts, "cosine", {"--query-prompt", "x ", "--document-prompt", "x "}));
  EXPECT_EQ(Search(model, texts, "cosine", {"--prompt", "x ", "--query-prompt", ""}),
            Search(model, texts, "cosine", {"--query-prompt", "", "--document-prompt", "x "}));
}

// sentence-transformers 6.2 gives queries and documents neither the default prompt nor one named
// "passage" (docs/interop.md).
TEST(FolderSettings, OtherPromptsAreNotThoseOfQueriesAndDocuments) {
  const TempFolder folder;
  const std::string model = SentenceFolder(
      folder, "st", R"({"prompts": {"passage": "passage: "}, "default_prompt_name": "passage"})");
  const std::string texts = folder.Write("d.txt", "a man plays\nthe train leaves\n");
  EXPECT_EQ(Search(model, texts, "cosine"), Search(TinyModel(), texts, "cosine"));
  const RunResult result =
      RunLacos({"similarity", "--model", model, "--query", "who?", "--input", texts});
  EXPECT_NE(result.err.find("no prompt named 'document', so documents get none"), std::string::npos)
      << result.err;
}

TEST(FolderSettings, RetrievalUsesThePromptsToo) {
  const TempFolder folder;
  const std::string model = SentenceFolder(folder, "st", kPrompts);
  fs::create_directory(folder / "data");
  folder.Write("data/corpus.jsonl", R"({"_id": "d1", "text": "green apples"}
{"_id": "d2", "text": "old bolts"}
)");
  folder.Write("data/queries.jsonl", R"({"_id": "q1", "text": "apples"}
{"_id": "q2", "text": "bolts"}
)");
  folder.Write("data/qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n");
  const RunResult result = RunLacos({"eval", "--model", model, "--task", "retrieval", "--data",
                                     folder / "data", "--output", folder / "out", "--quiet"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json system = Json::ReadFile(folder / "out/results.json").At("system");
  EXPECT_EQ(system.At("query_prompt").AsString(), "query: ");
  EXPECT_EQ(system.At("document_prompt").AsString(), "passage: ");
  EXPECT_EQ(system.At("prompt").AsString(), "x ");
}

// The rows of `lacos embed` on two texts.
std::string Vectors(const TempFolder& folder, const std::vector<std::string>& more) {
  const std::string texts = folder.Write("t.txt", "a man plays\nthe train leaves the station\n");
  std::vector<std::string> words = {
      "embed",          "--model",     TinyModel(), "--input",   texts, "--output",
      folder / "v.npy", "--overwrite", "--quiet",   "--compute", "f32"};
  words.insert(words.end(), more.begin(), more.end());
  const RunResult result = RunLacos(words);
  EXPECT_EQ(result.status, 0) << result.err;
  const NpyArray array = ReadNpy(folder / "v.npy");
  return {reinterpret_cast<const char*>(array.data.data()), array.data.size()};
}

TEST(FolderSettings, APresetPutsTokensAroundQueriesAndDocuments) {
  const TempFolder folder;
  const std::vector<std::string> query = {"--pooling", "weighted_mean", "--prefix", "[", "--suffix",
                                          "]",         "--max-length",  "300"};
  EXPECT_EQ(Vectors(folder, {"--preset", "sgpt-bloom", "--prompt-name", "query"}),
            Vectors(folder, query));
  EXPECT_EQ(
      Vectors(folder, {"--preset", "sgpt-bloom", "--prompt-name", "query", "--pooling", "max"}),
      Vectors(folder, {"--pooling", "max", "--prefix", "[", "--suffix", "]"}));
  EXPECT_EQ(Vectors(folder, {"--preset", "sgpt-bloom"}),
            Vectors(folder, {"--pooling", "weighted_mean"}));
  EXPECT_EQ(Vectors(folder, {"--preset", "bloomz-retriever"}),
            Vectors(folder, {"--pooling", "last"}));

  const std::string texts = folder.Write("d.txt", "a man plays\nthe train leaves\n");
  const std::vector<double> found =
      Search(TinyModel(), texts, "cosine", {"--preset", "sgpt-bloom"});
  EXPECT_NE(found, Search(TinyModel(), texts, "cosine", {"--pooling", "weighted_mean"}));
  EXPECT_LT(Search(TinyModel(), texts, "euclidean", {"--preset", "bloomz-retriever"})[0], 0);

  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--preset", "sgpt"}, {"--preset", "udever"}, {"--preset", "udever", "--prompt", "x"}}) {
    std::vector<std::string> words = {"embed", "--model",  TinyModel(),         "--input",
                                      texts,   "--output", folder / "wrong.npy"};
    words.insert(words.end(), wrong.begin(), wrong.end());
    const RunResult result = RunLacos(words);
    EXPECT_NE(result.status, 0);
    EXPECT_NE(result.err.find("preset"), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(folder / "wrong.npy"));
  }
}

TEST(FolderSettings, TheSimilarityOfTheFolderIsUsedAndNamed) {
  const TempFolder folder;
  const std::string texts = folder.Write("d.txt", "a man plays\nthe train leaves the station\n");
  const std::string pairs =
      folder.Write("p.tsv",
                   "sentence1\tsentence2\tscore\nwho plays?\ta man plays\t3\nwho plays?\tthe train "
                   "leaves the station\t1\nthe train\ta man plays\t2\n");
  const std::string both =
      folder.Write("b.txt", "who plays?\na man plays\nthe train leaves the station\n");
  ASSERT_EQ(RunLacos({"embed", "--model", TinyModel(), "--input", both, "--output",
                      folder / "v.npy", "--compute", "f32"})
                .status,
            0);
  const NpyArray array = ReadNpy(folder / "v.npy");
  const auto* values = reinterpret_cast<const float*>(array.data.data());
  for (const std::string name : {"dot", "euclidean", "manhattan"}) {
    SCOPED_TRACE(name);
    const std::string model =
        SentenceFolder(folder, name, R"({"similarity_fn_name": ")" + name + "\"}");
    const std::vector<double> found = Search(model, texts, name);
    ASSERT_EQ(found.size(), 2u);
    for (size_t i = 0; i < 2; ++i) {
      double dot = 0, squares = 0, differences = 0;
      for (size_t j = 0; j < 32; ++j) {
        const double a = values[j], b = values[(i + 1) * 32 + j];
        dot += a * b;
        squares += (a - b) * (a - b);
        differences += std::abs(a - b);
      }
      const double expected = name == "dot"         ? dot
                              : name == "euclidean" ? -std::sqrt(squares)
                                                    : -differences;
      EXPECT_DOUBLE_EQ(found[i], expected);
    }
    EXPECT_EQ(Search(model, texts, "cosine", {"--similarity", "cosine"}),
              Search(TinyModel(), texts, "cosine"));
    const RunResult text = RunLacos({"similarity", "--model", model, "--input", pairs});
    EXPECT_NE(text.err.find("similarity: " + name), std::string::npos) << text.err;
    const Json json = Json::Parse(
        RunLacos({"similarity", "--model", model, "--input", pairs, "--json"}).out, "stdout");
    EXPECT_EQ(json.At("similarity").AsString(), name);
    EXPECT_TRUE(json.At("pairs")[0].Has(name));

    const RunResult scored = RunLacos({"eval", "--model", model, "--data", pairs, "--output",
                                       folder / (name + "-results"), "--compute", "f32"});
    ASSERT_EQ(scored.status, 0) << scored.err;
    EXPECT_NE(scored.out.find("similarity: " + name), std::string::npos) << scored.out;
    const Json results = Json::ReadFile(folder / (name + "-results/results.json"));
    EXPECT_EQ(results.At("sets")[0].At("similarity").AsString(), name);
    EXPECT_TRUE(results.At("worst_pairs")[0].Has(name));
    const RunResult page = RunLacos({"report", folder / (name + "-results")});
    EXPECT_EQ(page.status, 0) << page.err;
    const RunResult given = RunLacos({"eval", "--model", TinyModel(), "--data", pairs,
                                      "--similarity", name, "--json", "--compute", "f32"});
    const Json task = Json::Parse(given.out, "stdout").At("tasks")[0];
    EXPECT_EQ(task.At("similarity").AsString(), name);
    EXPECT_EQ(task.At("spearman").AsDouble(),
              results.At("sets")[0].At("measures").At("spearman").AsDouble());
  }
}

TEST(FolderSettings, ATrainedFolderKeepsThoseOfItsOrigin) {
  const TempFolder folder;
  const std::string model = SentenceFolder(
      folder, "st",
      R"({"prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": "query",
          "similarity_fn_name": "dot"})",
      /*include_prompt=*/false);
  const std::string data = folder.Write("nli.tsv", NliTable());
  std::string origin = model;
  // The second run goes on from the folder that the first one wrote.
  for (const std::string& output : {folder / "first", folder / "second"}) {
    const RunResult result = RunLacos({"train", "--model", origin, "--train", data, "--output",
                                       output, "--batch-size", "4", "--max-steps", "1"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.err.find("prompts (document, query) are not used in training"),
              std::string::npos)
        << result.err;
    const Json config = Json::ReadFile(output + "/config_sentence_transformers.json");
    EXPECT_EQ(config.At("prompts").At("query").AsString(), "query: ");
    EXPECT_EQ(config.At("prompts").At("document").AsString(), "passage: ");
    EXPECT_EQ(config.At("default_prompt_name").AsString(), "query");
    EXPECT_EQ(config.At("similarity_fn_name").AsString(), "dot");
    EXPECT_FALSE(Json::ReadFile(output + "/1_Pooling/config.json").At("include_prompt").AsBool());
    origin = output;
  }
}

TEST(FolderSettings, InfoSaysWhereSentenceTransformersDiffers) {
  const TempFolder folder;
  fs::create_directories(folder / "causal");
  for (const char* file : {"model.safetensors", "tokenizer.json"})
    fs::create_symlink(TinyModel() + "/" + file, folder / "causal/" + file);
  Json config = Json::ReadFile(TinyModel() + "/config.json");
  const auto notes = [&](const std::string& architecture) {
    Json classes = Json::Array();
    classes.Append(architecture);
    config.Set("architectures", classes);
    folder.Write("causal/config.json", config.Dump());
    const RunResult result = RunLacos({"info", "--model", folder / "causal", "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::Parse(result.out, "stdout").At("notes").Dump();
  };
  EXPECT_NE(notes("BloomForCausalLM").find("would pool the last token"), std::string::npos);
  EXPECT_NE(notes("BloomForCausalLM").find("--pooling last"), std::string::npos);
  EXPECT_EQ(notes("BloomModel").find("last token"), std::string::npos);
}

TEST(FolderSettings, CommandsThatMakeVectorsWarnWhereTheyDifferFromSentenceTransformers) {
  const TempFolder folder;
  const auto link = [&](const std::string& to) {
    fs::create_directories(folder / to);
    for (const char* file : {"model.safetensors", "tokenizer.json"})
      fs::create_symlink(TinyModel() + "/" + file, folder / to + "/" + file);
  };
  link("causal");
  Json config = Json::ReadFile(TinyModel() + "/config.json");
  config.Set("architectures", Json::Strings({"BloomForCausalLM"}));
  folder.Write("causal/config.json", config.Dump());
  const std::string texts = folder.Write("texts.txt", "a b\nc d\n");
  const auto warnings = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--input", texts, "--quiet"});
    const RunResult result = RunLacos(words);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  const std::vector<std::string> embed = {"embed", "--output", "-", "--model", folder / "causal"};
  const std::vector<std::string> search = {"similarity", "--query", "a", "--model",
                                           folder / "causal"};
  for (std::vector<std::string> words : {embed, search}) {
    const std::string said = warnings(words);
    const size_t first = said.find("would pool the last token");
    EXPECT_NE(first, std::string::npos) << said;
    EXPECT_EQ(said.find("would pool the last token", first + 1), std::string::npos) << said;
    words.insert(words.end(), {"--pooling", "last"});
    EXPECT_EQ(warnings(words), "") << "the user chose the pooling";
  }

  link("normalized");
  fs::create_directories(folder / "normalized/1_Pooling");
  folder.Write("normalized/config.json", config.Dump());
  folder.Write("normalized/1_Pooling/config.json", R"({"pooling_mode_mean_tokens": true})");
  folder.Write(
      "normalized/modules.json",
      R"([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
{"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])");
  std::vector<std::string> words = {"embed", "--output", "-", "--model", folder / "normalized"};
  EXPECT_EQ(warnings(words), "");
  words.insert(words.end(), {"--truncate-dim", "8"});
  EXPECT_NE(warnings(words).find("leaves them shorter"), std::string::npos);
  folder.Write("normalized/config_sentence_transformers.json", R"({"truncate_dim": 8})");
  words.resize(words.size() - 2);
  EXPECT_NE(warnings(words).find("leaves them shorter"), std::string::npos);
}

}  // namespace
}  // namespace lacos
