// The optimizer against 100 recorded steps of bitsandbytes' CPU update
// (tools/golden/make_adam_golden.py), and tests of its own properties.
#include "lacos/kernels/adam.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/kernels/make_backend.h"
#include "test_paths.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

// The generator that the golden file was made with: x = 1664525 x + 1013904223 mod
// 2^32, values in [-1, 1).
class Lcg {
 public:
  std::vector<float> Values(int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    for (float& v : values) {
      x_ = 1664525u * x_ + 1013904223u;
      v = static_cast<float>(x_ >> 8) * 0x1p-23f - 1.0f;
    }
    return values;
  }

 private:
  uint32_t x_ = 12345;
};

std::vector<float> Gradient(Lcg& lcg, int64_t n, int step) {
  std::vector<float> g = lcg.Values(n);
  for (int64_t i = 0; i < n; ++i) {
    g[i] *= std::exp2(-static_cast<float>(i / 256 % 12));
    if (step <= 10 && i / 256 == 3) g[i] = 0;
  }
  return g;
}

template <class T>
std::string Fnv1a(const std::vector<T>& values) {
  uint64_t h = 0xCBF29CE484222325ull;
  for (const std::byte b : std::as_bytes(std::span(values)))
    h = (h ^ static_cast<uint64_t>(b)) * 0x100000001B3ull;
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(h));
  return text;
}

std::vector<float> ReadFloats(std::istream& in) {
  std::string line, word;
  std::getline(in, line);
  std::istringstream words(line);
  std::vector<float> floats;
  while (words >> word)
    floats.push_back(std::bit_cast<float>(static_cast<uint32_t>(std::stoul(word, nullptr, 16))));
  return floats;
}

// Every 16th value.
std::vector<float> Sample(const std::vector<float>& values) {
  std::vector<float> sample;
  for (size_t i = 0; i < values.size(); i += 16) sample.push_back(values[i]);
  return sample;
}

// The square root of torch may be off by an ulp, and so may the quotient. In each step the update,
// which is at most 10 lr for these gradients, changes by up to 4 eps, and the parameter is rounded
// by half an ulp of values below 2.
void ExpectParametersNear(const std::vector<float>& actual, const std::vector<float>& expected,
                          int steps) {
  ASSERT_EQ(actual.size(), expected.size());
  const double tolerance = steps * (10 * 1e-3 * 4 * 0x1p-24 + 0x1p-24);
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance) << i;
}

TEST(Adam8, EqualsRecordedStepsOfBitsandbytes) {
  std::ifstream in(LACOS_SOURCE_DIR "/tests/golden/optimizer/adam8.txt");
  ASSERT_TRUE(in);
  std::string line;
  int checkpoints = 0;
  Lcg lcg;
  int64_t n = 0;
  int done = 0;
  double decay = 0;
  std::vector<float> p, m, v, m_absmax, v_absmax;
  std::vector<uint8_t> m_codes, v_codes;
  std::getline(in, line);  // skips the line with versions
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string keyword, name;
    words >> keyword;
    if (keyword == "run") {
      words >> name >> n >> decay;
      SCOPED_TRACE(name);
      lcg = Lcg();
      done = 0;
      p = lcg.Values(n);
      m.assign(n, 0), v.assign(n, 0);
      m_codes.assign(n, 0), v_codes.assign(n, 0);
      m_absmax.assign((n + 255) / 256, 0), v_absmax.assign((n + 255) / 256, 0);
      continue;
    }
    ASSERT_EQ(keyword, "step");
    int steps = 0;
    words >> steps;
    const bool quantized = n >= 4096;  // min_8bit_size of bitsandbytes
    for (; done < steps; ++done) {
      const AdamStep step{.step = done + 1, .learning_rate = 1e-3, .weight_decay = decay};
      const std::vector<float> g = Gradient(lcg, n, done + 1);
      if (quantized) {
        Adam8UpdateF32(step, n, g.data(), m_codes.data(), v_codes.data(), m_absmax.data(),
                       v_absmax.data(), p.data());
      } else {
        AdamUpdateF32(step, n, g.data(), m.data(), v.data(), p.data());
      }
    }
    SCOPED_TRACE("n " + std::to_string(n) + " step " + std::to_string(steps));
    if (quantized) {
      std::string hashes[4];
      std::getline(in, line);
      std::istringstream fields(line);
      for (std::string& hash : hashes) fields >> hash;
      EXPECT_EQ(Fnv1a(m_codes), hashes[0]);
      EXPECT_EQ(Fnv1a(v_codes), hashes[1]);
      EXPECT_EQ(Fnv1a(m_absmax), hashes[2]);
      EXPECT_EQ(Fnv1a(v_absmax), hashes[3]);
    } else {
      EXPECT_EQ(Sample(m), ReadFloats(in));
      EXPECT_EQ(Sample(v), ReadFloats(in));
    }
    ExpectParametersNear(Sample(p), ReadFloats(in), steps);
    ++checkpoints;
  }
  EXPECT_EQ(checkpoints, 20);
}

