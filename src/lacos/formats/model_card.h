// The README.md of a trained folder: what the model is, how it was trained, its scores, and
// what the licence of its base asks.
#pragma once

#include <string>

#include "lacos/formats/export.h"

namespace lacos {

// The card in Markdown, with the YAML front matter that model hubs read.
std::string ModelCard(const LoraAdapter& adapter, const ExportSettings& settings);

}  // namespace lacos
