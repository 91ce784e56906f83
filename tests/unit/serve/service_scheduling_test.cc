// Which requests are computed and when, what becomes of those that fail, wait or are late, and what
// health means meanwhile.
#include "lacos/serve/service.h"

#include <fmt/format.h>

#include "unit/serve/service_fixture.h"

namespace lacos::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(ServiceTest, OnlyTheTextThatFailsIsLost) {
  // Several texts fit into a batch, also where a sanitizer makes the model slow.
  options_.batch_ms = 2000;
  Start();
  std::vector<int32_t> ids;
  encoder_->tokenizer().Encode("poison", ids);
  engine_->Close();
  std::vector<std::future<HttpReply>> good;
  for (int i = 0; i < 8; ++i)
    good.push_back(
        Send(MakeRequest("POST", "/embed", fmt::format(R"({{"inputs": "text {}"}})", i))));
  auto bad = Send(MakeRequest("POST", "/embed", R"({"inputs": ["fine", "poison"]})"));
  while (service_->unanswered() < 9) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  engine_->Poison(ids[0]);
  engine_->Open();
  const HttpReply failed = bad.get();
  EXPECT_EQ(failed.status, 424);
  EXPECT_EQ(TypeOf(failed), "Backend");
  EXPECT_THAT(Message(failed), StartsWith("[inputs[1]]"));
  for (int i = 0; i < 8; ++i) {
    const HttpReply reply = good[i].get();
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_THAT(Floats(Parsed(reply)[0]), HasTheBitsOf(Expected(fmt::format("text {}", i), true)));
  }
  EXPECT_GE(service_->metrics().Value("lacos_failed_batches"), 1);
  engine_->SetPoisonMessage("[" + encoder_options_.path + "/model.safetensors] is cut off");
  const HttpReply cut_off = Post("/embed", R"({"inputs": "poison"})");
  EXPECT_EQ(Message(cut_off), "[inputs] [model.safetensors] is cut off")
      << "clients do not learn where folders are";
  engine_->Poison(ids[0], /*takes_memory=*/true);
  EXPECT_EQ(Post("/embed", R"({"inputs": "poison"})").status, 503);
  EXPECT_EQ(Post("/embed", R"({"inputs": "fine"})").status, 200);
  EXPECT_EQ(service_->unanswered(), 0);
}

TEST_F(ServiceTest, ALongRequestIsRefusedOnlyWhenTheSpeedIsKnown) {
  options_.request_timeout = 0.4;
  seconds_per_token_ = 0.01;  // the machine is busy while the server starts
  Start();
  const auto texts = [](int from, int count) {
    std::string list;
    for (int i = from; i < from + count; ++i)
      list += fmt::format("{}\"text {} of a long list\"", i > from ? ", " : "", i);
    return fmt::format(R"({{"inputs": [{}]}})", list);
  };
  engine_->SetSecondsPerToken(0);
  EXPECT_EQ(Post("/embed", texts(0, 40)).status, 200);
  engine_->SetSecondsPerToken(0.02);
  const auto computed = [&] { return service_->metrics().Value("lacos_computed_tokens"); };
  for (int i = 1; computed() < 470; ++i) Post("/embed", texts(100 * i, 2));
  const HttpReply refused = Post("/embed", texts(1, 40));
  EXPECT_EQ(refused.status, 413) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("measured rate"));
}

