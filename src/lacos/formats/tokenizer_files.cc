#include "lacos/formats/tokenizer_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/formats/folder_keys.h"
#include "lacos/formats/model_folder.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// A tokenizer without a limit of its own has 10^30 as its limit.
constexpr double kNoLimit = 1e6;

// The named special tokens in the order in which transformers adds them.
constexpr std::array<std::string_view, 7> kNamed = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

[[noreturn]] void RefuseValue(const Json& value, std::string_view expected) {
  throw UserError(fmt::format("{} found {}; expected {}; correct the file", value.Where(),
                              value.Dump(), expected));
}

// Whether Python takes the value for true.
bool IsTrue(const Json& value) {
  if (value.IsNull()) return false;
  if (value.IsBool()) return value.AsBool();
  if (value.IsNumber()) return value.AsDouble() != 0;
  if (value.IsString()) return !value.AsStringView().empty();
  return value.size() > 0;
}

bool IsTypedToken(const Json& value) {
  if (!value.IsObject()) return false;
  const auto type = value.Find("__type");
  return type && type->IsString() && type->AsStringView() == "AddedToken";
}

// A token from the object that describes it. `special` overrides the object's flag.
SideToken ReadTokenObject(const Json& json, std::optional<bool> special = {}) {
  const auto flag = [&](const char* key, bool otherwise) {
    const auto value = json.Find(key);
    return value ? value->AsBool() : otherwise;
  };
  SideToken side{.token = {.content = json.At("content").AsString()}, .where = json.Where()};
  side.token.single_word = flag("single_word", false);
  side.token.lstrip = flag("lstrip", false);
  side.token.rstrip = flag("rstrip", false);
  side.token.special = special.value_or(flag("special", false));
  side.token.normalized = flag("normalized", !side.token.special);
  return side;
}

// A special token that is given as a text, or as an object that says that it is a token.
SideToken ReadSpecialToken(const Json& json) {
  if (IsTypedToken(json)) return ReadTokenObject(json);
  if (!json.IsString())
    RefuseValue(json, "a text, or an object with \"__type\": \"AddedToken\" and \"content\"");
  return {.token = {.content = json.AsString(), .special = true}, .where = json.Where()};
}

// The settings of a tokenizer under the names of tokenizer_config.json, in the order in which
// transformers has them.
class Settings {
 public:
  struct Setting {
    std::string key;
    Json value;
    bool is_token = false;  // an object that transformers has turned into a special token
  };

  const Setting* Find(std::string_view key) const {
    const auto at = std::find_if(list_.begin(), list_.end(),
                                 [&](const Setting& setting) { return setting.key == key; });
    return at == list_.end() ? nullptr : &*at;
  }
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  bool IsTrue(std::string_view key) const {
    const Setting* found = Find(key);
    return found != nullptr && lacos::IsTrue(found->value);
  }
  void Set(std::string_view key, const Json& value, bool is_token = false) {
    for (Setting& setting : list_) {
      if (setting.key != key) continue;
      setting.value = value;
      setting.is_token = is_token;
      return;
    }
    list_.push_back({std::string(key), value, is_token});
  }
  std::optional<Json> Take(std::string_view key) {
    const Setting* found = Find(key);
    if (found == nullptr) return std::nullopt;
    Json value = found->value;
    list_.erase(list_.begin() + (found - list_.data()));
    return value;
  }
  const std::vector<Setting>& list() const { return list_; }

 private:
  std::vector<Setting> list_;
};

bool IsNamedKey(std::string_view key) {
  return std::find(kNamed.begin(), kNamed.end(), key) != kNamed.end();
}

class Reader {
 public:
  Reader(const fs::path& folder, const Json& overrides, std::vector<std::string>& warnings)
      : folder_(folder), overrides_(overrides), warnings_(warnings) {}

  TokenizerFiles Read() {
    if (const auto config = ReadIfThere(FolderFile::kTokenizerConfig)) {
      config->ForEachItem([&](std::string_view key, const Json& value) {
        // transformers drops them beside a tokenizer.json.
        if (key != "add_bos_token" && key != "add_eos_token") settings_.Set(key, value);
      });
    }
    overrides_.ForEachItem(
        [&](std::string_view key, const Json& value) { settings_.Set(key, value); });
    if (settings_.Has("additional_special_tokens") && !settings_.IsTrue("extra_special_tokens"))
      settings_.Set("extra_special_tokens", *settings_.Take("additional_special_tokens"));
    TakeSpecificTokens();
    TokenizerFiles files;
    TokenizerOptions& options = files.options;
    if (settings_.Has("added_tokens_decoder")) {
      ReadDecoder(options);
    } else {
      ReadSpecialTokensMap();
      ReadAddedTokens(options);
    }
    ReadNamed(options);
    ReadExtra(options);
    ReadSide(options);
    if (const Settings::Setting* split = settings_.Find("split_special_tokens"))
      options.split_special_tokens = split->value.AsBool();
    ReadMaxLength(files);
    files.has_chat_template = settings_.IsTrue("chat_template") ||
                              PathExists((folder_ / "chat_template.jinja").string()) ||
                              PathExists((folder_ / "additional_chat_templates").string());
    return files;
  }

