// What clients are promised about waiting, over random arrivals in a fake clock. The engine has the
// speed of bloom-560m in int8 on two cores: 380 tokens a second (docs/performance.md).
#include "lacos/serve/schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/serve/simulation.h"

namespace lacos::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr double kRate = 380, kFixed = 0.004, kLargeFixed = 0.02, kJitter = 0.15;

int64_t Between(Random& random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random.Uniform() * static_cast<double>(most - least + 1));
}

// Sends requests at random times with this mean rate, until `end`.
template <class Make>
void SendPoisson(Simulation& simulation, double per_second, double end, const Make& make) {
  double t = 0;
  for (;;) {
    t += -std::log(1 - simulation.random().Uniform()) / per_second;
    if (t > end) return;
    SimulatedRequest request = make();
    request.arrival = t;
    simulation.Send(std::move(request));
  }
}

QueuedRequest Simple(uint64_t id, const std::string& key, uint64_t connection,
                     std::vector<int64_t> tokens) {
  return {.id = id,
          .key = key,
          .connection = connection,
          .tokens = std::move(tokens),
          .deadline = At(1e6)};
}

std::vector<uint64_t> RequestsOf(const std::vector<BatchText>& batch) {
  std::vector<uint64_t> ids;
  for (const BatchText& text : batch) ids.push_back(text.request);
  return ids;
}

// The options of a server over a model of 24 blocks, which pauses between them with every other seed.
SchedulerOptions OptionsOf(uint64_t seed) {
  SchedulerOptions options;
  options.pauses = seed % 2 == 0 ? 23 : 0;
  return options;
}

// A client that always has requests of 2,048 texts queued does not delay single short texts, and is
// not starved by them.
TEST(Scheduler, ABulkClientAndShortRequestsShareTheServer) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const SchedulerOptions options = OptionsOf(seed);
    Simulation simulation(options, options.pauses > 0 ? kLargeFixed : kFixed, kRate, kJitter, seed);
    Random& random = simulation.random();
    int64_t longest = 0;
    const auto bulk = [&] {
      SimulatedRequest r{.key = "bulk", .connection = 1};
      for (int i = 0; i < 2048; ++i)
        r.tokens.push_back(Between(random, 3, i % 100 == 0 ? 400 : 40));
      longest = std::max(longest, *std::max_element(r.tokens.begin(), r.tokens.end()));
      return r;
    };
    simulation.Send(bulk());
    simulation.on_end = [&](size_t index) {
      if (simulation.requests()[index].key != "bulk") return;
      SimulatedRequest next = bulk();
      next.arrival = simulation.now() + (simulation.requests()[index].refused ? 1 : 0);
      simulation.Send(std::move(next));
    };
    // The share of the capacity that short requests need: up to a third, and with the last two seeds
    // more than the half that they get beside others.
    const bool crowded = seed > 8;
    const double load = crowded ? 0.8 : 0.06 + 0.034 * static_cast<double>(seed);
    constexpr double kEnd = 1200;
    SendPoisson(simulation, load * kRate / 20, kEnd, [&] {
      return SimulatedRequest{.key = "short",
                              .connection = 100 + static_cast<uint64_t>(Between(random, 0, 31)),
                              .tokens = {Between(random, 2, 38)}};
    });
    simulation.RunUntil(kEnd);
    std::vector<double> excess;
    int64_t bulk_tokens = 0, short_tokens = 0;
    for (const SimulatedRequest& r : simulation.requests()) {
      if (r.key == "bulk") {
        for (size_t i = 0; i < r.computed; ++i) bulk_tokens += r.tokens[i];
      } else if (r.Done()) {
        short_tokens += r.Tokens();
        excess.push_back(r.end - r.arrival - simulation.OwnSeconds(r));
      } else {
        EXPECT_TRUE(!r.refused || crowded) << "seed " << seed;
      }
    }
    ASSERT_GT(excess.size(), 500u);
    const double bound = 2 * options.batch_seconds + static_cast<double>(longest) / kRate;
    if (!crowded) {
      EXPECT_LE(Quantile(excess, 0.95), bound) << "seed " << seed;
    }
    // The batch that runs at the end is not among the computed texts, but its pauses are.
    EXPECT_GE(static_cast<double>(bulk_tokens), 0.97 * static_cast<double>(short_tokens))
        << "seed " << seed;
  }
}

