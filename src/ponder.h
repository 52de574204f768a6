/* SPDX-License-Identifier: Apache-2.0
 * ponder.h - the one public header: a tiny language model that thinks as long as you can wait.
 *
 * Life of a program:
 *
 *     ponder_options_default(&options);                     what the engine must be able to do
 *     ponder_measure(path, &options, &plan, ...)            how many bytes that takes, section by section
 *     ponder_init(block, bytes, path, &options, &p, ...)    in memory of yours, or ponder_create() in its own
 *     ponder_solve(p, question, ..., &request, &answer)     as often as you like
 *     ponder_free(p)
 *
 * Memory: all of the engine's state, weights and thread stacks lie in one block whose size is known
 * before; after init nothing is allocated and the model file is closed (a sidecar stays mapped). Threads: one engine serves one
 * caller at a time; different engines are independent. The library never prints, exits, reads the
 * environment or keeps a global. Text is UTF-8; lengths are bytes; times are milliseconds. */
#ifndef PONDER_H
#define PONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PONDER_API __attribute__((visibility("default")))
#else
#define PONDER_API
#endif

/* X(name, exit code of the command line, text for people) */
#define PONDER_STATUS_MAP(X)                                                                       \
    X(OK, 0, "success")                                                                            \
    X(NO_ANSWER, 1, "no answer was found in what the model wrote")                                 \
    X(BAD_ARGUMENT, 2, "an argument is out of range")                                              \
    X(BAD_INPUT, 2, "the text is empty or is not valid UTF-8")                                     \
    X(TOO_LONG, 2, "the text does not fit the context")                                            \
    X(NO_FILE, 3, "the file cannot be opened or read")                                             \
    X(BAD_FILE, 3, "the file is damaged")                                                          \
    X(UNSUPPORTED, 3, "the model needs something that this build does not have")                   \
    X(BAD_SIDECAR, 3, "the packed weights are damaged, or not this model's")                       \
    X(OTHER_SIDECAR, 3, "the packed weights are for another instruction set")                      \
    X(OTHER_BASE, 3, "the adapter or verifier is made for another model")                             \
    X(NO_MEMORY, 4, "the memory is too small")                                                     \
    X(NO_LANE, 4, "all lanes are in use")                                                          \
    X(NO_TIME, 5, "the budget is too short for an answer")                                         \
    X(CANCELLED, 130, "cancelled by the caller")

enum ponder_status {
#define X(name, exit_code, text) PONDER_##name,
    PONDER_STATUS_MAP(X)
#undef X
};

enum { PONDER_MAX_LANES = 64, PONDER_MAX_SAMPLES = 256, PONDER_MAX_THREADS = 256, PONDER_MAX_SECTIONS = 16 };
enum { PONDER_COST_POINTS = 8 };
enum { PONDER_ERROR_BYTES = 256 }; /* room for any error text */

struct ponder; /* an engine: one model, its memory, its threads */

/* What the engine must be able to do; decides its memory. Zero means the default given here. */
struct ponder_options {
    int n_lanes;           /* samples that may run at once, 1..PONDER_MAX_LANES; 8 */
    int max_prompt_tokens; /* prompt with its chat template; 512, less if the model's context is short */
    int max_tokens;        /* tokens a lane may write; 256, the same */
    int n_threads;         /* 1..PONDER_MAX_THREADS; 0: the cores this process may use */
    size_t max_text_bytes; /* a text given to the engine; 16 * max_prompt_tokens + 4096 */
    const char *isa;       /* best instruction set to use: "generic", "avx2"...; NULL: what the CPU has */
    const char *sidecar;   /* packed weights of this model, from ponder_pack(); NULL: pack at init */
    const char *lora;     /* LoRA adapter (GGUF) that changes the model for all that is written; NULL: none */
    const char *reviser;  /* LoRA adapter that revises attempts; NULL: who wrote them does */
    const char *verifier; /* LoRA adapter with a value head, or model, that judges steps; NULL: none */
    const char *chat; /* chat template: "chatml", "llama3", "gemma", "mistral", "plain"; NULL: the
                       * model's in ponder_generate(), none in ponder_solve() */
};

