/* The C interface of lacos: sentence vectors from a BLOOM model folder, for programs in any
 * language.
 *
 *     lacos_model* model = NULL;
 *     if (lacos_open("trained", NULL, &model) != LACOS_OK) return fail(lacos_last_error());
 *     const char* texts[] = {"A man plays a guitar.", "Someone makes music."};
 *     float* vectors = malloc(2 * lacos_dimension(model) * sizeof *vectors);
 *     lacos_encode(model, texts, NULL, 2, NULL, vectors, 2 * lacos_dimension(model), NULL);
 *     lacos_close(model);
 *
 * Errors. A function that can fail returns a lacos_status, and lacos_last_error() then has the
 * message. A wrong argument, path, file or text never ends the program, and no C++ exception leaves
 * the library. When a call fails, the contents of its outputs are unspecified, unless the comment
 * of the function says otherwise.
 *
 * Threads. Every function may be called from several threads at once, on one model or on several.
 * The only exception is lacos_close: no other call may use the model at that time. One thread of
 * the library does all computing, with a team of helpers that all models of the process share.
 * Cores are therefore not oversubscribed. Calls of lacos_open and lacos_encode take turns in the
 * order of their arrival; long calls are divided into slices. All other functions work in the
 * calling thread. The computing threads inherit the CPU affinity of the thread that opens the first
 * model, and they block asynchronous signals.
 *
 * Floating point. The caller's rounding mode, flush-to-zero settings and traps do not change any
 * result and are preserved.
 *
 * Fork. A child of fork() has no computing thread. With a model that was opened before the fork,
 * lacos_encode fails with LACOS_USER_ERROR and lacos_close releases nothing. A model that is opened
 * in the child works without restrictions.
 *
 * Compatibility. Functions, values and the order of fields do not change. Structures may get new
 * fields at their end, which the library recognizes by struct_size; 0 in a new field will mean
 * today's behavior. */
#ifndef LACOS_H_
#define LACOS_H_

#include <stddef.h>
#include <stdint.h>

#define LACOS_VERSION_MAJOR 0
#define LACOS_VERSION_MINOR 1
#define LACOS_VERSION_PATCH 0
#define LACOS_VERSION_STRING "0.1.0"
/* For comparisons: LACOS_VERSION >= LACOS_MAKE_VERSION(0, 2, 0). */
#define LACOS_MAKE_VERSION(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define LACOS_VERSION \
  LACOS_MAKE_VERSION(LACOS_VERSION_MAJOR, LACOS_VERSION_MINOR, LACOS_VERSION_PATCH)

#if defined(__GNUC__)
#define LACOS_API __attribute__((visibility("default")))
#else
#define LACOS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lacos_status {
  LACOS_OK = 0,
  LACOS_INVALID_ARGUMENT = 1, /* the call is wrong: NULL, or a value outside its range */
  LACOS_USER_ERROR = 2, /* the input or the environment is wrong: paths, files, texts, settings */
  LACOS_OUT_OF_MEMORY = 3,
  LACOS_INTERNAL = 4, /* any other error; please report it */
  LACOS_BUFFER_TOO_SMALL = 5,
  LACOS_CANCELLED = 6 /* a progress function stopped the call */
} lacos_status;

/* Version of the library at run time, like "0.1.0"; LACOS_VERSION_STRING is the version of this
 * header. */
LACOS_API const char* lacos_version(void);

/* Name of a status: "ok", "invalid argument", ..., or "unknown status" for other numbers. Never
 * NULL. */
LACOS_API const char* lacos_status_name(int32_t status);

/* Message of the last failed call in the calling thread, in the form
 * "[where] what was found; what was expected; what to do", or "". Never NULL. Valid until the next
 * failed call in this thread, or until the thread ends. */
LACOS_API const char* lacos_last_error(void);

/* ---- Opening --------------------------------------------------------------------------------- */

/* An open model. Its settings do not change after it was opened. */
typedef struct lacos_model lacos_model;

typedef enum lacos_compute {
  LACOS_COMPUTE_DEFAULT = 0, /* bf16 */
  LACOS_COMPUTE_F32 = 1,
  LACOS_COMPUTE_BF16 = 2,
  LACOS_COMPUTE_INT8 = 3
} lacos_compute;

