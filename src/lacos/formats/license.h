// The licence of a model folder, and what it asks of models that are made from it.
#pragma once

#include <string>

namespace lacos {

// The `license` in the YAML front matter of the README in `folder`, or an empty text.
std::string ReadLicense(const std::string& folder);

// One or two sentences for a person who uses or passes on a model made from a base under `license`:
// a word as in ReadLicense. BLOOM's own (BigScience RAIL License 1.0, paragraphs 4 and 5) and the
// other RAIL licences restrict uses, and the restrictions hold for derived models.
std::string LicenseNotice(const std::string& license);

}  // namespace lacos
