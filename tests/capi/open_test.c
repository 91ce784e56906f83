/* Opening and closing models, the properties of an open model, and the errors for wrong paths,
 * files and options. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static lacos_status OpenAndClose(const char* path, const lacos_options* options) {
  lacos_model* model = (lacos_model*)&g_failures; /* not NULL, because a failure must clear it */
  const lacos_status status = lacos_open(path, options, &model);
  CHECK((status == LACOS_OK) == (model != NULL));
  lacos_close(model);
  return status;
}

static void TestDamagedFolders(void) {
  const char* const no_weights[] = {"model.safetensors", NULL};
  LinkModel(InFolder("damaged"), no_weights);
  CHECK_FAILS(OpenAndClose(InFolder("damaged"), NULL), LACOS_USER_ERROR, "damaged");

  char weights[4096];
  snprintf(weights, sizeof weights, "%s/model.safetensors", g_model);
  size_t found;
  char* start = ReadBytes(weights, 1 << 20, &found); /* an incomplete download */
  WriteBytes(InFolder("damaged/model.safetensors"), start, found);
  CHECK_FAILS(OpenAndClose(InFolder("damaged"), NULL), LACOS_USER_ERROR, "model.safetensors");
  memset(start, 0xff, 8); /* the size of the header is 2^64 - 1 bytes */
  WriteBytes(InFolder("damaged/model.safetensors"), start, found);
  CHECK_FAILS(OpenAndClose(InFolder("damaged"), NULL), LACOS_USER_ERROR, "model.safetensors");
  free(start);

  const char* const no_config[] = {"config.json", NULL};
  LinkModel(InFolder("config"), no_config);
  WriteText(InFolder("config/config.json"), "{\"model_type\": \"bloom\", \"hidden_size\": -1");
  CHECK_FAILS(OpenAndClose(InFolder("config"), NULL), LACOS_USER_ERROR, "config.json");

  const char* const no_tokenizer[] = {"tokenizer.json", NULL};
  LinkModel(InFolder("tokenizer"), no_tokenizer);
  CHECK_FAILS(OpenAndClose(InFolder("tokenizer"), NULL), LACOS_USER_ERROR, "tokenizer.json");
  WriteText(InFolder("tokenizer/tokenizer.json"), "[[[[]]]]");
  CHECK_FAILS(OpenAndClose(InFolder("tokenizer"), NULL), LACOS_USER_ERROR, "tokenizer.json");
}

static void TestWrongOptions(void) {
  lacos_options options = LACOS_OPTIONS_INIT;
  options.struct_size = 0;
  CHECK_FAILS(OpenAndClose(g_model, &options), LACOS_INVALID_ARGUMENT, "struct_size");
  options.struct_size = (size_t)-1;
  CHECK_FAILS(OpenAndClose(g_model, &options), LACOS_INVALID_ARGUMENT, "struct_size");

  static const struct {
    const char* name;
    size_t offset;
    int32_t value;
  } fields[] = {{"compute", offsetof(lacos_options, compute), 4},
                {"compute", offsetof(lacos_options, compute), -1},
                {"pooling", offsetof(lacos_options, pooling), 7},
                {"normalize", offsetof(lacos_options, normalize), 3},
                {"strip", offsetof(lacos_options, strip), -2},
                {"threads", offsetof(lacos_options, threads), 4097},
                {"threads", offsetof(lacos_options, threads), INT32_MIN},
                {"reserved", offsetof(lacos_options, reserved), 1}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i) {
    lacos_options wrong = LACOS_OPTIONS_INIT;
    memcpy((char*)&wrong + fields[i].offset, &fields[i].value, sizeof fields[i].value);
    CHECK_FAILS(OpenAndClose(g_model, &wrong), LACOS_INVALID_ARGUMENT, fields[i].name);
  }
  lacos_options lengths = LACOS_OPTIONS_INIT;
  lengths.max_length = -1;
  CHECK_FAILS(OpenAndClose(g_model, &lengths), LACOS_INVALID_ARGUMENT, "max_length");
  lengths.max_length = 0;
  lengths.batch_tokens = INT64_MAX;
  CHECK_FAILS(OpenAndClose(g_model, &lengths), LACOS_INVALID_ARGUMENT, "batch_tokens");

  lacos_options around = LACOS_OPTIONS_INIT;
  around.suffix = "\xff";
  CHECK_FAILS(OpenAndClose(g_model, &around), LACOS_USER_ERROR, "[options.suffix]");
  around.suffix = "a suffix that leaves no room";
  around.max_length = 2;
  CHECK_FAILS(OpenAndClose(g_model, &around), LACOS_USER_ERROR, "room");

  lacos_options folders = LACOS_OPTIONS_INIT;
  folders.adapter = "no such adapter";
  CHECK_FAILS(OpenAndClose(g_model, &folders), LACOS_USER_ERROR, "no such adapter");
  folders.adapter = NULL;
  folders.base = "no such base";
  CHECK_FAILS(OpenAndClose(SentenceTransformersFolder(), &folders), LACOS_USER_ERROR, "`base`");
  folders.base = folders.adapter = ""; /* the same as NULL */
  CHECK_STATUS(OpenAndClose(g_model, &folders), LACOS_OK);
}