typedef enum lacos_pooling {
  LACOS_POOLING_DEFAULT = 0, /* the setting of the folder, or else mean */
  LACOS_POOLING_MEAN = 1,
  LACOS_POOLING_WEIGHTED_MEAN = 2,
  LACOS_POOLING_LAST = 3,
  LACOS_POOLING_CLS = 4,
  LACOS_POOLING_MAX = 5,
  LACOS_POOLING_MEAN_SQRT_LEN = 6
} lacos_pooling;

/* How two vectors are compared. Larger values mean more alike: distances are negative. */
typedef enum lacos_similarity_fn {
  LACOS_SIMILARITY_DEFAULT = 0, /* cosine */
  LACOS_SIMILARITY_COSINE = 1,
  LACOS_SIMILARITY_DOT = 2,
  LACOS_SIMILARITY_EUCLIDEAN = 3, /* the negative Euclidean distance */
  LACOS_SIMILARITY_MANHATTAN = 4  /* the negative Manhattan distance */
} lacos_similarity_fn;

typedef enum lacos_choice {
  LACOS_DEFAULT = 0, /* the setting of the folder, or else no */
  LACOS_YES = 1,
  LACOS_NO = 2
} lacos_choice;

/* Settings for lacos_open. A field that is 0 has its default. */
typedef struct lacos_options {
  size_t struct_size;  /* sizeof(lacos_options); see LACOS_OPTIONS_INIT */
  const char* base;    /* new path of a trained folder's base after a move; NULL or "": not moved */
  const char* adapter; /* folder of a PEFT adapter to add to a base; NULL or "": none */
  int32_t compute;     /* lacos_compute: arithmetic of products with frozen weights */
  int32_t pooling;     /* lacos_pooling: how the vectors of a text's tokens become one */
  int32_t normalize;   /* lacos_choice: scale every vector to length 1 */
  int32_t strip;       /* lacos_choice: remove whitespace from both ends of every text */
  int32_t threads;     /* 0: all cores that the process may use; at most 4096 */
  int32_t reserved;    /* must be 0 */
  int64_t max_length;  /* tokens of a text that are used; 0: the folder's setting, or else 2048 */
  int64_t batch_tokens; /* tokens computed at a time, not affecting results; 0: 4096 */
  /* Its tokens are put before every text and its prompt and are never cut off; NULL: none. */
  const char* prefix;
  const char* suffix; /* the same after every text */
  /* How a published BLOOM embedder is used: "sgpt-bloom", "udever", "bloomz-retriever" or
   * "bloomz-retriever-v2" (docs/interop.md); NULL or "": as the folder says. It decides pooling,
   * length and similarity, unless fields above do, and what goes around texts of the prompt names
   * "query" and "document". */
  const char* preset;
  /* Where to compute: "cpu"; "cuda", an NVIDIA GPU; "cuda:1", the GPU with this number; "auto", a GPU
   * if one can be used, or else the CPU (lacos_warning says why). NULL: "cpu". */
  const char* device;
} lacos_options;

/* In C and in C++20: lacos_options options = LACOS_OPTIONS_INIT;
 * In C++ before 20:  lacos_options options = {}; options.struct_size = sizeof options; */
#define LACOS_OPTIONS_INIT \
  { .struct_size = sizeof(lacos_options) }

/* Opens an original BLOOM folder, a quantized one, a trained output folder or a
 * sentence-transformers folder. `options` may be NULL. On success, *model must be passed to
 * lacos_close in the end; on failure it is NULL. */
LACOS_API lacos_status lacos_open(const char* path, const lacos_options* options,
                                  lacos_model** model);

/* Releases a model. NULL is allowed. */
LACOS_API void lacos_close(lacos_model* model);

/* Settings in use. With a NULL model the result is 0, or "" for the description. */

/* Values in a vector, D: those of the model, or fewer if the folder's truncate_dim says so. */
LACOS_API size_t lacos_dimension(const lacos_model* model);
/* Values of a token's vector (lacos_encode_tokens), which truncate_dim does not change. */
LACOS_API size_t lacos_hidden_size(const lacos_model* model);
/* The largest id of the tokenizer + 1. */
LACOS_API size_t lacos_vocabulary_size(const lacos_model* model);
/* Tokens of a text that are used. */
LACOS_API size_t lacos_max_length(const lacos_model* model);
LACOS_API lacos_compute lacos_get_compute(const lacos_model* model);
LACOS_API lacos_pooling lacos_get_pooling(const lacos_model* model);
LACOS_API lacos_choice lacos_get_normalize(const lacos_model* model);
LACOS_API lacos_choice lacos_get_strip(const lacos_model* model);
/* The similarity that the folder was made for (similarity_fn_name of sentence-transformers), or else
 * LACOS_SIMILARITY_COSINE; LACOS_SIMILARITY_DEFAULT for NULL. lacos_compare takes it. */
