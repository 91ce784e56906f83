#include "lacos/model/cold_base.h"

#include "lacos/base/check.h"
#include "lacos/base/process.h"

namespace lacos {

DiskMeasurement PrepareCold(Encoder& encoder, const std::function<void()>& work) {
  LACOS_CHECK(encoder.options().streaming != WeightStreaming::kNone, "the encoder streams");
  const BloomModel& model = encoder.model();
  DiskMeasurement disk{.cold = true};
  if (ResidentBaseBytes(model.base_weights()) < AvailableMemoryBytes() / 2) {
    encoder.options().streaming = WeightStreaming::kKeepCached;
    encoder.ReadBase();
    const Stopwatch watch;
    work();
    disk.compute_seconds = watch.Seconds();
  }
  encoder.options().streaming = WeightStreaming::kDropCached;
  for (const auto& file : model.base_weights().files()) file->file()->WriteBack();
  encoder.DropBase();
  const int64_t before = DiskBytesRead();
  const Stopwatch watch;
  encoder.ReadBase();
  const auto bytes = static_cast<double>(DiskBytesRead() - before);
  if (bytes > 0) disk.read_bytes_per_second = bytes / watch.Seconds();
  encoder.DropBase();
  return disk;
}

}  // namespace lacos
