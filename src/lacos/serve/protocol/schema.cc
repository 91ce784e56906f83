#include "lacos/serve/protocol/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lacos/text/strip.h"

namespace lacos::serve {
namespace {

// Whether the number is an integer in the sense of JSON Schema, for which 1.0 is one.
bool IsIntegral(const Json& value) {
  if (value.IsInteger()) return true;
  if (!value.IsNumber()) return false;
  const double number = value.AsDouble();
  return std::isfinite(number) && number == std::trunc(number);
}

std::string Found(const Json& value) {
  if (value.IsNull()) return "null";
  if (value.IsBool()) return value.AsBool() ? "true" : "false";
  if (value.IsNumber()) {
    const std::string text = value.Dump();
    return "the number " + (text.size() <= 40 ? text : text.substr(0, 40) + "...");
  }
  if (value.IsString())
    return value.AsStringView().empty() ? "an empty string"
                                        : "the string " + Quoted(value.AsStringView());
  if (value.IsArray()) return value.size() == 0 ? "an empty array" : "an array";
  return "an object";
}

std::string CountOf(int64_t least, int64_t most) {
  if (most == INT64_MAX) return fmt::format("at least {}", least);
  return least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
}

}  // namespace

std::string Quoted(std::string_view text) {
  constexpr size_t kMost = 60;
  if (text.size() <= kMost) return Json(text).Dump();
  size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  const std::string start = Json(text.substr(0, end)).Dump();
  // Escapes may have made it longer.
  if (start.size() > kMost + 16) return "of unprintable characters";
  return start.substr(0, start.size() - 1) + "...\"";
}

Schema Schema::Integer(int64_t least, int64_t most) {
  Schema schema(Kind::kInteger);
  schema.least_ = least;
  schema.most_ = most;
  return schema;
}

Schema Schema::String(int64_t min_length) {
  Schema schema(Kind::kString);
  schema.least_ = min_length;
  return schema;
}

Schema Schema::Words(std::vector<std::string> words) {
  Schema schema(Kind::kString);
  schema.words_ = std::move(words);
  return schema;
}

Schema Schema::Array(Schema item, int64_t least, int64_t most) {
  Schema schema(Kind::kArray);
  schema.parts_.push_back(std::move(item));
  schema.least_ = least;
  schema.most_ = most;
  return schema;
}

Schema Schema::Object(std::vector<Field> fields) {
  Schema schema(Kind::kObject);
  schema.fields_ = std::move(fields);
  return schema;
}

Schema Schema::OneOf(std::vector<Schema> alternatives) {
  Schema schema(Kind::kOneOf);
  schema.parts_ = std::move(alternatives);
  return schema;
}

Schema Schema::OrNull() && {
  or_null_ = true;
  return std::move(*this);
}
Schema Schema::Described(std::string description) && {
  description_ = std::move(description);
  return std::move(*this);
}
Schema Schema::NotBlank() && {
  not_blank_ = true;
  return std::move(*this);
}
Schema Schema::Example(Json example) && {
  example_ = std::move(example);
  return std::move(*this);
}
Schema Schema::Advice(std::string advice) && {
  advice_ = std::move(advice);
  return std::move(*this);
}

bool Schema::Suits(const Json& value) const {
  switch (kind_) {
    case Kind::kAny:
      return true;
    case Kind::kNull:
      return value.IsNull();
    case Kind::kBoolean:
      return value.IsBool();
    case Kind::kInteger:
      return IsIntegral(value);
    case Kind::kNumber:
      return value.IsNumber();
    case Kind::kString:
      return value.IsString();
    case Kind::kArray:
      return value.IsArray() && (value.size() == 0 || parts_[0].Suits(value[0]));
    case Kind::kObject:
      return value.IsObject();
    case Kind::kOneOf:
      return std::any_of(parts_.begin(), parts_.end(),
                         [&](const Schema& part) { return part.Suits(value); });
  }
  return false;
}

std::string Schema::Expected() const {
  std::string text;
  switch (kind_) {
    case Kind::kAny:
      text = "any value";
      break;
    case Kind::kNull:
      text = "null, since there is nothing to choose from";
      break;
    case Kind::kBoolean:
      text = "true or false";
      break;
    case Kind::kInteger:
      text = "an integer";
      if (least_ != INT64_MIN || most_ != INT64_MAX)
        text += fmt::format(" from {} to {}", least_, most_);
      break;
    case Kind::kNumber:
      text = "a number";
      break;
    case Kind::kString:
      if (!words_.empty()) {
        for (size_t i = 0; i < words_.size(); ++i)
          text += (i == 0 ? "" : i + 1 == words_.size() ? " or " : ", ") + Json(words_[i]).Dump();
      } else {
        text = not_blank_   ? "a text that is not only whitespace"
               : least_ > 0 ? "a text that is not empty"
                            : "a string";
      }
      break;
    case Kind::kArray:
      text = "an array";
      if (parts_[0].kind_ == Kind::kString) text = "an array of strings";
      if (parts_[0].kind_ == Kind::kInteger) text = "an array of integers";
      if (parts_[0].kind_ == Kind::kArray) text = "an array of arrays";
      break;
    case Kind::kObject:
      text = "an object";
      break;
    case Kind::kOneOf:
      for (size_t i = 0; i < parts_.size(); ++i)
        text += (i == 0 ? "" : i + 1 == parts_.size() ? " or " : ", ") + parts_[i].Expected();
      break;
  }
  return text;
}

void Schema::Fail(const Json& value, const std::string& place) const {
  throw SchemaMismatch(place, fmt::format("found {}; expected {}; {}", Found(value), Expected(),
                                          advice_.empty() ? "correct the request" : advice_));
}

void Schema::CheckArray(const Json& value, const std::string& place) const {
  const auto size = static_cast<int64_t>(value.size());
  if (size < least_ || size > most_) {
    throw SchemaMismatch(
        place, fmt::format("found {} elements; expected {}; {}", size,
                           CountOf(std::max<int64_t>(least_, 0), most_),
                           size > most_ ? "send them in several requests" : "correct the request"));
  }
  int64_t index = 0;
  value.ForEachElement([&](const Json& element) {
    parts_[0].Check(element, fmt::format("{}[{}]", place, index++));
  });
}

void Schema::CheckObject(const Json& value, const std::string& place) const {
  for (const Field& field : fields_) {
    const std::string path = place.empty() ? field.name : place + "." + field.name;
    if (!value.Has(field.name)) {
      if (field.required) {
        throw SchemaMismatch(path, fmt::format("is missing; expected {}; add it to the request",
                                               field.schema.Expected()));
      }
      continue;
    }
    field.schema.Check(value.At(field.name), path);
  }
}

void Schema::Check(const Json& value, const std::string& place) const {
  if (value.IsNull() && or_null_) return;
  if (kind_ == Kind::kOneOf) {
    for (const Schema& part : parts_) {
      if (part.Suits(value)) return part.Check(value, place);
    }
    // An array whose first element is of no kind that is allowed: the element is to blame.
    if (value.IsArray() && value.size() > 0) {
      for (const Schema& part : parts_) {
        if (part.kind_ == Kind::kArray) return part.Check(value, place);
      }
    }
    Fail(value, place);
  }
  if (kind_ == Kind::kArray ? !value.IsArray() : !Suits(value)) Fail(value, place);
  switch (kind_) {
    case Kind::kInteger: {
      const double number = value.AsDouble();
      if (number < static_cast<double>(least_) || number > static_cast<double>(most_))
        Fail(value, place);
      break;
    }
    case Kind::kString: {
      const std::string_view text = value.AsStringView();
      if (!words_.empty() && std::find(words_.begin(), words_.end(), text) == words_.end())
        Fail(value, place);
      if (least_ > 0 && text.empty()) Fail(value, place);
      if (not_blank_ && StripWhitespace(std::string(text)).empty()) Fail(value, place);
      break;
    }
    case Kind::kArray:
      CheckArray(value, place);
      break;
    case Kind::kObject:
      CheckObject(value, place);
      break;
    default:
      break;
  }
}

Json Schema::ToJson() const {
  Json json = Json::Object();
  const auto set_type = [&](const char* type) {
    json.Set("type", or_null_ ? Json::Strings({type, "null"}) : Json(type));
  };
  switch (kind_) {
    case Kind::kAny:
      break;
    case Kind::kNull:
      json.Set("type", "null");
      break;
    case Kind::kBoolean:
      set_type("boolean");
      break;
    case Kind::kInteger:
      set_type("integer");
      if (least_ != INT64_MIN) json.Set("minimum", least_);
      if (most_ != INT64_MAX) json.Set("maximum", most_);
      break;
    case Kind::kNumber:
      set_type("number");
      break;
    case Kind::kString:
      set_type("string");
      if (!words_.empty()) {
        Json words = Json::Strings(words_);
        if (or_null_) words.Append(Json());
        json.Set("enum", words);
      }
      if (least_ > 0) json.Set("minLength", least_);
      if (not_blank_) json.Set("pattern", "\\S");
      break;
    case Kind::kArray:
      set_type("array");
      json.Set("items", parts_[0].ToJson());
      if (least_ > 0) json.Set("minItems", least_);
      if (most_ != INT64_MAX) json.Set("maxItems", most_);
      break;
    case Kind::kObject: {
      set_type("object");
      Json properties = Json::Object();
      std::vector<std::string> required;
      for (const Field& field : fields_) {
        properties.Set(field.name, field.schema.ToJson());
        if (field.required) required.push_back(field.name);
      }
      if (!fields_.empty()) json.Set("properties", properties);
      if (!required.empty()) json.Set("required", Json::Strings(required));
      break;
    }
    case Kind::kOneOf: {
      Json any = Json::Array();
      for (const Schema& part : parts_) any.Append(part.ToJson());
      if (or_null_) {
        Json null = Json::Object();
        null.Set("type", "null");
        any.Append(null);
      }
      json.Set("anyOf", any);
      break;
    }
  }
  if (!description_.empty()) json.Set("description", description_);
  if (example_) json.Set("example", *example_);
  return json;
}

}  // namespace lacos::serve
