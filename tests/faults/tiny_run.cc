#include "faults/tiny_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "faults/child.h"

namespace lacos {
namespace {

std::string Sentence(int i) {
  static const std::vector<std::string> words = {"river", "green", "house", "walks",
                                                 "seven", "cloud", "music", "under",
                                                 "stone", "light", "paper", "horse"};
  const auto word = [&](int k) { return words[static_cast<size_t>(k) % words.size()]; };
  return word(i) + " " + word(i / 12 + 3) + " " + std::to_string(i);
}

}  // namespace

TinyInputs::TinyInputs() {
  std::string pairs = "sentence1\tsentence2\n", more = pairs,
              scored = "sentence1\tsentence2\tscore\n";
  std::string labelled = "premise\thypothesis\tlabel\n", classes = "text\tlabel\n",
              plain = "text\n";
  std::string dev = scored, texts;
  for (int i = 0; i < 12; ++i) {
    const std::string row = Sentence(i) + "\t" + Sentence(40 + i);
    pairs += row + "\n";
    if (i < 6) more += Sentence(100 + i) + "\t" + Sentence(140 + i) + "\n";
    scored += row + "\t" + std::to_string(i % 6) + "\n";
    const char* label = i % 3 == 0 ? "entailment" : i % 3 == 1 ? "contradiction" : "neutral";
    labelled += Sentence(i / 3) + "\t" + Sentence(60 + i) + "\t" + label + "\n";
    classes += Sentence(i) + "\tclass" + std::to_string(i % 3) + "\n";
    plain += Sentence(i) + "\n";
    dev += Sentence(i) + "\t" + Sentence(i * 7) + "\t" + std::to_string(i % 5) + "\n";
    texts += Sentence(i) + "\n";
  }
  // Hard negatives need entailed and contradicting sentences with the same premise.
  for (int i = 12; i < 36; ++i) {
    labelled += Sentence(i / 2) + "\t" + Sentence(60 + i) + "\t" +
                (i % 2 ? "entailment" : "contradiction") + "\n";
  }
  folder_.Write("pairs.tsv", pairs);
  folder_.Write("more.tsv", more);
  folder_.Write("scored.tsv", scored);
  folder_.Write("labelled.tsv", labelled);
  folder_.Write("classes.tsv", classes);
  folder_.Write("plain.tsv", plain);
  folder_.Write("dev.tsv", dev);
  folder_.Write("texts.txt", texts);
  folder_.Write("config.json", kTinyConfig);
  std::filesystem::create_directories(folder_ / "raw");
  folder_.Write("raw/tatoeba.xyz-eng.xyz", "uno\ndos\n");
  folder_.Write("raw/tatoeba.xyz-eng.eng", "one\ntwo\n");
  folder_.Write("sweep.toml", fmt::format(R"([bases]
tiny = "{}"
[data]
pairs = "pairs.tsv"
[evaluation]
resamples = 100
[[evaluation.file]]
path = "dev.tsv"
[settings]
max_steps = 1
batch_size = 4
compute = "f32"
quantization = "linear/row"
[product]
vary = {{layers = [1]}}
)",
                                          TinyModel()));
  const ChildResult made = RunChild(
      {"quantize", "--model", TinyModel(), "--output", folder_ / "int8", "--base-name", "tiny"});
  EXPECT_EQ(made.status, 0) << made.err;
}

const TinyInputs& Inputs() {
  static const TinyInputs inputs;
  return inputs;
}

std::vector<std::string> TrainArguments(const std::string& output,
                                        const std::vector<std::string>& more) {
  const TinyInputs& inputs = Inputs();
  std::vector<std::string> arguments = {"train",
                                        "--model",
                                        inputs / "int8",
                                        "--train",
                                        inputs / "pairs.tsv",
                                        "--output",
                                        output,
                                        "--epochs",
                                        "2",
                                        "--batch-size",
                                        "4",
                                        "--save-every",
                                        "2",
                                        "--compute",
                                        "f32",
                                        "--lora-rank",
                                        "2",
                                        "--threads",
                                        "1",
                                        "--learning-rate",
                                        "1e-2",
                                        "--memory-budget",
                                        "2GB"};
  for (size_t i = 0; i < more.size();) {
    std::vector<std::string> values;
    const std::string& flag = more[i++];
    while (i < more.size() && !more[i].starts_with("--")) values.push_back(more[i++]);
    arguments = WithFlag(std::move(arguments), flag, values);
  }
  return arguments;
}

std::vector<std::string> WithFlag(std::vector<std::string> arguments, const std::string& flag,
                                  const std::vector<std::string>& values) {
  auto found = std::find(arguments.begin(), arguments.end(), flag);
  if (found == arguments.end()) {
    arguments.push_back(flag);
    found = arguments.end() - 1;
  }
  const auto end = std::find_if(found + 1, arguments.end(),
                                [](const auto& word) { return word.starts_with("--"); });
  arguments.insert(arguments.erase(found + 1, end), values.begin(), values.end());
  return arguments;
}

}  // namespace lacos
