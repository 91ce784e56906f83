// Names of oneDNN's implementations are understood in all its versions, and slow ones are refused.
#include "lacos/kernels/cpu/linear/primitive_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/base/error.h"

namespace lacos::cpu {
namespace {

using ::testing::HasSubstr;

TEST(Implementation, BrgemmIsRecognizedByTheNamesOfAllVersions) {
  for (const std::string family : {"brg:", "brg_matmul:"}) {
    for (const std::string isa : {"avx2", "avx512_core", "avx512_core_vnni", "avx512_core_bf16"}) {
      const std::string name = family + isa;
      const Implementation found = DescribeImplementation(name);
      EXPECT_EQ(found.kind, ImplementationKind::kBrgemm) << name;
      EXPECT_EQ(found.isa, isa);
      EXPECT_FALSE(found.Amx()) << name;
    }
  }
  for (const char* name : {"brg:avx512_core_amx_bf16", "brg_matmul:avx10_1_512_amx"}) {
    EXPECT_TRUE(DescribeImplementation(name).Amx()) << name;
  }
}

TEST(Implementation, GemmIsRecognizedByTheNamesOfAllVersions) {
  for (const char* name : {"gemm:jit", "gemm:jit:f32", "gemm:jit:bf16"}) {
    EXPECT_EQ(DescribeImplementation(name).kind, ImplementationKind::kGemm) << name;
  }
}

TEST(Implementation, EveryOtherNameIsSlow) {
  for (const char* name : {"ref:any", "ref_int8:any", "none", "", "gemm:any", "gemm:jitter",
                           "brgconv:avx512_core", "brg", "jit:brg:avx512_core"}) {
    EXPECT_EQ(DescribeImplementation(name).kind, ImplementationKind::kSlow) << name;
  }
}

// Rows without and with gaps, both orientations.
TEST(PrimitiveCache, GivesAFastProductOrAnErrorThatNamesTheImplementation) {
  PrimitiveCache cache;
  for (const bool transposed : {true, false}) {
    for (const int64_t stride : {256, 320}) {
      const ProductShape shape{48, 256, 256, stride, transposed};
      const std::string name = cache.ImplementationOf(shape);
      if (DescribeImplementation(name).kind == ImplementationKind::kSlow) {
        try {
          cache.Get(shape);
          ADD_FAILURE() << name << " was used";
        } catch (const UserError& error) {
          EXPECT_THAT(error.what(), HasSubstr("implementation '" + name + "'"));
        }
      } else {
        EXPECT_EQ(cache.Get(shape).Implementation(), name);
      }
    }
  }
}

}  // namespace
}  // namespace lacos::cpu
