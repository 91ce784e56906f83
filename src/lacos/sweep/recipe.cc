#include "lacos/sweep/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

// toml++ 3.3 asserts conditions that a damaged text can violate, and continues past them when
// assertions are off. Here a violated assertion throws in every build, so that such a text is an
// error like any other.
namespace lacos {
struct TomlAssertion {};
[[noreturn]] static void FailTomlAssertion() { throw TomlAssertion(); }
}  // namespace lacos
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : ::lacos::FailTomlAssertion())
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "lacos/base/error.h"
#include "lacos/data/suite_families.h"
#include "lacos/data/task.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/utf8.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

constexpr size_t kMostCombinations = 4096;  // limit for the sum over all studies

const char* TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// Hides bytes beyond ASCII from toml++ 3.3. Wherever it looks for whitespace, that version assumes
// that certain letters (U+00A1 to U+0499 and others) cannot occur, which is undefined behaviour
// when they do. Each such byte is replaced by a word of ASCII characters whose beginning occurs
// nowhere in the text, and the texts that were read are changed back.
class ForeignBytes {
 public:
  explicit ForeignBytes(const std::string& text) {
    while (text.find(mark_) != std::string::npos) mark_ += '_';
  }
  std::string Hide(const std::string& text) const {
    std::string hidden;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x80) {
        hidden += c;
      } else {
        hidden += fmt::format("{}{:02x}", mark_, byte);
      }
    }
    return hidden;
  }
  std::string Show(std::string text) const {
    for (size_t at = 0;
         (at = text.find(mark_, at)) != std::string::npos && at + mark_.size() + 2 <= text.size();
         ++at) {
      const std::string digits = text.substr(at + mark_.size(), 2);
      text.replace(at, mark_.size() + 2, 1,
                   static_cast<char>(std::strtol(digits.c_str(), nullptr, 16)));
    }
    return text;
  }
  // Restores the original bytes in every text within `node`.
  void ShowIn(toml::node& node) const {
    if (toml::value<std::string>* text = node.as_string()) text->get() = Show(text->get());
    if (toml::array* list = node.as_array()) {
      for (toml::node& element : *list) ShowIn(element);
    }
    if (toml::table* table = node.as_table()) {
      for (auto&& [key, value] : *table) ShowIn(value);
    }
  }

 private:
  std::string mark_ = "byte_";
};

class RecipeReader {
 public:
  RecipeReader(const std::string& text, const std::string& path)
      : folder_(fs::path(path).parent_path()), foreign_(text) {
    recipe_.path = path;
    if (const size_t byte = FindInvalidUtf8(text); byte != std::string::npos) {
      throw UserError(fmt::format("[{}] has no UTF-8 at byte {}; expected UTF-8; convert the file",
                                  path, byte));
    }
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    const size_t begin = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    try {
      root_ = toml::parse(foreign_.Hide(text.substr(begin)), path);
    } catch (const toml::parse_error& error) {
      throw UserError(fmt::format("[{}:{}] is no TOML: {}; expected a recipe; correct the line",
                                  path, error.source().begin.line,
                                  foreign_.Show(std::string(error.description()))));
    } catch (const TomlAssertion&) {
      throw UserError(fmt::format(
          "[{}] is no TOML; expected a recipe; correct the names in brackets and before '='",
          path));
    }
    foreign_.ShowIn(root_);
  }

  SweepRecipe Read() {
    RequireKeys(root_, "",
                {"title", "seeds", "bases", "data", "evaluation", "settings", "study", "product"});
    recipe_.title = Text(root_, "", "title", fs::path(recipe_.path).stem().string());
    ReadSeeds();
    ReadBases();
    ReadData();
    ReadEvaluation();
    if (recipe_.bases.size() == 1) recipe_.settings.base = recipe_.bases.begin()->first;
    if (recipe_.data.size() == 1) recipe_.settings.data = recipe_.data.begin()->first;
    if (const toml::table* settings = Table(root_, "", "settings")) {
      ReadSettings(*settings, "settings", recipe_.settings);
    }
    ReadStudies();
    return recipe_;
  }