LACOS_API lacos_similarity_fn lacos_get_similarity(const lacos_model* model);

LACOS_API int32_t lacos_get_threads(const lacos_model* model);
/* What the user should know, one line each: keys of the folder that lacos does not use, that int8 is
 * slower than bf16 on this GPU, and the like. The result is NULL beyond the last line. Strings are
 * valid until lacos_close. */
LACOS_API const char* lacos_warning(const lacos_model* model, size_t index);
/* Kernels and instruction set in use, as one line for bug reports. Valid until lacos_close. */
LACOS_API const char* lacos_description(const lacos_model* model);

/* The folder's prompts, sorted by name. A prompt is put before each text. Strings are valid until
 * lacos_close. The result is NULL beyond the last prompt or for an unknown name. */
LACOS_API size_t lacos_prompt_count(const lacos_model* model);
LACOS_API const char* lacos_prompt_name(const lacos_model* model, size_t index);
LACOS_API const char* lacos_prompt_text(const lacos_model* model, const char* name);
/* Name of the prompt that is used if a call names none, or "". */
LACOS_API const char* lacos_default_prompt_name(const lacos_model* model);

/* ---- Encoding -------------------------------------------------------------------------------- */

/* Called by lacos_encode between slices of its texts, in the thread of the call. `done` of `total`
 * texts are finished. A return value other than 0 stops the call with LACOS_CANCELLED. */
typedef int (*lacos_progress)(void* context, size_t done, size_t total);

/* Settings of one call of lacos_encode. A field that is 0 has its default. */
typedef struct lacos_encode_options {
  size_t struct_size; /* sizeof(lacos_encode_options); see LACOS_ENCODE_OPTIONS_INIT */
  const char* prompt; /* text that is put before every text; "": nothing; NULL: see prompt_name */
  /* Name of one of the folder's prompts; NULL or "": the folder's default prompt, if it has one. */
  const char* prompt_name;
  int32_t normalize; /* lacos_choice; LACOS_DEFAULT: the setting of the model */
  int32_t reserved;  /* must be 0 */
  /* Number of leading values of a vector to keep, before it is scaled to length 1; at most those of
   * the model. 0: D. */
  size_t truncate_dim;
  lacos_progress progress; /* NULL: none */
  void* progress_context;  /* passed to `progress` */
} lacos_encode_options;

#define LACOS_ENCODE_OPTIONS_INIT \
  { .struct_size = sizeof(lacos_encode_options) }

typedef struct lacos_encode_stats {
  uint64_t texts;
  uint64_t tokens;    /* tokens after truncation */
  uint64_t truncated; /* texts that were longer than max_length and were cut */
  uint64_t empty;     /* texts without tokens, which have zero vectors */
} lacos_encode_stats;

/* Computes the vectors of n texts in UTF-8. lengths[i] is the length of texts[i] in bytes; if
 * `lengths` is NULL, every text ends at its NUL. Row i of `out` is the vector of texts[i]; it has D
 * values, or truncate_dim values if that is not 0. It depends neither on the other texts nor on the
 * number of threads, and it equals the vector that `lacos embed` writes with the same settings.
 * out_floats is the size of `out`, which must hold at least n rows. `options` and `stats` may be
 * NULL. If a text is not UTF-8, the call fails with LACOS_USER_ERROR before it writes to `out`; the
 * message gives the index of the text and the byte, both counted from 0. */
LACOS_API lacos_status lacos_encode(lacos_model* model, const char* const* texts,
                                    const size_t* lengths, size_t n,
                                    const lacos_encode_options* options, float* out,
                                    size_t out_floats, lacos_encode_stats* stats);

/* The vectors of a text's tokens before pooling (hidden states after the last LayerNorm), and their
 * ids: of the tokens that lacos_encode would use, with prompt and truncation. `options` may be NULL;
 * only its prompt counts. *count gets the number of tokens even if `capacity` is smaller; the call
 * then fails with LACOS_BUFFER_TOO_SMALL. `ids` has room for `capacity` ids and `out` for `capacity`
 * rows of lacos_hidden_size values; either may be NULL. With both NULL and capacity 0 the call only counts, and succeeds. */
