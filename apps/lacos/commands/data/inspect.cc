#include "commands/data/inspect.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <string>

#include "flags/setting_flags.h"
#include "lacos/data/cells.h"
#include "lacos/data/inspect.h"
#include "lacos/formats/model_folder.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/text/tokenize.h"
#include "lacos/train/options.h"
#include "lacos/train/settings.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

// A text in the report is cut to so many bytes.
constexpr size_t kShownBytes = 100;
// The report lists so many labels; --json lists all that were counted.
constexpr size_t kShownLabels = 12;
constexpr int64_t kExamplesBetweenChecks = 1024;

struct InspectFlags {
  std::string file, model, split = "train";
  TableFlags table;
  LabelScheme label_scheme = LabelScheme::kAuto;
};

const char* HeaderWords(TableColumns::Found found) {
  switch (found) {
    case TableColumns::Found::kByName:
      return "by their names";
    case TableColumns::Found::kByOrder:
      return "by their order, since their names are unknown";
    case TableColumns::Found::kWithoutHeader:
      return "by their order, since there is no header";
  }
  return "";
}

Json LengthsJson(const Lengths& lengths) {
  Json json = Json::Object();
  json.Set("median", lengths.Quantile(0.5));
  json.Set("p95", lengths.Quantile(0.95));
  json.Set("max", lengths.Quantile(1));
  return json;
}

std::string LengthsText(const Lengths& lengths) {
  return fmt::format("median {}, 95 % at most {}, longest {}", lengths.Quantile(0.5),
                     lengths.Quantile(0.95), lengths.Quantile(1));
}

// The command that trains on the file.
std::string TrainCommand(const Inspection& found, const InspectFlags& flags) {
  std::vector<std::string> words = {"train", "--model", flags.model.empty() ? "BASE" : flags.model};
  const auto add = [&](const char* flag, const std::string& value) {
    words.emplace_back(flag);
    words.push_back(value);
  };
  words.insert(words.end(), found.train_flags.begin(), found.train_flags.end());
  add("--output", "trained");
  if (!flags.table.delimiter.empty()) add("--delimiter", flags.table.delimiter);
  if (!flags.table.quoting.empty()) add("--quoting", flags.table.quoting);
  if (flags.table.replace_invalid) words.emplace_back("--replace-invalid");
  if (flags.split != "train") add("--split", flags.split);
  if (flags.label_scheme != LabelScheme::kAuto)
    add("--label-scheme", std::string(Name(flags.label_scheme)));
  return CommandLine(words);
}

// What is said about the file beside the table of its columns, whose roles tell which are not used.
std::vector<std::string> NotesOf(const ExampleFile& file) {
  std::vector<std::string> notes = file.column_notes;
  notes.insert(notes.end(), file.warnings.begin(), file.warnings.end());
  return notes;
}

Json Report(const Inspection& found, const InspectFlags& flags) {
  const ExampleFile& file = found.file;
  Json columns = Json::Array(), labels = Json::Object(), dropped = Json::Object(),
       first = Json::Array(), shards = Json::Array();
  for (const std::string& shard : file.shards) shards.Append(shard);
  for (const auto& [name, role] : file.columns) {
    Json column = Json::Object();
    column.Set("name", name);
    column.Set("role", role);
    columns.Append(column);
  }
  for (const auto& [label, count] : file.label_counts) labels.Set(label, count);
  file.dropped.ForEachReason([&](const char* reason, int64_t count) {
    if (count > 0) dropped.Set(reason, count);
  });
  for (const Example& example : found.first) {
    Json texts = Json::Array();
    for (const std::string& text : example.texts) texts.Append(text);
    Json json = Json::Object();
    json.Set("place", file.PlaceOf(example));
    json.Set("texts", texts);
    if (file.kind == ExampleKind::kScored) json.Set("score", example.score);
    if (file.kind == ExampleKind::kClasses)
      json.Set("class", file.class_names[static_cast<size_t>(example.label)]);
    first.Append(json);
  }
  Json json = Json::Object();
  json.Set("file", file.path);
  json.Set("files", shards);
  json.Set("form", found.form);
  json.Set("columns_found", HeaderWords(file.found));
  json.Set("columns", columns);
  json.Set("rows", file.rows);
  json.Set("examples", found.examples);
  json.Set("negatives", found.negatives);
  json.Set("labels", labels);
  json.Set("labels_are_open", file.labels_are_open);
  json.Set("dropped", dropped);
  json.Set("dropped_negatives", file.dropped_negatives);
  json.Set("notes", Json::Strings(NotesOf(file)));
  json.Set("texts", found.texts);
  json.Set("repeated_texts", found.repeated_texts);
  json.Set("repeated_examples", found.repeated_examples);
  json.Set("characters", LengthsJson(found.characters));
  json.Set("tokens", found.tokens.number() > 0 ? LengthsJson(found.tokens) : Json());
  json.Set("first_examples", first);
  json.Set("train", TrainCommand(found, flags));
  return json;
}

