// `lacos similarity`: computes similarities of given pairs, finds the texts nearest to a query, or
// the pairs of a collection that are alike.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "commands/commands.h"
#include "commands/similarity/all_pairs.h"
#include "flags/common.h"
#include "flags/text_reader.h"
#include "flags/vector_input.h"
#include "lacos/base/error.h"
#include "lacos/data/columns.h"
#include "lacos/search/vectors.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

constexpr size_t kVectorBytes = size_t{64} << 20;

struct SimilarityFlags {
  VectorInput input;
  std::optional<Similarity> similarity;
  std::string query;
  TableFlags table;
  int64_t top_k = 10;
  bool finds_pairs = false;
  AllPairsFlags all_pairs;
};

size_t BlockTexts(const SentenceEncoder& embedder) {
  return std::clamp(kVectorBytes / (static_cast<size_t>(embedder.dimension()) * sizeof(float)),
                    size_t{256}, size_t{8192});
}

void Warn(const SimilarityFlags& flags, const SentenceEncoder& embedder,
          const EncodeStatistics& s) {
  WarnAboutStripped(s.stripped, flags.input.encoding);
  if (s.empty > 0) spdlog::warn("{} texts have no tokens; their vectors are zero", s.empty);
  if (s.truncated > 0)
    spdlog::info("{} texts were longer than --max-length and lost their {}", s.truncated,
                 LostPart(embedder.tokenizer()));
}

void CheckFinite(double similarity, const std::string& where) {
  if (std::isfinite(similarity)) return;
  throw UserError(fmt::format(
      "{} the similarity is {}; expected a finite number; check the weights of the model and of "
      "its adapter",
      where, similarity));
}

// The similarity that --similarity or the folder asks for. It is named if it is not the cosine.
Similarity ChosenSimilarity(const SimilarityFlags& flags, const SentenceEncoder& embedder) {
  const Similarity similarity = flags.similarity.value_or(embedder.similarity());
  if (similarity != Similarity::kCosine) {
    spdlog::info("similarity: {} ({}{})", Name(similarity), kSimilarityNames[similarity].title,
                 flags.similarity           ? ""
                 : flags.input.embed.preset ? ", as the preset says"
                                            : ", the folder's similarity_fn_name");
  }
  return similarity;
}

// Reads pairs from a table whose header names both columns, or from a table of two columns without
// a header.
class PairReader {
 public:
  PairReader(const std::string& path, const TableOptions& options) : reader_(path, options) {
    const TableColumns columns = RecognizeColumns(reader_, Wanted::kPair);
    for (const std::string& note : columns.Notes(reader_))
      spdlog::info("[{}] {}", reader_.name(), note);
    for (const std::string& warning : columns.left_out) spdlog::warn("{}", warning);
    if (!columns.HasPair()) {
      throw UserError(fmt::format(
          "[{}] found the columns {}; expected sentence1 and sentence2 (or premise and hypothesis, "
          "anchor and positive, query and answer), or two columns without a header; rename the "
          "columns{}",
          path, ColumnList(reader_),
          reader_.columns().size() == 1 ? ", or check --delimiter" : ""));
    }
    first_ = columns.first;
    second_ = columns.second;
  }

  bool Next(std::string& first, std::string& second) {
    if (!reader_.Next(cells_)) return false;
    first = Cell(first_);
    second = Cell(second_);
    return true;
  }
  // The columns or keys that were seen so far and are not used.
  std::vector<std::string> UnusedColumns() const {
    return OtherColumns(reader_, {first_, second_});
  }
  // Says on stderr, once all pairs were read, what the user should know about them.
  void LogNotes() const {
    if (const std::string unused = UnusedColumnsNote(UnusedColumns()); !unused.empty())
      spdlog::info("[{}] {}", reader_.name(), unused);
    for (const std::string& warning : {list_like_.Warning(), reader_.QuotingWarning()}) {
      if (!warning.empty()) spdlog::warn("{}", warning);
    }
  }

 private:
  const std::string& Cell(int column) {
    const auto& cell = cells_[static_cast<size_t>(column)];
    if (const ListCell* list = FindList(reader_, column)) {
      throw UserError(fmt::format(
          "{} has a list of {} values in the column '{}'; expected one text; write a row for each",
          reader_.Where(), list->texts.size(), reader_.columns()[static_cast<size_t>(column)]));
    }
    if (!cell) {
      throw UserError(fmt::format(
          "{} has no text in the column '{}'; expected one in every row; complete the row",
          reader_.Where(), reader_.columns()[static_cast<size_t>(column)]));
    }
    list_like_.See(
        *cell, [&] { return reader_.Where(); }, reader_.columns()[static_cast<size_t>(column)]);
    return *cell;
  }

  TableReader reader_;
  std::vector<std::optional<std::string>> cells_;
  ListLikeTexts list_like_;
  int first_ = 0, second_ = 1;
};

