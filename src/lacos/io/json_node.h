// What is inside a Json value: shared between the accessors (json.cc) and the parser
// (json_parse.cc), and nobody else.
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

// A number that is no 64-bit integer. `text` is how the file wrote it, so that it is written back
// unchanged (tokenizer_config.json has the integer 1000000000000000019884624838656); empty for a
// number that lacos made.
struct JsonNumber {
  double value = 0;
  std::string text;
};

// Members in the order of insertion, with a hash table of positions once they are many.
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
  // position + 1, 0 = free; a power of two long; empty for few members
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

// A step from the root of a document to a value, for messages.
struct Json::Location {
  std::shared_ptr<const Location> parent;
  std::string step;  // the document's name at the root, else "key" or "[3]"
};

}  // namespace lacos
