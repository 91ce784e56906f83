// `lacos bench`: the speed of training, embedding and tokenizing on this machine, as a share of the
// most that it could do.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "commands/bench/report.h"
#include "commands/bench/step_breakdown.h"
#include "commands/bench/texts.h"
#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "flags/text_reader.h"
#include "flags/train_flags.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/process.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/kernels/ceiling.h"
#include "lacos/kernels/compute_advice.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/cold_base.h"
#include "lacos/record/machine.h"
#include "lacos/train/losses/make_loss.h"
#include "lacos/train/step_bench.h"
#include "terminal/interrupt.h"
#include "terminal/machine.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

void AddBreakdownFlag(CLI::App* command, bool& breakdown) {
  command->add_flag(
      "--breakdown", breakdown,
      "Also show where the time goes: parts that sum to the total, and each frozen matrix's "
      "share of the ceiling");
}

// Adds a note that --help shows at its end, before the example.
void AddNote(CLI::App* command, const std::string& note) {
  command->footer(note + "\n\n" + command->get_footer());
}

// --- train

struct BenchTrainFlags {
  TrainFlags train;
  int64_t steps = 5;
  bool cold = false;
  bool breakdown = false;
};

// Adds the bytes that streaming read in a step (or in one pass over the texts). For a cold
// measurement, also compares the step's time with the longer of its computing and its reading.
void AddDisk(BenchReport& report, const DiskMeasurement& disk, double seconds,
             const std::string& step) {
  const auto bytes = static_cast<double>(disk.bytes);
  report.Add("disk_bytes_per_step", disk.bytes, "read from disk, a " + step, FormatBytes(bytes));
  report.Add("disk_bytes_per_second", bytes / seconds, "read from disk, a second",
             fmt::format("{}/s", FormatBytes(bytes / seconds)));
  if (!disk.cold) return;
  const bool computed = disk.compute_seconds > 0, read = disk.read_bytes_per_second > 0;
  const double read_seconds = read ? bytes / disk.read_bytes_per_second : 0;
  const auto or_null = [](bool known, double value) { return known ? Json(value) : Json(); };
  report.Add("step_seconds", seconds, "cold " + step, FormatSeconds(seconds));
  report.Add("compute_seconds", or_null(computed, disk.compute_seconds), "computing alone",
             computed ? FormatSeconds(disk.compute_seconds) : "memory cannot hold the base");
  report.Add("read_seconds", or_null(read, read_seconds), "reading alone",
             read ? FormatSeconds(read_seconds) : "nothing came from the disk");
  report.Add("disk_read_bytes_per_second", or_null(read, disk.read_bytes_per_second), "disk alone",
             read ? fmt::format("{}/s", FormatBytes(disk.read_bytes_per_second)) : "-");
  const double ratio = seconds / std::max({disk.compute_seconds, read_seconds, 1e-9});
  report.Add("cold_ratio", or_null(computed && read, ratio), "cold / longer of both",
             computed && read ? fmt::format("{:.3f}", ratio) : "-");
}

void AddColdOption(CLI::App* command, bool& cold) {
  command->add_flag(
      "--cold", cold,
      "With --stream-layers: drop the base from the system's cache and read it from the disk in "
      "every pass; also measures the same with the base cached, and the disk alone");
}

