// Texts with several adapters in one batch: each text gets the same bytes as in a batch of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "lacos/base/error.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/encoder.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;

using Bytes = std::vector<std::byte>;

LoraAdapter AdapterOf(const BloomConfig& config, const LoraSettings& settings, uint64_t seed) {
  LoraAdapter adapter = InitializeLora(config, settings, seed);
  Random random(seed, RandomStream::kLoraInit);
  for (auto& [name, module] : adapter.modules) {
    for (float& value : module.b.values) value = static_cast<float>(0.3 * random.Normal());
  }
  return adapter;
}

// Three adapters with different ranks on different layers.
std::vector<LoraAdapter> ThreeAdapters(const BloomConfig& config) {
  return {
      AdapterOf(config, {.rank = 2, .targets = {"query_key_value"}}, 1),
      AdapterOf(config, {.rank = 5, .targets = {"dense", "dense_h_to_4h"}, .first_layer = 1}, 2),
      AdapterOf(
          config,
          {.rank = 1, .targets = {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}},
          3)};
}

std::vector<int32_t> TextOf(int length, uint64_t seed) {
  Random random(seed, RandomStream::kBatch);
  std::vector<int32_t> ids;
  for (int i = 0; i < length; ++i) ids.push_back(static_cast<int32_t>(random.Below(300)));
  return ids;
}

// Texts with lengths on both sides of a product's tile size. The same texts occur with several
// adapters and with none.
PackedTexts MixedTexts() {
  const std::vector<int32_t> a = TextOf(70, 1), b = TextOf(3, 2), c = TextOf(40, 3);
  PackedTexts texts;
  texts.Add(a);
  texts.Add(b, 1);
  texts.Add(b, kNoAdapter);
  texts.Add(c, 2);
  texts.Add({}, 1);
  texts.Add(b, 2);
  texts.Add(b);
  texts.Add(c, 1);
  texts.Add(c, kNoAdapter);
  return texts;
}

// A backend and a model with these adapters attached in this order.
struct Bench {
  Bench(std::unique_ptr<Backend> owned, const std::shared_ptr<BaseWeights>& base,
        const std::vector<LoraAdapter>& adapters)
      : backend(std::move(owned)), model(*backend, base), encoder(model, {}) {
    for (const LoraAdapter& adapter : adapters) model.Attach(adapter, /*trainable=*/false);
  }
  // The vector of each text.
  std::vector<Bytes> Encode(const PackedTexts& texts) {
    const ArenaScope scope(encoder.arena());
    const TensorView vectors = encoder.arena().Allocate(
        backend->Types().residual, {texts.Texts(), model.config().hidden_size});
    encoder.Forward(texts, vectors);
    std::vector<Bytes> rows;
    for (int64_t n = 0; n < texts.Texts(); ++n) {
      const TensorView row = vectors.Rows(n, n + 1);
      rows.emplace_back(row.Bytes());
      backend->Download(row, rows.back());
    }
    return rows;
  }

  std::unique_ptr<Backend> backend;
  BloomModel model;
  Encoder encoder;
};

class MixedAdapters : public ::testing::Test {
 protected:
  MixedAdapters() {
    WriteModel(folder_.path(), MakeTinyModel());
    base_ = BaseWeights::Open(folder_.path());
    adapters_ = ThreeAdapters(base_->config());
  }
  void ExpectTheBytesOfSeparateBatches(
      const std::function<std::unique_ptr<Backend>()>& make_backend) {
    const PackedTexts texts = MixedTexts();
    Bench all(make_backend(), base_, adapters_);
    const std::vector<Bytes> mixed = all.Encode(texts);
    // Each text in a batch with texts of the same adapter only, on a model without other adapters.
    for (int32_t adapter = kNoAdapter; adapter < 3; ++adapter) {
      Bench one(make_backend(), base_,
                adapter == kNoAdapter ? std::vector<LoraAdapter>{}
                                      : std::vector<LoraAdapter>{adapters_[adapter]});
      std::vector<int64_t> rows;
      for (int64_t n = 0; n < texts.Texts(); ++n) {
        if (texts.Adapter(n) == adapter) rows.push_back(n);
      }
      PackedTexts own = texts.Select(rows);
      own.adapters.clear();
      const std::vector<Bytes> separate = one.Encode(own);
      for (size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(mixed[rows[i]], separate[i]) << "text " << rows[i] << ", adapter " << adapter;
      }
    }
    // The same texts in another order, and each text alone.
    std::vector<int64_t> order(mixed.size());
    std::iota(order.begin(), order.end(), 0);
    Random random(4, RandomStream::kBatch);
    for (int run = 0; run < 5; ++run) {
      for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
      const std::vector<Bytes> shuffled = all.Encode(texts.Select(order));
      for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(shuffled[i], mixed[order[i]]);
    }
    for (int64_t n = 0; n < texts.Texts(); ++n) {
      if (texts.Text(n).empty()) continue;
      EXPECT_EQ(all.Encode(texts.Slice(n, n + 1)).front(), mixed[n]) << "text " << n;
    }
    // An adapter without any effect would pass all checks above.
    EXPECT_NE(mixed[1], mixed[2]);
    EXPECT_NE(mixed[5], mixed[2]);
    EXPECT_NE(mixed[6], mixed[2]);
    EXPECT_NE(mixed[1], mixed[5]);
    EXPECT_NE(mixed[1], mixed[6]);
  }

