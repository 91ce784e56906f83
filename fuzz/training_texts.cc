// training_texts.bin, which is part of trained folders and has hashes of their training texts.
#include "lacos/data/training_texts.h"
#include "targets.h"

namespace lacos::fuzz {

void TrainingTexts(Input input) {
  const lacos::TrainingTexts texts =
      lacos::TrainingTexts::Read(WriteScratch("texts.bin", Text(input)));
  Require(texts.Bytes() == Text(input), "a file reads back as it was");
  lacos::TrainingTexts more = texts;
  more.AddExample({"A text.", "Another one"});
  Require(more.FindText("A text.") == Seen::kExactly && more.FindText("a TEXT") != Seen::kNo,
          "an added text is found");
  Require(more.FindPair("Another one", "A text.") == Seen::kExactly,
          "a pair is found in either order");
  more.Merge(texts);
  Require(more.texts() >= texts.texts() && more.pairs() <= texts.pairs() + 1,
          "nothing is lost or doubled");
}

}  // namespace lacos::fuzz
