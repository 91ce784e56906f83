// The routes, over a real model and without HTTP.
#include "lacos/serve/service.h"

#include <fmt/format.h>

#include "lacos/base/rng.h"
#include "lacos/model/bloom_model.h"
#include "lacos/search/vectors.h"
#include "unit/serve/service_fixture.h"

namespace lacos::serve {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(ServiceTest, OpenAiVectorsAreThoseOfEmbed) {
  Start();
  const int64_t before = engine_->seen();
  const HttpReply floats =
      Post("/v1/embeddings", R"({"input": ["Guten Tag", "नमस्ते", "Guten Tag"], "model": "any"})");
  ASSERT_EQ(floats.status, 200) << floats.body;
  const Json body = Parsed(floats);
  EXPECT_EQ(body.At("object").AsString(), "list");
  EXPECT_EQ(body.At("model").AsString(), "nano");
  ASSERT_EQ(body.At("data").size(), 3u);
  for (const auto& [index, text] :
       {std::pair<size_t, std::string>(0, "Guten Tag"), {1, "नमस्ते"}, {2, "Guten Tag"}}) {
    EXPECT_EQ(body.At("data")[index].At("index").AsInt(), static_cast<int64_t>(index));
    EXPECT_THAT(Floats(body.At("data")[index].At("embedding")), HasTheBitsOf(Expected(text, true)));
  }
  std::vector<int32_t> ids;
  int64_t tokens = 0;
  for (const char* text : {"Guten Tag", "नमस्ते", "Guten Tag"}) {
    encoder_->tokenizer().Encode(text, ids);
    tokens += static_cast<int64_t>(ids.size());
  }
  EXPECT_EQ(body.At("usage").At("prompt_tokens").AsInt(), tokens);
  EXPECT_EQ(engine_->seen(), before + 2) << "the equal text is computed once";

  const HttpReply base64 =
      Post("/embeddings", R"({"input": "Guten Tag", "encoding_format": "base64"})");
  EXPECT_EQ(Parsed(base64).At("data")[0].At("embedding").AsString().size(),
            (Expected("Guten Tag", true).size() * 4 + 2) / 3 * 4);
}

TEST_F(ServiceTest, TeiVectorsAreThoseOfEmbed) {
  Start();
  EXPECT_THAT(Floats(Parsed(Post("/embed", R"({"inputs": "one"})"))[0]),
              HasTheBitsOf(Expected("one", true)));
  EXPECT_THAT(
      Floats(Parsed(Post("/", R"({"inputs": ["one"], "normalize": false, "truncate": true})"))[0]),
      HasTheBitsOf(Expected("one", false)));
  const HttpReply cut = Post("/embed", R"({"inputs": ["one", "two"], "dimensions": 5})");
  EXPECT_THAT(Floats(Parsed(cut)[1]), HasTheBitsOf(Expected("two", true, 5)));
  for (const char* name :
       {"x-compute-type", "x-compute-tokens", "x-compute-characters", "x-total-time",
        "x-tokenization-time", "x-queue-time", "x-inference-time"})
    EXPECT_TRUE(FindField(cut.headers, name)) << name;
  EXPECT_EQ(FindField(cut.headers, "x-compute-characters"), "6");

  // The mean of the tokens' states is the pooled vector.
  const Json states = Parsed(Post("/embed_all", R"({"inputs": ["one two three"]})"))[0];
  const std::vector<float> pooled = Expected("one two three", false);
  std::vector<double> mean(pooled.size());
  states.ForEachElement([&](const Json& state) {
    for (size_t i = 0; i < mean.size(); ++i)
      mean[i] += state[i].AsDouble() / static_cast<double>(states.size());
  });
  for (size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], pooled[i], 1e-5);
}

TEST_F(ServiceTest, SimilaritiesAreThoseOfTheFolder) {
  Start();
  const Json body = Parsed(
      Post("/similarity",
           R"({"inputs": {"source_sentence": "a", "sentences": ["a", "b"]}, "parameters": {}})"));
  ASSERT_EQ(body.size(), 2u);
  EXPECT_EQ(body[0].AsDouble(), 1.0);
  const std::vector<float> a = Expected("a", false), b = Expected("b", false);
  EXPECT_EQ(body[1].AsDouble(), Cosine(a, b));
}

