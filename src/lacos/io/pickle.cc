#include "lacos/io/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "lacos/base/error.h"

namespace lacos {
namespace {

using Kind = PickleValue::Kind;

// A thousand times as many as BLOOM-176B needs (845 tensors with about 20 values each). They take
// at most 0.5 GB.
constexpr size_t kMaxPickleValues = size_t{1} << 22;
constexpr size_t kMaxNesting = 64;  // how deep marks may be nested; state dicts need three levels

// The name that Python's pickletools gives an opcode, for messages about unsupported ones.
std::string OpcodeName(uint8_t opcode) {
  static constexpr std::pair<char, const char*> kNames[] = {{'(', "MARK"},
                                                            {'0', "POP"},
                                                            {'1', "POP_MARK"},
                                                            {'2', "DUP"},
                                                            {'F', "FLOAT"},
                                                            {'I', "INT"},
                                                            {'L', "LONG"},
                                                            {'P', "PERSID"},
                                                            {'S', "STRING"},
                                                            {'T', "BINSTRING"},
                                                            {'U', "SHORT_BINSTRING"},
                                                            {'V', "UNICODE"},
                                                            {'d', "DICT"},
                                                            {'g', "GET"},
                                                            {'i', "INST"},
                                                            {'l', "LIST"},
                                                            {'o', "OBJ"},
                                                            {'p', "PUT"},
                                                            {'B', "BINBYTES"},
                                                            {'C', "SHORT_BINBYTES"},
                                                            {'\x81', "NEWOBJ"},
                                                            {'\x82', "EXT1"},
                                                            {'\x83', "EXT2"},
                                                            {'\x84', "EXT4"},
                                                            {'\x8b', "LONG4"},
                                                            {'\x8d', "BINUNICODE8"},
                                                            {'\x8e', "BINBYTES8"},
                                                            {'\x8f', "EMPTY_SET"},
                                                            {'\x90', "ADDITEMS"},
                                                            {'\x91', "FROZENSET"},
                                                            {'\x92', "NEWOBJ_EX"},
                                                            {'\x96', "BYTEARRAY8"},
                                                            {'\x97', "NEXT_BUFFER"},
                                                            {'\x98', "READONLY_BUFFER"}};
  for (const auto& [code, name] : kNames) {
    if (static_cast<uint8_t>(code) == opcode) return fmt::format("{} (0x{:02x})", name, opcode);
  }
  return fmt::format("0x{:02x}", opcode);
}

}  // namespace

std::string Printable(std::string_view text) {
  constexpr size_t kShown = 100;
  std::string out(text.substr(0, kShown));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  return text.size() > kShown ? out + "..." : out;
}

std::string Describe(const PickleValue& value) {
  switch (value.kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return value.number != 0 ? "True" : "False";
    case Kind::kInt:
      return fmt::format("the number {}", value.number);
    case Kind::kLong:
    case Kind::kFloat:
      return "a number";
    case Kind::kString:
      return fmt::format("the text '{}'", Printable(value.text));
    case Kind::kTuple:
      return "a tuple";
    case Kind::kList:
      return "a list";
    case Kind::kDict:
      return "a dictionary";
    case Kind::kGlobal:
      return fmt::format("the Python object '{}'", value.name);
    case Kind::kCall:
      return fmt::format("a result of '{}'", value.name);
    case Kind::kPersistent:
      return "a storage";
  }
  return "?";
}

PickleReader::PickleReader(std::string path, std::span<const std::string_view> allowed)
    : path_(std::move(path)), allowed_(allowed) {}

// Reads one pickle as Python's unpickler does, with a stack, marks and a memo.
class PickleReader::Machine {
 public:
  Machine(PickleReader& reader, std::span<const std::byte> bytes, size_t begin)
      : reader_(reader), bytes_(bytes), at_(begin) {}

  size_t position() const { return at_; }

  const PickleValue* Run() {
    while (true) {
      const auto opcode = Number<uint8_t>();
      if (opcode == '.') {
        PickleValue* result = Pop();
        if (!stack_.empty() || !marks_.empty()) Fail("ends with values left over");
        return result;
      }
      Step(opcode);
    }
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw UserError(fmt::format(
        "[{}] its pickle {}, at byte {} of it; expected a state dict as torch.save writes it; get "
        "the file again or use safetensors",
        reader_.path_, what, at_));
  }

