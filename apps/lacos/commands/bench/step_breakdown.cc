#include "commands/bench/step_breakdown.h"

#include <fmt/format.h>

#include <utility>

#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

struct Row {
  std::string name, title;
  int64_t calls = 0;  // number of calls of an op; 0 for host work
  double seconds = 0;
};

std::vector<Row> Rows(const StepBreakdown& breakdown) {
  std::vector<Row> rows;
  const auto parts = breakdown.ops.Parts();
  for (int i = 0; i < kStepParts; ++i) {
    const auto part = static_cast<StepPart>(i);
    if (parts[i].calls == 0) continue;
    rows.push_back(
        {std::string(NameOf(part)), std::string(TitleOf(part)), parts[i].calls, parts[i].seconds});
  }
  for (const HostPart& part : breakdown.host)
    rows.push_back({part.name, part.title, 0, part.seconds});
  rows.push_back({"rest", "host code between ops", 0, breakdown.RestSeconds()});
  return rows;
}

double Share(double part, double whole) { return whole > 0 ? part / whole : 0; }

double Gflops(const ProductTime& product) { return Share(product.Flops() / 1e9, product.seconds); }

}  // namespace

double StepBreakdown::RestSeconds() const {
  double rest = seconds - ops.Seconds();
  for (const HostPart& part : host) rest -= part.seconds;
  return rest;
}

Json BreakdownJson(const StepBreakdown& breakdown) {
  Json json = Json::Object(), parts = Json::Array(), ops = Json::Array(), products = Json::Array();
  for (const Row& row : Rows(breakdown)) {
    Json part = Json::Object();
    part.Set("part", row.name);
    part.Set("seconds", row.seconds);
    part.Set("share", Share(row.seconds, breakdown.seconds));
    part.Set("calls", row.calls);
    parts.Append(part);
  }
  for (const OpTime& time : breakdown.ops.ops) {
    Json op = Json::Object();
    op.Set("part", std::string(NameOf(time.part)));
    op.Set("verb", std::string(time.op));
    op.Set("calls", time.calls);
    op.Set("seconds", time.seconds);
    op.Set("bytes", time.bytes);
    ops.Append(op);
  }
  for (const ProductTime& time : breakdown.ops.products) {
    Json product = Json::Object();
    product.Set("direction", time.orientation == Orientation::kForward ? "forward" : "backward");
    product.Set("out", time.out);
    product.Set("in", time.in);
    product.Set("calls", time.calls);
    product.Set("rows", time.rows);
    product.Set("seconds", time.seconds);
    product.Set("gflops", Gflops(time));
    product.Set("ceiling_share", Share(Gflops(time), breakdown.ceiling_gflops));
    products.Append(product);
  }
  json.Set("seconds", breakdown.seconds);
  json.Set("parts", parts);
  json.Set("verbs", ops);
  json.Set("products", products);
  return json;
}

std::string BreakdownText(const StepBreakdown& breakdown) {
  Table parts({"where the time goes", "time", "share", "calls"});
  for (const Row& row : Rows(breakdown)) {
    parts.AddRow({row.title, fmt::format("{:.3f} s", row.seconds),
                  fmt::format("{:.1f} %", 100 * Share(row.seconds, breakdown.seconds)),
                  row.calls > 0 ? fmt::format("{}", row.calls) : "-"});
  }
  parts.AddRow({"total", fmt::format("{:.3f} s", breakdown.seconds), "100.0 %", ""});
  Table products({"frozen matrix", "direction", "time", "GFLOP/s", "of the ceiling"});
  for (const ProductTime& time : breakdown.ops.products) {
    products.AddRow({fmt::format("{} x {}", time.out, time.in),
                     time.orientation == Orientation::kForward ? "forward" : "backward",
                     fmt::format("{:.3f} s", time.seconds), fmt::format("{:.0f}", Gflops(time)),
                     fmt::format("{:.1f} %", 100 * Share(Gflops(time), breakdown.ceiling_gflops))});
  }
  return "\n" + parts.Text() + "\n" + products.Text();
}

}  // namespace lacos::cli
