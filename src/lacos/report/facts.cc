#include "lacos/report/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/report/quantity.h"

namespace lacos {
namespace {

// "memory_bytes" as "memory bytes"; the names of files stay as they are.
std::string NameText(std::string_view key) {
  std::string name(key);
  if (name.find('.') == std::string::npos) std::ranges::replace(name, '_', ' ');
  return name;
}

bool Names(std::string_view key, std::string_view quantity) {
  return key == quantity ||
         (key.ends_with(quantity) && key[key.size() - quantity.size() - 1] == '_');
}

std::string NumberText(std::string_view key, const Json& value) {
  const double number = value.AsDouble();
  if (!std::isfinite(number)) return "undefined";
  if (Names(key, "bytes") && number >= 0) {
    const std::string short_text = QuantityText(number, Unit::kBytes);
    return number < 1000 ? short_text : short_text + " (" + GroupedText(number) + " bytes)";
  }
  if (Names(key, "seconds")) return QuantityText(number, Unit::kSeconds);
  if (key == "ms_per_text") return QuantityText(number, Unit::kMilliseconds);
  if (Names(key, "per_second")) return number >= 100 ? GroupedText(number) : QuantityText(number);
  if (!value.IsInteger()) return fmt::format("{:.6g}", number);
  // A seed is a name rather than a count.
  return Names(key, "seed") ? value.Dump() : GroupedText(value.AsInt());
}

void Add(const Json& object, const std::string& prefix, Facts& facts) {
  object.ForEachItem([&](std::string_view key, const Json& value) {
    const std::string name = prefix + NameText(key);
    if (value.IsObject()) {
      Add(value, name + ": ", facts);
    } else {
      facts.emplace_back(name, FactText(key, value));
    }
  });
}

}  // namespace

std::string FactText(std::string_view key, const Json& value) {
  if (value.IsNull()) return "unknown";
  if (value.IsBool()) return value.AsBool() ? "yes" : "no";
  if (value.IsNumber()) return NumberText(key, value);
  if (value.IsString()) return value.AsString().empty() ? "none" : value.AsString();
  if (!value.IsArray()) return value.Dump();
  std::string text;
  value.ForEachElement([&](const Json& element) {
    const std::string part = FactText(key, element);
    const bool sentence = part.find(", ") != std::string::npos;
    text += (text.empty() ? "" : sentence ? "; " : ", ") + part;
  });
  return text.empty() ? "none" : text;
}

Facts FactsOf(const Json& object) {
  Facts facts;
  Add(object, "", facts);
  return facts;
}

HtmlTable FactsTable(std::string title, const Facts& facts) {
  HtmlTable table = FactsTable(std::move(title));
  for (const auto& [name, value] : facts) table.rows.push_back({name, value});
  return table;
}

HtmlTable ComparedFacts(std::string title, const std::vector<ShownText>& names,
                        const std::vector<Facts>& facts) {
  HtmlTable table{.title = std::move(title), .columns = {{"", ColumnKind::kName}}, .rows = {}};
  for (const ShownText& name : names) table.columns.push_back({name, ColumnKind::kText});
  std::vector<std::string> keys;
  for (const Facts& some : facts) {
    for (const auto& [key, value] : some) {
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
  }
  for (const std::string& key : keys) {
    std::vector<HtmlCell> row = {key};
    for (const Facts& some : facts) {
      const auto found = std::ranges::find(some, key, &Facts::value_type::first);
      row.emplace_back(found == some.end() ? "-" : found->second);
    }
    const bool differ = std::ranges::any_of(row.begin() + 1, row.end(), [&](const HtmlCell& cell) {
      return cell.text.text != row[1].text.text;
    });
    if (differ) row[0] = key + " ≠";
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace lacos
