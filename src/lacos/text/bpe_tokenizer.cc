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

// Copies a text into a buffer in which WordCache may read past its end. Returns a view of the copy.
std::string_view CopyPadded(std::string_view prefix, std::string_view text, std::string& buffer) {
  buffer.reserve(prefix.size() + text.size() + WordCache::kReadableAfter);
  buffer.assign(prefix);
  buffer.append(text);
  buffer.append(WordCache::kReadableAfter, '\0');
  return std::string_view(buffer).substr(0, prefix.size() + text.size());
}

// For each byte, the number of the character that it belongs to.
std::vector<int64_t> CharacterOfByte(std::string_view text) {
  std::vector<int64_t> character(text.size());
  int64_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && !IsContinuation(text[i])) ++count;
    character[i] = count;
  }
  return character;
}

// The text with each invalid byte replaced by a control character, because patterns need valid
// UTF-8. The control character belongs to no class of word characters.
std::string WithControlForInvalid(std::string_view text) {
  std::string valid(text);
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = DecodeUtf8(text, i);
    if (point.value == kInvalidCodePoint) valid[i] = '\x1A';
    i += point.length;
  }
  return valid;
}

// The pattern, if the pre-tokenizer consists of it and a ByteLevel that only changes the spelling;
// otherwise nullptr.
const SplitPattern* OnlyScanner(const PreTokenizerSpec& spec) {
  const bool simple = spec.splits.size() == 1 && !spec.add_prefix_space && !spec.use_regex &&
                      spec.spelled_splits.empty();
  return simple ? spec.splits[0].scanner() : nullptr;
}

// The number of whitespace characters as the ByteLevel post-processor counts them in a token. They
// are U+0120, which spells a space, and real whitespace.
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

// Applies ByteLevel's trim_offsets to the offsets of one token. `first` says whether it is the
// first token of the text.
void TrimOffsets(std::string_view token, bool first, bool add_prefix_space,
                 std::pair<int64_t, int64_t>& offsets) {
  int64_t leading = CountSpaces(token, false);
  const int64_t trailing = CountSpaces(token, true);
  if (leading > 0) {
    // A single leading space counts as the added one, which is not in the text. Several do not.
    if ((first || offsets.first == 0) && add_prefix_space && leading == 1) leading = 0;
    offsets.first = std::min(offsets.first + leading, offsets.second);
  }
  if (trailing > 0 && offsets.second >= trailing) {
    offsets.second = std::max(offsets.second - trailing, offsets.first);
  }
}

}  // namespace

// Takes a Scratch out of the tokenizer's pool for the duration of one call.
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
  // The place in the pool where this thread looks first, so that it finds the words it has cached.
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
      added_tokens_(std::move(spec.added_tokens), spec.split_special_tokens),
      pre_tokenizer_(std::move(spec.pre_tokenizer)),
      scanner_(OnlyScanner(pre_tokenizer_)),
      needs_valid_utf8_(
          std::any_of(pre_tokenizer_.splits.begin(), pre_tokenizer_.splits.end(),
                      [](const Splitter& splitter) { return splitter.needs_valid_utf8(); })),
      post_processor_(std::move(spec.post_processor)),
      decoder_(spec.decoder),
      ignore_merges_(spec.ignore_merges),
      truncate_left_(spec.truncate_left),
      named_special_(std::move(spec.named_special)),
      rows_(spec.rows),
      side_changes_(std::move(spec.side_changes)),
      bpe_(spec.alphabet, spec.merges),
      vocabulary_size_(vocabulary_.IdLimit()) {
  for (const AddedToken& token : added_tokens_.tokens()) {
    vocabulary_size_ = std::max<int64_t>(vocabulary_size_, int64_t{1} + token.id);
  }
  for (const TemplatePiece& piece : post_processor_.pieces) {
    template_ids_ += static_cast<int64_t>(piece.ids.size());
    for (const int32_t id : piece.ids) RequireRow(id);
  }
}

BpeTokenizer::~BpeTokenizer() {
  for (std::atomic<Scratch*>& slot : pool_) delete slot.load();
}

template <class F>
void BpeTokenizer::CutSpelled(std::string_view word, size_t begin, size_t blank, Scratch& scratch,
                              F&& f) const {
  scratch.spelled.clear();
  AppendByteLevel(word, scratch.spelled);
  scratch.spelled_pieces.assign(1, {0, scratch.spelled.size()});
  for (const Splitter& splitter : pre_tokenizer_.spelled_splits) {
    splitter.Split(scratch.spelled, scratch.spelled_pieces, scratch.splitter);
  }
  size_t byte = 0, spelled = 0;  // byte `byte` of the word begins at `spelled` in the spelling
  const auto byte_at = [&](size_t position) {
    while (spelled < position) spelled += ByteLevelLength(static_cast<uint8_t>(word[byte++]));
    return byte;
  };
  for (const PieceRange& piece : scratch.spelled_pieces) {
    const size_t first = byte_at(piece.begin), last = byte_at(piece.end);
    const size_t own_blank = first == 0 ? blank : 0;
    f(word.substr(first, last - first), begin + first - (blank - own_blank), own_blank);
  }
}

