// TensorBoard event files of a run: the same scalars as metrics.jsonl, readable by `tensorboard
// --logdir OUTPUT`.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/train/observer.h"

namespace lacos {

// Each run and each resumption writes a file of its own, OUTPUT/events.out.tfevents.<unix
// seconds>.lacos. A file of a resumed run begins by saying at which step: TensorBoard then drops
// what earlier files hold from there on.
class TensorboardLog final : public TrainObserver {
 public:
  // `settings`: name, value; shown as a table under "Text".
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

// CRC-32C (Castagnoli), the checksum of TFRecord files.
uint32_t Crc32c(std::string_view bytes);

// One TFRecord: length, masked checksum of the length, `data`, masked checksum of the data.
// Source: https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details".
std::string TfRecord(std::string_view data);

}  // namespace lacos
