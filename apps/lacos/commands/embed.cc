// `lacos embed`: computes vectors for any number of texts. They are read in portions (blocks of
// texts), so that memory does not grow with the input.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "flags/text_reader.h"
#include "lacos/base/error.h"
#include "lacos/data/shards.h"
#include "lacos/io/paths.h"
#include "lacos/record/run_record.h"
#include "lacos/search/embedding_file.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

// A block of texts ends at the first of these limits. So many texts fill batches with texts of
// similar length.
constexpr size_t kBlockTexts = 16384;
constexpr size_t kBlockTextBytes = size_t{4} << 20;
constexpr size_t kBlockVectorBytes = size_t{64} << 20;

struct EmbedFlags {
  ModelOptions model;
  EncodingOptions encoding;
  EmbedOptions embed;
  TextInput input;
  std::string output, precision = "float32", ranges, calibration;
  int64_t truncate_dim = 0;
  bool overwrite = false;

  bool ToStdout() const { return output == "-"; }
};

void CheckFinite(const std::vector<float>& vectors, size_t d, int64_t first_text) {
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (std::isfinite(vectors[i])) continue;
    throw UserError(fmt::format(
        "[text {}] its vector has the value {}; expected finite numbers; check the weights of "
        "the model and of its adapter",
        first_text + static_cast<int64_t>(i / d) + 1, vectors[i]));
  }
}

struct EmbedReport {
  EncodeStatistics statistics;
  std::optional<int64_t> clipped;  // values beyond given ranges
  double seconds = 0;
  PeakMemory memory;
};

std::string Summary(const GlobalOptions& globals, const TextReader& reader, EmbedReport& report) {
  const EncodeStatistics& s = report.statistics;
  const double rate = static_cast<double>(s.tokens) / std::max(report.seconds, 1e-9);
  if (globals.json) {
    Json json = Json::Object();
    json.Set("texts", s.texts);
    json.Set("tokens", s.tokens);
    json.Set("truncated", s.truncated);
    json.Set("stripped", s.stripped);
    json.Set("empty", s.empty);
    if (report.clipped) json.Set("clipped", *report.clipped);
    json.Set("seconds", report.seconds);
    json.Set("tokens_per_second", rate);
    json.Set("unused_columns", Json::Strings(reader.unused_columns()));
    report.memory.AddTo(json);
    return json.Dump(2) + "\n";
  }
  FieldList fields;
  fields.Add("texts", fmt::format("{}", s.texts));
  fields.Add("tokens", fmt::format("{}", s.tokens));
  fields.Add("truncated", fmt::format("{}", s.truncated));
  fields.Add("empty", fmt::format("{}", s.empty));
  if (report.clipped) fields.Add("clipped values", fmt::format("{}", *report.clipped));
  fields.Add("time", FormatSeconds(report.seconds));
  fields.Add("rate", fmt::format("{} tokens/s", FormatCount(rate)));
  report.memory.AddTo(fields);
  return fields.Text();
}

void WarnAbout(const SentenceEncoder& embedder, const EncodeStatistics& s, bool takes_ranges) {
  if (s.texts == 0) spdlog::warn("the input has no texts; the output has no rows");
  if (s.empty > 0) spdlog::warn("{} texts have no tokens; their vectors are zero", s.empty);
  if (s.truncated > 0)
    spdlog::info("{} texts were longer than --max-length and lost their {}", s.truncated,
                 LostPart(embedder.tokenizer()));
  if (takes_ranges && s.texts > 0 && s.texts < 100) {
    spdlog::warn("the ranges of int8 and uint8 were taken from only {} texts", s.texts);
  }
}

// The ranges that --ranges or --calibration gives.
std::optional<EmbeddingRanges> GivenRanges(const EmbedFlags& flags, int64_t d) {
  if (!flags.ranges.empty()) return ReadRanges(flags.ranges, d);
  if (!flags.calibration.empty()) return RangesOfEmbeddings(flags.calibration, d);
  return std::nullopt;
}

