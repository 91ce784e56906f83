// JSON: a value that was read is written and read again, and must be the same.
#include "lacos/io/json.h"

#include "targets.h"

namespace lacos::fuzz {
namespace {

// Calls every accessor that fits the value.
void Walk(const lacos::Json& value) {
  value.Where();
  if (value.IsObject()) {
    size_t seen = 0;
    value.ForEachItem([&](std::string_view key, const lacos::Json& member) {
      Require(value.Has(key) && value.At(key).Dump() == member.Dump(),
              "a member is found by its key");
      if (++seen <= 8) Walk(member);
    });
    Require(seen == value.size(), "an object has size() members");
  } else if (value.IsArray()) {
    for (size_t i = 0; i < value.size() && i < 8; ++i) Walk(value[i]);
  } else if (value.IsString()) {
    Require(value.AsString() == value.AsStringView(), "a string is itself");
  } else if (value.IsInteger()) {
    value.AsInt();
  } else if (value.IsNumber()) {
    value.AsDouble();
  } else if (value.IsBool()) {
    value.AsBool();
  }
}

}  // namespace

void Json(Input input) {
  const lacos::Json value = lacos::Json::Parse(Text(input), "input.json");
  Walk(value);
  const std::string written = value.Dump();
  const lacos::Json again = lacos::Json::Parse(written, "written.json");
  Require(again.Dump() == written, "written JSON reads back as it was");
  Require(lacos::Json::Parse(value.Dump(2, /*sorted=*/true), "sorted.json").Dump(-1, true) ==
              value.Dump(-1, true),
          "indentation changes nothing");
  if (value.IsArray()) {
    lacos::Json copy = value;
    copy.Append(1);
    Require(copy.size() == value.size() + 1 && value.Dump() == written,
            "a copy does not change its original");
  }
  value.AsInt();  // throws UserError for any other value
}

}  // namespace lacos::fuzz
