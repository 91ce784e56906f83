// PyTorch files: every form that torch.save writes is read; damaged or hostile files are refused.
#include "lacos/io/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "lacos/base/rng.h"
#include "test_files.h"
#include "test_paths.h"
#include "torch_bytes.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Golden(const std::string& name) {
  return std::string(LACOS_SOURCE_DIR "/tests/golden/checkpoints/") + name;
}

std::string TestFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string ErrorOfFile(const std::string& bytes) {
  const TestFolder folder;
  const std::string path = folder.Write("weights.bin", bytes);
  return ErrorOf([&] { OpenTensorFile(path); });
}
std::string ErrorOfPickle(const std::string& pickle) {
  return ErrorOfFile(TorchArchive(pickle).Write());
}

TEST(TorchFile, HoldsTheTensorsThatTorchSaved) {
  for (const char* form : {"half", "tied", "old_form"}) {
    const auto torch = OpenTensorFile(Golden(std::string(form) + ".bin"));
    const auto expected = OpenTensorFile(Golden(std::string(form) + ".safetensors"));
    ASSERT_NE(dynamic_cast<const TorchFile*>(torch.get()), nullptr);
    EXPECT_EQ(torch->tensors().size(), expected->tensors().size()) << form;
    for (const TensorEntry& entry : expected->tensors()) {
      const TensorEntry* found = torch->Find(entry.name);
      ASSERT_NE(found, nullptr) << form << " " << entry.name;
      EXPECT_EQ(found->dtype, entry.dtype);
      EXPECT_EQ(found->shape, entry.shape);
      ASSERT_EQ(found->bytes, entry.bytes);
      EXPECT_EQ(std::memcmp(torch->Data(*found).data(), expected->Data(entry).data(),
                            static_cast<size_t>(entry.bytes)),
                0)
          << form << " " << entry.name;
    }
  }
}

TEST(TorchFile, TiedTensorsShareTheirPlace) {
  const auto file = OpenTensorFile(Golden("tied.bin"));
  EXPECT_EQ(file->Find("lm_head.weight")->offset,
            file->Find("transformer.word_embeddings.weight")->offset);
}

TEST(TorchFile, ReadsPlainAndZip64Archives) {
  for (const bool zip64 : {false, true}) {
    const TestFolder folder;
    TestZip archive =
        TorchArchive(TestTensor{.offset = 2, .shape = {1, 4, 1}, .strides = {99, 1, -7}});
    archive.zip64 = zip64;
    const auto file = OpenTensorFile(folder.Write("w.bin", archive.Write()));
    const TensorEntry* entry = file->Find("w");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->shape, (std::vector<int64_t>{1, 4, 1}));
    EXPECT_EQ(entry->bytes, 16);
    EXPECT_EQ(file->Data(*entry)[15], std::byte{1});
  }
}

TEST(TorchFile, ReadsScalarsEmptyTensorsAndText) {
  const TestFolder folder;
  const std::string pickle = PickleDict(
      PickleText("scalar") + TestTensor{.offset = 5, .shape = {}, .strides = {}}.Pickle() +  //
      PickleText("empty") +
      TestTensor{.shape = {0, int64_t{1} << 62, 8}, .strides = {4, 2, 1}}.Pickle() +
      PickleText("order") + PickleText("row"));
  const TorchFile file(folder.Write("w.bin", TorchArchive(pickle).Write()));
  EXPECT_EQ(file.Find("scalar")->bytes, 4);
  EXPECT_EQ(file.Find("empty")->bytes, 0);
  EXPECT_EQ(file.texts().at("order"), "row");
}

TEST(TorchFile, ObjectsOutsideTheListAreRefusedByName) {
  EXPECT_THAT(ErrorOfPickle("\x80\x02"
                            "cos\nsystem\n" +
                            PickleText("true") + "\x85R."),
              AllOf(HasSubstr("asks for the Python object 'os.system'"),
                    HasSubstr("nothing was executed")));
  EXPECT_THAT(ErrorOfPickle("\x80\x04\x8c\x02os\x8c\x06system\x93."), HasSubstr("'os.system'"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02"
                            "cbuiltins\neval\n."),
              HasSubstr("'builtins.eval'"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02"
                            "ctorch\nBoolStorage\n."),
              HasSubstr("'torch.BoolStorage'"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02"
                            "c\x1b[2J\nx\n."),
              HasSubstr("'?[2J.x'"));
}