/* What the memory goes to, from ponder_measure(). The names are stable. */
struct ponder_plan {
    size_t total_bytes;  /* the block ponder_init() needs: exactly this */
    size_t mapped_bytes; /* of the sidecar, beside the block: pages of the system's file cache; 0: none */
    int n_sections;
    struct {
        const char *name;
        size_t bytes;
    } sections[PONDER_MAX_SECTIONS];
};

/* What a model file says of itself. Strings live as long as the engine. */
struct ponder_info {
    const char *name, *family, *format, *chat, *isa;
    int64_t n_parameters;
    int n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab, n_ctx_train;
    int n_lanes, n_threads, max_prompt_tokens, max_tokens;
    int n_batch; /* rows one ponder_step() takes at most */
    size_t memory_bytes; /* the block */
    size_t mapped_bytes; /* of the sidecar, beside it; 0: none is used */
    /* What a model made for ponder says of itself (keys ponder.*, see docs/model-files.md); "" and false: nothing. */
    const char *prompt, *answer, *revision; /* the form of its questions and answers */
    bool has_calculator, has_value_head, has_difficulty_head;
};

/* What happens in a search, told as it happens: enough to draw its tree. Text lives until the callback returns. */
struct ponder_event {
    const char *kind; /* "start" a path from the question, "fork" from its parent's last step, "revise" its parent;
                       * "step" and "end" of it; "look" ahead, taken back; "score"; "prune"; "choose" the answer */
    int path, parent; /* numbers of paths in order of creation; -1: none */
    double ms;        /* since the call */
    const char *text; /* step, end, look: what was written since the last of them; choose: all */
    size_t text_bytes;
    const char *answer; /* end, choose: normalised, "" if there is none; else NULL */
    double score;       /* score, not a number: nothing to say; choose: the confidence */
    const char *
        note; /* end: "complete", "cut", "repeats", "empty", "forced"; score: "vetoed"; prune: why; choose: the strategy */
};

/* How one question is to be thought about. Zero means the default given here. */
struct ponder_request {
    double budget_ms;     /* wall clock from the entry of the call; 0: none */
    double average_ms;    /* strategy auto: what a question may take on average over many; 0: no matter */
    int budget_tokens;    /* tokens of all samples together; 0: no limit */
    const char *strategy; /* a name of ponder_strategy(); NULL: majority, greedy if n_samples is 1 */
    int n_samples;        /* samples in all; more than n_lanes run in turn; 0: n_lanes (auto: as many as are worth it) */
    const char *verifier; /* names of ponder_verifier(), parted by commas; "none"; NULL: what the strategy needs */
    const char *score;    /* of a path from its steps': "last", "min", "product", "mean"; NULL: last */
    const char *calculator; /* "on": results behind "expression=" are put in; "off"; NULL, "auto": if trained so */
    int width;            /* continuations of each step that is kept (beam, dvts); 0: 4 */
    int lookahead;        /* steps to look ahead before judging one; 0: none, lookahead: 1 */
    int n_chains;         /* of revisions, side by side; 0: the square root of n_samples */
    int max_tokens;       /* a sample; 0: the engine's max_tokens */
    uint64_t seed;
    float temperature;    /* 0: 0.8; negative: always the likeliest token */
    int top_k;            /* keep the k likeliest tokens; 0: 40; negative: all */
    float top_p;          /* keep the likeliest tokens that hold this mass; 0: 0.95; 1: all */
    float min_p;          /* keep tokens at least this share of the likeliest; 0: off */
    float repeat_penalty; /* 0: 1 (off) */
    double confidence;    /* stop when the answer is this sure; 0: 0.95; 1: never stop early */
    bool raw; /* the text is the whole prompt: no chat template, no examples; special tokens in it count */
    const char *begin; /* what every sample begins with, as if it had written it (not part of text); NULL: nothing */
    const volatile int *cancel; /* becomes non-zero (by a signal handler, another thread) to stop; or NULL */
    /* Called on the caller's thread with each piece of text as lane 0 writes it; or NULL. */
    void (*on_text)(void *user, const char *piece, size_t bytes);
    void (*on_event)(void *user, const struct ponder_event *event); /* for a trace; or NULL */
    void *user;
};

