/* lacos_encode: its arguments, its output and counts, and that its bytes equal those of
 * `lacos embed`. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdlib.h>

#include "check.h"

static const char* const kTexts[] = {
    "A man plays a guitar.", "", "Someone makes music on a stage, in the rain.",
    "\xe4\xbb\x8a\xe5\xa4\xa9\xe5\xa4\xa9\xe6\xb0\x94", "  blanks  "};
enum { kCount = sizeof kTexts / sizeof *kTexts };

static void TestArguments(lacos_model* model) {
  const size_t d = lacos_dimension(model);
  float out[1024];
  memset(out, 7, sizeof out);
  float untouched[1024];
  memcpy(untouched, out, sizeof out);
  CHECK_FAILS(lacos_encode(NULL, kTexts, NULL, 1, NULL, out, d, NULL), LACOS_INVALID_ARGUMENT,
              "[model]");
  CHECK_FAILS(lacos_encode(model, NULL, NULL, 1, NULL, out, d, NULL), LACOS_INVALID_ARGUMENT,
              "[texts]");
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, 1, NULL, NULL, d, NULL), LACOS_INVALID_ARGUMENT,
              "[out]");
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, 2, NULL, out, 2 * d - 1, NULL),
              LACOS_BUFFER_TOO_SMALL, "[out]");
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, (size_t)-1, NULL, out, 1024, NULL),
              LACOS_BUFFER_TOO_SMALL, "[out]");
  const char* const with_null[] = {"text", NULL};
  CHECK_FAILS(lacos_encode(model, with_null, NULL, 2, NULL, out, 2 * d, NULL),
              LACOS_INVALID_ARGUMENT, "texts[1]");
  const char* const invalid[] = {"text", "caf\xc3\xa9 \xff!"};
  CHECK_FAILS(lacos_encode(model, invalid, NULL, 2, NULL, out, 2 * d, NULL), LACOS_USER_ERROR,
              "[texts[1]] byte 6 ");
  const char* const surrogate[] = {"\xed\xa0\x80"};
  CHECK_FAILS(lacos_encode(model, surrogate, NULL, 1, NULL, out, d, NULL), LACOS_USER_ERROR,
              "[texts[0]] byte 0 ");
  const size_t cut[] = {4}; /* ends in the middle of a character */
  const char* const cafe[] = {"caf\xc3\xa9"};
  CHECK_FAILS(lacos_encode(model, cafe, cut, 1, NULL, out, d, NULL), LACOS_USER_ERROR,
              "[texts[0]] byte 3 ");

  lacos_encode_options options = LACOS_ENCODE_OPTIONS_INIT;
  options.struct_size = 1;
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, 1, &options, out, d, NULL), LACOS_INVALID_ARGUMENT,
              "struct_size");
  options.struct_size = sizeof options;
  options.prompt = "\xff";
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, 1, &options, out, d, NULL), LACOS_USER_ERROR,
              "[options.prompt]");
  options.prompt = NULL;
  options.prompt_name = "passage";
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, 1, &options, out, d, NULL), LACOS_USER_ERROR,
              "passage");
  options.prompt_name = NULL;
  options.normalize = 3;
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, 1, &options, out, d, NULL), LACOS_INVALID_ARGUMENT,
              "normalize");
  options.normalize = 0;
  options.truncate_dim = d + 1;
  CHECK_FAILS(lacos_encode(model, kTexts, NULL, 1, &options, out, 2 * d, NULL),
              LACOS_INVALID_ARGUMENT, "truncate_dim");
  CHECK(memcmp(out, untouched, sizeof out) == 0);

  lacos_encode_stats stats = {9, 9, 9, 9};
  CHECK_STATUS(lacos_encode(model, NULL, NULL, 0, NULL, NULL, 0, &stats), LACOS_OK);
  CHECK(stats.texts == 0 && stats.tokens == 0 && stats.truncated == 0 && stats.empty == 0);
}

static int StopAtOnce(void* context, size_t done, size_t total) {
  ++*(int*)context;
  CHECK(done > 0 && done < total);
  return 1;
}

static int CountDone(void* context, size_t done, size_t total) {
  size_t* last = context;
  CHECK(done > *last && done <= total);
  *last = done;
  return 0;
}

