// The tasks of a prepared suite (data/suite.h) under the names that `lacos eval --suite` takes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lacos/data/suite.h"
#include "lacos/data/suite_families.h"
#include "lacos/eval/tasks/tasks.h"

namespace lacos {

// The tasks in the order of `names` (data/suite_families.h), without repetition. `absent` lists the
// sets that a name stands for but that the suite lacks. In retrieval, the questions of every
// language are asked of its own paragraphs; other languages' questions are also asked of the
// English paragraphs, and English questions of theirs; `keep_identical_ids` is that of
// MakeRetrievalTask. In classification, models for sets with a
// test split are trained on the train split, and other sets are cross-validated. Throws UserError
// for an unknown name and for files that do not agree with the suite's index.
std::vector<std::unique_ptr<EvaluationTask>> SuiteTasks(const Suite& suite,
                                                        const std::vector<std::string>& names,
                                                        const ClassificationProtocol& protocol,
                                                        bool keep_identical_ids,
                                                        std::vector<std::string>& absent);

}  // namespace lacos
