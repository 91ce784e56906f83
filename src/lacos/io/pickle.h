// A reader for the few pickle opcodes that PyTorch's state dicts use. It builds plain values and
// calls nothing: a Python object is only a name on a list, and any other name or opcode ends the
// reading.
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
  std::string_view text;  // in the pickle's bytes
  std::string_view name;  // of the list of allowed objects
  std::vector<const PickleValue*> items;

  bool IsString() const { return kind == Kind::kString; }
  bool IsCall(std::string_view callee) const { return kind == Kind::kCall && name == callee; }
};

// What a value is, in words for messages: "the number 3", "a dictionary".
std::string Describe(const PickleValue& value);
// Text from a file made fit for a message: at most 100 bytes, control characters replaced.
std::string Printable(std::string_view text);

// Values of one or several pickles that follow each other; they live as long as this object and the
// bytes.
class PickleReader {
 public:
  // `allowed`: the Python objects that may be named, as "module.name".
  PickleReader(std::string path, std::span<const std::string_view> allowed);
  PickleReader(const PickleReader&) = delete;
  PickleReader& operator=(const PickleReader&) = delete;

  // Reads the pickle that begins at `bytes[begin]` and sets `begin` to the byte after it. Memory is
  // bounded by a fixed number of values. Throws UserError naming the object, the opcode or the
  // damage.
  const PickleValue* Read(std::span<const std::byte> bytes, size_t& begin);

 private:
  class Machine;
  std::string path_;
  std::span<const std::string_view> allowed_;
  std::deque<PickleValue> values_;  // flat, so that no nesting can exhaust the stack when they go
};

}  // namespace lacos
