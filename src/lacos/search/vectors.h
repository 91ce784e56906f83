// Vectors of texts, as every measure takes them: from a model, or from a file that any other system
// wrote.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lacos {

// Rows [n, d] that somebody else owns.
struct Vectors {
  std::span<const float> values;
  int64_t d = 0;

  int64_t n() const { return d > 0 ? static_cast<int64_t>(values.size()) / d : 0; }
  std::span<const float> Row(int64_t i) const {
    return values.subspan(static_cast<size_t>(i * d), static_cast<size_t>(d));
  }
  Vectors Rows(int64_t begin, int64_t end) const {
    return {.values = values.subspan(static_cast<size_t>(begin * d),
                                     static_cast<size_t>((end - begin) * d)),
            .d = d};
  }
};

// Dot product in double, summed in the order of the elements.
double Dot(std::span<const float> a, std::span<const float> b);

// The cosine, -1 to 1, of two vectors with the given dot product and squared lengths, all made by
// Dot(); 0 when a vector is zero, NaN when a value is not finite. Every cosine outside the training
// losses is computed here. The root is taken of the product and not of its factors, since
// sqrt(x * x) is x in IEEE arithmetic: equal vectors have exactly 1 and opposite ones exactly -1,
// so that equal pairs tie. Squares of finite floats lie between 2^-298 and 2^256, so their products
// neither overflow nor underflow. Rounding may push a cosine past 1; it is cut there, so that no
// pair is nearer than an equal one.
double CosineOfProducts(double dot, double squares_a, double squares_b);

// The cosine of two vectors, in double.
double Cosine(std::span<const float> a, std::span<const float> b);

// The cosines of rows with one index of two [n, d] matrices.
std::vector<double> PairCosines(const Vectors& a, const Vectors& b);

// Throws UserError naming the first row, counted from 0, that is all zeros or has a value that is
// not finite.
void RequireUsable(const Vectors& vectors, const std::string& where);

// float32 rows of an .npy file of f2, f4 or f8; the file must have `rows` of them, one for each
// text of what `texts` names, in its order. Throws UserError, also for rows that RequireUsable
// refuses.
struct VectorFile {
  std::vector<float> values;
  int64_t d = 0;
  // NOLINTNEXTLINE(google-explicit-constructor): a file is used as its vectors
  operator Vectors() const { return {.values = values, .d = d}; }
};
VectorFile ReadVectors(const std::string& path, int64_t rows, const std::string& texts);

}  // namespace lacos
