// The flags of a training run, shared by `lacos train` and `lacos plan`.
#include "flags/train_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "lacos/base/error.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/model_folder.h"

namespace lacos::cli {
namespace {

const std::vector<std::string> kTargets = {"query_key_value", "dense", "dense_h_to_4h",
                                           "dense_4h_to_h"};

void AddDataFlags(CLI::App* command, TrainFlags& flags) {
  command->add_option("--split", flags.split, "Rows that are used of a file with a column 'split'")
      ->type_name("NAME");
  AddTableOptions(command, flags.table);
  command->add_flag(
      "--hard-negatives", flags.hard_negatives,
      "Make the contradictions of an anchor its negatives, beside those of the batch");
  command
      ->add_option(
          "--data-fraction", flags.data_fraction,
          "Share of each file's examples that is used, drawn by --seed; a smaller share lies inside a "
          "larger one")
      ->type_name("X")
      ->check(NumberIn(1e-9, 1));
  OneOf(command->add_option("--mix", flags.mix, "How batches are drawn from several files"),
        WordsOf<Mix>());
  command->add_option("--batch-size", flags.batch_size, "Examples (pairs) in a batch")
      ->type_name("N")
      ->check(IntegerIn(2, 1 << 20));
  AddMaxLengthOption(command, flags.encoding, "what the folder says, else 75");
  AddStripOptions(command, flags.encoding);
  AddPoolingOptions(command, flags.encoding);
  command->add_option("--epochs", flags.epochs, "Passes over the data; may be a fraction")
      ->type_name("N")
      ->check(NumberIn(1e-6, 1e6));
  command
      ->add_option("--max-steps", flags.max_steps,
                   "Stop after so many steps instead, the schedule's horizon; 0 = by --epochs")
      ->type_name("N")
      ->check(IntegerIn(0, INT64_MAX));
}

void AddObjectiveFlags(CLI::App* command, TrainFlags& flags) {
  OneOf(command->add_option("--loss", flags.loss,
                            "Objective: multiple-negatives ranking, or one of the baselines"),
        WordsOf<LossKind>());
  command->add_option("--scale", flags.scale, "Factor on similarities (mnr, cosent, angle)")
      ->type_name("X")
      ->check(NumberIn(1e-6, 1e6));
  command->add_flag("--symmetric", flags.symmetric,
                    "mnr: also rank anchors for each positive; the mean of both");
  command->add_option("--margin", flags.margin, "triplet: Euclidean margin")
      ->type_name("X")
      ->check(NumberIn(0, 1e6));
  command
      ->add_option(
          "--score-max", flags.score_max,
          "Gold score that means 'the same' (cosine, cosent, angle); 0 = 1 when all lie in -1..1, else 5 "
          "or the largest")
      ->type_name("X")
      ->check(NumberIn(0, 1e9));
  command
      ->add_option("--matryoshka", flags.matryoshka,
                   "Train these leading dimensions of the vectors too, beside the whole: 256,128")
      ->type_name("D,...")
      ->delimiter(',')
      ->check(IntegerIn(1, INT32_MAX));
}

void AddAdapterFlags(CLI::App* command, TrainFlags& flags) {
  command->add_option("--lora-rank", flags.lora_rank, "Rank of the low-rank updates")
      ->type_name("R")
      ->check(IntegerIn(1, 65536));
  command->add_option("--lora-alpha", flags.lora_alpha, "The update is scaled by alpha / rank")
      ->type_name("X")
      ->check(NumberIn(1e-6, 1e6));
  command->add_option("--lora-dropout", flags.lora_dropout, "Dropout on the input of the updates")
      ->type_name("P")
      ->check(NumberIn(0, 0.99));
  const auto is_target = [](const std::string& text) -> std::string {
    if (std::find(kTargets.begin(), kTargets.end(), text) != kTargets.end()) return "";
    return fmt::format("found '{}'; expected {}", text, fmt::join(kTargets, ", "));
  };
  command
      ->add_option("--lora-target", flags.lora_targets,
                   "Matrices that get an update: query_key_value,dense,dense_h_to_4h,dense_4h_to_h")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->check(CLI::Validator(is_target, "", "target"));
  command->add_option("--lora-layers", flags.lora_layers, "Only the layers A to B, counted from 0")
      ->type_name("A-B")
      ->default_str("all");
  command->add_flag("--train-biases", flags.train_biases,
                    "BitFit: train every bias instead of low-rank updates");
  command
      ->add_option_function<double>(
          "--dropout", [&flags](double rate) { flags.dropout = rate; },
          "Dropout on the embedding output, attention probabilities and both residual branches")
      ->type_name("P")
      ->check(NumberIn(0, 0.99))
      ->default_str("0; 0.1 for unlabelled text");
}

void AddOptimizerFlags(CLI::App* command, TrainFlags& flags) {
  OneOf(command->add_option("--optimizer", flags.optimizer,
                            "Adam with block-wise 8-bit or with f32 moments"),
        WordsOf<OptimizerKind>());
  command->add_option("--learning-rate", flags.learning_rate, "Learning rate after warm-up")
      ->type_name("X")
      ->check(NumberIn(0, 1e3));
  command->add_option("--weight-decay", flags.weight_decay, "Decoupled weight decay")
      ->type_name("X")
      ->check(NumberIn(0, 1e3));
  command
      ->add_option("--max-grad-norm", flags.max_grad_norm,
                   "Gradients are clipped to this norm; 0 = never")
      ->type_name("X")
      ->check(NumberIn(0, 1e9));
  OneOf(command->add_option("--schedule", flags.schedule, "Learning rate after warm-up"),
        WordsOf<ScheduleKind>());
  CLI::Option* ratio = command
                           ->add_option("--warmup-ratio", flags.warmup_ratio,
                                        "Share of the steps with rising learning rate")
                           ->type_name("X")
                           ->check(NumberIn(0, 1));
  command
      ->add_option("--warmup-steps", flags.warmup_steps,
                   "Steps with rising learning rate, instead of the ratio")
      ->type_name("N")
      ->check(IntegerIn(0, INT64_MAX))
      ->default_str("by --warmup-ratio")
      ->excludes(ratio);
}

void AddMemoryFlags(CLI::App* command, TrainFlags& flags) {
  const auto is_size = [](const std::string& text) -> std::string {
    return ParseSize(text)
               ? ""
               : fmt::format("found '{}'; expected a size such as 6GB, 1.5GiB or 900MB", text);
  };
  command
      ->add_option("--memory-budget", flags.memory_budget,
                   "Hard limit of the predicted peak memory: 6GB, 1.5GiB, 900MB")
      ->type_name("SIZE")
      ->check(CLI::Validator(is_size, "", "size"))
      ->default_str("80 % of free memory");
  OneOf(
      command->add_option(
          "--gradient-strategy", flags.strategy,
          "Keep activations, recompute them, or encode in chunks (GradCache); the same bytes result"),
      WordsOf<StrategyChoice>());
  command
      ->add_option("--chunk-tokens", flags.chunk_tokens, "Tokens in a chunk of gradcache; 0 = 2048")
      ->type_name("N")
      ->check(IntegerIn(0, INT32_MAX));
  AddStreamOption(command, flags.stream_layers);
  command
      ->add_option(
          "--cache-layers", flags.cache_layers,
          "Keep the states below the lowest trained layer (--lora-layers) on disk, for later epochs and "
          "runs: 4 bytes times the hidden size a token; the same bytes result")
      ->type_name("DIR");
  command
      ->add_option("--cache-layers-limit", flags.cache_layers_limit,
                   "Nothing is added to --cache-layers beyond this size")
      ->type_name("SIZE")
      ->check(CLI::Validator(is_size, "", "size"));
}

// "2-5" or "3" within 0..layers-1.
void ParseLayers(const std::string& text, int64_t layers, LoraSettings& lora) {
  if (text.empty()) return;
  int64_t first = -1, last = -1;
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, first);
  bool valid = error == std::errc();
  if (valid && at == end) {
    last = first;
  } else if (valid && *at == '-') {
    const auto rest = std::from_chars(at + 1, end, last);
    valid = rest.ec == std::errc() && rest.ptr == end;
  } else {
    valid = false;
  }
  if (!valid || first < 0 || last < first || last >= layers) {
    throw UserError(fmt::format(
        "[--lora-layers] found '{}'; expected A-B with 0 <= A <= B <= {}; this model has {} layers",
        text, layers - 1, layers));
  }
  lora.first_layer = first;
  lora.last_layer = last;
}

// Name and value of every setting that decides the result: for the model card, run.json and the
// check on --resume.
std::vector<std::pair<std::string, std::string>> Recipe(const GlobalOptions& globals,
                                                        const TrainFlags& flags,
                                                        const TrainOptions& options) {
  std::vector<std::pair<std::string, std::string>> recipe = {
      {"objective", flags.loss},
      {"scale", fmt::format("{}", flags.scale)},
      {"batch size", fmt::format("{}", flags.batch_size)},
      {"epochs", flags.max_steps > 0 ? fmt::format("{} steps", flags.max_steps)
                                     : fmt::format("{}", flags.epochs)},
      {"max length", fmt::format("{} tokens", options.max_length)},
      {"pooling", std::string(Name(options.pooling))},
      {"normalize", options.normalize ? "yes" : "no"},
      {"strip", options.strip ? "yes" : "no"},
      {"optimizer", flags.optimizer},
      {"learning rate", fmt::format("{}", flags.learning_rate)},
      {"schedule",
       fmt::format("{}, warm-up {}", flags.schedule,
                   flags.warmup_steps >= 0 ? fmt::format("{} steps", flags.warmup_steps)
                                           : fmt::format("{} of the steps", flags.warmup_ratio))},
      {"weight decay", fmt::format("{}", flags.weight_decay)},
      {"max gradient norm", fmt::format("{}", flags.max_grad_norm)},
      {"dropout", flags.dropout ? fmt::format("{}", *flags.dropout) : "default"},
      {"compute", globals.compute},
      {"seed", fmt::format("{}", globals.seed)},
      {"mix", flags.mix},
      {"evaluate every", fmt::format("{}", flags.eval_every)},
      {"patience", fmt::format("{}", flags.patience)},
  };
  if (flags.train_biases) {
    recipe.emplace_back("trained", "biases (BitFit)");
  } else {
    recipe.emplace_back("LoRA", fmt::format("rank {}, alpha {}, dropout {}, on {}", flags.lora_rank,
                                            flags.lora_alpha, flags.lora_dropout,
                                            fmt::join(flags.lora_targets, ", ")));
    if (!flags.lora_layers.empty()) recipe.emplace_back("LoRA layers", flags.lora_layers);
  }
  if (flags.data_fraction != 1)
    recipe.emplace_back("data fraction", fmt::format("{}", flags.data_fraction));
  if (flags.symmetric) recipe.emplace_back("symmetric", "yes");
  if (flags.hard_negatives) recipe.emplace_back("hard negatives", "contradictions of the anchor");
  if (flags.loss == "triplet") recipe.emplace_back("margin", fmt::format("{}", flags.margin));
  if (!options.loss.matryoshka.empty()) {
    recipe.emplace_back("Matryoshka dimensions",
                        fmt::format("{}", fmt::join(options.loss.matryoshka, ", ")));
  }
  return recipe;
}

}  // namespace

