// Limits on memory and processors that containers and batch systems set through control groups,
// versions 1 and 2.
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

// The number of cores that the tightest CPU quota of its group and the groups above it allows this
// process on average, for example 1.5. Nothing if there is no quota. The arguments are those of
// ControlGroupFreeBytes.
std::optional<double> ControlGroupCores(const std::string& membership, const std::string& root);

}  // namespace lacos
