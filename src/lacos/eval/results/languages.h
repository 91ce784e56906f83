// The languages that BLOOM was trained on. Averages over other languages say more about the base
// than about the training.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lacos {

// Whether BLOOM's training text (ROOTS) has this language, given its code of two or three letters
// ("fr", "fra"). Source: the model card of bigscience/bloom.
bool IsBloomLanguage(std::string_view code);
// Whether ROOTS has all of these languages.
bool AreBloomLanguages(const std::vector<std::string>& codes);

}  // namespace lacos