void Pairs(const GlobalOptions& globals, const SimilarityFlags& flags) {
  PairReader reader(flags.input.texts.path, flags.table.Options());
  SentenceEncoder embedder(MakeSentenceEncoderOptions(globals, flags.input.model,
                                                      flags.input.encoding, flags.input.embed));
  LogNotes(embedder);
  const TextPrompt prompt = flags.input.embed.Prompt(embedder.folder().settings);
  const Similarity similarity = ChosenSimilarity(flags, embedder);
  const auto d = static_cast<size_t>(embedder.dimension());
  const size_t block = BlockTexts(embedder) / 2;

  if (globals.json) {
    Out().Write(fmt::format("{{\"model\": {}, \"similarity\": \"{}\", \"pairs\": [\n",
                            Json(flags.input.model.model).Dump(), Name(similarity)));
  }
  Progress progress(globals, {.what = "comparing", .unit = "pairs"});
  EncodeStatistics sum;
  int64_t done = 0;
  for (bool more = true; more;) {
    CheckInterrupt();
    std::vector<std::string> texts;  // first, second, first, second, ...
    std::string first, second;
    while (texts.size() < 2 * block && (more = reader.Next(first, second))) {
      texts.push_back(first);
      texts.push_back(second);
    }
    CheckInterrupt();  // a signal also ends stdin
    std::vector<float> vectors(texts.size() * d);
    sum += embedder.Encode(texts, prompt, vectors, [](int64_t) { CheckInterrupt(); });
    const std::span all = vectors;
    for (size_t i = 0; i < texts.size(); i += 2) {
      const double value =
          SimilarityOf(similarity, all.subspan(i * d, d), all.subspan((i + 1) * d, d));
      CheckFinite(value, fmt::format("[{}: pair {}]", flags.input.texts.path, done + 1));
      if (globals.json) {
        Json pair = Json::Object();
        pair.Set(std::string(Name(similarity)), value);
        pair.Set("sentence1", texts[i]);
        pair.Set("sentence2", texts[i + 1]);
        Out().Write((done > 0 ? ",\n" : "") + pair.Dump());
      } else {
        Out().Write(fmt::format("{:.6f}\t{}\t{}\n", value, texts[i], texts[i + 1]));
      }
      ++done;
    }
    progress.Update(done);
  }
  progress.Finish();
  if (globals.json) {
    Out().Write(fmt::format(
        "\n], \"tokens\": {}, \"truncated\": {}, \"empty\": {}, \"unused_columns\": {}}}\n",
        sum.tokens, sum.truncated, sum.empty, Json::Strings(reader.UnusedColumns()).Dump()));
  }
  reader.LogNotes();
  Warn(flags, embedder, sum);
}

struct Hit {
  double similarity = 0;
  int64_t line = 0;
  std::string text;
  // Better hits come first; of equal hits, the one from the earlier line.
  bool operator<(const Hit& other) const {
    return similarity != other.similarity ? similarity > other.similarity : line < other.line;
  }
};

void PrintHits(const GlobalOptions& globals, const SimilarityFlags& flags, Similarity similarity,
               const RolePrompts& prompts, const std::vector<Hit>& hits, const TextReader& reader,
               const EncodeStatistics& sum) {
  if (!globals.json) {
    for (size_t i = 0; i < hits.size(); ++i) {
      Out().Write(fmt::format("{}\t{:.6f}\t{}\t{}\n", i + 1, hits[i].similarity, hits[i].line,
                              hits[i].text));
    }
    return;
  }
  Json list = Json::Array();
  for (size_t i = 0; i < hits.size(); ++i) {
    Json hit = Json::Object();
    hit.Set("rank", static_cast<int64_t>(i + 1));
    hit.Set(std::string(Name(similarity)), hits[i].similarity);
    hit.Set("line", hits[i].line);
    hit.Set("text", hits[i].text);
    list.Append(hit);
  }
  Json report = Json::Object();
  report.Set("model", flags.input.model.model);
  report.Set("similarity", Name(similarity));
  report.Set("query", flags.query);
  report.Set("query_prompt", prompts.query.text);
  report.Set("document_prompt", prompts.document.text);
  report.Set("preset", flags.input.embed.preset ? Json(Name(*flags.input.embed.preset)) : Json());
  report.Set("results", list);
  report.Set("texts", sum.texts);
  report.Set("tokens", sum.tokens);
  report.Set("truncated", sum.truncated);
  report.Set("empty", sum.empty);
  report.Set("unused_columns", Json::Strings(reader.unused_columns()));
  PrintJson(report);
}

