// The manifest detects every kind of damage to a folder.
#include "lacos/io/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lacos/base/hash.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() {
    std::filesystem::create_directory(folder_ / "1_Pooling");
    folder_.Write("weights", std::string(3'000'000, 'w'));
    folder_.Write("1_Pooling/config.json", "{}");
    Json extra = Json::Object();
    extra.Set("version", 1);
    WriteManifest(folder_.path(), extra);
  }
  TestFolder folder_;
};

TEST_F(ManifestTest, HoldsSizesAndHashesThatSha256sumGives) {
  const Json manifest = Json::ReadFile(folder_ / "lacos.json");
  EXPECT_EQ(manifest.At("version").AsInt(), 1);
  EXPECT_EQ(manifest.At("files").Keys(),
            (std::vector<std::string>{"1_Pooling/config.json", "weights"}));
  const Json entry = manifest.At("files").At("1_Pooling/config.json");
  EXPECT_EQ(entry.At("bytes").AsInt(), 2);
  EXPECT_EQ(entry.At("sha256").AsString(),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

TEST_F(ManifestTest, FindsNothingInAnIntactFolder) {
  EXPECT_TRUE(VerifyManifest(folder_.path()).empty());
  folder_.Write("another", "file");  // files that the manifest does not name are ignored
  EXPECT_TRUE(VerifyManifest(folder_.path()).empty());
}

TEST_F(ManifestTest, FindsOneChangedByteAShortFileAndAMissingOne) {
  std::string bytes = folder_.Read("weights");
  bytes[2'999'999] ^= 1;
  folder_.Write("weights", bytes);
  std::vector<VerifyProblem> problems = VerifyManifest(folder_.path());
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].file, "weights");
  EXPECT_THAT(problems[0].found, HasSubstr("sha256 "));

  folder_.Write("weights", std::string(10, 'w'));
  std::filesystem::remove(folder_ / "1_Pooling/config.json");
  problems = VerifyManifest(folder_.path());
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].found, "no file");
  EXPECT_EQ(problems[1].found, "10 bytes");
  EXPECT_EQ(problems[1].expected, "3000000 bytes");
}

TEST_F(ManifestTest, DoesNotLeaveItsFolder) {
  for (const char* name : {"../secret", "/etc/passwd", "a/../../b", "", "./a", "a//b"}) {
    Json entry = Json::Object(), files = Json::Object(), manifest = Json::Object();
    entry.Set("bytes", 1);
    entry.Set("sha256", "");
    files.Set(name, entry);
    manifest.Set("files", files);
    folder_.Write("lacos.json", manifest.Dump());
    EXPECT_THAT(ErrorOf([&] { VerifyManifest(folder_.path()); }),
                HasSubstr("expected names inside the folder"))
        << name;
  }
}

TEST(Manifest, IsNeededToVerify) {
  const TestFolder folder;
  EXPECT_THAT(ErrorOf([&] { VerifyManifest(folder.path()); }), HasSubstr("has no lacos.json"));
}

class RecordTest : public ManifestTest {
 protected:
  RecordTest() {
    SafetensorsWriter writer(folder_ / "model.safetensors");
    writer.Declare("in_order", DType::kF32, {2000});
    writer.Declare("empty", DType::kF32, {0});
    writer.Declare("backwards", DType::kI8, {4});
    const std::vector<std::byte> bytes(8000, std::byte{7});
    for (const TensorEntry& entry : writer.Begin()) {
      if (entry.name == "in_order") {
        writer.WriteAt(entry, 0, std::span(bytes).first(4000));
        writer.WriteAt(entry, 4000, std::span(bytes).first(4000));
      } else if (entry.name == "backwards") {
        writer.WriteAt(entry, 2, std::span(bytes).first(2));
        writer.WriteAt(entry, 0, std::span(bytes).first(2));
      }
    }
    hashes_ = writer.Finish();
    EXPECT_EQ(hashes_.at("in_order"), Sha256Hex(bytes));
    WriteManifest(folder_.path(), Json::Object(), {{"model.safetensors", hashes_}});
  }
  void Flip(const std::string& name, size_t place) {
    std::string bytes = folder_.Read(name);
    bytes[place] = static_cast<char>(bytes[place] ^ 4);
    folder_.Write(name, bytes);
  }
  TensorHashes hashes_;
};

TEST_F(RecordTest, NamesTheDamagedTensor) {
  EXPECT_EQ(hashes_.size(), 3u) << "every tensor is listed";
  EXPECT_EQ(hashes_.at("backwards"), "") << "bytes out of order are not hashed";
  const Json recorded =
      Json::ReadFile(folder_ / "lacos.json").At("files").At("model.safetensors").At("tensors");
  EXPECT_EQ(recorded.Keys(), (std::vector<std::string>{"empty", "in_order"}));
  EXPECT_TRUE(VerifyManifest(folder_.path()).empty());
  const size_t size = folder_.Read("model.safetensors").size();
  Flip("model.safetensors", size - 1000);
  std::vector<VerifyProblem> problems = VerifyManifest(folder_.path(), /*from_disk=*/true);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].tensors, std::vector<std::string>{"in_order"});
  Flip("model.safetensors", size - 1000);
  Flip("model.safetensors", 9);
  problems = VerifyManifest(folder_.path());
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].tensors, std::vector<std::string>{"the header"});
}

TEST_F(RecordTest, AFileIsCheckedWhenItIsOpened) {
  const auto require = [&](const std::string& name) { RequireAsRecorded(folder_ / name); };
  for (const char* name : {"weights", "1_Pooling/config.json", "model.safetensors"}) {
    SCOPED_TRACE(name);
    require(name);
    Flip(name, 1);
    EXPECT_THAT(ErrorOf([&] { require(name); }), HasSubstr("lacos.json records"));
    Flip(name, 1);
    folder_.Write(name, folder_.Read(name) + "x");
    EXPECT_THAT(ErrorOf([&] { require(name); }), HasSubstr("bytes; expected"));
  }
  folder_.Write("notes.txt", "of no manifest");
  EXPECT_NO_THROW(require("notes.txt"));
  Json random = Json::ReadFile(folder_ / "lacos.json");
  random.Set("kind", "random");
  folder_.Write("lacos.json", random.Dump());
  EXPECT_NO_THROW(require("weights")) << "what init made is there to be changed";
}

}  // namespace
}  // namespace lacos
