/* Shared by the C tests: a check that counts failures and continues, and folders to work in. The
 * tests are written in C because lacos.h must work in C and in C++. */
#ifndef LACOS_TESTS_CAPI_CHECK_H_
#define LACOS_TESTS_CAPI_CHECK_H_

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <lacos.h>

extern int g_failures;

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      ++g_failures;                                                           \
      fprintf(stderr, "%s:%d: %s: not so\n", __FILE__, __LINE__, #condition); \
    }                                                                         \
  } while (0)

/* Checks that the call returns this status. */
#define CHECK_STATUS(call, expected)                                                            \
  do {                                                                                          \
    const lacos_status found_status = (call);                                                   \
    if (found_status != (expected)) {                                                           \
      ++g_failures;                                                                             \
      fprintf(stderr, "%s:%d: %s: found '%s' (%s); expected '%s'\n", __FILE__, __LINE__, #call, \
              lacos_status_name((int32_t)found_status), lacos_last_error(),                     \
              lacos_status_name((int32_t)(expected)));                                          \
    }                                                                                           \
  } while (0)

/* Checks that the call fails with this status, and that its message begins with [where] and
 * contains `part`. */
#define CHECK_FAILS(call, expected, part)                                           \
  do {                                                                              \
    CHECK_STATUS(call, expected);                                                   \
    if (strstr(lacos_last_error(), part) == NULL || lacos_last_error()[0] != '[') { \
      ++g_failures;                                                                 \
      fprintf(stderr, "%s:%d: the message '%s' lacks '%s'\n", __FILE__, __LINE__,   \
              lacos_last_error(), part);                                            \
    }                                                                               \
  } while (0)

/* Paths that main sets. */
extern const char* g_program; /* the lacos program */
extern const char* g_model;   /* the bundled BLOOM */

/* A path inside the temporary folder of the run. The result is one of a few static strings, which
 * are used in turn. */
const char* InFolder(const char* name);
void WriteBytes(const char* path, const char* bytes, size_t size);
void WriteText(const char* path, const char* text);
/* Allocates and returns the first `size` bytes of a file, or fewer; *found gets their number. */
char* ReadBytes(const char* path, size_t size, size_t* found);
/* Makes a folder with links to all files of the model but those in `without` (NULL-terminated). */
void LinkModel(const char* folder, const char* const* without);
/* Makes a sentence-transformers folder of the model with weighted mean, normalization and the
 * prompts "query" and "none". */
const char* SentenceTransformersFolder(void);
/* Runs the program with these arguments (NULL-terminated, without its own name) and returns its
 * exit status. */
int RunProgram(const char* const* arguments);

/* Opens the model with the options, or ends the test program. */
lacos_model* OpenOrExit(const char* path, const lacos_options* options);
/* Allocates and returns the vectors of n texts, [n, D]. After a failure, which is counted, the
 * result is NULL. */
float* Encode(lacos_model* model, const char* const* texts, size_t n,
              const lacos_encode_options* options);

void TestOpening(void);
void TestSettings(void);
void TestEncoding(void);
void TestProgram(void);
void TestTokens(void);
void TestSimilarity(void);
void TestThreads(void);
void TestHost(void);
void TestServer(void);
void TestWork(void);

#endif
