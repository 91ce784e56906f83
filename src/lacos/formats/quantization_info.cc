#include "lacos/formats/quantization_info.h"

#include <fmt/format.h>

#include <bit>

#include "lacos/base/error.h"

namespace lacos {
namespace {

// Reads the settings that transformers writes for codes of other programs. Folders from before
// quant_method existed have only bitsandbytes' own flags.
QuantizationInfo ParseQuantizationConfig(const Json& json, const std::string& where) {
  const auto refuse = [&](const std::string& found) {
    throw UserError(fmt::format(
        "[{}: quantization_config] found {}; expected bitsandbytes' 8-bit weights or an original "
        "model; quantize the original with `lacos quantize`",
        where, found));
  };
  const auto flag = [&](const char* key) {
    const auto value = json.Find(key);
    return value && value->AsBool();
  };
  if (const auto method = json.Find("quant_method");
      method && method->AsString() != "bitsandbytes") {
    refuse(fmt::format("the method '{}'", method->AsString()));
  }
  if (flag("load_in_4bit")) refuse("4-bit weights");
  if (!flag("load_in_8bit")) refuse("no load_in_8bit");
  return {.scheme = QuantScheme::kLinear, .bitsandbytes = true};
}

}  // namespace

QuantizationInfo ParseQuantization(const Json& config, const std::string& where) {
  QuantizationInfo info;
  const auto json = config.Find("quantization");
  if (!json) {
    const auto other = config.Find("quantization_config");
    return other ? ParseQuantizationConfig(*other, where) : info;
  }
  const std::string scheme = json->At("scheme").AsString();
  info.scheme = Parse<QuantScheme>(scheme).value_or(QuantScheme::kNone);
  if (info.scheme == QuantScheme::kNone) {
    throw UserError(fmt::format(
        "[{}: quantization.scheme] found '{}'; expected linear or dynamic; quantize the "
        "original again with this version of lacos",
        where, scheme));
  }
  const Json block = json->At("block_size");
  if (block.IsString() && block.AsString() == "row") return info;
  info.block_size = block.AsInt();
  if (info.block_size < 64 || info.block_size > 4096 ||
      !std::has_single_bit(static_cast<uint64_t>(info.block_size))) {
    throw UserError(fmt::format(
        "[{}: quantization.block_size] found {}; expected \"row\" or a power of two from 64 to "
        "4096; quantize the original again",
        where, block.Dump()));
  }
  return info;
}

}  // namespace lacos