/* What the machine could do at most, and what the model asks of it. */
struct ponder_limits {
    double macs_per_second;         /* multiply-adds of bytes, all threads */
    double macs_per_second_core;    /* one thread alone */
    double read_bytes_per_second;   /* of the memory given, all threads */
    double cached_bytes_per_second; /* of what each core's own cache holds, all threads */
    int64_t macs_per_token;         /* in matrices; attention comes on top */
    size_t weight_bytes;            /* read by one pass, however many lanes it serves */
};

enum ponder_finish { PONDER_COMPLETE, PONDER_EARLY_STOP, PONDER_DEADLINE, PONDER_INTERRUPTED };

/* What passes through a model take on a device. */
struct ponder_cost {
    double prompt_row_ns; /* a token of a long prompt */
    double position_ns;   /* for a token to look back at one position */
    int n_points;
    int lanes[PONDER_COST_POINTS];      /* 1, 2, 4, ... up to n_lanes */
    double step_ns[PONDER_COST_POINTS]; /* a decode step of so many, looking back at nothing */
};

/* What came out. Text lives until the next call on the same engine. */
struct ponder_answer {
    const char *answer; /* normalised; "" when none was found */
    const char *text;   /* the sample that the answer comes from */
    size_t text_bytes;
    double confidence; /* share of the vote (majority), exp of mean log-probability (others): 0..1 */
    enum ponder_finish finish;
    const char *strategy;
    const char *plan;  /* auto: the strategies that it chose, each with its samples; "" */
    double difficulty; /* auto: predicted before the first token, the chance that one sample is right; not a number: unknown */
    double ms_planned; /* auto with a table: what the plan was expected to take; 0: unknown */
    const char *note; /* what was done otherwise than asked, in words; "" */
    int n_samples;          /* samples that ended with an answer or by themselves */
    int n_steps;            /* decode steps, each for all lanes */
    int n_tokens;           /* tokens written, all lanes */
    int n_prompt_tokens;
    double ms_total, ms_first_token;
    double ms_passes;   /* of it, in passes through the model that writes */
    double ms_expected; /* what those were expected to take, each just before it began */
    double ms_step;   /* the longest decode step, or layer of the prompt */
    double ms_needed; /* NO_TIME: a budget that would do, estimated */
    uint64_t seed;
};

PONDER_API const char *ponder_version(void);
PONDER_API const char *ponder_status_text(enum ponder_status status);
PONDER_API int ponder_status_exit_code(enum ponder_status status);
PONDER_API const char *ponder_finish_text(enum ponder_finish finish);

/* Names of strategies, and of the verifiers that p has (NULL: those that need no model), with a line about each in
 * *summary_ret (or NULL). NULL behind the last. */
PONDER_API const char *ponder_strategy(int i, const char **summary_ret);
PONDER_API const char *ponder_verifier(const struct ponder *p, int i, const char **summary_ret);

/* The defaults, for the caller to change; what depends on the model stays 0. */
PONDER_API void ponder_options_default(struct ponder_options *options);
PONDER_API void ponder_request_default(struct ponder_request *request);

/* Says what an engine for this file and these options needs; allocates only while it runs. */
PONDER_API enum ponder_status ponder_measure(const char *path, const struct ponder_options *options,
                                             struct ponder_plan *plan_ret, char *err,
                                             size_t err_bytes);

