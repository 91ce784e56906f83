// `lacos tokenize`: writes texts as token ids, one JSON array per line, and decodes ids to texts.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "commands/commands.h"
#include "flags/common.h"
#include "flags/text_reader.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/line_reader.h"
#include "lacos/text/strip.h"
#include "lacos/text/tokenize.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

constexpr size_t kTokenizeBlockTexts = 65536;
constexpr size_t kTokenizeBlockBytes = size_t{4} << 20;

struct TokenizeFlags {
  ModelOptions model;
  EncodingOptions encoding;
  TextInput input;
  bool with_offsets = false, decode = false, skip_special = false;
};

struct Counts {
  int64_t texts = 0, tokens = 0, truncated = 0, stripped = 0;
};

void AppendInt(int64_t value, std::string& out) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
}

void AppendIds(std::span<const int32_t> ids, std::string& out) {
  out += '[';
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    AppendInt(ids[i], out);
  }
  out += ']';
}

// The number of characters that StripWhitespace removed at the front. Offsets count from the start
// of the line, so it is added to them.
int64_t StrippedFront(const std::string& text, const std::string& stripped) {
  if (stripped.empty()) return 0;
  // The stripped text starts with a non-whitespace character, so it is not found too early.
  const size_t bytes = text.find(stripped);
  int64_t characters = 0;
  for (size_t i = 0; i < bytes; ++i)
    characters += (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 ? 1 : 0;
  return characters;
}

// Reads the two forms that this command writes: [12,34] or {"ids": [12,34], ...}.
std::vector<int32_t> ParseIds(const std::string& line, const std::string& where) {
  const Json value = Json::Parse(line, where);
  std::vector<int32_t> ids;
  const auto append = [&ids](const Json& id) {
    const int64_t number = id.AsInt();
    if (number < 0 || number > INT32_MAX) {
      throw UserError(fmt::format("{} found {}; expected a token id; check the input of --decode",
                                  id.Where(), number));
    }
    ids.push_back(static_cast<int32_t>(number));
  };
  (value.IsObject() ? value.At("ids") : value).ForEachElement(append);
  return ids;
}

// Converts one line of input into output; thread-safe.
class LineWorker {
 public:
  LineWorker(const Tokenizer& tokenizer, const TokenizeFlags& flags, bool strip, bool json)
      : tokenizer_(tokenizer),
        flags_(flags),
        max_length_(flags.encoding.max_length.value_or(Tokenizer::kNoLimit)),
        strip_(strip),
        json_(json) {}

  void Encode(const std::string& text, std::string& out, Counts& counts) const {
    const std::string stripped = strip_ ? StripWhitespace(text) : std::string();
    const std::string& used = strip_ ? stripped : text;
    counts.stripped += used.size() < text.size() ? 1 : 0;
    if (!flags_.with_offsets) {
      thread_local std::vector<int32_t> ids;
      const bool truncated = tokenizer_.EncodeTruncated(used, max_length_, ids);
      Count(ids.size(), truncated, counts);
      AppendIds(ids, out);
      return;
    }
    const Encoding encoding = tokenizer_.EncodeWithOffsets(used, max_length_);
    Count(encoding.ids.size(), encoding.truncated, counts);
    const int64_t shift = strip_ ? StrippedFront(text, stripped) : 0;
    out += "{\"ids\":";
    AppendIds(encoding.ids, out);
    out += ",\"offsets\":[";
    for (size_t i = 0; i < encoding.ids.size(); ++i) {
      out += i > 0 ? ",[" : "[";
      AppendInt(encoding.offsets[i].first + shift, out);
      out += ',';
      AppendInt(encoding.offsets[i].second + shift, out);
      out += ']';
    }
    out += "]}";
  }

  void Decode(const std::string& line, const std::string& where, std::string& out,
              Counts& counts) const {
    const std::vector<int32_t> ids = ParseIds(line, where);
    counts.tokens += static_cast<int64_t>(ids.size());
    const std::string text = tokenizer_.Decode(ids, flags_.skip_special);
    out += json_ ? Json(text).Dump() : text;
  }

 private:
  static void Count(size_t ids, bool truncated, Counts& counts) {
    counts.truncated += truncated ? 1 : 0;
    counts.tokens += static_cast<int64_t>(ids);
  }

  const Tokenizer& tokenizer_;
  const TokenizeFlags& flags_;
  int64_t max_length_;
  bool strip_, json_;
};

// Reads the input in blocks: texts or, with --decode, lines of ids whatever the file's name is.
class InputBlocks {
 public:
  explicit InputBlocks(const TokenizeFlags& flags) {
    if (flags.decode) {
      ids_ = std::make_unique<LineReader>(flags.input.path);
    } else {
      texts_ = std::make_unique<TextReader>(flags.input);
    }
  }

  bool Next(std::vector<std::string>& lines) {
    if (texts_) return texts_->NextBlock(kTokenizeBlockTexts, kTokenizeBlockBytes, lines);
    CheckInterrupt();
    lines.clear();
    std::string line;
    for (size_t bytes = 0;
         lines.size() < kTokenizeBlockTexts && bytes < kTokenizeBlockBytes && ids_->Next(line);) {
      bytes += line.size() + 1;
      lines.push_back(std::move(line));
    }
    CheckInterrupt();
    return !lines.empty();
  }
  int64_t line_number() const { return texts_ ? texts_->line_number() : ids_->line_number(); }
  // The columns that were not used; none with --decode.
  std::vector<std::string> UnusedColumns() const {
    return texts_ ? texts_->unused_columns() : std::vector<std::string>();
  }
  void LogNotes() const {
    if (texts_) texts_->LogNotes();
  }
  std::optional<double> Fraction() const { return texts_ ? texts_->Fraction() : std::nullopt; }

 private:
  std::unique_ptr<TextReader> texts_;
  std::unique_ptr<LineReader> ids_;
};

// Cuts the lines of one block into chunks, which threads take in turn. Chunks are written in order.
void RunBlock(const LineWorker& worker, const TokenizeFlags& flags,
              const std::vector<std::string>& texts, const std::string& file, int64_t first_line,
              std::string_view separator, Counts& counts) {
  const auto n = static_cast<int64_t>(texts.size());
  const int64_t chunks = std::min<int64_t>(n, int64_t{8} * ThreadCount());
  std::vector<std::string> results(static_cast<size_t>(chunks));
  std::vector<Counts> chunk_counts(static_cast<size_t>(chunks));
  ParallelFor(chunks, [&](int64_t c) {
    for (int64_t i = n * c / chunks; i < n * (c + 1) / chunks; ++i) {
      if (counts.texts + i > 0) results[c] += separator;
      if (flags.decode) {
        worker.Decode(texts[i], fmt::format("{}:{}", file, first_line + i), results[c],
                      chunk_counts[c]);
      } else {
        worker.Encode(texts[i], results[c], chunk_counts[c]);
      }
    }
  });
  for (int64_t c = 0; c < chunks; ++c) {
    Out().Write(results[c]);
    counts.tokens += chunk_counts[c].tokens;
    counts.truncated += chunk_counts[c].truncated;
    counts.stripped += chunk_counts[c].stripped;
  }
  counts.texts += n;
}

void Tokenize(const GlobalOptions& globals, const TokenizeFlags& flags) {
  if (flags.decode && !flags.input.field.empty()) {
    FailUsage("--field",
              "found with --decode; expected ids as this command prints them; leave --field out");
  }
  InputBlocks reader(flags);
  const ModelFolder folder =
      OpenModelFolder(flags.model.model, flags.model.base, flags.model.adapter);
  LogNotes(folder);
  const auto tokenizer = OpenTokenizer(folder);
  RequireRoomForText(*tokenizer, {.max_length = flags.encoding.max_length.value_or(INT64_MAX)});
  const bool strip = flags.encoding.strip.value_or(folder.settings.strip.value_or(false));
  const LineWorker worker(*tokenizer, flags, strip, globals.json);

  const std::string list = flags.decode ? "decoded" : flags.with_offsets ? "encodings" : "ids";
  if (globals.json) Out().Write("{\"" + list + "\": [\n");
  Counts counts;
  Progress progress(globals, {.what = flags.decode ? "decoding" : "tokenizing", .unit = "texts"});
  std::vector<std::string> texts;
  const std::string file = flags.input.path == "-" ? "stdin" : flags.input.path;
  int64_t line = reader.line_number() + 1;
  while (reader.Next(texts)) {
    RunBlock(worker, flags, texts, file, line, globals.json ? ",\n" : "\n", counts);
    if (!globals.json) Out().Flush();
    line = reader.line_number() + 1;
    progress.Update(counts.texts, "", reader.Fraction());
  }
  progress.Finish();
  if (globals.json) {
    Out().Write(fmt::format(
        "\n], \"texts\": {}, \"tokens\": {}, \"truncated\": {}, \"unused_columns\": {}}}\n",
        counts.texts, counts.tokens, counts.truncated,
        Json::Strings(reader.UnusedColumns()).Dump()));
  } else if (counts.texts > 0) {
    Out().Write("\n");
  }
  reader.LogNotes();
  WarnAboutStripped(counts.stripped, flags.encoding);
  if (counts.truncated > 0) {
    spdlog::info("{} texts were longer than --max-length and lost their {}", counts.truncated,
                 LostPart(*tokenizer));
  }
}

}  // namespace

void AddTokenizeCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "tokenize", "Print the token ids of texts, one JSON array a line",
                 "lacos tokenize --model bloom-560m --input texts.txt --with-offsets");
  auto flags = std::make_shared<TokenizeFlags>();
  AddModelOptions(command, flags->model);
  AddTextInputOptions(command, flags->input,
                      "One text a line, or .jsonl; .gz and .zst are read too; - is stdin");
  CLI::Option* offsets = command->add_flag(
      "--with-offsets", flags->with_offsets,
      "Print {\"ids\": [...], \"offsets\": [[begin, end], ...]}, in characters of the line");
  CLI::Option* decode =
      command->add_flag("--decode", flags->decode, "The way back: ids (as printed) to text");
  decode->excludes(offsets);
  command
      ->add_flag("--skip-special-tokens", flags->skip_special,
                 "Leave special tokens out of decoded text")
      ->needs(decode);
  AddStripOptions(command, flags->encoding);
  AddMaxLengthOption(command, flags->encoding, "no limit");
  OnRun(command, globals, [&globals, flags] { Tokenize(globals, *flags); });
}

}  // namespace lacos::cli
