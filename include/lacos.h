/* The C interface of lacos: sentence vectors of a BLOOM model folder, for programs in any language.
 *
 *     lacos_model* model = NULL;
 *     if (lacos_open("trained", NULL, &model) != LACOS_OK) return fail(lacos_last_error());
 *     const char* texts[] = {"A man plays a guitar.", "Someone makes music."};
 *     float* vectors = malloc(2 * lacos_dimension(model) * sizeof *vectors);
 *     lacos_encode(model, texts, NULL, 2, NULL, vectors, 2 * lacos_dimension(model), NULL);
 *     lacos_close(model);
 *
 * Errors. A function that can fail returns a lacos_status; lacos_last_error() then has the message. A wrong
 * argument, path, file or text never ends the program, and no C++ exception leaves the library. When a call
 * fails, what it would have written is unspecified, except where its comment says otherwise.
 *
 * Threads. Every function may be called from several threads at once, on one model or on several; only
 * lacos_close needs that no other call uses the model. All computing is done by one thread of the library
 * with its team, shared by all models of the process: so cores are not oversubscribed and calls of lacos_open
 * and lacos_encode take turns, in slices of a long call, in the order of their arrival. All other functions
 * work in the calling thread. The computing threads inherit the CPU affinity of the thread that opens the
 * first model and block asynchronous signals.
 *
 * Floating point. The caller's rounding mode, flush-to-zero settings and traps change no result and are kept.
 *
 * Fork. A child of fork() has no computing thread: with a model that was opened before the fork, lacos_encode
 * fails with LACOS_USER_ERROR and lacos_close releases nothing. Open the model in the child; all of that
 * works there.
 *
 * Compatibility. Functions, values and the order of fields stay; structures may grow at their end, which
 * struct_size tells, and 0 in a new field will mean today's behaviour. */
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
  LACOS_INVALID_ARGUMENT = 1, /* the call itself is wrong: NULL, a value outside its range */
  LACOS_USER_ERROR = 2, /* the input or the environment is wrong: paths, files, texts, settings */
  LACOS_OUT_OF_MEMORY = 3,
  LACOS_INTERNAL = 4, /* none of the others: please report it */
  LACOS_BUFFER_TOO_SMALL = 5,
  LACOS_CANCELLED = 6 /* a progress function asked for it */
} lacos_status;

/* Version of the library that runs, "0.1.0"; LACOS_VERSION_STRING is that of the header. */
LACOS_API const char* lacos_version(void);

/* "ok", "invalid argument", ...; "unknown status" for other numbers. Never NULL. */
LACOS_API const char* lacos_status_name(int32_t status);

/* Message of the calling thread's last failed call, "[where] what was found; what was expected; what to do",
 * or "". Never NULL; valid until the thread's next call that fails, or its end. */
LACOS_API const char* lacos_last_error(void);

/* ---- Opening ----------------------------------------------------------------------------------- */

/* An open model. All its settings are fixed when it is opened. */
typedef struct lacos_model lacos_model;

typedef enum lacos_compute {
  LACOS_COMPUTE_DEFAULT = 0, /* bf16 */
  LACOS_COMPUTE_F32 = 1,
  LACOS_COMPUTE_BF16 = 2,
  LACOS_COMPUTE_INT8 = 3
} lacos_compute;

typedef enum lacos_pooling {
  LACOS_POOLING_DEFAULT = 0, /* what the folder says, else mean */
  LACOS_POOLING_MEAN = 1,
  LACOS_POOLING_WEIGHTED_MEAN = 2,
  LACOS_POOLING_LAST = 3,
  LACOS_POOLING_CLS = 4,
  LACOS_POOLING_MAX = 5,
  LACOS_POOLING_MEAN_SQRT_LEN = 6
} lacos_pooling;

typedef enum lacos_choice {
  LACOS_DEFAULT = 0, /* what the folder says, else no */
  LACOS_YES = 1,
  LACOS_NO = 2
} lacos_choice;

