#include "lacos/text/bpe_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos/base/error.h"
#include "lacos/io/utf8.h"
#include "lacos/text/byte_level.h"
#include "lacos/text/split_pattern.h"
#include "lacos/text/utf8.h"

namespace lacos {
namespace {

// Copies a text so that WordCache may read past its end; the returned view is the text.
std::string_view CopyPadded(std::string_view prefix, std::string_view text, std::string& buffer) {
  buffer.reserve(prefix.size() + text.size() + WordCache::kReadableAfter);
  buffer.assign(prefix);
  buffer.append(text);
  buffer.append(WordCache::kReadableAfter, '\0');
  return std::string_view(buffer).substr(0, prefix.size() + text.size());
}

// Of each byte the number of the character that it belongs to.
std::vector<int64_t> CharacterOfByte(std::string_view text) {
  std::vector<int64_t> character(text.size());
  int64_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && !IsContinuation(text[i])) ++count;
    character[i] = count;
  }
  return character;
}

// White space as the ByteLevel post-processor counts it in a token: U+0120, which spells a blank, or real
// white space.
int64_t CountSpaces(std::string_view token, bool from_end) {
  int64_t count = 0;
  while (!token.empty()) {
    size_t at = 0;
    if (from_end) {
      at = token.size() - 1;
      while (at > 0 && IsContinuation(token[at])) --at;
    }
    const CodePoint point = DecodeUtf8(token, at);
    const bool space = point.value == ByteLevelCharacter(' ') ||
                       (UnicodeTable::Get().Classes(point.value) & kSpaceClass) != 0;
    if (!space) break;
    token = from_end ? token.substr(0, at) : token.substr(point.length);
    ++count;
  }
  return count;
}

// What ByteLevel's trim_offsets does to one token of the text; `first`: it is the text's first token.
void TrimOffsets(std::string_view token, bool first, bool add_prefix_space,
                 std::pair<int64_t, int64_t>& offsets) {
  int64_t leading = CountSpaces(token, false);
  const int64_t trailing = CountSpaces(token, true);
  if (leading > 0) {
    // One blank at the start counts as the added one, which is not in the text; several do not.
    if ((first || offsets.first == 0) && add_prefix_space && leading == 1) leading = 0;
    offsets.first = std::min(offsets.first + leading, offsets.second);
  }
  if (trailing > 0 && offsets.second >= trailing) {
    offsets.second = std::max(offsets.second - trailing, offsets.first);
  }
}

}  // namespace

// Takes a Scratch out of the tokenizer's pool for the time of one call.
class BpeTokenizer::ScratchLease {
 public:
  explicit ScratchLease(const BpeTokenizer& tokenizer) : pool_(tokenizer.pool_) {
    for (size_t i = 0; i < kPoolSize && !scratch_; ++i) {
      std::atomic<Scratch*>& slot = pool_[(Home() + i) % kPoolSize];
      if (slot.load(std::memory_order_relaxed)) scratch_.reset(slot.exchange(nullptr));
    }
    if (!scratch_) scratch_ = std::make_unique<Scratch>();
  }
  ~ScratchLease() {
    for (size_t i = 0; i < kPoolSize && scratch_; ++i) {
      Scratch* expected = nullptr;
      std::atomic<Scratch*>& slot = pool_[(Home() + i) % kPoolSize];
      if (slot.compare_exchange_strong(expected, scratch_.get()))
        scratch_.release();  // NOLINT: the pool owns it
    }
  }
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;
  Scratch& operator*() const { return *scratch_; }

 private:
  // Where this thread looks first, so that it finds the words it has cached.
  static size_t Home() {
    static std::atomic<size_t> threads = 0;
    thread_local const size_t home = threads++;
    return home;
  }
  std::array<std::atomic<Scratch*>, kPoolSize>& pool_;
  std::unique_ptr<Scratch> scratch_;
};