/* Makes an engine in block, which stays the caller's and must outlive it. No allocation but the
 * workers' thread descriptors. NO_MEMORY: block is smaller than ponder_measure() says; err names what
 * would fit. The model file is closed when this returns. */
PONDER_API enum ponder_status ponder_init(void *block, size_t block_bytes, const char *path,
                                          const struct ponder_options *options,
                                          struct ponder **p_ret, char *err, size_t err_bytes);

/* The same in memory of its own, of exactly the planned size; memory_limit_bytes 0: no limit. */
PONDER_API enum ponder_status ponder_create(const char *path, const struct ponder_options *options,
                                            size_t memory_limit_bytes, struct ponder **p_ret,
                                            char *err, size_t err_bytes);

/* Stops the workers, unmaps a sidecar and, after ponder_create(), frees the block. NULL is fine. */
PONDER_API void ponder_free(struct ponder *p);

/* Puts what all questions begin with through the model, so that the first one waits for its own tokens only. Optional:
 * otherwise the first ponder_solve() does it, within its budget. */
PONDER_API void ponder_warm(struct ponder *p);

#define PONDER_SIDECAR_MAGIC "PONDERW\n" /* the first 8 bytes of every sidecar */

/* Packs a model's weights for the instruction set of the options and gives the bytes of a sidecar to `write`, front to
 * back; bytes_left: after these. Allocates only while it runs, about the model's size. CANCELLED: write
 * returned false. */
PONDER_API enum ponder_status ponder_pack(const char *path, const struct ponder_options *options,
                                          bool (*write)(void *user, const void *data, size_t bytes,
                                                        size_t bytes_left),
                                          void *user, char *err, size_t err_bytes);

/* Reads the model and options->sidecar whole and says whether they belong together: BAD_SIDECAR, OTHER_SIDECAR. Every
 * init with a sidecar does the same but for one thing: of a model that is the very file that was packed, untouched
 * by what the file system says, only the directory is read. */
PONDER_API enum ponder_status ponder_check(const char *path, const struct ponder_options *options,
                                           char *err, size_t err_bytes);

PONDER_API void ponder_describe(const struct ponder *p, struct ponder_info *info_ret);

/* Measures the machine for about a second, with the engine's instruction set and threads. memory: bytes that have been
 * written to (pages that never were share one page), longer than the last cache if their reading is to say something
 * about memory. BAD_ARGUMENT: less than 1 MiB. */
PONDER_API enum ponder_status ponder_probe_limits(struct ponder *p, const void *memory, size_t bytes,
                                                  struct ponder_limits *limits_ret);

/* Measures what passes take, for about a second, with no prompt kept behind; and goes by it from now on. */
PONDER_API enum ponder_status ponder_measure_cost(struct ponder *p, struct ponder_cost *cost_ret);

/* A table for strategy auto, as `ponder calibrate` writes it (a JSON text, which need not live on); bytes 0: none any more.
 * BAD_FILE: err says what is wrong with it; then there is none. What it says of the device is used where instruction set
 * and threads are the same. *is_other_ret (or NULL): the table was made with a model of another name. */
PONDER_API enum ponder_status ponder_use_table(struct ponder *p, const char *json, size_t bytes,
                                               bool *is_other_ret, char *err, size_t err_bytes);

/* Thinks about a question and gives the best answer found within the budget. OK, NO_ANSWER (text is
 * there, no answer in it), BAD_INPUT, TOO_LONG, BAD_ARGUMENT, NO_TIME, CANCELLED (best so far in
 * *answer_ret, which is filled in whatever the status). */
PONDER_API enum ponder_status ponder_solve(struct ponder *p, const char *question,
                                           size_t question_bytes,
                                           const struct ponder_request *request,
                                           struct ponder_answer *answer_ret);

/* Reads a solution as if the model had written it and has the request's verifiers judge it step by step, told by
 * on_event ("step", "end", "score"). answer_ret as from ponder_solve(), its confidence the score of the whole, not a number if there is none; OK,
 * NO_ANSWER (none in the text), and errors as there; TOO_LONG: also more than max_tokens. */
