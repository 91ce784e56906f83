// The tasks of a prepared suite (data/suite.h) under the names that `lacos eval --suite` takes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lacos/data/suite.h"
#include "lacos/data/suite_families.h"
#include "lacos/eval/tasks/tasks.h"

namespace lacos {

// Tasks in the order of `names` (data/suite_families.h) without repetition. Sets that a name stands
// for and the suite does not have are named in `absent`. Retrieval: every language's questions
// among its own paragraphs, and every other language's among the English ones and the reverse.
// Classification: sets with a test split are trained on their train split, others cross-validated.
// Throws UserError for an unknown name and for files that do not agree with the suite's index.
std::vector<std::unique_ptr<EvaluationTask>> SuiteTasks(const Suite& suite,
                                                        const std::vector<std::string>& names,
                                                        const ClassificationProtocol& protocol,
                                                        std::vector<std::string>& absent);

}  // namespace lacos
