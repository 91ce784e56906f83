// Correlations as scipy computes them.
#pragma once

#include <span>
#include <vector>

namespace lacos {

// Pearson's r; NaN if either side is constant or n < 2.
double Pearson(std::span<const double> x, std::span<const double> y);
// Ranks, counted from 1; ties have their average rank.
std::vector<double> AverageRanks(std::span<const double> x);
// Spearman's rho, which is Pearson's r of the ranks.
double Spearman(std::span<const double> x, std::span<const double> y);

}  // namespace lacos