std::optional<int64_t> ParseSize(const std::string& text) {
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value > 0)) return std::nullopt;
  std::string unit(at, text.data() + text.size());
  unit.erase(std::remove(unit.begin(), unit.end(), ' '), unit.end());
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const std::vector<std::pair<std::string, double>> units = {{"", 1},
                                                             {"b", 1},
                                                             {"k", 1e3},
                                                             {"kb", 1e3},
                                                             {"m", 1e6},
                                                             {"mb", 1e6},
                                                             {"g", 1e9},
                                                             {"gb", 1e9},
                                                             {"t", 1e12},
                                                             {"tb", 1e12},
                                                             {"kib", 1024.0},
                                                             {"mib", 1048576.0},
                                                             {"gib", 1073741824.0},
                                                             {"tib", 1099511627776.0}};
  for (const auto& [name, factor] : units) {
    if (unit == name && value * factor < 9e18) return static_cast<int64_t>(value * factor);
  }
  return std::nullopt;
}

void AddTrainFlags(CLI::App* command, TrainFlags& flags) {
  command
      ->add_option("--config", flags.config,
                   "Flags from a TOML file, or from the run.json of an earlier run")
      ->type_name("FILE");
  AddModelOptions(command, flags.model);
  AddDataFlags(command, flags);
  AddObjectiveFlags(command, flags);
  AddAdapterFlags(command, flags);
  AddOptimizerFlags(command, flags);
  AddMemoryFlags(command, flags);
}

