#include "lacos/io/json.h"

#include <fmt/format.h>

#include <limits>

#include "lacos/base/error.h"
#include "lacos/io/json_node.h"

namespace lacos {
namespace {

constexpr size_t kFewMembers = 12;  // up to this number a linear search is as fast as hashing

}  // namespace

size_t JsonObject::Find(std::string_view key) const {
  if (slots_.empty()) {
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i] == key) return i;
    }
    return kAbsent;
  }
  const size_t mask = slots_.size() - 1;
  for (size_t slot = std::hash<std::string_view>{}(key)&mask; slots_[slot] != 0;
       slot = (slot + 1) & mask) {
    const size_t i = slots_[slot] - 1;
    if (keys_[i] == key) return i;
  }
  return kAbsent;
}

bool JsonObject::Add(std::string key) {
  if (Find(key) != kAbsent) return false;
  keys_.push_back(std::move(key));
  if (keys_.size() <= kFewMembers) return true;
  if (2 * keys_.size() > slots_.size()) {
    Rehash(slots_.empty() ? 64 : 2 * slots_.size());
    return true;
  }
  const size_t mask = slots_.size() - 1;
  size_t slot = std::hash<std::string_view>{}(keys_.back()) & mask;
  while (slots_[slot] != 0) slot = (slot + 1) & mask;
  slots_[slot] = static_cast<uint32_t>(keys_.size());
  return true;
}

void JsonObject::Rehash(size_t slots) {
  slots_.assign(slots, 0);
  for (size_t i = 0; i < keys_.size(); ++i) {
    size_t slot = std::hash<std::string_view>{}(keys_[i]) & (slots - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots - 1);
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

Json::Json() = default;
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

Json::Json(std::shared_ptr<Node> node, std::shared_ptr<const Location> location)
    : node_(std::move(node)), location_(std::move(location)) {}

Json::Json(bool value) : node_(std::make_shared<Node>(Node{value})) {}
Json::Json(int64_t value) : node_(std::make_shared<Node>(Node{value})) {}
Json::Json(int value) : Json(static_cast<int64_t>(value)) {}
Json::Json(uint32_t value) : Json(static_cast<int64_t>(value)) {}
Json::Json(uint64_t value) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    *this = Json(static_cast<int64_t>(value));
  } else {
    node_ =
        std::make_shared<Node>(Node{JsonNumber{static_cast<double>(value), std::to_string(value)}});
  }
}
Json::Json(double value) : node_(std::make_shared<Node>(Node{JsonNumber{value, ""}})) {}
Json::Json(const char* value) : Json(std::string(value)) {}
Json::Json(std::string value) : node_(std::make_shared<Node>(Node{std::move(value)})) {}
Json::Json(std::string_view value) : Json(std::string(value)) {}

Json Json::Object() { return {std::make_shared<Node>(Node{Node::Object{}}), nullptr}; }
Json Json::Array() { return {std::make_shared<Node>(Node{Node::Array{}}), nullptr}; }

Json Json::Strings(const std::vector<std::string>& strings) {
  Json array = Array();
  for (const std::string& string : strings) array.Append(string);
  return array;
}

bool Json::IsNull() const { return node_ == nullptr; }
bool Json::IsObject() const { return node_ && std::holds_alternative<Node::Object>(node_->value); }
bool Json::IsArray() const { return node_ && std::holds_alternative<Node::Array>(node_->value); }
bool Json::IsString() const { return node_ && std::holds_alternative<std::string>(node_->value); }
bool Json::IsInteger() const { return node_ && std::holds_alternative<int64_t>(node_->value); }
bool Json::IsNumber() const {
  return IsInteger() || (node_ && std::holds_alternative<JsonNumber>(node_->value));
}
bool Json::IsBool() const { return node_ && std::holds_alternative<bool>(node_->value); }

std::string Json::Where() const {
  std::vector<const Location*> steps;
  for (const Location* at = location_.get(); at != nullptr; at = at->parent.get())
    steps.push_back(at);
  if (steps.empty()) return "[JSON]";
  std::string path;
  for (size_t i = steps.size() - 1; i-- > 0;) {
    if (!path.empty() && !steps[i]->step.starts_with('[')) path += '.';
    path += steps[i]->step;
  }
  const std::string& document = steps.back()->step;
  return path.empty() ? fmt::format("[{}]", document) : fmt::format("[{}: {}]", document, path);
}

void Json::FailKind(std::string_view expected) const {
  std::string found = "null";
  if (IsObject()) found = "an object";
  if (IsArray()) found = "an array";
  if (IsString())
    found = "the string " + (AsStringView().size() <= 60 ? Dump() : std::string("of a long text"));
  if (IsNumber()) {
    const std::string number = Dump();
    found = "the number " + (number.size() <= 60 ? number : number.substr(0, 57) + "...");
  }
  if (IsBool()) found = AsBool() ? "true" : "false";
  throw UserError(
      fmt::format("{} found {}; expected {}; correct the file", Where(), found, expected));
}