// Without long texts the same holds within two batches.
TEST(Scheduler, AShortTextWaitsForAtMostTwoBatchesOfShortTexts) {
  Simulation simulation({}, kFixed, kRate, 0, 3);
  for (uint64_t i = 0; i < 5; ++i)
    simulation.Send({.key = "bulk", .connection = i, .tokens = std::vector<int64_t>(2048, 20)});
  SendPoisson(simulation, 2, 100,
              [&] { return SimulatedRequest{.key = "short", .connection = 50, .tokens = {12}}; });
  simulation.RunUntil(101);
  std::vector<double> excess;
  for (const SimulatedRequest& r : simulation.requests()) {
    if (r.key == "short") excess.push_back(r.end - r.arrival - simulation.OwnSeconds(r));
  }
  EXPECT_LE(Quantile(excess, 0.95), 0.2);
}

// Where the engine pauses, batches of the others are longer, and short requests do not even wait for
// the longest text.
TEST(Scheduler, ShortRequestsAreComputedWhileOthersPause) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SchedulerOptions options;
    options.pauses = 23;
    Simulation simulation(options, kLargeFixed, kRate, kJitter, seed);
    for (uint64_t i = 0; i < 5; ++i) {
      std::vector<int64_t> tokens(2048, 20);
      if (i == 0) tokens.assign(100, 2048);
      simulation.Send({.key = "bulk", .connection = i, .tokens = tokens});
    }
    SendPoisson(simulation, 3, 200,
                [&] { return SimulatedRequest{.key = "short", .connection = 50, .tokens = {12}}; });
    simulation.RunUntil(200);
    const double seconds = simulation.now();
    std::vector<double> excess;
    int64_t bulk_tokens = 0;
    for (const SimulatedRequest& r : simulation.requests()) {
      if (r.key == "short" && r.Done()) {
        excess.push_back(r.end - r.arrival - simulation.OwnSeconds(r));
      } else if (r.key == "bulk") {
        for (size_t i = 0; i < r.computed; ++i) bulk_tokens += r.tokens[i];
      }
    }
    ASSERT_GT(excess.size(), 500u);
    // A pause comes after a 24th of 5.4 s, and others may be computed in it.
    EXPECT_LE(Quantile(excess, 0.95), 2 * options.batch_seconds + 2048 / kRate / 23)
        << "seed " << seed;
    // The others' batches take 23 times as long as those of short requests, but for the text that
    // is a batch by itself.
    EXPECT_GT(simulation.scheduler().BulkTokens(), 20 * simulation.scheduler().BatchTokens());
    EXPECT_GT(static_cast<double>(bulk_tokens), 0.75 * kRate * seconds) << "seed " << seed;
  }
}

