// Cached states are read back exactly as they were written or not at all, whatever happened to
// their file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "lacos/kernels/forwarding_backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/layer_cache.h"
#include "lacos/model/layer_cache_key.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kRow = 40;

std::vector<int32_t> TextOf(int i) {
  std::vector<int32_t> ids;
  for (int k = 0; k <= i % 7; ++k) ids.push_back(1000 * i + k);
  return ids;
}

std::vector<std::byte> StatesOf(int i) {
  Random random(static_cast<uint64_t>(i), RandomStream::kWeights);
  std::vector<std::byte> rows(TextOf(i).size() * kRow);
  for (std::byte& byte : rows) byte = static_cast<std::byte>(random.Below(256));
  return rows;
}

class LayerCacheTest : public ::testing::Test {
 protected:
  LayerCache Open(const std::string& base = "one", int64_t limit = 1'000'000) {
    Json identity = Json::Object();
    identity.Set("base", base);
    return {{.folder = folder_ / "cache",
             .limit_bytes = limit,
             .tell = [this](const std::string& message) { messages_.push_back(message); }},
            identity,
            kRow};
  }
  // Adds texts [0, count) to a new cache and returns its file.
  std::string Fill(int count) {
    LayerCache cache = Open();
    for (int i = 0; i < count; ++i) cache.Add(TextOf(i), StatesOf(i));
    EXPECT_EQ(cache.texts(), count);
    return cache.path();
  }
  // The texts of [0, count) that are not in the cache. All others must have their states.
  std::vector<int> Absent(LayerCache& cache, int count) {
    std::vector<int> absent;
    for (int i = 0; i < count; ++i) {
      std::vector<std::byte> rows(StatesOf(i).size());
      if (!cache.Read(TextOf(i), rows)) {
        absent.push_back(i);
      } else {
        EXPECT_EQ(rows, StatesOf(i)) << i;
      }
    }
    return absent;
  }
  static void Flip(const std::string& path, int64_t at) {
    std::string bytes = ReadText(path);
    bytes[static_cast<size_t>(at)] = static_cast<char>(bytes[static_cast<size_t>(at)] ^ 4);
    WriteText(path, bytes);
  }

  TestFolder folder_;
  std::vector<std::string> messages_;
};

TEST_F(LayerCacheTest, GivesBackWhatWasAddedAlsoToTheNextRun) {
  Fill(20);
  LayerCache cache = Open();
  EXPECT_EQ(cache.texts(), 20);
  EXPECT_THAT(Absent(cache, 21), ElementsAre(20));
  EXPECT_THAT(messages_, IsEmpty());
  const int64_t bytes = cache.bytes();
  cache.Add(TextOf(3), StatesOf(3));
  EXPECT_EQ(cache.bytes(), bytes) << "what is there is not added again";
  cache.Add(TextOf(20), StatesOf(20));
  EXPECT_THAT(Absent(cache, 21), IsEmpty());
}

TEST_F(LayerCacheTest, EveryFlippedBitCostsAtMostItsEntry) {
  const std::string path = Fill(6);
  const std::string whole = ReadText(path);
  for (int64_t at = 0; at < static_cast<int64_t>(whole.size()); at += 11) {
    WriteText(path, whole);
    Flip(path, at);
    messages_.clear();
    std::vector<int> absent;
    {
      LayerCache cache = Open();
      absent = Absent(cache, 6);
      if (absent.size() == 6) continue;  // the change was in the header of the file
      EXPECT_LE(absent.size(), 1u) << at;
      for (const int i : absent) cache.Add(TextOf(i), StatesOf(i));
      EXPECT_THAT(Absent(cache, 6), IsEmpty()) << at;
    }
    if (!absent.empty()) {
      EXPECT_THAT(messages_.back(), HasSubstr("damaged")) << at;
    }
    LayerCache again = Open();
    EXPECT_THAT(Absent(again, 6), IsEmpty()) << at;
  }
}

TEST_F(LayerCacheTest, AKilledWriterCostsItsLastEntry) {
  const std::string path = Fill(6);
  const std::string whole = ReadText(path);
  for (size_t size = 0; size < whole.size(); size += 37) {
    WriteText(path, whole.substr(0, size));
    LayerCache cache = Open();
    const std::vector<int> absent = Absent(cache, 6);
    EXPECT_EQ(static_cast<int64_t>(absent.size()), 6 - cache.texts());
    for (size_t i = 0; i < absent.size(); ++i)
      EXPECT_EQ(absent[i], 6 - static_cast<int>(absent.size() - i));
    for (const int i : absent) cache.Add(TextOf(i), StatesOf(i));
    EXPECT_THAT(Absent(cache, 6), IsEmpty()) << size;
    EXPECT_EQ(ReadText(path), whole) << size;
  }
}

TEST_F(LayerCacheTest, ACacheOfAnotherBaseIsNotUsed) {
  const std::string path = Fill(4);
  LayerCache other = Open("two");
  EXPECT_NE(other.path(), path);
  EXPECT_THAT(Absent(other, 4), ElementsAre(0, 1, 2, 3));
  // The file is not used under the name of this base's cache either.
  WriteText(path, ReadText(other.path()));
  LayerCache renamed = Open();
  EXPECT_THAT(messages_, ElementsAre(HasSubstr("not a cache of this base")));
  EXPECT_EQ(renamed.texts(), 0);
}

