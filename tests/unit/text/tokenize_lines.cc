// tokenize_lines TOKENIZER.json [--offsets | --bench] < LINES prints one JSON array of ids (or
// {"ids", "offsets"}) per line, for tools/interop/tokenizer_compare.py and bench/tokenize.py.
// With --bench it reads all lines, encodes them on all threads and prints wall time, CPU time
// and counts.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/text/tokenizer.h"

namespace {

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Encodes as a caller would: it keeps the ids of every line and gives blocks of lines to
// the threads.
void Bench(const lacos::Tokenizer& tokenizer, const std::vector<std::string>& lines,
           double load_cpu_seconds) {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu_start = std::clock();
  std::vector<std::vector<int32_t>> ids(lines.size());
  constexpr int64_t kBlock = 256;
  const auto count = static_cast<int64_t>(lines.size());
  lacos::ParallelFor((count + kBlock - 1) / kBlock, [&](int64_t block) {
    std::vector<int32_t> line_ids;
    for (int64_t i = block * kBlock; i < std::min(count, (block + 1) * kBlock); ++i) {
      tokenizer.Encode(lines[i], line_ids);
      ids[i] = line_ids;
    }
  });
  const double seconds = SecondsSince(start);
  const double cpu_seconds = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
  int64_t tokens = 0;
  for (const auto& line : ids) tokens += static_cast<int64_t>(line.size());
  fmt::print(
      "{{\"load_cpu_seconds\": {}, \"seconds\": {}, \"cpu_seconds\": {}, \"lines\": {}, \"tokens\": {}, "
      "\"threads\": {}}}\n",
      load_cpu_seconds, seconds, cpu_seconds, lines.size(), tokens, lacos::ThreadCount());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2)
      throw std::runtime_error(
          "usage: tokenize_lines TOKENIZER.json [--offsets | --bench] < LINES");
    const std::string mode = argc > 2 ? argv[2] : "";
    const std::clock_t start = std::clock();
    const auto tokenizer = lacos::Tokenizer::FromFile(argv[1]);
    const double load_cpu_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::ios::sync_with_stdio(false);
    std::string line;
    if (mode == "--bench") {
      std::vector<std::string> lines;
      while (std::getline(std::cin, line)) lines.push_back(line);
      Bench(*tokenizer, lines, load_cpu_seconds);
      return 0;
    }
    std::string out;
    while (std::getline(std::cin, line)) {
      if (mode == "--offsets") {
        const lacos::Encoding encoding = tokenizer->EncodeWithOffsets(line);
        out = fmt::format("{{\"ids\":[{}],\"offsets\":[", fmt::join(encoding.ids, ","));
        for (size_t i = 0; i < encoding.offsets.size(); ++i) {
          out += fmt::format("{}[{},{}]", i > 0 ? "," : "", encoding.offsets[i].first,
                             encoding.offsets[i].second);
        }
        out += "]}\n";
      } else {
        std::vector<int32_t> ids;
        tokenizer->Encode(line, ids);
        out = fmt::format("[{}]\n", fmt::join(ids, ","));
      }
      std::fwrite(out.data(), 1, out.size(), stdout);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tokenize_lines: error: %s\n", error.what());
    return 1;
  }
}
