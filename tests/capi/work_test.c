/* The functions that take settings as JSON: quantize, train and evaluate, rows of tables, vectors in
 * fewer bits, and vectors of tokens. Python's tests compare their results with the program. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

typedef struct Seen {
  int events, steps, polls;
  int stop_at_step; /* 0: never */
  int stop_at_once;
} Seen;

static int Watch(void* context, const char* event) {
  Seen* seen = context;
  if (event == NULL) {
    ++seen->polls;
    return seen->stop_at_once;
  }
  ++seen->events;
  CHECK(event[0] == '{' && strstr(event, "\"event\":") != NULL && strchr(event, '\n') == NULL);
  if (strstr(event, "\"event\": \"step\"") != NULL) ++seen->steps;
  return seen->stop_at_once || (seen->stop_at_step > 0 && seen->steps >= seen->stop_at_step);
}

/* The settings of a run on 24 rows, with more of them. The result is valid until the next call. */
static const char* TrainSettings(const char* output, const char* more) {
  static char json[4096];
  snprintf(json, sizeof json,
           "{\"model\": \"%s\", \"train\": [\"%s\"], \"output\": \"%s\", \"batch_size\": 4, "
           "\"threads\": 1%s}",
           g_model, InFolder("work-rows.tsv"), output, more);
  return json;
}

static void TestTrain(void) {
  char rows[4096] = "anchor\tpositive\n";
  for (int i = 0; i < 24; ++i)
    sprintf(rows + strlen(rows), "a man plays song %d\tsomeone makes music %d\n", i, i * 7);
  WriteText(InFolder("work-rows.tsv"), rows);

  Seen seen = {0};
  char* report = NULL;
  CHECK_STATUS(lacos_train(TrainSettings(InFolder("work-trained"),
                                         ", \"overwrite\": true, \"max_steps\": 3, \"dev\": null"),
                           Watch, &seen, &report),
               LACOS_OK);
  CHECK(seen.steps == 3 && seen.events > 3);
  CHECK(report != NULL && strstr(report, "\"interrupted\": false") != NULL);
  lacos_free_text(report);
  lacos_free_text(NULL);

  const Seen stopped = {.stop_at_step = 2};
  seen = stopped;
  CHECK_STATUS(
      lacos_train(TrainSettings(InFolder("work-stopped"), ", \"overwrite\": true, \"epochs\": 5.0"),
                  Watch, &seen, &report),
      LACOS_OK);
  CHECK(strstr(report, "\"interrupted\": true") != NULL);
  lacos_free_text(report);
  CHECK_STATUS(
      lacos_train(TrainSettings(InFolder("work-stopped"), ", \"epochs\": 5, \"resume\": true"),
                  NULL, NULL, NULL),
      LACOS_OK);

  report = (char*)&seen;
  CHECK_FAILS(
      lacos_train(TrainSettings(InFolder("work-wrong"), ", \"epoch\": 5"), NULL, NULL, &report),
      LACOS_USER_ERROR, "did you mean 'epochs'?");
  CHECK(report == NULL);
  CHECK_FAILS(lacos_train("{", NULL, NULL, NULL), LACOS_USER_ERROR, "[settings");
  CHECK_FAILS(lacos_train("[]", NULL, NULL, NULL), LACOS_USER_ERROR, "expected a JSON object");
  CHECK_FAILS(lacos_train(NULL, NULL, NULL, NULL), LACOS_USER_ERROR, "[`model`] found nothing");
  CHECK_FAILS(lacos_train("{\"model\": \"\xff\"}", NULL, NULL, NULL), LACOS_USER_ERROR,
              "[settings");
  CHECK(access(InFolder("work-wrong"), F_OK) != 0);
}