/* Settings for lacos_open. A field that is 0 has its default. */
typedef struct lacos_options {
  size_t struct_size; /* sizeof(lacos_options); see LACOS_OPTIONS_INIT */
  const char* base;   /* where a trained folder's base is, if it was moved; NULL or "": not moved */
  const char* adapter;  /* folder of a PEFT adapter to add to a base; NULL or "": none */
  int32_t compute;      /* lacos_compute: arithmetic of products with frozen weights */
  int32_t pooling;      /* lacos_pooling: how the vectors of a text's tokens become one */
  int32_t normalize;    /* lacos_choice: scale every vector to length 1 */
  int32_t strip;        /* lacos_choice: take blanks off both ends of every text */
  int32_t threads;      /* 0: all cores; at most 4096 */
  int32_t reserved;     /* 0 */
  int64_t max_length;   /* tokens of a text that are used; 0: what the folder says, else 2048 */
  int64_t batch_tokens; /* tokens computed at a time, 0: 4096; memory and speed, never results */
  const char*
      prefix; /* its tokens are put before every text and its prompt, and are never cut off; NULL: none */
  const char* suffix; /* the same after every text */
} lacos_options;

/* lacos_options options = LACOS_OPTIONS_INIT;
 * In C++ before 20: lacos_options options = {}; options.struct_size = sizeof options; */
#define LACOS_OPTIONS_INIT \
  { .struct_size = sizeof(lacos_options) }

/* Opens an original BLOOM folder, a quantised one, a trained output folder or a sentence-transformers folder.
 * `options` may be NULL. On success *model is to be given to lacos_close; on failure it is NULL. */
LACOS_API lacos_status lacos_open(const char* path, const lacos_options* options,
                                  lacos_model** model);

/* Releases a model. NULL is allowed. */
LACOS_API void lacos_close(lacos_model* model);

/* Settings in force. With a NULL model: 0 (and "" for the description). */
LACOS_API size_t lacos_dimension(const lacos_model* model); /* values in a vector, D */
LACOS_API size_t
lacos_vocabulary_size(const lacos_model* model);             /* the tokenizer's largest id + 1 */
LACOS_API size_t lacos_max_length(const lacos_model* model); /* tokens of a text that are used */
LACOS_API lacos_compute lacos_get_compute(const lacos_model* model);
LACOS_API lacos_pooling lacos_get_pooling(const lacos_model* model);
LACOS_API lacos_choice lacos_get_normalize(const lacos_model* model);
LACOS_API lacos_choice lacos_get_strip(const lacos_model* model);
LACOS_API int32_t lacos_get_threads(const lacos_model* model);
/* Kernels and instruction set in use, one line for bug reports; valid until lacos_close. */
LACOS_API const char* lacos_description(const lacos_model* model);

/* The folder's prompts, texts that are put before a text, sorted by name. Strings are valid until
 * lacos_close; NULL beyond the last prompt or for an unknown name. */
LACOS_API size_t lacos_prompt_count(const lacos_model* model);
LACOS_API const char* lacos_prompt_name(const lacos_model* model, size_t index);
LACOS_API const char* lacos_prompt_text(const lacos_model* model, const char* name);
/* Name of the prompt that is used when none is asked for, or "". */
LACOS_API const char* lacos_default_prompt_name(const lacos_model* model);

/* ---- Encoding ---------------------------------------------------------------------------------- */

/* Called by lacos_encode, in the thread of the call, between slices of its texts: `done` of `total` are
 * ready. Another value than 0 stops the call with LACOS_CANCELLED. */
typedef int (*lacos_progress)(void* context, size_t done, size_t total);

/* Settings of one lacos_encode. A field that is 0 has its default. */
typedef struct lacos_encode_options {
  size_t struct_size; /* sizeof(lacos_encode_options); see LACOS_ENCODE_OPTIONS_INIT */
  const char* prompt; /* put before every text; "": nothing; NULL: prompt_name */
  const char*
      prompt_name; /* one of the folder's prompts; NULL or "": the folder's default prompt, if any */
  int32_t normalize; /* lacos_choice; LACOS_DEFAULT: as the model was opened */
  int32_t reserved;  /* 0 */
  size_t
      truncate_dim; /* keep the first values of a vector, before it is scaled to length 1; 0: all */
  lacos_progress progress; /* NULL: none */
  void* progress_context;
} lacos_encode_options;