TEST(TorchFile, OpcodesOutsideTheListAreRefusedByName) {
  EXPECT_THAT(ErrorOfPickle("\x80\x02)\x81."), HasSubstr("opcode NEWOBJ (0x81)"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02(ios\nsystem\n."), HasSubstr("opcode INST (0x69)"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02\x82\1."), HasSubstr("opcode EXT1"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02\xff."), HasSubstr("opcode 0xff"));
  EXPECT_THAT(ErrorOfPickle("\x80\x07."), HasSubstr("protocol 7"));
}

TEST(TorchFile, DamagedPicklesAreErrors) {
  for (const char* pickle : {"\x80\x02",
                             "\x80\x02.",
                             "\x80\x02t.",
                             "\x80\x02u.",
                             "\x80\x02}K\1s.",
                             "\x80\x02NR.",
                             "\x80\x02NNR.",
                             "\x80\x02)NR.",
                             "\x80\x02h\5.",
                             "\x80\x02q\1.",
                             "\x80\x02}(K\1u.",
                             "\x80\x02(0.",
                             "\x80\x02N(.",
                             "\x80\x02NN.",
                             "\x80\x02]Ns.",
                             "\x80\x02}Na.",
                             "\x80\x02}NB.",
                             "\x80\x02X\xff\xff\xff\xffz.",
                             "\x80\x02\x8a\xffz.",
                             "\x80\x02"
                             "ctorch",
                             "\x80\x02NQ.",
                             "\x80\x02KKK",
                             "\x80\x02}}b0.",
                             "\x80\x02Nb."}) {
    EXPECT_NE(ErrorOfPickle(pickle), "") << pickle;
  }
}

TEST(TorchFile, NothingNestsOrGrowsWithoutEnd) {
  EXPECT_THAT(ErrorOfPickle("\x80\x02" + std::string(100000, '(')), HasSubstr("nests deeper than"));
  std::string chain = "\x80\x02)";
  // ((((...),),),) must not be read by recursion
  for (int i = 0; i < 1000000; ++i) chain += "\x85";
  EXPECT_THAT(ErrorOfPickle(chain + "."), HasSubstr("holds a tuple"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02" + std::string(5000000, 'N')),
              HasSubstr("more than 4194304 values"));
  EXPECT_THAT(ErrorOfPickle("\x80\x02}q\1(" + PickleText("a") + "h\1u."),
              HasSubstr("a dictionary under 'a'"));
}

TEST(TorchFile, OnlyFlatDictsOfTensorsAreStateDicts) {
  const std::string tensor = TestTensor().Pickle();
  EXPECT_THAT(ErrorOfPickle("\x80\x02" + tensor + "."), HasSubstr("a single tensor"));
  EXPECT_THAT(
      ErrorOfPickle(PickleDict(PickleText("state_dict") + "}" + PickleText("a") + tensor + "s")),
      HasSubstr("a dictionary under 'state_dict'"));
  EXPECT_THAT(ErrorOfPickle(PickleDict(PickleText("epoch") + PickleNumber(3))),
              HasSubstr("the number 3 under 'epoch'"));
  EXPECT_THAT(ErrorOfPickle(PickleDict(PickleNumber(3) + tensor)),
              HasSubstr("the number 3 as a key"));
  EXPECT_THAT(ErrorOfPickle(PickleDict(PickleText("a") + tensor + PickleText("a") + tensor)),
              HasSubstr("has 'a' twice"));
  EXPECT_THAT(ErrorOfPickle(PickleDict(PickleText("a") + "ctorch\nSize\n)R")),
              HasSubstr("a result of 'torch.Size'"));
}

TEST(TorchFile, ValuesOfEachKindAreNamedWhereATensorBelongs) {
  const auto error = [](const std::string& value) {
    return ErrorOfPickle(PickleDict(PickleText("k") + value));
  };
  EXPECT_THAT(error("G" + std::string(8, '\x40')), HasSubstr("a number under 'k'"));
  EXPECT_THAT(error("\x8a\x09" + std::string(9, '\x01')), HasSubstr("a number under 'k'"));
  EXPECT_THAT(error("]"), HasSubstr("a list under 'k'"));
  EXPECT_THAT(error("(K\1t"), HasSubstr("a tuple under 'k'"));
  EXPECT_THAT(error("ctorch\nFloatStorage\n"),
              HasSubstr("the Python object 'torch.FloatStorage' under 'k'"));
  EXPECT_THAT(error(PickleStorage("FloatStorage", "0", 6)), HasSubstr("a storage under 'k'"));
  EXPECT_THAT(ErrorOfPickle("\x80\x04K\1K\2\x93."), HasSubstr("something else than text"));
}

// torch.save does not write these opcodes, but other programs that pickle the same dictionary do.
TEST(TorchFile, ReadsOtherSpellingsOfTheSamePickle) {
  const TestFolder folder;
  const std::string dropped = std::string("N0") + "(K\1K\2" + "1";
  const std::string remembered = "r" + Bytes<uint32_t>(300) + "j" + Bytes<uint32_t>(300) + "0";
  const std::string pickle =
      "\x80\x04}\x94(" + dropped + PickleText("w") + remembered + TestTensor().Pickle() + "u.";
  const auto file = OpenTensorFile(folder.Write("weights.bin", TorchArchive(pickle).Write()));
  ASSERT_EQ(file->tensors().size(), 1u);
  EXPECT_EQ(file->Find("w")->shape, (std::vector<int64_t>{2, 3}));
}

TEST(TorchFile, TensorsMustBeContiguousAndInsideTheirStorage) {
  const auto error = [](const TestTensor& tensor) {
    return ErrorOfFile(TorchArchive(tensor).Write());
  };
  constexpr int64_t kHuge = int64_t{1} << 62;
  EXPECT_THAT(error({.strides = {1, 2}}), AllOf(HasSubstr(": w]"), HasSubstr("strides [1, 2]")));
  EXPECT_THAT(error({.strides = {-3, 1}}), HasSubstr("strides [-3, 1]"));
  EXPECT_THAT(error({.strides = {0, 1}}), HasSubstr("strides [0, 1]"));
  EXPECT_THAT(error({.strides = {1}}), HasSubstr("2 sizes and 1 strides"));
  EXPECT_THAT(error({.shape = {-2, 3}}), HasSubstr("-2 as size"));
  EXPECT_THAT(error({.offset = 1}), HasSubstr("elements 1 to 7 of a storage of 24 bytes"));
  EXPECT_THAT(error({.offset = -1}), HasSubstr("the number -1"));
  EXPECT_THAT(error({.offset = INT64_MAX}), HasSubstr("over 2^63"));
  EXPECT_THAT(error({.shape = {3, 3}}), HasSubstr("elements 0 to 9"));
  EXPECT_THAT(error({.shape = {kHuge, 4}, .strides = {4, 1}}), HasSubstr("over 2^63 elements"));
  EXPECT_THAT(error({.elements = 7}), HasSubstr("has 24 bytes"));
  EXPECT_THAT(error({.elements = kHuge}), HasSubstr("over 2^63 bytes"));
  EXPECT_THAT(error({.key = "9"}), HasSubstr("storage '9' is not in the file"));
  EXPECT_THAT(error({.type = "DoubleStorage"}), HasSubstr("has 24 bytes"));
  EXPECT_THAT(error({.type = "Size"}), HasSubstr("'torch.Size' as the type of its storage"));
}

TEST(TorchFile, DamagedArchivesAreErrors) {
  const auto error = [](auto&& change) {
    TestZip archive = TorchArchive(TestTensor());
    change(archive);
    return ErrorOfFile(archive.Write());
  };
  EXPECT_THAT(error([](TestZip& zip) { zip.members[2].method = 8; }),
              AllOf(HasSubstr("'m/data/0' is compressed (method 8)"),
                    HasSubstr("expected stored members")));
  EXPECT_THAT(error([](TestZip& zip) { zip.members[2].flags = 1; }), HasSubstr("is encrypted"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members[2].local_name = "m/data/1"; }),
              HasSubstr("another header"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members[3].places_back = 5; }),
              HasSubstr("another header"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members[0].places_back = 1; }),
              HasSubstr("outside the file"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members[2].directory_extra = 8; }),
              HasSubstr("32 in the directory"));
  EXPECT_THAT(
      error([](TestZip& zip) { zip.members[1].flags = 8, zip.members[1].directory_extra = 30; }),
      HasSubstr("overlaps the one before it"));
  EXPECT_THAT(error([](TestZip& zip) {
                zip.members[4].flags = 8, zip.members[4].directory_extra = 1 << 30;
              }),
              HasSubstr("ends outside the file"));
  EXPECT_THAT(error([](TestZip& zip) {
                zip.zip64 = true, zip.members[4].flags = 8, zip.members[4].directory_extra = -5;
              }),
              HasSubstr("ends outside the file"));
  EXPECT_THAT(error([](TestZip& zip) { zip.count_extra = 60000; }),
              HasSubstr("members in a directory of"));
  EXPECT_THAT(error([](TestZip& zip) { zip.zip64 = true, zip.count_extra = int64_t{1} << 60; }),
              HasSubstr("members in a directory of"));
  EXPECT_THAT(error([](TestZip& zip) { zip.count_extra = -1; }),
              HasSubstr("longer than its members"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members.push_back(zip.members[2]); }),
              HasSubstr("two members named"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members[1].data = "big"; }),
              HasSubstr("'big' byte order"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members.erase(zip.members.begin()); }),
              HasSubstr("without data.pkl"));
  EXPECT_THAT(
      error([](TestZip& zip) { zip.members.push_back({.name = "m/constants.pkl", .data = "."}); }),
      HasSubstr("TorchScript"));
  EXPECT_THAT(error([](TestZip& zip) { zip.members.push_back({.name = "other/x", .data = "."}); }),
              HasSubstr("'other/x'"));
  EXPECT_THAT(error([](TestZip& zip) { zip.after = "x"; }), HasSubstr("without the zip directory"));
}