TEST(Scheduler, APauseIsForShortRequestsAndForHalfOfTheTime) {
  SchedulerOptions options;
  options.pauses = 10;
  Scheduler scheduler(options, CostModel(0.02, 1000));  // 80 tokens in 100 ms, 980 in a second
  EXPECT_FALSE(scheduler.Admit(Simple(1, "bulk", 1, std::vector<int64_t>(100, 10)), At(0)));
  EXPECT_EQ(scheduler.Next(At(0)).size(), 98u);
  EXPECT_TRUE(scheduler.NextInPause(At(0.1)).empty());
  EXPECT_FALSE(scheduler.Admit(Simple(2, "bulk", 2, std::vector<int64_t>(5, 10)), At(0.1)));
  EXPECT_TRUE(scheduler.NextInPause(At(0.1)).empty());
  const double end = 1;
  EXPECT_NEAR(std::chrono::duration<double>(*scheduler.RunningUntil() - At(end)).count(), 0, 1e-6);
  int64_t in_pauses = 0;
  for (uint64_t id = 3; id < 200; ++id) {
    EXPECT_FALSE(scheduler.Admit(Simple(id, "short", id, {20}), At(0.2)));
    const auto texts = scheduler.NextInPause(At(0.2));
    if (texts.empty()) break;
    EXPECT_THAT(RequestsOf(texts), ElementsAre(id));
    in_pauses += 20;
    EXPECT_GT(*scheduler.RunningUntil(), At(end + 0.03));
    scheduler.DonePause(20, 0.001);
    EXPECT_LT(*scheduler.RunningUntil(), At(end + 0.3));
  }
  EXPECT_NEAR(static_cast<double>(in_pauses), 980, 20);
  scheduler.Done(980, 1);
  EXPECT_TRUE(scheduler.NextInPause(At(2)).empty()) << "nothing runs";
  EXPECT_THAT(RequestsOf(scheduler.Next(At(2))), UnorderedElementsAre(2, 2, 2, 2, 2, 1, 1));
}

// Open loop at twice the capacity: everything is answered or refused at once, the server works all
// the time, and what is admitted is done within the promised wait.
TEST(Scheduler, OverloadIsRefusedAndTheRestIsServedInTime) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const SchedulerOptions options = OptionsOf(seed / 2);
    Simulation simulation(options, kFixed, kRate, kJitter, seed);
    Random& random = simulation.random();
    const bool with_bulk = seed % 2 == 0;
    SendPoisson(simulation, 2 * kRate / (with_bulk ? 110.0 : 20.0), 60, [&] {
      SimulatedRequest r{.key = "", .connection = static_cast<uint64_t>(Between(random, 0, 63))};
      const int64_t texts = with_bulk && random.Uniform() < 0.3 ? Between(random, 5, 30) : 1;
      for (int64_t i = 0; i < texts; ++i) r.tokens.push_back(Between(random, 2, 38));
      return r;
    });
    simulation.RunUntil(60);
    const double worked = simulation.busy();
    simulation.RunUntil(200);
    int refused = 0;
    int64_t computed = 0;
    std::vector<double> excess;
    for (const SimulatedRequest& r : simulation.requests()) {
      if (r.refused) {
        ++refused;
        EXPECT_GT(r.retry_after, 0);
        continue;
      }
      ASSERT_TRUE(r.Done()) << "seed " << seed;
      excess.push_back(r.end - r.arrival - simulation.OwnSeconds(r));
      if (r.end <= 60) computed += r.Tokens();
    }
    EXPECT_GT(refused, 0) << "seed " << seed;
    EXPECT_GE(worked, 0.98 * 60) << "seed " << seed;
    if (!with_bulk) {
      EXPECT_GE(static_cast<double>(computed), 0.95 * simulation.capacity() * 60)
          << "seed " << seed;
      EXPECT_LE(Quantile(excess, 0.99), options.max_wait_seconds + 2 * options.batch_seconds)
          << "seed " << seed;
    }
    EXPECT_TRUE(simulation.scheduler().empty());
    EXPECT_EQ(simulation.scheduler().queued_tokens(), 0);
    EXPECT_EQ(simulation.scheduler().queued_texts(), 0);
  }
}