static void TestQuantizeFolder(void) {
  char json[2048];
  char* report = NULL;
  snprintf(json, sizeof json,
           "{\"model\": \"%s\", \"output\": \"%s\", \"block_size\": 64, \"overwrite\": true}",
           g_model, InFolder("work-int8"));
  Seen seen = {0};
  CHECK_STATUS(lacos_quantize(json, Watch, &seen, &report), LACOS_OK);
  CHECK(seen.events > 0 && strstr(report, "\"bytes_after\":") != NULL);
  lacos_free_text(report);
  snprintf(json, sizeof json, "{\"model\": \"%s\", \"output\": \"%s\"}", g_model,
           InFolder("work-int8"));
  CHECK_FAILS(lacos_quantize(json, NULL, NULL, NULL), LACOS_USER_ERROR, "already exists");
  snprintf(json, sizeof json, "{\"model\": \"%s\", \"output\": \"%s\"}", g_model,
           InFolder("work-cancelled"));
  seen.stop_at_once = 1;
  CHECK_STATUS(lacos_quantize(json, Watch, &seen, NULL), LACOS_CANCELLED);
  CHECK(access(InFolder("work-cancelled"), F_OK) != 0);
}

static void TestEvaluateModel(void) {
  WriteText(
      InFolder("work-sts.tsv"),
      "sentence1\tsentence2\tscore\na man\ta person\t4\na dog\ta red car\t0.5\nrain\tsnow\t2\n");
  lacos_model* model = OpenOrExit(g_model, NULL);
  char json[1024];
  char* report = NULL;
  snprintf(json, sizeof json, "{\"task\": \"sts\", \"data\": \"%s\"}", InFolder("work-sts.tsv"));
  CHECK_STATUS(lacos_evaluate(model, json, NULL, NULL, &report), LACOS_OK);
  CHECK(strstr(report, "\"spearman\": ") != NULL && strstr(report, "\"n\": 3") != NULL);
  lacos_free_text(report);
  Seen seen = {.stop_at_once = 1};
  CHECK_STATUS(lacos_evaluate(model, json, Watch, &seen, &report), LACOS_CANCELLED);
  CHECK(report == NULL);
  CHECK_FAILS(lacos_evaluate(NULL, json, NULL, NULL, NULL), LACOS_INVALID_ARGUMENT, "[model]");
  CHECK_FAILS(lacos_evaluate(model, "{}", NULL, NULL, NULL), LACOS_USER_ERROR, "`data`");
  lacos_close(model);
}

/* Counts the warnings and keeps the last one. */
typedef struct Told {
  int warnings;
  char last[1024];
} Told;

static int Hear(void* context, const char* event) {
  Told* told = context;
  if (event == NULL || strstr(event, "\"event\": \"warning\"") == NULL) return 0;
  ++told->warnings;
  snprintf(told->last, sizeof told->last, "%s", event);
  return 0;
}

/* Whether a file has a part. */
static int Contains(const char* path, const char* part) {
  size_t size = 0;
  char* bytes = ReadBytes(path, 1 << 20, &size);
  bytes[size] = '\0';
  const int found = strstr(bytes, part) != NULL;
  free(bytes);
  return found;
}

