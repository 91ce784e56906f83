#include "lacos/formats/model_card.h"

#include <fmt/format.h>

#include "lacos/base/version.h"
#include "lacos/formats/license.h"
#include "lacos/io/json.h"

namespace lacos {
namespace {

// A JSON string is a YAML string too.
std::string Quote(const std::string& text) { return Json(text).Dump(); }

// Whether the text is the name of a model on a hub: "owner/name" or "name". Paths of this machine
// do not belong into the front matter.
bool IsHubName(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.front() == '.' || name.front() == '~')
    return false;
  if (name.find('\\') != std::string::npos || name.find("//") != std::string::npos) return false;
  return name.find('/') == name.rfind('/') && name.back() != '/';
}

// The text of a table's cell, in which a bar or a line break would end the cell.
std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' || c == '\r' ? ' ' : c;
  }
  return cell;
}

std::string AdapterSummary(const LoraAdapter& adapter) {
  int64_t values = 0;
  for (const auto& [name, module] : adapter.modules) {
    values += static_cast<int64_t>(module.a.values.size() + module.b.values.size());
  }
  for (const auto& [name, bias] : adapter.biases)
    values += static_cast<int64_t>(bias.values.size());
  if (adapter.modules.empty())
    return fmt::format("{} trained values: the biases of the base", values);
  return fmt::format("{} trained values: LoRA of rank {} on {} linear layers", values,
                     adapter.settings.rank, adapter.modules.size());
}

}  // namespace

std::string ModelCard(const LoraAdapter& adapter, const ExportSettings& settings) {
  std::string card = "---\n";
  if (!settings.base_license.empty()) card += "license: " + Quote(settings.base_license) + "\n";
  if (IsHubName(settings.base_name)) card += "base_model: " + Quote(settings.base_name) + "\n";
  card += "library_name: sentence-transformers\npipeline_tag: sentence-similarity\ntags:\n";
  for (const char* tag : {"sentence-transformers", "sentence-similarity", "feature-extraction",
                          "bloom", "lora", "lacos"}) {
    card += fmt::format("- {}\n", tag);
  }
  card += "---\n\n# Sentence embeddings from BLOOM\n\n";
  card += fmt::format(
      "This model maps a text to a vector of {} numbers whose {} says how similar two texts are. It is "
      "an adapter for {}, trained with lacos {}.\n\n",
      settings.hidden_size,
      kSimilarityNames[settings.origin.similarity.value_or(Similarity::kCosine)].title,
      IsHubName(settings.base_name) ? settings.base_name : "its base model", kLacosVersion);
  card += "```python\nfrom sentence_transformers import SentenceTransformer\n\n";
  card += "model = SentenceTransformer(\"path/of/this/folder\")\n";
  card += "vectors = model.encode([\"A man is eating.\", \"Someone eats.\"])\n";
  card += "print(model.similarity(vectors, vectors))\n```\n\n## Model\n\n| | |\n|---|---|\n";
  card += fmt::format("| adapter | {} |\n", AdapterSummary(adapter));
  card += fmt::format("| pooling | {} |\n", Name(settings.pooling));
  card += fmt::format("| normalized | {} |\n", settings.normalize ? "yes" : "no");
  card += fmt::format("| longest text | {} tokens |\n", settings.max_length);
  card += fmt::format("| whitespace stripped | {} |\n", settings.strip ? "yes" : "no");
  if (!settings.recipe.empty()) {
    card += "\n## Recipe\n\n| setting | value |\n|---|---|\n";
    for (const auto& [name, value] : settings.recipe)
      card += fmt::format("| {} | {} |\n", Cell(name), Cell(value));
  }
  if (!settings.scores.empty()) {
    card += "\n## Scores\n\n| | |\n|---|---|\n";
    for (const auto& [name, value] : settings.scores)
      card += fmt::format("| {} | {} |\n", Cell(name), Cell(value));
  }
  card += "\n## Licence\n\n" + LicenseNotice(settings.base_license) + "\n";
  return card;
}

}  // namespace lacos