void Embed(const GlobalOptions& globals, const EmbedFlags& flags) {
  const Precision precision = *Parse<Precision>(flags.precision);
  for (const auto& [flag, file] :
       {std::pair("--ranges", flags.ranges), std::pair("--calibration", flags.calibration)}) {
    if (!file.empty() && !NeedsRanges(precision))
      FailUsage(flag, "goes with --precision int8 or uint8");
  }
  const bool takes_ranges =
      NeedsRanges(precision) && flags.ranges.empty() && flags.calibration.empty();
  if (!flags.ToStdout()) {
    CheckOutput(flags.output, {.kind = OutputKind::kFile,
                               .overwrite = flags.overwrite,
                               .inputs = {flags.input.path, flags.ranges, flags.calibration}});
  } else if (takes_ranges) {
    FailUsage("--precision",
              fmt::format("found {} with --output -; expected float32, float16, binary or ubinary, "
                          "which need not see all the texts before the first line, or --ranges",
                          flags.precision));
  }
  TextReader reader(flags.input);

  SentenceEncoderOptions options =
      MakeSentenceEncoderOptions(globals, flags.model, flags.encoding, flags.embed);
  if (flags.truncate_dim > 0) options.truncate_dim = flags.truncate_dim;
  SentenceEncoder embedder(options);
  LogNotes(embedder);
  const TextPrompt prompt = flags.embed.Prompt(embedder.folder().settings);
  const auto d = static_cast<size_t>(embedder.dimension());
  if (flags.truncate_dim > static_cast<int64_t>(d)) {
    FailUsage("--truncate-dim", fmt::format("found {}; expected at most the model's dimension {}",
                                            flags.truncate_dim, d));
  }

  const auto columns = static_cast<int64_t>(d);
  std::optional<EmbeddingRanges> ranges = GivenRanges(flags, columns);
  EmbeddingFile file =
      flags.ToStdout()
          ? EmbeddingFile([](std::string_view line) { Out().Write(line); }, precision, columns,
                          std::move(ranges))
          : EmbeddingFile(flags.output, precision, columns, CheckInterrupt, std::move(ranges));
  const size_t block_texts =
      std::clamp(kBlockVectorBytes / (d * sizeof(float)), size_t{256}, kBlockTexts);
  EmbedReport report;
  EncodeStatistics& sum = report.statistics;
  Progress progress(globals, {.what = "embedding", .unit = "texts"});
  const Stopwatch watch;
  std::vector<std::string> texts;
  std::vector<float> vectors;
  double begin = 0;  // share of the input that was read before this block
  while (reader.NextBlock(block_texts, kBlockTextBytes, texts)) {
    vectors.assign(texts.size() * d, 0.0f);
    const std::optional<double> end = reader.Fraction();
    const EncodeStatistics s = embedder.Encode(texts, prompt, vectors, [&](int64_t done) {
      CheckInterrupt();
      const double share = static_cast<double>(done) / static_cast<double>(texts.size());
      progress.Update(sum.texts + done, "",
                      end ? std::optional(begin + (*end - begin) * share) : std::nullopt);
    });
    begin = end.value_or(0);
    CheckFinite(vectors, d, sum.texts);
    file.Append(vectors);
    sum += s;
    report.memory.Sample();
  }
  if (takes_ranges && sum.texts == 1) {
    throw UserError(fmt::format(
        "[{}] found one text; expected at least two, since --precision {} takes the range of each "
        "dimension from them; use float32, embed more texts, or give --ranges of an earlier run",
        flags.input.path, flags.precision));
  }
  const auto add_inputs = [&](RunInputs& inputs) {
    inputs.AddModel(embedder.folder());
    if (PathExists(flags.input.path)) {
      for (const Shard& shard : ShardsOf(flags.input.path)) {
        if (FileExists(shard.path)) inputs.AddFile("texts", shard.path);
      }
    }
    if (!flags.ranges.empty()) inputs.AddFile("ranges", flags.ranges);
    if (!flags.calibration.empty()) inputs.AddFile("calibration", flags.calibration);
  };
  // With `hashed_bytes` 0, weights without a manifest are recorded by size only. Embedding a few
  // texts then stays fast.
  const OutputOptions writing =
      flags.ToStdout()
          ? OutputOptions{}
          : MakeOutputOptions(globals, flags.output, flags.overwrite, OutputKind::kFile);
  FileRecord record(flags.output, writing,
                    {.inputs = add_inputs,
                     .kernels = [&] { return embedder.backend().Describe(); },
                     .hashed_bytes = 0});
  file.Commit();
  record.Keep();
  progress.Finish();
  report.seconds = watch.Seconds();
  if (NeedsRanges(precision) && !takes_ranges) report.clipped = file.clipped();
  reader.LogNotes();
  WarnAboutStripped(sum.stripped, flags.encoding);
  WarnAbout(embedder, sum, takes_ranges);
  if (!flags.ToStdout()) {
    Out().Write(Summary(globals, reader, report));
  } else if (!globals.quiet) {
    Out().Flush();
    std::fputs(Summary(globals, reader, report).c_str(), stderr);
  }
}

}  // namespace

void AddEmbedCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "embed", "Write the vectors of texts, in their order",
                 "lacos embed --model trained --input texts.txt --output vectors.npy");
  AddDeviceOption(command, globals);
  auto flags = std::make_shared<EmbedFlags>();
  AddModelOptions(command, flags->model);
  AddTextInputOptions(
      command, flags->input,
      "One text a line, or a table: .jsonl, .json, .csv, .tsv, or a folder of shards; .gz "
      "and .zst are read too; - is stdin");
  const auto ending = [](const std::string& path) -> std::string {
    if (path.ends_with(".npy") || path.ends_with(".jsonl") || path == "-") return "";
    return fmt::format("found '{}'; expected a name that ends in .npy or .jsonl, or - for stdout",
                       path);
  };
  command
      ->add_option(
          "--output", flags->output,
          "A .npy array, or .jsonl lines {\"index\": i, \"embedding\": [...]}; FILE.run.json "
          "beside it says how it was made; - writes such lines to stdout, the summary to stderr")
      ->type_name("FILE.npy|FILE.jsonl|-")
      ->required()
      ->check(CLI::Validator(ending, "", "ending"));
  OneOf(command->add_option(
            "--precision", flags->precision,
            "Type of the values. int8 and uint8 take each dimension's range from all the texts, "
            "unless it is given, and write the ranges to FILE.ranges.npy; binary and ubinary keep "
            "the signs, eight a byte"),
        WordsOf<Precision>());
  CLI::Option* ranges =
      command
          ->add_option(
              "--ranges", flags->ranges,
              "int8, uint8: the ranges of an earlier run, such as its FILE.ranges.npy, so "
              "that both outputs can be compared: float32 [2, D], smallest and largest values")
          ->type_name("FILE.npy")
          ->default_str("those of the texts");
  command
      ->add_option(
          "--calibration", flags->calibration,
          "int8, uint8: take the ranges of these vectors instead, such as a float32 output "
          "of this command")
      ->type_name("FILE.npy")
      ->excludes(ranges);
  command
      ->add_option("--truncate-dim", flags->truncate_dim,
                   "Keep the first N values of a vector, before it is scaled to length 1")
      ->type_name("N")
      ->check(IntegerIn(1, INT32_MAX))
      ->default_str("what the folder says, else all");
  AddPromptOptions(command, flags->embed);
  AddPoolingOptions(command, flags->encoding);
  AddStripOptions(command, flags->encoding);
  AddMaxLengthOption(command, flags->encoding, "what the folder says, else 2048");
  AddBatchTokensOption(command, flags->embed);
  AddStreamOption(command, flags->embed.stream_layers);
  AddOverwriteOption(command, flags->overwrite);
  OnRun(command, globals, [&globals, flags] { Embed(globals, *flags); });
}

}  // namespace lacos::cli
