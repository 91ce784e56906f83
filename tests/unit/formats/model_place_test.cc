// Places of models: folders, repositories in hub caches, names on the hub, links.
#include "lacos/formats/model_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/formats/model_folder.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ModelPlaceTest : public ::testing::Test {
 protected:
  // Adds a snapshot as huggingface_hub lays it out: links into blobs/.
  void AddSnapshot(const std::string& revision) {
    const std::string snapshot = repository_ + "/snapshots/" + revision;
    fs::create_directories(folder_ / snapshot);
    WriteConfig(folder_ / repository_ + "/blobs/of-" + revision, MakeTinyModel());
    fs::create_symlink("../../blobs/of-" + revision + "/config.json",
                       folder_ / snapshot + "/config.json");
    WriteText(folder_ / snapshot + "/tokenizer.json", "{}");
  }
  std::string Find() { return FindModelPlace(folder_ / repository_, "a model's folder"); }
  std::string Error(const std::string& place) {
    return ErrorOf([&] { FindModelPlace(place, "a model's folder"); });
  }

  TestFolder folder_;
  const std::string repository_ = "models--bigscience--bloom-560m";
  const std::string first_ = std::string(40, 'a'), second_ = std::string(40, 'b');
};

TEST_F(ModelPlaceTest, ARepositoryOfAHubCacheLeadsToTheSnapshotOfMain) {
  AddSnapshot(first_);
  AddSnapshot(second_);
  WriteText(folder_ / repository_ + "/refs/main", second_ + "\n");
  EXPECT_EQ(Find(), folder_ / repository_ + "/snapshots/" + second_);
  const ModelFolder folder = OpenModelFolder(folder_ / repository_, "", "");
  EXPECT_EQ(folder.base_path, folder_ / repository_ + "/snapshots/" + second_);
  EXPECT_EQ(folder.path, folder.base_path);
}

TEST_F(ModelPlaceTest, WithoutRefsTheOnlySnapshotIsTaken) {
  AddSnapshot(first_);
  EXPECT_EQ(Find(), folder_ / repository_ + "/snapshots/" + first_);
  AddSnapshot(second_);
  EXPECT_THAT(Error(folder_ / repository_),
              AllOf(HasSubstr("with no refs/main, and the snapshots " + first_ + ", " + second_),
                    HasSubstr("give the folder of the snapshot")));
}

TEST_F(ModelPlaceTest, AnUnfinishedDownloadIsNamed) {
  fs::create_directories(folder_ / repository_ + "/snapshots");
  EXPECT_THAT(Error(folder_ / repository_), HasSubstr("nothing in snapshots/"));
  AddSnapshot(first_);
  WriteText(folder_ / repository_ + "/refs/main", second_);
  EXPECT_THAT(Error(folder_ / repository_),
              AllOf(HasSubstr("revision '" + second_ + "', which has no snapshot"),
                    HasSubstr("the snapshots " + first_)));
}

TEST_F(ModelPlaceTest, AFolderWithAModelIsTakenAsItIs) {
  WriteConfig(folder_ / "model", MakeTinyModel());
  fs::create_directories(folder_ / "model/snapshots");  // a folder of the user's own
  EXPECT_EQ(FindModelPlace(folder_ / "model", "x"), folder_ / "model");
  fs::create_symlink("model", folder_ / "link");
  EXPECT_EQ(FindModelPlace(folder_ / "link", "x"), folder_ / "link");
}

TEST_F(ModelPlaceTest, ANameOnTheHubIsAnsweredWithTheCommandThatDownloads) {
  for (const char* name :
       {"bigscience/bloom-560m", "https://huggingface.co/bigscience/bloom-560m"}) {
    EXPECT_THAT(Error(name),
                AllOf(HasSubstr("lacos downloads nothing"),
                      HasSubstr("hf download bigscience/bloom-560m --local-dir bloom-560m")));
  }
  for (const char* path : {"bloom-560m", "./a/b", "/a/b", "a/b/c", "a//b", "a b/c", "-a/b", "a/.b"})
    EXPECT_THAT(Error(path), AllOf(HasSubstr("check the path"), Not(HasSubstr("hf download"))));
  WriteText(folder_ / "adapter/adapter_config.json",
            R"({"peft_type": "LORA", "base_model_name_or_path": "bigscience/bloom-560m"})");
  EXPECT_THAT(ErrorOf([&] { OpenModelFolder(folder_ / "adapter", "", ""); }),
              HasSubstr("hf download bigscience/bloom-560m"));
}

TEST_F(ModelPlaceTest, ALinkThatLeadsNowhereIsNamed) {
  fs::create_symlink("moved", folder_ / "link");
  EXPECT_THAT(Error(folder_ / "link"), HasSubstr("is a link to 'moved', which does not exist"));
  WriteConfig(folder_ / "model", MakeTinyModel());
  for (const char* name : {"tokenizer.json", "modules.json", "model.safetensors"}) {
    fs::create_symlink("../blobs/gone", folder_ / "model/" + name);
    EXPECT_THAT(ErrorOf([&] {
                  OpenModelFolder(folder_ / "model", "", "");
                  BaseWeights::Open(folder_ / "model");
                }),
                HasSubstr(std::string(name) + "] is a link to '../blobs/gone'"));
    fs::remove(folder_ / "model/" + name);
    WriteText(folder_ / "model/tokenizer.json", "{}");
  }
}

}  // namespace
}  // namespace lacos