PONDER_API enum ponder_status ponder_judge(struct ponder *p, const char *question,
                                           size_t question_bytes, const char *solution,
                                           size_t solution_bytes,
                                           const struct ponder_request *request,
                                           struct ponder_answer *answer_ret);

/* Writes on from a prompt: one lane, no search for an answer; the same request and result. */
PONDER_API enum ponder_status ponder_generate(struct ponder *p, const char *prompt,
                                              size_t prompt_bytes,
                                              const struct ponder_request *request,
                                              struct ponder_answer *answer_ret);

/* Tokens of a text. parse_special: "<|im_end|>" and the like become one token (only for trusted
 * text); add_bos: as the model wants it. TOO_LONG: more than capacity; *n_ret says how many. */
PONDER_API enum ponder_status ponder_tokenize(struct ponder *p, const char *text, size_t text_bytes,
                                              bool add_bos, bool parse_special, int32_t *tokens_ret,
                                              size_t capacity, size_t *n_ret);

/* Text of a token: returns its length, writes at most capacity bytes, no NUL. 0 for control tokens. */
PONDER_API size_t ponder_token_text(const struct ponder *p, int32_t token, char *text_ret,
                                    size_t capacity);

/* True if two answers mean the same value ("1,000.0" and "1000", "1/2" and "0.5"). */
PONDER_API bool ponder_answer_equal(const char *a, const char *b);

/* The engine underneath, for programs with a search of their own: lanes are sequences that share
 * their common past. ponder_solve() and ponder_generate() reset them. */
PONDER_API void ponder_reset(struct ponder *p);
/* Who runs a lane: the model with the adapter of the options for this role, without one the bare model. */
enum ponder_role { PONDER_POLICY, PONDER_REVISER, PONDER_VERIFIER };
/* A new lane without a past. NO_LANE: all are in use. */
PONDER_API enum ponder_status ponder_lane(struct ponder *p, enum ponder_role role, int *lane_ret);
/* A new lane with the same past as lane `from` (-1: ponder_lane() of the policy). There are n_lanes, one more after ponder_reset(), which
 * gives up the prompt kept for the next question. NO_LANE: all are in use. */
PONDER_API enum ponder_status ponder_fork(struct ponder *p, int from, int *lane_ret);
PONDER_API void ponder_prune(struct ponder *p, int lane);
/* Appends tokens[i] to lanes[i] for n rows in one pass; a lane may appear again and again (a prompt).
 * logits_ret: [n][n_vocab], or NULL. TOO_LONG: a lane is full; NO_MEMORY: lanes that share less than
 * was planned for have used all; then nothing was done. */
PONDER_API enum ponder_status ponder_step(struct ponder *p, const int32_t *tokens, const int *lanes,
                                          int n, float *logits_ret);
/* The same, and draws the token that comes next in each lane, in place of the lane's last tokens[i], as the
 * request's seed, temperature, top_k, top_p and min_p say (NULL: as by default): faster than by logits. A draw
 * depends on the seed, the lane's number and its length. log_prob_ret: natural log-probabilities [n] of the drawn
 * tokens, in their places, in the model's own distribution, or NULL. BAD_ARGUMENT also for a repeat_penalty: nobody knows the lane's words. */
PONDER_API enum ponder_status ponder_decode(struct ponder *p, const int *lanes, int n,
                                            int32_t *tokens, const struct ponder_request *request,
                                            float *log_prob_ret);
/* Appends n tokens to a lane, any number that fits it; log_prob_ret[i]: natural log-probability of tokens[i + 1]
 * behind tokens[0..i] and the lane's past, n - 1 of them. */
PONDER_API enum ponder_status ponder_score(struct ponder *p, int lane, const int32_t *tokens, int n,
                                           float *log_prob_ret);

#ifdef __cplusplus
}
#endif
#endif
