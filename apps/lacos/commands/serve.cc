// `lacos serve`: the flags of the embedding server. The server itself is in the program lacos-serve.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.h"
#include "commands/serve/run_server.h"
#include "flags/common.h"
#include "flags/config_file.h"

namespace lacos::cli {
namespace {

struct Given {
  ServeFlags serve;
  ModelOptions model;
  EncodingOptions encoding;
  EmbedOptions embed;
  std::vector<std::string> adapters;
  std::string empty = "error", socket_mode = "0660", config;
  double cache_mb = 0;
};

// Reads NAME=DIR.
serve::AdapterFolder AdapterOf(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    FailUsage("--adapter", fmt::format("found '{}'; expected NAME=DIR", text));
  }
  return {.name = text.substr(0, equals), .folder = text.substr(equals + 1)};
}

unsigned ModeOf(const std::string& text) {
  if (text.empty() || text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos) {
    FailUsage("--socket-mode",
              fmt::format("found '{}'; expected rights in octal, such as 0660", text));
  }
  return static_cast<unsigned>(std::stoul(text, nullptr, 8));
}

void AddModelFlags(CLI::App* command, Given& given) {
  command
      ->add_option(
          "--model", given.model.model,
          "An original BLOOM folder, a quantized one, or a trained output folder (which names "
          "its base)")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--base", given.model.base, "Where a trained folder's base is, if it was moved")
      ->type_name("DIR");
  command
      ->add_option(
          "--adapter", given.adapters,
          "A trained folder or PEFT adapter over the same base, which requests choose with "
          "\"model\": NAME; may be repeated")
      ->type_name("NAME=DIR")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--adapter-root", given.serve.options.service.adapter_root,
                   "Requests with an admin key may load adapters from below this folder")
      ->type_name("DIR")
      ->default_str("none");
  command
      ->add_option("--model-name", given.serve.options.model_name,
                   "What replies and /v1/models call the model")
      ->type_name("NAME")
      ->default_str("the folder's name");
}

void AddAddressFlags(CLI::App* command, Given& given) {
  serve::HttpServerOptions& http = given.serve.options.http;
  command
      ->add_option(
          "--listen", http.listen,
          "The address to listen on. Port 0 takes a free one, which the line on stdout names. "
          "Another address than one of the loopback interface needs --api-keys or --no-auth")
      ->type_name("HOST:PORT|unix:PATH");
  command->add_option("--socket-mode", given.socket_mode, "Rights of the file of a unix socket")
      ->type_name("MODE");
  CLI::Option* keys =
      command
          ->add_option("--api-keys", http.keys_file,
                       "Keys that requests must show, one line each: NAME SHA256 [texts/s=N] "
                       "[tokens/min=N] [admin]. SIGHUP reads the file again")
          ->type_name("FILE")
          ->default_str("none");
  command
      ->add_flag("--no-auth", http.no_auth,
                 "Let everybody use the server who can reach the address")
      ->excludes(keys);
  command
      ->add_option(
          "--allow-host", http.allow_hosts,
          "A name that the Host of a request may have beside those of the loopback interface; "
          "* allows all; may be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option(
          "--cors", http.cors_origins,
          "An origin whose pages may read replies, such as https://app.example; * allows all; "
          "may be repeated")
      ->type_name("ORIGIN")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option(
          "--access-log", http.access_log,
          "Append one line of JSON for each request, without texts. SIGUSR1 opens the file again")
      ->type_name("FILE")
      ->default_str("none");
}