// Whatever arrives, an admitted request starts within the bound, and one batch or long text more.
TEST(Scheduler, EveryAdmittedRequestStartsInTime) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SchedulerOptions options = OptionsOf(seed / 2);
    options.max_wait_seconds = seed % 3 == 0 ? 3 : 10;
    Simulation simulation(options, kFixed, kRate, kJitter, seed);
    Random& random = simulation.random();
    const auto keys = Between(random, 1, 12), connections = Between(random, 1, 40);
    const int64_t longest = seed % 2 == 0 ? 600 : 60;
    const double load = 0.5 + 2.5 * random.Uniform();
    const double mean = 15.0 * static_cast<double>(longest) / 2;
    SendPoisson(simulation, load * kRate / mean, 300, [&] {
      SimulatedRequest r{.key = std::to_string(Between(random, 1, keys)),
                         .connection = static_cast<uint64_t>(Between(random, 1, connections))};
      const double kind = random.Uniform();
      const int64_t texts = kind < 0.6    ? Between(random, 1, 4)
                            : kind < 0.95 ? Between(random, 5, 40)
                                          : Between(random, 41, 500);
      for (int64_t i = 0; i < texts; ++i) r.tokens.push_back(Between(random, 1, longest));
      return r;
    });
    simulation.RunUntil(2000);
    double latest = 0;
    int admitted = 0, dropped = 0;
    for (const SimulatedRequest& r : simulation.requests()) {
      if (r.refused) continue;
      ++admitted;
      dropped += r.dropped ? 1 : 0;
      latest = std::max(latest, r.start - r.arrival);
    }
    EXPECT_LE(dropped, 0.01 * admitted) << "seed " << seed << ", load " << load;
    const double batch = options.pauses > 0
                             ? std::min(static_cast<double>(options.pauses) * options.batch_seconds,
                                        options.max_wait_seconds / 4)
                             : 2 * options.batch_seconds;
    EXPECT_LE(latest, options.max_wait_seconds + batch +
                          static_cast<double>(longest) / kRate * (1 + kJitter))
        << "seed " << seed << ", load " << load;
    EXPECT_LE(simulation.largest_batch(), simulation.scheduler().BulkTokens() * 2);
  }
}

TEST(Scheduler, AfterRetryAfterTheRequestIsTaken) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation simulation({}, kFixed, kRate, kJitter, seed);
    Random& random = simulation.random();
    size_t refused = 0;
    for (int i = 0; i < 2000 && refused == 0; ++i) {
      const size_t index =
          simulation.Send({.key = "", .connection = 1, .tokens = {Between(random, 5, 40)}});
      simulation.RunUntil(simulation.now() + 1e-6);
      if (simulation.requests()[index].refused) refused = index;
    }
    ASSERT_GT(refused, 0u);
    const double wait = simulation.requests()[refused].retry_after;
    EXPECT_GT(wait, 9);
    EXPECT_LT(wait, 12);
    const size_t again = simulation.Send(
        {.arrival = simulation.now() + wait, .key = "", .connection = 1, .tokens = {20}});
    simulation.RunUntil(100);
    EXPECT_FALSE(simulation.requests()[again].refused);
  }
}

TEST(Scheduler, KeysThenConnectionsShareTheServerByTokens) {
  Scheduler scheduler({}, CostModel(0, 1000));  // batches of 100 tokens
  uint64_t id = 0;
  // Key a has one connection with long texts, key b ten connections with short ones.
  EXPECT_FALSE(scheduler.Admit(Simple(id++, "a", 1, std::vector<int64_t>(100, 50)), At(0)));
  for (uint64_t c = 0; c < 10; ++c)
    EXPECT_FALSE(scheduler.Admit(Simple(id++, "b", 10 + c, std::vector<int64_t>(60, 10)), At(0)));
  std::map<uint64_t, int64_t> tokens;
  for (int batch = 0; batch < 50; ++batch) {
    for (const BatchText& text : scheduler.Next(At(0))) tokens[text.request] += text.tokens;
    scheduler.Done(0, 0);
  }
  int64_t b = 0;
  for (uint64_t r = 1; r <= 10; ++r) {
    b += tokens[r];
    EXPECT_NEAR(static_cast<double>(tokens[r]), 250, 20);
  }
  EXPECT_NEAR(static_cast<double>(tokens[0]), static_cast<double>(b), 100);
}

