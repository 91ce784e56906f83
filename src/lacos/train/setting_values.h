// Checks of values that programs give to the settings of a run. The command line has checks of its
// own, whose messages name flags.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/train/setting_info.h"

namespace lacos {

// Throw UserError that names the setting if the value is not allowed. A text of a setting with
// words may be empty, which means its default.
inline void CheckSettingValue(const SettingInfo&, bool) {}
void CheckSettingValue(const SettingInfo& info, int64_t value);
void CheckSettingValue(const SettingInfo& info, uint64_t value);
void CheckSettingValue(const SettingInfo& info, double value);
void CheckSettingValue(const SettingInfo& info, const std::string& value);
void CheckSettingValue(const SettingInfo& info, const std::vector<std::string>& value);
void CheckSettingValue(const SettingInfo& info, const std::vector<int64_t>& value);

}  // namespace lacos
