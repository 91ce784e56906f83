// The names that a server answers to, and how each reads texts: the model it was started with, and
// adapters over the same base.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lacos/formats/model_folder.h"
#include "lacos/model/sentence_encoder.h"

namespace lacos::serve {

// How one name turns texts into vectors. It does not change, and lives as long as a request uses it.
struct ServedModel {
  std::string name;
  uint64_t number = 0;  // different for every model that was ever loaded
  int32_t adapter = 0;  // for EngineText
  Pooling pooling = Pooling::kMean;
  EmbeddingSettings settings;  // the folder's
  TextEncoderOptions text;
  std::shared_ptr<const Tokenizer> tokenizer;
  Similarity similarity = Similarity::kCosine;
  int64_t width = 0;                  // D
  int64_t dimension = 0;              // values that are kept unless a request says otherwise
  int64_t created = 0;                // seconds since 1970
  std::vector<std::string> warnings;  // what the user should know about the folder
  std::vector<std::string> places;    // the folder, its base's and its adapter's
};

struct AdapterFolder {
  std::string name, folder;
};

class Models {
 public:
  // Runs work on the computing thread, between batches, and waits for it. Rethrows its exceptions.
  using RunAlone = std::function<void(const std::function<void()>&)>;

  // `encoder` is the opened model, whose options were `options`; it must outlive this object.
  Models(std::string name, SentenceEncoder& encoder, const SentenceEncoderOptions& options);

  // How adapters are attached and removed from now on; at first, directly.
  void SetRunAlone(RunAlone run);

  // The model of a name; the first one for an empty name, and for any name as long as there is no
  // other. Null if there is none.
  std::shared_ptr<const ServedModel> Find(const std::string& name) const;
  std::vector<std::shared_ptr<const ServedModel>> All() const;  // the first one, then by name
  std::shared_ptr<const ServedModel> Default() const { return default_; }

  // Loads an adapter. Throws UserError if the folder has none for this base, and for one that changes
  // biases, which all texts of a batch share. Returns nothing if the name is taken.
  std::shared_ptr<const ServedModel> Load(const AdapterFolder& adapter);
  // Forgets the name. The adapter's memory is freed once no request uses it. False for an unknown
  // name, and for the model that the server was started with.
  bool Unload(const std::string& name);

  // The names of the prompts of all models, each once.
  std::vector<std::string> PromptNames() const;

  // The message without the paths of the models' folders, since clients are not told where the
  // server's files are: "[/srv/base/model.safetensors]" becomes "[model.safetensors]".
  std::string WithoutPlaces(std::string message) const;

 private:
  struct Garbage;
  class Attachment;
  struct AttachedModel;

  ServedModel MakeModel(const std::string& name, const ModelFolder& folder,
                        std::shared_ptr<const Tokenizer> tokenizer, int32_t adapter);
  std::shared_ptr<const Tokenizer> TokenizerFor(const ModelFolder& folder) const;
  // Frees the adapters that no request uses any more; on the computing thread.
  void CollectGarbage();

  SentenceEncoder& encoder_;
  const SentenceEncoderOptions options_;
  const std::string tokenizer_identity_;
  std::shared_ptr<const Tokenizer> tokenizer_;  // the opened model's; not owned
  std::shared_ptr<const ServedModel> default_;

  mutable std::mutex mutex_;
  RunAlone run_alone_;
  uint64_t next_number_ = 0;
  std::vector<std::shared_ptr<const ServedModel>> adapters_;
  std::shared_ptr<Garbage> garbage_;  // adapters that no request uses any more
};

}  // namespace lacos::serve