 private:
  [[noreturn]] void Fail(const toml::node& node, const std::string& key, const std::string& found,
                         const std::string& expected) const {
    throw UserError(fmt::format("[{}:{}: {}] {}; expected {}; correct the recipe", recipe_.path,
                                node.source().begin.line, foreign_.Show(key), foreign_.Show(found),
                                expected));
  }
  [[noreturn]] void FailType(const toml::node& node, const std::string& key,
                             const std::string& expected) const {
    Fail(node, key, fmt::format("found {}", TypeName(node)), expected);
  }
  static std::string Join(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
  }

  void RequireKeys(const toml::table& table, const std::string& path, const Strings& known) const {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (std::ranges::find(known, name) != known.end()) continue;
      Fail(node, Join(path, name), "no such key", fmt::format("one of {}", fmt::join(known, ", ")));
    }
  }

  const toml::table* Table(const toml::table& in, const std::string& path,
                           const std::string& key) const {
    const toml::node* node = in.get(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) FailType(*node, Join(path, key), "a table");
    return node->as_table();
  }
  std::string Text(const toml::table& in, const std::string& path, const std::string& key,
                   const std::string& otherwise) const {
    const toml::node* node = in.get(key);
    if (node == nullptr) return otherwise;
    if (!node->is_string()) FailType(*node, Join(path, key), "a text");
    return node->as_string()->get();
  }
  double Number(const toml::table& in, const std::string& path, const std::string& key,
                double otherwise, double low, double high) const {
    const toml::node* node = in.get(key);
    if (node == nullptr) return otherwise;
    const auto value = node->value<double>();
    if (!node->is_number() || !(*value >= low && *value <= high)) {
      Fail(*node, Join(path, key),
           node->is_number() ? fmt::format("found {}", *value) : "found no number",
           fmt::format("a number from {} to {}", low, high));
    }
    return *value;
  }
  // Reads a text or a list of texts.
  Strings Texts(const toml::node& node, const std::string& key) const {
    if (node.is_string()) return {node.as_string()->get()};
    if (!node.is_array() || node.as_array()->empty())
      FailType(node, key, "a text or a list of texts");
    Strings texts;
    for (const toml::node& element : *node.as_array()) {
      if (!element.is_string()) FailType(element, key, "a text");
      texts.push_back(element.as_string()->get());
    }
    return texts;
  }
  std::string Resolve(const toml::node& node, const std::string& key,
                      const std::string& path) const {
    const fs::path full = fs::path(path).is_absolute() ? fs::path(path) : folder_ / path;
    std::error_code error;
    if (!fs::exists(full, error)) {
      Fail(node, key, fmt::format("there is nothing at {}", full.lexically_normal().string()),
           "an existing path, relative to the recipe");
    }
    return full.lexically_normal().string();
  }

  void ReadSeeds() {
    const toml::node* node = root_.get("seeds");
    if (node == nullptr) return;
    if (!node->is_array()) FailType(*node, "seeds", "a list of whole numbers");
    std::set<int64_t> seeds;
    recipe_.seeds.clear();
    for (const toml::node& element : *node->as_array()) {
      const auto seed = element.value<int64_t>();
      if (!element.is_integer() || *seed < 0) FailType(element, "seeds", "whole numbers from 0");
      if (!seeds.insert(*seed).second) {
        Fail(element, "seeds", fmt::format("found {} twice", *seed), "different seeds");
      }
      recipe_.seeds.push_back(static_cast<uint64_t>(*seed));
    }
    if (seeds.size() < 3) {
      Fail(
          *node, "seeds", fmt::format("found {}", seeds.size()),
          "at least 3: from fewer, how much a training's chance alone moves a score cannot be told, and no "
          "difference "
          "could be believed");
    }
  }

  void ReadBases() {
    const toml::table* bases = Table(root_, "", "bases");
    if (bases == nullptr || bases->empty()) {
      Fail(root_, "bases", "there is none", "a table with a model folder for each name");
    }
    for (const auto& [key, node] : *bases) {
      const std::string name(key.str());
      if (!node.is_string()) FailType(node, Join("bases", name), "the path of a model folder");
      const bool plain = name.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
                         std::string::npos;
      if (!plain || name.empty()) {  // the name becomes part of folder names
        Fail(node, Join("bases", name), fmt::format("found the name '{}'", name),
             "letters, digits, - and _");
      }
      recipe_.bases[name] = Resolve(node, Join("bases", name), node.as_string()->get());
    }
  }

  void ReadData() {
    const toml::table* data = Table(root_, "", "data");
    if (data == nullptr || data->empty()) {
      Fail(root_, "data", "there is none", "a table with a file or a list of files for each name");
    }
    for (const auto& [key, node] : *data) {
      const std::string name(key.str());
      for (const std::string& path : Texts(node, Join("data", name))) {
        recipe_.data[name].push_back(Resolve(node, Join("data", name), path));
      }
    }
  }

  void ReadEvaluation() {
    const toml::table* table = Table(root_, "", "evaluation");
    if (table == nullptr) {
      Fail(root_, "evaluation", "there is none",
           "[[evaluation.file]] tables, or a suite and its folder");
    }
    const std::string path = "evaluation";
    EvaluationRecipe& evaluation = recipe_.evaluation;
    RequireKeys(*table, path,
                {"file", "suite", "suite_folder", "score", "resamples", "confidence", "seed"});
    if (const toml::node* suite = table->get("suite")) {
      evaluation.suites = Texts(*suite, "evaluation.suite");
      for (const std::string& name : evaluation.suites) {
        if (std::ranges::find(SuiteNames(), name) == SuiteNames().end()) {
          Fail(*suite, "evaluation.suite", fmt::format("found '{}'", name),
               fmt::format("{}", fmt::join(SuiteNames(), ", ")));
        }
      }
      const toml::node* folder = table->get("suite_folder");
      if (folder == nullptr || !folder->is_string()) {
        Fail(*table, "evaluation.suite_folder", "there is none",
             "the folder that `lacos data prepare` made");
      }
      evaluation.suite_folder =
          Resolve(*folder, "evaluation.suite_folder", folder->as_string()->get());
    }
    if (const toml::node* files = table->get("file")) {
      if (!files->is_array()) FailType(*files, "evaluation.file", "[[evaluation.file]] tables");
      for (const toml::node& element : *files->as_array()) {
        if (!element.is_table()) FailType(element, "evaluation.file", "a table");
        evaluation.files.push_back(ReadFile(*element.as_table()));
        RequireNewName(element, evaluation.files);
      }
    }
    if (evaluation.files.empty() && evaluation.suites.empty()) {
      Fail(*table, path, "nothing to score",
           "[[evaluation.file]] tables, or a suite and its folder");
    }
    evaluation.score = Text(*table, path, "score", "");
    evaluation.bootstrap.resamples =
        static_cast<int64_t>(Number(*table, path, "resamples", 2000, 100, 1e6));
    evaluation.bootstrap.confidence = Number(*table, path, "confidence", 0.95, 0.5, 0.9999);
    evaluation.bootstrap.seed = static_cast<uint64_t>(Number(*table, path, "seed", 42, 0, 1e15));
  }

  // Throws UserError when an earlier file has the name and subset of the last one, because scores
  // are identified by the names of their sets.
  void RequireNewName(const toml::node& node, const std::vector<EvaluationFile>& files) const {
    for (size_t i = 0; i + 1 < files.size(); ++i) {
      if (files[i].name != files.back().name || files[i].subset != files.back().subset) continue;
      Fail(node, "evaluation.file",
           fmt::format("two files are called '{}', subset '{}'", files[i].name, files[i].subset),
           "different names or subsets");
    }
  }

  EvaluationFile ReadFile(const toml::table& table) const {
    const std::string path = "evaluation.file";
    RequireKeys(table, path, {"name", "subset", "path", "task", "split", "languages"});
    const toml::node* file = table.get("path");
    if (file == nullptr || !file->is_string())
      Fail(table, path + ".path", "there is none", "a file to score");
    EvaluationFile result;
    result.path = Resolve(*file, path + ".path", file->as_string()->get());
    result.name = Text(table, path, "name", fs::path(result.path).filename().string());
    result.subset = Text(table, path, "subset", "");
    result.split = Text(table, path, "split", "test");
    result.task = Text(table, path, "task", "sts");
    if (!Parse<Task>(result.task)) {
      Fail(*table.get("task"), path + ".task", fmt::format("found '{}'", result.task),
           fmt::format("one of {}", fmt::join(WordsOf<Task>(), ", ")));
    }
    if (const toml::node* languages = table.get("languages")) {
      result.languages = Texts(*languages, path + ".languages");
    }
    return result;
  }

  SettingValue Value(const toml::node& node, const std::string& key) const {
    if (node.is_boolean()) return node.as_boolean()->get();
    if (node.is_integer()) return node.as_integer()->get();
    if (node.is_floating_point()) return node.as_floating_point()->get();
    if (node.is_string()) return node.as_string()->get();
    if (node.is_array()) return Texts(node, key);
    FailType(node, key, SettingExpected(key.substr(key.rfind('.') + 1)));
  }

  void Set(const toml::node& node, const std::string& key, const std::string& name,
           CellSettings& settings) const {
    if (const std::string problem = SetSetting(settings, name, Value(node, key));
        !problem.empty()) {
      Fail(node, key, problem, SettingExpected(name));
    }
    if (name == "base" && !recipe_.bases.contains(settings.base)) {
      Fail(node, key, fmt::format("found '{}'", settings.base),
           "a name of [bases]: " + Names(recipe_.bases));
    }
    if (name == "data" && !recipe_.data.contains(settings.data)) {
      Fail(node, key, fmt::format("found '{}'", settings.data),
           "a name of [data]: " + Names(recipe_.data));
    }
  }
  template <class Map>
  static std::string Names(const Map& map) {
    Strings names;
    for (const auto& [name, value] : map) names.push_back(name);
    return fmt::format("{}", fmt::join(names, ", "));
  }

  void ReadSettings(const toml::table& table, const std::string& path,
                    CellSettings& settings) const {
    RequireKeys(table, path, SettingNames());
    for (const auto& [key, node] : table) {
      Set(node, Join(path, std::string(key.str())), std::string(key.str()), settings);
    }
  }

  void ReadStudies() {
    if (const toml::table* product = Table(root_, "", "product")) {
      recipe_.studies.push_back(ReadStudy(*product, "product", "product"));
    }
    if (const toml::node* studies = root_.get("study")) {
      if (!studies->is_array()) FailType(*studies, "study", "[[study]] tables");
      for (const toml::node& element : *studies->as_array()) {
        if (!element.is_table()) FailType(element, "study", "a table");
        const toml::table& table = *element.as_table();
        const std::string name = Text(table, "study", "name", "");
        if (name.empty()) Fail(table, "study.name", "there is none", "a name for the study");
        for (const Study& other : recipe_.studies) {
          if (other.name == name) {
            Fail(*table.get("name"), "study.name", fmt::format("found '{}' twice", name),
                 "different names");
          }
        }
        recipe_.studies.push_back(ReadStudy(table, "study", name));
      }
    }
    if (recipe_.studies.empty())
      Fail(root_, "study", "there is none", "[[study]] tables, or one [product]");
    RequireFewCells();
    for (const Study& study : recipe_.studies) {
      for (const auto& [key, names] :
           {std::pair<const char*, size_t>{"base", recipe_.bases.size()},
            std::pair<const char*, size_t>{"data", recipe_.data.size()}}) {
        if (!SettingText(study.settings, key).empty() || Varies(study, key)) continue;
        Fail(
            root_, fmt::format("settings.{}", key),
            fmt::format("study '{}' names none of {}", study.name, names),
            fmt::format("one of the names in [{}]", std::string(key) == "base" ? "bases" : "data"));
      }
    }
  }

  void RequireFewCells() const {
    size_t all = 0;
    for (const Study& study : recipe_.studies) {
      size_t combinations = 1;
      for (const Axis& axis : study.axes) {
        combinations = std::min(combinations * axis.values.size(), kMostCombinations + 1);
      }
      all += combinations;
      if (all <= kMostCombinations) continue;
      Fail(root_, fmt::format("study '{}'", study.name),
           fmt::format("its combinations make more than {} cells", kMostCombinations),
           fmt::format("at most {} in all studies, each of which is trained {} times",
                       kMostCombinations, recipe_.seeds.size()));
    }
  }

  static bool Varies(const Study& study, const std::string& setting) {
    return std::ranges::any_of(study.axes,
                               [&](const Axis& axis) { return axis.setting == setting; });
  }

  Study ReadStudy(const toml::table& table, const std::string& path,
                  const std::string& name) const {
    RequireKeys(table, path, {"name", "title", "vary", "fixed", "baseline", "score", "within"});
    Study study{.name = name, .settings = recipe_.settings};
    study.title = Text(table, path, "title", name);
    study.score = Text(table, path, "score", "");
    if (table.get("within") != nullptr) study.within = Number(table, path, "within", 0, 0, 100);
    if (const toml::table* fixed = Table(table, path, "fixed")) {
      ReadSettings(*fixed, Join(path, "fixed"), study.settings);
    }
    const toml::table* vary = Table(table, path, "vary");
    if (vary == nullptr || vary->empty()) {
      Fail(table, Join(path, "vary"), "there is none",
           "a table with a list of values for each setting that varies");
    }
    const std::string vary_path = Join(path, "vary");
    RequireKeys(*vary, vary_path, SettingNames());
    study.baseline = study.settings;
    for (const auto& [key, node] : *vary) {
      study.axes.push_back(
          ReadAxis(node, Join(vary_path, std::string(key.str())), std::string(key.str())));
      const Axis& axis = study.axes.back();
      // By default the baseline has the common value if the axis contains it, otherwise the axis's
      // first value.
      const bool has_common = std::ranges::any_of(axis.values, [&](const SettingValue& value) {
        CellSettings other = study.settings;
        SetSetting(other, axis.setting, value);
        return SettingText(other, axis.setting) == SettingText(study.settings, axis.setting);
      });
      if (!has_common) SetSetting(study.baseline, axis.setting, axis.values[0]);
    }
    if (const toml::table* baseline = Table(table, path, "baseline")) {
      for (const auto& [key, node] : *baseline) {
        const std::string setting(key.str()), where = Join(path, "baseline." + setting);
        if (!Varies(study, setting))
          Fail(node, where, "the study does not vary it", "settings of vary");
        Set(node, where, setting, study.baseline);
        RequireAmong(node, where, study, setting);
      }
    }
    return study;
  }

  void RequireAmong(const toml::node& node, const std::string& where, const Study& study,
                    const std::string& setting) const {
    const Axis& axis = *std::ranges::find_if(
        study.axes, [&](const Axis& candidate) { return candidate.setting == setting; });
    for (const SettingValue& value : axis.values) {
      CellSettings other = study.settings;
      SetSetting(other, setting, value);
      if (SettingText(other, setting) == SettingText(study.baseline, setting)) return;
    }
    Fail(node, where, fmt::format("found '{}'", SettingText(study.baseline, setting)),
         "one of the values in vary");
  }

  Axis ReadAxis(const toml::node& node, const std::string& key, const std::string& setting) const {
    if (!node.is_array() || node.as_array()->empty()) FailType(node, key, "a list of values");
    Axis axis{.setting = setting, .values = {}};
    std::set<std::string> seen;
    for (const toml::node& element : *node.as_array()) {
      CellSettings probe;
      Set(element, key, setting, probe);
      if (!seen.insert(SettingText(probe, setting)).second) {
        Fail(element, key, fmt::format("found {} twice", SettingText(probe, setting)),
             "different values");
      }
      axis.values.push_back(Value(element, key));
    }
    return axis;
  }

  fs::path folder_;
  ForeignBytes foreign_;
  toml::table root_;
  SweepRecipe recipe_;
};

}  // namespace

SweepRecipe ParseRecipe(const std::string& text, const std::string& path) {
  return RecipeReader(text, path).Read();
}

SweepRecipe ReadRecipe(const std::string& path) {
  return ParseRecipe(ReadFileToString(path), path);
}

}  // namespace lacos
