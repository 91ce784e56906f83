// Hashes of what a run reads, to refuse a resumption with other models or other data.
#pragma once

#include <string>

#include "lacos/data/examples.h"
#include "lacos/io/json.h"
#include "lacos/model/loaded_model.h"

namespace lacos {

// SHA-256 of every tensor's name, type and shape, and of up to 1 kB at its beginning, middle and
// end: tells models apart in milliseconds, also those of a hundred gigabytes, but not by a single
// flipped bit, which is what `lacos verify` is for.
std::string SampleSha256(const BaseWeights& checkpoint);

// The adapter's files that training goes on from, or null.
Json AdapterIdentity(const LoadedModel& loaded);

// The file's hash, and one of the examples that were made of it (which --split, --delimiter and
// others decide), with their number.
Json ExamplesIdentity(const ExampleFile& file);
// The same of a dev file; null without one.
Json DevIdentity(const ScoredPairs& dev);

}  // namespace lacos
