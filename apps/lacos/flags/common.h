// Flags that several commands share, and the checks of their values.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lacos/base/compute.h"
#include "lacos/base/pooling.h"
#include "lacos/data/rows.h"
#include "lacos/formats/bloom_config.h"
#include "lacos/kernels/device.h"
#include "lacos/model/sentence_encoder.h"

namespace lacos::cli {

// The flags of every command, and the command line itself.
struct GlobalOptions {
  bool json = false;
  Compute compute = Compute::kBF16;
  Device device;  // chosen by --device in the commands that have it (AddDeviceOption)
  int threads = 0;
  uint64_t seed = 42;
  bool quiet = false;
  std::string log_level = "info";
  std::vector<std::string> arguments;  // the command line after --config was expanded
  const CLI::App* command = nullptr;   // the chosen command, which knows its flags
  // The work of the chosen command. main runs it after logging and threads are set up.
  std::function<void()> action;
};

// Adds a command and the flags that every command has. `example` is shown at the end of its --help.
CLI::App* NewCommand(CLI::App& app, GlobalOptions& globals, const std::string& name,
                     const std::string& description, const std::string& example);
// Sets the work of the command, which starts once the whole command line has been accepted.
void OnRun(CLI::App* command, GlobalOptions& globals, std::function<void()> action);

// The option of a command by one of its names, or null; also null without a command. CLI11's own
// get_option_no_throw is noexcept and allocates, so it aborts when memory runs out.
inline const CLI::Option* FindOption(const CLI::App* command, const std::string& name) {
  if (command == nullptr) return nullptr;
  for (const CLI::Option* option : command->get_options()) {
    if (option->check_name(name)) return option;
  }
  return nullptr;
}

// The option of a command by one of its names. Throws CLI::OptionNotFound. For the reason above, this takes the place of
// CLI11's get_option.
inline CLI::Option* GetOption(CLI::App* command, const std::string& name) {
  for (CLI::Option* option : command->get_options([](CLI::Option*) { return true; })) {
    if (option->check_name(name)) return option;
  }
  throw CLI::OptionNotFound(name);
}

// Adds --device to a command that computes with a model.
void AddDeviceOption(CLI::App* command, GlobalOptions& globals);
// Replaces the device auto by the one that is used. Logs once the reason of a fallback to the CPU. main
// calls it before the work of a command.
void SettleDevice(GlobalOptions& globals);

// Reports a mistake on the command line that only the command can see. The exit status is 2, and
// the message names the flag.
[[noreturn]] void FailUsage(const std::string& flag, const std::string& message);

// Accepts whole numbers from `low` to `high`. The message says what was found and expected.
CLI::Validator IntegerIn(int64_t low, int64_t high);
// Accepts finite decimal numbers from `low` to `high`.
CLI::Validator NumberIn(double low, double high);
// Accepts exactly these words. --help shows them as the flag's value.
CLI::Option* OneOf(CLI::Option* option, const std::vector<std::string>& words);

// The flags --model, --base and --adapter.
struct ModelOptions {
  std::string model, base, adapter;
};
void AddModelOptions(CLI::App* command, ModelOptions& options);

// How texts become vectors. An absent value means the model folder's, else the command's default.
struct EncodingOptions {
  std::optional<Pooling> pooling;
  std::optional<bool> normalize;
  std::optional<bool> strip;
  std::optional<int64_t> max_length;
};
// Adds --pooling.
void AddPoolingOption(CLI::App* command, EncodingOptions& options);
// Adds --pooling, --normalize and --no-normalize.
void AddPoolingOptions(CLI::App* command, EncodingOptions& options);
// Adds --strip and --no-strip.
void AddStripOptions(CLI::App* command, EncodingOptions& options);
void AddMaxLengthOption(CLI::App* command, EncodingOptions& options,
                        const std::string& default_text);

// The flags of commands that embed: --batch-tokens, --stream-layers, --prompt, --prompt-name,
// --prefix, --suffix and --preset.
struct EmbedOptions {
  int64_t batch_tokens = 4096;
  std::optional<std::string> prompt;  // an empty prompt overrides the folder's default prompt
  std::string prompt_name, prefix, suffix;
  std::optional<std::string> query_prompt, document_prompt;
  std::optional<Preset> preset;
  bool stream_layers = false;

  // The prompt that is put before every text for a folder with these settings. Throws UserError for
  // an unknown name.
  TextPrompt Prompt(const EmbeddingSettings& settings) const;
  // The prompts for texts of each role. --prompt and --prompt-name hold for all roles, except where
  // --query-prompt and --document-prompt say otherwise.
  RolePrompts Prompts(const EmbeddingSettings& settings) const;
  // Logs that queries or documents get no prompt although the folder has prompts of other names.
  void NoteAbsentPrompts(const EmbeddingSettings& settings) const;
};
void AddBatchTokensOption(CLI::App* command, EmbedOptions& options);
void AddStreamOption(CLI::App* command, bool& stream_layers);
void AddPromptOptions(CLI::App* command, EmbedOptions& options);
// Adds --query-prompt and --document-prompt. `when` says what their texts are, such as "of
// retrieval".
void AddRolePromptOptions(CLI::App* command, EmbedOptions& options, const std::string& when);
// Adds --similarity; an absent value means the folder's.
CLI::Option* AddSimilarityOption(CLI::App* command, std::optional<Similarity>& similarity);

SentenceEncoderOptions MakeSentenceEncoderOptions(const GlobalOptions& globals,
                                                  const ModelOptions& model,
                                                  const EncodingOptions& encoding,
                                                  const EmbedOptions& embed);

// The flags of commands that read tables: --delimiter, --quoting and --replace-invalid.
struct TableFlags {
  std::string delimiter, quoting;
  bool replace_invalid = false;

  TableOptions Options() const;
};
void AddTableOptions(CLI::App* command, TableFlags& flags);
void AddReplaceInvalidOption(CLI::App* command, bool& replace_invalid);
void AddOverwriteOption(CLI::App* command, bool& overwrite);

// Logs what a user should hear about a folder: its warnings, such as keys that are not used.
void LogNotes(const ModelFolder& folder);
// The same about an opened model: also SentenceEncoder::notes(), and which values of a vector the
// folder leaves out.
void LogNotes(const SentenceEncoder& encoder);

// Says that texts were stripped of whitespace where the folder decided it, since sentence-transformers
// does not do so from 5.4 on.
void WarnAboutStripped(int64_t texts, const EncodingOptions& encoding);

// Flags for the storage of weights: --block-size ("row" or a number of values) and --dtype (f32,
// bf16 or f16).
CLI::Option* AddBlockSizeOption(CLI::App* command, std::string& text,
                                const std::string& description);
CLI::Option* AddDTypeOption(CLI::App* command, std::string& text, const std::string& description);
int64_t ParseBlockSize(const std::string& text);  // returns 0 for "row"
DType ParseDType(const std::string& text);

// The FLOP of the frozen matrices for one token in one direction: 2 for each of the 12 D^2 weights
// per layer.
double FlopsPerToken(const BloomConfig& config);

}  // namespace lacos::cli
