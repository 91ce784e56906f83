#include "lacos/serve/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/model/bloom_model.h"

namespace lacos::serve {
namespace {

int64_t SecondsSince1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// Adapters whose last user has gone. They are freed when the next one is loaded or unloaded, on the
// computing thread, since the last user may be any thread.
struct Models::Garbage {
  // Makes room for so many adapters, so that Add needs no memory.
  void Reserve(size_t count) {
    const std::lock_guard lock(mutex);
    adapters.reserve(count);
  }
  void Add(int32_t adapter) {
    const std::lock_guard lock(mutex);
    adapters.push_back(adapter);
  }

  std::mutex mutex;
  std::vector<int32_t> adapters;
};

// Gives an attached adapter to the garbage at its end, once, since another one may get its number.
class Models::Attachment {
 public:
  Attachment(std::shared_ptr<Garbage> garbage, int32_t adapter) noexcept
      : garbage_(std::move(garbage)), adapter_(adapter) {}
  Attachment(Attachment&& other) noexcept = default;
  Attachment& operator=(Attachment&&) = delete;
  ~Attachment() {
    if (garbage_ != nullptr) garbage_->Add(adapter_);
  }
  int32_t adapter() const { return adapter_; }

 private:
  std::shared_ptr<Garbage> garbage_;
  int32_t adapter_;
};

struct Models::AttachedModel : ServedModel {
  AttachedModel(ServedModel model, Attachment held)
      : ServedModel(std::move(model)), attachment(std::move(held)) {}
  const Attachment attachment;
};

Models::Models(std::string name, SentenceEncoder& encoder, const SentenceEncoderOptions& options)
    : encoder_(encoder),
      options_(options),
      tokenizer_identity_(TokenizerIdentity(encoder.folder(), encoder.tokenizer())),
      tokenizer_(std::shared_ptr<const Tokenizer>(), &encoder.tokenizer()),
      run_alone_([](const std::function<void()>& work) { work(); }),
      garbage_(std::make_shared<Garbage>()) {
  default_ = std::make_shared<const ServedModel>(MakeModel(
      name, encoder.folder(), tokenizer_, encoder.model().adapters() > 0 ? 0 : kNoAdapter));
}

void Models::SetRunAlone(RunAlone run) {
  const std::lock_guard lock(mutex_);
  run_alone_ = std::move(run);
}

ServedModel Models::MakeModel(const std::string& name, const ModelFolder& folder,
                              std::shared_ptr<const Tokenizer> tokenizer, int32_t adapter) {
  ServedModel model;
  model.name = name;
  model.number = next_number_++;
  model.adapter = adapter;
  model.pooling = PoolingFor(options_, folder.settings);
  model.settings = folder.settings;
  model.text = TextOptionsFor(options_, folder.settings, *tokenizer);
  model.tokenizer = std::move(tokenizer);
  model.similarity = folder.settings.similarity.value_or(Similarity::kCosine);
  model.width = encoder_.model().config().hidden_size;
  model.dimension =
      model.text.truncate_dim > 0 ? std::min(model.text.truncate_dim, model.width) : model.width;
  model.created = SecondsSince1970();
  model.warnings = folder.warnings;
  for (std::string place : {folder.path, folder.base_path, folder.adapter_path}) {
    while (place.ends_with('/')) place.pop_back();
    model.places.push_back(std::move(place));
  }
  return model;
}

std::shared_ptr<const Tokenizer> Models::TokenizerFor(const ModelFolder& folder) const {
  std::shared_ptr<const Tokenizer> own =
      OpenTokenizer(folder, encoder_.model().config().vocab_size);
  return TokenizerIdentity(folder, *own) == tokenizer_identity_ ? tokenizer_ : own;
}

std::shared_ptr<const ServedModel> Models::Find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (name.empty() || adapters_.empty() || name == default_->name) return default_;
  for (const auto& model : adapters_) {
    if (model->name == name) return model;
  }
  return nullptr;
}

std::vector<std::shared_ptr<const ServedModel>> Models::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> all = {default_};
  all.insert(all.end(), adapters_.begin(), adapters_.end());
  std::sort(all.begin() + 1, all.end(),
            [](const auto& a, const auto& b) { return a->name < b->name; });
  return all;
}

