// Device code that brings tiles of a product's two matrices to shared memory and from there to the
// fragments of mma.sync.
//
// A step of the depth is 64 bytes of a left row: 32 bf16 values or 64 codes. Inside a step the depth
// is permuted, the same way on both sides: lane l of a group of four owns 16 neighbouring bytes of
// each row, and its words go to two mma.sync, so that one 16-byte load serves two of them. The columns
// of four neighbouring mma tiles (32 columns) are interleaved, so that the sums of a thread are eight
// neighbouring columns. Sums over the depth inside one mma.sync have no order, and the order of the
// instructions is that of the depth, so neither changes what a row's sums depend on.
//
// Bank conflicts: none. Left rows are 64 bytes apart, so the eight lanes of a phase read 128
// neighbouring bytes; tiles that are stored across the depth exchange their 32-byte units by the
// lane that reads them, see AcrossOffset.
#pragma once

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/floats.h"

namespace lacos::cuda {

constexpr int kStepBytes = 64;     // bytes of a left row in a step
constexpr int kGroupColumns = 32;  // columns of four interleaved mma tiles
constexpr int kGroupTiles = kGroupColumns / 8;

// The stored form of the right matrix.
enum class Right : uint8_t {
  kInt8Along,    // codes [columns, depth], multiplied as integers
  kInt8Across,   // codes [depth, columns], multiplied as integers
  kCodesAlong,   // codes [columns, depth], multiplied as bf16
  kCodesAcross,  // codes [depth, columns], multiplied as bf16
  kBF16Along,    // bf16 [columns, depth]
  kBF16Across,   // bf16 [depth, columns]
};
template <Right kRight>
inline constexpr bool kIsInt8 = kRight == Right::kInt8Along || kRight == Right::kInt8Across;
template <Right kRight>
inline constexpr bool kIsAcross =
    kRight == Right::kInt8Across || kRight == Right::kCodesAcross || kRight == Right::kBF16Across;
// Bytes of a right value, and values of the depth in a step.
template <Right kRight>
inline constexpr int kRightBytes =
    kRight == Right::kBF16Along || kRight == Right::kBF16Across ? 2 : 1;
template <Right kRight>
inline constexpr int kStepDepth = kIsInt8<kRight> ? 64 : 32;

// A matrix in device memory. Rows begin at multiples of 16 bytes. Bytes of a row's last 16 that are
// not values are zeros.
struct RowBytes {
  const unsigned char* data = nullptr;
  int64_t pitch = 0;  // bytes from row to row, a multiple of 16
  int32_t rows = 0;
  int32_t bytes = 0;  // bytes of the values in a row
};

// Copies 16 bytes of a matrix to shared memory, or zeros if they lie outside of it.
GPU_DEVICE void CopyPiece(const RowBytes& from, int row, int byte, unsigned char* to) {
  if (row < from.rows && byte < from.bytes) {
    gpu::CopyAsync(to, from.data + row * from.pitch + byte);
  } else {
    *reinterpret_cast<Words4*>(to) = Words4{{0, 0, 0, 0}};
  }
}

// Rows [first, first + kRows) of a matrix that lies along the depth: kBytes bytes of each, from `byte`
// on. With `interleave`, row 4 q + j of 32 is stored at 8 j + q, the place of an mma tile's column.
template <int kRows, int kBytes, int kThreads, bool kInterleave>
GPU_DEVICE void CopyAlong(const RowBytes& from, int first, int byte, unsigned char* to) {
  constexpr int kPieces = kBytes / 16;
  GPU_UNROLL
  for (int round = 0; round < (kRows * kPieces + kThreads - 1) / kThreads; ++round) {
    const int i = round * kThreads + gpu::Thread();
    if (kRows * kPieces % kThreads != 0 && i >= kRows * kPieces) break;
    const int row = i / kPieces, piece = i % kPieces;
    const int place = kInterleave ? row / 32 * 32 + row % 4 * 8 + row % 32 / 4 : row;
    CopyPiece(from, first + row, byte + piece * 16, to + place * kBytes + piece * 16);
  }
}

// The offset of a byte in a tile that lies across the depth, with rows of kBytes. Four neighbouring
// 32-byte units, of a row or of two short rows, are exchanged by the quarter of the step's depth that the
// row is in. Four lanes read rows of the four quarters at once; so these lie in different banks.
template <int kBytes>
GPU_DEVICE int AcrossOffset(int row, int quarter, int byte) {
  constexpr int kUnits = kBytes / 32, kRows = kUnits < 4 ? 4 / kUnits : 1;
  const int unit = row % kRows * kUnits + byte / 32;
  return (row - row % kRows) * kBytes + (unit ^ quarter) * 32 + byte % 32;
}
template <int kDepth, int kBytes, int kThreads>
GPU_DEVICE void CopyAcross(const RowBytes& from, int first, int byte, unsigned char* to) {
  constexpr int kPieces = kBytes / 16;
  static_assert(kBytes % 64 == 0);
  GPU_UNROLL
  for (int round = 0; round < (kDepth * kPieces + kThreads - 1) / kThreads; ++round) {
    const int i = round * kThreads + gpu::Thread();
    if (kDepth * kPieces % kThreads != 0 && i >= kDepth * kPieces) break;
    const int row = i / kPieces, piece = i % kPieces;
    CopyPiece(from, first + row, byte + piece * 16,
              to + AcrossOffset<kBytes>(row, row / (kDepth / 4), piece * 16));
  }
}

// Two codes, in bits 0 to 7 and 16 to 23 of `spread`, as bf16 numbers. 128 + the low seven bits is a
// bf16 number with these bits as its mantissa; 128 is subtracted, or 256 if the code is negative.
GPU_DEVICE uint32_t DecodeCodePair(uint32_t spread) {
  const uint32_t magnitude = (spread & 0x007F007Fu) | 0x43004300u;
  const uint32_t minus = (spread & 0x00800080u) | 0xC300C300u;
  return gpu::AddBF16Pairs(magnitude, minus);
}

// The b operands of two mma.sync: first[0], first[1], second[0], second[1].
struct RightFragment {
  uint32_t word[4];
};

// Fragments of a tile along the depth: `column` is the lane's column among the interleaved ones.
template <Right kRight>
GPU_DEVICE RightFragment LoadAlong(const unsigned char* tile, int column, int in) {
  static_assert(!kIsAcross<kRight>);
  RightFragment f;
  if constexpr (kRight == Right::kCodesAlong) {
    const Words2 codes = *reinterpret_cast<const Words2*>(tile + column * 32 + in * 8);
    GPU_UNROLL
    for (int i = 0; i < 2; ++i) {
      f.word[2 * i] = DecodeCodePair(gpu::PermuteBytes(codes.word[i], 0, 0x4140));
      f.word[2 * i + 1] = DecodeCodePair(gpu::PermuteBytes(codes.word[i], 0, 0x4342));
    }
  } else {
    const Words4 words = *reinterpret_cast<const Words4*>(tile + column * 64 + in * 16);
    GPU_UNROLL
    for (int i = 0; i < 4; ++i) f.word[i] = words.word[i];
  }
  return f;
}

// Eight rows of a tile across the depth, from `first` on, with the four columns of each that a lane has
// in the mma tiles of a group.
template <Right kRight>
struct AcrossRows {
  uint32_t word[8][kRightBytes<kRight>];
};
template <Right kRight, int kColumns>
GPU_DEVICE AcrossRows<kRight> LoadAcross(const unsigned char* tile, int group_of_columns, int group,
                                         int quarter, int first) {
  constexpr int kSize = kRightBytes<kRight>;
  AcrossRows<kRight> rows;
  GPU_UNROLL
  for (int i = 0; i < 8; ++i) {
    const unsigned char* from =
        tile + AcrossOffset<kColumns * kSize>(
                   first + i, quarter, (group_of_columns * kGroupColumns + group * 4) * kSize);
    if constexpr (kSize == 1) {
      rows.word[i][0] = *reinterpret_cast<const uint32_t*>(from);
    } else {
      const Words2 words = *reinterpret_cast<const Words2*>(from);
      rows.word[i][0] = words.word[0];
      rows.word[i][1] = words.word[1];
    }
  }
  return rows;
}
// Transposes two blocks of 4 rows and 4 columns of codes, by eight operations each: words j and 4 + j
// become the operand of mma tile j, four values of the depth of one column in each.
GPU_DEVICE void TransposeCodes(AcrossRows<Right::kInt8Across>& rows) {
  GPU_UNROLL
  for (int q = 0; q < 8; q += 4) {
    uint32_t(&w)[8][1] = rows.word;
    const uint32_t low01 = gpu::PermuteBytes(w[q][0], w[q + 1][0], 0x5140);
    const uint32_t low23 = gpu::PermuteBytes(w[q + 2][0], w[q + 3][0], 0x5140);
    const uint32_t high01 = gpu::PermuteBytes(w[q][0], w[q + 1][0], 0x7362);
    const uint32_t high23 = gpu::PermuteBytes(w[q + 2][0], w[q + 3][0], 0x7362);
    w[q][0] = gpu::PermuteBytes(low01, low23, 0x5410);
    w[q + 1][0] = gpu::PermuteBytes(low01, low23, 0x7632);
    w[q + 2][0] = gpu::PermuteBytes(high01, high23, 0x5410);
    w[q + 3][0] = gpu::PermuteBytes(high01, high23, 0x7632);
  }
}
// The fragments of mma tile j of the group, as bf16 numbers. Neighbouring rows make a pair.
template <Right kRight>
GPU_DEVICE RightFragment FragmentOf(const AcrossRows<kRight>& rows, int j) {
  static_assert(!kIsInt8<kRight>);
  RightFragment f;
  GPU_UNROLL
  for (int i = 0; i < 4; ++i) {
    if constexpr (kRight == Right::kCodesAcross) {
      const auto byte = static_cast<uint32_t>(j);
      const uint32_t selector = byte | byte << 4 | (byte + 4) << 8 | (byte + 4) << 12;
      f.word[i] =
          DecodeCodePair(gpu::PermuteBytes(rows.word[2 * i][0], rows.word[2 * i + 1][0], selector));
    } else {
      f.word[i] = gpu::PermuteBytes(rows.word[2 * i][j / 2], rows.word[2 * i + 1][j / 2],
                                    j % 2 == 0 ? 0x5410 : 0x7632);
    }
  }
  return f;
}

}  // namespace lacos::cuda
