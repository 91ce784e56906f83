// Ops on rows and texts that get the same bytes alone and among others. The tests of all backends share
// them.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "unit/kernels/op_cases.h"

namespace lacos::testing {

// An op that maps rows to rows. It gets inputs for rows [begin, end) of one fixed batch.
struct RowCase {
  std::string name;
  std::function<TensorView(Workbench& wb, int64_t begin, int64_t end)> run;
};
inline void PrintTo(const RowCase& c, std::ostream* out) { *out << c.name; }

std::vector<RowCase> RowCases();

// Rows alone have the bytes of the same rows in a batch.
void ExpectRowsAloneAreEqual(Workbench& wb, const RowCase& c);
// Rows of several adapters in one product have the bytes of products of their own.
void ExpectSegmentsAreEqual(Workbench& wb);
// Attention, its backward pass and pooling of one text have the bytes that they have in a batch.
void ExpectTextsAloneAreEqual(Workbench& wb);

}  // namespace lacos::testing