TEST_F(LayerCacheTest, GrowsToItsLimitWhichTheFolderShares) {
  const int64_t size = static_cast<int64_t>(ReadText(Fill(10)).size());
  LayerCache other = Open("two", size + 1000);
  for (int i = 0; i < 50; ++i) other.Add(TextOf(i), StatesOf(i));
  EXPECT_LE(size + other.bytes(), size + 1000);
  EXPECT_GT(other.texts(), 0);
  EXPECT_THAT(messages_, ElementsAre(HasSubstr("`cache_layers_limit` is")));
}

TEST_F(LayerCacheTest, ASecondRunReadsWhileTheFirstAdds) {
  LayerCache first = Open();
  first.Add(TextOf(0), StatesOf(0));
  LayerCache second = Open();
  EXPECT_THAT(messages_, ElementsAre(HasSubstr("another run is adding")));
  second.Add(TextOf(1), StatesOf(1));
  EXPECT_THAT(Absent(second, 2), ElementsAre(1));
  first.Add(TextOf(1), StatesOf(1));
  EXPECT_THAT(Absent(first, 2), IsEmpty());
}

// A limit on the file size simulates a full disk.
TEST_F(LayerCacheTest, AFullDiskEndsTheAddingAndNothingElse) {
  const std::string path = Fill(5);
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = std::filesystem::file_size(path) + 1000;
  auto* handler = signal(SIGXFSZ, SIG_IGN);
  {
    LayerCache cache = Open();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 5; i < 40; ++i) cache.Add(TextOf(i), StatesOf(i));
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    EXPECT_THAT(messages_, ElementsAre(HasSubstr("nothing more is added")));
    EXPECT_GE(cache.texts(), 5);
    EXPECT_EQ(static_cast<int64_t>(Absent(cache, 40).size()), 40 - cache.texts());
  }
  messages_.clear();
  LayerCache again = Open();
  EXPECT_GE(again.texts(), 5);
  EXPECT_THAT(messages_, IsEmpty()) << "the unfinished entry was cut off";
}

TEST_F(LayerCacheTest, AFolderThatCannotBeMadeIsAnError) {
  WriteText(folder_ / "cache", "a file");
  EXPECT_THAT(ErrorOf([&] { Open(); }), HasSubstr("`cache_layers`"));
}

// A backend with one additional fact in its description.
class BackendWithFact final : public ForwardingBackend {
 public:
  BackendWithFact(std::string name, std::string value)
      : ForwardingBackend(MakeCpuBackend({.compute = Compute::kF32})),
        fact_{.name = std::move(name), .value = std::move(value)} {}
  KernelInfo Describe() const override {
    KernelInfo info = ForwardingBackend::Describe();
    info.facts.push_back(fact_);
    return info;
  }

 private:
  KernelInfo::Fact fact_;
};

TEST_F(LayerCacheTest, TheIdentityHasEveryFactOfTheBackend) {
  WriteModel(folder_ / "a", MakeTinyModel());
  const auto identity = [&](const Backend& backend) {
    return LayerCacheIdentity(*BaseWeights::Open(folder_ / "a"), backend, Compute::kF32, 1,
                              folder_ / "hashes");
  };
  const auto cpu = MakeCpuBackend({.compute = Compute::kF32});
  EXPECT_EQ(identity(*cpu).At("isa").AsString(), cpu->Describe().FactsText());
  const Json older = identity(BackendWithFact("cublaslt", "13.0"));
  EXPECT_EQ(older.At("cublaslt").AsString(), "13.0");
  EXPECT_EQ(older.At("isa").AsString(), cpu->Describe().FactsText());
  EXPECT_NE(older.Dump(), identity(BackendWithFact("cublaslt", "13.1")).Dump());
}

TEST_F(LayerCacheTest, TheIdentityChangesWithBaseBlocksAndCompute) {
  const auto identity = [&](const std::string& model, Compute compute, int64_t blocks) {
    const auto backend = MakeCpuBackend({.compute = compute});
    return LayerCacheIdentity(*BaseWeights::Open(model), *backend, compute, blocks,
                              folder_ / "hashes")
        .Dump();
  };
  TinyModel tiny = MakeTinyModel();
  WriteModel(folder_ / "a", tiny);
  WriteModel(folder_ / "copy", tiny);
  tiny.values.begin()->second[0] += 1;
  WriteModel(folder_ / "other", tiny);
  const std::string first = identity(folder_ / "a", Compute::kF32, 1);
  EXPECT_EQ(identity(folder_ / "a", Compute::kF32, 1), first);
  EXPECT_EQ(identity(folder_ / "copy", Compute::kF32, 1), first) << "a base may move";
  EXPECT_NE(identity(folder_ / "other", Compute::kF32, 1), first);
  EXPECT_NE(identity(folder_ / "a", Compute::kF32, 2), first);
  EXPECT_NE(identity(folder_ / "a", Compute::kBF16, 1), first);
  EXPECT_NE(identity(folder_ / "a", Compute::kInt8, 1), first);
  // A base that is changed in place is noticed, although its hash may have been remembered.
  WriteModel(folder_ / "a", tiny);
  EXPECT_NE(identity(folder_ / "a", Compute::kF32, 1), first);
}

}  // namespace
}  // namespace lacos
