#include "lacos/convert/output/row_stream.h"

#include <algorithm>
#include <vector>

#include "lacos/base/checked_math.h"
#include "lacos/base/parallel.h"

namespace lacos {
namespace {

constexpr int64_t kSliceBytes = int64_t{16} << 20;
constexpr int64_t kPageBytes = 4096;

}  // namespace

void DropElements(const StoredTensor& tensor, int64_t begin, int64_t count) {
  const auto size = static_cast<int64_t>(SizeOf(tensor.entry.dtype));
  // The range starts one page earlier, because the page that two slices share is dropped with
  // the second.
  const int64_t first = std::max<int64_t>(0, tensor.entry.offset + begin * size - kPageBytes);
  const int64_t last = tensor.entry.offset + (begin + count) * size;
  tensor.file->file()->DropPages(first, last - first);
}

void StreamRows(const RowStream& stream) {
  const int64_t piece_rows =
      std::max<int64_t>(1, kPieceElements / std::max<int64_t>(1, stream.row_elements));
  const int64_t piece_bytes = piece_rows * std::max<int64_t>(1, stream.row_bytes);
  const int64_t slice_rows = std::max<int64_t>(1, kSliceBytes / piece_bytes) * piece_rows;
  std::vector<std::byte> bytes(
      static_cast<size_t>(std::min(slice_rows, stream.rows) * stream.row_bytes));
  for (int64_t begin = 0; begin < stream.rows; begin += slice_rows) {
    const int64_t count = std::min(slice_rows, stream.rows - begin);
    ParallelFor(CeilDivide(count, piece_rows), [&](int64_t piece) {
      const int64_t first = piece * piece_rows;
      stream.make(begin + first, std::min(piece_rows, count - first),
                  bytes.data() + first * stream.row_bytes);
    });
    stream.write(begin, count, {bytes.data(), static_cast<size_t>(count * stream.row_bytes)});
  }
}

}  // namespace lacos
