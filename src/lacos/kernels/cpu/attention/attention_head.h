// The attention of one head over one text. attention.cc decides which thread computes which head;
// attention_head.cc does the computation.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"
#include "lacos/kernels/cpu/memory.h"
#include "lacos/kernels/cpu/rows/elementwise.h"

namespace lacos::cpu {

// The inputs and outputs of one head. Views start at the text's first row.
struct AttentionHead {
  int64_t length = 0;    // tokens in the text
  int64_t head_dim = 0;  // K
  int64_t heads = 0;
  int64_t head = 0;
  float slope = 0;   // slope of ALiBi
  ConstFloats qkv;   // [length, heads * 3 * K]
  DropoutMask mask;  // its token_keys are those of this text
  Floats y;          // [length, heads * K], output of the forward pass
  ConstFloats dy;    // [length, heads * K], input of the backward pass
  Floats dqkv;       // [length, heads * 3 * K], output of the backward pass
};

void AttendHead(const AttentionHead& head, Scratch& scratch);
// The number of scratch floats that a head needs for a text of `length` tokens.
int64_t AttendHeadFloats(int64_t length, int64_t head_dim, bool backward);
void AttendHeadBackward(const AttentionHead& head, Scratch& scratch);

}  // namespace lacos::cpu
