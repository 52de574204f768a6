/* SPDX-License-Identifier: Apache-2.0
 * search.h - the driver: paths run, halt and end; a strategy says which go on and which answer is best.
 *
 *   path     one line of thought: from the question on, or from another path's step on. Its tokens are kept until it is
 *            pruned or the next run
 *   step     a line of it; with a strategy that asks for it, a path halts at each step's end
 *   lane     what a path needs to go on: a sequence of the policy, with its text. Given back when it is over
 *   group    paths whose answers mean the same
 *
 * What a path writes depends on the seed, its root's number and the forks that led to it: not on lanes, threads or
 * who runs beside it. The driver's deadline check and the decoder's are the only places that read a clock, but for
 * those that tell how long things took.
 *
 *   search.c    the loop, and what came of it      path.c    what happens to one path
 *   prefill.c   the prompt                         score.c   asking the verifiers
 *   force.c     a short answer when time runs out  deadline.c  what there is time for */
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
#include "search/cost.h"
#include "search/planner.h"
#include "search/policy.h"
#include "search/verifier.h"

enum {
    PD_MAX_SAMPLES = PONDER_MAX_SAMPLES,
    PD_MAX_PATHS = PONDER_MAX_SAMPLES + PONDER_MAX_LANES, /* over, and with a lane */
    PD_FORCED_TOKENS = 24, /* room for a forced answer behind max_tokens */
    PD_REVISION_TOKENS = 8,
    PD_NOTE_BYTES = 256,
    PD_NO_GROUP = -1,
    PD_NO_LANE = -1,
    PD_NO_PATH = -1,
    PD_NO_TAG = -1
};

enum pd_path_state {
    PD_PATH_FREE,
    PD_PATH_RUNNING,
    PD_PATH_HALTED, /* at a step's end; its lane is kept */
    PD_PATH_ENDED,  /* by the model, or by a complete answer */
    PD_PATH_CUT,    /* at max_tokens, repeating itself, or empty: not a finished answer */
    PD_PATH_FORCED  /* made to answer when time ran out */
};

/* Where a path stands, to come back to. */
struct pd_mark {
    int n_tokens, n_fed, n_drawn;
    double sum_log_prob, sum_certainty;
    size_t text_bytes;
};

struct pd_path {
    enum pd_path_state state;
    int number;   /* in order of creation, of the run; never used twice */
    int parent;   /* the number of the path it was forked from or revises; PD_NO_PATH: none */
    int root;     /* the strategy's number of the start it descends from */
    int tag;      /* the strategy's: paths that it treats together */
    uint64_t key; /* of its random numbers */
    int n_forks;
    int n_steps;    /* ended */
    int32_t *token; /* [max_tokens + PD_FORCED_TOKENS] its own, a fork's with those of its past */
    int n_tokens, max_tokens;
    int n_drawn;         /* of them, by the model; the others were forced on it */
    double sum_log_prob; /* of the drawn ones */
    double sum_certainty; /* of what they were drawn from, if it is wanted: pd_head_certainty() */
    const char *cut_by;   /* for the trace */
    int group;           /* PD_NO_GROUP: no answer in it, or not looked at yet */
    struct pd_scores scores;
    bool is_scored; /* up to where it stands */

    /* While it has a lane. */
    int lane;
    int lane_past;                /* tokens of the lane before its own and the lead */
    int n_lead, n_lead_fed;       /* of s->leads: put before its own */
    int first_in_view;            /* the number of the first attempt that it sees */
    int n_fed;                    /* its own tokens that are through the model */
    int output;                   /* of its last token, when all are */
    bool has_hidden;              /* s->hidden has the state that its last token was drawn from */
    char *text;                   /* [text_capacity] what it wrote */
    size_t text_bytes, text_told; /* told: to on_event */
    size_t line_begin;            /* in text: of the step that is being written */
    size_t step_begin;            /* what was not judged before */
    int step_first_token;
    int32_t next; /* the token just drawn */
    float next_log_prob, next_certainty;

    /* Looking ahead: likeliest tokens from a halt on, judged, and taken back. */
    int n_ahead; /* steps still to write */
    bool is_ahead, ahead_has_ended;
    struct pd_mark mark;
};

struct pd_group {
    uint64_t hash; /* pd_answer_hash() */
    char answer[PD_ANSWER_BYTES];
};

struct pd_search_size {
    int n_lanes, max_prompt_tokens, max_tokens;
    size_t max_text_bytes; /* of a text to tokenize */
};