static void TestProgress(lacos_model* model) {
  enum { kMany = 3000 };
  const char** texts = malloc(kMany * sizeof *texts);
  for (size_t i = 0; i < kMany; ++i) texts[i] = kTexts[i % kCount];
  const size_t d = lacos_dimension(model);
  float* all = malloc(kMany * d * sizeof *all);
  size_t last = 0;
  lacos_encode_options options = LACOS_ENCODE_OPTIONS_INIT;
  options.progress = CountDone;
  options.progress_context = &last;
  lacos_encode_stats stats;
  CHECK_STATUS(lacos_encode(model, texts, NULL, kMany, &options, all, kMany * d, &stats), LACOS_OK);
  CHECK(last == kMany);
  CHECK(stats.texts == kMany && stats.empty == kMany / kCount);
  for (size_t i = kCount; i < kMany; ++i) { /* slices and neighbours do not change a vector */
    if (memcmp(all + i * d, all + i % kCount * d, d * sizeof *all) != 0)
      CHECK(!"equal texts have equal vectors");
  }
  int calls = 0;
  options.progress = StopAtOnce;
  options.progress_context = &calls;
  CHECK_FAILS(lacos_encode(model, texts, NULL, kMany, &options, all, kMany * d, NULL),
              LACOS_CANCELLED, "[progress]");
  CHECK(calls == 1);
  free(all);
  free(texts);
}

void TestEncoding(void) {
  lacos_options opening = LACOS_OPTIONS_INIT;
  opening.max_length = 4;
  lacos_model* model = OpenOrExit(g_model, &opening);
  const size_t d = lacos_dimension(model);
  TestArguments(model);
  TestProgress(model);

  float* vectors = malloc(kCount * d * sizeof *vectors);
  lacos_encode_stats stats;
  CHECK_STATUS(lacos_encode(model, kTexts, NULL, kCount, NULL, vectors, kCount * d, &stats),
               LACOS_OK);
  CHECK(stats.texts == kCount && stats.empty == 1 && stats.truncated >= 2 &&
        stats.tokens <= 4 * (kCount - 1));
  double length = 0;
  for (size_t j = 0; j < d; ++j) {
    CHECK(vectors[d + j] == 0.0f); /* vector of the empty text */
    length += (double)vectors[j] * vectors[j];
  }
  CHECK(length > 0 && fabs(sqrt(length) - 1) > 1e-3);

  /* Texts given by lengths instead of NULs: part of a string, and a text with a NUL inside. */
  const char* const joined[] = {"A man plays a guitar.XYZ", "", kTexts[2], kTexts[3], kTexts[4]};
  const size_t lengths[] = {21, 0, strlen(kTexts[2]), strlen(kTexts[3]), strlen(kTexts[4])};
  float* same = malloc(kCount * d * sizeof *same);
  CHECK_STATUS(lacos_encode(model, joined, lengths, kCount, NULL, same, kCount * d, NULL),
               LACOS_OK);
  CHECK(memcmp(vectors, same, kCount * d * sizeof *vectors) == 0);
  const char* const with_nul[] = {"a\0b"};
  const size_t three[] = {3}, one[] = {1};
  CHECK_STATUS(lacos_encode(model, with_nul, three, 1, NULL, same, d, NULL), LACOS_OK);
  CHECK_STATUS(lacos_encode(model, with_nul, one, 1, NULL, same + d, d, NULL), LACOS_OK);
  CHECK(memcmp(same, same + d, d * sizeof *same) != 0);
  free(same);

  /* Normalization and truncation set by a call. */
  lacos_encode_options options = LACOS_ENCODE_OPTIONS_INIT;
  options.normalize = LACOS_YES;
  float* unit = Encode(model, kTexts, kCount, &options);
  length = 0;
  for (size_t j = 0; j < d; ++j) length += (double)unit[j] * unit[j];
  CHECK(fabs(sqrt(length) - 1) < 1e-6);
  options.truncate_dim = 5;
  float head[2 * 5];
  CHECK_STATUS(lacos_encode(model, kTexts, NULL, 2, &options, head, 10, NULL), LACOS_OK);
  length = 0;
  for (size_t j = 0; j < 5; ++j) length += (double)head[j] * head[j];
  CHECK(fabs(sqrt(length) - 1) < 1e-6 && head[5] == 0);
  options.normalize = LACOS_NO;
  CHECK_STATUS(lacos_encode(model, kTexts, NULL, 1, &options, head, 5, NULL), LACOS_OK);
  CHECK(memcmp(head, vectors, 5 * sizeof *head) == 0);
  free(unit);
  free(vectors);
  lacos_close(model);

  /* The folder's default prompt, a prompt by name, a prompt by its text, and no prompt. */
  model = OpenOrExit(SentenceTransformersFolder(), NULL);
  const char* const asked[] = {"what?"};
  const char* const prompted[] = {"Question: what?"};
  lacos_encode_options bare = LACOS_ENCODE_OPTIONS_INIT, named = LACOS_ENCODE_OPTIONS_INIT,
                       none = LACOS_ENCODE_OPTIONS_INIT, given = LACOS_ENCODE_OPTIONS_INIT;
  bare.prompt = "";
  named.prompt_name = "query";
  none.prompt_name = "none";
  given.prompt = "Question: ";
  float* expected = Encode(model, prompted, 1, &bare);
  const lacos_encode_options* const same_prompt[] = {NULL, &named, &given};
  for (int i = 0; i < 3; ++i) {
    float* found = Encode(model, asked, 1, same_prompt[i]);
    CHECK(memcmp(found, expected, d * sizeof *found) == 0);
    free(found);
  }
  float *plain = Encode(model, asked, 1, &bare), *also = Encode(model, asked, 1, &none);
  CHECK(memcmp(plain, expected, d * sizeof *plain) != 0);
  CHECK(memcmp(plain, also, d * sizeof *plain) == 0);
  free(also);
  free(plain);
  free(expected);
  lacos_close(model);
}