/* The folders of evaluations, and their comparison. */
static void TestEvaluationFolders(void) {
  const char* const pairs =
      "sentence1\tsentence2\tscore\na man\ta person\t4\na dog\ta red car\t0.5\nrain\tsnow\t2\n"
      "a cat\ta kitten\t4.5\nthe sun\tthe moon\t1\n";
  WriteText(InFolder("work-a.tsv"), pairs);
  WriteText(InFolder("work-b.tsv"), pairs);
  char json[4096];
  char* report = NULL;
  const char* const poolings[] = {"work-results-mean", "work-results-last"};
  for (int i = 0; i < 2; ++i) {
    lacos_options options = LACOS_OPTIONS_INIT;
    options.pooling = i == 0 ? LACOS_POOLING_MEAN : LACOS_POOLING_LAST;
    lacos_model* model = OpenOrExit(g_model, &options);
    /* Two files are one set if they have one name. */
    snprintf(json, sizeof json,
             "{\"data\": \"%s\", \"output\": \"%s\", \"overwrite\": true, \"resamples\": 100, "
             "\"names\": {\"%s\": \"pairs\"}}",
             InFolder(i == 0 ? "work-a.tsv" : "work-b.tsv"), InFolder(poolings[i]),
             InFolder(i == 0 ? "work-a.tsv" : "work-b.tsv"));
    CHECK_STATUS(lacos_evaluate(model, json, NULL, NULL, &report), LACOS_OK);
    CHECK(strstr(report, "\"name\": \"pairs\"") != NULL);
    lacos_free_text(report);
    snprintf(json, sizeof json, "{\"data\": \"%s\", \"output\": \"%s\"}", InFolder("work-a.tsv"),
             InFolder(poolings[i]));
    CHECK_FAILS(lacos_evaluate(model, json, NULL, NULL, NULL), LACOS_USER_ERROR, "already exists");
    lacos_close(model);
  }
  CHECK(access(InFolder("work-results-mean/report.html"), F_OK) == 0);
  CHECK(Contains(InFolder("work-results-mean/items.jsonl"), "pairs"));
  CHECK(Contains(InFolder("work-results-last/results.json"), "\"pooling\": \"last\""));
  CHECK(Contains(InFolder("work-results-last/run.json"), "\"pooling\": \"last\""));
  CHECK(!Contains(InFolder("work-results-last/run.json"), "work-b.tsv"));
  const char* const verify[] = {"verify", InFolder("work-results-mean"), NULL};
  CHECK(RunProgram(verify) == 0);
  const char* const page[] = {"report", InFolder("work-results-mean"), NULL};
  CHECK(RunProgram(page) == 0);

  snprintf(json, sizeof json, "{\"output\": \"%s\", \"overwrite\": true, \"resamples\": 100}",
           InFolder("work-comparison"));
  Told told = {0};
  CHECK_STATUS(lacos_compare_evaluations(InFolder("work-results-mean"),
                                         InFolder("work-results-last"), json, Hear, &told, &report),
               LACOS_OK);
  CHECK(told.warnings == 0 && strstr(report, "\"name\": \"pairs\"") != NULL);
  CHECK(strstr(report, "\"n\": 5") != NULL && strstr(report, "\"not_compared\": []") != NULL);
  CHECK(Contains(InFolder("work-comparison/comparison.json"), "\"difference\": "));
  CHECK(Contains(InFolder("work-comparison/run.json"), "\"compare\""));
  lacos_free_text(report);
  CHECK_FAILS(
      lacos_compare_evaluations(InFolder("work-results-mean"), g_model, NULL, NULL, NULL, NULL),
      LACOS_USER_ERROR, "results.json");
  CHECK_FAILS(lacos_compare_evaluations(NULL, g_model, NULL, NULL, NULL, NULL),
              LACOS_INVALID_ARGUMENT, "[a]");
  CHECK_FAILS(
      lacos_compare_evaluations(InFolder("work-results-mean"), InFolder("work-results-mean"),
                                "{\"resample\": 1}", NULL, NULL, NULL),
      LACOS_USER_ERROR, "did you mean 'resamples'?");
}

