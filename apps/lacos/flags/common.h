// Flags that several commands share, and the checks of what users give them.
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
#include "lacos/model/sentence_encoder.h"

namespace lacos::cli {

// What every command takes.
struct GlobalOptions {
  bool json = false;
  Compute compute = Compute::kBF16;
  int threads = 0;
  uint64_t seed = 42;
  bool quiet = false;
  std::string log_level = "info";
  std::vector<std::string> arguments;  // the command line after --config was expanded
  const CLI::App* command = nullptr;   // the chosen one, for its flags
  std::function<void()>
      action;  // what the chosen command does; main runs it after logging and threads are set
};

// Adds a command with the flags of every command; `example` is shown at the end of its --help.
CLI::App* NewCommand(CLI::App& app, GlobalOptions& globals, const std::string& name,
                     const std::string& description, const std::string& example);
// Sets what the command does once the whole command line has been accepted.
void OnRun(CLI::App* command, GlobalOptions& globals, std::function<void()> action);

// A mistake on the command line that only the command can see: exit status 2, the message names the
// flag.
[[noreturn]] void FailUsage(const std::string& flag, const std::string& message);

// Accepts whole numbers from `low` to `high`; the message says what was found and expected.
CLI::Validator IntegerIn(int64_t low, int64_t high);
// Accepts finite decimal numbers from `low` to `high`.
CLI::Validator NumberIn(double low, double high);
// Accepts exactly these words; they are also what --help shows as the flag's value.
CLI::Option* OneOf(CLI::Option* option, const std::vector<std::string>& words);

// --model, --base, --adapter.
struct ModelOptions {
  std::string model, base, adapter;
};
void AddModelOptions(CLI::App* command, ModelOptions& options);

// How texts become vectors; absent = what the folder says, else the command's default.
struct EncodingOptions {
  std::optional<Pooling> pooling;
  std::optional<bool> normalize;
  std::optional<bool> strip;
  std::optional<int64_t> max_length;
};
void AddPoolingOptions(CLI::App* command,
                       EncodingOptions& options);  // --pooling, --normalize, --no-normalize
void AddStripOptions(CLI::App* command, EncodingOptions& options);  // --strip, --no-strip
void AddMaxLengthOption(CLI::App* command, EncodingOptions& options,
                        const std::string& default_text);

// --batch-tokens, --prompt, --prompt-name, --prefix, --suffix: for commands that embed.
struct EmbedOptions {
  int64_t batch_tokens = 4096;
  std::optional<std::string> prompt;  // given and empty: no prompt, whatever the folder says
  std::string prompt_name, prefix, suffix;
  bool stream_layers = false;

  // What is put before every text of a folder with these settings. Throws UserError for an unknown
  // name.
  std::string Prompt(const EmbeddingSettings& settings) const;
};
void AddBatchTokensOption(CLI::App* command, EmbedOptions& options);
void AddStreamOption(CLI::App* command, bool& stream_layers);  // --stream-layers
void AddPromptOptions(CLI::App* command, EmbedOptions& options);

SentenceEncoderOptions MakeSentenceEncoderOptions(const GlobalOptions& globals,
                                                  const ModelOptions& model,
                                                  const EncodingOptions& encoding,
                                                  const EmbedOptions& embed);

// --delimiter, --quoting, --replace-invalid: for commands that read tables.
struct TableFlags {
  std::string delimiter, quoting;
  bool replace_invalid = false;

  TableOptions Options() const;
};
void AddTableOptions(CLI::App* command, TableFlags& flags);
void AddReplaceInvalidOption(CLI::App* command, bool& replace_invalid);
void AddOverwriteOption(CLI::App* command, bool& overwrite);

// How weights are stored: --block-size ("row", a number of values) and --dtype (f32, bf16, f16).
CLI::Option* AddBlockSizeOption(CLI::App* command, std::string& text,
                                const std::string& description);
CLI::Option* AddDTypeOption(CLI::App* command, std::string& text, const std::string& description);
int64_t ParseBlockSize(const std::string& text);  // 0 = row
DType ParseDType(const std::string& text);

// FLOP of the frozen matrices for one token in one direction: 2 for each of their 12 D^2 weights a
// layer.
double FlopsPerToken(const BloomConfig& config);

// The file's name without .gz and .zst ends in `suffix`.
bool HasSuffix(const std::string& path, const std::string& suffix);

}  // namespace lacos::cli