 private:
  std::optional<Json> ReadIfThere(FolderFile file) {
    const std::string path = (folder_ / NameOf(file)).string();
    if (!PathExists(path)) return std::nullopt;
    Json json = ReadRecordedJson(path);
    if (!json.IsObject()) RefuseValue(json, "an object");
    CheckKeys(json, file, warnings_);
    return json;
  }

  // Moves tokens with names of the model's own out of the settings.
  void TakeSpecificTokens() {
    std::vector<std::pair<std::string, Json>> found;
    const std::vector<Settings::Setting> all = settings_.list();
    for (const Settings::Setting& setting : all) {
      if (setting.key.ends_with("_token") && !IsNamedKey(setting.key) && setting.value.IsString())
        found.emplace_back(setting.key, *settings_.Take(setting.key));
    }
    TakeNamedExtra(found);
    if (!found.empty()) {
      settings_.Take("model_specific_special_tokens");
      specific_ = std::move(found);
    } else if (const auto given = settings_.Take("model_specific_special_tokens");
               given && !given->IsNull()) {
      given->ForEachItem([&](std::string_view key, const Json& value) {
        specific_.emplace_back(std::string(key), value);
      });
    }
  }

  // extra_special_tokens as an object has named tokens.
  void TakeNamedExtra(std::vector<std::pair<std::string, Json>>& tokens) {
    const Settings::Setting* extra = settings_.Find("extra_special_tokens");
    if (extra == nullptr || !extra->value.IsObject()) return;
    settings_.Take("extra_special_tokens")
        ->ForEachItem([&](std::string_view key, const Json& value) {
          const auto same = std::find_if(tokens.begin(), tokens.end(),
                                         [&](const auto& token) { return token.first == key; });
          if (same != tokens.end()) {
            same->second = value;
          } else {
            tokens.emplace_back(std::string(key), value);
          }
        });
  }

  void ReadDecoder(TokenizerOptions& options) {
    std::map<int64_t, SideToken> by_id;
    settings_.Find("added_tokens_decoder")
        ->value.ForEachItem([&](std::string_view key, const Json& value) {
          int64_t id = -1;
          const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
          if (error != std::errc() || end != key.data() + key.size() || id < 0 || id > INT32_MAX)
            RefuseValue(value, "a token under its id");
          if (!value.IsObject()) RefuseValue(value, "an object with the token's content and flags");
          SideToken side = ReadTokenObject(value);
          side.token.id = static_cast<int32_t>(id);
          by_id.insert_or_assign(id, std::move(side));
        });
    for (auto& [id, side] : by_id) options.listed.push_back(std::move(side));
  }

  void ReadSpecialTokensMap() {
    const auto map = ReadIfThere(FolderFile::kSpecialTokensMap);
    if (!map) return;
    map->ForEachItem([&](std::string_view key, const Json& value) {
      if (const auto given = overrides_.Find(key); given && IsTrue(*given)) return;
      if (key == "extra_special_tokens" && value.IsArray()) {
        has_more_extra_ = true;
        value.ForEachElement([&](const Json& token) { more_extra_.push_back(token); });
      } else {
        settings_.Set(key, value, value.IsObject() && key != "extra_special_tokens");
      }
    });
    TakeNamedExtra(specific_);
  }

  void ReadAddedTokens(TokenizerOptions& options) {
    const auto added = ReadIfThere(FolderFile::kAddedTokens);
    if (!added) return;
    // transformers compares the texts of the special tokens that it knows at this point.
    const auto is_special = [&](std::string_view content) {
      const auto is = [&](const Json& value) {
        return value.IsString() && value.AsStringView() == content;
      };
      for (const std::string_view key : kNamed) {
        const Settings::Setting* named = settings_.Find(key);
        if (named == nullptr) continue;
        if (is(named->is_token ? named->value.At("content") : named->value)) return true;
      }
      if (const Settings::Setting* extra = settings_.Find("extra_special_tokens");
          extra != nullptr && extra->value.IsArray()) {
        for (size_t i = 0; i < extra->value.size(); ++i) {
          if (is(extra->value[i])) return true;
        }
      }
      return std::any_of(more_extra_.begin(), more_extra_.end(),
                         [&](const Json& token) { return ContentOfExtra(token) == content; });
    };
    std::map<int64_t, SideToken> by_id;
    added->ForEachItem([&](std::string_view content, const Json& value) {
      const int64_t id = value.AsInt();
      if (id < 0 || id > INT32_MAX) RefuseValue(value, "the id of a token");
      const bool special = is_special(content);
      const AddedToken token{.content = std::string(content),
                             .id = static_cast<int32_t>(id),
                             .normalized = !special,
                             .special = special};
      by_id.insert_or_assign(id, SideToken{.token = token, .where = value.Where()});
    });
    for (auto& [id, side] : by_id) options.listed.push_back(std::move(side));
  }

