// Quantized folders: their codes and scales, their files in both layouts, and what is refused.
#include "lacos/convert/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <climits>
#include <cmath>
#include <filesystem>
#include <limits>

#include "lacos/base/parallel.h"
#include "lacos/io/manifest.h"
#include "lacos/quant/code.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The folder must hold the same codes as a matrix that is quantized at once, whatever the
// slices were.
void ExpectCodes(const BaseWeights& base_weights, const TinyModel& model,
                 const QuantizeOptions& options) {
  for (const TensorSpec& spec : ListTensors(model.config)) {
    if (!spec.IsMatrix()) continue;
    const std::vector<float>& values = model.values.at(spec.name);
    const int64_t block = options.block_size > 0 ? options.block_size : spec.shape[1];
    const auto count = static_cast<int64_t>(values.size());
    std::vector<std::byte> codes(values.size());
    std::vector<float> absmax(static_cast<size_t>((count + block - 1) / block));
    if (options.scheme == QuantScheme::kLinear) {
      EncodeLinear(values, block, reinterpret_cast<int8_t*>(codes.data()), absmax.data());
    } else {
      EncodeDynamicGrid(values, block, /*is_signed=*/true, reinterpret_cast<uint8_t*>(codes.data()),
                        absmax.data());
    }
    const QuantizedMatrix matrix = base_weights.Matrix(spec.name);
    EXPECT_EQ(std::memcmp(matrix.codes, codes.data(), codes.size()), 0) << spec.name;
    EXPECT_EQ(std::vector<float>(matrix.absmax, matrix.absmax + absmax.size()), absmax)
        << spec.name;
    if (options.scheme == QuantScheme::kDynamic) {
      EXPECT_EQ(std::memcmp(matrix.code_map, DynamicMap(true).data(), 1024), 0);
    }
  }
}

TEST(QuantizeTest, FoldersHoldTheCodesOfWholeMatrices) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const TestFolder folder;
    const TinyModel model = MakeTinyModel(dtype);
    WriteModel(folder / "in", model);
    for (const QuantScheme scheme : {QuantScheme::kLinear, QuantScheme::kDynamic}) {
      for (const int64_t block : {0, 64, 4096}) {
        const QuantizeOptions options{
            .scheme = scheme, .block_size = block, .writing = {.overwrite = true}};
        QuantizeFolder(folder / "in", folder / "out", options);
        const auto base_weights = BaseWeights::Open(folder / "out");
        EXPECT_EQ(base_weights->quantization().scheme, scheme);
        EXPECT_EQ(base_weights->quantization().block_size, block);
        ExpectCodes(*base_weights, model, options);
        for (const TensorSpec& spec : ListTensors(model.config)) {
          if (spec.IsMatrix()) continue;
          EXPECT_EQ(base_weights->Tensor(spec.name).entry.dtype, dtype);
          EXPECT_EQ(base_weights->Vector(spec.name), model.values.at(spec.name));
        }
      }
    }
  }
}

TEST(QuantizeTest, SlicesAndThreadsDoNotShow) {
  // 4.8 million values are more than one slice of 4 Mi values, so the result is put together from
  // several slices and pieces.
  const TestFolder folder;
  TinyModel model = MakeTinyModel(DType::kBF16);
  model.config.vocab_size = 120000;
  std::vector<float>& table = model.values["word_embeddings.weight"];
  table.resize(120000 * 40);
  Random random(3, RandomStream::kWeights);
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = RoundToBF16(static_cast<float>(random.Uniform() - 0.5));
  WriteModel(folder / "in", model);
  const int threads = ThreadCount();
  const QuantizeOptions options{.block_size = 128};
  QuantizeFolder(folder / "in", folder / "many", options);
  SetThreadCount(1);
  QuantizeFolder(folder / "in", folder / "one", options);
  SetThreadCount(threads);
  EXPECT_EQ(ReadText(folder / "many/model.safetensors"),
            ReadText(folder / "one/model.safetensors"));
  ExpectCodes(*BaseWeights::Open(folder / "many"), model, options);
}

TEST(QuantizeTest, LinearCodesAreHalfAStepFromTheWeights) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();
  WriteModel(folder / "in", model);
  QuantizeFolder(folder / "in", folder / "out", {});
  const auto base_weights = BaseWeights::Open(folder / "out");
  for (const TensorSpec& spec : ListTensors(model.config)) {
    if (!spec.IsMatrix()) continue;
    const QuantizedMatrix matrix = base_weights->Matrix(spec.name);
    EXPECT_TRUE(matrix.RowWise());
    std::vector<float> decoded(static_cast<size_t>(matrix.rows * matrix.cols));
    Decode(matrix, 0, matrix.rows * matrix.cols, decoded.data());
    for (size_t i = 0; i < decoded.size(); ++i) {
      const double absmax = matrix.absmax[i / static_cast<size_t>(matrix.cols)];
      // The tolerance is half a step plus the roundings of w * (127 / absmax) and code * (absmax /
      // 127), which are at most 127 * 4 eps steps.
      const double tolerance = absmax / 127 * (0.5 + 127 * 4 * 0x1p-24);
      ASSERT_NEAR(decoded[i], model.values.at(spec.name)[i], tolerance) << spec.name;
    }
  }
}

