// Labels of points do not cover each other at any width and stay inside the plot. Labels that do
// not fit are left out.
#include "lacos/report/label_places.h"

#include <gtest/gtest.h>

#include <random>

namespace lacos {
namespace {

// Whether the boxes overlap when a browser draws them with narrow letters of 7 px.
bool Overlap(const LabelledPoint& a, const LabelPlace& pa, const LabelledPoint& b,
             const LabelPlace& pb, double width) {
  const auto left = [&](const LabelledPoint& point, const LabelPlace& place) {
    const double text = 7.0 * static_cast<double>(point.label.size());
    return point.x * width + (place.to_left ? -9 - text : 9.0);
  };
  const double a_left = left(a, pa), b_left = left(b, pb);
  const double a_right = a_left + 7.0 * static_cast<double>(a.label.size());
  const double b_right = b_left + 7.0 * static_cast<double>(b.label.size());
  const double a_bottom = 210 * a.y + pa.up, b_bottom = 210 * b.y + pb.up;
  return a_left < b_right && b_left < a_right && a_bottom < b_bottom + 12 &&
         b_bottom < a_bottom + 12;
}

TEST(LabelPlaces, APointAloneIsNamedAboveAndToTheInside) {
  const auto left = PlaceLabels({{.x = 0.1, .y = 0.5, .label = "a"}});
  ASSERT_TRUE(left[0]);
  EXPECT_FALSE(left[0]->to_left);
  EXPECT_GT(left[0]->up, 0);
  const auto right = PlaceLabels({{.x = 1, .y = 0.5, .label = "a-name-of-some-length"}});
  ASSERT_TRUE(right[0]);
  EXPECT_TRUE(right[0]->to_left);
}

TEST(LabelPlaces, NoNameCoversAnotherAtAnyWidth) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> share(0, 1);
  int named = 0, all = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<LabelledPoint> points;
    for (int i = 0; i < 8; ++i)
      points.push_back({.x = share(random), .y = share(random), .label = "run-of-r8"});
    const auto places = PlaceLabels(points);
    for (size_t i = 0; i < points.size(); ++i) {
      ++all;
      named += places[i] ? 1 : 0;
      for (size_t k = 0; k < i; ++k) {
        if (!places[i] || !places[k]) continue;
        for (const double width : {236, 300, 400, 560, 1040}) {
          ASSERT_FALSE(Overlap(points[i], *places[i], points[k], *places[k], width)) << round;
        }
      }
    }
  }
  EXPECT_GT(named, 0.95 * all) << "most names find a place";
}

TEST(LabelPlaces, WhatHasNoRoomHasNoPlace) {
  const std::vector<LabelledPoint> points(30, {.x = 0.5, .y = 0.5, .label = "all-at-one-spot"});
  const auto places = PlaceLabels(points);
  int named = 0;
  for (const auto& place : places) named += place ? 1 : 0;
  EXPECT_GE(named, 2);
  EXPECT_LT(named, 30);
}

TEST(ShortLabel, CutsTheMiddleOfLongTextsAtCharacters) {
  EXPECT_EQ(ShortLabel("bloom-560m-nli"), "bloom-560m-nli");
  EXPECT_EQ(ShortLabel("bloom-560m-entailment-rank-8"), "bloom-560m…nt-rank-8");
  EXPECT_EQ(ShortLabel("ééééééééééééééééééééé"), "éééééééééé…ééééééééé");
}

}  // namespace
}  // namespace lacos
