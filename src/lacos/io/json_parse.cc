// Parsing of JSON text by nlohmann's event parser, which is iterative and checks UTF-8, with limits
// of lacos's own.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lacos/base/error.h"
#include "lacos/io/json_node.h"
#include "lacos/io/mapped_file.h"

namespace lacos {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxQuoted = 60;  // bytes of the text that a message repeats

// The part of nlohmann's message that says what is wrong. It ends with what was read last, or with a
// number that is too large. Both can be as long as the text.
std::string ReasonOf(std::string reason) {
  // "[json.exception...] parse error at line 1, column 2: "
  const size_t prefix = reason.find(": ");
  if (prefix != std::string::npos) reason.erase(0, prefix + 2);
  for (const std::string_view before : {"; last read: '", "number overflow parsing '"}) {
    const size_t quoted = reason.find(before);
    if (quoted == std::string::npos) continue;
    const size_t begin = quoted + before.size(), end = reason.rfind('\'');
    // The end of what was read is where it went wrong.
    if (end != std::string::npos && end > begin + kMaxQuoted)
      reason.replace(begin, end - begin - kMaxQuoted, "...");
    break;
  }
  if (reason.size() > 240) reason = reason.substr(0, 240) + "...";
  for (char& c : reason) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  return reason;
}

}  // namespace

// Builds nodes from the parser's events. The open containers form a stack of at most kMaxDepth.
class Json::Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const std::string& where, const JsonLimits& limits)
      : text_(text), where_(where), limits_(limits) {}

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(std::make_shared<Node>(Node{value})); }
  bool number_integer(number_integer_t value) override {
    return Add(std::make_shared<Node>(Node{value}));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Add(Json(uint64_t{value}).node_);
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return Add(std::make_shared<Node>(Node{JsonNumber{value, text}}));
  }
  bool string(string_t& value) override {
    return Add(std::make_shared<Node>(Node{std::move(value)}));
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(std::make_shared<Node>(Node{Node::Object{}})); }
  bool start_array(size_t) override { return Open(std::make_shared<Node>(Node{Node::Array{}})); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(string_t& value) override {
    auto& object = std::get<Node::Object>(open_.back()->value);
    if (object.keys.Find(value) != JsonObject::kAbsent) {
      throw UserError(fmt::format(
          "[{}] found the key {} twice in one object; expected each key once; correct the file",
          where_,
          Json(value.size() <= kMaxQuoted ? value : value.substr(0, kMaxQuoted) + "...").Dump()));
    }
    object.keys.Add(std::move(value));
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      throw UserError(fmt::format(
          "[{}] is empty; expected valid JSON; correct the file or fetch it again", where_));
    }
    int64_t line = 1, column = 1;
    for (const char c : text_.substr(0, position > 0 ? position - 1 : 0)) {
      column = c == '\n' ? 1 : column + 1;
      line += c == '\n';
    }
    const std::string place = Place();
    // A text of one line may itself be a line of a file, whose number is in `where_`.
    const bool several_lines = text_.find('\n') != std::string_view::npos;
    throw UserError(
        fmt::format("[{}] {}byte {}{}: {}; expected valid JSON; correct the file or fetch it again",
                    where_, several_lines ? fmt::format("line {}, ", line) : "", column,
                    place.empty() ? "" : " (" + place + ")", ReasonOf(error.what())));
  }

  std::shared_ptr<Node> root;

 private:
  bool Add(std::shared_ptr<Node> node) {
    if (++values_ > limits_.values) {
      throw JsonTooLarge(fmt::format(
          "[{}] found more than {} values; expected at most that; check that this is the "
          "right file",
          where_, limits_.values));
    }
    if (open_.empty()) {
      root = std::move(node);
    } else if (auto* array = std::get_if<Node::Array>(&open_.back()->value)) {
      array->elements.push_back(std::move(node));
    } else {
      std::get<Node::Object>(open_.back()->value).values.push_back(std::move(node));
    }
    return true;
  }
  bool Open(const std::shared_ptr<Node>& node) {
    if (open_.size() == kMaxDepth) {
      throw UserError(fmt::format(
          "[{}] found values nested more than {} deep; expected at most that; correct the file",
          where_, kMaxDepth));
    }
    Add(node);
    open_.push_back(node.get());
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  // The place of the value that comes next: "input[3]".
  std::string Place() const {
    std::string place;
    for (const Node* node : open_) {
      if (const auto* array = std::get_if<Node::Array>(&node->value)) {
        // The last element is an open container, unless it is the last of all.
        const bool inside = node != open_.back();
        place += fmt::format("[{}]", array->elements.size() - (inside ? 1 : 0));
        continue;
      }
      const auto& object = std::get<Node::Object>(node->value);
      if (object.keys.size() == 0 ||
          (node == open_.back() && object.keys.size() == object.values.size()))
        break;
      const std::string& key = object.keys.key(object.keys.size() - 1);
      if (key.size() > kMaxQuoted) return "";
      place += (place.empty() ? "" : ".") + key;
    }
    return place;
  }

  std::string_view text_;
  const std::string& where_;
  const JsonLimits& limits_;
  std::vector<Node*> open_;
  size_t values_ = 0;
};

Json Json::Parse(std::string_view text, const std::string& where, const JsonLimits& limits) {
  Builder builder(text, where, limits);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return {std::move(builder.root), std::make_shared<const Location>(Location{nullptr, where})};
}

Json Json::ReadFile(const std::string& path) { return Parse(ReadFileToString(path), path); }

}  // namespace lacos
