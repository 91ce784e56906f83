// JSON values. Only .cc files of io/ include nlohmann's header; everybody else uses this one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/base/error.h"

namespace lacos {

// Thrown for a text that has more values than its limits allow, and that may be valid otherwise.
class JsonTooLarge : public UserError {
 public:
  using UserError::UserError;
};

// Limits for texts from strangers.
struct JsonLimits {
  // A value of two bytes takes about 140 bytes in memory. The largest tokenizers have two million
  // values.
  size_t values = 10'000'000;
};

// A JSON value with typed access. Accessors that fail throw UserError "[file: path.to.key] found a
// string; expected an integer; ...". A copy costs two pointers, because copies share their
// structure; Set and Append copy it first if it is shared (copy on write).
class Json {
 public:
  Json();  // null
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();
  Json(bool value);              // NOLINT: literals convert
  Json(int64_t value);           // NOLINT
  Json(int value);               // NOLINT
  Json(uint32_t value);          // NOLINT
  Json(uint64_t value);          // NOLINT
  Json(double value);            // NOLINT
  Json(const char* value);       // NOLINT
  Json(std::string value);       // NOLINT
  Json(std::string_view value);  // NOLINT

  static Json Object();
  static Json Array();
  static Json Strings(const std::vector<std::string>& strings);  // an array of strings
  // Parses text; messages call it `where`. Throws UserError for nesting deeper than 64, more values
  // than `limits` allow (JsonTooLarge), duplicate keys, trailing text and invalid UTF-8. Messages about broken
  // syntax name line, byte and the place in the structure. They quote at most 60 bytes of the text.
  // Numbers that are not 64-bit integers keep their text for Dump.
  static Json Parse(std::string_view text, const std::string& where, const JsonLimits& limits = {});
  static Json ReadFile(const std::string& path);

  bool IsNull() const;
  bool IsObject() const;
  bool IsArray() const;
  bool IsString() const;
  bool IsNumber() const;
  bool IsInteger() const;
  bool IsBool() const;

  // Access to objects. If a key is missing, At throws and Find returns nothing. Find also returns
  // nothing for null.
  bool Has(std::string_view key) const;
  Json At(std::string_view key) const;
  std::optional<Json> Find(std::string_view key) const;
  std::vector<std::string> Keys() const;  // in the order of the file
  void Set(const std::string& key, Json value);
  // Access to arrays; size is also the number of members of an object.
  size_t size() const;
  Json operator[](size_t index) const;
  void Append(Json value);
  // Calls `visit` for each member of an object in the order of the file, or for each element of an
  // array. This is the fast way to go through large ones.
  void ForEachItem(const std::function<void(std::string_view key, const Json& value)>& visit) const;
  void ForEachElement(const std::function<void(const Json& value)>& visit) const;

  std::string AsString() const;
  std::string_view AsStringView() const;  // valid as long as a copy of this value exists unchanged
  int64_t AsInt() const;                  // integral numbers only
  double AsDouble() const;
  bool AsBool() const;

  // The place of this value as messages show it: "[file: path.to.key]".
  std::string Where() const;

  // The value as text. Keys keep their order of insertion, or are sorted with `sorted`. A negative
  // indent puts everything on one line. Doubles are written with the fewest digits that read back
  // equal, NaN and infinities as null.
  std::string Dump(int indent = -1, bool sorted = false) const;

 private:
  struct Node;
  struct Location;
  class Builder;
  class Writer;
  Json(std::shared_ptr<Node> node, std::shared_ptr<const Location> location);
  Json Child(const std::shared_ptr<Node>& node, std::string_view key) const;
  [[noreturn]] void FailKind(std::string_view expected) const;
  Node& Own();

  std::shared_ptr<Node> node_;  // absent: null
  std::shared_ptr<const Location> location_;
};

}  // namespace lacos
