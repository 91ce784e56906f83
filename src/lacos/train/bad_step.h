// A step whose loss or gradients are not finite: where that comes from, in a form that is told and
// recorded.
#pragma once

#include <string>
#include <vector>

#include "lacos/train/observer.h"
#include "lacos/train/session.h"

namespace lacos {

// `places` says where each row of the batch stands in its file; those rows are named whose vectors
// are not finite, or, where all are, all of them.
BadNumbers ExamineBadStep(TrainingSession& session, const TrainingBatch& batch,
                          const TrainingSession::StepResult& result,
                          const std::vector<std::string>& places);

// "the loss is nan, the gradients' norm inf (...); the texts are a.tsv:3, ...". `record.bad` must
// be there.
std::string DescribeBadStep(const StepRecord& record);

}  // namespace lacos
