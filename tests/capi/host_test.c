/* Changes that a host process may make to its own state: floating-point modes, signals, fork(). */
#define _POSIX_C_SOURCE 200809L
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "check.h"

static const char* const kTexts[] = {"A man plays a guitar.", "Someone makes music."};

/* Sets modes that -ffast-math and numeric libraries leave behind: subnormals become zeros, and
 * another rounding mode. */
static void SpoilFloatingPoint(void) {
  fesetround(FE_UPWARD);
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040u); /* set flush-to-zero and denormals-are-zero */
#endif
}

static int IsSpoiled(void) {
#if defined(__x86_64__)
  if ((_mm_getcsr() & 0x8040u) != 0x8040u) return 0;
#endif
  return fegetround() == FE_UPWARD;
}

static void TestFloatingPoint(void) {
  fenv_t clean;
  fegetenv(&clean);
  lacos_model* model = OpenOrExit(g_model, NULL);
  const size_t bytes = 2 * lacos_dimension(model) * sizeof(float);
  float* expected = Encode(model, kTexts, 2, NULL);
  lacos_close(model);

  const float tiny[] = {1e-40f, 2e-40f, 3e-40f,
                        1e-40f, 2e-40f, -3e-40f}; /* subnormal values, which flushing makes zero */
  float cosine = -1, spoiled_cosine = -1;
  CHECK_STATUS(lacos_similarity(tiny, 1, tiny + 3, 1, 3, &cosine, 1), LACOS_OK);
  CHECK(cosine < -0.28f && cosine > -0.29f); /* it is (1 + 4 - 9) / 14 */

  SpoilFloatingPoint();
  model = OpenOrExit(g_model, NULL); /* its threads inherit the spoiled modes */
  CHECK(IsSpoiled());
  float* found = Encode(model, kTexts, 2, NULL);
  CHECK(IsSpoiled());
  const lacos_status status = lacos_similarity(tiny, 1, tiny + 3, 1, 3, &spoiled_cosine, 1);
  CHECK(IsSpoiled());
  fesetenv(&clean);
  CHECK(status == LACOS_OK && memcmp(&cosine, &spoiled_cosine, sizeof cosine) == 0);
  CHECK(memcmp(found, expected, bytes) == 0);
  free(found);
  free(expected);
  lacos_close(model);
}

/* A signal that is sent to the process goes to a thread of the host. Here only one thread unblocks
 * it. */
static volatile sig_atomic_t g_signals;
static pthread_t g_handler_thread;
static void OnSignal(int number) {
  (void)number;
  ++g_signals;
  g_handler_thread = pthread_self();
}

static void TestSignals(void) {
  struct sigaction action = {.sa_handler = OnSignal}, before;
  sigaction(SIGUSR1, &action, &before);
  /* The signal is not blocked when the threads of the library start. */
  lacos_model* model = OpenOrExit(g_model, NULL);
  free(Encode(model, kTexts, 2, NULL));
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  kill(getpid(), SIGUSR1);
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  CHECK(g_signals == 0); /* all threads block it now */
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  CHECK(g_signals == 1 && pthread_equal(g_handler_thread, pthread_self()));
  lacos_close(model);
  sigaction(SIGUSR1, &before, NULL);
}

#if !defined(LACOS_NO_FORK_TEST)
static void TestFork(void) {
  lacos_model* model = OpenOrExit(g_model, NULL);
  const size_t bytes = 2 * lacos_dimension(model) * sizeof(float);
  float* expected = Encode(model, kTexts, 2, NULL);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    float out[2048];
    g_failures = 0;
    CHECK_FAILS(lacos_encode(model, kTexts, NULL, 2, NULL, out, 2048, NULL), LACOS_USER_ERROR,
                "[fork]");
    lacos_close(model);
    lacos_model* own = OpenOrExit(g_model, NULL);
    float* found = Encode(own, kTexts, 2, NULL);
    CHECK(memcmp(found, expected, bytes) == 0);
    free(found);
    lacos_close(own);
    _exit(g_failures == 0 ? 0 : 1);
  }
  int status = 0;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  float* still = Encode(model, kTexts, 2, NULL); /* the parent can still encode */
  CHECK(memcmp(still, expected, bytes) == 0);
  free(still);
  free(expected);
  lacos_close(model);
}
#endif

void TestHost(void) {
  TestFloatingPoint();
  TestSignals();
#if !defined(LACOS_NO_FORK_TEST)
  TestFork();
#endif
}