/* Vectors of another system, floors, and vectors that are kept. */
static void TestOtherSystems(void) {
  WriteText(
      InFolder("work-other.tsv"),
      "sentence1\tsentence2\tscore\na man\ta person\t4\na man\ta red car\t0.5\nrain\tsnow\t2\n");
  char json[4096];
  char* text = NULL;
  snprintf(json, sizeof json, "{\"data\": \"%s\"}", InFolder("work-other.tsv"));
  CHECK_STATUS(lacos_evaluation_texts(json, &text), LACOS_OK);
  CHECK(strcmp(text,
               "[{\"text\": \"a man\", \"role\": \"plain\"}, {\"text\": \"rain\", \"role\": "
               "\"plain\"}, {\"text\": \"a person\", \"role\": \"plain\"}, {\"text\": \"a red "
               "car\", \"role\": \"plain\"}, {\"text\": \"snow\", \"role\": \"plain\"}]") == 0);
  lacos_free_text(text);

  /* The first rows are those of `a man` and `rain`; the scores have the order of the cosines. */
  const float vectors[5][2] = {{1, 0}, {1, 0}, {1, 0}, {0, 1}, {1, 1}};
  char file[128 + sizeof vectors] = "\x93NUMPY\x01";
  const char* const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 2), }";
  file[7] = 0;
  file[8] = 118;
  file[9] = 0;
  memset(file + 10, ' ', 117);
  memcpy(file + 10, header, strlen(header));
  file[127] = '\n';
  memcpy(file + 128, vectors, sizeof vectors);
  WriteBytes(InFolder("work-other.npy"), file, sizeof file);
  WriteText(InFolder("work-about.json"), "{\"model\": \"mine\", \"parameters\": 12}");
  snprintf(json, sizeof json,
           "{\"data\": \"%s\", \"embeddings\": \"%s\", \"about\": \"%s\", \"output\": \"%s\", "
           "\"overwrite\": true}",
           InFolder("work-other.tsv"), InFolder("work-other.npy"), InFolder("work-about.json"),
           InFolder("work-other-results"));
  CHECK_STATUS(lacos_evaluate(NULL, json, NULL, NULL, &text), LACOS_OK);
  CHECK(strstr(text, "\"model\": \"mine\"") != NULL);
  CHECK(strstr(text, "\"spearman\": 100") != NULL || strstr(text, "\"spearman\": 99.99") != NULL);
  lacos_free_text(text);
  CHECK(Contains(InFolder("work-other-results/results.json"), "\"parameters\": 12"));
  CHECK(Contains(InFolder("work-other-results/run.json"), "\"role\": \"embeddings\""));

  snprintf(json, sizeof json, "{\"data\": \"%s\", \"floor\": \"word-overlap\"}",
           InFolder("work-other.tsv"));
  CHECK_STATUS(lacos_evaluate(NULL, json, NULL, NULL, &text), LACOS_OK);
  CHECK(strstr(text, "\"model\": \"floor: word-overlap\"") != NULL);
  lacos_free_text(text);
  lacos_model* model = OpenOrExit(g_model, NULL);
  CHECK_FAILS(lacos_evaluate(model, json, NULL, NULL, NULL), LACOS_USER_ERROR,
              "more than one system");
  snprintf(json, sizeof json, "{\"data\": \"%s\", \"floor\": \"ceiling\"}",
           InFolder("work-other.tsv"));
  CHECK_FAILS(lacos_evaluate(NULL, json, NULL, NULL, NULL), LACOS_USER_ERROR,
              "[`floor`] found 'ceiling'; expected word-overlap, tf-idf");
  snprintf(json, sizeof json, "{\"data\": \"%s\", \"about\": \"x\"}", InFolder("work-other.tsv"));
  CHECK_FAILS(lacos_evaluate(model, json, NULL, NULL, NULL), LACOS_USER_ERROR, "[`about`]");
  CHECK_FAILS(lacos_evaluation_texts("{}", &text), LACOS_USER_ERROR, "`data`");
  CHECK_FAILS(lacos_evaluation_texts("{}", NULL), LACOS_INVALID_ARGUMENT, "[texts]");

  /* The program reads the vectors that the library kept: both have one cache. */
  snprintf(json, sizeof json, "{\"data\": \"%s\", \"cache\": \"%s\"}", InFolder("work-other.tsv"),
           InFolder("work-cache"));
  CHECK_STATUS(lacos_evaluate(model, json, NULL, NULL, NULL), LACOS_OK);
  lacos_close(model);
  const char* const again[] = {"eval",
                               "--model",
                               g_model,
                               "--data",
                               InFolder("work-other.tsv"),
                               "--cache",
                               InFolder("work-cache"),
                               "--output",
                               InFolder("work-cache-results"),
                               "--overwrite",
                               NULL};
  CHECK(RunProgram(again) == 0);
  CHECK(Contains(InFolder("work-cache-results/results.json"), "\"cached_texts\": 5"));
}

/* The record of a call says what the program's says, and the program can repeat the run. */
static void TestRecords(void) {
  CHECK_STATUS(lacos_train(TrainSettings(InFolder("work-recorded"),
                                         ", \"overwrite\": true, \"max_steps\": 2, \"symmetric\": "
                                         "true, \"lora_target\": [\"dense\", \"query_key_value\"]"),
                           NULL, NULL, NULL),
               LACOS_OK);
  const char* const run = InFolder("work-recorded/run.json");
  const char* const parts[] = {"\"lacos_version\": ",    "\"commit\": ",
                               "\"command\": \"train\"", "\"function\": \"lacos_train\"",
                               "\"max_steps\": 2",       "\"seed\": 42",
                               "\"environment\": ",      "\"working_directory\": ",
                               "\"role\": \"train\"",    "\"kernels\": "};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) CHECK(Contains(run, parts[i]));
  CHECK(!Contains(run, "\"overwrite\": true"));
  const char* const again[] = {
      "train",       "--config", run, "--output", InFolder("work-repeated"),
      "--overwrite", "--quiet",  NULL};
  CHECK(RunProgram(again) == 0);
  size_t sizes[2];
  char* weights[2];
  weights[0] = ReadBytes(InFolder("work-recorded/adapter_model.safetensors"), 1 << 26, &sizes[0]);
  weights[1] = ReadBytes(InFolder("work-repeated/adapter_model.safetensors"), 1 << 26, &sizes[1]);
  CHECK(sizes[0] > 0 && sizes[0] == sizes[1] && memcmp(weights[0], weights[1], sizes[0]) == 0);
  free(weights[0]);
  free(weights[1]);
  const char* const page[] = {"report", InFolder("work-recorded"), NULL};
  CHECK(RunProgram(page) == 0);
  CHECK(Contains(InFolder("work-recorded/report.html"), "lacos_train"));
  const char* const verify[] = {"verify", InFolder("work-recorded"), NULL};
  CHECK(RunProgram(verify) == 0);
  CHECK(Contains(InFolder("work-int8/run.json"), "\"function\": \"lacos_quantize\""));
  const char* const not_a_run[] = {
      "train", "--config", InFolder("work-int8/run.json"), "--output", InFolder("work-never"),
      NULL};
  CHECK(RunProgram(not_a_run) == 1);
}