void BenchTrain(const GlobalOptions& globals, const BenchTrainFlags& flags) {
  if (flags.cold && !flags.train.settings.stream_layers)
    FailUsage("--cold", "needs --stream-layers");
  TrainOptions options = MakeTrainOptions(globals, flags.train);
  options.probe.cold = flags.cold;
  OpTimes op_times;
  if (flags.breakdown) options.probe.op_times = &op_times;
  const LoadedModel loaded = LoadModel(options.model, options.base, options.adapter);
  LogNotes(loaded.folder);
  const std::string advice =
      AdviceOnCompute(globals.device, globals.compute, loaded.base_weights->config().hidden_size);
  if (!advice.empty()) spdlog::warn("{}", advice);
  std::vector<ExampleFile> files;
  for (const std::string& path : options.train_files)
    files.push_back(ReadExamples(path, ExamplesOf(options.settings)));
  if (files.empty()) {
    const int64_t count = (flags.steps + 1) * options.settings.batch_size;
    files.push_back(BenchTexts(*loaded.tokenizer, globals.seed)
                        .MakeExamples(DescribeLoss(options.settings.loss).inputs, count,
                                      *options.settings.max_length));
  }
  PeakMemory memory;
  Progress progress(globals, {.what = "training", .unit = "steps", .total = flags.steps});
  const StepBenchReport measured =
      BenchSteps(loaded, std::move(files), options, {.steps = flags.steps, .cold = flags.cold},
                 [&](int64_t done) {
                   CheckInterrupt();
                   memory.Sample();
                   progress.Update(done);
                 });
  progress.Finish();

  const double rate = static_cast<double>(measured.tokens) / std::max(measured.seconds, 1e-9);
  BenchReport report(globals, measured.kernels);
  report.AddRate(rate);
  report.Add("steps", measured.steps, "steps", fmt::format("{}", measured.steps));
  report.Add("tokens", measured.tokens, "tokens", fmt::format("{}", measured.tokens));
  report.Add("seconds", measured.seconds, "time", FormatSeconds(measured.seconds));
  report.Add("fastest_step_seconds", measured.fastest_seconds, "fastest step",
             FormatSeconds(measured.fastest_seconds));
  report.Add("first_step_seconds", measured.first_step_seconds, "first step, left out",
             FormatSeconds(measured.first_step_seconds));
  report.Add("strategy", measured.strategy, "strategy", measured.strategy);
  report.Add("planned_peak_bytes", measured.planned_peak_bytes, "predicted peak",
             FormatBytes(static_cast<double>(measured.planned_peak_bytes)));
  if (options.settings.stream_layers) {
    AddDisk(report, measured.disk, measured.seconds / static_cast<double>(measured.steps), "step");
  }
  report.AddMemory(memory);
  report.AddDeviceMemory(measured.device_peak_bytes);
  const double computed =
      static_cast<double>(measured.computed_tokens) / std::max(measured.seconds, 1e-9);
  report.AddCeiling(2 * FlopsPerToken(loaded.base_weights->config()) * computed);
  if (flags.breakdown) {
    report.AddBreakdown(
        {.seconds = measured.seconds,
         .ops = op_times,
         .host = {{"batches", "putting batches together", measured.batch_seconds}}});
  }
  report.Print();
}

void AddBenchTrain(CLI::App& bench, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(bench, globals, "train",
                 "Measure training steps: tokens a second, peak memory, share of the ceiling",
                 "lacos bench train --model bloom-560m-int8 --compute bf16");
  AddDeviceOption(command, globals);
  AddNote(
      command,
      "The share of the ceiling is 4*12*L*D^2 FLOP a token (forward and input gradients of the "
      "frozen matrices,\n2 FLOP for each of their 12*D^2 weights in L layers of width D) times "
      "tokens a second, over the FLOP/s of a\nlarge matrix product that is measured right after.");
  auto flags = std::make_shared<BenchTrainFlags>();
  flags->train.settings.batch_size = 64;
  command->add_option("--train", flags->train.train_files, "Training data")
      ->type_name("FILE")
      ->default_str("pairs of random words with the lengths of NLI, 19 tokens on average");
  command
      ->add_option("--steps", flags->steps,
                   "Steps that are measured, after a first one that is not")
      ->type_name("N")
      ->check(IntegerIn(1, 1 << 20));
  AddColdOption(command, flags->cold);
  AddBreakdownFlag(command, flags->breakdown);
  AddTrainFlags(command, flags->train);
  OnRun(command, globals, [&globals, flags] { BenchTrain(globals, *flags); });
}

// --- embed

struct BenchEmbedFlags {
  ModelOptions model;
  EncodingOptions encoding;
  EmbedOptions embed;
  TextInput input;
  int64_t texts = 128;
  bool cold = false;
  bool breakdown = false;
};

