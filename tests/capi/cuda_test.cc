// The C interface on GPUs: the setting `device` of lacos_train, and the advice to choose bf16. The
// kernels run in the emulator: this program has a MakeCudaBackend of its own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lacos.h"
#include "lacos/base/error.h"
#include "lacos/convert/init.h"
#include "lacos/io/json.h"
#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/kernels/forwarding_backend.h"
#include "lacos/kernels/make_backend.h"
#include "test_paths.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using std::chrono::milliseconds;

constexpr int kSlowInt8 = 0;  // the GPU whose slower mode is int8; that of the others is bf16
int measured_backends = 0;
bool has_gpus = true;

// Gives the products that measure a GPU a duration, and leaves out their work. The durations of the two
// modes are so far apart that no other process changes which is longer.
class PacedGpu final : public ForwardingBackend {
 public:
  PacedGpu(std::unique_ptr<Backend> inner, milliseconds pace)
      : ForwardingBackend(std::move(inner)), pace_(pace) {}
  WeightId AddWeight(const QuantizedMatrix& matrix) override {
    is_measured_ = matrix.name == "a random matrix";
    if (is_measured_) ++measured_backends;
    return ForwardingBackend::AddWeight(matrix);
  }
  void Linear(View x, WeightId weight, const Epilogue& epilogue, View y) override {
    if (!is_measured_) ForwardingBackend::Linear(x, weight, epilogue, y);
  }
  void Synchronize() override {
    if (is_measured_) std::this_thread::sleep_for(pace_);
    ForwardingBackend::Synchronize();
  }

 private:
  milliseconds pace_;
  bool is_measured_ = false;
};

}  // namespace

std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions& options) {
  if (!has_gpus) throw UserError("[device] no GPU; expected one; choose device cpu");
  const bool is_slow = (options.compute == Compute::kInt8) == (options.index == kSlowInt8);
  return std::make_unique<PacedGpu>(MakeEmulatedCudaBackend({.compute = options.compute}),
                                    milliseconds(is_slow ? 60 : 2));
}

namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A base of one block.
std::string Base(const TestFolder& folder, int64_t width) {
  Json config = Json::Object();
  config.Set("model_type", "bloom");
  config.Set("hidden_size", width);
  config.Set("n_head", 16);
  config.Set("n_layer", 1);
  config.Set("vocab_size", 512);
  const std::string path = folder / fmt::format("base-{}", width);
  InitFolder(config, path, {.quantized = true});
  return path;
}

std::vector<std::string> WarningsOfOpening(const std::string& path, lacos_compute compute,
                                           const char* device) {
  lacos_options options = LACOS_OPTIONS_INIT;
  options.compute = compute;
  options.device = device;
  lacos_model* model = nullptr;
  EXPECT_EQ(lacos_open(path.c_str(), &options, &model), LACOS_OK) << lacos_last_error();
  std::vector<std::string> warnings;
  while (const char* warning = lacos_warning(model, warnings.size()))
    warnings.emplace_back(warning);
  lacos_close(model);
  return warnings;
}

const auto kAdvice = AllOf(HasSubstr("[`compute`] int8 is slower than bf16 on this GPU"),
                           HasSubstr("; choose bf16"));

TEST(CudaAdvice, AModelThatComputesInInt8WhereBf16IsFasterHasOneWarning) {
  const TestFolder folder;
  const std::string wide = Base(folder, 1024);
  measured_backends = 0;
  EXPECT_THAT(WarningsOfOpening(wide, LACOS_COMPUTE_INT8, "cuda"), ElementsAre(kAdvice));
  const int of_a_gpu = measured_backends;
  EXPECT_GT(of_a_gpu, 0);
  EXPECT_THAT(WarningsOfOpening(wide, LACOS_COMPUTE_INT8, "auto"), ElementsAre(kAdvice));
  EXPECT_EQ(measured_backends, of_a_gpu) << "a GPU is measured once";
  EXPECT_THAT(WarningsOfOpening(wide, LACOS_COMPUTE_INT8, "cuda:1"), ElementsAre())
      << "int8 is the faster mode of this GPU";
  EXPECT_EQ(measured_backends, 2 * of_a_gpu);
}

