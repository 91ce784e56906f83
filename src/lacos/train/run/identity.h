// Hashes of the inputs of a run, to refuse resuming it with other models or other data.
#pragma once

#include <string>

#include "lacos/data/examples.h"
#include "lacos/io/json.h"
#include "lacos/model/loaded_model.h"

namespace lacos {

// The SHA-256 of every tensor's name, type and shape, and of up to 1 kB at its beginning, middle
// and end. It distinguishes models in milliseconds, even those of a hundred gigabytes. It does not
// notice a single flipped bit; `lacos verify` does.
std::string SampleSha256(const BaseWeights& checkpoint);

// The files of the adapter from which training goes on, or null.
Json AdapterIdentity(const LoadedModel& loaded);

// The hash of the file, and the hash and number of the examples that were made of it. The examples
// depend on settings such as `split` and `delimiter`.
Json ExamplesIdentity(const ExampleFile& file);
// The same for a dev file; null without one.
Json DevIdentity(const ScoredPairs& dev);

}  // namespace lacos
