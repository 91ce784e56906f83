/* Several threads at once get the same bytes as one thread, take turns, and have their own
 * messages. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "check.h"

enum { kThreads = 4, kTexts = 40, kRounds = 3 };

static char g_texts[kTexts][64];
static const char* g_pointers[kTexts];

typedef struct {
  lacos_model* model;
  const float* expected;
  int index;
  int failures;
} Worker;

/* Encodes the texts in this thread's order and compares vectors. Makes wrong calls in between. */
static void* Work(void* argument) {
  Worker* worker = argument;
  const size_t d = lacos_dimension(worker->model);
  const char* texts[kTexts];
  for (size_t i = 0; i < kTexts; ++i)
    texts[i] = g_pointers[(i * 7 + (size_t)worker->index * 11) % kTexts];
  float* out = malloc(kTexts * d * sizeof *out);
  for (int round = 0; round < kRounds; ++round) {
    worker->failures +=
        lacos_encode(worker->model, texts, NULL, kTexts, NULL, out, kTexts * d, NULL) != LACOS_OK;
    for (size_t i = 0; i < kTexts; ++i) {
      const size_t from = (i * 7 + (size_t)worker->index * 11) % kTexts;
      worker->failures += memcmp(out + i * d, worker->expected + from * d, d * sizeof *out) != 0;
    }
    char path[64];
    snprintf(path, sizeof path, "no folder of thread %d", worker->index);
    lacos_model* none;
    worker->failures += lacos_open(path, NULL, &none) != LACOS_USER_ERROR;
    int32_t ids[64];
    size_t count;
    worker->failures += lacos_tokenize(worker->model, texts[0], LACOS_NUL_TERMINATED, ids, NULL, 64,
                                       &count) != LACOS_OK;
    worker->failures += strstr(lacos_last_error(), path) == NULL; /* the message is this thread's */
  }
  free(out);
  return NULL;
}

static void TestSameBytes(lacos_model* one, lacos_model* other) {
  float* expected = Encode(one, g_pointers, kTexts, NULL);
  pthread_t threads[kThreads];
  Worker workers[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    workers[i] = (Worker){.model = i % 2 == 0 ? one : other, .expected = expected, .index = i};
    CHECK(pthread_create(&threads[i], NULL, Work, &workers[i]) == 0);
  }
  for (int i = 0; i < kThreads; ++i) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(workers[i].failures == 0);
  }
  free(expected);
}

/* A short call during a long one gets its turn between two slices. */
typedef struct {
  lacos_model* model;
  pthread_t thread;
  atomic_int started, finished;
  int finished_during_long_call;
} Turns;

static void* ShortCall(void* argument) {
  Turns* turns = argument;
  free(Encode(turns->model, g_pointers, 1, NULL));
  atomic_store(&turns->finished, 1);
  return NULL;
}

static int DuringLongCall(void* context, size_t done, size_t total) {
  Turns* turns = context;
  if (!atomic_exchange(&turns->started, 1))
    CHECK(pthread_create(&turns->thread, NULL, ShortCall, turns) == 0);
  if (done < total && atomic_load(&turns->finished)) {
    turns->finished_during_long_call = 1;
    return 1; /* stop, since this is all the test needs */
  }
  return 0;
}

static void TestTurns(lacos_model* model) {
  enum { kLong = 60000 }; /* about sixty slices, which take several seconds */
  const char** texts = malloc(kLong * sizeof *texts);
  for (size_t i = 0; i < kLong; ++i) texts[i] = g_pointers[i % kTexts];
  lacos_encode_options options = LACOS_ENCODE_OPTIONS_INIT;
  Turns turns = {.model = model};
  options.progress = DuringLongCall;
  options.progress_context = &turns;
  const size_t floats = kLong * lacos_dimension(model);
  float* out = malloc(floats * sizeof *out);
  CHECK_STATUS(lacos_encode(model, texts, NULL, kLong, &options, out, floats, NULL),
               LACOS_CANCELLED);
  CHECK(turns.finished_during_long_call);
  if (atomic_load(&turns.started)) CHECK(pthread_join(turns.thread, NULL) == 0);
  free(out);
  free(texts);
}

void TestThreads(void) {
  for (int i = 0; i < kTexts; ++i) {
    snprintf(g_texts[i], sizeof g_texts[i], "text %d: %.*s", i, i % 20, "one of several words");
    g_pointers[i] = g_texts[i];
  }
  lacos_options options = LACOS_OPTIONS_INIT;
  options.threads = 1;
  lacos_model* one = OpenOrExit(g_model, &options);
  options.threads = 3;
  lacos_model* other = OpenOrExit(g_model, &options);
  TestSameBytes(one, one);
  TestSameBytes(one, other);
  TestTurns(other);
  lacos_close(one);
  free(Encode(other, g_pointers, 2, NULL)); /* closing one model does not affect the other */
  lacos_close(other);
}
