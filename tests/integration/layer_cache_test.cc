// `lacos train --cache-layers`: runs give the same bytes as without a cache, and cached states of
// frozen layers are not computed again.
#include <fmt/format.h>

#include <filesystem>

#include "lacos/io/json.h"
#include "program.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// A table of 20 scored pairs that are made of 24 sentences, so batches contain repeated texts.
std::string ScoredTable() {
  std::string table = "sentence1\tsentence2\tscore\n";
  const auto sentence = [](int i) {
    return fmt::format("sentence number {} of {}", i % 24, 7 * (i % 24));
  };
  for (int i = 0; i < 20; ++i)
    table += fmt::format("{}\t{}\t{}\n", sentence(i * 5), sentence(i * 7 + 1), i % 6);
  return table;
}

std::vector<std::string> Arguments(const std::string& data, const std::string& output,
                                   const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {
      "train",  "--model",       TinyModel(), "--train",         data,  "--loss",
      "cosent", "--batch-size",  "6",         "--epochs",        "3",   "--output",
      output,   "--lora-layers", "1-1",       "--learning-rate", "1e-2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// The contents of metrics.jsonl, with the values that depend on the machine set to 0.
std::string Metrics(const std::string& output) {
  std::string metrics;
  const std::string text = ReadAll(output + "/metrics.jsonl");
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    Json line = Json::Parse(text.substr(begin, end - begin), "metrics.jsonl");
    for (const char* key : {"tokens_per_second", "seconds", "rss_bytes", "peak_rss_bytes"})
      line.Set(key, 0);
    metrics += line.Dump() + "\n";
    begin = end + 1;
  }
  return metrics;
}

void ExpectSameRun(const std::string& output, const std::string& expected) {
  for (const char* file :
       {"adapter_model.safetensors", "checkpoints/step-000012/state.safetensors"}) {
    EXPECT_EQ(ReadAll(output + "/" + file), ReadAll(expected + "/" + file))
        << output << " " << file;
  }
  EXPECT_EQ(Metrics(output), Metrics(expected)) << output;
}

TEST(LayerCacheRuns, EqualRunsWithoutInEveryModeStrategyAndWhenResumed) {
  const TempFolder folder;
  const std::string data = folder.Write("scored.tsv", ScoredTable());
  const std::string dev = folder.Write("dev.tsv", ScoredTable());
  for (const std::string compute : {"f32", "bf16", "int8"}) {
    const std::string cache = folder / ("cache-" + compute);
    const auto train = [&](const std::string& name, const std::vector<std::string>& more) {
      std::vector<std::string> arguments = {"--compute",    compute, "--dev",  dev,
                                            "--save-every", "4",     "--keep", "9"};
      arguments.insert(arguments.end(), more.begin(), more.end());
      const RunResult result = RunLacos(Arguments(data, folder / (compute + name), arguments));
      EXPECT_EQ(result.status, 0) << result.err;
      return result.err;
    };
    const std::string plain = folder / (compute + "plain");
    train("plain", {});
    const std::string first = train("first", {"--cache-layers", cache});
    EXPECT_NE(first.find("the states of 0 texts after layer 0"), std::string::npos) << first;
    ExpectSameRun(folder / (compute + "first"), plain);
    // The second run adds nothing, because the cache already has all states.
    const std::string second =
        train("second", {"--cache-layers", cache, "--stream-layers", "--gradient-strategy",
                         "gradcache", "--chunk-tokens", "16", "--threads", "1"});
    EXPECT_NE(second.find(", of 0 added"), std::string::npos) << second;
    ExpectSameRun(folder / (compute + "second"), plain);
    train("recompute", {"--cache-layers", cache, "--gradient-strategy", "recompute"});
    ExpectSameRun(folder / (compute + "recompute"), plain);
    // A run that was killed after step 4 can be resumed with a new, empty cache.
    const std::string cut = folder / (compute + "first");
    for (const char* name :
         {"lacos.json", "adapter_model.safetensors", "adapter_config.json", "modules.json"})
      fs::remove(fs::path(cut) / name);
    for (const char* step : {"step-000008", "step-000012"})
      fs::remove_all(cut + "/checkpoints/" + step);
    train("first", {"--cache-layers", folder / ("new-" + compute), "--resume"});
    ExpectSameRun(cut, plain);
  }
}

TEST(LayerCacheRuns, SurviveDamageAndSayWhatTheyCannotKeep) {
  const TempFolder folder;
  const std::string data = folder.Write("scored.tsv", ScoredTable()), cache = folder / "cache";
  const auto train = [&](const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--save-every", "4", "--keep", "9"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const RunResult result = RunLacos(Arguments(data, folder / name, arguments));
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  train("plain", {});
  train("first", {"--cache-layers", cache});
  int files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(cache)) {
    if (entry.path().extension() != ".lacos-layers") continue;
    ++files;
    std::string bytes = ReadAll(entry.path().string());
    for (size_t at = bytes.size() / 3; at < bytes.size(); at += bytes.size() / 4) bytes[at] ^= 1;
    folder.Write("cache/" + entry.path().filename().string(), bytes);
  }
  EXPECT_EQ(files, 1);
  EXPECT_NE(train("damaged", {"--cache-layers", cache}).find("damaged"), std::string::npos);
  ExpectSameRun(folder / "damaged", folder / "plain");
  const std::string limited =
      train("limited", {"--cache-layers", folder / "small", "--cache-layers-limit", "3kB"});
  EXPECT_NE(limited.find("--cache-layers-limit is 3000"), std::string::npos) << limited;
  ExpectSameRun(folder / "limited", folder / "plain");
  for (const auto& [name, flag] :
       {std::pair("all", "--train-biases"), std::pair("dropout", "--dropout")}) {
    std::vector<std::string> more = {"--cache-layers", folder / "none", flag};
    if (std::string(flag) == "--dropout") more.push_back("0.1");
    EXPECT_NE(train(name, more).find("nothing to keep"), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(folder / "none"));
  ExpectUserError(RunLacos(Arguments(data, folder / "bad", {"--cache-layers", data})),
                  "--cache-layers");
}

TEST(LayerCacheRuns, ArePlanned) {
  const TempFolder folder;
  const std::string data = folder.Write("scored.tsv", ScoredTable());
  const RunResult result =
      RunLacos({"plan", "--model", TinyModel(), "--train", data, "--loss", "cosent",
                "--lora-layers", "1-1", "--cache-layers", folder / "cache", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json plan = Json::Parse(result.out, "plan");
  const int64_t token = plan.At("layer_cache_token_bytes").AsInt();
  EXPECT_EQ(token % 4, 0);
  EXPECT_GT(plan.At("layer_cache_bytes").AsInt(), 20 * token);
  EXPECT_EQ(plan.At("layer_cache_bytes").AsInt() % token, 0);
  EXPECT_FALSE(fs::exists(folder / "cache"));
}

}  // namespace
}  // namespace lacos
