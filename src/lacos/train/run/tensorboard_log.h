// Writes the TensorBoard event files of a run. They contain the same scalars as metrics.jsonl;
// `tensorboard --logdir OUTPUT` shows them.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/train/observer.h"

namespace lacos {

// Each session of a run writes its own file, OUTPUT/events.out.tfevents.<unix seconds>.lacos. The
// file of a resumed session begins with the step from which it continues, and TensorBoard drops
// what earlier files contain from that step on.
class TensorboardLog final : public TrainObserver {
 public:
  // `settings` are pairs of name and value, which TensorBoard shows as a table under "Text".
  explicit TensorboardLog(std::string folder,
                          std::vector<std::pair<std::string, std::string>> settings = {})
      : folder_(std::move(folder)), settings_(std::move(settings)) {}

  void OnStart(const TrainingData& data, const MemoryPlan& plan, int64_t first_step,
               int64_t total_steps) override;
  void OnStep(const StepRecord& record) override;
  void OnEvaluation(const EvaluationRecord& record) override;

 private:
  void WriteEvent(const std::string& event);
  std::string folder_, path_;
  std::vector<std::pair<std::string, std::string>> settings_;
  std::ofstream file_;
};

// CRC-32C (Castagnoli), the checksum that TFRecord files use.
uint32_t Crc32c(std::string_view bytes);

// Frames `data` as one TFRecord: length, masked checksum of the length, data, masked checksum of
// the data.
// Source: https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details".
std::string TfRecord(std::string_view data);

}  // namespace lacos
