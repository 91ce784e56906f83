// The part of the service that turns texts into vectors: reads them, queues what is not in the cache,
// and writes the reply.
#include <algorithm>
#include <map>
#include <new>
#include <unordered_map>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/model/leading_values.h"
#include "lacos/search/vectors.h"
#include "lacos/serve/exchange.h"
#include "lacos/serve/service.h"

namespace lacos::serve {
namespace {

// Replies with more values are written by the thread for large jobs.
constexpr int64_t kLargeReply = 65'536;

std::string_view IdBytes(const std::vector<int32_t>& ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(int32_t)};
}

// Everything that the vector of a text depends on.
std::string CacheKey(const ServedModel& model, const Work& work, const std::vector<int32_t>& ids) {
  return fmt::format("{},{},{},", model.number, static_cast<int>(work.output), work.skipped) +
         std::string(IdBytes(ids));
}

}  // namespace

std::shared_ptr<const ServedModel> Service::FindModel(const std::string& name) const {
  std::shared_ptr<const ServedModel> model = models_.Find(name);
  if (model == nullptr) throw UnknownModel(name);
  return model;
}

void Service::Embed(const ExchangePtr& exchange) {
  Exchange& e = *exchange;
  metrics_.Add("te_request_count", e.MethodLabel());
  const RouteKind kind = e.match.route->kind;
  e.model = FindModel(e.call.model);
  const ServedModel& model = *e.model;
  e.kept = e.call.dimensions > 0 ? e.call.dimensions : model.dimension;
  e.normalize = kind == RouteKind::kSimilarity ? model.text.normalize : e.call.normalize;

  const TimePoint begin = std::chrono::steady_clock::now();
  const TextPrompt prompt = PromptOf(model, e.call, e.dialect);
  ReadTexts read = ReadCallTexts(model, e.call, prompt,
                                 {.max_request_tokens = options_.max_request_tokens,
                                  .empty_is_zero = options_.empty_is_zero,
                                  .truncate = options_.truncate});
  e.tokenization_seconds = SecondsBetween(begin, std::chrono::steady_clock::now());
  e.call.texts = {};
  e.call.ids = {};
  e.characters = read.characters;
  e.result.truncated = std::move(read.truncated);
  e.result.empty = std::move(read.empty);

  const auto work = std::make_shared<Work>();
  work->adapter = model.adapter;
  work->pooling = model.pooling;
  work->skipped = kind == RouteKind::kEmbedAll ? 0 : read.skipped;
  work->output = kind == RouteKind::kEmbedAll           ? TextOutput::kTokens
                 : e.normalize && e.kept == model.width ? TextOutput::kNormalized
                                                        : TextOutput::kPooled;
  if (e.request.key != nullptr) work->key = e.request.key->name;
  work->connection = e.request.connection;
  work->arrived = e.request.arrived;
  work->abandoned = e.request.abandoned;
  work->deadline = After(e.request.arrived, TimeoutOf(e.request.headers, options_.request_timeout));
  // Equal texts of a request are one.
  std::unordered_map<std::string, size_t> known;
  for (std::vector<int32_t>& ids : read.ids) {
    e.result.tokens.push_back(static_cast<int64_t>(ids.size()));
    if (ids.empty()) {
      e.place.push_back(kNoText);
      continue;
    }
    const auto [entry, is_new] = known.try_emplace(std::string(IdBytes(ids)), work->texts.size());
    if (is_new) work->texts.push_back({.ids = std::move(ids)});
    e.place.push_back(entry->second);
  }
  e.work = work;
  Queue(exchange);
}