  void Step(uint8_t opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        if (const auto protocol = Number<uint8_t>(); protocol < 2 || protocol > 5)
          Fail(fmt::format("has the protocol {}; 2 to 5 are read", protocol));
        return;
      case 0x95:  // FRAME: a hint for stream readers
        Take(8);
        return;
      case '(':  // MARK
        if (marks_.size() >= kMaxNesting) Fail(fmt::format("nests deeper than {}", kMaxNesting));
        marks_.push_back(stack_.size());
        return;
      case '0':  // POP
        Pop();
        return;
      case '1':  // POP_MARK
        PopToMark();
        return;
      case 'N':
        Push(Kind::kNone);
        return;
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
        Push(Kind::kBool)->number = opcode == 0x88;
        return;
      case 'J':  // BININT
        Push(Kind::kInt)->number = Number<int32_t>();
        return;
      case 'K':  // BININT1
        Push(Kind::kInt)->number = Number<uint8_t>();
        return;
      case 'M':  // BININT2
        Push(Kind::kInt)->number = Number<uint16_t>();
        return;
      case 0x8a:  // LONG1
        PushLong(Take(Number<uint8_t>()));
        return;
      case 'G':  // BINFLOAT
        Take(8);
        Push(Kind::kFloat);
        return;
      case 'X':  // BINUNICODE
        Push(Kind::kString)->text = Take(Number<uint32_t>());
        return;
      case 0x8c:  // SHORT_BINUNICODE
        Push(Kind::kString)->text = Take(Number<uint8_t>());
        return;
      default:
        StepOverValues(opcode);
    }
  }

  void StepOverValues(uint8_t opcode) {
    switch (opcode) {
      case ')':  // EMPTY_TUPLE
        Push(Kind::kTuple);
        return;
      case ']':  // EMPTY_LIST
        Push(Kind::kList);
        return;
      case '}':  // EMPTY_DICT
        Push(Kind::kDict);
        return;
      case 't': {  // TUPLE
        auto items = PopToMark();
        Push(Kind::kTuple)->items = std::move(items);
        return;
      }
      case 0x85:  // TUPLE1
      case 0x86:
      case 0x87: {  // TUPLE3
        std::vector<const PickleValue*> items(opcode - 0x84u);
        for (size_t i = items.size(); i-- > 0;) items[i] = Pop();
        Push(Kind::kTuple)->items = std::move(items);
        return;
      }
      case 'a': {  // APPEND
        const PickleValue* item = Pop();
        Top(Kind::kList)->items.push_back(item);
        return;
      }
      case 'e':  // APPENDS
        Extend(Kind::kList, PopToMark());
        return;
      case 's': {  // SETITEM
        const PickleValue* value = Pop();
        const PickleValue* key = Pop();
        Extend(Kind::kDict, {key, value});
        return;
      }
      case 'u':  // SETITEMS
        Extend(Kind::kDict, PopToMark());
        return;
      case 'q':  // BINPUT
        Remember(Number<uint8_t>());
        return;
      case 'r':  // LONG_BINPUT
        Remember(Number<uint32_t>());
        return;
      case 0x94:  // MEMOIZE
        Remember(static_cast<uint32_t>(memo_.size()));
        return;
      case 'h':  // BINGET
        Recall(Number<uint8_t>());
        return;
      case 'j':  // LONG_BINGET
        Recall(Number<uint32_t>());
        return;
      default:
        StepOverObjects(opcode);
    }
  }