TEST_F(ServiceTest, ExpiredAndAbandonedRequestsAreAnsweredAndNotComputed) {
  Start();
  const int64_t before = engine_->seen();
  engine_->Close();
  auto running = Send(MakeRequest("POST", "/embed", R"({"inputs": "running"})"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  HttpRequest late = MakeRequest("POST", "/v1/embeddings", R"({"input": "late"})");
  late.headers.emplace_back("x-request-timeout-ms", "150");
  HttpRequest left = MakeRequest("POST", "/embed", R"({"inputs": "left"})");
  const auto gone = std::make_shared<Abandoned>(false);
  left.abandoned = gone;
  auto expired = Send(late), abandoned = Send(left);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  *gone = true;
  EXPECT_EQ(abandoned.get().status, 503);
  const HttpReply reply = expired.get();  // while the engine still stands
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(CodeOf(reply), "request_timeout");
  engine_->Open();
  EXPECT_EQ(running.get().status, 200);
  EXPECT_EQ(engine_->seen(), before + 1);
  EXPECT_EQ(service_->metrics().Value("lacos_expired"), 1);
  EXPECT_EQ(service_->metrics().Value("lacos_abandoned"), 1);
  late.headers.back().second = "soon";
  EXPECT_EQ(Ask(late).status, 400);
  late.headers.back().second = "99999999999999999999";  // more than the server allows
  EXPECT_EQ(Ask(late).status, 200);
}

TEST_F(ServiceTest, WhatHasWaitedTooLongToBeReadIsNotRead) {
  Start();
  const auto begin = std::chrono::steady_clock::now();
  for (const char* target : {"/v1/embeddings", "/tokenize"}) {
    const bool is_openai = std::string(target) == "/v1/embeddings";
    const std::string body = is_openai ? R"({"input": "a"})" : R"({"inputs": "a"})";
    HttpRequest late = MakeRequest("POST", target, body);
    late.headers.emplace_back("x-request-timeout-ms", "5000");
    late.arrived = begin - std::chrono::seconds(6);
    const HttpReply reply = Ask(late);
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(FindField(reply.headers, "x-should-retry"), "false");
    HttpRequest left = MakeRequest("POST", target, body);
    left.abandoned = std::make_shared<Abandoned>(true);
    const HttpReply to_nobody = Ask(left);
    EXPECT_EQ(to_nobody.status, 503);
    if (is_openai) {
      EXPECT_EQ(CodeOf(reply), "request_timeout");
      EXPECT_EQ(CodeOf(to_nobody), "abandoned");
    }
  }
  EXPECT_EQ(service_->metrics().Value("lacos_expired"), 2);
  EXPECT_EQ(service_->metrics().Value("lacos_abandoned"), 2);
  EXPECT_EQ(service_->metrics().Value("te_request_count", R"(method="single")"), 0);
}

TEST_F(ServiceTest, TooLongAWaitIsRefusedWithATrueRetryAfter) {
  options_.max_wait = 0.05;
  Start();
  engine_->Close();
  std::vector<std::future<HttpReply>> replies;
  std::optional<HttpReply> refused;
  std::string text(3000, 'x');
  for (int i = 0; i < 2000 && !refused; ++i) {
    HttpRequest request = MakeRequest(
        "POST", "/v1/embeddings",
        fmt::format(R"({{"input": "{} {} a b c d e f g h i j k l m n o p"}})", i, text));
    replies.push_back(Send(std::move(request)));
    if (replies.back().wait_for(std::chrono::milliseconds(20)) == std::future_status::ready)
      refused = replies.back().get();
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429) << refused->body;
  EXPECT_EQ(CodeOf(*refused), "overloaded");
  const auto seconds = FindField(refused->headers, "retry-after"),
             ms = FindField(refused->headers, "retry-after-ms");
  ASSERT_TRUE(seconds && ms);
  EXPECT_GE(std::stod(std::string(*seconds)) * 1000, std::stod(std::string(*ms)));
  EXPECT_GT(std::stod(std::string(*ms)), 0);
  engine_->Open();
  replies.pop_back();
  for (auto& reply : replies) EXPECT_EQ(reply.get().status, 200);
}

TEST_F(ServiceTest, AShortRequestIsAnsweredInAPauseOfAnother) {
  options_.batch_ms = 60'000;  // all texts are one batch
  Start();
  std::string inputs;
  for (int i = 0; i < 12; ++i)
    inputs += fmt::format("{}\"a horse jumps over fence number {}\"", i > 0 ? "," : "", i);
  bool answered = false;
  HttpReply in_pause;
  engine_->SetOnPause([&] {
    auto reply = Send(MakeRequest("POST", "/embed", R"({"inputs":"a short one"})"));
    // Waits until another thread has read the request, so that it is computed in this pause.
    for (int i = 0;
         i < 5000 && Get("/metrics").body.find("\nte_queue_size 1\n") == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    engine_->SetOnPause([&, reply = std::make_shared<std::future<HttpReply>>(std::move(reply))] {
      answered = reply->wait_for(std::chrono::seconds(5)) == std::future_status::ready;
      if (answered) in_pause = reply->get();
    });
  });
  const HttpReply all = Post("/embed", fmt::format(R"({{"inputs":[{}]}})", inputs));
  ASSERT_TRUE(answered) << "before the batch has ended";
  EXPECT_THAT(Floats(Parsed(in_pause)[0]), HasTheBitsOf(Expected("a short one", true)));
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(Floats(Parsed(all)[static_cast<size_t>(i)]),
                HasTheBitsOf(Expected(fmt::format("a horse jumps over fence number {}", i), true)));
  }
}

TEST_F(ServiceTest, HealthMeansThatTextsCanBeComputed) {
  options_.fresh_seconds = 0.2;
  Start();
  for (const char* path : {"/health", "/readyz", "/ping", "/livez"})
    EXPECT_EQ(Get(path).status, 200) << path;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const int64_t before = engine_->batches();
  EXPECT_EQ(Get("/health").status, 200);
  EXPECT_GT(engine_->batches(), before) << "a text was computed for it";
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  engine_->Close();
  const auto begin = std::chrono::steady_clock::now();
  const HttpReply stuck = Get("/readyz");
  EXPECT_EQ(stuck.status, 503);
  EXPECT_EQ(TypeOf(stuck), "Unhealthy");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(2000));
  engine_->Open();
  EXPECT_EQ(Get("/health").status, 200);
  service_->Drain();
  EXPECT_EQ(Get("/health").status, 503);
  EXPECT_EQ(Get("/livez").status, 200);
  const HttpReply refused = Post("/embed", R"({"inputs": "a"})");
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.close);
}

