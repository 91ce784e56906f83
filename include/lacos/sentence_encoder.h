// A model that turns texts into vectors.
//
//     lacos::SentenceEncoder encoder("trained");
//     lacos::Vectors vectors = encoder.Encode({"A man plays a guitar.", "Someone makes music."});
//     float cosine = lacos::Cosines(vectors, vectors)[1];
#ifndef LACOS_CPP_SENTENCE_ENCODER_H_
#define LACOS_CPP_SENTENCE_ENCODER_H_

#include <lacos/search.h>
#include <lacos/version.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

LACOS_BEGIN_NAMESPACE

// How a model is opened. An absent value means the setting of the folder, or else the default that
// is given here.
struct SentenceEncoderOptions {
  std::string base;              // new path of a trained folder's base after a move; "": not moved
  std::string adapter;           // folder of a PEFT adapter to add to a base; "": none
  std::string compute = "bf16";  // arithmetic of products with frozen weights: f32, bf16 or int8
  // How the vectors of a text's tokens become one: mean (the default), weighted_mean, last, cls,
  // max or mean_sqrt_len.
  std::optional<std::string> pooling;
  std::optional<bool> normalize;           // scale every vector to length 1; default: no
  std::optional<bool> strip;               // remove whitespace at both ends of a text; default: no
  std::optional<std::int64_t> max_length;  // tokens of a text that are used; default: 2048
  // Texts whose tokens are put before and after those of every text and its prompt. They are never
  // cut off.
  std::string prefix, suffix;
  // How a published BLOOM embedder is used: sgpt-bloom, udever, bloomz-retriever or
  // bloomz-retriever-v2 (docs/interop.md); "": as the folder says. It decides pooling, length and
  // similarity, unless options above do, and what goes around texts with the prompt names query and
  // document.
  std::string preset;
  std::int64_t batch_tokens = 4096;  // tokens computed at a time; changes memory, never results
  int threads = 0;                   // 0: all cores that the process may use
  // Where to compute: cpu, cuda (an NVIDIA GPU), cuda:N (the GPU with this number), or auto (a GPU if
  // one can be used, or else the CPU).
  std::string device = "cpu";
};

struct EncodeStatistics {
  std::int64_t texts = 0;
  std::int64_t tokens = 0;     // tokens after truncation
  std::int64_t truncated = 0;  // texts that were longer than max_length
  std::int64_t empty = 0;      // texts without tokens, whose vectors are zero
};

// How texts are encoded.
struct EncodeOptions {
  std::optional<std::string> prompt;  // put before every text; absent: see prompt_name
  std::string prompt_name;  // one of the folder's prompts; "": the folder's default, if it has one
  // A prompt for each text, in their order, in place of the above; empty: none.
  std::vector<std::string> prompts;
  std::optional<bool> normalize;  // absent: the setting of the model
  // Number of leading values of a vector to keep, before it is scaled to length 1; at most those of
  // the model. 0: dimension().
  std::size_t truncate_dim = 0;
  // Called between slices with the number of texts done and of all texts, in the thread of the
  // call. If it returns false, the call throws Cancelled.
  std::function<bool(std::size_t done, std::size_t total)> progress;
  EncodeStatistics* statistics = nullptr;  // receives the counts, if it is not null
};

// Every method may be called from several threads at once. One thread of the library computes for
// all models of the process, and calls take turns. A model that was opened before a fork() cannot
// encode in the child.
class LACOS_API SentenceEncoder {
 public:
  // Opens an original BLOOM folder, a quantized one, a trained output folder or a
  // sentence-transformers folder. Throws Error if the folder or an option is wrong.
  explicit SentenceEncoder(const std::string& model, const SentenceEncoderOptions& options = {});
  ~SentenceEncoder();
  SentenceEncoder(SentenceEncoder&&) noexcept;
  SentenceEncoder& operator=(SentenceEncoder&&) noexcept;

  // Settings in use, after the folder's settings and the defaults:

  // Values in a vector, D: those of the model, or fewer if the folder's truncate_dim says so.
  std::size_t dimension() const;
  std::size_t max_length() const;  // tokens of a text that are used
  std::string compute() const;
  std::string pooling() const;
  bool normalize() const;
  bool strip() const;
  // How the folder's vectors are to be compared, for Similarities: cosine, dot, euclidean or
  // manhattan.
  std::string similarity() const;
  // The folder's prompts by name.
  std::map<std::string, std::string> prompts() const;
  // The name of the prompt that is used if a call names none, or "".
  std::string default_prompt_name() const;
  // What the user should know, one line each: keys of the folder that lacos does not use, that int8
  // is slower than bf16 on this GPU, and the like.
  std::vector<std::string> warnings() const;
  // Kernels and instruction set in use, as one line for bug reports.
  std::string description() const;

  // The vectors [texts.size(), D] of texts in UTF-8, in their order. D is truncate_dim if that is
  // not 0. A vector depends neither on the other texts nor on the number of threads, and it equals
  // the vector that `lacos embed` writes with the same settings. Throws Error for a text that is
  // not UTF-8, naming its index and the byte, both counted from 0.
  Vectors Encode(const std::vector<std::string>& texts, const EncodeOptions& options = {}) const;

 private:
  friend struct SentenceEncoderAccess;  // for functions of the library that take an encoder
  struct State;
  std::unique_ptr<State> state_;
};

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_SENTENCE_ENCODER_H_
