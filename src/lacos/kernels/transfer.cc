#include "lacos/kernels/transfer.h"

#include <algorithm>
#include <complex>
#include <cstddef>

#include "lacos/base/check.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

template <class To, class From>
void UploadAs(Backend& backend, std::span<const From> values, View y) {
  std::vector<To> host(values.begin(), values.end());
  backend.Upload(std::as_bytes(std::span<const To>(host)), y);
}

}  // namespace

void UploadFloats(Backend& backend, std::span<const float> values, View y) {
  LACOS_CHECK(static_cast<int64_t>(values.size()) == y.Elements(), "one value for each element");
  if (y.dtype == DType::kF32) return backend.Upload(std::as_bytes(values), y);
  if (y.dtype == DType::kC128) return UploadAs<std::complex<double>>(backend, values, y);
  std::vector<std::byte> host(y.Bytes());
  LACOS_CHECK(EncodeFromFloat(y.dtype, values.data(), values.size(), host.data()),
              "a tensor of floats");
  backend.Upload(host, y);
}

std::vector<double> DownloadDoubles(Backend& backend, View x) {
  const auto count = static_cast<size_t>(x.Elements());
  std::vector<double> values(count);
  if (x.dtype == DType::kF64) {
    backend.Download(x, std::as_writable_bytes(std::span(values)));
  } else if (x.dtype == DType::kC128) {
    std::vector<std::complex<double>> host(count);
    backend.Download(x, std::as_writable_bytes(std::span(host)));
    for (size_t i = 0; i < count; ++i) values[i] = host[i].real();
  } else {
    const std::vector<float> floats = DownloadFloats(backend, x);
    values.assign(floats.begin(), floats.end());
  }
  return values;
}

std::vector<float> DownloadFloats(Backend& backend, View x) {
  const auto count = static_cast<size_t>(x.Elements());
  std::vector<float> values(count);
  if (x.dtype == DType::kF32) {
    backend.Download(x, std::as_writable_bytes(std::span(values)));
  } else if (x.dtype == DType::kF64 || x.dtype == DType::kC128) {
    const std::vector<double> doubles = DownloadDoubles(backend, x);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(doubles[i]);
  } else {
    std::vector<std::byte> host(x.Bytes());
    backend.Download(x, host);
    LACOS_CHECK(DecodeToFloat(x.dtype, host.data(), count, values.data()), "a tensor of floats");
  }
  return values;
}

void UploadInts(Backend& backend, std::span<const int32_t> values, View y) {
  LACOS_CHECK(static_cast<int64_t>(values.size()) == y.Elements(), "one value for each element");
  switch (y.dtype) {
    case DType::kI32:
      return backend.Upload(std::as_bytes(values), y);
    case DType::kI64:
      return UploadAs<int64_t>(backend, values, y);
    case DType::kU8:
      return UploadAs<uint8_t>(backend, values, y);
    default:
      LACOS_CHECK(false, "a tensor of integers");
  }
}

GradientSum NewGradientSum(Backend& backend, const Shape& shape, std::vector<Buffer>& buffers) {
  const DType dtype = backend.Types().gradient_sum;
  const auto tensor = [&] {
    buffers.push_back(backend.Allocate(static_cast<size_t>(shape.Elements()) * SizeOf(dtype)));
    return TensorView{buffers.back().data(), dtype, shape};
  };
  return {.fine = tensor(), .coarse = dtype == DType::kI64 ? tensor() : TensorView{}};
}

TextLayout MakeTextLayout(Backend& backend, std::span<const int32_t> offsets, View place) {
  LACOS_CHECK(!offsets.empty() && offsets[0] == 0, "offsets begin with 0");
  TextLayout layout{.offsets = place,
                    .host_offsets = offsets,
                    .texts = static_cast<int64_t>(offsets.size()) - 1,
                    .tokens = offsets.back()};
  for (size_t n = 1; n < offsets.size(); ++n) {
    LACOS_CHECK(offsets[n] >= offsets[n - 1], "offsets ascend");
    layout.longest = std::max<int64_t>(layout.longest, offsets[n] - offsets[n - 1]);
  }
  UploadInts(backend, offsets, place);
  return layout;
}

TokenIds MakeTokenIds(Backend& backend, std::span<const int32_t> ids, View place) {
  UploadInts(backend, ids, place);
  return {.ids = place, .host_ids = ids};
}

}  // namespace lacos