TEST(Scheduler, ABatchEndsAtItsTimeAndALongTextGoesAlone) {
  Scheduler scheduler({}, CostModel(0.01, 1000));  // 90 tokens in 100 ms
  EXPECT_EQ(scheduler.BatchTokens(), 90);
  EXPECT_FALSE(scheduler.Admit(Simple(0, "", 1, {40, 40, 40, 700, 10, 10}), At(0)));
  EXPECT_THAT(RequestsOf(scheduler.Next(At(0))), ElementsAre(0, 0));
  scheduler.Done(80, 0.09);
  EXPECT_THAT(RequestsOf(scheduler.Next(At(0))), ElementsAre(0));
  scheduler.Done(40, 0.05);
  const auto alone = scheduler.Next(At(0));
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0].tokens, 700);
  EXPECT_EQ(alone[0].text, 3u);
  EXPECT_GT(*scheduler.RunningUntil(), At(0.5));
  scheduler.Done(700, 0.71);
  EXPECT_EQ(scheduler.Next(At(1)).size(), 2u);
  scheduler.Done(20, 0.03);
  EXPECT_TRUE(scheduler.Next(At(1)).empty());
}

TEST(Scheduler, BatchesFollowTheSpeedThatIsMeasured) {
  Simulation slow({}, 2 * kFixed, kRate / 2, 0, 1);
  Scheduler scheduler({}, CostModel(kFixed, kRate));
  const int64_t before = scheduler.BatchTokens();
  for (int i = 0; i < 200; ++i)
    scheduler.Done(before, 2 * (kFixed + static_cast<double>(before) / kRate));
  EXPECT_NEAR(static_cast<double>(scheduler.BatchTokens()), 0.5 * static_cast<double>(before), 2);
}

TEST(Scheduler, AProcessThatWasStoppedIsNotTakenForASlowOne) {
  Scheduler scheduler({}, CostModel(0, 1000));
  for (int i = 0; i < 20; ++i) scheduler.Done(100, 0.1);
  scheduler.Done(100, 600);  // ten minutes of SIGSTOP during a batch
  EXPECT_GT(scheduler.Rate(), 200);
  for (int i = 0; i < 20; ++i) scheduler.Done(100, 0.1);
  EXPECT_GT(scheduler.Rate(), 800);
}

TEST(Scheduler, AMachineThatHasBecomeSlowIsKnownAfterAFewBatches) {
  Scheduler scheduler({}, CostModel(0, 1000));
  for (int i = 0; i < 20; ++i) scheduler.Done(100, 0.1);
  for (int i = 0; i < 5; ++i) scheduler.Done(100, 10);
  EXPECT_NEAR(scheduler.Rate(), 10, 1);
}

TEST(Scheduler, ExpiredAndAbandonedRequestsAreNeverComputed) {
  Scheduler scheduler({}, CostModel(0, 1000));
  auto gone = std::make_shared<Abandoned>(false);
  QueuedRequest leaving = Simple(1, "", 1, {10, 10});
  leaving.abandoned = gone;
  QueuedRequest late = Simple(2, "", 2, {10});
  late.deadline = At(5);
  EXPECT_FALSE(scheduler.Admit(leaving, At(0)));
  EXPECT_FALSE(scheduler.Admit(late, At(0)));
  EXPECT_FALSE(scheduler.Admit(Simple(3, "", 3, {10}), At(0)));
  gone->store(true);
  std::map<uint64_t, DropReason> dropped;
  scheduler.Drop(At(6), [&](uint64_t id, DropReason reason) { dropped[id] = reason; });
  EXPECT_EQ(dropped, (std::map<uint64_t, DropReason>{{1, DropReason::kAbandoned},
                                                     {2, DropReason::kExpired}}));
  EXPECT_THAT(RequestsOf(scheduler.Next(At(6))), ElementsAre(3));
  scheduler.Done(10, 0.01);
  EXPECT_TRUE(scheduler.empty());
  EXPECT_EQ(scheduler.queued_tokens(), 0);
}

