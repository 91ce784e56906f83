#include "lacos/convert/adapter.h"

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/model_folder.h"
#include "lacos/formats/peft_config.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/record/run_record.h"

namespace lacos {

WrittenAdapter RewriteAdapter(const std::string& model, const std::string& output,
                              const AdapterOptions& options) {
  const ModelFolder folder = OpenModelFolder(model, options.base, options.adapter);
  if (folder.adapter_path.empty()) {
    throw UserError(fmt::format(
        "[{}] is a base without an adapter; expected one to write; pass `adapter`", model));
  }
  CheckOutput(output, {.overwrite = options.writing.overwrite,
                       .inputs = {folder.adapter_path, folder.base_path}});
  WrittenAdapter written{.adapter = ReadLoraAdapter(folder.adapter_path,
                                                    BaseWeights::Open(folder.base_path)->config()),
                         .base_name = options.base_name};
  if (options.causal_keys) written.adapter.causal_keys = *options.causal_keys;
  if (written.base_name.empty()) written.base_name = ReadAdapterBaseName(folder.adapter_path);
  if (written.base_name.empty()) written.base_name = folder.base_name;

  AtomicFolder target(output, options.writing.overwrite);
  WriteLoraAdapter(written.adapter, target.temporary(), written.base_name);
  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", "adapter");
  extra.Set("base_name", written.base_name);
  CommitFolder(target, options.writing,
               {.inputs = [&](RunInputs& inputs) { inputs.AddModel(folder); }}, extra);
  return written;
}

}  // namespace lacos