TEST_F(ServiceTest, TokenizeAndDecodeAreInverse) {
  Start();
  const Json tokens = Parsed(Post("/tokenize", R"({"inputs": ["héllo wörld", ""]})"));
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[1].size(), 0u);
  Json ids = Json::Array();
  std::string text;
  tokens[0].ForEachElement([&](const Json& token) {
    ids.Append(token.At("id"));
    EXPECT_FALSE(token.At("special").AsBool());
    EXPECT_LE(token.At("start").AsInt(), token.At("stop").AsInt());
  });
  Json body = Json::Object();
  body.Set("ids", ids);
  EXPECT_EQ(Parsed(Post("/decode", body.Dump()))[0].AsString(), "héllo wörld");
  EXPECT_EQ(Post("/decode", R"({"ids": [99999999]})").status, 422);
}

TEST_F(ServiceTest, MistakesAreNamedInTheFormatOfTheRoute) {
  Start();
  struct Case {
    const char *target, *body;
    int status;
    const char* message;
  };
  const Case cases[] = {
      {"/v1/embeddings", "{", 400, "byte 2"},
      {"/v1/embeddings", R"({"input": ["a", "\ud800"]})", 400, "(input[1])"},
      {"/v1/embeddings", R"({"input": "a", "input": "b"})", 400, "twice"},
      {"/v1/embeddings", R"({"input": NaN})", 400, "(input)"},
      {"/v1/embeddings", R"({})", 400, "[input] is missing"},
      {"/v1/embeddings", R"({"input": ["a", ""]})", 400, "[input[1]] found an empty text"},
      {"/v1/embeddings", R"({"input": [[1, 2]]})", 400, "check_embedding_ctx_length=False"},
      {"/v1/embeddings", R"({"input": [1, 2]})", 400, "check_embedding_ctx_length=False"},
      {"/v1/embeddings", R"({"input": "a", "dimensions": 0})", 400,
       "[dimensions] found the number 0"},
      {"/v1/embeddings", R"({"input": "a", "encoding_format": "int8"})", 400, "[encoding_format]"},
      {"/v1/embeddings", R"({"input": "a", "prompt_name": "query"})", 400, "[prompt_name]"},
      {"/embed", R"({"inputs": ["a", ""]})", 400, "[inputs[1]] found an empty text"},
      {"/embed", R"({"inputs": "a", "dimensions": 100000})", 422, "[dimensions]"},
      {"/embed", R"({"inputs": 5})", 422, "[inputs] found the number 5"},
      {"/embed", R"({"inputs": "a", "normalize": "yes"})", 422, "[normalize]"},
      {"/embed", R"({"input": "a"})", 422, "[inputs] is missing"},
      {"/similarity", R"({"inputs": {"source_sentence": "a", "sentences": ["b", ""]}})", 400,
       "[inputs.sentences[1]]"},
      {"/nowhere", "{}", 404, "\"/nowhere\""},
      {"/v1/nowhere", "{}", 404, "\"/v1/nowhere\""},
      {"/info", "{}", 405, "expected GET"},
  };
  for (const Case& c : cases) {
    const HttpReply reply = Post(c.target, c.body);
    EXPECT_EQ(reply.status, c.status) << c.body << ": " << reply.body;
    EXPECT_THAT(Message(reply), HasSubstr(c.message)) << c.body;
    EXPECT_THAT(Message(reply), Not(HasSubstr("file"))) << c.body;
    EXPECT_EQ(reply.content_type, "application/json");
  }
  EXPECT_EQ(FindField(Post("/info", "{}").headers, "allow"), "GET, HEAD");
  EXPECT_EQ(TypeOf(Post("/embed", R"({"inputs": ""})")), "Empty");
  EXPECT_EQ(TypeOf(Post("/embed", "x")), "Validation");
  HttpRequest form = MakeRequest("POST", "/embed", "{}");
  form.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(Ask(form).status, 415);
  form.headers = {};
  form.body = R"({"inputs": "a"})";
  EXPECT_EQ(Ask(form).status, 200) << "a missing Content-Type is JSON";
}