/* A program that was built with a newer header runs with this library if it sets no new field. */
static void TestNewerStruct(void) {
  struct {
    lacos_options known;
    int64_t unknown;
  } newer = {.known = LACOS_OPTIONS_INIT};
  newer.known.struct_size = sizeof newer;
  newer.known.max_length = 3;
  lacos_model* model = NULL;
  CHECK_STATUS(lacos_open(g_model, &newer.known, &model), LACOS_OK);
  CHECK(lacos_max_length(model) == 3);
  lacos_close(model);
  newer.unknown = 1;
  CHECK_FAILS(OpenAndClose(g_model, &newer.known), LACOS_INVALID_ARGUMENT, "does not know");
}

void TestOpening(void) {
  CHECK(strcmp(lacos_version(), LACOS_VERSION_STRING) == 0);
  CHECK(LACOS_VERSION >= LACOS_MAKE_VERSION(0, 1, 0));
  CHECK(strcmp(lacos_status_name(LACOS_OK), "ok") == 0);
  CHECK(strcmp(lacos_status_name(99), "unknown status") == 0);
  CHECK(strcmp(lacos_last_error(), "") == 0);

  CHECK_FAILS(lacos_open(g_model, NULL, NULL), LACOS_INVALID_ARGUMENT, "[model]");
  CHECK_FAILS(OpenAndClose(NULL, NULL), LACOS_INVALID_ARGUMENT, "[path]");
  CHECK_FAILS(OpenAndClose("", NULL), LACOS_USER_ERROR, "expected");
  CHECK_FAILS(OpenAndClose(InFolder("no such folder"), NULL), LACOS_USER_ERROR, "no such folder");
  WriteText(InFolder("a file"), "not a folder");
  CHECK_FAILS(OpenAndClose(InFolder("a file"), NULL), LACOS_USER_ERROR, "a file");
  mkdir(InFolder("empty"), 0777);
  CHECK_FAILS(OpenAndClose(InFolder("empty"), NULL), LACOS_USER_ERROR, "empty");
  TestDamagedFolders();
  TestWrongOptions();
  TestNewerStruct();
  CHECK_STATUS(OpenAndClose(g_model, NULL), LACOS_OK);
  CHECK(lacos_last_error()[0] == '['); /* a successful call keeps the last message */
}

