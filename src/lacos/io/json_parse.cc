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
// A value of two bytes takes about 140 bytes in memory. The largest tokenizers have two million
// values.
constexpr size_t kMaxJsonValues = 10'000'000;

}  // namespace

// Builds nodes from the parser's events. The open containers form a stack of at most kMaxDepth.
class Json::Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const std::string& where) : text_(text), where_(where) {}

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
          where_, Json(value).Dump()));
    }
    object.keys.Add(std::move(value));
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    int64_t line = 1, column = 1;
    for (const char c : text_.substr(0, position > 0 ? position - 1 : 0)) {
      column = c == '\n' ? 1 : column + 1;
      line += c == '\n';
    }
    std::string reason = error.what();
    // "[json.exception...] parse error at line 1, column 2: "
    const size_t prefix = reason.find(": ");
    if (prefix != std::string::npos) reason.erase(0, prefix + 2);
    if (reason.size() > 160) reason = reason.substr(0, 160) + "...";
    for (char& c : reason) {
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
    }
    throw UserError(fmt::format(
        "[{}] line {}, byte {}: {}; expected valid JSON; correct the file or fetch it again",
        where_, line, column, reason));
  }

  std::shared_ptr<Node> root;

 private:
  bool Add(std::shared_ptr<Node> node) {
    if (++values_ > kMaxJsonValues) {
      throw UserError(fmt::format(
          "[{}] found more than {} values; expected at most that; check that this is the "
          "right file",
          where_, kMaxJsonValues));
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

  std::string_view text_;
  const std::string& where_;
  std::vector<Node*> open_;
  size_t values_ = 0;
};

Json Json::Parse(std::string_view text, const std::string& where) {
  Builder builder(text, where);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return {std::move(builder.root), std::make_shared<const Location>(Location{nullptr, where})};
}

Json Json::ReadFile(const std::string& path) { return Parse(ReadFileToString(path), path); }

}  // namespace lacos