/* The vectors that `lacos embed` writes for kTexts, read from the end of its .npy file. */
static float* EmbedByProgram(const char* model, const char* const* flags, size_t floats) {
  const char *input = InFolder("texts.txt"), *output = InFolder("vectors.npy");
  char lines[4096] = "";
  for (size_t i = 0; i < kCount; ++i) strcat(strcat(lines, kTexts[i]), "\n");
  WriteText(input, lines);
  const char* words[32] = {"embed", "--model",     model,     "--input",     input, "--output",
                           output,  "--overwrite", "--quiet", "--log-level", "off"};
  for (size_t i = 0; flags[i] != NULL; ++i) words[11 + i] = flags[i];
  CHECK(RunProgram(words) == 0);
  size_t found;
  char* file = ReadBytes(output, 1 << 20, &found);
  float* vectors = malloc(floats * sizeof *vectors);
  CHECK(found > floats * sizeof *vectors);
  memcpy(vectors, file + found - floats * sizeof *vectors, floats * sizeof *vectors);
  free(file);
  return vectors;
}

void TestProgram(void) {
  const struct {
    const char* flags[12];
    lacos_options options;
    lacos_encode_options encoding;
  } cases[] = {
      {{NULL}, LACOS_OPTIONS_INIT, LACOS_ENCODE_OPTIONS_INIT},
      {{"--compute", "f32", "--normalize", "--threads", "1", NULL},
       {.struct_size = sizeof(lacos_options),
        .compute = LACOS_COMPUTE_F32,
        .normalize = LACOS_YES,
        .threads = 2},
       LACOS_ENCODE_OPTIONS_INIT},
      {{"--pooling", "last", "--strip", "--max-length", "5", "--normalize", "--prompt",
        "So: ", NULL},
       {.struct_size = sizeof(lacos_options),
        .pooling = LACOS_POOLING_LAST,
        .strip = LACOS_YES,
        .max_length = 5,
        .batch_tokens = 7},
       {.struct_size = sizeof(lacos_encode_options), .prompt = "So: ", .normalize = LACOS_YES}},
      {{"--prefix", "</s>", "--suffix", "<pad>", "--max-length", "6", NULL},
       {.struct_size = sizeof(lacos_options), .max_length = 6, .prefix = "</s>", .suffix = "<pad>"},
       LACOS_ENCODE_OPTIONS_INIT},
      {{"--pooling", "max", "--truncate-dim", "9", "--normalize", NULL},
       {.struct_size = sizeof(lacos_options), .pooling = LACOS_POOLING_MAX, .normalize = LACOS_YES},
       {.struct_size = sizeof(lacos_encode_options), .truncate_dim = 9}},
  };
  const char* const folders[] = {g_model, SentenceTransformersFolder()};
  for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; ++i) {
    const char* folder = folders[i % 2];
    lacos_model* model = OpenOrExit(folder, &cases[i / 2].options);
    const size_t kept = cases[i / 2].encoding.truncate_dim;
    const size_t floats = kCount * (kept > 0 ? kept : lacos_dimension(model));
    float* theirs = EmbedByProgram(folder, cases[i / 2].flags, floats);
    float* ours = Encode(model, kTexts, kCount, &cases[i / 2].encoding);
    CHECK(memcmp(ours, theirs, floats * sizeof *ours) == 0);
    free(ours);
    free(theirs);
    lacos_close(model);
  }
}
