// Measuring as if the base were larger than memory: it is dropped from the kernel's cache, and
// every pass reads it from the disk.
#pragma once

#include <cstdint>
#include <functional>

#include "lacos/model/encoder.h"

namespace lacos {

struct DiskMeasurement {
  int64_t bytes = 0;  // that came from the disk in what was measured
  // Of a cold measurement only.
  bool cold = false;
  double compute_seconds = 0;        // the same with the base cached; 0 where memory cannot hold it
  double read_bytes_per_second = 0;  // when nothing computes; 0 where nothing came from the disk
};

// Times `work` with the base cached, where half of free memory can hold it; drops the base from the
// cache and times reading all of it, block after block, as passes do from here on: past the
// kernel's cache. The encoder must stream.
DiskMeasurement PrepareCold(Encoder& encoder, const std::function<void()>& work);

}  // namespace lacos