template <class F>
void BpeTokenizer::ForEachWord(std::string_view text, Scratch& scratch, F&& f) const {
  if (scanner_) {  // the loop for BLOOM's pattern, without branches
    ForEachPiece(*scanner_, text, [&](std::string_view piece) {
      f(piece, static_cast<size_t>(piece.data() - text.data()), size_t{0});
    });
    return;
  }
  if (text.empty()) return;
  const PreTokenizerSpec& spec = pre_tokenizer_;
  std::string_view searched = text;
  if (needs_valid_utf8_ && !IsValidUtf8(text)) {
    scratch.valid = WithControlForInvalid(text);
    searched = scratch.valid;
  }
  scratch.pieces.assign(1, {0, text.size()});
  for (const Splitter& splitter : spec.splits)
    splitter.Split(searched, scratch.pieces, scratch.splitter);
  for (const PieceRange& range : scratch.pieces) {
    std::string_view piece = text.substr(range.begin, range.end - range.begin);
    const size_t blank = spec.add_prefix_space && piece[0] != ' ' ? 1 : 0;
    if (blank > 0) piece = CopyPadded(" ", piece, scratch.piece);
    const auto give = [&](std::string_view word) {
      const size_t at = static_cast<size_t>(word.data() - piece.data());
      const size_t own_blank = at == 0 ? blank : 0;
      const size_t begin = range.begin + at - (blank - own_blank);
      if (spec.spelled_splits.empty()) {
        f(word, begin, own_blank);
      } else {
        CutSpelled(word, begin, own_blank, scratch, f);
      }
    };
    if (spec.use_regex) {
      ForEachPiece(SplitPattern::kGpt2, piece, give);
    } else {
      give(piece);
    }
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

std::pair<size_t, size_t> BpeTokenizer::Kept(size_t count, int64_t max_length) const {
  const auto room = static_cast<size_t>(std::max<int64_t>(max_length - template_ids_, 0));
  if (count <= room) return {0, count};
  return truncate_left_ ? std::pair(count - room, count) : std::pair(size_t{0}, room);
}

void BpeTokenizer::RequireRow(int32_t id) const {
  if (id < rows_) return;
  const AddedToken* token = added_tokens_.FindId(id);
  throw UserError(fmt::format(
      "[tokenizer] found the token '{}' with the id {} in a text; expected an id of one of the {} "
      "rows of the word embedding; use the base that was trained with this token",
      token == nullptr ? vocabulary_.String(id) : std::string_view(token->content), id, rows_));
}

bool BpeTokenizer::EncodeTruncated(std::string_view text, int64_t max_length,
                                   std::vector<int32_t>& ids) const {
  const ScratchLease lease(*this);
  Scratch& scratch = *lease;
  ids.clear();
  text = CopyPadded({}, text, scratch.text);
  scratch.segments.clear();
  added_tokens_.Split(text, scratch.segments);
  bool truncated = false;
  for (const TemplatePiece& piece : post_processor_.pieces) {
    if (!piece.text) {
      ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
      continue;
    }
    const size_t first = ids.size();
    for (const AddedTokens::Segment& segment : scratch.segments) {
      if (segment.id >= 0) {
        RequireRow(segment.id);
        ids.push_back(segment.id);
        continue;
      }
      ForEachWord(text.substr(segment.begin, segment.end - segment.begin), scratch,
                  [&](std::string_view word, size_t, size_t) { AppendWord(word, scratch, ids); });
    }
    const auto [begin, end] = Kept(ids.size() - first, max_length);
    if (end - begin == ids.size() - first) continue;
    truncated = true;
    std::copy_n(ids.begin() + static_cast<std::ptrdiff_t>(first + begin), end - begin,
                ids.begin() + static_cast<std::ptrdiff_t>(first));
    ids.resize(first + end - begin);
  }
  return truncated;
}

Encoding BpeTokenizer::EncodeWithOffsets(std::string_view text, int64_t max_length) const {
  const ScratchLease lease(*this);
  Scratch& scratch = *lease;
  const std::vector<int64_t> character = CharacterOfByte(text);
  scratch.segments.clear();
  added_tokens_.Split(text, scratch.segments);

  Encoding tokens;  // tokens of the text itself, without post-processing
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
      RequireRow(segment.id);
      add(segment.id, part, segment.begin, segment.end - 1);
      continue;
    }
    ForEachWord(part, scratch, [&](std::string_view word, size_t begin, size_t blank) {
      const size_t at = segment.begin + begin;
      Bpe::Workspace& w = scratch.bpe;
      const int32_t whole = WholeWord(word, scratch);
      if (whole >= 0) {
        w.ids.assign(1, whole);
        w.lengths.assign(1, static_cast<int32_t>(scratch.spelled.size()));
      } else {
        bpe_.Encode(word, true, w);
      }
      // An added blank is aligned to the character after it.
      size_t byte =
          0;  // position in the word, while `spelled` walks through its ByteLevel spelling
      int64_t spelled = 0;  // position of byte `byte` in the spelling
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
    });
  }

  const auto [begin, end] = Kept(tokens.ids.size(), max_length);
  Encoding encoding;
  for (const TemplatePiece& piece : post_processor_.pieces) {
    if (piece.text) {
      encoding.truncated = end - begin < tokens.ids.size();
      const auto from = static_cast<std::ptrdiff_t>(begin), to = static_cast<std::ptrdiff_t>(end);
      encoding.ids.insert(encoding.ids.end(), tokens.ids.begin() + from, tokens.ids.begin() + to);
      encoding.offsets.insert(encoding.offsets.end(), tokens.offsets.begin() + from,
                              tokens.offsets.begin() + to);
    } else {
      encoding.ids.insert(encoding.ids.end(), piece.ids.begin(), piece.ids.end());
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
      throw UserError(fmt::format(
          "[tokenizer] found id {}; expected an id of its {} tokens (0 to {}); decode with the "
          "tokenizer that made the ids",
          id, vocabulary_.size(), vocabulary_size_ - 1));
    }
    if (added && added->special && skip_special_tokens) continue;
    const std::string_view token =
        added ? std::string_view(added->content) : vocabulary_.String(id);
    if (decoder_ == DecoderKind::kByteLevel) {
      AppendBytesOf(token, text);
    } else {  // as Hugging Face tokenizers does without a decoder
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