#define LACOS_ENCODE_OPTIONS_INIT \
  { .struct_size = sizeof(lacos_encode_options) }

typedef struct lacos_encode_stats {
  uint64_t texts;
  uint64_t tokens;    /* computed: after truncation */
  uint64_t truncated; /* texts that were longer than the model's max_length and lost their end */
  uint64_t empty;     /* texts without tokens: their vectors are zero */
} lacos_encode_stats;

/* Vectors of n texts in UTF-8. lengths[i] is the length of texts[i] in bytes; with lengths NULL every text
 * ends at its NUL. Row i of `out`, D values (truncate_dim if that is not 0), is the vector of texts[i]; it
 * depends neither on the other texts nor on the number of threads, and equals what `lacos embed` writes with
 * the same settings. out_floats is the size of `out`, at least n rows. `options` and `stats` may be NULL.
 * Text that is not UTF-8 is a LACOS_USER_ERROR naming index and byte (both from 0), and `out` is then
 * untouched. */
LACOS_API lacos_status lacos_encode(lacos_model* model, const char* const* texts,
                                    const size_t* lengths, size_t n,
                                    const lacos_encode_options* options, float* out,
                                    size_t out_floats, lacos_encode_stats* stats);

/* ---- Tokens ------------------------------------------------------------------------------------ */

/* As the length of a text: it ends at its NUL. */
#define LACOS_NUL_TERMINATED ((size_t)-1)

/* Token ids of a text, before truncation, without a prompt; blanks are stripped if the model strips. *count
 * gets the number of ids even when `capacity` is smaller: then the call fails with LACOS_BUFFER_TOO_SMALL and
 * writes no ids. With ids NULL and capacity 0 it only counts, and succeeds. `offsets` is NULL or has room for
 * 2 * capacity numbers: begin and end of each id in characters (code points) of the text. */
LACOS_API lacos_status lacos_tokenize(const lacos_model* model, const char* text, size_t length,
                                      int32_t* ids, int64_t* offsets, size_t capacity,
                                      size_t* count);

/* Text of `count` ids, invalid UTF-8 in it replaced by U+FFFD, followed by a NUL; `length` gets its bytes
 * without the NUL, even when `capacity` is too small for both: then the call fails with
 * LACOS_BUFFER_TOO_SMALL. With text NULL and capacity 0 it only measures, and succeeds. An id that the
 * tokenizer does not know is a LACOS_USER_ERROR. */
LACOS_API lacos_status lacos_decode(const lacos_model* model, const int32_t* ids, size_t count,
                                    int skip_special_tokens, char* text, size_t capacity,
                                    size_t* length);

/* Id of a token's literal string (NUL-terminated, as tokenizer.json spells it), or -1. */
LACOS_API int32_t lacos_token_id(const lacos_model* model, const char* token);

/* ---- Similarity -------------------------------------------------------------------------------- */

/* Cosines of all pairs: out[i * b_rows + j] of row i of a [a_rows, dimension] and row j of b
 * [b_rows, dimension], computed in double; 0 when a row is zero. a and b may be the same. out_floats is at
 * least a_rows * b_rows. Works in the calling thread. */
LACOS_API lacos_status lacos_similarity(const float* a, size_t a_rows, const float* b,
                                        size_t b_rows, size_t dimension, float* out,
                                        size_t out_floats);

/* Cosines of rows with one index: out[i] of row i of a and row i of b, both [rows, dimension]. */
LACOS_API lacos_status lacos_similarity_pairwise(const float* a, const float* b, size_t rows,
                                                 size_t dimension, float* out, size_t out_floats);

#ifdef __cplusplus
}
#endif

#endif /* LACOS_H_ */