TEST_F(ServiceTest, HealthAndMetricsWaitForNoBatch) {
  Start();
  engine_->Close();
  std::vector<std::future<HttpReply>> waiting;
  for (int i = 0; i < 50; ++i)
    waiting.push_back(
        Send(MakeRequest("POST", "/embed", fmt::format(R"({{"inputs": ["{}", "text"]}})", i))));
  while (service_->unanswered() < 50) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (const char* path : {"/livez", "/readyz", "/health", "/ping", "/metrics", "/info",
                           "/v1/models", "/openapi.json"}) {
    auto reply = Send(MakeRequest("GET", path));
    ASSERT_EQ(reply.wait_for(std::chrono::minutes(5)), std::future_status::ready) << path;
    EXPECT_EQ(reply.get().status, 200) << path;
  }
  for (auto& reply : waiting)
    EXPECT_EQ(reply.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  engine_->Open();
  for (auto& reply : waiting) EXPECT_EQ(reply.get().status, 200);
}

TEST_F(ServiceTest, WhatIsAdmittedIsAnsweredWhileTheServerStops) {
  Start();
  engine_->Close();
  auto running = Send(MakeRequest("POST", "/embed", R"({"inputs": "a"})"));
  auto waiting = Send(MakeRequest("POST", "/embed", R"({"inputs": "b"})"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  service_->Drain();
  EXPECT_EQ(service_->unanswered(), 2);
  engine_->Open();
  EXPECT_EQ(running.get().status, 200);
  EXPECT_EQ(waiting.get().status, 200);
}

}  // namespace
}  // namespace lacos::serve
