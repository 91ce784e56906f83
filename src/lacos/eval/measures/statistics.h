// Correlations as scipy computes them.
#pragma once

#include <span>
#include <vector>

namespace lacos {

// Pearson's r; NaN when either side is constant or n < 2.
double Pearson(std::span<const double> x, std::span<const double> y);
// Ranks from 1, ties averaged.
std::vector<double> AverageRanks(std::span<const double> x);
// Spearman's rho: Pearson of the ranks.
double Spearman(std::span<const double> x, std::span<const double> y);

}  // namespace lacos