// If the engine becomes slower, requests that were admitted may come too late.
TEST(Scheduler, WhatCannotBeginInTimeAnyMoreIsDropped) {
  Scheduler scheduler({}, CostModel(0, 1000));
  EXPECT_FALSE(scheduler.Admit(Simple(1, "", 1, {10, 10}), At(0)));
  EXPECT_THAT(RequestsOf(scheduler.Next(At(0))), ElementsAre(1, 1));
  EXPECT_FALSE(scheduler.Admit(Simple(2, "", 2, {10}), At(0)));
  EXPECT_FALSE(scheduler.Admit(Simple(3, "", 3, {10}), At(9)));
  std::map<uint64_t, DropReason> dropped;
  const auto drop = [&](double now) {
    scheduler.Drop(At(now), [&](uint64_t id, DropReason reason) { dropped[id] = reason; });
  };
  drop(10.05);
  EXPECT_TRUE(dropped.empty()) << "a batch more is allowed";
  drop(10.15);
  EXPECT_EQ(dropped, (std::map<uint64_t, DropReason>{{2, DropReason::kLate}}));
  scheduler.Done(20, 10.2);
  EXPECT_THAT(RequestsOf(scheduler.Next(At(10.2))), ElementsAre(3));
}

TEST(Scheduler, ARequestThatWouldWaitUntilItsDeadlineIsRefused) {
  Scheduler scheduler({}, CostModel(0, 100));
  EXPECT_FALSE(scheduler.Admit(Simple(1, "", 1, std::vector<int64_t>(50, 10)), At(0)));
  QueuedRequest hurried = Simple(2, "", 1, std::vector<int64_t>(5, 10));
  hurried.deadline = At(4);
  EXPECT_TRUE(scheduler.Admit(hurried, At(0)));
  hurried.deadline = At(6);
  EXPECT_FALSE(scheduler.Admit(hurried, At(0)));
}

TEST(Scheduler, TheRestOfAFailedRequestIsRemoved) {
  Scheduler scheduler({}, CostModel(0, 100));  // 10 tokens a batch
  EXPECT_FALSE(scheduler.Admit(Simple(1, "", 1, {10, 10, 10}), At(0)));
  EXPECT_FALSE(scheduler.Admit(Simple(2, "", 1, {10}), At(0)));
  EXPECT_THAT(RequestsOf(scheduler.Next(At(0))), ElementsAre(1));
  scheduler.Remove(1);
  scheduler.Remove(1);
  scheduler.Done(10, 0.1);
  EXPECT_THAT(RequestsOf(scheduler.Next(At(0))), ElementsAre(2));
  scheduler.Remove(2);  // nothing of it is left here
  scheduler.Done(10, 0.1);
  EXPECT_TRUE(scheduler.empty());
}

TEST(Scheduler, TheWaitOfANewClientDoesNotCountTheWholeBacklogOfAnother) {
  Scheduler scheduler({}, CostModel(0, 100));
  EXPECT_FALSE(scheduler.Admit(Simple(1, "a", 1, std::vector<int64_t>(2048, 10)), At(0)));
  // The same client would wait for all of it, another one only for one text.
  EXPECT_TRUE(scheduler.Admit(Simple(2, "a", 1, std::vector<int64_t>(10, 10)), At(0)));
  EXPECT_FALSE(scheduler.Admit(Simple(3, "b", 1, std::vector<int64_t>(10, 10)), At(0)));
  EXPECT_FALSE(scheduler.Admit(Simple(4, "a", 2, std::vector<int64_t>(10, 10)), At(0)));
  EXPECT_FALSE(scheduler.Admit(Simple(5, "a", 1, {10}), At(0)));  // short ones have their own lane
}

}  // namespace
}  // namespace lacos::serve