TEST(QuantizeTest, TheReportIsTheErrorOfWhatWasWritten) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();
  WriteModel(folder / "in", model);
  int calls = 0;
  int64_t last_done = 0, last_total = 0;
  QuantizeOptions options{.block_size = 64};
  options.writing.progress = [&](const WorkProgress& work) {
    ++calls;
    EXPECT_GT(work.done, last_done);
    last_done = work.done;
    last_total = work.total;
  };
  const QuantizeReport report = QuantizeFolder(folder / "in", folder / "out", options);
  EXPECT_EQ(calls, static_cast<int>(ListTensors(model.config).size()));
  EXPECT_EQ(last_done, last_total);
  const auto base_weights = BaseWeights::Open(folder / "out");
  EXPECT_EQ(report.bytes_before, model.config.Parameters() * 4);
  EXPECT_EQ(report.bytes_after, base_weights->Bytes());
  EXPECT_EQ(report.relative_error.size(), 5u);  // four kinds of linear layers and the embedding
  std::map<std::string, std::pair<double, double>> sums;
  for (const TensorSpec& spec : ListTensors(model.config)) {
    if (!spec.IsMatrix()) continue;
    const QuantizedMatrix matrix = base_weights->Matrix(spec.name);
    std::vector<float> decoded(static_cast<size_t>(matrix.rows * matrix.cols));
    Decode(matrix, 0, matrix.rows * matrix.cols, decoded.data());
    for (size_t i = 0; i < decoded.size(); ++i) {
      const double weight = model.values.at(spec.name)[i];
      sums[spec.kind].first += (decoded[i] - weight) * (decoded[i] - weight);
      sums[spec.kind].second += weight * weight;
    }
  }
  for (const auto& [kind, sum] : sums) {
    EXPECT_NEAR(report.relative_error.at(kind), std::sqrt(sum.first / sum.second), 1e-12) << kind;
    EXPECT_LT(report.relative_error.at(kind),
              0.02);  // uniform step of a normal's maximum of 64: about 0.0064
    EXPECT_GT(report.relative_error.at(kind), 0.001);
  }
}

TEST(QuantizeTest, KeepEmbeddingLeavesItsBytes) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel(DType::kF16);
  WriteModel(folder / "in", model);
  const QuantizeReport report =
      QuantizeFolder(folder / "in", folder / "out", {.keep_embedding = true});
  EXPECT_FALSE(report.relative_error.contains("word_embeddings"));
  const auto before = BaseWeights::Open(folder / "in"), after = BaseWeights::Open(folder / "out");
  const StoredTensor& a = before->Tensor("word_embeddings.weight");
  const StoredTensor& b = after->Tensor("word_embeddings.weight");
  EXPECT_EQ(b.entry.dtype, DType::kF16);
  ASSERT_EQ(a.entry.bytes, b.entry.bytes);
  EXPECT_EQ(std::memcmp(a.file->Data(a.entry).data(), b.file->Data(b.entry).data(),
                        static_cast<size_t>(a.entry.bytes)),
            0);
}

TEST(QuantizeTest, ShardsAreMirrored) {
  const TestFolder folder;
  TinyModel model = MakeTinyModel();
  model.prefix = "transformer.";
  WriteShardedModel(folder / "in", model);
  QuantizeFolder(folder / "in", folder / "out", {});
  EXPECT_TRUE(std::filesystem::exists(folder / "out/model_00002-of-00002.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out/model.safetensors"));
  const auto base_weights = BaseWeights::Open(folder / "out");
  EXPECT_EQ(base_weights->files().size(), 2u);
  ExpectCodes(*base_weights, model, {});
}

TEST(QuantizeTest, TheFolderIsComplete) {
  const TestFolder folder;
  WriteModel(folder / "in", MakeTinyModel());
  WriteText(
      folder / "in/config.json",
      R"({"zeta": [1], "hidden_size": 40, "n_head": 5, "n_layer": 2, "vocab_size": 300, "alpha": "x"})");
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                           "README.md", "LICENSE", "training.log", "1_Pooling/config.json"}) {
    WriteText(folder / (std::string("in/") + name), std::string("contents of ") + name);
  }
  WriteText(folder / "in/modules.json", R"([{"idx": 0, "name": "0", "path": "", "type": "T"},
      {"idx": 1, "name": "1", "path": "1_Pooling", "type": "P"}])");
  QuantizeFolder(folder / "in", folder / "out", {.base_name = "bigscience/bloom-560m"});
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                           "README.md", "LICENSE", "1_Pooling/config.json"}) {
    EXPECT_EQ(ReadText(folder / (std::string("out/") + name)), std::string("contents of ") + name);
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "out/modules.json"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out/training.log"));
  const Json config = Json::ReadFile(folder / "out/config.json");
  EXPECT_THAT(config.Keys(), ElementsAre("zeta", "hidden_size", "n_head", "n_layer", "vocab_size",
                                         "alpha", "quantization"));
  EXPECT_EQ(config.At("quantization").At("block_size").AsString(), "row");
  const Json record = Json::ReadFile(folder / "out/lacos.json");
  EXPECT_EQ(record.At("kind").AsString(), "quantized");
  EXPECT_EQ(record.At("base_name").AsString(), "bigscience/bloom-560m");
  EXPECT_THAT(VerifyManifest(folder / "out"), IsEmpty());
}

