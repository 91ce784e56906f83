// Free memory and cores under control groups of both versions, tested on made-up folder trees.
#include "lacos/base/control_group.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace lacos {
namespace {

namespace fs = std::filesystem;

class ControlGroups : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / ("groups-" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void Write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  std::optional<int64_t> Free(const std::string& membership) const {
    Write("membership", membership);
    return ControlGroupFreeBytes((root_ / "membership").string(), (root_ / "mount").string());
  }
  std::optional<double> Cores(const std::string& membership) const {
    Write("membership", membership);
    return ControlGroupCores((root_ / "membership").string(), (root_ / "mount").string());
  }
  fs::path root_;
};

TEST_F(ControlGroups, TheTightestAncestorOfVersion2Decides) {
  Write("mount/a/b/memory.max", "max\n");
  Write("mount/a/b/memory.current", "100\n");
  Write("mount/a/memory.max", "1000\n");
  Write("mount/a/memory.current", "700\n");
  Write("mount/a/memory.stat", "anon 500\ninactive_file 150\nactive_file 50\n");
  EXPECT_EQ(Free("0::/a/b\n"), 1000 - (700 - 150));
  Write("mount/a/b/memory.max", "300\n");
  EXPECT_EQ(Free("0::/a/b\n"), 200);
  EXPECT_EQ(Free("0::/elsewhere\n"), std::nullopt);
}

TEST_F(ControlGroups, Version1HasItsOwnMountAndNames) {
  Write("mount/memory/x/memory.limit_in_bytes", "5000\n");
  Write("mount/memory/x/memory.usage_in_bytes", "4000\n");
  Write("mount/memory/x/memory.stat", "inactive_file 7\ntotal_inactive_file 1500\n");
  EXPECT_EQ(Free("5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n"), 2500);
  // the number that stands for no limit
  Write("mount/memory/x/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Free("4:memory:/x\n"), std::nullopt);
}

TEST_F(ControlGroups, InAContainerOnlyTheMountsOwnFilesExist) {
  Write("mount/memory.max", "1000\n");
  Write("mount/memory.current", "1200\n");
  EXPECT_EQ(Free("0::/a/path/of/the/host\n"), 0) << "over the limit is nothing free, not less";
  EXPECT_EQ(ControlGroupFreeBytes((root_ / "none").string(), root_.string()), std::nullopt);
}

TEST_F(ControlGroups, TheTightestQuotaOfVersion2Decides) {
  Write("mount/cpu.max", "max 100000\n");
  Write("mount/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(Cores("0::/a/b\n"), 1.5);
  Write("mount/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(Cores("0::/a/b\n"), 0.5);
  EXPECT_EQ(Cores("0::/\n"), std::nullopt);
  for (const char* damaged : {"", "\n", "100000\n", "x y\n", "0 0\n", "-5 100000\n"}) {
    Write("mount/c/cpu.max", damaged);
    EXPECT_EQ(Cores("0::/c\n"), std::nullopt) << damaged;
  }
}

TEST_F(ControlGroups, AQuotaOfVersion1IsInTwoFiles) {
  Write("mount/cpu,cpuacct/x/cpu.cfs_quota_us", "400000\n");
  Write("mount/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Cores("5:cpu,cpuacct:/x\n0::/\n"), 4.0);
  Write("mount/cpu/x/cpu.cfs_quota_us", "200000\n");
  Write("mount/cpu/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Cores("5:cpuacct,cpu:/x\n"), 2.0);
  Write("mount/cpu/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(Cores("5:cpu:/x\n"), std::nullopt);
}

}  // namespace
}  // namespace lacos
