// Flags that several commands share, and the checks of their values.
#include "flags/common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <cmath>
#include <system_error>

#include "flags/setting_flags.h"
#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/formats/model_folder.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/train/settings.h"

namespace lacos::cli {
CLI::App* NewCommand(CLI::App& app, GlobalOptions& globals, const std::string& name,
                     const std::string& description, const std::string& example) {
  CLI::App* command = app.add_subcommand(name, description);
  command->group("Commands");
  command->set_help_flag("--help", "Show this text and exit");
  command->option_defaults()->always_capture_default();
  command->footer("Example:\n  " + example);
  const std::string group = "Flags of every command";
  command->add_flag("--json", globals.json, "Print one JSON object on stdout instead of a table")
      ->group(group);
  AddFlag(command, SettingNamed("compute"), globals.compute)->group(group);
  command
      ->add_option(
          "--threads", globals.threads,
          "Number of threads; 0 means all cores that the CPU affinity, quotas of control groups and "
          "OMP_NUM_THREADS allow")
      ->type_name("N")
      ->check(IntegerIn(0, 4096))
      ->group(group);
  AddFlag(command, SettingNamed("seed"), globals.seed)->group(group);
  command->add_flag("--quiet", globals.quiet, "Show no progress and log nothing but warnings")
      ->group(group);
  OneOf(command->add_option("--log-level", globals.log_level,
                            "Least severe messages that are logged on stderr"),
        {"trace", "debug", "info", "warning", "error", "off"})
      ->group(group);
  return command;
}

void AddDeviceOption(CLI::App* command, GlobalOptions& globals) {
  command
      ->add_option_function<std::string>(
          "--device",
          [&globals](const std::string& word) {
            const std::optional<Device> device = ParseDevice(word);
            if (!device)
              FailUsage("--device",
                        fmt::format("found '{}'; expected cpu, cuda, cuda:N or auto", word));
            globals.device = *device;
          },
          "Where to compute: cpu, cuda (an NVIDIA GPU), cuda:N (the GPU with this number), or auto "
          "(a GPU if one can be used, else the CPU); cuda+check waits after each op, so that an error "
          "names the op that failed")
      ->type_name("cpu|cuda[:N]|auto")
      ->default_str("cpu")
      ->group("Flags of every command");
}

void SettleDevice(GlobalOptions& globals) {
  globals.device = ChooseDevice({.device = globals.device,
                                 .compute = globals.compute,
                                 .tell = [](const std::string& why) { spdlog::warn("{}", why); }});
}

void OnRun(CLI::App* command, GlobalOptions& globals, std::function<void()> action) {
  command->callback([&globals, command, action = std::move(action)] {
    globals.command = command;
    globals.action = action;
  });
}

void FailUsage(const std::string& flag, const std::string& message) {
  throw CLI::ValidationError(flag, message);
}

CLI::Validator IntegerIn(int64_t low, int64_t high) {
  const auto check = [low, high](const std::string& text) -> std::string {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high)
      return "";
    const std::string range = high == INT64_MAX ? fmt::format("of at least {}", low)
                                                : fmt::format("from {} to {}", low, high);
    return fmt::format("found '{}'; expected a whole number {}", text, range);
  };
  return CLI::Validator(check, "", "integer");
}

CLI::Validator NumberIn(double low, double high) {
  const auto check = [low, high](const std::string& text) -> std::string {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high)
      return "";
    const std::string range = std::isinf(high) ? fmt::format("of at least {}", low)
                                               : fmt::format("from {} to {}", low, high);
    return fmt::format("found '{}'; expected a number {}", text, range);
  };
  return CLI::Validator(check, "", "number");
}

CLI::Option* OneOf(CLI::Option* option, const std::vector<std::string>& words) {
  const std::string shown = fmt::format("{}", fmt::join(words, "|"));
  const auto check = [words, shown](const std::string& text) -> std::string {
    for (const std::string& word : words) {
      if (text == word) return "";
    }
    return fmt::format("found '{}'; expected {}", text, shown);
  };
  return option->type_name(shown)->check(CLI::Validator(check, "", "word"));
}

void AddModelOptions(CLI::App* command, ModelOptions& options) {
  command
      ->add_option(
          "--model", options.model,
          "An original BLOOM folder, a quantized one, or a trained output folder (which names "
          "its base)")
      ->type_name("DIR")
      ->required();
  command->add_option("--base", options.base, "Where a trained folder's base is, if it was moved")
      ->type_name("DIR");
  command->add_option("--adapter", options.adapter, "A PEFT adapter to add to a base")
      ->type_name("DIR");
}