TEST_F(ServiceTest, LimitsAreToldWithTheirNumbers) {
  options_.max_texts = 3;
  options_.max_request_tokens = 50;
  encoder_options_.max_length = 8;
  Start();
  EXPECT_EQ(Post("/embed", R"({"inputs": ["a", "b", "c"]})").status, 200);
  const HttpReply many = Post("/embed", R"({"inputs": ["a", "b", "c", "d"]})");
  EXPECT_EQ(many.status, 413);
  EXPECT_THAT(Message(many), HasSubstr("found 4 texts; expected at most 3"));
  const auto sentences = [](int count) {
    Json list = Json::Array(), inputs = Json::Object(), body = Json::Object();
    for (int i = 0; i < count; ++i) list.Append("a");
    inputs.Set("source_sentence", "a");
    inputs.Set("sentences", list);
    body.Set("inputs", inputs);
    return body.Dump();
  };
  EXPECT_EQ(Post("/similarity", sentences(2)).status, 200);
  EXPECT_EQ(Post("/similarity", sentences(3)).status, 413) << "the source sentence is a text too";
  EXPECT_EQ(Post("/similarity", sentences(4)).status, 413);
  Json very_many = Json::Array(), very_many_body = Json::Object();
  for (int i = 0; i < 2000; ++i) very_many.Append("a");
  very_many_body.Set("inputs", very_many);
  EXPECT_EQ(Post("/embed", very_many_body.Dump()).status, 413) << "more values than are parsed";
  Json ids_body = Json::Object();
  for (const int count : {50, 51}) {
    Json list = Json::Array();
    for (int i = 0; i < count; ++i) list.Append(int64_t{5});
    ids_body.Set("ids", list);
    EXPECT_EQ(Post("/decode", ids_body.Dump()).status, count == 50 ? 200 : 413);
  }
  ids_body.Set("ids", Json::Parse("[[1, 2], [3]]", "ids"));
  EXPECT_EQ(Post("/decode", ids_body.Dump()).status, 200);
  const std::string words = "one two three four five six seven eight nine ten eleven twelve";
  const HttpReply cut = Post("/v1/embeddings", R"({"input": ["short", ")" + words + "\"]}");
  EXPECT_EQ(FindField(cut.headers, "x-lacos-truncated"), "1");
  EXPECT_EQ(Parsed(cut).At("lacos").Dump(), R"({"truncated": [1], "empty": []})");
  const HttpReply refused =
      Post("/embed", R"({"inputs": [")" + words + "\"], \"truncate\": false}");
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(Message(refused),
              AllOf(HasSubstr("[inputs[0]] has"), HasSubstr("expected at most 8")));
  // The other end.
  const Json left =
      Parsed(Post("/embed", R"({"inputs": ")" + words + R"(", "truncation_direction": "Left"})"));
  const Json right =
      Parsed(Post("/embed", R"({"inputs": ")" + words + R"(", "truncation_direction": "Right"})"));
  EXPECT_NE(left.Dump(), right.Dump());
  std::vector<int32_t> ids;
  encoder_->tokenizer().Encode(words, ids);
  EXPECT_THAT(
      Floats(left[0]),
      HasTheBitsOf(Expected(encoder_->tokenizer().Decode(std::span(ids).last(8), false), true)));
}

