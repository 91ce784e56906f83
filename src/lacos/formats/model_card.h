// The README.md of a trained folder: what the model is, how it was trained, and its scores.
#pragma once

#include <string>

#include "lacos/formats/export.h"

namespace lacos {

// The card in Markdown, with the YAML front matter that model hubs read.
std::string ModelCard(const LoraAdapter& adapter, const ExportSettings& settings);

// The `license` in the YAML front matter of the README in `folder`, or an empty text.
std::string ReadLicense(const std::string& folder);

}  // namespace lacos
