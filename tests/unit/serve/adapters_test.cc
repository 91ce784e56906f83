// Adapters over the base that is served: their vectors, their life, and what is refused.
#include <fmt/format.h>
#include <malloc.h>

#include <filesystem>
#include <fstream>

#include "lacos/base/rng.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/model/bloom_model.h"
#include "unit/io/test_files.h"
#include "unit/serve/service_fixture.h"

namespace lacos::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ServedAdapters : public ServiceTest {
 protected:
  ServedAdapters() {
    options_.adapter_root = root_.path();
    options_.batch_ms = 60'000;  // time cuts no batch
    options_.has_keys = true;
    Start();
    for (int i = 0; i < 3; ++i) {
      const std::string folder = fmt::format("{}/a{}", root_.path(), i);
      std::filesystem::create_directory(folder);
      const BloomConfig& config = encoder_->model().config();
      LoraAdapter adapter = InitializeLora(config, {.rank = 4 + i}, static_cast<uint64_t>(i));
      Random random(static_cast<uint64_t>(i), RandomStream::kLoraInit);
      for (auto& [name, module] : adapter.modules) {
        for (float& value : module.b.values) value = static_cast<float>(0.2 * random.Normal());
      }
      WriteLoraAdapter(adapter, folder, "bloom-nano");
    }
  }
  HttpReply Admin(const std::string& method, const std::string& target,
                  const std::string& body = "") {
    HttpRequest request = MakeRequest(method, target, body);
    request.key = std::make_shared<ApiKey>(ApiKey{.name = "admin", .admin = true});
    return Ask(std::move(request));
  }
  HttpReply Load(const std::string& name, const std::string& folder) {
    return Admin("POST", "/v1/adapters",
                 fmt::format(R"({{"name": "{}", "folder": "{}"}})", name, folder));
  }
  HttpReply EmbedWith(const std::string& model, const std::string& text) {
    return Post("/v1/embeddings", fmt::format(R"({{"input": "{}", "model": "{}"}})", text, model));
  }
  std::vector<float> VectorWith(const std::string& model, const std::string& text) {
    return Floats(Parsed(EmbedWith(model, text)).At("data")[0].At("embedding"));
  }
  std::vector<float> ExpectedWith(int adapter, const std::string& text) {
    SentenceEncoderOptions options = encoder_options_;
    options.normalize = true;
    options.adapter = fmt::format("{}/a{}", root_.path(), adapter);
    SentenceEncoder encoder(options);
    std::vector<float> vector(static_cast<size_t>(encoder.dimension()));
    encoder.Encode(std::vector<std::string>{text}, "", vector);
    return vector;
  }
  const TestFolder root_;
};

TEST_F(ServedAdapters, HaveTheVectorsOfTheirFolders) {
  EXPECT_EQ(EmbedWith("anything", "a").status, 200) << "with one model every name is right";
  for (int i = 0; i < 3; ++i) {
    const HttpReply loaded = Load(fmt::format("n{}", i), fmt::format("a{}", i));
    ASSERT_EQ(loaded.status, 200) << loaded.body;
  }
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(VectorWith(fmt::format("n{}", i), "some text"),
                HasTheBitsOf(ExpectedWith(i, "some text")));
  EXPECT_THAT(VectorWith("nano", "some text"), HasTheBitsOf(Expected("some text", true)));
  const HttpReply unknown = EmbedWith("anything", "a");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("model_not_found"));
  EXPECT_THAT(unknown.body, HasSubstr("nano, n0, n1, n2"));
  EXPECT_EQ(Parsed(Get("/v1/models")).At("data").size(), 4u);
  EXPECT_EQ(Parsed(Admin("GET", "/v1/adapters")).At("data").size(), 3u);
}