TEST_F(ServiceTest, EmptyTextsAreZeroVectorsWhereTheServerSaysSo) {
  options_.empty_is_zero = true;
  Start();
  const HttpReply reply = Post("/v1/embeddings", R"({"input": ["", "a"]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(Parsed(reply).At("lacos").At("empty").Dump(), "[0]");
  for (const float value : Floats(Parsed(reply).At("data")[0].At("embedding"))) EXPECT_EQ(value, 0);
  EXPECT_EQ(Post("/embed", R"({"inputs": ""})").status, 200);
}

TEST_F(ServiceTest, TokenIdsAreTakenWhereTheServerSaysSo) {
  options_.accept_token_ids = true;
  Start();
  std::vector<int32_t> ids;
  encoder_->tokenizer().Encode("Guten Tag", ids);
  Json list = Json::Array(), body = Json::Object();
  for (const int32_t id : ids) list.Append(int64_t{id});
  body.Set("input", list);
  EXPECT_THAT(Floats(Parsed(Post("/v1/embeddings", body.Dump())).At("data")[0].At("embedding")),
              HasTheBitsOf(Expected("Guten Tag", true)));
  EXPECT_EQ(Post("/v1/embeddings", R"({"input": [[1], [99999999]]})").status, 400);
  EXPECT_TRUE(Parsed(Get("/info")).At("lacos").At("accept_token_ids").AsBool());
}

TEST_F(ServiceTest, KeysHaveLimitsOfTheirOwn) {
  options_.has_keys = true;
  Start();
  const auto limited = std::make_shared<ApiKey>(ApiKey{.name = "a", .texts_per_second = 2});
  const auto free = std::make_shared<ApiKey>(ApiKey{.name = "b"});
  const auto ask = [&](const std::shared_ptr<const ApiKey>& key) {
    HttpRequest request = MakeRequest("POST", "/v1/embeddings", R"({"input": ["a", "b", "c"]})");
    request.key = key;
    return Ask(request);
  };
  EXPECT_EQ(ask(limited).status, 200);
  const HttpReply refused = ask(limited);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(CodeOf(refused), "rate_limit_exceeded");
  EXPECT_TRUE(FindField(refused.headers, "retry-after"));
  EXPECT_EQ(ask(free).status, 200);
  for (const char* path : {"/health", "/livez", "/readyz", "/ping", "/metrics", "/openapi.json",
                           "/api-doc/openapi.json"})
    EXPECT_FALSE(service_->NeedsKey("GET", path)) << path;
  EXPECT_TRUE(service_->NeedsKey("POST", "/embed"));
  for (const char* path : {"/nowhere", "/info", "/v1/models", "/"})
    EXPECT_TRUE(service_->NeedsKey("GET", path)) << path;
  HttpRequest admin = MakeRequest("GET", "/v1/adapters");
  admin.key = free;
  EXPECT_EQ(Ask(admin).status, 403);
}

TEST_F(ServiceTest, TheCacheSavesComputingAndChangesNothing) {
  options_.cache_bytes = 1 << 20;
  Start();
  const HttpReply first = Post("/embed", R"({"inputs": ["a", "b"]})");
  const int64_t seen = engine_->seen();
  EXPECT_EQ(Post("/embed", R"({"inputs": ["b", "a"], "dimensions": 64})").status, 200);
  const HttpReply again = Post("/embed", R"({"inputs": ["a", "b"]})");
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(Parsed(Post("/embed", R"({"inputs": ["a"], "normalize": false})")).Dump(),
            Parsed(Post("/embed", R"({"inputs": ["a"], "normalize": false})")).Dump());
  EXPECT_GE(service_->metrics().Value("lacos_cache_hits"), 3);
  EXPECT_LE(engine_->seen(), seen + 3);
}

TEST_F(ServiceTest, CountersAgreeWithWhatWasSent) {
  encoder_options_.max_length = 4;
  options_.empty_is_zero = true;
  Start();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Post("/embed", R"({"inputs": "a"})").status, 200);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(
        Post("/v1/embeddings", R"({"input": ["a", "", "one two three four five six"]})").status,
        200);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Post("/embed", "{").status, 400);
  EXPECT_EQ(Post("/v1/embeddings", R"({"input": [[1]]})").status, 400);
  // These are no requests for vectors.
  EXPECT_EQ(Post("/tokenize", R"({"inputs": 5})").status, 422);
  EXPECT_EQ(Post("/nowhere", "{}").status, 404);
  EXPECT_EQ(Post("/livez", "{}").status, 405);
  EXPECT_EQ(Post("/v1/adapters", "{}").status, 403);
  const Metrics& metrics = service_->metrics();
  EXPECT_EQ(metrics.Value("te_request_count", R"(method="single")"), 5);
  EXPECT_EQ(metrics.Value("te_request_count", R"(method="batch")"), 3);
  EXPECT_EQ(metrics.Value("te_request_success", R"(method="single")"), 5);
  EXPECT_EQ(metrics.Value("te_request_success", R"(method="batch")"), 3);
  EXPECT_EQ(metrics.Value("te_request_failure", R"(err="validation")"), 3);
  EXPECT_EQ(metrics.Value("te_embed_count"), 5 + 9);
  EXPECT_EQ(metrics.Value("te_embed_success"), 5 + 9);
  EXPECT_EQ(metrics.Value("te_request_duration"), 8);
  EXPECT_EQ(metrics.Value("te_embed_duration"), 14);
  EXPECT_EQ(metrics.Value("lacos_truncated"), 3);
  EXPECT_EQ(metrics.Value("lacos_empty"), 3);
  EXPECT_EQ(metrics.Value("lacos_refused", R"(why="invalid_json")"), 2);
  EXPECT_EQ(metrics.Value("lacos_refused", R"(why="token_ids_refused")"), 1);
  EXPECT_EQ(metrics.Value("lacos_adapter", R"(name="nano")"), 14);
  const HttpReply text = Get("/metrics");
  EXPECT_THAT(text.content_type, StartsWith("text/plain"));
  EXPECT_THAT(text.body, HasSubstr("\nte_request_count{method=\"single\"} 5\n"));
  EXPECT_THAT(text.body, HasSubstr("te_request_duration_count 8\n"));
}

