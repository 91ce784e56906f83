// Memory limits that containers and batch systems set through control groups, versions 1 and 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lacos {

// The number of bytes that this process may still take under the tightest memory limit of its group
// and the groups above it. File pages that the kernel can reclaim count as free. Nothing if there
// is no limit. `membership` is the path of /proc/self/cgroup, and `root` is where groups are
// mounted.
std::optional<int64_t> ControlGroupFreeBytes(const std::string& membership,
                                             const std::string& root);

}  // namespace lacos