BpeTokenizer::BpeTokenizer(TokenizerSpec spec)
    : vocabulary_(std::move(spec.vocabulary)),
      added_tokens_(std::move(spec.added_tokens)),
      pre_tokenizer_(std::move(spec.pre_tokenizer)),
      post_processor_(std::move(spec.post_processor)),
      decoder_(spec.decoder),
      ignore_merges_(spec.ignore_merges),
      bpe_(spec.alphabet, spec.merges),
      vocabulary_size_(vocabulary_.IdLimit()) {
  for (const AddedToken& token : added_tokens_.tokens()) {
    vocabulary_size_ = std::max<int64_t>(vocabulary_size_, int64_t{1} + token.id);
  }
}

BpeTokenizer::~BpeTokenizer() {
  for (std::atomic<Scratch*>& slot : pool_) delete slot.load();
}

template <class F>
void BpeTokenizer::ForEachWordFrom(size_t split, std::string_view text, Scratch& scratch, F&& f) const {
  if (split < pre_tokenizer_.splits.size()) {
    ForEachPiece(pre_tokenizer_.splits[split], text,
                 [&](std::string_view piece) { ForEachWordFrom(split + 1, piece, scratch, f); });
    return;
  }
  const bool prefixed = pre_tokenizer_.add_prefix_space && text[0] != ' ';
  if (prefixed) text = CopyPadded(" ", text, scratch.piece);
  if (!pre_tokenizer_.use_regex) {
    f(text, prefixed);
  } else {
    ForEachPiece(SplitPattern::kGpt2, text, [&](std::string_view piece) { f(piece, prefixed); });
  }
}

template <class F>
void BpeTokenizer::ForEachWord(std::string_view text, Scratch& scratch, F&& f) const {
  const PreTokenizerSpec& spec = pre_tokenizer_;
  if (spec.splits.size() == 1 && !spec.add_prefix_space &&
      !spec.use_regex) {  // BLOOM: the loop without branches
    ForEachPiece(spec.splits[0], text, [&](std::string_view piece) { f(piece, false); });
  } else if (!text.empty()) {
    ForEachWordFrom(0, text, scratch, f);
  }
}

int32_t BpeTokenizer::WholeWord(std::string_view word, Scratch& scratch) const {
  if (!ignore_merges_) return -1;
  scratch.spelled.clear();
  AppendByteLevel(word, scratch.spelled);
  return vocabulary_.Find(scratch.spelled);
}

inline void BpeTokenizer::AppendWord(std::string_view word, Scratch& scratch,
                                     std::vector<int32_t>& ids) const {
  const bool cacheable = word.size() <= WordCache::kMaxWordBytes;
  uint64_t hash = 0;
  if (cacheable) {
    hash = WordCache::HashOf(word);
    if (scratch.cache.AppendIds(word, hash, ids)) return;
  }
  const int32_t whole = WholeWord(word, scratch);
  if (whole >= 0) {
    scratch.bpe.ids.assign(1, whole);
  } else {
    bpe_.Encode(word, false, scratch.bpe);
  }
  ids.insert(ids.end(), scratch.bpe.ids.begin(), scratch.bpe.ids.end());
  if (cacheable) scratch.cache.Insert(word, hash, scratch.bpe.ids);
}

void BpeTokenizer::Encode(std::string_view text, std::vector<int32_t>& ids) const {
  const ScratchLease lease(*this);
  Scratch& scratch = *lease;
  ids.clear();
  text = CopyPadded({}, text, scratch.text);
  scratch.segments.clear();
  added_tokens_.Split(text, scratch.segments);
  for (const TemplatePiece& piece : post_processor_.pieces) {
    if (!piece.text) {
      ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
      continue;
    }
    for (const AddedTokens::Segment& segment : scratch.segments) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
        continue;
      }
      ForEachWord(text.substr(segment.begin, segment.end - segment.begin), scratch,
                  [&](std::string_view word, bool) { AppendWord(word, scratch, ids); });
    }
  }
}

