// The known word that was probably meant by an unknown one.
#pragma once

#include <string>
#include <vector>

namespace lacos {

// The known word that is most like `word`: it begins with it, or differs in at most a third of its
// letters. Dashes at the beginning of words do not count. Empty if there is none.
std::string MostLike(const std::string& word, const std::vector<std::string>& known);

// The end of a message about an unknown word: "; did you mean 'batch_size'?", or "".
std::string DidYouMean(const std::string& word, const std::vector<std::string>& known);

}  // namespace lacos
