// Memory limits that containers and batch systems set: control groups of both versions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lacos {

// The bytes that the tightest memory limit of this process's group and the groups above it leaves;
// pages of files that the kernel can take back count as free. Nothing where there is no limit.
// `membership` is /proc/self/cgroup, `root` where the groups are mounted.
std::optional<int64_t> ControlGroupFreeBytes(const std::string& membership,
                                             const std::string& root);

}  // namespace lacos
