// A service that computes with the CUDA backend: its vectors, and what its clients see when the GPU
// fails. The kernels run in the emulator: this program has a MakeCudaBackend of its own.
#include <fmt/format.h>

#include <atomic>
#include <filesystem>

#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/serve/embedding_server.h"
#include "unit/io/test_files.h"
#include "unit/serve/service_fixture.h"

namespace lacos {
namespace {

// A GPU that can disappear, and whose memory can run out.
class Gpu : public cuda::emulator::EmulatedRuntime {
 public:
  using Status = cuda::Status;
  Status LastStatus() override { return lost ? Status::kLaunchFailure : Status::kOk; }
  Status Synchronize(cuda::gpu::Stream stream) override {
    return lost ? Status::kLaunchFailure : EmulatedRuntime::Synchronize(stream);
  }
  Status Allocate(size_t bytes, void** device) override {
    return full ? Status::kOutOfMemory : EmulatedRuntime::Allocate(bytes, device);
  }
  std::atomic<bool> lost{false}, full{false};
};

std::shared_ptr<Gpu>& TheGpu() {
  static auto gpu = std::make_shared<Gpu>();
  return gpu;
}

}  // namespace

std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions& options) {
  return MakeEmulatedCudaBackend(
      {.compute = options.compute, .runtime = TheGpu(), .index = options.index});
}

namespace serve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CudaServing : public ServiceTest {
 protected:
  CudaServing() {
    TheGpu() = std::make_shared<Gpu>();
    encoder_options_.path = LACOS_SOURCE_DIR "/tests/golden/models/a";
    encoder_options_.device = {.kind = DeviceKind::kCuda};
    options_.batch_tokens = 48;
  }
  HttpReply Embed(const std::string& text) {
    return Post("/v1/embeddings", fmt::format(R"({{"input": "{}"}})", text));
  }
  std::future<HttpReply> SendText(const std::string& text) {
    return Send(MakeRequest("POST", "/v1/embeddings", fmt::format(R"({{"input": "{}"}})", text)));
  }
  static std::vector<float> VectorOf(const HttpReply& reply, size_t index = 0) {
    return Floats(Parsed(reply).At("data")[index].At("embedding"));
  }
  // Holds the engine, and returns the reply to a text that it will compute first.
  std::future<HttpReply> Block() {
    engine_->Close();
    auto first = SendText("a");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return first;
  }
};

TEST_F(CudaServing, VectorsAreThoseOfTheEncoderOnTheDevice) {
  for (const Compute compute : {Compute::kF32, Compute::kBF16, Compute::kInt8}) {
    encoder_options_.compute = compute;
    Start();
    const std::vector<std::string> texts = {"a man", "the dog runs", "no"};
    const HttpReply together =
        Post("/v1/embeddings", R"({"input": ["a man", "the dog runs", "no"]})");
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::vector<float> expected = Expected(texts[i], /*normalize=*/true);
      EXPECT_THAT(VectorOf(Embed(texts[i])), HasTheBitsOf(expected));
      EXPECT_THAT(VectorOf(together, i), HasTheBitsOf(expected));
    }
    const HttpReply plain = Post("/embed", R"({"inputs": "a man", "normalize": false})");
    EXPECT_THAT(Floats(Parsed(plain)[0]), HasTheBitsOf(Expected("a man", /*normalize=*/false)));
    EXPECT_EQ(encoder_->backend().Describe().backend, "cuda");
    service_.reset();
  }
}

TEST_F(CudaServing, AGpuThatDisappearsGetsItsRequests503AndTheServerIsNotHealthy) {
  Start();
  const std::vector<float> expected = VectorOf(Embed("a man"));
  TheGpu()->lost = true;
  for (int i = 0; i < 3; ++i) {
    const HttpReply reply = Embed("a man");
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(Parsed(reply).At("error").At("code").AsString(), "device_failed");
    EXPECT_THAT(reply.body, AllOf(HasSubstr("[cuda] "), HasSubstr(" on GPU 0: "),
                                  HasSubstr("; expected the device to compute; ")));
  }
  auto first = Block();
  auto second = SendText("the dog runs"), third = SendText("no");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  engine_->Open();
  for (auto* reply : {&first, &second, &third}) EXPECT_EQ(reply->get().status, 503);
  const HttpReply health = Get("/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_THAT(health.body, HasSubstr(" on GPU 0: "));
  EXPECT_EQ(Get("/livez").status, 200) << "the threads move";
  EXPECT_THAT(Get("/metrics").body, HasSubstr("lacos_refused{why=\"device_failed\"}"));
  TheGpu()->lost = false;
  EXPECT_EQ(Get("/health").status, 200);
  EXPECT_THAT(VectorOf(Embed("a man")), HasTheBitsOf(expected));
}

TEST_F(CudaServing, OnlyTheTextThatExceedsTheGpusMemoryIsLost) {
  encoder_options_.compute = Compute::kInt8;  // the codes of a text need memory by its length
  Start();
  const std::vector<float> expected = VectorOf(Embed("a man"));
  std::string longest = "a";
  for (int i = 0; i < 200; ++i) longest += " b";
  auto first = Block();
  auto good = SendText("a man"), bad = SendText(longest);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  TheGpu()->full = true;
  engine_->Open();
  EXPECT_EQ(first.get().status, 200);
  EXPECT_THAT(VectorOf(good.get()), HasTheBitsOf(expected));
  const HttpReply reply = bad.get();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(Parsed(reply).At("error").At("code").AsString(), "device_failed");
  EXPECT_THAT(reply.body, AllOf(HasSubstr("GPU 0 has no "), HasSubstr("GB left")));
  EXPECT_EQ(Get("/health").status, 200);
  TheGpu()->full = false;
  EXPECT_EQ(Embed(longest).status, 200);
}

TEST_F(CudaServing, ABaseThatDoesNotFitIsRefusedBeforeTheServerListens) {
  const TestFolder folder;
  EmbeddingServerOptions options;
  options.model = encoder_options_;
  options.http.listen = "unix:" + folder / "socket";
  options.service.batch_tokens = 48;
  TheGpu()->total_bytes = 1 << 20;
  EXPECT_THAT(ErrorOf([&] { EmbeddingServer server(options); }),
              AllOf(HasSubstr("[memory] this server needs 0."), HasSubstr(" GB on GPU 0, "),
                    HasSubstr("`stream_layers`")));
  EXPECT_FALSE(std::filesystem::exists(folder / "socket"));
}

TEST_F(CudaServing, AServerTakesTheMemoryThatABatchNeeds) {
  const TestFolder folder;
  EmbeddingServerOptions options;
  options.model = encoder_options_;
  options.model.max_length = 32;
  options.http.listen = "unix:" + folder / "socket";
  options.service.batch_tokens = 48;
  const EmbeddingServer server(options);
  // The cache of word embeddings takes 64 MB, and a chunk that is not planned 256 MB.
  EXPECT_LT(TheGpu()->used_bytes(), 100 << 20);
}

}  // namespace
}  // namespace serve
}  // namespace lacos