// Every good reply matches the schema that /openapi.json shows for it.
TEST_F(ServiceTest, RepliesMatchTheirSchemas) {
  Start();
  const auto document = Parsed(Get("/openapi.json"));
  EXPECT_EQ(document.At("openapi").AsString(), "3.1.0");
  const Routes routes({.dimension = encoder_->model().config().hidden_size,
                       .vocabulary = encoder_->tokenizer().VocabularySize()});
  const std::map<std::string, std::string> bodies = {
      {"/v1/embeddings", R"({"input": ["a"]})"},
      {"/embeddings", R"({"input": "a", "encoding_format": "base64"})"},
      {"/embed", R"({"inputs": ["a"]})"},
      {"/", R"({"inputs": ["a"]})"},
      {"/embed_all", R"({"inputs": ["a b"]})"},
      {"/similarity", R"({"inputs": {"source_sentence": "a", "sentences": ["b"]}})"},
      {"/tokenize", R"({"inputs": ["a b"]})"},
      {"/decode", R"({"ids": [[5, 6], [7]]})"}};
  size_t checked = 0;
  for (const Route& route : routes.all()) {
    if (route.admin || !route.reply) continue;
    for (const std::string_view path : route.paths) {
      std::string target(path);
      if (target == "/v1/models/{model}") target = "/v1/models/nano";
      const HttpReply reply =
          route.method == "GET" ? Get(target) : Post(target, bodies.at(std::string(path)));
      ASSERT_EQ(reply.status, 200) << target << reply.body;
      EXPECT_NO_THROW(route.reply->Check(Parsed(reply))) << target;
      EXPECT_TRUE(document.At("paths").Has(path)) << path;
      ++checked;
    }
  }
  EXPECT_GE(checked, 15u);
  // What HTTP itself answers stands there, too.
  const Json responses = document.At("paths").At("/livez").At("get").At("responses");
  for (const char* status : {"200", "400", "408", "414", "415", "417", "421", "431", "501", "505"})
    EXPECT_TRUE(responses.Has(status)) << status;
}

TEST_F(ServiceTest, MixedRequestsOfManyClientsGetTheirOwnVectors) {
  Start();
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i)
    texts.push_back(fmt::format("text {} {}", i, std::string(static_cast<size_t>(i) * 3, 'y')));
  SentenceEncoderOptions plain = encoder_options_, unit = encoder_options_;
  unit.normalize = true;
  SentenceEncoder raw_encoder(plain), unit_encoder(unit);
  const auto d = static_cast<size_t>(raw_encoder.dimension());
  std::vector<float> raw(texts.size() * d), normalized(texts.size() * d);
  raw_encoder.Encode(texts, "", raw);
  unit_encoder.Encode(texts, "", normalized);
  std::vector<std::thread> clients;
  std::atomic<int> wrong{0}, answered{0};
  for (uint64_t client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      Random random(client, RandomStream::kBatch);
      for (int round = 0; round < 40; ++round) {
        const bool normalize = random.Below(2) == 0;
        std::vector<size_t> chosen;
        Json inputs = Json::Array(), body = Json::Object();
        for (size_t i = 0, n = 1 + random.Below(9); i < n; ++i) {
          chosen.push_back(random.Below(texts.size()));
          inputs.Append(texts[chosen.back()]);
        }
        body.Set("inputs", inputs);
        body.Set("normalize", normalize);
        HttpRequest request = MakeRequest("POST", "/embed", body.Dump());
        request.connection = client;
        const Json reply = Parsed(Send(std::move(request)).get());
        for (size_t i = 0; i < chosen.size(); ++i) {
          const std::vector<float> got = Floats(reply[i]);
          const float* expected = (normalize ? normalized : raw).data() + chosen[i] * d;
          if (got.size() != d || std::memcmp(got.data(), expected, d * sizeof(float)) != 0) ++wrong;
          ++answered;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(answered, 1000);
}

}  // namespace
}  // namespace lacos::serve
