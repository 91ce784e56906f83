// README.md of a trained folder: what the model is, how it was made and what it reached.
#pragma once

#include <string>

#include "lacos/formats/export.h"

namespace lacos {

// Markdown with the YAML front matter that model hubs read.
std::string ModelCard(const LoraAdapter& adapter, const ExportSettings& settings);

// The `license` of a README's YAML front matter in `folder`, or empty.
std::string ReadLicense(const std::string& folder);

}  // namespace lacos
