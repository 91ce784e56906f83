/* lacos_tokenize, lacos_decode and lacos_token_id: queries of sizes, offsets, decoding, and wrong
 * input. */
#include <stdlib.h>

#include "check.h"

static void TestTokenize(lacos_model* model) {
  const char text[] =
      "The caf\xc3\xa9 \xf0\x9f\x98\x80 opens at 7."; /* 22 characters in 26 bytes */
  const size_t length = sizeof text - 1;
  size_t count = 0, again = 0;
  CHECK_STATUS(lacos_tokenize(model, text, LACOS_NUL_TERMINATED, NULL, NULL, 0, &count), LACOS_OK);
  CHECK(count > 5 && count < 26);
  int32_t ids[32], same[32];
  int64_t offsets[64];
  CHECK_STATUS(lacos_tokenize(model, text, length, ids, offsets, 32, &again), LACOS_OK);
  CHECK(again == count);
  CHECK_STATUS(lacos_tokenize(model, text, length, same, NULL, count, &again), LACOS_OK);
  CHECK(memcmp(ids, same, count * sizeof *ids) == 0);
  CHECK(offsets[0] == 0 && offsets[2 * count - 1] == 22);
  for (size_t i = 0; i < count; ++i) {
    CHECK(ids[i] >= 0 && (size_t)ids[i] < lacos_vocabulary_size(model));
    CHECK(0 <= offsets[2 * i] && offsets[2 * i] <= offsets[2 * i + 1] && offsets[2 * i + 1] <= 22);
  }
  again = 0;
  memset(same, 7, sizeof same);
  CHECK_FAILS(lacos_tokenize(model, text, length, same, NULL, count - 1, &again),
              LACOS_BUFFER_TOO_SMALL, "[ids]");
  CHECK(again == count && same[0] == 0x07070707);

  /* Decoding takes two calls: one for the size and one for the text. */
  char back[64] = "";
  size_t bytes = 0;
  CHECK_STATUS(lacos_decode(model, ids, count, 0, NULL, 0, &bytes), LACOS_OK);
  CHECK(bytes == length);
  CHECK_FAILS(lacos_decode(model, ids, count, 0, back, bytes, &bytes), LACOS_BUFFER_TOO_SMALL,
              "[text]");
  CHECK(bytes == length && back[0] == '\0');
  CHECK_STATUS(lacos_decode(model, ids, count, 0, back, bytes + 1, &bytes), LACOS_OK);
  CHECK(strcmp(back, text) == 0);

  /* A single byte of a longer character is not text. */
  for (size_t i = 0; i < count; ++i) {
    CHECK_STATUS(lacos_decode(model, ids + i, 1, 0, back, sizeof back, &bytes), LACOS_OK);
    CHECK(strlen(back) == bytes);
  }
}

static void TestWrongCalls(lacos_model* model) {
  int32_t ids[8];
  size_t count;
  char text[8];
  CHECK_FAILS(lacos_tokenize(NULL, "a", 1, ids, NULL, 8, &count), LACOS_INVALID_ARGUMENT,
              "[model]");
  CHECK_FAILS(lacos_tokenize(model, NULL, 1, ids, NULL, 8, &count), LACOS_INVALID_ARGUMENT,
              "[text]");
  CHECK_FAILS(lacos_tokenize(model, NULL, LACOS_NUL_TERMINATED, ids, NULL, 8, &count),
              LACOS_INVALID_ARGUMENT, "[text]");
  CHECK_FAILS(lacos_tokenize(model, "a", 1, NULL, NULL, 8, &count), LACOS_INVALID_ARGUMENT,
              "[ids]");
  CHECK_FAILS(lacos_tokenize(model, "a", 1, ids, NULL, 8, NULL), LACOS_INVALID_ARGUMENT, "[count]");
  CHECK_FAILS(lacos_tokenize(model, "ab\x80", 3, ids, NULL, 8, &count), LACOS_USER_ERROR,
              "[text] byte 2 ");
  CHECK_STATUS(lacos_tokenize(model, NULL, 0, ids, NULL, 8, &count), LACOS_OK);
  CHECK(count == 0);

  const int32_t unknown[] = {INT32_MAX}, negative[] = {-1};
  CHECK_FAILS(lacos_decode(NULL, unknown, 0, 0, text, 8, &count), LACOS_INVALID_ARGUMENT,
              "[model]");
  CHECK_FAILS(lacos_decode(model, NULL, 1, 0, text, 8, &count), LACOS_INVALID_ARGUMENT, "[ids]");
  CHECK_FAILS(lacos_decode(model, unknown, 0, 0, NULL, 8, &count), LACOS_INVALID_ARGUMENT,
              "[text]");
  CHECK_FAILS(lacos_decode(model, unknown, 0, 0, text, 8, NULL), LACOS_INVALID_ARGUMENT,
              "[length]");
  CHECK_FAILS(lacos_decode(model, unknown, 1, 0, text, 8, &count), LACOS_USER_ERROR, "2147483647");
  CHECK_FAILS(lacos_decode(model, negative, 1, 0, text, 8, &count), LACOS_USER_ERROR, "-1");
  CHECK_STATUS(lacos_decode(model, NULL, 0, 0, text, 1, &count), LACOS_OK);
  CHECK(count == 0 && text[0] == '\0');
}

void TestTokens(void) {
  lacos_model* model = OpenOrExit(g_model, NULL);
  TestTokenize(model);
  TestWrongCalls(model);

  const int32_t end = lacos_token_id(model, "</s>");
  CHECK(end == 2); /* the id in config.json */
  CHECK(lacos_token_id(model, "no such token") == -1);
  CHECK(lacos_token_id(NULL, "</s>") == -1 && lacos_token_id(model, NULL) == -1);
  char text[8];
  size_t length;
  CHECK_STATUS(lacos_decode(model, &end, 1, 0, text, sizeof text, &length), LACOS_OK);
  CHECK(strcmp(text, "</s>") == 0 && length == 4);
  CHECK_STATUS(lacos_decode(model, &end, 1, 1, text, sizeof text, &length), LACOS_OK);
  CHECK(strcmp(text, "") == 0 && length == 0);
  lacos_close(model);

  /* Offsets still count from the start of the original text. */
  lacos_options options = LACOS_OPTIONS_INIT;
  options.strip = LACOS_YES;
  model = OpenOrExit(g_model, &options);
  int32_t ids[8];
  int64_t offsets[16];
  size_t count;
  CHECK_STATUS(lacos_tokenize(model, "\xe3\x80\x80 guitar \n", LACOS_NUL_TERMINATED, ids, offsets,
                              8, &count),
               LACOS_OK);
  CHECK(count > 0 && offsets[0] == 2 && offsets[2 * count - 1] == 8);
  CHECK_STATUS(lacos_tokenize(model, " \n", LACOS_NUL_TERMINATED, ids, offsets, 8, &count),
               LACOS_OK);
  CHECK(count == 0);
  lacos_close(model);
}
