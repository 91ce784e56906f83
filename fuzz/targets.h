// What is fuzzed: one function for each format, fed by libFuzzer (fuzzer_main.cc) or from files
// (replay_main.cc).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace lacos {
struct Suite;
}

namespace lacos::fuzz {

using Input = std::span<const std::byte>;

// Each reads one input as its format and throws UserError where that is damaged. Anything else that
// happens (another exception, an abort, a sanitizer's report, a property that does not hold) is a
// finding.
void Json(Input input);
void Safetensors(Input input);  // a file, or `{header}` NUL data, to which the length is added
void Tokenizer(Input input);    // tokenizer.json, then perhaps NUL and a text to encode
void Config(Input input);       // a model folder of small files, see files.h
void Checkpoint(Input input);   // a model folder with weights and perhaps an adapter, see files.h
void TorchFile(Input input);    // a .bin file
void TorchPickle(Input input);  // the pickle inside a .bin file, the archive around it is made here
void Npy(Input input);       // a file, or `{header}` NUL data, to which magic and length are added
void Table(Input input);     // an options byte, then .tsv, .csv or .jsonl
void Lines(Input input);     // an options byte, then text, .gz or .zst
void Archive(Input input);   // an options byte, then .zip, .tar, .gz, .tar.xz, ...
void TestSets(Input input);  // raw files for `data prepare`, see files.h
void Suite(Input input);     // suite.json and its files
void Evaluation(Input input);  // results.json and items.jsonl
void RunState(Input input);    // a run's folder with checkpoints
void RunRecord(Input input);   // run.json, a TOML file of flags, metrics.jsonl
void Caches(Input input);      // an options byte, then a file of cached states or vectors
void TrainingTexts(Input input);
void SweepRecipe(Input input);  // TOML; files: base/, nli.tsv

// Runs a target on one input: catches UserError and checks that its message is one line `[where]
// ... expected ...`. Aborts with a line on stderr when it is not.
void Run(void (*target)(Input), Input input);

// Aborts, naming the property, unless it holds.
void Require(bool holds, const char* property);

// Reads every set of a suite by the reader of its task.
void ReadEverySet(const lacos::Suite& suite);

std::string_view Text(Input input);
// Reads all bytes, so that a sanitizer sees any that lie outside the file.
void Touch(Input bytes);

// Writes a file in a folder of this process (in memory where there is /dev/shm) and returns its
// path. Folders within `name` are made.
std::string WriteScratch(std::string_view name, std::string_view contents);
// Removes everything below `name` in that folder.
void RemoveScratch(std::string_view name);

}  // namespace lacos::fuzz