/* What a run of the driver is asked for; all set, no defaults. */
struct pd_task {
    int n_samples, max_tokens;
    int width;            /* continuations of a step that is kept (beam, dvts) */
    int lookahead;        /* steps to look ahead before judging one */
    int n_chains;         /* of revisions */
    int max_samples;      /* that a planner may take; 0: as many as it likes */
    double average_ns;    /* a question, over many, that a planner may take; 0: no matter */
    int max_total_tokens; /* all paths together; 0: no limit */
    bool has_waves;       /* no more samples at once than may decide the vote */
    float temperature;    /* of strategies that are not greedy */
    struct pd_sampling how;
    double confidence;   /* of the vote, to stop early; >= 1: never */
    int64_t deadline_ns; /* 0: none */
    bool has_calculator; /* equations are completed: calculator.h */
    bool wants_answer; /* find answers, end a sample at its answer, force one when time runs out */
    bool cuts_hopeless; /* samples that repeat themselves, or are empty (repeats.h) */
    const char *stop;  /* a text that ends a sample (and is cut off), or NULL */
    struct pd_verifier_use verifier[PD_MAX_VERIFIERS];
    int n_verifiers;
    enum pd_combine combine;
    const char *given; /* a text to judge instead of writing one; NULL: none */
    size_t given_bytes;
    const char *question; /* for verifiers */
    size_t question_bytes;
    const volatile int *cancel;
    void (*on_text)(void *user, const char *piece, size_t bytes);
    void (*on_event)(void *user, const struct ponder_event *event);
    void *user;
};

struct pd_strategy;

struct pd_search {
    struct pd_policy policy;
    struct pd_policy_model model; /* policy.self, but for tests */
    const struct pd_tokenizer *tokenizer;
    const struct pd_traits *traits; /* of the model; NULL until somebody sets it */
    struct pd_search_size size;
    size_t text_capacity;

    int32_t *prompt; /* [max_prompt_tokens] */
    int n_prompt;
    const char *mark; /* begins the line of the answer in what is written behind it; "": any form */
    char *question;   /* [max_text_bytes] a place to work in */
    int32_t *cached;  /* [max_prompt_tokens] what the trunk lane holds */
    int n_cached;
    int trunk;       /* the lane that holds the prompt; -1: none yet */
    int32_t *forced; /* [PD_FORCED_TOKENS] what makes a lane answer */
    int n_forced;
    int32_t *
        revision; /* [PD_REVISION_TOKENS] what parts an attempt from the next: line end, mark, line end */
    int n_revision;
    struct pd_path *path;   /* [PD_MAX_PATHS] */
    struct pd_group *group; /* [PD_MAX_PATHS] */
    int *running;           /* [n_lanes] paths */
    struct pd_row *row;     /* [n_batch] */
    struct pd_draw *draw;   /* [n_batch] */
    char *texts;            /* [n_lanes + 1][text_capacity] of lanes */
    int32_t *leads;         /* [n_lanes + 1][lead_capacity] */
    int lead_capacity;
    float *hidden; /* [n_lanes + 1][n_embd] */
    char *text;    /* [text_capacity] the chosen path */
    void *state;   /* of the strategy */
    void *scratch; /* of the tokenizer */
    size_t scratch_bytes;

    char note[PD_NOTE_BYTES]; /* what is done otherwise than asked */

    struct pd_verifier_use known[PD_MAX_VERIFIERS]; /* those that need a model */
    int n_known;

    /* The run of the driver. */
    struct pd_task task;
    const struct pd_strategy *strategy;
    int n_paths;              /* slots in use, free ones among them */
    int n_created, n_started; /* paths; of them, from the question */
    int first_root;           /* added to the numbers of the strategy's starts */
    int n_groups, n_running, n_lanes_used;
    int n_steps, n_tokens;
    bool wants_hidden, wants_certainty, halts_at_steps;
    bool is_calibrated;    /* the verifiers' scores are probabilities */
    bool counts_agreement; /* of answers, as a verifier's score */
    int64_t start_ns, first_token_ns;
    int64_t passes_ns;       /* in passes through the model that writes */
    double expected_ns;      /* what those were expected to take */
    int64_t longest_step_ns; /* of the decode steps, and between two looks at the clock elsewhere */

    /* What the deadline check goes by; kept from call to call. */
    struct pd_cost cost; /* of passes through the model */
    double usual_tokens; /* of a sample that ends by itself */
    double verify_ns;    /* of a round of verification */

    struct pd_planner planner;
};