  static std::string ContentOfExtra(const Json& token) {
    if (token.IsString()) return token.AsString();
    return token.IsObject() ? token.At("content").AsString() : "";
  }

  void ReadNamed(TokenizerOptions& options) {
    const auto add = [&](const Settings::Setting& setting) {
      if (setting.value.IsNull()) return;
      options.named.push_back(setting.is_token ? ReadTokenObject(setting.value, true)
                                               : ReadSpecialToken(setting.value));
    };
    for (const std::string_view key : kNamed) {
      if (const Settings::Setting* setting = settings_.Find(key)) add(*setting);
    }
    for (const Settings::Setting& setting : settings_.list()) {
      if (!setting.key.ends_with("_token") || IsNamedKey(setting.key)) continue;
      if (setting.is_token || setting.value.IsString() || IsTypedToken(setting.value)) add(setting);
    }
    for (const auto& [key, value] : specific_) options.named.push_back(ReadSpecialToken(value));
  }

  void ReadExtra(TokenizerOptions& options) {
    const Settings::Setting* extra = settings_.Find("extra_special_tokens");
    // transformers reads the old name only where the new one is absent.
    if (extra == nullptr && !has_more_extra_) extra = settings_.Find("additional_special_tokens");
    if (extra != nullptr && !extra->value.IsNull()) {
      if (!extra->value.IsArray()) RefuseValue(extra->value, "a list of tokens");
      extra->value.ForEachElement(
          [&](const Json& token) { options.extra.push_back(ReadSpecialToken(token)); });
    }
    for (const Json& token : more_extra_) {
      options.extra.push_back(token.IsObject() ? ReadTokenObject(token, true)
                                               : ReadSpecialToken(token));
    }
  }

  void ReadSide(TokenizerOptions& options) {
    const Settings::Setting* side = settings_.Find("truncation_side");
    if (side == nullptr) return;
    const Json& value = side->value;
    if (!value.IsString() || (value.AsStringView() != "left" && value.AsStringView() != "right"))
      RefuseValue(value, "left or right");
    options.truncate_left = value.AsStringView() == "left";
  }

  void ReadMaxLength(TokenizerFiles& files) {
    const Settings::Setting* length = settings_.Find("model_max_length");
    if (length == nullptr) length = settings_.Find("max_len");
    if (length == nullptr || length->value.IsNull()) return;
    const Json& value = length->value;
    const double number = value.AsDouble();
    if (!(number >= 1)) RefuseValue(value, "a number of tokens");
    if (number >= kNoLimit) return;
    if (number != std::floor(number)) RefuseValue(value, "a whole number of tokens");
    files.max_length = static_cast<int64_t>(number);
  }

  fs::path folder_;
  const Json& overrides_;
  std::vector<std::string>& warnings_;
  Settings settings_;
  std::vector<std::pair<std::string, Json>> specific_;  // tokens with names of the model's own
  std::vector<Json> more_extra_;  // extra_special_tokens of special_tokens_map.json
  bool has_more_extra_ = false;   // there is such a list, even if it is empty
};

}  // namespace

TokenizerFiles ReadTokenizerFiles(const std::string& folder, const Json& overrides,
                                  std::vector<std::string>& warnings) {
  return Reader(folder, overrides, warnings).Read();
}

std::unique_ptr<Tokenizer> OpenTokenizer(const ModelFolder& folder, int64_t rows) {
  RequireAsRecorded(folder.tokenizer_path);
  TokenizerOptions options = folder.tokenizer;
  options.rows = rows;
  return Tokenizer::FromFile(folder.tokenizer_path, options);
}

std::string TokenizerIdentity(const ModelFolder& folder, const Tokenizer& tokenizer) {
  const std::string file = FileSha256(folder.tokenizer_path);
  const std::string changes = tokenizer.SideChanges();
  return changes.empty() ? file : Sha256Hex(file + changes);
}

}  // namespace lacos
