// The manifest finds every kind of damage to a folder.
#include "lacos/io/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

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
  EXPECT_EQ(manifest.At("files").Keys(), (std::vector<std::string>{"1_Pooling/config.json", "weights"}));
  const Json entry = manifest.At("files").At("1_Pooling/config.json");
  EXPECT_EQ(entry.At("bytes").AsInt(), 2);
  EXPECT_EQ(entry.At("sha256").AsString(),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

TEST_F(ManifestTest, FindsNothingInAnIntactFolder) {
  EXPECT_TRUE(VerifyManifest(folder_.path()).empty());
  folder_.Write("another", "file");  // files that are not named are nobody's business
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

}  // namespace
}  // namespace lacos