LACOS_API lacos_status lacos_encode_tokens(lacos_model* model, const char* text, size_t length,
                                           const lacos_encode_options* options, int32_t* ids,
                                           float* out, size_t capacity, size_t* count);

/* ---- Tokens ---------------------------------------------------------------------------------- */

/* A length for texts that end at their NUL. */
#define LACOS_NUL_TERMINATED ((size_t)-1)

/* Token ids of a text before truncation and without a prompt. Whitespace is stripped if the model
 * does so. *count gets the number of ids even if `capacity` is smaller; the call then fails with
 * LACOS_BUFFER_TOO_SMALL and writes no ids. With ids NULL and capacity 0 the call only counts, and
 * succeeds. `offsets` is NULL or has room for 2 * capacity numbers: the begin and end of each id in
 * characters (code points) of the text. */
LACOS_API lacos_status lacos_tokenize(const lacos_model* model, const char* text, size_t length,
                                      int32_t* ids, int64_t* offsets, size_t capacity,
                                      size_t* count);

/* Text of `count` ids, followed by a NUL; invalid UTF-8 in it is replaced by U+FFFD. *length gets
 * the number of bytes without the NUL even if `capacity` is too small for the text and the NUL; the
 * call then fails with LACOS_BUFFER_TOO_SMALL. With text NULL and capacity 0 the call only
 * measures, and succeeds. An id that the tokenizer does not know is a LACOS_USER_ERROR. */
LACOS_API lacos_status lacos_decode(const lacos_model* model, const int32_t* ids, size_t count,
                                    int skip_special_tokens, char* text, size_t capacity,
                                    size_t* length);

/* Id of the token with this literal string (NUL-terminated, as in tokenizer.json), or -1. */
LACOS_API int32_t lacos_token_id(const lacos_model* model, const char* token);

/* ---- Similarity ------------------------------------------------------------------------------ */

/* Cosines of all pairs: out[i * b_rows + j] is the cosine of row i of a [a_rows, dimension] and row
 * j of b [b_rows, dimension], computed in double. It is 0 if one of the rows is zero. a and b may
 * be the same. out_floats is at least a_rows * b_rows. Works in the calling thread. */
LACOS_API lacos_status lacos_similarity(const float* a, size_t a_rows, const float* b,
                                        size_t b_rows, size_t dimension, float* out,
                                        size_t out_floats);

/* Cosines of rows with the same index: out[i] is the cosine of row i of a and row i of b, which are
 * both [rows, dimension]. */
LACOS_API lacos_status lacos_similarity_pairwise(const float* a, const float* b, size_t rows,
                                                 size_t dimension, float* out, size_t out_floats);

/* lacos_similarity and lacos_similarity_pairwise by another similarity_fn, a lacos_similarity_fn. */
LACOS_API lacos_status lacos_compare(int32_t similarity_fn, const float* a, size_t a_rows,
                                     const float* b, size_t b_rows, size_t dimension, float* out,
                                     size_t out_floats);
LACOS_API lacos_status lacos_compare_pairwise(int32_t similarity_fn, const float* a, const float* b,
                                              size_t rows, size_t dimension, float* out,
                                              size_t out_floats);

/* ---- Vectors in fewer bits ------------------------------------------------------------------- */

typedef enum lacos_precision {
  LACOS_PRECISION_FLOAT32 = 1,
  LACOS_PRECISION_FLOAT16 = 2,
  LACOS_PRECISION_INT8 = 3,
  LACOS_PRECISION_UINT8 = 4,
  LACOS_PRECISION_BINARY = 5, /* signs, eight a byte, minus 128 */
  LACOS_PRECISION_UBINARY = 6 /* signs, eight a byte */
} lacos_precision;

/* Converts vectors [n, dimension] to another type, a lacos_precision, as `lacos embed --precision`
 * and quantize_embeddings of sentence-transformers do. Row i of `out` has `dimension` values, or
 * (dimension + 7) / 8 bytes for binary and ubinary. out_bytes is the size of `out`.
 * int8 and uint8 divide the range of each value into 255 steps. `ranges` [2, dimension] has the
 * smallest and then the largest values, such as those of an earlier call, so that both results can
 * be compared; if it is NULL, the ranges are those of the vectors, of which there must be two or
 * more. *clipped, which may be NULL, gets the number of values beyond given ranges. Works in the
 * calling thread. Fails with LACOS_USER_ERROR for values that are not finite. */