Encoding BpeTokenizer::EncodeWithOffsets(std::string_view text) const {
  const ScratchLease lease(*this);
  Scratch& scratch = *lease;
  const std::vector<int64_t> character = CharacterOfByte(text);
  scratch.segments.clear();
  added_tokens_.Split(text, scratch.segments);

  Encoding tokens;  // of the text alone
  const auto add = [&](int32_t id, std::string_view token, size_t first_byte, size_t last_byte) {
    std::pair<int64_t, int64_t> offsets = {character[first_byte], character[last_byte] + 1};
    for (const bool add_prefix_space : post_processor_.trims)
      TrimOffsets(token, tokens.ids.empty(), add_prefix_space, offsets);
    tokens.ids.push_back(id);
    tokens.offsets.push_back(offsets);
  };
  for (const AddedTokens::Segment& segment : scratch.segments) {
    const std::string_view part = text.substr(segment.begin, segment.end - segment.begin);
    if (segment.id >= 0) {
      add(segment.id, part, segment.begin, segment.end - 1);
      continue;
    }
    size_t at = segment.begin;  // of the next word, in `text`
    ForEachWord(part, scratch, [&](std::string_view word, bool prefixed) {
      Bpe::Workspace& w = scratch.bpe;
      const int32_t whole = WholeWord(word, scratch);
      if (whole >= 0) {
        w.ids.assign(1, whole);
        w.lengths.assign(1, static_cast<int32_t>(scratch.spelled.size()));
      } else {
        bpe_.Encode(word, true, w);
      }
      // Only the word at the very start of scratch.piece begins with the added blank. It is aligned to the
      // character after it.
      const size_t blank = prefixed && word.data() == scratch.piece.data() ? 1 : 0;
      size_t byte = 0;      // of the word, while `spelled` walks through its ByteLevel spelling
      int64_t spelled = 0;  // where byte `byte` begins in the spelling
      const auto byte_at = [&](int64_t position) {
        while (byte + 1 < word.size() &&
               spelled + ByteLevelLength(static_cast<uint8_t>(word[byte])) <= position) {
          spelled += ByteLevelLength(static_cast<uint8_t>(word[byte++]));
        }
        return at + (byte > blank ? byte - blank : 0);
      };
      int64_t position = 0;
      for (size_t i = 0; i < w.ids.size(); ++i) {
        const size_t first = byte_at(position);
        position += w.lengths[i];
        add(w.ids[i], vocabulary_.String(w.ids[i]), first, byte_at(position - 1));
      }
      at += word.size() - blank;
    });
  }

  Encoding encoding;
  for (const TemplatePiece& piece : post_processor_.pieces) {
    const std::vector<int32_t>& ids = piece.text ? tokens.ids : piece.ids;
    encoding.ids.insert(encoding.ids.end(), ids.begin(), ids.end());
    if (piece.text) {
      encoding.offsets.insert(encoding.offsets.end(), tokens.offsets.begin(), tokens.offsets.end());
    } else {
      encoding.offsets.resize(encoding.ids.size(), {0, 0});
    }
  }
  return encoding;
}

std::string BpeTokenizer::Decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  std::string text;
  bool first = true;
  for (const int32_t id : ids) {
    const AddedToken* added = added_tokens_.FindId(id);
    if (!added && !vocabulary_.Has(id)) {
      throw UserError(
          fmt::format("[tokenizer] found id {}; expected an id of its {} tokens (0 to {}); decode with the "
                      "tokenizer that made the ids",
                      id, vocabulary_.size(), vocabulary_size_ - 1));
    }
    if (added && added->special && skip_special_tokens) continue;
    const std::string_view token = added ? std::string_view(added->content) : vocabulary_.String(id);
    if (decoder_ == DecoderKind::kByteLevel) {
      AppendBytesOf(token, text);
    } else {  // what Hugging Face tokenizers does without a decoder
      if (!first) text.push_back(' ');
      text.append(token);
    }
    first = false;
  }
  return decoder_ == DecoderKind::kByteLevel ? ReplaceInvalidUtf8(text) : text;
}

int32_t BpeTokenizer::TokenId(std::string_view token) const {
  const AddedToken* added = added_tokens_.FindContent(token);
  return added ? added->id : vocabulary_.Find(token);
}

}  // namespace lacos
