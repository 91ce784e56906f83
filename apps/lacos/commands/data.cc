// `lacos data`: makes one checked evaluation suite of public test sets as people download them, lists
// the contents of a suite, and shows how a file of training data would be read.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "commands/commands.h"
#include "commands/data/inspect.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/data/prepare/known_sets.h"
#include "lacos/data/prepare/prepare.h"
#include "lacos/data/suite.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

// The number of rows as people count them: for retrieval, the number of questions.
int64_t RowsOf(const SuiteSet& set) {
  return set.task == "retrieval" ? set.queries.rows : set.rows;
}

// The published number of rows, or nothing if lacos does not know the set.
std::optional<int64_t> ExpectedRows(const std::string& task, const std::string& name,
                                    const std::string& subset, const std::string& split) {
  const KnownSet* known = FindKnownSet(task, name, subset, split);
  if (known == nullptr || known->rows == 0) return std::nullopt;
  return known->rows;
}

std::string PartOf(const std::string& subset, const std::string& split) {
  if (subset.empty()) return split == "all" ? "" : split;
  return split == "test" || split == "all" ? subset : subset + " " + split;
}

Json SetJson(const SuiteSet& set) {
  Json json = Json::Object();
  json.Set("task", set.task);
  json.Set("name", set.name);
  json.Set("subset", set.subset);
  json.Set("split", set.split);
  json.Set("path", set.path);
  json.Set("rows", RowsOf(set));
  const auto expected = ExpectedRows(set.task, set.name, set.subset, set.split);
  json.Set("expected", expected ? Json(*expected) : Json());
  json.Set("sha256", set.sha256);
  json.Set("published_text", set.published_text);
  return json;
}

Json AbsentJson(const std::vector<AbsentSet>& absent) {
  Json list = Json::Array();
  for (const AbsentSet& set : absent) {
    Json json = Json::Object();
    json.Set("task", set.task);
    json.Set("name", set.name);
    json.Set("subset", set.subset);
    json.Set("split", set.split);
    list.Append(json);
  }
  return list;
}

// One line of the table. The subsets of one name and split are summed in one line.
struct Line {
  int64_t found = 0, parts = 0, expected = 0, expected_parts = 0;
  bool other_text = false;
  std::vector<std::string> absent;
};
// The task's place in SuiteTaskNames(), the set's name and its split.
using LineKey = std::pair<std::pair<size_t, std::string>, std::string>;

LineKey KeyOf(const std::string& task, const std::string& name, const std::string& split) {
  const auto& tasks = SuiteTaskNames();
  const auto place =
      static_cast<size_t>(std::find(tasks.begin(), tasks.end(), task) - tasks.begin());
  return {{place, name}, split};
}

std::string SetTable(const std::vector<SuiteSet>& sets, const std::vector<AbsentSet>& absent) {
  std::map<LineKey, Line> lines;
  const auto expect = [](Line& line, const std::optional<int64_t>& rows, int64_t otherwise) {
    line.expected += rows.value_or(otherwise);
    ++line.expected_parts;
  };
  for (const SuiteSet& set : sets) {
    Line& line = lines[KeyOf(set.task, set.name, set.split)];
    line.found += RowsOf(set);
    ++line.parts;
    line.other_text |= !set.published_text;
    const auto rows = ExpectedRows(set.task, set.name, set.subset, set.split);
    expect(line, set.published_text ? rows : RowsOf(set), RowsOf(set));
  }
  for (const AbsentSet& set : absent) {
    Line& line = lines[KeyOf(set.task, set.name, set.split)];
    line.absent.push_back(set.subset);
    expect(line, ExpectedRows(set.task, set.name, set.subset, set.split), 0);
  }
  Table table({"set", "task", "split", "files", "rows", "expected", "state"});
  for (const auto& [key, line] : lines) {
    const std::string task =
        key.first.first < SuiteTaskNames().size() ? SuiteTaskNames()[key.first.first] : "";
    std::string state = line.parts == 0 ? "absent" : line.absent.empty() ? "ok" : "incomplete";
    if (line.parts > 0 && line.other_text) state += ", other texts";
    table.AddRow({key.first.second, task, key.second, fmt::format("{}", line.parts),
                  fmt::format("{}", line.found), fmt::format("{}", line.expected), state});
  }
  return table.Text();
}

// The missing sets in one line, such as "STS13 FNWN, headlines; SICK-R dev".
std::string AbsentText(const std::vector<AbsentSet>& absent) {
  std::vector<std::pair<std::string, std::vector<std::string>>> names;
  for (const AbsentSet& set : absent) {
    if (names.empty() || names.back().first != set.name)
      names.emplace_back(set.name, std::vector<std::string>{});
    const std::string part = PartOf(set.subset, set.split);
    if (!part.empty()) names.back().second.push_back(part);
  }
  std::string text;
  for (const auto& [name, parts] : names) {
    if (!text.empty()) text += "; ";
    text += name;
    if (parts.size() > 12) {
      text += fmt::format(" ({} files)", parts.size());
    } else if (!parts.empty()) {
      text += fmt::format(" {}", fmt::join(parts, ", "));
    }
  }
  return text;
}

