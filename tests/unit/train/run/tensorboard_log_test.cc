// The bytes of TensorBoard event files: their framing with known checksums, and the events that a
// reader finds in them.
#include "lacos/train/run/tensorboard_log.h"
#include "test_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lacos/train/plan.h"
#include "lacos/train/training_data.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;

uint64_t ReadLittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Reads the records of a file and ends the test if a length or a checksum is wrong.
std::vector<std::string> ReadRecords(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> records;
  for (std::string_view rest = bytes; !rest.empty();) {
    const size_t length = ReadLittleEndian(rest.substr(0, 8));
    EXPECT_LE(length + 16, rest.size()) << "a record is cut short";
    if (length + 16 > rest.size()) break;
    records.emplace_back(rest.substr(12, length));
    EXPECT_EQ(rest.substr(0, length + 16), TfRecord(records.back()));
    rest.remove_prefix(length + 16);
  }
  return records;
}

// The wall time of an event: field 1, a double (fixed64), with which every event begins.
double WallTime(const std::string& event) {
  EXPECT_EQ(event[0], '\x09');
  return std::bit_cast<double>(ReadLittleEndian(std::string_view(event).substr(1, 8)));
}

std::string WithoutTime(const std::string& event) { return event.substr(9); }

std::string FloatBytes(float value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

class TensorboardFolder : public testing::Test {
 protected:
  TensorboardFolder() : folder_(fs::path(testing::TempDir()) / "lacos_tensorboard_test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~TensorboardFolder() override { fs::remove_all(folder_); }

  std::vector<fs::path> Files() const {
    std::vector<fs::path> files(fs::directory_iterator(folder_), {});
    std::sort(files.begin(), files.end());
    return files;
  }
  static void Start(TensorboardLog& log, int64_t first_step) {
    const auto tokenizer =
        Tokenizer::FromFile(LACOS_SOURCE_DIR "/tests/golden/models/a/tokenizer.json");
    log.OnStart(TrainingData({}, *tokenizer, {}), {}, first_step, 100);
  }

  fs::path folder_;
};

TEST(TfRecord, ChecksumsAreThoseOfRfc3720) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(TfRecord, FramesDataBetweenMaskedChecksums) {
  const std::string record = TfRecord("123456789");
  ASSERT_EQ(record.size(), 8 + 4 + 9 + 4u);
  EXPECT_EQ(ReadLittleEndian(record.substr(0, 8)), 9u);
  EXPECT_EQ(record.substr(12, 9), "123456789");
  // Computed by hand: ((crc >> 15) | (crc << 17)) + 0xa282ead8 for crc = 0xE3069283.
  EXPECT_EQ(ReadLittleEndian(record.substr(21)), 0xC78AB0E5u);
}

TEST_F(TensorboardFolder, AFileBeginsWithItsVersionAndTheStartOfASession) {
  TensorboardLog log(folder_.string());
  Start(log, 0);
  ASSERT_EQ(Files().size(), 1u);
  EXPECT_THAT(Files()[0].filename().string(),
              testing::MatchesRegex("events\\.out\\.tfevents\\.[0-9]+\\.lacos"));
  const auto records = ReadRecords(Files()[0]);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_GT(WallTime(records[0]), 1.7e9);
  EXPECT_EQ(WithoutTime(records[0]),
            "\x1A\x0D"
            "brain.Event:2");
  EXPECT_EQ(WithoutTime(records[1]), "\x3A\x02\x08\x01");
}

TEST_F(TensorboardFolder, AResumedRunOpensAnotherFileThatVoidsTheStepsAfterItsCheckpoint) {
  TensorboardLog first(folder_.string()), second(folder_.string());
  Start(first, 0);
  first.OnStep({.step = 301, .loss = 1});
  Start(second, 300);
  ASSERT_EQ(Files().size(), 2u);
  const auto records = ReadRecords(Files()[1]);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(WithoutTime(records[1]), "\x10\xAD\x02\x3A\x02\x08\x01");  // contains varint 301
}

TEST_F(TensorboardFolder, AStepHasItsScalarsAsFloats) {
  TensorboardLog log(folder_.string());
  Start(log, 0);
  log.OnStep({.step = 5, .loss = 0.25, .learning_rate = 1e-4});
  const auto records = ReadRecords(Files()[0]);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(WithoutTime(records[2]).substr(0, 2), "\x10\x05");
  EXPECT_THAT(records[2], HasSubstr("\x0A\x0Atrain/loss\x15" + FloatBytes(0.25f)));
  EXPECT_THAT(records[2], HasSubstr("train/learning_rate\x15" + FloatBytes(1e-4f)));
  log.OnEvaluation({.step = 6, .spearman = 71.5, .pearson = 70});
  log.OnStep({.step = 7, .accuracy = 0.5});
  const auto all = ReadRecords(Files()[0]);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_THAT(all[2], testing::Not(HasSubstr("train/accuracy")));
  EXPECT_THAT(all[3], HasSubstr("dev/spearman\x15" + FloatBytes(71.5f)));
  EXPECT_THAT(all[4], HasSubstr("train/accuracy\x15" + FloatBytes(0.5f)));
}

TEST_F(TensorboardFolder, SettingsAreATableOfTheTextPlugin) {
  TensorboardLog log(folder_.string(), {{"seed", "42"}, {"a|b", "two\nlines"}});
  Start(log, 0);
  const auto records = ReadRecords(Files()[0]);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_THAT(records[2], HasSubstr("| seed | 42 |\n| a\\|b | two lines |\n"));
}

}  // namespace
}  // namespace lacos
