// The top level of tokenizer.json, and the way from a file to a Tokenizer. Everything that would
// change ids and is not implemented here is refused by name.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/io/mapped_file.h"
#include "lacos/text/bpe_tokenizer.h"
#include "lacos/text/fast_model_scan.h"
#include "lacos/text/spec_errors.h"
#include "lacos/text/tokenizer.h"
#include "lacos/text/tokenizer_spec.h"

namespace lacos {
namespace {

DecoderKind ReadDecoder(const Json& json) {
  DecoderKind kind = DecoderKind::kNone;
  if (json.IsNull()) return kind;
  ForEachProcessor(json, "decoders", [&](const Json& step) {
    const Json type = step.At("type");
    if (type.AsStringView() != "ByteLevel" || kind != DecoderKind::kNone) {
      RefuseUnsupported(step, fmt::format("the decoder {}", type.Dump()), "one ByteLevel or null");
    }
    kind = DecoderKind::kByteLevel;
  });
  return kind;
}

}  // namespace

void RefuseUnsupported(const Json& at, std::string_view found, std::string_view expected) {
  throw UserError(fmt::format(
      "{} found {}, which lacos does not support; expected {}; use a byte-level BPE tokenizer "
      "such as BLOOM's",
      at.Where(), found, expected));
}

void RefuseMalformed(const Json& at, std::string_view found, std::string_view expected) {
  throw UserError(fmt::format("{} found {}; expected {}; correct the file or fetch it again",
                              at.Where(), found, expected));
}

void RefuseUnknownKeys(const Json& object, std::initializer_list<std::string_view> known) {
  object.ForEachItem([&](std::string_view key, const Json& value) {
    if (value.IsNull() || std::find(known.begin(), known.end(), key) != known.end()) return;
    RefuseUnsupported(object, fmt::format("the key {}", Json(key).Dump()),
                      fmt::format("{}", fmt::join(known, ", ")));
  });
}

Json MemberOrNull(const Json& object, std::string_view key) {
  return object.Has(key) ? object.At(key) : Json();
}

bool BoolOr(const Json& object, std::string_view key, bool otherwise) {
  const std::optional<Json> member = object.Find(key);
  return member ? member->AsBool() : otherwise;
}

// The side of a text that truncation takes, which transformers uses if tokenizer_config.json does
// not say another. Everything else about truncation is set anew on every call.
bool ReadTruncateLeft(const Json& truncation) {
  if (truncation.IsNull()) return false;
  const Json direction = MemberOrNull(truncation, "direction");
  if (direction.IsNull()) return false;
  const std::string_view word = direction.AsStringView();
  if (word != "Left" && word != "Right")
    RefuseMalformed(direction, direction.Dump(), "\"Left\" or \"Right\"");
  return word == "Left";
}

TokenizerSpec ReadTokenizerSpec(const Json& root, TokenizerSpec spec) {
  if (!root.IsObject())
    RefuseMalformed(root, "no JSON object", "a tokenizer.json of Hugging Face tokenizers");
  // Padding is a known key and is ignored, because batches are never padded.
  RefuseUnknownKeys(root, {"version", "truncation", "padding", "added_tokens", "normalizer",
                           "pre_tokenizer", "post_processor", "decoder", "model"});
  const std::optional<Json> version = root.Find("version");
  if (version && version->AsString() != "1.0") {
    RefuseUnsupported(*version, fmt::format("version {}", version->Dump()), "\"1.0\"");
  }
  if (const std::optional<Json> normalizer = root.Find("normalizer")) {
    // an empty Sequence changes nothing
    ForEachProcessor(*normalizer, "normalizers", [](const Json& step) {
      RefuseUnsupported(step, fmt::format("the normalizer {}", step.At("type").Dump()), "null");
    });
  }
  ReadModelSpec(root.At("model"), spec);
  spec.added_tokens = ReadAddedTokens(MemberOrNull(root, "added_tokens"), spec.vocabulary);
  spec.pre_tokenizer = ReadPreTokenizerSpec(MemberOrNull(root, "pre_tokenizer"));
  spec.post_processor = ReadPostProcessorSpec(MemberOrNull(root, "post_processor"), spec);
  spec.decoder = ReadDecoder(MemberOrNull(root, "decoder"));
  spec.truncate_left = ReadTruncateLeft(MemberOrNull(root, "truncation"));
  return spec;
}

std::unique_ptr<Tokenizer> Tokenizer::FromJson(std::string_view json, const std::string& where,
                                               const TokenizerOptions& options) {
  const auto make = [&](TokenizerSpec spec) {
    if (const int64_t limit = spec.vocabulary.IdLimit(); limit > options.rows) {
      throw UserError(fmt::format(
          "[{}] the tokenizer has ids up to {}, but the word embedding has {} rows; expected a "
          "tokenizer that fits the model; use the tokenizer.json that came with it",
          where, limit - 1, options.rows));
    }
    ApplyOptions(options, spec);
    return std::make_unique<BpeTokenizer>(std::move(spec));
  };
  if (std::optional<FastModel> fast = ScanModel(json)) {
    try {
      const Json root = Json::Parse(fast->rest, where);
      return make(ReadTokenizerSpec(root, std::move(fast->spec)));
    } catch (const UserError&) {
      // The general parser below finds the same fault, with the lines and values of the whole file.
    }
  }
  return make(ReadTokenizerSpec(Json::Parse(json, where)));
}

std::unique_ptr<Tokenizer> Tokenizer::FromFile(const std::string& path,
                                               const TokenizerOptions& options) {
  // Far more than any tokenizer has. Below this limit, positions in its strings fit into 32 bits.
  constexpr size_t kMaxBytes = size_t{1} << 30;
  const MappedFile file(path);
  if (file.bytes().size() > kMaxBytes) {
    throw UserError(
        fmt::format("[{}] has {} bytes; expected a tokenizer.json of at most {}; check the file",
                    path, file.bytes().size(), kMaxBytes));
  }
  const std::span<const std::byte> bytes = file.bytes();
  return FromJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, options);
}

}  // namespace lacos
