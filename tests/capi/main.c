/* capi_test PROGRAM MODEL FOLDER runs the tests of the C interface as a C program. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

int g_failures = 0;
const char* g_program;
const char* g_model;
static const char* g_folder;

const char* InFolder(const char* name) {
  static char paths[8][4096];
  static int next = 0;
  char* path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", g_folder, name);
  return path;
}

void WriteBytes(const char* path, const char* bytes, size_t size) {
  FILE* file = fopen(path, "wb");
  CHECK(file != NULL);
  if (file == NULL) return;
  CHECK(fwrite(bytes, 1, size, file) == size);
  CHECK(fclose(file) == 0);
}

void WriteText(const char* path, const char* text) { WriteBytes(path, text, strlen(text)); }

char* ReadBytes(const char* path, size_t size, size_t* found) {
  FILE* file = fopen(path, "rb");
  char* bytes = malloc(size + 1);
  *found = file == NULL || bytes == NULL ? 0 : fread(bytes, 1, size, file);
  CHECK(file != NULL && bytes != NULL);
  if (file != NULL) fclose(file);
  return bytes;
}

void LinkModel(const char* folder, const char* const* without) {
  static const char* const files[] = {"config.json", "model.safetensors", "tokenizer.json",
                                      "tokenizer_config.json", "special_tokens_map.json"};
  mkdir(folder, 0777);
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    int is_left_out = 0;
    for (size_t j = 0; without != NULL && without[j] != NULL; ++j)
      is_left_out |= strcmp(without[j], files[i]) == 0;
    char from[8192], to[8192]; /* large enough for two paths */
    snprintf(from, sizeof from, "%s/%s", g_model, files[i]);
    snprintf(to, sizeof to, "%s/%s", folder, files[i]);
    unlink(to);
    if (!is_left_out) CHECK(symlink(from, to) == 0);
  }
}

const char* SentenceTransformersFolder(void) {
  static char folder[4096];
  if (folder[0] != '\0') return folder;
  snprintf(folder, sizeof folder, "%s", InFolder("sentence-transformers"));
  LinkModel(folder, NULL);
  mkdir(InFolder("sentence-transformers/1_Pooling"), 0777);
  mkdir(InFolder("sentence-transformers/2_Normalize"), 0777);
  WriteText(InFolder("sentence-transformers/modules.json"),
            "[{\"idx\": 0, \"name\": \"0\", \"path\": \"\", \"type\": "
            "\"sentence_transformers.models.Transformer\"},"
            " {\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\": "
            "\"sentence_transformers.models.Pooling\"},"
            " {\"idx\": 2, \"name\": \"2\", \"path\": \"2_Normalize\","
            "  \"type\": \"sentence_transformers.models.Normalize\"}]");
  WriteText(
      InFolder("sentence-transformers/1_Pooling/config.json"),
      "{\"word_embedding_dimension\": 256, \"pooling_mode_cls_token\": false,"
      " \"pooling_mode_mean_tokens\": false, \"pooling_mode_max_tokens\": false,"
      " \"pooling_mode_mean_sqrt_len_tokens\": false, \"pooling_mode_weightedmean_tokens\": true,"
      " \"pooling_mode_lasttoken\": false, \"include_prompt\": true}");
  WriteText(InFolder("sentence-transformers/sentence_bert_config.json"),
            "{\"max_seq_length\": 75, \"do_lower_case\": false}");
  WriteText(InFolder("sentence-transformers/config_sentence_transformers.json"),
            "{\"__version__\": {\"sentence_transformers\": \"6.2.0\"},"
            " \"prompts\": {\"query\": \"Question: \", \"none\": \"\"},"
            " \"default_prompt_name\": \"query\", \"similarity_fn_name\": \"dot\"}");
  return folder;
}

int RunProgram(const char* const* arguments) {
  const char* words[64] = {g_program};
  size_t count = 1;
  while (count < 63 && arguments[count - 1] != NULL) {
    words[count] = arguments[count - 1];
    ++count;
  }
  words[count] = NULL;
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY); /* hides the program's report */
    dup2(nowhere, STDOUT_FILENO);
    execv(g_program, (char* const*)words);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

lacos_model* OpenOrExit(const char* path, const lacos_options* options) {
  lacos_model* model = NULL;
  if (lacos_open(path, options, &model) != LACOS_OK) {
    fprintf(stderr, "capi_test: %s\n", lacos_last_error());
    exit(1);
  }
  return model;
}

float* Encode(lacos_model* model, const char* const* texts, size_t n,
              const lacos_encode_options* options) {
  const size_t floats = n * lacos_dimension(model);
  float* vectors = malloc((floats + 1) * sizeof *vectors);
  CHECK_STATUS(lacos_encode(model, texts, NULL, n, options, vectors, floats, NULL), LACOS_OK);
  return vectors;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "capi_test: found %d arguments; expected PROGRAM MODEL FOLDER\n", argc - 1);
    return 2;
  }
  g_program = argv[1];
  g_model = argv[2];
  g_folder = argv[3];
  static const struct {
    const char* name;
    void (*run)(void);
  } tests[] = {
      {"opening", TestOpening},   {"settings", TestSettings},
      {"encoding", TestEncoding}, {"equality with the program", TestProgram},
      {"tokens", TestTokens},     {"similarity", TestSimilarity},
      {"threads", TestThreads},   {"host", TestHost},
      {"work", TestWork},
#ifdef LACOS_HAS_SERVER
      {"server", TestServer},
#endif
  };
  for (size_t i = 0; i < sizeof tests / sizeof *tests; ++i) {
    const int before = g_failures;
    tests[i].run();
    printf("%s: %s\n", tests[i].name, g_failures == before ? "ok" : "FAILED");
    fflush(stdout);
  }
  return g_failures == 0 ? 0 : 1;
}
