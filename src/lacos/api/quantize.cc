// Quantize: the words of the options become the library's own.
#include "lacos/quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>

#include "lacos/api/call.h"
#include "lacos/base/error.h"
#include "lacos/base/word_value.h"
#include "lacos/capi/call_record.h"
#include "lacos/convert/quantize.h"

namespace lacos::v0 {

QuantizeReport Quantize(const std::string& model, const std::string& output,
                        const QuantizeOptions& options) {
  return Call([&] {
    const auto scheme = WordValue<QuantScheme>("scheme", options.scheme);
    if (scheme == QuantScheme::kNone) {
      throw UserError("[`scheme`] found 'none'; expected linear or dynamic; correct it");
    }
    std::atomic<bool> stopped = false;
    Json call = Json::Object();
    call.Set("model", model);
    call.Set("scheme", options.scheme);
    call.Set("block_size", options.block_size);
    call.Set("keep_embedding", options.keep_embedding);
    call.Set("layout", options.layout);
    if (!options.base_name.empty()) call.Set("base_name", options.base_name);
    OutputOptions writing{.overwrite = options.overwrite};
    writing.record = capi::RecordOfCall({.command = "quantize",
                                         .interface = "lacos/quantize.h",
                                         .function = "lacos::Quantize",
                                         .settings = call,
                                         .output = output});
    writing.progress = [&](const WorkProgress& work) {
      if (options.progress && !options.progress(work.done, work.total)) stopped = true;
    };
    writing.check_cancel = [&] {
      if (stopped) throw StopWork();
    };
    const lacos::QuantizeReport report =
        QuantizeFolder(model, output,
                       {.scheme = scheme,
                        .block_size = options.block_size,
                        .keep_embedding = options.keep_embedding,
                        .layout = WordValue<QuantizedLayout>("layout", options.layout),
                        .base_name = options.base_name,
                        .writing = writing});
    return QuantizeReport{.bytes_before = report.bytes_before,
                          .bytes_after = report.bytes_after,
                          .relative_error = report.relative_error};
  });
}

}  // namespace lacos::v0