void TestSettings(void) {
  lacos_close(NULL);
  CHECK(lacos_dimension(NULL) == 0 && lacos_vocabulary_size(NULL) == 0 &&
        lacos_max_length(NULL) == 0);
  CHECK(lacos_get_compute(NULL) == LACOS_COMPUTE_DEFAULT &&
        lacos_get_pooling(NULL) == LACOS_POOLING_DEFAULT);
  CHECK(lacos_get_normalize(NULL) == LACOS_DEFAULT && lacos_get_strip(NULL) == LACOS_DEFAULT);
  CHECK(lacos_get_similarity(NULL) == LACOS_SIMILARITY_DEFAULT);
  CHECK(lacos_get_threads(NULL) == 0 && strcmp(lacos_description(NULL), "") == 0);
  CHECK(lacos_prompt_count(NULL) == 0 && lacos_prompt_name(NULL, 0) == NULL);
  CHECK(lacos_prompt_text(NULL, "query") == NULL &&
        strcmp(lacos_default_prompt_name(NULL), "") == 0);

  /* A base has no settings, so all defaults apply. */
  lacos_model* model = OpenOrExit(g_model, NULL);
  CHECK(lacos_dimension(model) == 256);
  CHECK(lacos_vocabulary_size(model) > 1000);
  CHECK(lacos_max_length(model) == 2048);
  CHECK(lacos_get_compute(model) == LACOS_COMPUTE_BF16);
  CHECK(lacos_get_pooling(model) == LACOS_POOLING_MEAN);
  CHECK(lacos_get_normalize(model) == LACOS_NO && lacos_get_strip(model) == LACOS_NO);
  CHECK(lacos_get_threads(model) >= 1);
  CHECK(strstr(lacos_description(model), LACOS_VERSION_STRING) != NULL);
  CHECK(lacos_prompt_count(model) == 0 && strcmp(lacos_default_prompt_name(model), "") == 0);
  CHECK(lacos_get_similarity(model) == LACOS_SIMILARITY_COSINE);
  lacos_close(model);

  model = OpenOrExit(SentenceTransformersFolder(), NULL); /* the settings of the folder */
  CHECK(lacos_max_length(model) == 75);
  CHECK(lacos_get_pooling(model) == LACOS_POOLING_WEIGHTED_MEAN);
  CHECK(lacos_get_normalize(model) == LACOS_YES);
  CHECK(lacos_prompt_count(model) == 2);
  CHECK(strcmp(lacos_prompt_name(model, 0), "none") == 0 &&
        strcmp(lacos_prompt_name(model, 1), "query") == 0);
  CHECK(lacos_prompt_name(model, 2) == NULL);
  CHECK(strcmp(lacos_prompt_text(model, "query"), "Question: ") == 0);
  CHECK(lacos_prompt_text(model, "passage") == NULL && lacos_prompt_text(model, NULL) == NULL);
  CHECK(strcmp(lacos_default_prompt_name(model), "query") == 0);
  CHECK(lacos_get_similarity(model) == LACOS_SIMILARITY_DOT);
  CHECK(lacos_warning(model, 0) == NULL && lacos_warning(NULL, 0) == NULL);
  lacos_close(model);

  /* The folder's truncate_dim shortens vectors, and unknown keys are warnings. */
  LinkModel(InFolder("truncated"), NULL);
  mkdir(InFolder("truncated/1_Pooling"), 0777);
  WriteText(InFolder("truncated/1_Pooling/config.json"), "{}");
  WriteText(InFolder("truncated/modules.json"),
            "[{\"idx\": 0, \"name\": \"0\", \"path\": \"\", \"type\": "
            "\"sentence_transformers.models.Transformer\"},"
            " {\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\": "
            "\"sentence_transformers.models.Pooling\"}]");
  WriteText(InFolder("truncated/config_sentence_transformers.json"),
            "{\"truncate_dim\": 5, \"what_is_this\": 1}");
  model = OpenOrExit(InFolder("truncated"), NULL);
  CHECK(lacos_dimension(model) == 5);
  CHECK(strstr(lacos_warning(model, 0), "what_is_this") != NULL);
  CHECK(lacos_warning(model, 1) == NULL);
  const char* text = "a guitar";
  float vector[256];
  CHECK_STATUS(lacos_encode(model, &text, NULL, 1, NULL, vector, 5, NULL), LACOS_OK);
  lacos_encode_options whole = LACOS_ENCODE_OPTIONS_INIT;
  whole.truncate_dim = 256;
  CHECK_FAILS(lacos_encode(model, &text, NULL, 1, &whole, vector, 255, NULL),
              LACOS_BUFFER_TOO_SMALL, "256");
  CHECK_STATUS(lacos_encode(model, &text, NULL, 1, &whole, vector, 256, NULL), LACOS_OK);
  lacos_close(model);

  lacos_options options = LACOS_OPTIONS_INIT; /* the options override the folder */
  options.compute = LACOS_COMPUTE_F32;
  options.pooling = LACOS_POOLING_LAST;
  options.normalize = LACOS_NO;
  options.strip = LACOS_YES;
  options.threads = 3;
  options.max_length = 10;
  options.batch_tokens = 1;
  model = OpenOrExit(SentenceTransformersFolder(), &options);
  CHECK(lacos_max_length(model) == 10);
  CHECK(lacos_get_compute(model) == LACOS_COMPUTE_F32);
  CHECK(lacos_get_pooling(model) == LACOS_POOLING_LAST);
  CHECK(lacos_get_normalize(model) == LACOS_NO && lacos_get_strip(model) == LACOS_YES);
  CHECK(lacos_get_threads(model) == 3);
  lacos_close(model);
}
