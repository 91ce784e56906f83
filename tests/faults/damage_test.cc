// Files that are truncated or have a flipped bit, at all kinds of places. The program must give an
// error that names the file, use an older checkpoint, or give exactly the result of the intact
// file; it must never give another result.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <set>

#include "faults/child.h"
#include "faults/run_contents.h"
#include "faults/tiny_run.h"
#include "lacos/io/safetensors.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

void Overwrite(const std::string& path, const std::string& bytes) {
  const size_t slash = path.rfind('/');
  fs::remove(path);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr) << path.substr(slash);
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  ASSERT_EQ(std::fclose(file), 0);
}

// Offsets in a file at which to damage it: its ends, the boundaries of its tensors, and some
// pseudorandom places.
std::vector<size_t> PlacesIn(const std::string& path, size_t size) {
  std::set<size_t> places = {0, 8, size / 2, size - 1};
  if (FullRun()) places.insert({1, 7, 9, 100, size / 3});
  if (path.ends_with(".safetensors")) {
    const SafetensorsFile file(path);
    size_t count = 0;
    for (const TensorEntry& entry : file.tensors()) {
      if (!FullRun() && count++ % 12 != 0) continue;
      const auto at = static_cast<size_t>(entry.offset), bytes = static_cast<size_t>(entry.bytes);
      places.insert({at, at + bytes / 2, at + bytes - 1, at - 1});
    }
  }
  std::mt19937_64 random(size);
  for (int i = 0; i < (FullRun() ? 60 : 2); ++i) places.insert(random() % size);
  std::erase_if(places, [&](size_t place) { return place >= size; });
  return {places.begin(), places.end()};
}

// A use of a file. TryDamage replaces the file `path` by damaged versions and calls `run` for each,
// which runs a command that reads the file.
using Run = std::function<ChildResult()>;
struct Use {
  std::string label;
  std::string path;
  Run run;
  std::function<std::string()> result;  // returns the bytes to compare after exit status 0
  bool recorded = true;                 // a manifest has its hash, so another result is wrong
};

void TryDamage(OutcomeTable& table, const Use& use) {
  const std::string intact = ReadAll(use.path);
  ASSERT_GT(intact.size(), 0u) << use.path;
  const ChildResult whole = use.run();
  ASSERT_EQ(whole.status, 0) << use.label << ": " << whole.err;
  const std::string expected = use.result();
  const auto attempt = [&](const std::string& kind, const std::string& bytes, size_t place) {
    Overwrite(use.path, bytes);
    const ChildResult result = use.run();
    std::string why;
    OutcomeTable::Outcome outcome = OutcomeTable::kOther;
    if (result.timed_out) {
      why = "hung";
    } else if (result.status == 0) {
      const bool equal = use.result() == expected;
      outcome = equal          ? OutcomeTable::kEqual
                : use.recorded ? OutcomeTable::kOther
                               : OutcomeTable::kUnchecked;
      if (outcome == OutcomeTable::kOther) why = "gave another result";
    } else if (IsClearError(result)) {
      outcome = OutcomeTable::kClearError;
    } else {
      why = fmt::format("status {}: {}", result.status, result.err);
    }
    table.Add(use.label + kind, outcome, fmt::format("{} at byte {}: {}", use.path, place, why));
  };
  const std::vector<size_t> places = PlacesIn(use.path, intact.size());
  for (const size_t place : places) attempt(", cut short", intact.substr(0, place), place);
  std::mt19937 random(7);
  for (const size_t place : places) {
    for (int i = 0; i < (FullRun() ? 4 : 1); ++i) {
      std::string bytes = intact;
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
      attempt(", a bit flipped", bytes, place);
    }
  }
  Overwrite(use.path, intact);
}

class Damaged : public testing::Test {
 protected:
  // Encodes a few texts with a model; `file` is the file of the model that is damaged.
  Use Embedding(const std::string& label, const std::string& model, const std::string& file,
                bool recorded) {
    const std::string output = folder_ / "vectors.npy";
    return {.label = label,
            .path = model + "/" + file,
            .run =
                [=] {
                  return RunChild({"embed", "--model", model, "--input", Inputs() / "texts.txt",
                                   "--output", output, "--overwrite", "--compute", "f32",
                                   "--threads", "1", "--quiet"});
                },
            .result = [=] { return ReadAll(output); },
            .recorded = recorded};
  }
  void Finish(const OutcomeTable& table) {
    const std::vector<std::string> others = table.Print();
    EXPECT_TRUE(others.empty()) << fmt::format("{}", fmt::join(others, "\n"));
  }

