// A reader for the few pickle opcodes that PyTorch's state dicts use. It builds plain values and
// calls nothing. A Python object is only a name, which must be on a list; any other name or opcode
// ends the reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,        // number
    kInt,         // number
    kLong,        // text: little-endian bytes of an integer beyond 64 bits
    kFloat,       // its value is not kept
    kString,      // text
    kTuple,       // items
    kList,        // items
    kDict,        // items: key, value, key, value, ...; a collections.OrderedDict too
    kGlobal,      // name: "torch._utils._rebuild_tensor_v2"
    kCall,        // name, and items: the one tuple of arguments; nothing was called
    kPersistent,  // items: the one value that names something outside the pickle
  };
  Kind kind = Kind::kNone;
  int64_t number = 0;
  std::string_view text;  // points into the bytes of the pickle
  std::string_view name;  // one of the names in the list of allowed objects
  std::vector<const PickleValue*> items;

  bool IsString() const { return kind == Kind::kString; }
  bool IsCall(std::string_view callee) const { return kind == Kind::kCall && name == callee; }
};

// A description of a value for messages, such as "the number 3" or "a dictionary".
std::string Describe(const PickleValue& value);
// Text from a file in a form that messages can show: at most 100 bytes, with control characters
// replaced.
std::string Printable(std::string_view text);

// The values of one or several pickles that follow each other. They are valid as long as this
// object and the bytes exist.
class PickleReader {
 public:
  // `allowed` lists the Python objects that may be named, as "module.name".
  PickleReader(std::string path, std::span<const std::string_view> allowed);
  PickleReader(const PickleReader&) = delete;
  PickleReader& operator=(const PickleReader&) = delete;

  // Reads the pickle that begins at `bytes[begin]` and sets `begin` to the byte after it. A fixed
  // limit on the number of values bounds its memory. Throws UserError naming the object, the opcode
  // or the damage.
  const PickleValue* Read(std::span<const std::byte> bytes, size_t& begin);

 private:
  class Machine;
  std::string path_;
  std::span<const std::string_view> allowed_;
  // one flat list, so that destroying deeply nested values cannot exhaust the stack
  std::deque<PickleValue> values_;
};

}  // namespace lacos