static void TestRows(void) {
  WriteText(InFolder("work-pairs.tsv"), "anchor\tpositive\n\xc3\xa9\tb\nc\td\ne\tf\n");
  lacos_rows* rows = NULL;
  char* json = NULL;
  CHECK_STATUS(lacos_open_rows(InFolder("work-pairs.tsv"), NULL, &rows), LACOS_OK);
  CHECK_STATUS(lacos_next_rows(rows, 2, &json), LACOS_OK);
  CHECK(
      strcmp(
          json,
          "[{\"anchor\": \"\xc3\xa9\", \"positive\": \"b\"}, {\"anchor\": \"c\", \"positive\": \"d\"}]") ==
      0);
  lacos_free_text(json);
  CHECK_STATUS(lacos_next_rows(rows, 2, &json), LACOS_OK);
  lacos_free_text(json);
  CHECK_STATUS(lacos_next_rows(rows, 2, &json), LACOS_OK);
  CHECK(strcmp(json, "[]") == 0);
  lacos_free_text(json);
  lacos_close_rows(rows);
  lacos_close_rows(NULL);
  CHECK_FAILS(lacos_open_rows(InFolder("work-absent.tsv"), NULL, &rows), LACOS_USER_ERROR,
              "absent");
  CHECK(rows == NULL);
  CHECK_FAILS(lacos_open_rows(NULL, NULL, &rows), LACOS_INVALID_ARGUMENT, "[path]");
  CHECK_FAILS(lacos_open_rows("x", "{\"delimeter\": \",\"}", &rows), LACOS_USER_ERROR,
              "did you mean 'delimiter'?");
  CHECK_FAILS(lacos_next_rows(NULL, 1, &json), LACOS_INVALID_ARGUMENT, "[rows]");
}

