#include "lacos/kernels/device_rates.h"

#include <fmt/format.h>

#include <deque>
#include <vector>

#include "lacos/kernels/measuring.h"

namespace lacos {
namespace {

constexpr double kLongEnough = 1e-3;  // seconds
constexpr int64_t kSmallestWidth = 256, kLargestWidth = 8192;
constexpr int64_t kSmallestCopy = int64_t{1} << 18, kLargestCopy = int64_t{1} << 28;  // bytes
constexpr int64_t kLargestUpload = int64_t{1} << 26;

struct HostCodes {
  std::vector<std::byte> codes;
  std::vector<float> absmax;
};

double ProductRate(Backend& backend) {
  std::deque<HostCodes> hosts;  // the backend reads them until it ends
  for (int64_t n = kSmallestWidth;; n *= 2) {
    hosts.push_back({NormalNumbers(static_cast<size_t>(n * n)),
                     std::vector<float>(static_cast<size_t>(n), 1.0f)});
    const HostCodes& host = hosts.back();
    const WeightId weight = backend.AddWeight({.name = "a random matrix",
                                               .rows = n,
                                               .cols = n,
                                               .scheme = QuantScheme::kLinear,
                                               .dtype = DType::kI8,
                                               .block_size = n,
                                               .codes = host.codes.data(),
                                               .absmax = host.absmax.data()});
    const Buffer left = backend.Allocate(static_cast<size_t>(n * n) * 2),
                 right = backend.Allocate(static_cast<size_t>(n * n) * 2);
    const TensorView x{left.data(), DType::kBF16, {n, n}}, y{right.data(), DType::kBF16, {n, n}};
    backend.Upload(NormalNumbers(static_cast<size_t>(n * n) * 2), x);
    const double seconds =
        MedianSeconds([&] { backend.Linear(x, weight, {}, y); }, [&] { backend.Synchronize(); });
    const auto width = static_cast<double>(n);
    if (seconds >= kLongEnough || n == kLargestWidth) return 2 * width * width * width / seconds;
  }
}

// The rate of `copy(from, to)`, whose tensors are as large as it takes to be measured.
template <class Copy>
double CopyRate(Backend& backend, int64_t largest, const Copy& copy) {
  for (int64_t bytes = kSmallestCopy;; bytes *= 2) {
    const double seconds = MedianSeconds(copy(bytes), [&] { backend.Synchronize(); });
    if (seconds >= kLongEnough || bytes >= largest) return static_cast<double>(bytes) / seconds;
  }
}

}  // namespace

ProductRates MeasureProductRates(const BackendMaker& make) {
  ProductRates rates;
  rates.bf16_flop_per_second = ProductRate(*make(Compute::kBF16));
  rates.int8_op_per_second = ProductRate(*make(Compute::kInt8));
  return rates;
}

DeviceRates MeasureDeviceRates(const BackendMaker& make) {
  DeviceRates rates{.products = MeasureProductRates(make)};
  const std::unique_ptr<Backend> backend = make(Compute::kBF16);
  Buffer from, to;
  const auto view = [](const Buffer& buffer) {
    return TensorView{buffer.data(), DType::kBF16, {static_cast<int64_t>(buffer.size()) / 2}};
  };
  rates.copy_bytes_per_second =
      2 * CopyRate(*backend, kLargestCopy, [&](int64_t bytes) {
        from = {};
        to = {};
        from = backend->Allocate(static_cast<size_t>(bytes));
        to = backend->Allocate(static_cast<size_t>(bytes));
        backend->Upload(NormalNumbers(static_cast<size_t>(bytes)), view(from));
        return [&] { backend->Copy(view(from), view(to)); };
      });
  std::vector<std::byte> host;
  rates.upload_bytes_per_second = CopyRate(*backend, kLargestUpload, [&](int64_t bytes) {
    host = NormalNumbers(static_cast<size_t>(bytes));
    to = {};
    to = backend->Allocate(static_cast<size_t>(bytes));
    return [&] { backend->Upload(host, view(to)); };
  });
  return rates;
}

std::string SlowInt8Note(const ProductRates& rates) {
  if (rates.int8_op_per_second >= rates.bf16_flop_per_second) return "";
  return fmt::format(
      "int8 is slower than bf16 on this GPU: {:.3g} TOP/s were measured, and {:.3g} TFLOP/s in bf16",
      rates.int8_op_per_second / 1e12, rates.bf16_flop_per_second / 1e12);
}

}  // namespace lacos
