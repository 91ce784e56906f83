// Feeds files to a target without libFuzzer, so that every build checks seeds and regressions:
//   fuzz_replay TARGET FILE|FOLDER...
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/mapped_file.h"
#include "targets.h"

namespace fs = std::filesystem;

namespace {

struct Target {
  std::string_view name;
  void (*run)(lacos::fuzz::Input);
};
constexpr Target kTargets[] = {{"json", lacos::fuzz::Json},
                               {"safetensors", lacos::fuzz::Safetensors},
                               {"tokenizer", lacos::fuzz::Tokenizer},
                               {"tokenizer_files", lacos::fuzz::TokenizerFiles},
                               {"config", lacos::fuzz::Config},
                               {"checkpoint", lacos::fuzz::Checkpoint},
                               {"torch_file", lacos::fuzz::TorchFile},
                               {"torch_pickle", lacos::fuzz::TorchPickle},
                               {"npy", lacos::fuzz::Npy},
                               {"table", lacos::fuzz::Table},
                               {"lines", lacos::fuzz::Lines},
                               {"archive", lacos::fuzz::Archive},
                               {"test_sets", lacos::fuzz::TestSets},
                               {"suite", lacos::fuzz::Suite},
                               {"evaluation", lacos::fuzz::Evaluation},
                               {"run_state", lacos::fuzz::RunState},
                               {"run_record", lacos::fuzz::RunRecord},
                               {"caches", lacos::fuzz::Caches},
                               {"training_texts", lacos::fuzz::TrainingTexts},
                               {"sweep_recipe", lacos::fuzz::SweepRecipe},
                               {"serve_head", lacos::fuzz::ServeHead},
                               {"serve_request", lacos::fuzz::ServeRequest}};

std::vector<std::string> FilesOf(int count, char** arguments) {
  std::vector<std::string> files;
  for (int i = 0; i < count; ++i) {
    if (!fs::is_directory(arguments[i])) {
      files.emplace_back(arguments[i]);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(arguments[i])) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  const auto target = std::find_if(std::begin(kTargets), std::end(kTargets),
                                   [&](const auto& t) { return argc > 2 && t.name == argv[1]; });
  if (target == std::end(kTargets)) {
    std::fprintf(stderr, "usage: fuzz_replay TARGET FILE|FOLDER...; targets:");
    for (const auto& t : kTargets) std::fprintf(stderr, " %s", t.name.data());
    std::fprintf(stderr, "\n");
    return 2;
  }
  const std::vector<std::string> files = FilesOf(argc - 2, argv + 2);
  if (files.empty()) {
    std::fprintf(stderr, "fuzz_replay: there are no files for %s\n", argv[1]);
    return 1;
  }
  for (const std::string& file : files) {
    try {
      const std::string bytes = lacos::ReadFileToString(file);
      lacos::fuzz::Run(target->run, std::as_bytes(std::span(bytes)));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", file.c_str(), error.what());
      return 1;
    }
  }
  std::printf("%s: %zu files\n", argv[1], files.size());
  return 0;
}