void Service::Queue(const ExchangePtr& exchange) {
  Exchange& e = *exchange;
  Work& work = *e.work;
  int64_t missing = 0, missing_tokens = 0, hits = 0;
  for (WorkText& text : work.texts) {
    if (cache_.enabled()) {
      e.cache_keys.push_back(CacheKey(*e.model, work, text.ids));
      const std::lock_guard lock(mutex_);
      text.vector = cache_.Find(e.cache_keys.back());
    }
    if (text.vector != nullptr) {
      ++hits;
    } else {
      ++missing;
      missing_tokens += static_cast<int64_t>(text.ids.size());
    }
  }
  if (hits > 0) metrics_.Add("lacos_cache_hits", "", static_cast<double>(hits));
  if (e.request.key != nullptr) {
    RequireKeyLimit(*e.request.key, static_cast<double>(e.place.size()),
                    static_cast<double>(e.result.Tokens()));
  }
  if (missing == 0) {
    metrics_.Add("te_embed_count", "", static_cast<double>(e.place.size()));
    work.admitted = work.started = work.finished = std::chrono::steady_clock::now();
    return Reply(exchange);
  }
  RequireWanted(e);  // reading a large request takes time
  // A request that cannot be done in time even alone is refused before it costs anything.
  const double own = dispatcher_.SecondsFor(missing_tokens);
  const double left = SecondsBetween(std::chrono::steady_clock::now(), work.deadline);
  if (own > 1 && dispatcher_.LeastSecondsFor(missing_tokens) > left) {
    throw ApiError(413, "takes_too_long",
                   fmt::format("[{}] {} tokens take about {:.0f} s at the measured rate, and the "
                               "request may take {:.0f} s; expected less; send fewer texts in a "
                               "request, or raise --request-timeout",
                               e.call.field, missing_tokens, own, std::max(left, 0.0)),
                   e.call.field);
  }
  work.on_end = [this, exchange](Work& ended) {
    const int64_t values = static_cast<int64_t>(exchange->place.size()) *
                           (ended.output == TextOutput::kTokens ? exchange->result.Tokens() : 1) *
                           exchange->kept;
    const auto reply = [this, exchange] { Guarded(*exchange, [&] { Reply(exchange); }); };
    try {
      workers_.Post(values > kLargeReply, static_cast<size_t>(values) * sizeof(float), reply);
    } catch (const std::bad_alloc&) {
      reply();
    }
  };
  const auto wait = dispatcher_.Admit(e.work);
  if (!wait) {
    metrics_.Add("te_embed_count", "", static_cast<double>(e.place.size()));
    return;
  }
  work.on_end = nullptr;  // it holds the exchange
  throw TooBusy(
      *wait, "overloaded",
      fmt::format(
          "[server] the wait would be {:.1f} s; expected less than {:.1f} s, and than the request has; try again "
          "after the time in Retry-After",
          *wait, options_.max_wait));
}

// The error of a request that was admitted and not computed, if that is how it ended.
void Service::RequireComputed(const Exchange& exchange) {
  const Work& work = *exchange.work;
  switch (work.end) {
    case WorkEnd::kDone:
      return;
    case WorkEnd::kFailed: {
      const auto text = std::find(exchange.place.begin(), exchange.place.end(), work.failed_text);
      const std::string place =
          exchange.call.Place(static_cast<size_t>(text - exchange.place.begin()));
      throw ApiError(424, "text_not_computed", fmt::format("[{}] {}", place, work.failure), place,
                     TeiError::kBackend);
    }
    case WorkEnd::kOutOfMemory:
      throw ApiError(
          503, "out_of_memory",
          "[server] there is not enough memory for a text of the request; expected enough; "
          "send shorter texts, or try again",
          "", TeiError::kBackend);
    case WorkEnd::kDeviceFailed:
      throw DeviceFailed(work.failure);
    case WorkEnd::kExpired:
      metrics_.Add("lacos_expired");
      throw TimeOver();
    case WorkEnd::kLate:
      throw TooBusy(
          std::max(dispatcher_.ShortWait(), 1.0), "overloaded",
          fmt::format(
              "[server] the request has waited for {:.1f} s, since computing has become "
              "slower; expected it to begin sooner; try again after the time in Retry-After",
              options_.max_wait));
    case WorkEnd::kAbandoned:
      metrics_.Add("lacos_abandoned");
      throw ClientGone();
  }
}