std::vector<std::string> ReadTexts(const TextInput& input, int64_t count) {
  TextReader reader(input);
  std::vector<std::string> texts;
  for (std::string text;
       (count == 0 || static_cast<int64_t>(texts.size()) < count) && reader.Next(text);) {
    texts.push_back(text);
  }
  if (texts.empty()) {
    throw UserError(fmt::format(
        "[{}] the file has no texts; expected at least one to measure with; give another --input",
        input.path));
  }
  return texts;
}

// Makes three short texts (sentences) for each long one (a paragraph).
std::vector<std::string> MakeTexts(const SentenceEncoder& embedder, uint64_t seed, int64_t count) {
  BenchTexts source(embedder.tokenizer(), seed);
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count; ++i) {
    texts.push_back(source.Make(i % 4 == 3 ? LengthDistribution{.mean = 128} : LengthDistribution(),
                                embedder.max_length()));
  }
  return texts;
}

void BenchEmbed(const GlobalOptions& globals, const BenchEmbedFlags& flags) {
  if (flags.cold && !flags.embed.stream_layers) FailUsage("--cold", "needs --stream-layers");
  OpTimes op_times;
  SentenceEncoderOptions options =
      MakeSentenceEncoderOptions(globals, flags.model, flags.encoding, flags.embed);
  if (flags.breakdown) options.op_times = &op_times;
  SentenceEncoder embedder(options);
  LogNotes(embedder);
  const std::vector<std::string> texts =
      flags.input.path.empty()
          ? MakeTexts(embedder, globals.seed, std::max<int64_t>(flags.texts, 1))
          : ReadTexts(flags.input, flags.texts);
  const auto d = static_cast<size_t>(embedder.dimension());
  std::vector<float> vectors(texts.size() * d);
  // The first use maps the weights into memory and creates the kernels; a few texts are enough.
  const size_t few = std::min<size_t>(texts.size(), 4);
  embedder.Encode(std::span(texts).first(few), "", std::span(vectors).first(few * d));
  DiskMeasurement disk;
  if (flags.cold) {
    disk = PrepareCold(embedder.encoder(), [&] {
      embedder.Encode(texts, "", vectors, [](int64_t) { CheckInterrupt(); });
    });
  }
  const int64_t read_before = DiskBytesRead();
  PeakMemory memory;
  Progress progress(
      globals, {.what = "embedding", .unit = "texts", .total = static_cast<int64_t>(texts.size())});
  op_times.Clear();
  std::vector<double> batch_seconds;
  const Stopwatch watch;
  Stopwatch batch_watch;
  const EncodeStatistics measured = embedder.Encode(texts, "", vectors, [&](int64_t done) {
    batch_seconds.push_back(batch_watch.Seconds());
    CheckInterrupt();
    memory.Sample();
    progress.Update(done);
    batch_watch = {};
  });
  const double seconds = watch.Seconds();
  std::sort(batch_seconds.begin(), batch_seconds.end());
  progress.Finish();
  disk.bytes = DiskBytesRead() - read_before;

  const double rate = static_cast<double>(measured.tokens) / std::max(seconds, 1e-9);
  const BloomConfig config = BaseWeights::Open(embedder.folder().base_path)->config();
  BenchReport report(globals, embedder.backend().Describe());
  report.AddRate(rate);
  report.Add("texts", measured.texts, "texts", fmt::format("{}", measured.texts));
  report.Add("tokens", measured.tokens, "tokens", fmt::format("{}", measured.tokens));
  report.Add("truncated", measured.truncated, "truncated", fmt::format("{}", measured.truncated));
  report.Add("seconds", seconds, "time", FormatSeconds(seconds));
  if (!batch_seconds.empty()) {
    const auto at = [&](double share) {
      return batch_seconds[static_cast<size_t>(share *
                                               static_cast<double>(batch_seconds.size() - 1))];
    };
    report.Add("median_batch_seconds", at(0.5), "time of a batch, median", FormatSeconds(at(0.5)));
    report.Add("p99_batch_seconds", at(0.99), "time of a batch, 99th percentile",
               FormatSeconds(at(0.99)));
  }
  if (flags.embed.stream_layers) AddDisk(report, disk, seconds, "pass");
  report.AddMemory(memory);
  const BackendMemory held = embedder.backend().Memory();
  report.AddDeviceMemory(held.kind == MemoryKind::kDevice ? held.peak_held : 0);
  report.AddCeiling(FlopsPerToken(config) * static_cast<double>(measured.computed_tokens) /
                    std::max(seconds, 1e-9));
  if (flags.breakdown) {
    report.AddBreakdown({.seconds = seconds,
                         .ops = op_times,
                         .host = {{"tokenizing", "tokenizing", measured.tokenize_seconds}}});
  }
  report.Print();
}

