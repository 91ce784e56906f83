// Languages that BLOOM was trained on: averages over others say more about the base than about the
// training.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lacos {

// Whether BLOOM's training text (ROOTS) has this language, by its code of two or three letters
// ("fr", "fra"). Source: the model card of bigscience/bloom.
bool IsBloomLanguage(std::string_view code);
// Whether all of them are.
bool AreBloomLanguages(const std::vector<std::string>& codes);

}  // namespace lacos
