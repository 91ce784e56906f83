// The inside of a Json value, which only the accessors (json.cc), the parser (json_parse.cc) and
// the writer (json_write.cc) see.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

// A number that is not a 64-bit integer. `text` is its spelling in the file, so that it can be
// written back unchanged (tokenizer_config.json has the integer 1000000000000000019884624838656).
// It is empty for a number that lacos made.
struct JsonNumber {
  double value = 0;
  std::string text;
};

// Members in the order of insertion, with a hash table of positions once there are many.
class JsonObject {
 public:
  static constexpr size_t kAbsent = ~size_t{0};

  size_t size() const { return keys_.size(); }
  const std::string& key(size_t i) const { return keys_[i]; }
  size_t Find(std::string_view key) const;
  // Adds a key at the end and returns true, or returns false when it is there already.
  bool Add(std::string key);

 private:
  void Rehash(size_t slots);
  std::vector<std::string> keys_;
  // Hash table whose size is a power of two. An entry is a position + 1, or 0 if it is free. The
  // table is empty as long as there are few members.
  std::vector<uint32_t> slots_;
};

struct Json::Node {
  struct Array {
    std::vector<std::shared_ptr<Node>> elements;
  };
  struct Object {
    JsonObject keys;
    std::vector<std::shared_ptr<Node>> values;  // beside keys
  };
  std::variant<bool, int64_t, JsonNumber, std::string, Array, Object> value;
};

// One step on the path from the root of a document to a value, for messages.
struct Json::Location {
  std::shared_ptr<const Location> parent;
  std::string step;  // at the root the document's name, elsewhere "key" or "[3]"
};

}  // namespace lacos
