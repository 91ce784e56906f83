#include "unit/train/cuda/emulated_training.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "lacos/kernels/make_backend.h"
#include "test_paths.h"

namespace lacos {

std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions& options) {
  return MakeEmulatedCudaBackend(
      {.compute = options.compute, .runtime = testing::TheGpu(), .index = options.index});
}

namespace testing {

namespace fs = std::filesystem;
using cuda::emulator::EmulatedRuntime;

std::shared_ptr<EmulatedRuntime>& TheGpu() {
  static auto gpu = std::make_shared<EmulatedRuntime>();
  return gpu;
}

void EmulatedTraining::SetUp() {
  TheGpu() = std::make_shared<EmulatedRuntime>();
  const char* const given = std::getenv("LACOS_CUDA_TEST_FOLDER");
  folder_ = given != nullptr
                ? fs::path(given)
                : fs::temp_directory_path() / ("lacos-cuda-" + std::to_string(getpid()));
  fs::create_directories(folder_);
  std::ofstream pairs(folder_ / "pairs.tsv");
  pairs << "anchor\tpositive\n";
  // Texts that are alike, so that the loss stays near that of a guess.
  const char* const subjects[] = {"A man", "A boy", "A dog", "A cat"};
  const char* const actions[] = {"sleeps", "runs", "eats", "plays"};
  for (const char* subject : subjects) {
    for (const char* action : actions)
      pairs << subject << ' ' << action << '\t' << subject << " now " << action << '\n';
  }
  // A pair scores a point for the subject and four for the action that both texts share.
  std::ofstream dev(folder_ / "dev.tsv");
  dev << "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 240; ++i) {
    const int a = i % 16, b = i * 7 / 16 % 16;
    dev << subjects[a / 4] << " slowly " << actions[a % 4] << '\t' << subjects[b / 4] << ' '
        << actions[b % 4] << " today\t" << (a / 4 == b / 4 ? 1 : 0) + (a % 4 == b % 4 ? 4 : 0)
        << '\n';
  }
}

void EmulatedTraining::TearDown() {
  TheGpu() = std::make_shared<EmulatedRuntime>();
  if (std::getenv("LACOS_CUDA_TEST_FOLDER") == nullptr) fs::remove_all(folder_);
}

TrainOptions EmulatedTraining::Options(Compute compute, const Device& device,
                                       const std::string& output) {
  TrainOptions options;
  options.model = std::string(LACOS_SOURCE_DIR) + "/examples/bloom-nano";
  options.train_files = {(folder_ / "pairs.tsv").string()};
  options.device = device;
  options.settings.compute = compute;
  options.settings.batch_size = 3;
  options.settings.max_steps = 10;
  options.settings.lora_rank = 4;
  options.settings.learning_rate = 1e-4;
  options.settings.scale = 1;  // the loss is that of a guess, not near 0
  options.run.output = (folder_ / output).string();
  options.run.writing.overwrite = true;
  return options;
}

void Losses::OnStart(const TrainingData&, const MemoryPlan& planned, int64_t, int64_t) {
  plan = planned.chosen;
  TheGpu()->ResetPeak();
}

void Losses::OnStep(const StepRecord& step) {
  values.push_back(step.loss);
  allocations.push_back(TheGpu()->allocations());
}

}  // namespace testing
}  // namespace lacos
