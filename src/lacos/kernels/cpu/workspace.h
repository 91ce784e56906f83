// Memory that verbs of one backend share between calls; one verb runs at a time.
#pragma once

#include "lacos/kernels/cpu/memory.h"

namespace lacos::cpu {

struct Workspace {
  ThreadScratch threads;
  Scratch shared;
};

}  // namespace lacos::cpu