/* What came of it. */
struct pd_outcome {
    enum ponder_finish finish;
    int path;           /* whose text it is; PD_NO_PATH: none was written */
    const char *answer; /* "" : none found */
    size_t text_bytes;  /* of search->text */
    double confidence;
    int n_ended;      /* paths that ended by themselves or were forced */
    double needed_ns; /* NO_TIME: a budget that would do, estimated */
};

void pd_search_layout(struct pd_search *s, struct pd_decoder *d, const struct pd_tokenizer *t,
                      struct pd_search_size size, struct pd_arena *a);

/* The part that does not depend on a model, around a policy. */
void pd_search_layout_around(struct pd_search *s, const struct pd_policy *policy,
                             struct pd_search_size size, struct pd_arena *a);

/* Makes a verifier known that needs a model. False: there are too many. */
bool pd_search_add_verifier(struct pd_search *s, struct pd_verifier_use use);

/* A known verifier, or one that needs no model, by name; false: there is none. */
bool pd_search_find_verifier(const struct pd_search *s, const char *name, size_t name_bytes,
                             struct pd_verifier_use *use_ret);

/* Puts search->prompt into the trunk lane ahead of time: prompts that begin alike need only what is new. */
enum ponder_status pd_search_warm(struct pd_search *s);

/* Measures what passes take, in about a second, and goes by that. Lanes and the trunk are given up. */
enum ponder_status pd_search_measure_cost(struct pd_search *s);

/* Frees all lanes, the trunk too. */
void pd_search_forget(struct pd_search *s);

/* Prefills search->prompt and thinks. start_ns: when the caller was called. OK also when no answer was found
 * (*outcome_ret says so). NO_TIME: nothing could be written by the deadline; CANCELLED. */
enum ponder_status pd_search_run(struct pd_search *s, const struct pd_task *task,
                                 const struct pd_strategy *strategy, int64_t start_ns,
                                 struct pd_outcome *outcome_ret);

/* ---- what a strategy may do; nothing of it takes long but asking the verifiers ---- */

/* Paths that could be started now: lanes that are free, and with a deadline only as many as can write an answer in time;
 * the first one in any case. */
int pd_search_room(const struct pd_search *s);

/* A path from the question on. PD_NO_PATH: there is no lane. */
int pd_search_start(struct pd_search *s, int root, int tag);

/* A path with the past of a halted one, which it would else be like, and halted too. PD_NO_PATH: there is no lane. */
int pd_search_fork(struct pd_search *s, int from);

/* A halted path goes on. */
void pd_search_go_on(struct pd_search *s, int path);

/* Drops a path: it never was. why: for the trace. */
void pd_search_prune(struct pd_search *s, int path, const char *why);

/* A path that is over gives its lane back; it must have been scored. */
void pd_search_release(struct pd_search *s, int path);

/* A halted path writes up to n steps of likeliest tokens, to be judged by where they lead, and halts again; then it is
 * taken back to where it was. */
void pd_search_look_ahead(struct pd_search *s, int path, int n_steps);
void pd_search_look_back(struct pd_search *s, int path);

/* Asks the vetoing verifiers alone about halted paths, which are then scored if they are vetoed. */
void pd_search_check(struct pd_search *s, const int *paths, int n);

/* Asks the verifiers about halted paths and paths that are over, in one round; those scored before are left out. */
void pd_search_score(struct pd_search *s, const int *paths, int n);

/* A path over again, with attempts (paths that ended, oldest first) in view, on the lane of `from`, which must be over
 * and still have it. PD_NO_PATH: it does not fit the lane. */
int pd_search_revise(struct pd_search *s, int from, const int *attempts, int n_attempts, int root);

/* The combined score of a path's steps; NAN: none has one. */
static inline double pd_path_score(const struct pd_search *s, const struct pd_path *path)
{
    return pd_scores_combined(&path->scores, s->task.combine);
}

static inline double pd_path_mean_log_prob(const struct pd_path *path)
{
    return path->n_drawn > 0 ? path->sum_log_prob / path->n_drawn : 0.0;
}

/* True for paths that count: ended by themselves or forced, not cut or running. */
static inline bool pd_path_is_finished(const struct pd_path *path)
{
    return path->state == PD_PATH_ENDED || path->state == PD_PATH_FORCED;
}

static inline bool pd_path_is_over(const struct pd_path *path)
{
    return path->state >= PD_PATH_ENDED;
}

/* The order that ties go by: the same for any number of lanes. */
static inline bool pd_path_is_before(const struct pd_path *a, const struct pd_path *b)
{
    return a->root != b->root ? a->root < b->root : a->number < b->number;
}

#endif