void AddBenchEmbed(CLI::App& bench, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(bench, globals, "embed",
                 "Measure encoding: tokens a second, peak memory, share of the ceiling",
                 "lacos bench embed --model bloom-560m-int8 --input texts.txt");
  AddDeviceOption(command, globals);
  AddNote(
      command,
      "Tokenizing is part of what is measured. The share of the ceiling is 2*12*L*D^2 FLOP a "
      "token (2 FLOP for each\nof the 12*D^2 frozen weights in L layers of width D) times tokens "
      "a second, over the FLOP/s of a large matrix\nproduct that is measured right after.");
  auto flags = std::make_shared<BenchEmbedFlags>();
  AddModelOptions(command, flags->model);
  AddTextInputOptions(command, flags->input,
                      "One text a line, or .jsonl; .gz and .zst are read too; - is stdin");
  GetOption(command, "--input")
      ->required(false)
      ->default_str("random words, three texts of some 19 tokens to one of some 128");
  command
      ->add_option("--texts", flags->texts,
                   "Texts that are encoded: the first ones of --input; 0 = all of it")
      ->type_name("N")
      ->check(IntegerIn(0, INT32_MAX));
  AddBreakdownFlag(command, flags->breakdown);
  AddPoolingOptions(command, flags->encoding);
  AddStripOptions(command, flags->encoding);
  AddMaxLengthOption(command, flags->encoding, "what the folder says, else 2048");
  AddBatchTokensOption(command, flags->embed);
  AddStreamOption(command, flags->embed.stream_layers);
  AddColdOption(command, flags->cold);
  OnRun(command, globals, [&globals, flags] { BenchEmbed(globals, *flags); });
}

// --- tokenize

struct BenchTokenizeFlags {
  ModelOptions model;
  TextInput input;
};

void BenchTokenize(const GlobalOptions& globals, const BenchTokenizeFlags& flags) {
  const ModelFolder folder =
      OpenModelFolder(flags.model.model, flags.model.base, flags.model.adapter);
  LogNotes(folder);
  const Stopwatch loading;
  const auto tokenizer = OpenTokenizer(folder);
  const double load_seconds = loading.Seconds();
  const std::vector<std::string> lines = ReadTexts(flags.input, 0);
  int64_t bytes = 0;
  for (const std::string& line : lines) bytes += static_cast<int64_t>(line.size()) + 1;

  // One pass, as over any new file: a second pass would find every word in the tokenizer's cache.
  const auto n = static_cast<int64_t>(lines.size());
  const int64_t chunks = std::min<int64_t>(n, int64_t{8} * ThreadCount());
  std::vector<int64_t> counts(static_cast<size_t>(chunks));
  const Stopwatch watch;
  ParallelFor(chunks, [&](int64_t c) {
    std::vector<int32_t> ids;
    for (int64_t i = n * c / chunks; i < n * (c + 1) / chunks; ++i) {
      ids.clear();
      tokenizer->Encode(lines[i], ids);
      counts[c] += static_cast<int64_t>(ids.size());
    }
  });
  const double seconds = std::max(watch.Seconds(), 1e-9);
  int64_t tokens = 0;
  for (const int64_t count : counts) tokens += count;

  PeakMemory memory;
  BenchReport report(globals, MakeBackend({.compute = Compute::kF32})->Describe());
  report.AddRate(static_cast<double>(tokens) / seconds);
  const double lines_rate = static_cast<double>(n) / seconds,
               bytes_rate = static_cast<double>(bytes) / seconds;
  report.Add("lines_per_second", lines_rate, "lines",
             fmt::format("{} lines/s", FormatCount(lines_rate)));
  report.Add("bytes_per_second", bytes_rate, "bytes", fmt::format("{}/s", FormatBytes(bytes_rate)));
  report.Add("lines", n, "lines in the file", fmt::format("{}", n));
  report.Add("tokens", tokens, "tokens", fmt::format("{}", tokens));
  report.Add("seconds", seconds, "time", FormatSeconds(seconds));
  report.Add("load_seconds", load_seconds, "loading the tokenizer", FormatSeconds(load_seconds));
  report.AddMemory(memory);
  report.AddNoCeiling();
  report.Print();
}

