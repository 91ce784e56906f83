// Writes Json values as text, laid out as Python's json.dumps does it.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "lacos/io/json_node.h"
#include "lacos/io/utf8.h"

namespace lacos {
namespace {

void WriteString(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string repaired;
  if (!IsValidUtf8(
          text)) {  // for example in a user's path; the output must be valid JSON all the same
    repaired = ReplaceInvalidUtf8(text);
    text = repaired;
  }
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kDigits[c >> 4];
          out += kDigits[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void WriteNumber(const JsonNumber& number, std::string& out) {
  if (!number.text.empty()) {
    out += number.text;
    return;
  }
  if (!std::isfinite(number.value)) {
    out += "null";
    return;
  }
  // Fixed notation is used where Python uses it. Both notations have the fewest digits that read
  // back equal.
  const double magnitude = std::abs(number.value);
  const bool fixed = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number.value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  const std::string_view text(digits.data(), static_cast<size_t>(end - digits.data()));
  out += text;
  // typed readers must see a float
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace

class Json::Writer {
 public:
  Writer(int indent, bool sorted) : indent_(indent), sorted_(sorted) {}

  void Write(const Node* node, int depth) {
    if (node == nullptr) {
      out += "null";
    } else if (const auto* flag = std::get_if<bool>(&node->value)) {
      out += *flag ? "true" : "false";
    } else if (const auto* integer = std::get_if<int64_t>(&node->value)) {
      out += std::to_string(*integer);
    } else if (const auto* number = std::get_if<JsonNumber>(&node->value)) {
      WriteNumber(*number, out);
    } else if (const auto* text = std::get_if<std::string>(&node->value)) {
      WriteString(*text, out);
    } else if (const auto* array = std::get_if<Node::Array>(&node->value)) {
      WriteArray(*array, depth);
    } else {
      WriteObject(std::get<Node::Object>(node->value), depth);
    }
  }

  std::string out;

 private:
  void Separate(bool first, int depth) {
    if (!first) out += indent_ < 0 ? ", " : ",";
    if (indent_ < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(indent_) * static_cast<size_t>(depth), ' ');
  }

  void WriteArray(const Node::Array& array, int depth) {
    out += '[';
    bool first = true;
    for (const auto& element : array.elements) {
      Separate(std::exchange(first, false), depth + 1);
      Write(element.get(), depth + 1);
    }
    if (!first && indent_ >= 0) Separate(true, depth);
    out += ']';
  }

  void WriteObject(const Node::Object& object, int depth) {
    std::vector<size_t> order(object.values.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (sorted_) {
      std::sort(order.begin(), order.end(),
                [&](size_t a, size_t b) { return object.keys.key(a) < object.keys.key(b); });
    }
    out += '{';
    bool first = true;
    for (const size_t i : order) {
      Separate(std::exchange(first, false), depth + 1);
      WriteString(object.keys.key(i), out);
      out += ": ";
      Write(object.values[i].get(), depth + 1);
    }
    if (!first && indent_ >= 0) Separate(true, depth);
    out += '}';
  }

  int indent_;
  bool sorted_;
};

std::string Json::Dump(int indent, bool sorted) const {
  Writer writer(indent, sorted);
  writer.Write(node_.get(), 0);
  return std::move(writer.out);
}

}  // namespace lacos