static void TestPrecisions(void) {
  const float vectors[2 * 9] = {-1, 0, 1, 2, 3, 4, 5, 6, 7, 1, 0, -1, -2, 3.5f, 4, 5, 6, -7};
  const float ranges[2 * 9] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  int8_t codes[2 * 9];
  uint8_t bits[2 * 2];
  uint64_t clipped = 99;
  CHECK_STATUS(lacos_quantize_embeddings(LACOS_PRECISION_INT8, vectors, 2, 9, ranges, codes,
                                         sizeof codes, &clipped),
               LACOS_OK);
  CHECK(codes[0] == -128 && codes[8] == 127 && codes[17] == -128 && codes[1] == -1);
  CHECK(clipped == 12);
  CHECK_STATUS(lacos_quantize_embeddings(LACOS_PRECISION_INT8, vectors, 2, 9, NULL, codes,
                                         sizeof codes, NULL),
               LACOS_OK);
  CHECK(codes[0] == -128 && codes[17] == -128);
  CHECK_STATUS(lacos_quantize_embeddings(LACOS_PRECISION_UBINARY, vectors, 2, 9, NULL, bits,
                                         sizeof bits, &clipped),
               LACOS_OK);
  CHECK(bits[0] == 0x3F && bits[1] == 0x80 && bits[2] == 0x8F && bits[3] == 0 && clipped == 0);
  CHECK_FAILS(lacos_quantize_embeddings(LACOS_PRECISION_INT8, vectors, 1, 9, NULL, codes,
                                        sizeof codes, NULL),
              LACOS_USER_ERROR, "at least two");
  CHECK_FAILS(lacos_quantize_embeddings(LACOS_PRECISION_INT8, vectors, 2, 9, NULL, codes, 17, NULL),
              LACOS_BUFFER_TOO_SMALL, "18");
  CHECK_FAILS(lacos_quantize_embeddings(0, vectors, 2, 9, NULL, codes, 18, NULL),
              LACOS_INVALID_ARGUMENT, "[precision]");
  CHECK_FAILS(
      lacos_quantize_embeddings(LACOS_PRECISION_BINARY, vectors, 2, 9, ranges, codes, 18, NULL),
      LACOS_INVALID_ARGUMENT, "[ranges]");
  CHECK_FAILS(
      lacos_quantize_embeddings(LACOS_PRECISION_INT8, vectors, 2, 9, vectors, codes, 18, NULL),
      LACOS_USER_ERROR, "[ranges]");
  const float bad[2] = {1, NAN};
  CHECK_FAILS(lacos_quantize_embeddings(LACOS_PRECISION_FLOAT32, bad, 1, 2, NULL, codes, 18, NULL),
              LACOS_USER_ERROR, "row 0");
  CHECK_STATUS(lacos_quantize_embeddings(LACOS_PRECISION_INT8, NULL, 0, 9, NULL, NULL, 0, NULL),
               LACOS_OK);
}

/* The mean of a text's tokens is its vector. */
static void TestTokenVectors(void) {
  lacos_options options = LACOS_OPTIONS_INIT;
  options.compute = LACOS_COMPUTE_F32;
  lacos_model* model = OpenOrExit(g_model, &options);
  const char* text = "A man plays a guitar.";
  const size_t d = lacos_hidden_size(model);
  size_t count = 0;
  CHECK(d == lacos_dimension(model) && lacos_hidden_size(NULL) == 0);
  CHECK_STATUS(lacos_encode_tokens(model, text, LACOS_NUL_TERMINATED, NULL, NULL, NULL, 0, &count),
               LACOS_OK);
  CHECK(count > 3 && count < 32);
  int32_t ids[32], expected[32];
  size_t tokens = 0;
  float* vectors = malloc(32 * d * sizeof *vectors);
  CHECK_STATUS(
      lacos_encode_tokens(model, text, LACOS_NUL_TERMINATED, NULL, ids, vectors, 32, &count),
      LACOS_OK);
  CHECK_STATUS(lacos_tokenize(model, text, LACOS_NUL_TERMINATED, expected, NULL, 32, &tokens),
               LACOS_OK);
  CHECK(tokens == count && memcmp(ids, expected, count * sizeof *ids) == 0);
  float* whole = Encode(model, &text, 1, NULL);
  for (size_t k = 0; k < d; ++k) {
    double sum = 0, magnitude = 0;
    for (size_t t = 0; t < count; ++t) {
      sum += vectors[t * d + k];
      magnitude += fabs(vectors[t * d + k]);
    }
    /* Both are sums of `count` floats, of which the library's are rounded after each term. */
    CHECK(fabs(sum / (double)count - whole[k]) <= (double)(count + 2) * ldexp(1, -24) * magnitude);
  }
  free(whole);
  free(vectors);
  CHECK_FAILS(lacos_encode_tokens(model, text, LACOS_NUL_TERMINATED, NULL, ids, NULL, 1, &count),
              LACOS_BUFFER_TOO_SMALL, "[capacity]");
  CHECK_FAILS(lacos_encode_tokens(model, "\xff", 1, NULL, ids, NULL, 1, &count), LACOS_USER_ERROR,
              "UTF-8");
  CHECK_FAILS(lacos_encode_tokens(model, text, 1, NULL, NULL, NULL, 1, &count),
              LACOS_INVALID_ARGUMENT, "[ids, out]");
  lacos_close(model);
}

void TestWork(void) {
  TestTrain();
  TestQuantizeFolder();
  TestEvaluateModel();
  TestEvaluationFolders();
  TestOtherSystems();
  TestRecords();
  TestRows();
  TestPrecisions();
  TestTokenVectors();
}