void AddBenchTokenize(CLI::App& bench, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(bench, globals, "tokenize",
                 "Measure tokenizing with all threads: tokens, lines and bytes a second",
                 "lacos bench tokenize --model bloom-560m --input texts.txt");
  AddNote(
      command,
      "One pass over lines that are in memory, in which every word is new to the tokenizer once. "
      "It is no arithmetic:\nthere is no ceiling to give a share of.");
  auto flags = std::make_shared<BenchTokenizeFlags>();
  AddModelOptions(command, flags->model);
  AddTextInputOptions(command, flags->input,
                      "One text a line, or .jsonl; .gz and .zst are read too; - is stdin");
  OnRun(command, globals, [&globals, flags] { BenchTokenize(globals, *flags); });
}

// --- ceiling

void BenchCeiling(const GlobalOptions& globals) {
  struct Mode {
    std::string name;
    Compute compute;
    MachineCeiling ceiling;
  };
  std::vector<Mode> modes;
  for (const ComputeNames& names : kComputeNames)
    modes.push_back({std::string(names.word), names.value, {}});
  double read = 0;
  for (Mode& mode : modes) {
    CheckInterrupt();
    mode.ceiling = MeasureCeiling(mode.compute);
    read = std::max(read, mode.ceiling.gbytes_per_second);
  }
  const KernelInfo kernels = MakeBackend({.compute = Compute::kF32})->Describe();
  if (!globals.json) {
    FieldList fields;
    for (const Mode& mode : modes) {
      fields.Add(mode.name,
                 fmt::format("{:.0f} GFLOP/s; {}", mode.ceiling.gflops, mode.ceiling.kernel));
    }
    fields.Add("memory read", fmt::format("{:.1f} GB/s", read));
    fields.Add("machine", MachineText(kernels));
    Out().Write(fields.Text());
    return;
  }
  Json ceiling = Json::Object(), by_mode = Json::Object();
  for (const Mode& mode : modes) {
    Json one = Json::Object();
    one.Set("gflops", mode.ceiling.gflops);
    one.Set("kernel", mode.ceiling.kernel);
    by_mode.Set(mode.name, one);
    if (mode.compute == globals.compute) ceiling = one;
  }
  Json json = Json::Object(), chosen = Json::Object();
  chosen.Set("gflops", ceiling.At("gflops"));
  chosen.Set("gbytes_per_second", read);
  chosen.Set("kernel", ceiling.At("kernel"));
  json.Set("ceiling", chosen);
  json.Set("modes", by_mode);
  json.Set("machine", MachineOfMeasurement(kernels));
  json.Set("run", CommandRecord(globals, ""));
  PrintJson(json);
}

void AddBenchCeiling(CLI::App& bench, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(bench, globals, "ceiling",
                 "Measure what the machine does at most, in matrix products and in reading memory",
                 "lacos bench ceiling --threads 1");
  OnRun(command, globals, [&globals] { BenchCeiling(globals); });
}

}  // namespace

void AddBenchCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* bench = app.add_subcommand(
      "bench", "Measure speed, peak memory and the share of the machine's ceiling");
  bench->group("Commands");
  bench->set_help_flag("--help", "Show this text and exit");
  bench->require_subcommand(0, 1);
  bench->footer(
      "'lacos bench COMMAND --help' lists a command's flags with their defaults.\n\nExample:\n"
      "  lacos bench train --model bloom-560m-int8");
  AddBenchTrain(*bench, globals);
  AddBenchEmbed(*bench, globals);
  AddBenchTokenize(*bench, globals);
  AddBenchCeiling(*bench, globals);
}

}  // namespace lacos::cli