TEST(QuantizeTest, NonFiniteWeightsAreNamedAndLeaveNothingBehind) {
  for (const char* name :
       {"h.1.self_attention.dense.weight", "ln_f.weight", "word_embeddings.weight"}) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      const TestFolder folder;
      TinyModel model = MakeTinyModel(DType::kBF16);
      model.values[name][17] = bad;
      WriteModel(folder / "in", model);
      EXPECT_THAT(
          ErrorOf([&] { QuantizeFolder(folder / "in", folder / "out", {.keep_embedding = true}); }),
          AllOf(HasSubstr(name), HasSubstr("index 17")));
      int entries = 0;
      for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
        ++entries;
      EXPECT_EQ(entries, 1);  // the only entry is "in"
    }
  }
}

TEST(QuantizeTest, WrongRequestsAreRefused) {
  const TestFolder folder;
  WriteModel(folder / "in", MakeTinyModel());
  const auto error = [&](const std::string& output, const QuantizeOptions& options) {
    return ErrorOf([&] { QuantizeFolder(folder / "in", output, options); });
  };
  EXPECT_THAT(error(folder / "in", {.writing = {.overwrite = true}}),
              HasSubstr("the input itself"));
  EXPECT_THAT(error(folder / "out", {.block_size = 96}), HasSubstr("power of two"));
  EXPECT_THAT(error(folder / "out", {.block_size = 8192}), HasSubstr("power of two"));
  EXPECT_THAT(error(folder / "out", {.scheme = QuantScheme::kNone}), HasSubstr("scheme is none"));
  EXPECT_EQ(error(folder / "out", {}), "no error");
  EXPECT_THAT(error(folder / "out", {}), HasSubstr("`overwrite`"));
  EXPECT_THAT(ErrorOf([&] { QuantizeFolder(folder / "out", folder / "again", {}); }),
              HasSubstr("quantized already"));
}

// Thrown by check_cancel. Like the exception of a signal, it is not a std::exception.
struct Cancelled {};

TEST(QuantizeTest, ACancelledFolderLeavesNothingBehindWhereverItStops) {
  const TestFolder folder;
  WriteModel(folder / "in", MakeTinyModel());
  std::atomic<int> calls = 0;
  int last = INT_MAX;  // number of the call that cancels
  const auto quantize = [&] {
    calls = 0;
    QuantizeFolder(folder / "in", folder / "out",
                   {.writing = {.overwrite = true, .check_cancel = [&] {
                                  if (calls++ >= last) throw Cancelled();
                                }}});
  };
  quantize();
  const int all = calls;
  EXPECT_GT(all, static_cast<int>(ListTensors(MakeTinyModel().config).size()));
  const std::string before = ReadText(folder / "out/lacos.json");
  for (last = 0; last < all; ++last) {
    EXPECT_THROW(quantize(), Cancelled) << last;
    EXPECT_EQ(ReadText(folder / "out/lacos.json"), before) << last;
    const std::filesystem::directory_iterator begin(folder.path());
    EXPECT_EQ(std::distance(begin, std::filesystem::directory_iterator()), 2) << "in and out";
  }
}

TEST(QuantizeTest, TheRecordHasTheCallersWordsAndTheFilesThatWereRead) {
  const TestFolder folder;
  WriteModel(folder / "in", MakeTinyModel());
  Json record = Json::Object();
  record.Set("command", "a test");
  QuantizeFolder(folder / "in", folder / "out", {.writing = {.record = record}});
  const Json run = Json::ReadFile(folder / "out/run.json");
  EXPECT_THAT(run.Keys(), ElementsAre("command", "inputs"));
  EXPECT_EQ(run.At("command").AsString(), "a test");
  ASSERT_EQ(run.At("inputs").size(), 2u);
  EXPECT_EQ(run.At("inputs")[0].At("path").AsString(), folder / "in/config.json");
  EXPECT_EQ(run.At("inputs")[1].At("path").AsString(), folder / "in/model.safetensors");
  EXPECT_THAT(VerifyManifest(folder / "out"), IsEmpty());
}

}  // namespace
}  // namespace lacos