LACOS_API lacos_status lacos_quantize_embeddings(int32_t precision, const float* vectors, size_t n,
                                                 size_t dimension, const float* ranges, void* out,
                                                 size_t out_bytes, uint64_t* clipped);

/* ---- Making and measuring models ------------------------------------------------------------- */

/* The following functions take their settings as a JSON object in UTF-8 and give a report as JSON.
 * Names of settings are those of the program's flags with '_' for '-' (docs/settings.md,
 * docs/reference/c-api.md), such as {"model": "bloom-560m", "batch_size": 64}; a value of null means
 * the default. An unknown name is a LACOS_USER_ERROR that says which name was probably meant. New
 * versions may add names, events and members of reports; those of today stay. */

/* Releases a text that one of these functions gave. NULL is allowed. */
LACOS_API void lacos_free_text(char* text);

/* Called in the thread of the call with an event, which is a JSON object in one line, and with NULL
 * before the work and at least ten times a second. A return value other than 0 asks the work to stop. Events are
 *   {"event": "progress", "done", "total"}       bytes of quantize, texts of evaluate
 *   {"event": "start", "first_step", "total_steps", "examples", "truncated", "strategy",
 *    "planned_peak_bytes"}
 *   {"event": "step", "step", "total_steps", "epoch", "loss", "learning_rate", "gradient_norm",
 *    "tokens", "tokens_per_second", "seconds", "has_update"}
 *   {"event": "dev_score", "step", "spearman", "pearson", "best"}
 *   {"event": "message", "text"}, {"event": "warning", "text"}
 * Numbers that are not finite are null. */
typedef int (*lacos_event)(void* context, const char* event);

/* Casts an original BLOOM folder to 8 bits, as `lacos quantize` does. Settings: model, output,
 * scheme, block_size, layout, keep_embedding, base_name, overwrite, threads. The report, which may
 * be NULL, is {"bytes_before", "bytes_after", "relative_error"}. If on_event stops the call, its
 * status is LACOS_CANCELLED, and nothing is left behind. */
LACOS_API lacos_status lacos_quantize(const char* settings, lacos_event on_event, void* context,
                                      char** report);

/* Trains, as `lacos train` does. Settings: model, base, adapter, train (files), dev, output,
 * overwrite, threads, device (as in lacos_options), and all those of docs/settings.md. The report
 * has the members of `lacos train --json` and "interrupted". If on_event stops the call, the state is saved after the
 * current step, the status is LACOS_OK and "interrupted" is true; the setting resume goes on. */
LACOS_API lacos_status lacos_train(const char* settings, lacos_event on_event, void* context,
                                   char** report);

/* Scores an open model, as `lacos eval` does. Settings: task, data (files), suite, suite_folder,
 * skip_missing, split, train_data, shots, keep_identical_ids, prompt, prompt_name, query_prompt,
 * document_prompt, similarity, leak_check, resamples, confidence, seed, delimiter, quoting,
 * replace_invalid, output (a folder for the report page and the results), overwrite, names (an object
 * with what results call files, by their paths), cache (a folder where vectors are kept between calls).
 * The report is that of `lacos eval --json`. If on_event stops the call, its status is LACOS_CANCELLED,
 * and nothing is left behind.
 * With one of these settings, another system is measured, and `model` is NULL: embeddings (an .npy file
 * with a row for each text of lacos_evaluation_texts) and about (a JSON file that says what made them),
 * or floor ("word-overlap" or "tf-idf", which count words). */
LACOS_API lacos_status lacos_evaluate(lacos_model* model, const char* settings,
                                      lacos_event on_event, void* context, char** report);

/* The distinct texts of an evaluation, for another system to embed: a JSON array of {"text", "role"},
 * where a role is "plain", "query" or "document". Settings: those of lacos_evaluate about data (task,
 * data, suite, suite_folder, skip_missing, split, train_data, shots, keep_identical_ids, delimiter,
 * quoting, replace_invalid, names). Release *texts with lacos_free_text. */
LACOS_API lacos_status lacos_evaluation_texts(const char* settings, char** texts);