TEST(CudaAdvice, OtherModesDevicesAndNarrowBasesAreNotMeasured) {
  const TestFolder folder;
  const std::string wide = Base(folder, 1024), narrow = Base(folder, 512);
  measured_backends = 0;
  EXPECT_THAT(WarningsOfOpening(wide, LACOS_COMPUTE_BF16, "cuda"), ElementsAre());
  EXPECT_THAT(WarningsOfOpening(wide, LACOS_COMPUTE_INT8, "cpu"), ElementsAre());
  EXPECT_THAT(WarningsOfOpening(narrow, LACOS_COMPUTE_INT8, "cuda"), ElementsAre());
  EXPECT_EQ(measured_backends, 0);
}

// The texts of the events of a kind.
struct Heard {
  std::vector<std::string> warnings;
  static int Hear(void* context, const char* event) {
    if (event == nullptr) return 0;
    const Json json = Json::Parse(event, "event");
    if (json.At("event").AsString() == "warning")
      static_cast<Heard*>(context)->warnings.push_back(json.At("text").AsString());
    return 0;
  }
};

class CudaTrain : public ::testing::Test {
 protected:
  lacos_status Train(const std::string& base, const std::string& device,
                     const std::string& compute) {
    const std::string rows = folder_.Write("rows.tsv", "anchor\tpositive\na\tb\nc\td\n");
    const std::string settings = fmt::format(
        R"({{"model": "{}", "train": "{}", "output": "{}", "device": "{}", "compute": "{}", )"
        R"("batch_size": 2, "max_steps": 1, "overwrite": true}})",
        base, rows, folder_ / "run", device, compute);
    return lacos_train(settings.c_str(), Heard::Hear, &heard_, nullptr);
  }
  std::string BackendOfRun() const {
    return Json::ReadFile(folder_ / "run/run.json").At("kernels").At("backend").AsString();
  }
  TestFolder folder_;
  Heard heard_;
};

TEST_F(CudaTrain, TrainsOnTheDeviceOfItsSettings) {
  const std::string base = Base(folder_, 64);
  ASSERT_EQ(Train(base, "cuda", "bf16"), LACOS_OK) << lacos_last_error();
  EXPECT_EQ(BackendOfRun(), "cuda");
  ASSERT_EQ(Train(base, "cpu", "bf16"), LACOS_OK) << lacos_last_error();
  EXPECT_EQ(BackendOfRun(), "cpu");
}

TEST_F(CudaTrain, SaysOnceThatAutoTakesTheCpu) {
  const std::string base = Base(folder_, 64);
  has_gpus = false;
  const lacos_status status = Train(base, "auto", "bf16");
  has_gpus = true;
  ASSERT_EQ(status, LACOS_OK) << lacos_last_error();
  EXPECT_EQ(BackendOfRun(), "cpu");
  EXPECT_THAT(heard_.warnings, ElementsAre(HasSubstr("the CPU is used: [device] no GPU")));
}

TEST_F(CudaTrain, RefusesOtherWordsForDevices) {
  EXPECT_EQ(Train("base", "tpu", "bf16"), LACOS_USER_ERROR);
  EXPECT_THAT(lacos_last_error(), HasSubstr("[`device`] found 'tpu'; expected cpu, cuda"));
}

TEST_F(CudaTrain, WarnsOnceWhereBf16IsFaster) {
  const std::string base = Base(folder_, 1024);
  ASSERT_EQ(Train(base, "cuda", "int8"), LACOS_OK) << lacos_last_error();
  EXPECT_THAT(heard_.warnings, ElementsAre(kAdvice));
}

}  // namespace
}  // namespace lacos