void AddPoolingOption(CLI::App* command, EncodingOptions& options) {
  SettingInfo pooling = SettingNamed("pooling");
  pooling.default_text = "what the folder says, else mean";  // as in sentence-transformers
  AddFlag(command, pooling, options.pooling);
}

void AddPoolingOptions(CLI::App* command, EncodingOptions& options) {
  AddPoolingOption(command, options);
  AddFlag(command, SettingNamed("normalize"), options.normalize);
}

void AddStripOptions(CLI::App* command, EncodingOptions& options) {
  AddFlag(command, SettingNamed("strip"), options.strip);
}

void AddMaxLengthOption(CLI::App* command, EncodingOptions& options,
                        const std::string& default_text) {
  SettingInfo info = SettingNamed("max_length");
  info.default_text = default_text;
  AddFlag(command, info, options.max_length);
}

void AddBatchTokensOption(CLI::App* command, EmbedOptions& options) {
  command
      ->add_option("--batch-tokens", options.batch_tokens,
                   "Tokens computed at a time; changes memory and speed, never results")
      ->type_name("N")
      ->check(IntegerIn(1, INT32_MAX));
}

void AddStreamOption(CLI::App* command, bool& stream_layers) {
  AddFlag(command, SettingNamed("stream_layers"), stream_layers);
}

void AddPromptOptions(CLI::App* command, EmbedOptions& options) {
  CLI::Option* prompt =
      command
          ->add_option_function<std::string>(
              "--prompt", [&options](const std::string& text) { options.prompt = text; },
              "Text put before every text; an empty one switches the folder's default prompt off")
          ->type_name("TEXT");
  command->add_option("--prompt-name", options.prompt_name, "One of the folder's own prompts")
      ->type_name("NAME")
      ->default_str("what the folder says, else none")
      ->excludes(prompt);
  command
      ->add_option(
          "--prefix", options.prefix,
          "Tokens put before every text and its prompt, tokenized on their own and never cut off")
      ->type_name("TEXT");
  command->add_option("--suffix", options.suffix, "Tokens put after every text, in the same way")
      ->type_name("TEXT");
  OneOf(
      command->add_option_function<std::string>(
          "--preset", [&options](const std::string& word) { options.preset = Parse<Preset>(word); },
          "Use the folder as the authors of a published BLOOM embedder do: pooling, length, "
          "similarity, and tokens around queries and documents, whose names as prompts are query "
          "and document"),
      WordsOf<Preset>())
      ->excludes(prompt);
}

TextPrompt EmbedOptions::Prompt(const EmbeddingSettings& settings) const {
  return prompt ? TextPrompt(*prompt) : ResolvePrompt(settings, "", prompt_name);
}

void LogNotes(const ModelFolder& folder) {
  for (const std::string& warning : folder.warnings) spdlog::warn("{}", warning);
}

void LogNotes(const SentenceEncoder& encoder) {
  const ModelFolder& folder = encoder.folder();
  LogNotes(folder);
  for (const std::string& note : encoder.notes()) spdlog::info("{}", note);
  const int64_t kept = encoder.dimension(), all = encoder.encoder().model().config().hidden_size;
  if (kept < all && folder.settings.truncate_dim == kept) {
    spdlog::info(
        "vectors keep their first {} of {} values, as truncate_dim of "
        "config_sentence_transformers.json says",
        kept, all);
  }
}

void WarnAboutStripped(int64_t texts, const EncodingOptions& encoding) {
  if (texts == 0 || encoding.strip) return;
  spdlog::warn(
      "{} texts have whitespace at their ends, which was left out, as the folder's files ask for; "
      "sentence-transformers leaves it out before 5.4 and not since; --no-strip keeps it",
      texts);
}

RolePrompts EmbedOptions::Prompts(const EmbeddingSettings& settings) const {
  RolePrompts prompts = FolderPrompts(settings);
  if (prompt || !prompt_name.empty())
    prompts.plain = prompts.query = prompts.document = Prompt(settings);
  if (query_prompt) prompts.query = *query_prompt;
  if (document_prompt) prompts.document = *document_prompt;
  return prompts;
}