std::string LabelsText(const ExampleFile& file) {
  std::vector<std::string> counts;
  for (const auto& [label, count] : file.label_counts) {
    if (counts.size() == kShownLabels) {
      counts.push_back(fmt::format("and {} more", file.label_counts.size() - kShownLabels));
      break;
    }
    counts.push_back(fmt::format("'{}' {}", TruncateForMessage(label, 40), count));
  }
  return fmt::format("{}{}", fmt::join(counts, ", "),
                     file.labels_are_open ? "; they do not tell what they mean" : "");
}

std::string OneLine(const std::string& text) {
  std::string line = TruncateForMessage(text, kShownBytes);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

void PrintReport(const Inspection& found, const InspectFlags& flags) {
  const ExampleFile& file = found.file;
  FieldList fields;
  fields.Add("form", found.form);
  if (file.shards.size() > 1) fields.Add("files", fmt::format("{}", file.shards.size()));
  fields.Add("columns found", HeaderWords(file.found));
  for (const auto& [name, role] : file.columns)
    fields.Add("  " + (name.empty() ? "(no name)" : OneLine(name)), role);
  fields.Add("rows", fmt::format("{}", file.rows));
  if (!file.label_counts.empty()) fields.Add("labels", LabelsText(file));
  file.dropped.ForEachReason([&](const char* reason, int64_t count) {
    if (count > 0) fields.Add("  left out", fmt::format("{} {}", count, reason));
  });
  fields.Add("examples", fmt::format("{}", found.examples));
  if (found.negatives > 0) fields.Add("negatives", fmt::format("{}", found.negatives));
  if (file.dropped_negatives > 0)
    fields.Add("  left out", fmt::format("{} that repeat another text", file.dropped_negatives));
  fields.Add("repeated", fmt::format("{} examples, {} of {} texts", found.repeated_examples,
                                     found.repeated_texts, found.texts));
  fields.Add("characters", LengthsText(found.characters));
  if (found.tokens.number() > 0) fields.Add("tokens", LengthsText(found.tokens));
  for (const std::string& note : NotesOf(file)) fields.Add("note", note);
  Out().Write(fields.Text());
  for (const Example& example : found.first) {
    Out().Write(fmt::format("\n{}\n", file.PlaceOf(example)));
    for (const std::string& text : example.texts) Out().Write("  " + OneLine(text) + "\n");
    if (file.kind == ExampleKind::kScored) Out().Write(fmt::format("  score {}\n", example.score));
    if (file.kind == ExampleKind::kClasses) {
      Out().Write(fmt::format("  class {}\n",
                              OneLine(file.class_names[static_cast<size_t>(example.label)])));
    }
  }
  Out().Write("\n" + TrainCommand(found, flags) + "\n");
  if (file.labels_are_open)
    Out().Write("SCHEME is nli if 0 means entailment, and paraphrase if 1 means the same\n");
}

void Inspect(const GlobalOptions& globals, const InspectFlags& flags) {
  std::unique_ptr<const Tokenizer> tokenizer;
  TokenizeOptions tokenize{.max_length = INT32_MAX};
  InspectOptions options{.examples = {.table = flags.table.Options(),
                                      .split = flags.split,
                                      .label_scheme = flags.label_scheme}};
  if (!flags.model.empty()) {
    const ModelFolder folder = OpenModelFolder(flags.model, "", "");
    LogNotes(folder);
    tokenizer = OpenTokenizer(folder);
    tokenize.strip = folder.settings.strip.value_or(false);
    options.max_length = folder.settings.max_length.value_or(kDefaultMaxLength);
    options.count_tokens = [&](const std::string& text) {
      return static_cast<int64_t>(TokenizeText(*tokenizer, text, tokenize).ids.size());
    };
  }
  Progress progress(globals, {.what = "reading", .unit = "examples"});
  options.progress = [&](int64_t examples) {
    if (examples % kExamplesBetweenChecks != 0) return;
    CheckInterrupt();
    progress.Update(examples);
  };
  const Inspection found = InspectExamples(flags.file, options);
  progress.Finish();
  if (globals.json) {
    PrintJson(Report(found, flags));
  } else {
    PrintReport(found, flags);
  }
}

}  // namespace

void AddInspect(CLI::App& data, GlobalOptions& globals) {
  CLI::App* command = NewCommand(data, globals, "inspect",
                                 "Show how a file of training data would be read (docs/data.md)",
                                 "lacos data inspect pairs.jsonl --model bloom-560m");
  auto flags = std::make_shared<InspectFlags>();
  command
      ->add_option("FILE", flags->file,
                   "A table: .tsv, .csv, .jsonl, .json, a folder of shards, or - for stdin")
      ->type_name("")
      ->required();
  command
      ->add_option("--model", flags->model,
                   "A model folder, whose tokenizer counts the tokens of the texts")
      ->type_name("DIR");
  AddFlag(command, SettingNamed("split"), flags->split);
  AddFlag(command, SettingNamed("label_scheme"), flags->label_scheme);
  AddTableOptions(command, flags->table);
  OnRun(command, globals, [&globals, flags] { Inspect(globals, *flags); });
}

}  // namespace lacos::cli
