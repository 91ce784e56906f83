// Training runs whose GPU is the emulated one: the program that links this has a MakeCudaBackend of its
// own, so the code that users run trains in the emulator.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/train/trainer.h"

namespace lacos::testing {

// The GPU of the program. Its memory counts over all backends. Tests may replace it.
std::shared_ptr<cuda::emulator::EmulatedRuntime>& TheGpu();

inline constexpr Device kCuda{.kind = DeviceKind::kCuda};

// Runs on the demo base with 16 pairs of texts, in a folder that is removed afterwards. A program that
// is started with the environment variable LACOS_CUDA_TEST_FOLDER uses that folder and leaves it.
class EmulatedTraining : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  TrainOptions Options(Compute compute, const Device& device, const std::string& output);

  std::filesystem::path folder_;
};

// Notes what a run says.
struct Losses : TrainObserver {
  void OnStart(const TrainingData&, const MemoryPlan& planned, int64_t, int64_t) override;
  void OnStep(const StepRecord& step) override;
  void OnEvaluation(const EvaluationRecord& evaluation) override {
    dev_scores.push_back(evaluation.spearman);
  }
  void OnMessage(const std::string& message) override { messages.push_back(message); }

  std::vector<double> values;  // one for each step
  std::vector<double>
      dev_scores;  // Spearman's correlation times 100, before the run and after its epochs
  std::vector<int64_t> allocations;  // of the GPU, after each step
  std::vector<std::string> messages;
  PlannedStrategy plan;
};

}  // namespace lacos::testing
