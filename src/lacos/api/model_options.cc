#include "lacos/api/model_options.h"

#include <fmt/format.h>

#include "lacos/base/compute.h"
#include "lacos/base/enum_names.h"
#include "lacos/base/error.h"
#include "lacos/base/pooling.h"
#include "lacos/base/word_value.h"

namespace lacos::v0 {
namespace {

// The number that lacos.h has for a word.
template <NamedEnum E>
int32_t NumberOf(const char* setting, const std::string& word) {
  return NamesOf(E{})[WordValue<E>(setting, word)].c_value;
}

}  // namespace

int32_t Choice(const std::optional<bool>& value) {
  return !value ? LACOS_DEFAULT : *value ? LACOS_YES : LACOS_NO;
}

lacos_options FieldsOf(const SentenceEncoderOptions& options) {
  lacos_options fields = LACOS_OPTIONS_INIT;
  fields.base = options.base.c_str();
  fields.adapter = options.adapter.c_str();
  fields.compute = NumberOf<Compute>("compute", options.compute);
  if (options.pooling) fields.pooling = NumberOf<Pooling>("pooling", *options.pooling);
  fields.normalize = Choice(options.normalize);
  fields.strip = Choice(options.strip);
  fields.threads = options.threads;
  if (options.max_length && *options.max_length < 1) {
    throw UserError(fmt::format("[`max_length`] found {}; expected at least 1; correct it",
                                *options.max_length));
  }
  fields.max_length = options.max_length.value_or(0);
  fields.batch_tokens = options.batch_tokens;
  fields.prefix = options.prefix.c_str();
  fields.suffix = options.suffix.c_str();
  fields.preset = options.preset.c_str();
  fields.device = options.device.c_str();
  return fields;
}

}  // namespace lacos::v0