void AddServiceFlags(CLI::App* command, Given& given) {
  serve::ServiceOptions& service = given.serve.options.service;
  OneOf(command->add_option("--empty", given.empty,
                            "What an empty text gets: an error that names it, or the zero vector"),
        {"error", "zero"});
  command->add_flag(
      "--accept-token-ids", service.accept_token_ids,
      "Accept ids of this model's tokenizer in place of texts. Ids of other tokenizers, "
      "such as LangChain sends by default, give wrong vectors without an error");
  command
      ->add_option(
          "--batch-ms", service.batch_ms,
          "Milliseconds that a batch of short requests should take, and a tenth of what others "
          "may take: the shorter, the sooner requests get their turn; the longer, the more are "
          "computed")
      ->type_name("N")
      ->check(NumberIn(1, 60'000));
  command
      ->add_option(
          "--max-wait", service.max_wait,
          "Seconds that a request may wait in the queue; one that would wait longer gets 429")
      ->type_name("SECONDS")
      ->check(NumberIn(0, 3600));
  command
      ->add_option("--request-timeout", service.request_timeout,
                   "Seconds after which a request is not computed any more")
      ->type_name("SECONDS")
      ->check(NumberIn(0.001, 86'400));
  command
      ->add_option(
          "--drain", given.serve.drain,
          "Seconds that admitted requests have after SIGTERM; a second signal ends at once")
      ->type_name("SECONDS")
      ->check(NumberIn(0, 86'400));
  command
      ->add_option("--cache", given.cache_mb,
                   "Megabytes for vectors of texts that were computed before")
      ->type_name("MB")
      ->check(NumberIn(0, 1e6));
}

void AddLimitFlags(CLI::App* command, Given& given) {
  HttpLimits& limits = given.serve.options.http.limits;
  serve::ServiceOptions& service = given.serve.options.service;
  const std::string group = "Limits";
  const auto add = [&](const std::string& name, int64_t& value, const std::string& description,
                       int64_t low, int64_t high) {
    command->add_option(name, value, description)
        ->type_name("N")
        ->check(IntegerIn(low, high))
        ->group(group);
  };
  add("--max-connections", limits.connections, "Connections at one time", 1, 1'000'000);
  add("--max-connections-per-address", limits.connections_per_address,
      "Connections of one address, except of this machine", 1, 1'000'000);
  add("--max-head", limits.head_bytes, "Bytes of a request's head", 1024, 1 << 20);
  add("--max-fields", limits.fields, "Fields of a request's head", 10, 10'000);
  add("--max-body", limits.body_bytes, "Bytes of a request's body", 1024, int64_t{1} << 32);
  add("--max-texts", service.max_texts, "Texts of a request", 1, 1'000'000);
  add("--max-request-tokens", service.max_request_tokens, "Tokens of a request's texts together", 1,
      int64_t{1} << 40);
}

}  // namespace

void AddServeCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(app, globals, "serve",
                                 "Answer requests for vectors over HTTP, as OpenAI and TEI do",
                                 "lacos serve --model trained --listen 127.0.0.1:8080");
  AddDeviceOption(command, globals);
  auto given = std::make_shared<Given>();
  AddModelFlags(command, *given);
  AddAddressFlags(command, *given);
  AddServiceFlags(command, *given);
  AddLimitFlags(command, *given);
  AddPoolingOption(command, given->encoding);
  AddStripOptions(command, given->encoding);
  AddMaxLengthOption(command, given->encoding, "what the folder says, else 2048");
  AddBatchTokensOption(command, given->embed);
  AddStreamOption(command, given->embed.stream_layers);
  command
      ->add_option(
          "--config", given->config,
          "Read flags from a TOML file, with lines such as listen = \"127.0.0.1:8080\"; flags "
          "on the command line win")
      ->type_name("FILE.toml")
      ->default_str("none");
  OnRun(command, globals, [&globals, given] {
    serve::EmbeddingServerOptions& options = given->serve.options;
    options.model =
        MakeSentenceEncoderOptions(globals, given->model, given->encoding, given->embed);
    options.service.batch_tokens = given->embed.batch_tokens;
    options.service.empty_is_zero = given->empty == "zero";
    options.service.cache_bytes = static_cast<int64_t>(given->cache_mb * 1e6);
    options.http.socket_mode = ModeOf(given->socket_mode);
    for (const std::string& adapter : given->adapters)
      options.adapters.push_back(AdapterOf(adapter));
    RunServer(globals, given->serve);
  });
}

}  // namespace lacos::cli