  const TestFolder folder_;
  std::shared_ptr<BaseWeights> base_;
  std::vector<LoraAdapter> adapters_;
};

TEST_F(MixedAdapters, GiveEveryTextTheBytesOfABatchOfItsOwnAdapter) {
  for (const Compute compute : {Compute::kF32, Compute::kBF16, Compute::kInt8}) {
    SCOPED_TRACE(static_cast<int>(compute));
    ExpectTheBytesOfSeparateBatches([&] { return MakeCpuBackend({.compute = compute}); });
  }
}

TEST_F(MixedAdapters, DoSoOnTheReferenceBackend) {
  ExpectTheBytesOfSeparateBatches([] { return MakeReferenceBackend(DType::kF64); });
}

TEST_F(MixedAdapters, AreAttachedUnderNumbersInTheirOrder) {
  const auto backend = MakeCpuBackend({.compute = Compute::kF32});
  BloomModel model(*backend, base_);
  for (int32_t i = 0; i < 3; ++i) EXPECT_EQ(model.Attach(adapters_[i], /*trainable=*/false), i);
  EXPECT_EQ(model.adapters(), 3);
  EXPECT_TRUE(model.CanMixAdapters());
}

TEST_F(MixedAdapters, AreRemovedWithoutAChangeToTheOthers) {
  Bench bench(MakeCpuBackend({.compute = Compute::kF32}), base_, adapters_);
  const PackedTexts texts = MixedTexts();
  const std::vector<Bytes> before = bench.Encode(texts);
  bench.model.Remove(1);
  EXPECT_FALSE(bench.model.HasAdapter(1));
  EXPECT_EQ(bench.model.Attach(adapters_[1], /*trainable=*/false), 1);
  EXPECT_EQ(bench.Encode(texts), before);
  // Others get the numbers that are free, from the lowest on.
  bench.model.Remove(2);
  bench.model.Remove(0);
  EXPECT_EQ(bench.model.adapters(), 1);
  EXPECT_EQ(bench.model.Attach(adapters_[2], /*trainable=*/false), 0);
  EXPECT_EQ(bench.model.Attach(adapters_[0], /*trainable=*/false), 2);
  PackedTexts renamed = texts;
  for (int32_t& adapter : renamed.adapters) {
    if (adapter == 0 || adapter == 2) adapter = 2 - adapter;
  }
  EXPECT_EQ(bench.Encode(renamed), before);
}

TEST_F(MixedAdapters, DoNotChangeBiasesWhichAllTextsShare) {
  const auto backend = MakeCpuBackend({.compute = Compute::kF32});
  const LoraAdapter biases = InitializeBitFit(*base_, {.train_biases = true});
  BloomModel first(*backend, base_), second(*backend, base_);
  first.Attach(biases, /*trainable=*/false);
  EXPECT_FALSE(first.CanMixAdapters());
  EXPECT_THROW(first.Attach(adapters_[0], /*trainable=*/false), UserError);
  second.Attach(adapters_[0], /*trainable=*/false);
  EXPECT_THROW(second.Attach(biases, /*trainable=*/false), UserError);
}

TEST(AdapterRows, AreAsFewRangesAsThereAreAndLeaveOutTextsWithoutAnAdapter) {
  PackedTexts texts;
  texts.Add(TextOf(2, 1));
  texts.Add(TextOf(3, 1));
  EXPECT_TRUE(texts.adapters.empty()) << "one adapter needs no list";
  EXPECT_THAT(MakeAdapterRows(texts), ElementsAre(AdapterRows{0, 5, 0}));
  texts.Add(TextOf(1, 1), kNoAdapter);
  texts.Add(TextOf(2, 1), 0);
  texts.Add(TextOf(2, 1), 4);
  texts.Add({}, 3);
  texts.Add(TextOf(1, 1), 4);
  EXPECT_THAT(texts.adapters, ElementsAre(0, 0, kNoAdapter, 0, 4, 3, 4));
  EXPECT_THAT(MakeAdapterRows(texts),
              ElementsAre(AdapterRows{0, 5, 0}, AdapterRows{6, 8, 0}, AdapterRows{8, 11, 4}));
  EXPECT_THAT(texts.Slice(2, 5).adapters, ElementsAre(kNoAdapter, 0, 4));
}

}  // namespace
}  // namespace lacos
