// `lacos eval`: how well a model's cosines agree with human scores of similarity.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <memory>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "lacos/base/error.h"
#include "lacos/eval/sts.h"
#include "output.h"
#include "progress.h"

namespace lacos {
namespace {

struct EvalFlags {
  ModelOptions model;
  EncodingOptions encoding;
  EmbedOptions embed;
  TableFlags table;
  std::string task = "sts", split = "test";
  std::vector<std::string> data;
};

// What was read and not scored, and what may surprise, is said for every file.
void LogCounts(const ScoredPairs& pairs, const StsResult& result) {
  if (pairs.dropped_no_score > 0) {
    spdlog::info("[{}] {} rows without a score were left out", pairs.path, pairs.dropped_no_score);
  }
  if (pairs.dropped_other_split > 0) {
    spdlog::info("[{}] {} rows of another split were left out", pairs.path, pairs.dropped_other_split);
  }
  if (result.encoding.truncated > 0) {
    spdlog::info("[{}] {} texts were longer than --max-length and lost their end", pairs.path,
                 result.encoding.truncated);
  }
  if (result.encoding.empty > 0) {
    spdlog::warn("[{}] {} texts have no tokens; their vectors are zero and their cosines 0", pairs.path,
                 result.encoding.empty);
  }
  if (std::isnan(result.spearman) || std::isnan(result.pearson)) {
    spdlog::warn(
        "[{}] no correlation exists: the scores or the cosines of its {} pairs are constant, too few, or not "
        "finite",
        pairs.path, result.n);
  }
}

std::string Score(double value) { return std::isnan(value) ? "undefined" : fmt::format("{:.2f}", value); }

struct Average {
  double spearman = 0, pearson = 0;  // NaN when one file has none
};
Average Mean(const std::vector<StsResult>& results) {
  Average mean;
  for (const StsResult& result : results) {
    mean.spearman += result.spearman / static_cast<double>(results.size());
    mean.pearson += result.pearson / static_cast<double>(results.size());
  }
  return mean;
}

void Eval(const GlobalOptions& globals, const EvalFlags& flags) {
  std::vector<ScoredPairs> files;  // read before the model: a damaged row shows at once
  for (const std::string& path : flags.data) {
    files.push_back(ReadScoredPairs(path, flags.table.Options(), flags.split));
    if (files.back().first.empty()) {
      throw UserError(
          fmt::format("[{}] no pair with a score; expected rows of split '{}' with sentence1, sentence2 and "
                      "score; check the file or choose another --split",
                      path, flags.split));
    }
  }
  Embedder embedder(MakeEmbedderOptions(globals, flags.model, flags.encoding, flags.embed));
  const std::string prompt = flags.embed.Prompt(embedder.folder().settings);

  PeakMemory memory;
  std::vector<StsResult> results;
  for (const ScoredPairs& pairs : files) {
    Progress progress(globals, {.what = pairs.path, .unit = "texts"});
    const auto on_texts = [&](int64_t done, int64_t total) {
      CheckInterrupt();
      progress.Update(done, "", static_cast<double>(done) / static_cast<double>(total));
      memory.Sample();
    };
    results.push_back(EvaluateSts(embedder.text_encoder(), pairs, prompt, on_texts));
    progress.Finish();
    LogCounts(pairs, results.back());
  }

  const Average mean = Mean(results);
  if (globals.json) {
    Json tasks = Json::Array();
    for (const StsResult& result : results) {
      Json task = Json::Object();
      task.Set("name", result.name);
      task.Set("n", result.n);
      task.Set("spearman", NumberOrNull(result.spearman));
      task.Set("pearson", NumberOrNull(result.pearson));
      task.Set("truncated", result.encoding.truncated);
      task.Set("empty", result.encoding.empty);
      tasks.Append(task);
    }
    Json average = Json::Object();
    average.Set("spearman", NumberOrNull(mean.spearman));
    average.Set("pearson", NumberOrNull(mean.pearson));
    Json report = Json::Object();
    report.Set("model", flags.model.model);
    report.Set("tasks", tasks);
    report.Set("average", average);
    memory.AddTo(report);
    PrintJson(report);
    return;
  }
  Table table({"data", "n", "Spearman", "Pearson", "truncated"});
  int64_t pairs = 0, truncated = 0;
  for (const StsResult& result : results) {
    table.AddRow({result.name, fmt::format("{}", result.n), Score(result.spearman), Score(result.pearson),
                  fmt::format("{}", result.encoding.truncated)});
    pairs += result.n;
    truncated += result.encoding.truncated;
  }
  table.AddRow({"average", fmt::format("{}", pairs), Score(mean.spearman), Score(mean.pearson),
                fmt::format("{}", truncated)});
  Out().Write(table.Text());
}

}  // namespace

void AddEvalCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "eval", "Correlate a model's cosines with human scores of similarity (x 100)",
                 "lacos eval --model trained --task sts --data sts-test.csv stsb-zh.tsv.gz");
  auto flags = std::make_shared<EvalFlags>();
  AddModelOptions(command, flags->model);
  OneOf(command->add_option("--task", flags->task, "What is measured"), {"sts"});
  command
      ->add_option(
          "--data", flags->data,
          "Scored pairs: columns sentence1, sentence2, score, or one of the STS layouts without a header")
      ->type_name("FILE")
      ->required();
  command->add_option("--split", flags->split, "Rows that are used of a file with a column 'split'")
      ->type_name("NAME");
  AddTableOptions(command, flags->table);
  AddPoolingOptions(command, flags->encoding);
  AddStripOptions(command, flags->encoding);
  AddMaxLengthOption(command, flags->encoding, "what the folder says, else 2048");
  AddPromptOptions(command, flags->embed);
  AddBatchTokensOption(command, flags->embed);
  AddStreamOption(command, flags->embed.stream_layers);
  OnRun(command, globals, [&globals, flags] { Eval(globals, *flags); });
}

}  // namespace lacos