Json Json::Child(const std::shared_ptr<Node>& node, std::string_view key) const {
  auto parent = location_ ? location_ : std::make_shared<const Location>(Location{nullptr, "JSON"});
  return {node, std::make_shared<const Location>(Location{std::move(parent), std::string(key)})};
}

bool Json::Has(std::string_view key) const {
  if (!IsObject()) FailKind("an object");
  return std::get<Node::Object>(node_->value).keys.Find(key) != JsonObject::kAbsent;
}

Json Json::At(std::string_view key) const {
  if (!IsObject()) FailKind(fmt::format("an object with the key '{}'", key));
  const auto& object = std::get<Node::Object>(node_->value);
  const size_t i = object.keys.Find(key);
  if (i == JsonObject::kAbsent) {
    throw UserError(fmt::format(
        "{} has no key '{}'; expected an object with it; check that the file is complete", Where(),
        key));
  }
  return Child(object.values[i], key);
}

std::optional<Json> Json::Find(std::string_view key) const {
  if (!IsObject()) FailKind("an object");
  const auto& object = std::get<Node::Object>(node_->value);
  const size_t i = object.keys.Find(key);
  if (i == JsonObject::kAbsent || object.values[i] == nullptr) return std::nullopt;
  return Child(object.values[i], key);
}

std::vector<std::string> Json::Keys() const {
  if (!IsObject()) FailKind("an object");
  const auto& object = std::get<Node::Object>(node_->value);
  std::vector<std::string> keys;
  keys.reserve(object.keys.size());
  for (size_t i = 0; i < object.keys.size(); ++i) keys.push_back(object.keys.key(i));
  return keys;
}

size_t Json::size() const {
  if (IsObject()) return std::get<Node::Object>(node_->value).values.size();
  if (!IsArray()) FailKind("an array");
  return std::get<Node::Array>(node_->value).elements.size();
}

Json Json::operator[](size_t index) const {
  if (!IsArray()) FailKind("an array");
  const auto& elements = std::get<Node::Array>(node_->value).elements;
  if (index >= elements.size()) {
    throw UserError(
        fmt::format("{} found an array of {} elements; expected at least {}; correct the file",
                    Where(), elements.size(), index + 1));
  }
  return Child(elements[index], fmt::format("[{}]", index));
}

Json::Node& Json::Own() {
  if (node_.use_count() != 1) node_ = std::make_shared<Node>(*node_);  // the children stay shared
  return *node_;
}

void Json::Set(const std::string& key, Json value) {
  if (!IsObject()) FailKind("an object");
  auto& object = std::get<Node::Object>(Own().value);
  const size_t i = object.keys.Find(key);
  if (i != JsonObject::kAbsent) {
    object.values[i] = std::move(value.node_);
  } else {
    object.keys.Add(key);
    object.values.push_back(std::move(value.node_));
  }
}

void Json::Append(Json value) {
  if (!IsArray()) FailKind("an array");
  std::get<Node::Array>(Own().value).elements.push_back(std::move(value.node_));
}

void Json::ForEachItem(const std::function<void(std::string_view, const Json&)>& visit) const {
  if (!IsObject()) FailKind("an object");
  const std::shared_ptr<Node> keep = node_;
  const auto& object = std::get<Node::Object>(keep->value);
  const auto parent =
      location_ ? location_ : std::make_shared<const Location>(Location{nullptr, "JSON"});
  auto step = std::make_shared<Location>(Location{parent, ""});
  for (size_t i = 0; i < object.keys.size(); ++i) {
    // The location is reused for the next member, unless the visitor kept a copy of this one.
    if (step.use_count() != 1) step = std::make_shared<Location>(Location{parent, ""});
    step->step = object.keys.key(i);
    visit(object.keys.key(i), Json(object.values[i], step));
  }
}

void Json::ForEachElement(const std::function<void(const Json&)>& visit) const {
  if (!IsArray()) FailKind("an array");
  const std::shared_ptr<Node> keep = node_;
  const auto& elements = std::get<Node::Array>(keep->value).elements;
  const auto parent =
      location_ ? location_ : std::make_shared<const Location>(Location{nullptr, "JSON"});
  auto step = std::make_shared<Location>(Location{parent, ""});
  for (size_t i = 0; i < elements.size(); ++i) {
    if (step.use_count() != 1) step = std::make_shared<Location>(Location{parent, ""});
    step->step = '[' + std::to_string(i) + ']';
    visit(Json(elements[i], step));
  }
}

std::string Json::AsString() const { return std::string(AsStringView()); }

std::string_view Json::AsStringView() const {
  if (!IsString()) FailKind("a string");
  return std::get<std::string>(node_->value);
}

int64_t Json::AsInt() const {
  if (!IsInteger()) FailKind("an integer of 64 bits");
  return std::get<int64_t>(node_->value);
}

double Json::AsDouble() const {
  if (IsInteger()) return static_cast<double>(std::get<int64_t>(node_->value));
  if (!IsNumber()) FailKind("a number");
  return std::get<JsonNumber>(node_->value).value;
}

bool Json::AsBool() const {
  if (!IsBool()) FailKind("true or false");
  return std::get<bool>(node_->value);
}

}  // namespace lacos
