// Shared by the tests of `lacos train`: a small NLI table, the arguments of a short run, and
// functions that read its folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "program.h"

namespace lacos {

inline std::string Sentence(int i) {
  static const std::vector<std::string> kWords = {"river", "green", "house", "walks",
                                                  "seven", "cloud", "music", "under",
                                                  "stone", "light", "paper", "horse"};
  const auto word = [&](int k) { return kWords[static_cast<size_t>(k) % kWords.size()]; };
  return word(i) + " " + word(i / 12 + 3) + " " + word(i / 5 + 7) + " " + std::to_string(i);
}

// A table of 48 NLI rows. Every third row is an entailment pair. The contradictions have the same
// premises as the entailment pairs.
inline std::string NliTable() {
  std::string table = "premise\thypothesis\tlabel\n";
  for (int i = 0; i < 48; ++i) {
    const char* label = i % 3 == 0 ? "entailment" : i % 3 == 1 ? "contradiction" : "neutral";
    table += Sentence(i / 3) + "\t" + Sentence(100 + i) + "\t" + label + "\n";
  }
  return table;
}

// The arguments of a run with two epochs of four steps each.
inline std::vector<std::string> TrainArguments(const std::string& data, const std::string& output,
                                               const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train", "--model",  TinyModel(), "--train",
                                        data,    "--output", output,      "--batch-size",
                                        "4",     "--epochs", "2",         "--learning-rate",
                                        "1e-2",  "--quiet"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

inline std::string Adapter(const std::string& folder) {
  return ReadAll(folder + "/adapter_model.safetensors");
}

// Makes a finished run look as if it had been killed after its newest kept checkpoint.
inline void Unfinish(const std::string& output) {
  for (const char* name :
       {"lacos.json", "adapter_model.safetensors", "adapter_config.json", "modules.json"}) {
    std::filesystem::remove(std::filesystem::path(output) / name);
  }
}

// The lines of metrics.jsonl.
inline std::vector<Json> Metrics(const std::string& output) {
  const std::string text = ReadAll(output + "/metrics.jsonl");
  std::vector<Json> lines;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    lines.push_back(Json::Parse(text.substr(begin, end - begin), "metrics.jsonl"));
  }
  return lines;
}

}  // namespace lacos
