// Measures as if the base weights were larger than memory: they are dropped from the kernel's
// cache, and every pass reads them from the disk.
#pragma once

#include <cstdint>
#include <functional>

#include "lacos/model/encoder.h"

namespace lacos {

struct DiskMeasurement {
  int64_t bytes = 0;  // bytes that came from the disk during the measured work
  // The fields below are set by a cold measurement only.
  bool cold = false;
  double compute_seconds = 0;        // time with the base in the cache; 0 if memory cannot hold it
  double read_bytes_per_second = 0;  // speed when nothing computes; 0 if nothing came from the disk
};

// Times `work` with the base weights cached, if half of the free memory can hold them. Then drops
// them from the cache and times reading all of them block by block. From here on passes read past
// the kernel's cache, as this does. The encoder must stream its weights.
DiskMeasurement PrepareCold(Encoder& encoder, const std::function<void()>& work);

}  // namespace lacos