void Search(const GlobalOptions& globals, const SimilarityFlags& flags) {
  TextReader reader(flags.input.texts);
  SentenceEncoder embedder(MakeSentenceEncoderOptions(globals, flags.input.model,
                                                      flags.input.encoding, flags.input.embed));
  LogNotes(embedder);
  const RolePrompts prompts = flags.input.embed.Prompts(embedder.folder().settings);
  flags.input.embed.NoteAbsentPrompts(embedder.folder().settings);
  const Similarity similarity = ChosenSimilarity(flags, embedder);
  const auto d = static_cast<size_t>(embedder.dimension());

  std::vector<float> query(d);
  if (embedder.Encode(std::span(&flags.query, 1), prompts.query, query).empty > 0) {
    throw UserError("[--query] the query has no tokens; expected some text; give another --query");
  }
  Progress progress(globals, {.what = "searching", .unit = "texts"});
  EncodeStatistics sum;
  std::vector<Hit> hits;  // a heap whose front is the worst hit
  std::vector<std::string> texts;
  std::vector<float> vectors;
  int64_t line = 1;
  while (reader.NextBlock(BlockTexts(embedder), size_t{4} << 20, texts)) {
    vectors.assign(texts.size() * d, 0.0f);
    sum += embedder.Encode(texts, prompts.document, vectors, [](int64_t) { CheckInterrupt(); });
    const std::span all = vectors;
    for (size_t i = 0; i < texts.size(); ++i, ++line) {
      Hit hit{.similarity = SimilarityOf(similarity, query, all.subspan(i * d, d)),
              .line = line,
              .text = {}};
      CheckFinite(hit.similarity, fmt::format("[{}:{}]", flags.input.texts.path, line));
      const bool is_full = static_cast<int64_t>(hits.size()) == flags.top_k;
      if (is_full && !(hit < hits.front())) continue;
      if (is_full) {
        std::pop_heap(hits.begin(), hits.end());
        hits.pop_back();
      }
      hit.text = texts[i];
      hits.push_back(std::move(hit));
      std::push_heap(hits.begin(), hits.end());
    }
    progress.Update(sum.texts, "", reader.Fraction());
  }
  progress.Finish();
  std::sort_heap(hits.begin(), hits.end());
  PrintHits(globals, flags, similarity, prompts, hits, reader, sum);
  reader.LogNotes();
  Warn(flags, embedder, sum);
}

}  // namespace

void AddSimilarityCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "similarity",
      "Print similarities of pairs, the texts nearest to a query, or the pairs that are alike",
      "lacos similarity --model trained --query 'A man plays a guitar' --input texts.txt "
      "--top-k 5");
  AddDeviceOption(command, globals);
  auto flags = std::make_shared<SimilarityFlags>();
  AddModelOptions(command, flags->input.model);
  command
      ->add_option("--input", flags->input.texts.path,
                   "Pairs: a table with sentence1 and sentence2, or two columns. With --query or "
                   "--all-pairs: one text a line, a table or .jsonl")
      ->type_name("FILE")
      ->required();
  CLI::Option* query =
      command->add_option("--query", flags->query, "Find the texts of --input nearest to this one")
          ->type_name("TEXT");
  CLI::Option* all_pairs = command->add_flag(
      "--all-pairs", flags->finds_pairs,
      "Find the pairs of texts of --input that are alike: duplicates, paraphrases");
  all_pairs->excludes(query);
  CLI::Option* top_k =
      command
          ->add_option("--top-k", flags->top_k,
                       "How many texts --query finds. With --all-pairs: a pair counts only if one "
                       "of its texts is among the N nearest to the other one")
          ->type_name("N")
          ->default_str("10; any number with --all-pairs")
          ->check(IntegerIn(1, INT32_MAX));
  command
      ->add_option_function<double>(
          "--threshold", [flags](double value) { flags->all_pairs.threshold = value; },
          "The least similarity of a pair of --all-pairs")
      ->type_name("X")
      ->check(NumberIn(-1e30, 1e30))
      ->needs(all_pairs);
  command
      ->add_option("--max-pairs", flags->all_pairs.max_pairs,
                   "How many pairs --all-pairs shows, the most similar ones")
      ->type_name("N")
      ->capture_default_str()
      ->check(IntegerIn(1, INT32_MAX))
      ->needs(all_pairs);
  CLI::Option* field = command
                           ->add_option("--field", flags->input.texts.field,
                                        "Key of JSON texts, or column of a table of texts")
                           ->type_name("NAME")
                           ->default_str("text");
  AddTableOptions(command, flags->table);
  AddPromptOptions(command, flags->input.embed);
  AddRolePromptOptions(command, flags->input.embed, "of a search with --query");
  GetOption(command, "--query-prompt")->needs(query);
  GetOption(command, "--document-prompt")->needs(query);
  AddSimilarityOption(command, flags->similarity);
  AddVectorOptions(command, flags->input);
  GetOption(command, "--embeddings")->needs(all_pairs);
  OnRun(command, globals, [&globals, flags, query, top_k, field] {
    CheckVectorInput(flags->input);
    flags->input.texts.replace_invalid = flags->table.replace_invalid;
    if (query->count() > 0) return Search(globals, *flags);
    if (flags->finds_pairs) {
      flags->all_pairs.similarity = flags->similarity;
      if (top_k->count() > 0) flags->all_pairs.top_k = flags->top_k;
      return PrintAllPairs(globals, flags->input, flags->all_pairs);
    }
    for (const CLI::Option* option : {top_k, field}) {
      if (option->count() > 0) FailUsage(option->get_name(), "goes with --query or --all-pairs");
    }
    Pairs(globals, *flags);
  });
}

}  // namespace lacos::cli
