// A step whose loss or gradients are not finite: the examination of its origin, and a message.
#pragma once

#include <string>
#include <vector>

#include "lacos/train/observer.h"
#include "lacos/train/session.h"

namespace lacos {

// Examines a bad step. `record.places` has the place of each row of the batch in its file. Names
// the rows whose vectors are not finite; if every vector is finite, names all rows.
BadNumbers ExamineBadStep(TrainingSession& session, const TrainingBatch& batch,
                          const TrainingSession::StepResult& result,
                          const std::vector<std::string>& places);

// A message such as "the loss is nan, the gradients' norm inf (...); the texts are a.tsv:3, ...".
// `record.bad` must be present.
std::string DescribeBadStep(const StepRecord& record);

}  // namespace lacos