// The vectors of the texts as they are sent.
void Service::FillVectors(Exchange& e) {
  const Work& work = *e.work;
  const bool pooled = work.output != TextOutput::kTokens;
  const auto kept = static_cast<size_t>(e.kept);
  std::vector<Vector> sent;
  for (const WorkText& text : work.texts) {
    if (!pooled || kept == text.vector->size()) {
      sent.push_back(text.vector);
      continue;
    }
    auto cut = std::make_shared<std::vector<float>>(kept);
    CopyLeadingValues(*text.vector, e.normalize, *cut);
    sent.push_back(std::move(cut));
  }
  const auto zero = std::make_shared<const std::vector<float>>(pooled ? kept : 0, 0.0f);
  for (const size_t place : e.place)
    e.result.vectors.push_back(place == kNoText ? zero : sent[place]);
}

void Service::Reply(const ExchangePtr& exchange) {
  Exchange& e = *exchange;
  const Work& work = *e.work;
  RequireComputed(e);
  for (size_t i = 0; i < e.cache_keys.size(); ++i) {
    const std::lock_guard lock(mutex_);
    cache_.Add(e.cache_keys[i], work.texts[i].vector);
  }
  FillVectors(e);
  const Timings timings{
      .total = SecondsBetween(e.request.arrived, std::chrono::steady_clock::now()),
      .tokenization = e.tokenization_seconds,
      .queue = SecondsBetween(work.admitted, work.started),
      .inference = SecondsBetween(work.started, work.finished)};
  HttpReply reply{.headers = EmbedHeaders(e.result, e.characters, timings, options_.compute)};
  switch (e.match.route->kind) {
    case RouteKind::kOpenAiEmbeddings:
      reply.body = OpenAiEmbeddings(e.result, e.call.base64, e.model->name);
      break;
    case RouteKind::kEmbedAll:
      reply.body = TeiTokenStates(e.result, e.model->width);
      break;
    case RouteKind::kSimilarity: {
      std::vector<double> similarities;
      for (size_t i = 1; i < e.result.vectors.size(); ++i)
        similarities.push_back(
            SimilarityOf(e.model->similarity, *e.result.vectors[0], *e.result.vectors[i]));
      reply.body = Numbers(similarities);
      break;
    }
    default:
      reply.body = TeiEmbeddings(e.result);
  }
  const auto texts = static_cast<double>(e.place.size());
  reply.log = {{"texts", texts},
               {"tokens", static_cast<double>(e.result.Tokens())},
               {"truncated", static_cast<double>(e.result.truncated.size())},
               {"queue_ms", timings.queue * 1000},
               {"inference_ms", timings.inference * 1000}};
  CountSuccess(e, timings);
  e.Reply(std::move(reply));
}

void Service::CountSuccess(const Exchange& e, const Timings& timings) {
  metrics_.Add("te_request_success", e.MethodLabel());
  metrics_.Add("te_embed_success", "", static_cast<double>(e.place.size()));
  metrics_.Add("lacos_adapter", Metrics::Label("name", e.model->name),
               static_cast<double>(e.place.size()));
  metrics_.Add("lacos_truncated", "", static_cast<double>(e.result.truncated.size()));
  metrics_.Add("lacos_empty", "", static_cast<double>(e.result.empty.size()));
  metrics_.Observe("te_request_input_length", static_cast<double>(e.result.Tokens()));
  const std::pair<const char*, double> durations[] = {
      {"duration", timings.total},
      {"tokenization_duration", timings.tokenization},
      {"queue_duration", timings.queue},
      {"inference_duration", timings.inference}};
  for (const auto& [name, seconds] : durations) {
    metrics_.Observe(fmt::format("te_request_{}", name), seconds);
    metrics_.Observe(fmt::format("te_embed_{}", name), seconds, e.place.size());
  }
}

}  // namespace lacos::serve
