/* What the C tests share: a check that counts failures and goes on, and folders to work in. C, not C++: the
 * header must serve both. */
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

/* The call has this status. */
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

/* The call fails with this status and a message of the form [where] ...; ...; ... that contains `part`. */
#define CHECK_FAILS(call, expected, part)                                           \
  do {                                                                              \
    CHECK_STATUS(call, expected);                                                   \
    if (strstr(lacos_last_error(), part) == NULL || lacos_last_error()[0] != '[') { \
      ++g_failures;                                                                 \
      fprintf(stderr, "%s:%d: the message '%s' lacks '%s'\n", __FILE__, __LINE__,   \
              lacos_last_error(), part);                                            \
    }                                                                               \
  } while (0)

/* Paths of this run, set by main. */
extern const char* g_program; /* the lacos program */
extern const char* g_model;   /* the bundled BLOOM */

/* A path inside the run's temporary folder; one of a few static strings, used in turn. */
const char* InFolder(const char* name);
void WriteBytes(const char* path, const char* bytes, size_t size);
void WriteText(const char* path, const char* text);
/* First `size` bytes of a file, at most; allocated. *found gets how many there were. */
char* ReadBytes(const char* path, size_t size, size_t* found);
/* A folder with links to all files of the model but those named in `without` (NULL-terminated). */
void LinkModel(const char* folder, const char* const* without);
/* A sentence-transformers folder over the model: weighted mean, normalised, prompts "query" and "none". */
const char* SentenceTransformersFolder(void);
/* Runs the program with these arguments (NULL-terminated, without its own name); returns its exit status. */
int RunProgram(const char* const* arguments);

/* Opens with the options, or ends the test program. */
lacos_model* OpenOrExit(const char* path, const lacos_options* options);
/* Vectors of n texts, allocated [n, D]; NULL after a failure, which is counted. */
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

#endif