TrainOptions MakeTrainOptions(const GlobalOptions& globals, const TrainFlags& flags,
                              const std::shared_ptr<BaseWeights>& shape) {
  ModelFolder folder;
  if (shape == nullptr)
    folder = OpenModelFolder(flags.model.model, flags.model.base, flags.model.adapter);
  const EmbeddingSettings& settings = folder.settings;
  const BloomConfig config = (shape ? shape : BaseWeights::Open(folder.base_path))->config();
  TrainOptions options;
  options.shape = shape;
  options.model = flags.model.model;
  options.base = flags.model.base;
  options.adapter = flags.model.adapter;
  options.output = flags.output;
  options.train_files = flags.train_files;
  options.examples = {.table = flags.table.Options(),
                      .split = flags.split,
                      .hard_negatives = flags.hard_negatives,
                      .labelled = flags.loss == "softmax"};
  options.data_fraction = flags.data_fraction;
  options.dev_file = flags.dev;
  options.eval_every = flags.eval_every;
  options.patience = flags.patience;
  options.epochs = flags.epochs;
  options.max_steps = flags.max_steps;
  options.batch = {
      .batch_size = flags.batch_size, .seed = globals.seed, .mix = *Parse<Mix>(flags.mix)};
  options.max_length = flags.encoding.max_length.value_or(settings.max_length.value_or(75));
  options.strip = flags.encoding.strip.value_or(settings.strip.value_or(false));
  options.pooling =
      flags.encoding.PoolingMode().value_or(settings.pooling.value_or(Pooling::kMean));
  options.normalize = flags.encoding.normalize.value_or(settings.normalize.value_or(false));
  options.loss = {.kind = *Parse<LossKind>(flags.loss),
                  .scale = flags.scale,
                  .symmetric = flags.symmetric,
                  .margin = flags.margin,
                  .matryoshka = flags.matryoshka,
                  .seed = globals.seed};
  if (!flags.matryoshka.empty() && std::find(flags.matryoshka.begin(), flags.matryoshka.end(),
                                             config.hidden_size) == flags.matryoshka.end()) {
    options.loss.matryoshka.insert(options.loss.matryoshka.begin(), config.hidden_size);
  }
  options.score_maximum = flags.score_max;
  options.lora = {.rank = flags.lora_rank,
                  .alpha = flags.lora_alpha,
                  .dropout = flags.lora_dropout,
                  .targets = flags.lora_targets,
                  .train_biases = flags.train_biases};
  ParseLayers(flags.lora_layers, config.layers, options.lora);
  options.dropout = flags.dropout;
  options.optimizer = {.kind = *Parse<OptimizerKind>(flags.optimizer),
                       .weight_decay = flags.weight_decay};
  options.learning_rate = flags.learning_rate;
  options.max_grad_norm = flags.max_grad_norm;
  options.schedule = *Parse<ScheduleKind>(flags.schedule);
  options.warmup_ratio = flags.warmup_ratio;
  options.warmup_steps = flags.warmup_steps;
  options.strategy = *Parse<StrategyChoice>(flags.strategy);
  options.memory_budget = flags.memory_budget.empty() ? 0 : *ParseSize(flags.memory_budget);
  options.chunk_tokens = flags.chunk_tokens;
  options.stream_layers = flags.stream_layers;
  options.cache_layers = flags.cache_layers;
  options.cache_layers_limit = *ParseSize(flags.cache_layers_limit);
  options.save_every = flags.save_every;
  options.keep = flags.keep;
  options.max_bad_steps = flags.max_bad_steps;
  options.text_hashes = !flags.no_text_hashes;
  options.resume = flags.resume;
  options.overwrite = flags.overwrite;
  options.compute = globals.ComputeMode();
  options.seed = globals.seed;
  options.recipe = Recipe(globals, flags, options);
  return options;
}

}  // namespace lacos::cli
