// Tokenizing on one thread: loading BLOOM's tokenizer, single sentences, and uncached words.
#include <benchmark/benchmark.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/text/tokenizer.h"

namespace lacos {
namespace {

const std::string kTokenizer = LACOS_SOURCE_DIR "/examples/bloom-nano/tokenizer.json";

void Load(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::FromFile(kTokenizer));
}
BENCHMARK(Load)->Unit(benchmark::kMillisecond);

void Encode(benchmark::State& state, const std::vector<std::string>& lines) {
  const auto tokenizer = Tokenizer::FromFile(kTokenizer);
  std::vector<int32_t> ids;
  int64_t bytes = 0, tokens = 0;
  size_t next = 0;
  for (auto _ : state) {
    const std::string& line = lines[next++ % lines.size()];
    ids.clear();
    tokenizer->Encode(line, ids);
    bytes += static_cast<int64_t>(line.size());
    tokens += static_cast<int64_t>(ids.size());
  }
  state.SetBytesProcessed(bytes);
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}

void Sentences(benchmark::State& state) {
  std::vector<std::string> lines;
  std::ifstream file(LACOS_SOURCE_DIR "/examples/data/sentences.txt");
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) return state.SkipWithError("examples/data/sentences.txt has no lines");
  Encode(state, lines);
}
BENCHMARK(Sentences);

// Letters in random order. Words hardly ever repeat, so almost all of them go through the merges.
void UnseenWords(benchmark::State& state) {
  Random random(3, RandomStream::kBatch);
  std::vector<std::string> lines(200'000);
  for (std::string& line : lines) {
    for (int word = 0; word < 5; ++word) {
      for (int letter = 0; letter < 8; ++letter) line += static_cast<char>('a' + random.Below(26));
      line += ' ';
    }
  }
  Encode(state, lines);
}
BENCHMARK(UnseenWords);

}  // namespace
}  // namespace lacos

BENCHMARK_MAIN();
