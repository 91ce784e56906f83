// Tests the merge engine on random merges and words of all lengths against a simple implementation
// of BPE's definition.
#include "lacos/text/bpe.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "lacos/base/rng.h"

namespace lacos {
namespace {

BpeAlphabet CompleteAlphabet() {
  BpeAlphabet alphabet;
  for (int byte = 0; byte < 256; ++byte) alphabet.ids[byte] = byte;
  return alphabet;
}

// Repeatedly applies the merge with the lowest rank, and among equal ones the leftmost.
std::vector<int32_t> Definition(std::vector<int32_t> ids, const std::vector<BpeMerge>& merges) {
  for (;;) {
    size_t best_rank = merges.size(), best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (merges[rank].left == ids[i] && merges[rank].right == ids[i + 1]) {
          best_rank = rank;
          best = i;
        }
      }
    }
    if (best_rank == merges.size()) return ids;
    ids[best] = merges[best_rank].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

// Merges over the letters a to d and over earlier results, each pair once. The ranks need not
// follow the order in which tokens become possible: a merge may have a lower rank than the merge
// that makes its parts.
std::vector<BpeMerge> RandomMerges(Random& random, int count) {
  std::vector<BpeMerge> merges;
  std::vector<int32_t> tokens = {'a', 'b', 'c', 'd'};
  while (static_cast<int>(merges.size()) < count) {
    const BpeMerge merge = {tokens[random.Below(tokens.size())],
                            tokens[random.Below(tokens.size())],
                            256 + static_cast<int32_t>(merges.size())};
    bool known = false;
    for (const BpeMerge& m : merges)
      known = known || (m.left == merge.left && m.right == merge.right);
    if (known) continue;
    merges.push_back(merge);
    tokens.push_back(merge.result);
  }
  for (size_t i = merges.size() - 1; i > 0; --i) std::swap(merges[i], merges[random.Below(i + 1)]);
  return merges;
}

TEST(Bpe, IsTheDefinitionForShortWordsByScanAndLongOnesByHeap) {
  Random random(7, RandomStream::kShuffle);
  Bpe::Workspace workspace;
  size_t merged = 0;
  for (int round = 0; round < 400; ++round) {
    const std::vector<BpeMerge> merges = RandomMerges(random, 30);
    const Bpe bpe(CompleteAlphabet(), merges);
    std::string word(1 + random.Below(round % 2 == 0 ? 64 : 200), 'a');
    for (char& c : word) c = static_cast<char>('a' + random.Below(4));
    const std::vector<int32_t> expected =
        Definition(std::vector<int32_t>(word.begin(), word.end()), merges);
    for (const bool with_lengths : {false, true}) {
      bpe.Encode(word, with_lengths, workspace);
      ASSERT_EQ(workspace.ids, expected) << word;
    }
    ASSERT_EQ(workspace.lengths.size(), expected.size());
    int64_t total = 0;
    for (const int32_t length : workspace.lengths) total += length;
    ASSERT_EQ(total, static_cast<int64_t>(word.size()));
    merged += word.size() - expected.size();
  }
  EXPECT_GT(merged, 1000u);
}

TEST(Bpe, RunsOfOneLetterMergeFromTheLeft) {
  const Bpe bpe(CompleteAlphabet(), {{'a', 'a', 256}, {256, 256, 257}});
  Bpe::Workspace w;
  for (const size_t n : {3u, 7u, 64u, 65u, 67u, 1001u}) {
    bpe.Encode(std::string(n, 'a'), false, w);
    std::vector<int32_t> expected(n / 4, 257);
    if (n % 4 >= 2) expected.push_back(256);
    if (n % 2 == 1) expected.push_back('a');
    EXPECT_EQ(w.ids, expected) << n;
  }
}

TEST(Bpe, AMegabyteWithoutABlankIsNoQuadraticWork) {
  const Bpe bpe(CompleteAlphabet(), {{'a', 'b', 256}, {256, 256, 257}, {257, 257, 258}});
  std::string word;
  for (int i = 0; i < 500'000; ++i) word += "ab";
  Bpe::Workspace w;
  // Takes about 0.1 s. A quadratic algorithm needs an hour and runs into the test's time limit.
  bpe.Encode(word, true, w);
  EXPECT_EQ(w.ids, std::vector<int32_t>(125'000, 258));
  EXPECT_EQ(w.lengths, std::vector<int32_t>(125'000, 8));
}

TEST(Bpe, APairThatOccursTwiceHasItsLastRank) {
  const Bpe bpe(CompleteAlphabet(), {{'a', 'b', 256}, {'b', 'c', 257}, {'a', 'b', 256}});
  Bpe::Workspace w;
  bpe.Encode("abc", false, w);
  EXPECT_EQ(w.ids, (std::vector<int32_t>{'a', 257}));
}

TEST(Bpe, MissingBytesAreDroppedOrUnknownOrFused) {
  BpeAlphabet alphabet = CompleteAlphabet();
  alphabet.ids['x'] = -1;
  const std::vector<BpeMerge> merges = {{'a', 'b', 256}};
  Bpe::Workspace w;
  Bpe(alphabet, merges).Encode("axxb", true, w);
  EXPECT_EQ(w.ids, (std::vector<int32_t>{256}));
  EXPECT_EQ(w.lengths, (std::vector<int32_t>{2}));
  Bpe(alphabet, merges).Encode("xx", true, w);
  EXPECT_TRUE(w.ids.empty());
  alphabet.unknown_id = 999;
  Bpe(alphabet, merges).Encode("axxb", true, w);
  EXPECT_EQ(w.ids, (std::vector<int32_t>{'a', 999, 999, 'b'}));
  alphabet.fuse_unknown = true;
  Bpe(alphabet, merges).Encode("axxb", true, w);
  EXPECT_EQ(w.ids, (std::vector<int32_t>{'a', 999, 'b'}));
  EXPECT_EQ(w.lengths, (std::vector<int32_t>{1, 2, 1}));
}

}  // namespace
}  // namespace lacos
