// What a JSON value may be. One description checks the bodies of requests and is written into
// /openapi.json, so that the document cannot promise what the server does not do.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"

namespace lacos::serve {

struct Field;

// A value that does not match its schema. The message has no "[where]" and names no file.
struct SchemaMismatch : std::runtime_error {
  SchemaMismatch(std::string place, const std::string& message)
      : std::runtime_error(message), place(std::move(place)) {}
  std::string place;  // "input[3]"; empty for the body itself
};

class Schema {
 public:
  enum class Kind : uint8_t {
    kAny,
    kNull,
    kBoolean,
    kInteger,
    kNumber,
    kString,
    kArray,
    kObject,
    kOneOf
  };

  static Schema Any();
  static Schema Null();
  static Schema Boolean();
  static Schema Integer(int64_t least = INT64_MIN, int64_t most = INT64_MAX);
  static Schema Number();
  static Schema String(int64_t min_length = 0);
  // One of these words.
  static Schema Words(std::vector<std::string> words);
  static Schema Array(Schema item, int64_t least = 0, int64_t most = INT64_MAX);
  // Further members are allowed and ignored.
  static Schema Object(std::vector<Field> fields);
  // The first alternative that has the value's kind is the one that it must match. Arrays are told
  // apart by the kind of their first element.
  static Schema OneOf(std::vector<Schema> alternatives);

  Schema OrNull() &&;
  Schema Described(std::string description) &&;
  // Strings must have a character other than whitespace.
  Schema NotBlank() &&;
  Schema Example(Json example) &&;
  // Appended to the message about a value that is no integer, string or the like.
  Schema Advice(std::string advice) &&;

  Kind kind() const { return kind_; }
  const std::vector<Field>& fields() const { return fields_; }

  // Throws SchemaMismatch for the first difference. `place` is the path to the value.
  void Check(const Json& value, const std::string& place = "") const;
  // As OpenAPI 3.1 writes it, which is JSON Schema.
  Json ToJson() const;

 private:
  explicit Schema(Kind kind);
  bool Suits(const Json& value) const;
  std::string Expected() const;
  [[noreturn]] void Fail(const Json& value, const std::string& place) const;
  void CheckArray(const Json& value, const std::string& place) const;
  void CheckObject(const Json& value, const std::string& place) const;

  Kind kind_;
  bool or_null_ = false, not_blank_ = false;
  int64_t least_ = INT64_MIN, most_ = INT64_MAX;  // of an integer, or of the length of the others
  std::vector<std::string> words_;
  std::vector<Schema> parts_;  // the item of an array, or the alternatives
  std::vector<Field> fields_;
  std::string description_, advice_;
  std::optional<Json> example_;
};

// A member of an object.
struct Field {
  std::string name;
  Schema schema;
  bool required = false;
};

// Behind Field, since clang destroys a Schema only where Field is complete.
inline Schema::Schema(Kind kind) : kind_(kind) {}
inline Schema Schema::Any() { return Schema(Kind::kAny); }
inline Schema Schema::Null() { return Schema(Kind::kNull); }
inline Schema Schema::Boolean() { return Schema(Kind::kBoolean); }
inline Schema Schema::Number() { return Schema(Kind::kNumber); }

// At most 60 bytes of a text from a request, for messages, cut between characters.
std::string Quoted(std::string_view text);

}  // namespace lacos::serve