void EmbedOptions::NoteAbsentPrompts(const EmbeddingSettings& settings) const {
  if (prompt || !prompt_name.empty()) return;
  std::vector<std::string> others;
  for (const auto& [name, text] : settings.prompts) {
    if (!text.empty() && name != "query" && name != "document") others.push_back(name);
  }
  if (others.empty()) return;
  const auto note = [&](const char* role, const char* texts, bool is_given) {
    if (is_given || settings.prompts.contains(role)) return;
    spdlog::info(
        "the folder has no prompt named '{0}', so {1} get none, as in sentence-transformers; it has "
        "{2}; --{0}-prompt gives one",
        role, texts, fmt::join(others, ", "));
  };
  note("query", "queries", query_prompt.has_value());
  note("document", "documents", document_prompt.has_value());
}

void AddRolePromptOptions(CLI::App* command, EmbedOptions& options, const std::string& when) {
  const auto add = [&](const std::string& flag, const char* kind,
                       std::optional<std::string>& value) {
    command
        ->add_option_function<std::string>(
            flag, [&value](const std::string& text) { value = text; },
            fmt::format("Text put before each {} {}; an empty one switches the folder's prompt off",
                        kind, when))
        ->type_name("TEXT")
        ->excludes(GetOption(command, "--preset"))
        ->default_str(fmt::format("--prompt, else the folder's prompt '{}', else none", kind));
  };
  add("--query-prompt", "query", options.query_prompt);
  add("--document-prompt", "document", options.document_prompt);
}

CLI::Option* AddSimilarityOption(CLI::App* command, std::optional<Similarity>& similarity) {
  CLI::Option* option = command->add_option_function<std::string>(
      "--similarity",
      [&similarity](const std::string& word) { similarity = Parse<Similarity>(word); },
      "How vectors are compared; distances are negative, so that larger values always mean more alike");
  return OneOf(option, WordsOf<Similarity>())->default_str("what the folder says, else cosine");
}

SentenceEncoderOptions MakeSentenceEncoderOptions(const GlobalOptions& globals,
                                                  const ModelOptions& model,
                                                  const EncodingOptions& encoding,
                                                  const EmbedOptions& embed) {
  return {.path = model.model,
          .base = model.base,
          .adapter = model.adapter,
          .device = globals.device,
          .compute = globals.compute,
          .pooling = encoding.pooling,
          .normalize = encoding.normalize,
          .max_length = encoding.max_length,
          .strip = encoding.strip,
          .prefix = embed.prefix,
          .suffix = embed.suffix,
          .preset = embed.preset,
          .batch_tokens = embed.batch_tokens,
          .stream_layers = embed.stream_layers};
}

TableOptions TableFlags::Options() const {
  return MakeTableOptions(delimiter, quoting, replace_invalid);
}

void AddTableOptions(CLI::App* command, TableFlags& flags) {
  AddFlag(command, SettingNamed("delimiter"), flags.delimiter);
  AddFlag(command, SettingNamed("quoting"), flags.quoting);
  AddReplaceInvalidOption(command, flags.replace_invalid);
}

void AddReplaceInvalidOption(CLI::App* command, bool& replace_invalid) {
  AddFlag(command, SettingNamed("replace_invalid"), replace_invalid);
}

CLI::Option* AddBlockSizeOption(CLI::App* command, std::string& text,
                                const std::string& description) {
  return OneOf(command->add_option("--block-size", text, description),
               {"row", "64", "128", "256", "512", "1024", "2048", "4096"});
}

CLI::Option* AddDTypeOption(CLI::App* command, std::string& text, const std::string& description) {
  std::vector<std::string> words;
  for (const DTypeNames& names : kDTypeNames) {
    if (!names.flag.empty()) words.emplace_back(names.flag);
  }
  return OneOf(command->add_option("--dtype", text, description), words);
}

int64_t ParseBlockSize(const std::string& text) {
  int64_t size = 0;  // the value for "row"
  std::from_chars(text.data(), text.data() + text.size(), size);
  return size;
}

DType ParseDType(const std::string& text) {
  const DTypeNames* names = kDTypeNames.Find(text, &DTypeNames::flag);
  LACOS_CHECK(names != nullptr, "--dtype accepts no other word");
  return names->value;
}

double FlopsPerToken(const BloomConfig& config) {
  const auto d = static_cast<double>(config.hidden_size);
  return 2 * 12 * static_cast<double>(config.layers) * d * d;
}

void AddOverwriteOption(CLI::App* command, bool& overwrite) {
  command->add_flag("--overwrite", overwrite, "Replace an existing --output");
}

}  // namespace lacos::cli
