// One head of one text for the attention kernels, between attention.cc (who computes what) and
// attention_head.cc (how).
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"
#include "lacos/kernels/cpu/memory.h"
#include "lacos/kernels/cpu/rows/elementwise.h"

namespace lacos::cpu {

// Views start at the text's first row.
struct AttentionHead {
  int64_t length = 0;    // tokens of the text
  int64_t head_dim = 0;  // K
  int64_t heads = 0;
  int64_t head = 0;
  float slope = 0;   // ALiBi's
  ConstFloats qkv;   // [length, heads * 3 * K]
  DropoutMask mask;  // token_keys are this text's
  Floats y;          // [length, heads * K], forward
  ConstFloats dy;    // [length, heads * K], backward
  Floats dqkv;       // [length, heads * 3 * K], backward
};

void AttendHead(const AttentionHead& head, Scratch& scratch);
// Floats of scratch that a head of a text of `length` tokens takes.
int64_t AttendHeadFloats(int64_t length, int64_t head_dim, bool backward);
void AttendHeadBackward(const AttentionHead& head, Scratch& scratch);

}  // namespace lacos::cpu