  TempFolder folder_;
};

TEST_F(Damaged, QuantizedModelsNeverGiveOtherVectors) {
  OutcomeTable table("a quantized model");
  fs::copy(Inputs() / "int8", folder_ / "int8", fs::copy_options::recursive);
  for (const char* file : {"model.safetensors", "config.json", "tokenizer.json", "lacos.json"})
    TryDamage(table, Embedding(file, folder_ / "int8", file, true));
  Finish(table);
}

TEST_F(Damaged, TrainedFoldersNeverGiveOtherVectors) {
  OutcomeTable table("a trained folder");
  const std::string trained = folder_ / "trained";
  ASSERT_EQ(RunChild(TrainArguments(trained, {"--pooling", "last", "--strip"})).status, 0);
  for (const char* file :
       {"adapter_model.safetensors", "adapter_config.json", "modules.json", "1_Pooling/config.json",
        "sentence_bert_config.json", "config_sentence_transformers.json", "tokenizer.json",
        "tokenizer_config.json", "lacos.json"}) {
    TryDamage(table, Embedding(file, trained, file, true));
  }
  Finish(table);
}

// Files that lacos did not write have no hashes, so damage may go unnoticed, but it must never
// cause a crash.
TEST_F(Damaged, OriginalModelsAndDataNeverCrash) {
  OutcomeTable table("files of others");
  fs::copy(TinyModel(), folder_ / "original", fs::copy_options::recursive);
  fs::remove(folder_ / "original/lacos.json");
  for (const char* file : {"model.safetensors", "config.json", "tokenizer.json"})
    TryDamage(table, Embedding(file, folder_ / "original", file, false));
  const std::string rows = ReadAll(Inputs() / "pairs.tsv");
  for (const std::string name : {"pairs.tsv", "pairs.jsonl"}) {
    std::string contents = rows;
    if (name == "pairs.jsonl") {
      contents.clear();
      for (int i = 0; i < 8; ++i)
        contents += fmt::format(
            "{{\"sentence1\": \"river {0}\", \"sentence2\": \"stone {0} \\u00e9\"}}\n", i);
    }
    const std::string data = folder_.Write(name, contents), output = folder_ / "out";
    TryDamage(table,
              {.label = name,
               .path = data,
               .run =
                   [=] {
                     fs::remove_all(output);
                     return RunChild(TrainArguments(output, {"--train", data, "--epochs", "1"}));
                   },
               .result = [=] { return ReadAll(output + "/adapter_model.safetensors"); },
               .recorded = false});
  }
  Finish(table);
}

// Compressed files contain checksums, so damage is always noticed.
TEST_F(Damaged, CompressedDataAreNeverReadAsOtherData) {
  OutcomeTable table("compressed data");
  const std::string plain = folder_.Write("texts.txt", ReadAll(Inputs() / "texts.txt"));
  for (const auto& [name, command] : std::vector<std::pair<std::string, std::string>>{
           {"texts.txt.gz", "gzip -k -n -f "}, {"texts.txt.zst", "zstd -q -k -f "}}) {
    // Skip this format when the compression program is not installed.
    if (std::system((command + plain + " 2>/dev/null").c_str()) != 0) continue;
    const std::string data = folder_ / name, output = folder_ / "out.npy";
    // Damage in the header of a .gz file (time, flags, system) does not change the text.
    TryDamage(table, {.label = name,
                      .path = data,
                      .run =
                          [=] {
                            return RunChild({"embed", "--model", Inputs() / "int8", "--input", data,
                                             "--output", output, "--overwrite", "--compute", "f32",
                                             "--quiet"});
                          },
                      .result = [=] { return ReadAll(output); }});
  }
  Finish(table);
}

