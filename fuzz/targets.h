// The fuzz targets: one function for each format. Inputs come from libFuzzer (fuzzer_main.cc) or
// from files (replay_main.cc).
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

// Each function reads one input as its format and throws UserError if the input is damaged.
// Anything else (another exception, an abort, a sanitizer's report, a property that does not hold)
// is a finding. Each comment describes the input.
void Json(Input input);
void Safetensors(Input input);  // a file, or header NUL data; the length is then added
void Tokenizer(Input input);    // tokenizer.json, optionally followed by NUL and a text to encode
void TokenizerFiles(Input input);  // a tokenizer's files, see files.h
void Config(Input input);          // a model folder of small files, see files.h
void Checkpoint(Input input);  // a model folder with weights and optionally an adapter, see files.h
void TorchFile(Input input);   // a .bin file
void TorchPickle(Input input);  // the pickle of a .bin file; the archive around it is added
void Npy(Input input);          // a file, or header NUL data; magic and length are then added
void Table(Input input);        // an options byte, then .tsv, .csv or .jsonl
void Lines(Input input);        // an options byte, then text, .gz or .zst
void Archive(Input input);      // an options byte, then .zip, .tar, .gz, .tar.xz, ...
void TestSets(Input input);     // raw files for `data prepare`, see files.h
void Suite(Input input);        // suite.json and its files
void Evaluation(Input input);   // results.json and items.jsonl
void RunState(Input input);     // a run's folder with checkpoints
void RunRecord(Input input);    // run.json, a TOML file of flags, metrics.jsonl
void Caches(Input input);       // an options byte, then a file of cached states or vectors
void TrainingTexts(Input input);
void SweepRecipe(Input input);   // a TOML file, which may name base/ and nli.tsv
void ServeHead(Input input);     // an options byte, then a request's head, keys, an address or gzip
void ServeRequest(Input input);  // a byte for route and settings, then the body of a request

// Runs a target on one input. Catches UserError and checks that its message is one line of the form
// "[where] ... expected ..."; if not, aborts with a line on stderr.
void Run(void (*target)(Input), Input input);

// Aborts with the name of the property unless it holds.
void Require(bool holds, const char* property);

// Reads every set of a suite with the reader of its task.
void ReadEverySet(const lacos::Suite& suite);

std::string_view Text(Input input);
// Reads all bytes, so that a sanitizer detects bytes outside the file.
void Touch(Input bytes);

// Writes a file to this process's scratch folder (in memory if /dev/shm exists) and returns its
// path. Folders in `name` are created.
std::string WriteScratch(std::string_view name, std::string_view contents);
// Removes everything below `name` in the scratch folder.
void RemoveScratch(std::string_view name);

}  // namespace lacos::fuzz
