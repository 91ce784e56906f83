// The system that an evaluation measures: a model, the vectors of any other system, or a floor.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lacos/base/similarity.h"
#include "lacos/eval/embed_table.h"
#include "lacos/eval/tasks/floors.h"
#include "lacos/eval/tasks/text_table.h"
#include "lacos/io/json.h"
#include "lacos/kernels/backend.h"
#include "lacos/model/preset.h"
#include "lacos/model/text_prompt.h"

namespace lacos {

// The vectors of all texts, and the system's description (docs/evaluation.md).
struct MeasuredSystem {
  EmbeddedTable table;
  Similarity similarity = Similarity::kCosine;
  Json description = Json::Object();
  double seconds = 0;  // time that the vectors took
};

// How a model is used in an evaluation.
struct ModelUse {
  std::string name;  // what the description calls the model
  RolePrompts prompts;
  std::string prefix, suffix;  // the options with which the model was opened, for the description
  std::optional<Preset> preset;
  std::optional<Similarity> similarity;  // absent: the model's
  std::string cache;                     // folder where vectors are kept between runs; "" for none
  // See EmbedTable.
  std::function<void(int64_t texts, int64_t tokens, int64_t all_tokens)> progress;
  std::function<void(const std::string&)> on_warning;  // receives a line about a damaged cache
};
// Embeds the texts with a model.
MeasuredSystem MeasureModel(const TableEncoder& encoder, const TextTable& texts,
                            const ModelUse& use);

// The vectors of another system.
struct OtherSystem {
  std::string embeddings;  // an .npy file with a row for each text, in the table's order
  std::string about;       // a JSON file that says what made them, for the description; "" for none
  std::string name;        // what the description calls them, unless `about` does
  std::string texts_from;  // what gives the texts in order, for messages
};
// Reads them. Both functions describe `backend`, which will compare the vectors. Throws UserError for
// files that cannot be read, another number of rows, and rows that are zero or not finite.
MeasuredSystem MeasureEmbeddings(const OtherSystem& other, const TextTable& texts,
                                 const Backend& backend);

// Counts words.
MeasuredSystem MeasureFloor(Floor floor, const TextTable& texts, const Backend& backend);

}  // namespace lacos