void Prepare(const GlobalOptions& globals, const PrepareOptions& flags) {
  Progress progress(globals, {.what = "reading", .unit = "files"});
  PrepareOptions options = flags;
  options.writing = MakeOutputOptions(globals, options.to, flags.writing.overwrite);
  options.writing.progress = [&](const WorkProgress& work) {
    progress.Update(work.done, work.now);
  };
  PeakMemory memory;
  const PrepareReport report = PrepareSuite(options);
  memory.Sample();
  const double seconds = progress.Seconds();
  progress.Finish();
  if (globals.json) {
    Json sets = Json::Array(), notes = Json::Array();
    for (const SuiteSet& set : report.sets) sets.Append(SetJson(set));
    for (const PrepareNote& note : report.notes) {
      Json json = Json::Object();
      json.Set("file", note.file);
      json.Set("what", note.what);
      if (note.count > 0) json.Set("count", note.count);
      notes.Append(json);
    }
    Json json = Json::Object();
    json.Set("output", options.to);
    json.Set("written", report.written);
    json.Set("files", report.files);
    json.Set("skipped_members", report.skipped_members);
    json.Set("sets", sets);
    json.Set("absent", AbsentJson(report.absent));
    json.Set("notes", notes);
    json.Set("seconds", seconds);
    memory.AddTo(json);
    PrintJson(json);
  } else {
    Out().Write(SetTable(report.sets, report.absent));
    // number of files, and their total count
    std::map<std::string, std::pair<int64_t, int64_t>> by_note;
    for (const PrepareNote& note : report.notes) {
      auto& [files, count] = by_note[note.what];
      ++files;
      count += note.count;
      spdlog::debug("[{}] {} ({})", note.file, note.what, note.count);
    }
    if (!by_note.empty()) Out().Write("\n");
    for (const auto& [what, counts] : by_note) {
      const std::string files =
          fmt::format("{} file{}", counts.first, counts.first == 1 ? "" : "s");
      Out().Write(counts.second == 0 ? fmt::format("{}: {}\n", what, files)
                                     : fmt::format("{}: {} in {}\n", what, counts.second, files));
    }
    if (report.skipped_members > 0) {
      Out().Write(
          fmt::format("links and devices in archives, ignored: {}\n", report.skipped_members));
    }
    if (!report.absent.empty())
      Out().Write(fmt::format("\nabsent: {}\n", AbsentText(report.absent)));
  }
  if (report.written) return;
  Out().Flush();
  throw UserError(fmt::format(
      "[{}] lacks {} of the known files of test data: {}; expected all; add what is missing, "
      "choose tasks with --only, or "
      "pass --allow-incomplete",
      options.from, report.absent.size(), AbsentText(report.absent)));
}

void List(const GlobalOptions& globals, const std::string& folder) {
  const Suite suite = OpenSuite(folder);
  const std::vector<SuiteProblem> problems = VerifySuite(suite);
  if (globals.json) {
    Json sets = Json::Array(), list = Json::Array();
    for (const SuiteSet& set : suite.sets) sets.Append(SetJson(set));
    for (const SuiteProblem& problem : problems) {
      Json json = Json::Object();
      json.Set("file", problem.path);
      json.Set("found", problem.found);
      json.Set("expected", problem.expected);
      list.Append(json);
    }
    Json json = Json::Object();
    json.Set("folder", folder);
    json.Set("ok", problems.empty());
    json.Set("sets", sets);
    json.Set("absent", AbsentJson(suite.absent));
    json.Set("problems", list);
    PrintJson(json);
  } else {
    Out().Write(SetTable(suite.sets, suite.absent));
    for (const SuiteProblem& problem : problems) {
      Out().Write(fmt::format("{}: found {}; expected {}\n", problem.path, problem.found,
                              problem.expected));
    }
  }
  if (problems.empty()) return;
  Out().Flush();
  throw UserError(fmt::format(
      "[{}] {} of its files {} not as suite.json says; expected no difference; copy or prepare the "
      "suite again",
      folder, problems.size(), problems.size() == 1 ? "is" : "are"));
}

void AddPrepare(CLI::App& data, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(data, globals, "prepare",
                 "Turn downloaded test sets into one checked evaluation suite (docs/data.md)",
                 "lacos data prepare --from downloads --to suite --only sts,retrieval");
  auto flags = std::make_shared<PrepareOptions>();
  command
      ->add_option(
          "--from", flags->from,
          "Folder that is searched to any depth for test sets, packed or not; or one archive")
      ->type_name("RAW")
      ->required();
  command->add_option("--to", flags->to, "Folder to write the suite to")
      ->type_name("DIR")
      ->required();
  OneOf(
      command->add_option("--only", flags->only, "Tasks that are wanted, with commas between them")
          ->delimiter(',')
          ->default_str("all"),
      SuiteTaskNames());
  command->add_flag("--allow-incomplete", flags->allow_incomplete,
                    "Write the suite though sets are absent (wrong counts stay errors)");
  command->add_flag(
      "--allow-changed-texts", flags->allow_changed_texts,
      "Take texts that are not the published ones; counts and scores are checked all the same");
  command->add_flag("--overwrite", flags->writing.overwrite, "Replace an existing --to");
  OnRun(command, globals, [&globals, flags] { Prepare(globals, *flags); });
}

void AddList(CLI::App& data, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(data, globals, "list", "Show an evaluation suite and check every hash",
                 "lacos data list suite");
  auto folder = std::make_shared<std::string>();
  command->add_option("DIR", *folder, "Folder with a suite.json")->type_name("")->required();
  OnRun(command, globals, [&globals, folder] { List(globals, *folder); });
}

}  // namespace

void AddDataCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* data = app.add_subcommand(
      "data", "Inspect training data; make and check evaluation suites of public test sets");
  data->group("Commands");
  data->set_help_flag("--help", "Show this text and exit");
  data->require_subcommand(0, 1);
  data->footer(
      "'lacos data COMMAND --help' lists a command's flags with their defaults.\n\nExample:\n"
      "  lacos data prepare --from downloads --to suite");
  AddInspect(*data, globals);
  AddPrepare(*data, globals);
  AddList(*data, globals);
}

}  // namespace lacos::cli