/* Compares two evaluations by the folders that `output` of lacos_evaluate or `lacos eval --output`
 * names, as `lacos eval --compare` does: a paired bootstrap over the items that both have. Settings:
 * resamples, confidence, seed, output (a folder for the page and comparison.json), overwrite. The
 * report is that of `lacos eval --compare --json`: {"comparisons": [{"name", "convention", "measure",
 * "n", "a", "b", "difference", "interval", "p"}], "not_compared"}. LACOS_USER_ERROR for folders that
 * are no evaluations or have no set in common. */
LACOS_API lacos_status lacos_compare_evaluations(const char* a, const char* b, const char* settings,
                                                 lacos_event on_event, void* context,
                                                 char** report);

/* ---- Rows of tables -------------------------------------------------------------------------- */

/* A table that is read row by row. One thread at a time may use it. */
typedef struct lacos_rows lacos_rows;

/* Opens a table of any form that `lacos data inspect` recognizes: .tsv, .csv, .jsonl, .json, plain
 * or compressed, or a folder of them. Settings: delimiter, quoting, replace_invalid. The columns of
 * a table without a header get their usual names (docs/data.md). On success, *rows must be passed
 * to lacos_close_rows in the end; on failure it is NULL. */
LACOS_API lacos_status lacos_open_rows(const char* path, const char* settings, lacos_rows** rows);

/* The next rows, at most `count`, as a JSON array of objects; [] at the end. A value is a text, a
 * list of texts, or null. Release *json with lacos_free_text. */
LACOS_API lacos_status lacos_next_rows(lacos_rows* rows, size_t count, char** json);

/* NULL is allowed. */
LACOS_API void lacos_close_rows(lacos_rows* rows);

/* ---- Serving --------------------------------------------------------------------------------- */

/* A server that answers requests for vectors over HTTP, as `lacos serve` does, from threads of its
 * own. It has its own copy of the settings and its own view of the model's files. */
typedef struct lacos_server lacos_server;

/* Settings for lacos_server_start. A field that is 0 has its default. */
typedef struct lacos_server_options {
  size_t struct_size; /* sizeof(lacos_server_options); see LACOS_SERVER_OPTIONS_INIT */
  /* HOST:PORT, [IPV6]:PORT or unix:PATH; port 0 takes a free one. NULL or "": 127.0.0.1:0. */
  const char* listen;
  const char* api_keys;   /* file of keys that requests must show; NULL or "": none */
  const char* access_log; /* file that gets a line of JSON for each request; NULL or "": none */
  const char* model_name; /* what replies call the model; NULL or "": the folder's name */
  /* "NAME=FOLDER" of adapters over the same base, ending with NULL; NULL: none. */
  const char* const* adapters;
  int32_t no_auth; /* lacos_choice; LACOS_YES allows an address that others reach, without keys */
  int32_t accept_token_ids; /* lacos_choice; LACOS_YES accepts ids of this model's tokenizer */
  int32_t
      empty_is_zero; /* lacos_choice; LACOS_YES gives empty texts the zero vector, not an error */
  int32_t reserved;  /* must be 0 */
  double max_wait;   /* seconds that a request may wait before it gets 429; 0: 10 */
  double request_timeout; /* seconds after which a request is not computed any more; 0: 60 */
} lacos_server_options;

#define LACOS_SERVER_OPTIONS_INIT \
  { .struct_size = sizeof(lacos_server_options) }

/* Opens a model as lacos_open does, and starts to serve it. Returns when requests are answered. Both
 * options may be NULL. On success, *server must be passed to lacos_server_stop in the end; on failure
 * it is NULL. LACOS_USER_ERROR if the address is in use or the library was built without Boost. */
LACOS_API lacos_status lacos_server_start(const char* path, const lacos_options* options,
                                          const lacos_server_options* server_options,
                                          lacos_server** server);

/* The server's address: "http://127.0.0.1:8080", or "unix:/run/lacos.sock"; "" for NULL. Valid until
 * lacos_server_stop. */
LACOS_API const char* lacos_server_url(const lacos_server* server);

/* Reads the file of keys again. If it is wrong, the call fails and the old keys stay. */
LACOS_API lacos_status lacos_server_reload_keys(lacos_server* server);

/* Refuses new requests, waits at most drain_seconds until the admitted ones are answered, ends all
 * connections and releases the server. *lost gets the number of admitted requests that were not
 * answered; it may be NULL. No other call may use the server at that time. NULL is allowed. */
LACOS_API lacos_status lacos_server_stop(lacos_server* server, double drain_seconds,
                                         uint64_t* lost);

#ifdef __cplusplus
}
#endif

#endif /* LACOS_H_ */