// A damaged checkpoint is skipped, and the resumed run ends with the same result.
TEST_F(Damaged, CheckpointsFallBackToAnOlderOne) {
  OutcomeTable table("a checkpoint");
  const std::string whole = folder_ / "whole", cut = folder_ / "cut", output = folder_ / "out";
  const std::vector<std::string> more = {"--dev", Inputs() / "dev.tsv"};
  ASSERT_EQ(RunChild(TrainArguments(whole, more)).status, 0);
  const std::map<std::string, std::string> expected = RunContents(whole);
  fs::copy(whole, cut, fs::copy_options::recursive);
  // Make the run look as if it had been killed while writing its last files.
  fs::remove(cut + "/adapter_config.json");
  std::vector<std::string> arguments = TrainArguments(output, more);
  arguments.emplace_back("--resume");
  const std::string newest = output + "/checkpoints/step-000006/";
  for (const char* file :
       {"state.safetensors", "progress.json", "lacos.json", "adapter_model.safetensors",
        "best/adapter_model.safetensors", "best/adapter_config.json", "../latest"}) {
    fs::remove_all(output);
    fs::copy(cut, output, fs::copy_options::recursive);
    TryDamage(table, {.label = file,
                      .path = newest + file,
                      .run =
                          [=, damaged = newest + file] {
                            // Restore all files except the damaged one, because the previous run
                            // has changed them.
                            const std::string bytes = ReadAll(damaged);
                            fs::remove_all(output);
                            fs::copy(cut, output, fs::copy_options::recursive);
                            Overwrite(damaged, bytes);
                            return RunChild(arguments);
                          },
                      .result =
                          [=, file = std::string(file)] {
                            std::map<std::string, std::string> left = expected,
                                                               found = RunContents(output);
                            // Damage in a manifest may be in a part that no check reads.
                            if (file == "lacos.json") {
                              left.erase("checkpoints/step-000006/lacos.json");
                              found.erase("checkpoints/step-000006/lacos.json");
                            }
                            return Difference(left, found);
                          }});
  }
  Finish(table);
}

TEST_F(Damaged, VerifyNamesFileAndTensorAndWhatResumeWouldUse) {
  const std::string model = folder_ / "int8", output = folder_ / "out";
  fs::copy(Inputs() / "int8", model, fs::copy_options::recursive);
  const std::string path = model + "/model.safetensors", name = "h.1.mlp.dense_4h_to_h.weight";
  std::string bytes = ReadAll(path);
  {
    const SafetensorsFile file(path);
    const TensorEntry* entry = file.Find(name);
    ASSERT_NE(entry, nullptr);
    const auto at = static_cast<size_t>(entry->offset + entry->bytes / 2);
    bytes[at] = static_cast<char>(bytes[at] ^ 16);
  }
  Overwrite(path, bytes);
  ChildResult result = RunChild({"verify", model});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("damaged tensors: " + name + "\n"), std::string::npos) << result.out;

  ASSERT_EQ(RunChild(TrainArguments(output)).status, 0);
  EXPECT_EQ(RunChild({"verify", output}).status, 0);
  fs::remove(output + "/lacos.json");
  result = RunChild({"verify", output});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("go on from step-000006"), std::string::npos) << result.out;
  const std::string state = output + "/checkpoints/step-000006/state.safetensors";
  bytes = ReadAll(state);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Overwrite(state, bytes);
  result = RunChild({"verify", output});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("go on from step-000004"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("state.safetensors"), std::string::npos) << result.out;
}

// Two processes in one folder would destroy each other's checkpoints.
TEST_F(Damaged, AFolderInUseIsRefused) {
  const std::string output = folder_ / "out";
  ASSERT_EQ(RunChild(TrainArguments(output)).status, 0);
  const int fd = open(output.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
  std::vector<std::string> arguments = TrainArguments(output);
  arguments.emplace_back("--overwrite");
  const ChildResult result = RunChild(arguments);
  EXPECT_TRUE(IsClearError(result)) << result.err;
  EXPECT_NE(result.err.find("another training run"), std::string::npos) << result.err;
  close(fd);
  EXPECT_EQ(RunChild(arguments).status, 0);
}

}  // namespace
}  // namespace lacos
