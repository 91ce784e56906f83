#include "lacos/formats/license.h"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBloomLicense = "bigscience-bloom-rail-1.0";
constexpr std::string_view kBloomLicenseText = "https://huggingface.co/spaces/bigscience/license";

// Whether the word names one of the Responsible AI Licences: bigscience-bloom-rail-1.0, openrail,
// openrail++, bigscience-openrail-m, creativeml-openrail-m, bigcode-openrail-m.
bool IsRail(std::string_view license) {
  return license.find("-rail-") != std::string_view::npos ||
         license.find("openrail") != std::string_view::npos;
}

}  // namespace

std::string ReadLicense(const std::string& folder) {
  const fs::path path = fs::path(folder) / "README.md";
  if (!FileExists(path)) return "";
  const std::string text = ReadFileToString(path.string());
  if (!text.starts_with("---\n")) return "";
  for (size_t begin = 4; begin < text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    std::string_view line(text.data() + begin, end - begin);
    if (line == "---") break;
    constexpr std::string_view kKey = "license:";
    if (line.starts_with(kKey)) {
      line.remove_prefix(kKey.size());
      while (!line.empty() && (line.front() == ' ' || line.front() == '"' || line.front() == '\''))
        line.remove_prefix(1);
      while (!line.empty() && (line.back() == ' ' || line.back() == '"' || line.back() == '\'' ||
                               line.back() == '\r')) {
        line.remove_suffix(1);
      }
      return std::string(line);
    }
    begin = end + 1;
  }
  return "";
}

std::string LicenseNotice(const std::string& license) {
  if (license.empty()) {
    return fmt::format(
        "The base's README names no licence. BLOOM's published weights are under the BigScience "
        "RAIL License 1.0, which restricts uses, also of models made from them: {}",
        kBloomLicenseText);
  }
  if (!IsRail(license))
    return fmt::format("The base is under the licence {}. Keep to it when you pass this model on.",
                       license);
  return fmt::format(
      "The base is under {}, which restricts uses. The restrictions hold for this model too: keep to "
      "them, and pass them on with a copy of the licence{}.",
      license, license == kBloomLicense ? fmt::format(" ({})", kBloomLicenseText) : std::string());
}

}  // namespace lacos
