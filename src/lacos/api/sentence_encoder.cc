// The C++ face of the functions of lacos.h: models and vectors.
#include "lacos/sentence_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lacos.h"
#include "lacos/api/access.h"
#include "lacos/api/call.h"
#include "lacos/api/model_options.h"
#include "lacos/base/compute.h"
#include "lacos/base/enum_names.h"
#include "lacos/base/error.h"
#include "lacos/base/pooling.h"
#include "lacos/base/similarity.h"
#include "lacos/base/word_value.h"

namespace lacos::v0 {
namespace {

using Model = std::unique_ptr<lacos_model, decltype(&lacos_close)>;

template <NamedEnum E>
std::string WordOf(int32_t number) {
  for (const auto& names : NamesOf(E{})) {
    if (names.c_value == number) return std::string(names.word);
  }
  return "";
}

Model Open(const std::string& path, const SentenceEncoderOptions& options) {
  const lacos_options fields = FieldsOf(options);
  lacos_model* model = nullptr;
  RequireOk(lacos_open(path.c_str(), &fields, &model));
  return Model(model, lacos_close);
}

// Calls of lacos_encode with one prompt each, whose progress is that of the whole.
struct Encoding {
  lacos_model* model;
  const EncodeOptions& options;
  size_t done = 0, total = 0;
  EncodeStatistics statistics = {};

  // `prompt` may be null: then `prompt_name` or the folder decides.
  void Run(const std::vector<const std::string*>& texts, const char* prompt, float* out,
           size_t out_floats) {
    std::vector<const char*> begins;
    std::vector<size_t> lengths;
    for (const std::string* text : texts) {
      begins.push_back(text->data());
      lengths.push_back(text->size());
    }
    lacos_encode_options fields = LACOS_ENCODE_OPTIONS_INIT;
    fields.prompt = prompt;
    fields.prompt_name = options.prompt_name.c_str();
    fields.normalize = Choice(options.normalize);
    fields.truncate_dim = options.truncate_dim;
    if (options.progress) {
      fields.progress = [](void* context, size_t now, size_t) -> int {
        const auto* self = static_cast<const Encoding*>(context);
        return self->options.progress(self->done + now, self->total) ? 0 : 1;
      };
      fields.progress_context = this;
    }
    lacos_encode_stats counts{};
    RequireOk(lacos_encode(model, begins.data(), lengths.data(), texts.size(), &fields, out,
                           out_floats, &counts));
    done += texts.size();
    statistics.texts += static_cast<int64_t>(counts.texts);
    statistics.tokens += static_cast<int64_t>(counts.tokens);
    statistics.truncated += static_cast<int64_t>(counts.truncated);
    statistics.empty += static_cast<int64_t>(counts.empty);
  }
};

// Encodes the texts of each prompt together.
void EncodeByPrompt(Encoding& encoding, const std::vector<std::string>& texts, Vectors& vectors) {
  const std::vector<std::string>& prompts = encoding.options.prompts;
  if (prompts.size() != texts.size()) {
    throw UserError(
        fmt::format("[prompts] found {} prompts for {} texts; expected one for each; "
                    "correct it",
                    prompts.size(), texts.size()));
  }
  std::map<std::string, std::vector<size_t>> rows_of;
  for (size_t i = 0; i < texts.size(); ++i) rows_of[prompts[i]].push_back(i);
  const size_t d = vectors.dimension;
  for (const auto& [prompt, rows] : rows_of) {
    std::vector<const std::string*> chosen;
    for (const size_t row : rows) chosen.push_back(&texts[row]);
    std::vector<float> values(rows.size() * d);
    encoding.Run(chosen, prompt.c_str(), values.data(), values.size());
    for (size_t i = 0; i < rows.size(); ++i)
      std::copy_n(values.data() + i * d, d, vectors.values.data() + rows[i] * d);
  }
}

}  // namespace

struct SentenceEncoder::State {
  Model model;
};

const lacos_model& SentenceEncoderAccess::Model(const SentenceEncoder& encoder) {
  return *encoder.state_->model;
}

SentenceEncoder::SentenceEncoder(const std::string& model, const SentenceEncoderOptions& options)
    : state_(Call([&] { return std::make_unique<State>(State{Open(model, options)}); })) {}
SentenceEncoder::~SentenceEncoder() = default;
SentenceEncoder::SentenceEncoder(SentenceEncoder&&) noexcept = default;
SentenceEncoder& SentenceEncoder::operator=(SentenceEncoder&&) noexcept = default;

size_t SentenceEncoder::dimension() const { return lacos_dimension(state_->model.get()); }
size_t SentenceEncoder::max_length() const { return lacos_max_length(state_->model.get()); }
std::string SentenceEncoder::compute() const {
  return WordOf<Compute>(lacos_get_compute(state_->model.get()));
}
std::string SentenceEncoder::pooling() const {
  return WordOf<Pooling>(lacos_get_pooling(state_->model.get()));
}
bool SentenceEncoder::normalize() const {
  return lacos_get_normalize(state_->model.get()) == LACOS_YES;
}
bool SentenceEncoder::strip() const { return lacos_get_strip(state_->model.get()) == LACOS_YES; }
std::string SentenceEncoder::similarity() const {
  return WordOf<Similarity>(lacos_get_similarity(state_->model.get()));
}
std::string SentenceEncoder::description() const { return lacos_description(state_->model.get()); }

std::string SentenceEncoder::default_prompt_name() const {
  return lacos_default_prompt_name(state_->model.get());
}

std::vector<std::string> SentenceEncoder::warnings() const {
  std::vector<std::string> warnings;
  const lacos_model* model = state_->model.get();
  while (const char* warning = lacos_warning(model, warnings.size()))
    warnings.emplace_back(warning);
  return warnings;
}

std::map<std::string, std::string> SentenceEncoder::prompts() const {
  std::map<std::string, std::string> prompts;
  const lacos_model* model = state_->model.get();
  for (size_t i = 0; i < lacos_prompt_count(model); ++i) {
    const char* name = lacos_prompt_name(model, i);
    prompts[name] = lacos_prompt_text(model, name);
  }
  return prompts;
}

Vectors SentenceEncoder::Encode(const std::vector<std::string>& texts,
                                const EncodeOptions& options) const {
  return Call([&] {
    Vectors vectors;
    vectors.dimension = options.truncate_dim > 0 ? options.truncate_dim : dimension();
    Encoding encoding{.model = state_->model.get(), .options = options, .total = texts.size()};
    // A call without texts checks an unusual number before there is room for so many values.
    if (vectors.dimension > dimension()) encoding.Run({}, "", nullptr, 0);
    vectors.values.resize(texts.size() * vectors.dimension);
    if (options.prompts.empty()) {
      std::vector<const std::string*> all;
      for (const std::string& text : texts) all.push_back(&text);
      encoding.Run(all, options.prompt ? options.prompt->c_str() : nullptr, vectors.values.data(),
                   vectors.values.size());
    } else {
      EncodeByPrompt(encoding, texts, vectors);
    }
    if (options.statistics != nullptr) *options.statistics = encoding.statistics;
    return vectors;
  });
}

}  // namespace lacos::v0