TEST_F(ServedAdapters, ShareABatch) {
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(Load(fmt::format("n{}", i), fmt::format("a{}", i)).status, 200);
  engine_->Close();
  auto first =
      Send(MakeRequest("POST", "/v1/embeddings", R"({"input": "first", "model": "nano"})"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::vector<std::future<HttpReply>> replies;
  for (int i = 0; i < 6; ++i) {
    replies.push_back(
        Send(MakeRequest("POST", "/v1/embeddings",
                         fmt::format(R"({{"input": "text {}", "model": "n{}"}})", i, i % 3))));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const int64_t before = engine_->batches();
  engine_->Open();
  for (int i = 0; i < 6; ++i) {
    const Json body = Parsed(replies[i].get());
    EXPECT_THAT(Floats(body.At("data")[0].At("embedding")),
                HasTheBitsOf(ExpectedWith(i % 3, fmt::format("text {}", i))));
  }
  EXPECT_LE(engine_->batches(), before + 2) << "one batch for all adapters";
}

TEST_F(ServedAdapters, AreUnloadedWithoutALossAndTheirNamesAreFreeAgain) {
  ASSERT_EQ(Load("n", "a0").status, 200);
  EXPECT_EQ(Load("n", "a1").status, 409);
  EXPECT_EQ(Load("nano", "a1").status, 409);
  engine_->Close();
  auto blocking = Send(MakeRequest("POST", "/embed", R"({"inputs": "x"})"));
  auto pending = Send(MakeRequest("POST", "/v1/embeddings", R"({"input": "late", "model": "n"})"));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  auto deleted = std::async(std::launch::async, [&] { return Admin("DELETE", "/v1/adapters/n"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  engine_->Open();
  EXPECT_EQ(deleted.get().status, 200);
  EXPECT_THAT(Floats(Parsed(pending.get()).At("data")[0].At("embedding")),
              HasTheBitsOf(ExpectedWith(0, "late")));
  EXPECT_EQ(Admin("DELETE", "/v1/adapters/n").status, 404);
  const HttpReply no_adapter = Admin("DELETE", "/v1/adapters/nano");
  EXPECT_EQ(no_adapter.status, 404);
  EXPECT_THAT(no_adapter.body, HasSubstr("(none is loaded)"));
  ASSERT_EQ(Load("n", "a1").status, 200);
  EXPECT_THAT(VectorWith("n", "late"), HasTheBitsOf(ExpectedWith(1, "late")));
}

TEST_F(ServedAdapters, AreLoadedOnlyFromBelowTheRootAndByAdministrators) {
  for (const char* folder : {"../outside", "/etc", "missing", "."}) {
    const HttpReply reply = Load("n", folder);
    EXPECT_EQ(reply.status, 404) << folder << reply.body;
    EXPECT_THAT(reply.body, Not(HasSubstr(root_.path())))
        << "clients do not learn where folders are";
  }
  std::filesystem::create_directory_symlink("/", root_.path() + "/link");
  EXPECT_EQ(Load("n", "link/etc").status, 404);
  EXPECT_EQ(Post("/v1/adapters", R"({"name": "n", "folder": "a0"})").status, 403);
}

#ifdef __GLIBC__
TEST_F(ServedAdapters, ThatComeAndGoLeaveNothingInMemory) {
  const auto come_and_go = [&](int times) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(Load("n", "a0").status, 200);
      ASSERT_EQ(Admin("DELETE", "/v1/adapters/n").status, 200);
    }
  };
  const auto allocated_bytes = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  come_and_go(20);
  const size_t before = allocated_bytes();
  come_and_go(300);
  // The caches of the threads are filled more or less.
  EXPECT_LT(allocated_bytes(), before + 50'000);
}
#endif

TEST_F(ServedAdapters, WarningsAboutTheirFoldersAreTold) {
  EXPECT_EQ(Parsed(Load("plain", "a0")).At("warnings").size(), 0u);
  std::ofstream(root_.path() + "/a1/tokenizer.json") << "{}";
  const HttpReply loaded = Load("n", "a1");
  ASSERT_EQ(loaded.status, 200) << loaded.body;
  const Json warnings = Parsed(loaded).At("warnings");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0].AsString(), HasSubstr("[adapter-root/a1/tokenizer.json] is not used"));
  EXPECT_THAT(loaded.body, Not(HasSubstr(root_.path())));
  EXPECT_THAT(loaded.body, Not(HasSubstr(encoder_options_.path)));
  EXPECT_EQ(models_->Find("n")->warnings.size(), 1u);
}

TEST_F(ServedAdapters, ComeAndGoUnderTraffic) {
  ASSERT_EQ(Load("stays", "a0").status, 200);
  const std::vector<float> expected = ExpectedWith(0, "text");
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, right{0};
  std::thread traffic([&] {
    while (!stop) {
      const Json body = Parsed(
          Send(MakeRequest("POST", "/v1/embeddings", R"({"input": "text", "model": "stays"})"))
              .get());
      const std::vector<float> got = Floats(body.At("data")[0].At("embedding"));
      ++(std::memcmp(got.data(), expected.data(), expected.size() * sizeof(float)) == 0 ? right
                                                                                        : wrong);
    }
  });
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(Load("goes", fmt::format("a{}", 1 + i % 2)).status, 200);
    EXPECT_EQ(EmbedWith("goes", "text").status, 200);
    ASSERT_EQ(Admin("DELETE", "/v1/adapters/goes").status, 200);
  }
  stop = true;
  traffic.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 20);
}

}  // namespace
}  // namespace lacos::serve