TEST(Adam8, DoesNotDependOnTheNumberOfThreads) {
  const int64_t n = 200'000;  // several tasks
  const std::vector<float> g = NormalValues(n, 3);
  std::vector<float> results[2];
  std::vector<uint8_t> codes[2];
  for (int run = 0; run < 2; ++run) {
    SetThreadCount(run + 1);
    std::vector<float> p = NormalValues(n, 4);
    std::vector<uint8_t> m(n), v(n);
    std::vector<float> m_absmax((n + 255) / 256), v_absmax((n + 255) / 256);
    for (int step = 1; step <= 3; ++step) {
      Adam8UpdateF32({.step = step}, n, g.data(), m.data(), v.data(), m_absmax.data(),
                     v_absmax.data(), p.data());
    }
    results[run] = p;
    codes[run] = m;
  }
  SetThreadCount(0);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(codes[0], codes[1]);
}

// The first step moves every parameter by lr against the gradient's sign, however large the
// gradient is (as long as it is above eps).
TEST(Adam, TheFirstStepMovesByTheLearningRate) {
  const std::vector<float> g = {5, -0.001f, 300, -2};
  for (const double scale : {1.0, 0.1}) {
    std::vector<float> m(4), v(4), p(4);
    AdamUpdateF32({.step = 1, .learning_rate = 0.01, .gradient_scale = scale}, 4, g.data(),
                  m.data(), v.data(), p.data());
    // The update is smaller by eps / |g|, which is at most 1e-8 / 1e-4.
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(p[i], g[i] > 0 ? -0.01 : 0.01, 0.01 * 1.1e-4);
  }
}

TEST(Adam, TheReferenceBackendAndTheFloatUpdateAgree) {
  const int64_t n = 64;
  std::vector<float> m(n), v(n), p = NormalValues(n, 1);
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView rp = wb.From(Role::kParameter, {n}, p);
  const AdamState state{.m = wb.Make(Role::kParameter, {n}), .v = wb.Make(Role::kParameter, {n})};
  for (int step = 1; step <= 20; ++step) {
    const AdamStep options{
        .step = step, .learning_rate = 1e-2, .weight_decay = 0.1, .gradient_scale = 0.5};
    const std::vector<float> g = NormalValues(n, 100 + step);
    AdamUpdateF32(options, n, g.data(), m.data(), v.data(), p.data());
    wb.backend().Adam(options, wb.From(Role::kParameter, {n}, g), state, rp);
  }
  const std::vector<double> expected = wb.Read(rp);
  // 20 steps; each rounds p (|p| < 4) by half an ulp and the update (<= 10 lr) by a few eps.
  for (int i = 0; i < n; ++i)
    EXPECT_NEAR(p[i], expected[i], 20 * (4 * 0x1p-24 + 10 * 1e-2 * 8 * 0x1p-24)) << i;
}

TEST(Adam8, TheReferenceBackendUsesTheFloatUpdate) {
  const int64_t n = 600;
  const std::vector<float> g = NormalValues(n, 8);
  std::vector<float> p = NormalValues(n, 9), m_absmax(3), v_absmax(3);
  std::vector<uint8_t> m(n), v(n);
  Adam8UpdateF32({.step = 1}, n, g.data(), m.data(), v.data(), m_absmax.data(), v_absmax.data(),
                 p.data());
  Workbench wb(MakeReferenceBackend(DType::kC128));
  const Adam8State state{.m_codes = wb.Make(DType::kU8, {n}),
                         .v_codes = wb.Make(DType::kU8, {n}),
                         .m_absmax = wb.Make(DType::kF32, {3}),
                         .v_absmax = wb.Make(DType::kF32, {3})};
  const TensorView parameter = wb.Normal(Role::kParameter, {n}, 9);
  wb.backend().Adam8({.step = 1}, wb.Normal(Role::kParameter, {n}, 8), state, parameter);
  EXPECT_EQ(wb.Read(parameter), std::vector<double>(p.begin(), p.end()));
  EXPECT_EQ(std::memcmp(wb.Bytes(state.m_codes).data(), m.data(), n), 0);
}

TEST(SumSquares, CountsWhatIsNotFinite) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView a = wb.From(Role::kParameter, {2}, std::vector<float>{3, 4});
  const TensorView b = wb.From(Role::kParameter, {2}, std::vector<float>{INFINITY, NAN});
  const TensorView out = wb.Make(Role::kStatistic, {1}), nonfinite = wb.Make(Role::kStatistic, {1});
  wb.backend().SumSquares(std::vector<TensorView>{a, a}, out, nonfinite);
  EXPECT_EQ(wb.Read(out)[0], 50);
  EXPECT_EQ(wb.Read(nonfinite)[0], 0);
  wb.backend().SumSquares(std::vector<TensorView>{a, b}, out, nonfinite);
  EXPECT_EQ(wb.Read(nonfinite)[0], 2);
}

}  // namespace
}  // namespace lacos::testing