  void StepOverObjects(uint8_t opcode) {
    switch (opcode) {
      case 'c': {  // GLOBAL
        const std::string_view module = Line(), name = Line();
        PushGlobal(module, name);
        return;
      }
      case 0x93: {  // STACK_GLOBAL
        const PickleValue* name = Pop();
        const PickleValue* module = Pop();
        if (!name->IsString() || !module->IsString())
          Fail("names a Python object by something else than text");
        PushGlobal(module->text, name->text);
        return;
      }
      case 'Q': {  // BINPERSID
        const PickleValue* id = Pop();
        Push(Kind::kPersistent)->items = {id};
        return;
      }
      case 'R': {  // REDUCE: the call is recorded and never made
        const PickleValue* arguments = Pop();
        const PickleValue* callee = Pop();
        if (callee->kind != Kind::kGlobal || arguments->kind != Kind::kTuple) {
          Fail(fmt::format("calls {} with {}", Describe(*callee), Describe(*arguments)));
        }
        if (callee->name == "collections.OrderedDict" && arguments->items.empty()) {
          Push(Kind::kDict);
          return;
        }
        PickleValue* call = Push(Kind::kCall);
        call->name = callee->name;
        call->items = {arguments};  // the tuple itself, since many calls may share one
        return;
      }
      case 'b': {  // BUILD: sets attributes of a dict; state dicts keep version numbers there
        const PickleValue* state = Pop();
        if (state->kind != Kind::kDict)
          Fail(fmt::format("sets attributes from {}", Describe(*state)));
        Top(Kind::kDict);
        return;
      }
      default:
        throw UserError(fmt::format(
            "[{}] asks for the pickle opcode {}; expected only those that state dicts need; "
            "nothing was executed; get these weights as safetensors",
            reader_.path_, OpcodeName(opcode)));
    }
  }

  std::string_view Take(size_t count) {
    if (count > bytes_.size() - at_)
      Fail(fmt::format("is cut off: {} more bytes are named", count));
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + at_, count);
    at_ += count;
    return text;
  }

  template <class T>
  T Number() {
    T value;
    std::memcpy(&value, Take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view Line() {
    constexpr size_t kLongest = 1024;
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_,
                                std::min(bytes_.size() - at_, kLongest));
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) Fail("names a Python object without an end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  PickleValue* Push(Kind kind) {
    if (reader_.values_.size() >= kMaxPickleValues)
      Fail(fmt::format("has more than {} values", kMaxPickleValues));
    PickleValue& value = reader_.values_.emplace_back();
    value.kind = kind;
    stack_.push_back(&value);
    return &value;
  }

  void PushLong(std::string_view bytes) {
    PickleValue* value = Push(bytes.size() <= 8 ? Kind::kInt : Kind::kLong);
    value->text = bytes;
    if (bytes.size() > 8 || bytes.empty()) return;
    uint64_t number = (static_cast<uint8_t>(bytes.back()) & 0x80u) != 0 ? ~uint64_t{0} : 0;  // sign
    std::memcpy(&number, bytes.data(), bytes.size());
    value->number = static_cast<int64_t>(number);
  }

  void PushGlobal(std::string_view module, std::string_view name) {
    const std::string full = fmt::format("{}.{}", module, name);
    const auto found = std::find(reader_.allowed_.begin(), reader_.allowed_.end(), full);
    if (found == reader_.allowed_.end()) {
      throw UserError(fmt::format(
          "[{}] asks for the Python object '{}'; expected only those that hold plain tensors; "
          "nothing was executed; get these weights as safetensors",
          reader_.path_, Printable(full)));
    }
    Push(Kind::kGlobal)->name = *found;
  }

  PickleValue* Pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back()))
      Fail("takes a value that is not there");
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  std::vector<const PickleValue*> PopToMark() {
    if (marks_.empty()) Fail("goes back to a mark that is not there");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const PickleValue*> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }

  PickleValue* Top(Kind kind) {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back()))
      Fail("takes a value that is not there");
    if (stack_.back()->kind != kind) {
      Fail(fmt::format("fills {} as {}", Describe(*stack_.back()),
                       kind == Kind::kList ? "a list" : "a dictionary"));
    }
    return stack_.back();
  }

  void Extend(Kind kind, const std::vector<const PickleValue*>& items) {
    PickleValue* target = Top(kind);
    if (kind == Kind::kDict && items.size() % 2 != 0) Fail("sets a key without a value");
    target->items.insert(target->items.end(), items.begin(), items.end());
  }

  void Remember(uint32_t index) {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back()))
      Fail("remembers a value that is not there");
    memo_[index] = stack_.back();
  }

  void Recall(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) Fail(fmt::format("recalls value {}, which it never stored", index));
    stack_.push_back(found->second);
  }

  PickleReader& reader_;
  std::span<const std::byte> bytes_;
  size_t at_;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, PickleValue*> memo_;
};

const PickleValue* PickleReader::Read(std::span<const std::byte> bytes, size_t& begin) {
  Machine machine(*this, bytes, begin);
  const PickleValue* value = machine.Run();
  begin = machine.position();
  return value;
}

}  // namespace lacos