std::shared_ptr<const ServedModel> Models::Load(const AdapterFolder& adapter) {
  RunAlone run;
  {
    const std::lock_guard lock(mutex_);
    run = run_alone_;
  }
  const auto is_taken = [&] {
    return adapter.name == default_->name ||
           std::any_of(adapters_.begin(), adapters_.end(),
                       [&](const auto& model) { return model->name == adapter.name; });
  };
  {
    const std::lock_guard lock(mutex_);
    if (is_taken()) return nullptr;
  }
  // Everything that takes long happens before the computing thread is asked.
  BloomModel& bloom = encoder_.model();
  const ModelFolder folder = OpenModelFolder(encoder_.folder().base_path, "", adapter.folder);
  std::optional<LoraAdapter> values = ReadLoraAdapter(folder.adapter_path, bloom.config());
  if (ChangesBiases(*values)) {
    throw UserError(fmt::format(
        "[adapter {}] changes biases, which all texts of a batch share; expected an adapter of LoRA "
        "matrices alone; serve it with --model, or merge it into its base first",
        adapter.name));
  }
  std::shared_ptr<const Tokenizer> tokenizer = TokenizerFor(folder);
  std::optional<Attachment> attachment;
  run([&] {
    CollectGarbage();
    garbage_->Reserve(static_cast<size_t>(bloom.adapters()) + 1);
    attachment.emplace(garbage_, bloom.Attach(*values, /*trainable=*/false));
  });
  // The values, and what it took to read them, need as much memory as the adapter or more.
  values.reset();
  ReturnFreeMemory();
  const std::lock_guard lock(mutex_);
  const auto model = std::make_shared<const AttachedModel>(
      MakeModel(adapter.name, folder, std::move(tokenizer), attachment->adapter()),
      *std::move(attachment));
  if (is_taken()) return nullptr;  // somebody else was faster; the model goes to the garbage
  adapters_.push_back(model);
  return model;
}

void Models::CollectGarbage() {
  const std::lock_guard lock(garbage_->mutex);
  while (!garbage_->adapters.empty()) {
    encoder_.model().Remove(garbage_->adapters.back());
    garbage_->adapters.pop_back();
  }
}

bool Models::Unload(const std::string& name) {
  RunAlone run;
  {
    std::shared_ptr<const ServedModel> gone;  // released after the lock
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(adapters_.begin(), adapters_.end(),
                                    [&](const auto& model) { return model->name == name; });
    if (found == adapters_.end()) return false;
    gone = std::move(*found);
    adapters_.erase(found);
    run = run_alone_;
  }
  run([&] { CollectGarbage(); });
  ReturnFreeMemory();
  return true;
}

std::string Models::WithoutPlaces(std::string message) const {
  // A folder comes after those inside it.
  std::set<std::string, std::greater<>> places;
  for (const auto& model : All()) places.insert(model->places.begin(), model->places.end());
  const auto replace = [&](const std::string& place, const std::string& by) {
    for (size_t at = 0; (at = message.find(place, at)) != std::string::npos; at += by.size())
      message.replace(at, place.size(), by);
  };
  for (const std::string& place : places) {
    const std::string name = std::filesystem::path(place).filename().string();
    if (name.empty() || name == place) continue;  // it tells nothing about other folders
    replace(place + "/", "");
    replace(place, name);
  }
  return message;
}

std::vector<std::string> Models::PromptNames() const {
  std::set<std::string> names;
  for (const auto& model : All()) {
    for (const auto& [name, text] : model->settings.prompts) names.insert(name);
  }
  return {names.begin(), names.end()};
}

}  // namespace lacos::serve