TEST(TorchFile, ShortFilesSayHowMuchIsMissing) {
  const TestFolder folder;
  for (const char* form : {"half.bin", "old_form.bin"}) {
    const std::string whole = TestFile(Golden(form));
    ASSERT_GT(whole.size(), 4500u);
    EXPECT_THAT(ErrorOfFile(whole.substr(0, 3000)), HasSubstr("kB: truncated")) << form;
    EXPECT_NE(ErrorOfFile(whole.substr(0, 300)), "") << form;
    EXPECT_NE(ErrorOfFile(whole.substr(0, whole.size() - 1)), "") << form;
  }
  EXPECT_THAT(ErrorOfFile(""), HasSubstr("is empty"));
  EXPECT_THAT(ErrorOfFile("something else altogether"), HasSubstr("is no PyTorch file"));
  EXPECT_THAT(ErrorOfFile("<!DOCTYPE html>"), HasSubstr("a web page"));
}

// Whatever bytes are changed, the result is either tensors inside the file or a UserError.
TEST(TorchFile, ChangedBytesNeverLeadOutOfTheFile) {
  const TestFolder folder;
  Random random(11, RandomStream::kWeights);
  for (const char* form : {"half.bin", "old_form.bin"}) {
    const std::string whole = TestFile(Golden(form));
    int opened = 0;
    for (int round = 0; round < 600; ++round) {
      std::string changed = whole;
      // Most changes are in the structure: the beginning of the file and, for zip archives,
      // its end.
      for (int i = 0; i < 1 + round % 3; ++i) {
        const auto span = static_cast<double>(round % 2 == 0 ? whole.size() : size_t{2600});
        const auto from_start = static_cast<size_t>(random.Uniform() * (span - 1));
        const size_t at = round % 4 < 2 ? from_start : whole.size() - 1 - from_start;
        changed[at] = static_cast<char>(random.Uniform() * 256);
      }
      const std::string path = folder.Write("w.bin", changed);
      try {
        const auto file = OpenTensorFile(path);
        ++opened;
        for (const TensorEntry& entry : file->tensors()) {
          ASSERT_GE(entry.offset, 0);
          ASSERT_GE(entry.bytes, 0);
          ASSERT_LE(entry.offset, static_cast<int64_t>(changed.size()) - entry.bytes);
        }
      } catch (const UserError&) {
      }
    }
    EXPECT_GT(opened, 20) << form;   // some changes only affect values and ignored fields
    EXPECT_LT(opened, 580) << form;  // the others are detected
  }
}

}  // namespace
}  // namespace lacos
