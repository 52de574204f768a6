/* SPDX-License-Identifier: Apache-2.0
 * search.h - the driver: lanes run, samples end, a strategy says when it is enough and which is best.
 *
 *   sample   one attempt at the question, number 0, 1, 2, ...; its tokens are kept until the next run
 *   run      a sample that is being written now, on a lane of the decoder
 *   group    samples whose answers mean the same
 *
 * What a sample writes depends on the seed and its number alone. The driver's deadline check and the
 * decoder's are the only places that read a clock. */
#ifndef PD_SEARCH_H
#define PD_SEARCH_H

#include "base/arena.h"
#include "base/pool.h"
#include "decode/decoder.h"
#include "decode/sampler.h"
#include "model/chat.h"
#include "model/tokenizer.h"
#include "model/traits.h"
#include "search/answer.h"

enum {
    PD_MAX_SAMPLES = PONDER_MAX_SAMPLES,
    PD_FORCED_TOKENS = 24, /* room for a forced answer behind max_tokens */
    PD_NO_GROUP = -1
};

enum pd_sample_state {
    PD_SAMPLE_RUNNING,
    PD_SAMPLE_ENDED, /* by the model, or by a complete answer */
    PD_SAMPLE_CUT,   /* at max_tokens: not a finished answer */
    PD_SAMPLE_FORCED /* made to answer when time ran out */
};

struct pd_sample {
    enum pd_sample_state state;
    int32_t *token; /* [max_tokens + PD_FORCED_TOKENS] */
    int n_tokens;
    int n_drawn;         /* of them, by the model; the others were forced on it */
    double sum_log_prob; /* of the drawn ones */
    int group;           /* PD_NO_GROUP: no answer in it, or not looked at yet */
};

struct pd_group {
    char answer[PD_ANSWER_BYTES];
};

struct pd_run {
    int sample;
    int lane;
    int output; /* row of the head after its last token */
    char *text;          /* [text_capacity] what it wrote, for finding an answer */
    size_t text_bytes;
    int32_t next; /* the token just drawn */
    float next_log_prob;
};

struct pd_search_size {
    int n_lanes, max_prompt_tokens, max_tokens;
    size_t max_text_bytes; /* of a text to tokenize */
};

/* What a run of the driver is asked for; all set, no defaults. */
struct pd_task {
    int n_samples, max_tokens;
    struct pd_sampling how;
    double confidence;   /* of the vote, to stop early; >= 1: never */
    int64_t deadline_ns; /* 0: none */
    bool wants_answer; /* find answers, end a sample at its answer, force one when time runs out */
    const char *stop;  /* a text that ends a sample (and is cut off), or NULL */
    const volatile int *cancel;
    void (*on_text)(void *user, const char *piece, size_t bytes);
    void *user;
};

struct pd_strategy;

struct pd_search {
    struct pd_decoder *decoder;
    const struct pd_tokenizer *tokenizer;
    const struct pd_traits *traits; /* of the model; NULL until somebody sets it */
    struct pd_search_size size;
    size_t text_capacity;

    int32_t *prompt; /* [max_prompt_tokens] */
    int n_prompt;
    const char *mark; /* begins the line of the answer in what is written behind it; "": any form */
    char *question;   /* [max_text_bytes] a place to work in */
    int32_t *cached; /* [max_prompt_tokens] what the trunk lane holds */
    int n_cached;
    int trunk;       /* the lane that holds the prompt; -1: none yet */
    int32_t *forced; /* [PD_FORCED_TOKENS] what makes a lane answer */
    int n_forced;
    struct pd_sample *sample;   /* [PD_MAX_SAMPLES] */
    struct pd_group *group;     /* [PD_MAX_SAMPLES] */
    struct pd_run *run;         /* [n_lanes] */
    struct pd_row *row;         /* [n_batch] */
    struct pd_draw *draw;       /* [n_batch] */
    struct pd_sampler *sampler; /* [n_threads] */
    char *text;                 /* [text_capacity] the chosen sample */
    void *scratch;              /* of the tokenizer */
    size_t scratch_bytes;

    /* The run of the driver. */
    struct pd_task task;
    const struct pd_strategy *strategy;
    int n_samples, n_groups, n_running;
    int n_steps, n_tokens;
    int64_t start_ns, first_token_ns;
    int64_t longest_step_ns; /* of the decode steps, and between two looks at the clock elsewhere */

    /* What the deadline check goes by; kept from call to call. */
    double row_ns;       /* a row of a pass through the model */
    double pass_ns;      /* what a pass takes besides its rows */
    double usual_tokens; /* of a sample that ends by itself */
};

/* What came of it. */
struct pd_outcome {
    enum ponder_finish finish;
    int sample;         /* whose text it is; -1: none was written */
    const char *answer; /* "" : none found */
    size_t text_bytes;  /* of search->text */
    double confidence;
    int n_ended;      /* samples that ended by themselves or were forced */
    double needed_ns; /* NO_TIME: a budget that would do, estimated */
};

void pd_search_layout(struct pd_search *s, struct pd_decoder *d, const struct pd_tokenizer *t,
                      struct pd_search_size size, struct pd_arena *a);

/* Puts search->prompt into the trunk lane ahead of time: prompts that begin alike need only what is new. */
enum ponder_status pd_search_warm(struct pd_search *s);

/* Frees all lanes, the trunk too. */
void pd_search_forget(struct pd_search *s);

/* Prefills search->prompt and thinks. start_ns: when the caller was called. OK also when no answer was found
 * (*outcome_ret says so). NO_TIME: nothing could be written by the deadline; CANCELLED. */
enum ponder_status pd_search_run(struct pd_search *s, const struct pd_task *task,
                                 const struct pd_strategy *strategy, int64_t start_ns,
                                 struct pd_outcome *outcome_ret);

static inline double pd_sample_mean_log_prob(const struct pd_sample *sample)
{
    return sample->n_drawn > 0 ? sample->sum_log_prob / sample->n_drawn : 0.0;
}

/* True for samples that count: ended by themselves or forced, not cut or running. */
static inline bool pd_sample_is_finished(const struct pd_sample *sample)
{
    return sample->state == PD_SAMPLE_ENDED || sample->state == PD_SAMPLE_FORCED;
}

#endif
