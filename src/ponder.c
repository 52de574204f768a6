/* SPDX-License-Identifier: Apache-2.0
 * ponder.c - the facade of ponder.h: puts the parts together in one block, no algorithm in it.
 *
 *   block   | engine | directory | vocabulary | threads | weights | kv | activations | logits | search |
 *
 * layout() runs over a counting arena to say how much that is, and over the block to place it. */
#include "ponder.h"

#include <math.h>
#include <string.h>

#include "base/os.h"
#include "base/utf8.h"
#include "search/prompt.h"
#include "search/strategy.h"

enum {
    DEFAULT_LANES = 8,
    DEFAULT_PROMPT_TOKENS = 512,
    DEFAULT_TOKENS = 256,
    PREFILL_ROWS =
        64, /* of a batch: enough to read the weights rarely, small enough to be interrupted */
    MAX_CONTEXT = 1 << 20,
    NAME_BYTES = 64
};

struct ponder {
    void *block; /* ponder_create(): ours to free; else NULL */
    size_t block_bytes;
    struct ponder_options options; /* no zeros left */
    struct ponder_info info;
    char name[NAME_BYTES];
    struct pd_kernels kernels;
    const struct pd_chat *chat;
    const struct pd_chat *solve_chat; /* plain, unless a template was named: see prompt.c */
    struct pd_tokenizer *tokenizer;
    struct pd_pool *pool;
    struct pd_decoder decoder;
    struct pd_search search;
};

const char *ponder_version(void)
{
    return "0.1.0";
}

const char *ponder_finish_text(enum ponder_finish finish)
{
    static const char *const texts[] = {[PONDER_COMPLETE] = "complete",
                                        [PONDER_EARLY_STOP] = "early_stop",
                                        [PONDER_DEADLINE] = "deadline"};
    return (size_t)finish < PD_COUNT(texts) ? texts[finish] : "unknown";
}

void ponder_options_default(struct ponder_options *options)
{
    *options = (struct ponder_options){.n_lanes = DEFAULT_LANES};
}

void ponder_request_default(struct ponder_request *request)
{
    *request = (struct ponder_request){.temperature = 0.8f,
                                       .top_k = 40,
                                       .top_p = 0.95f,
                                       .repeat_penalty = 1.0f,
                                       .confidence = 0.95};
}

/* ---- opening a file ---- */

/* A model file while it is open. */
struct source {
    struct pd_map map;
    struct pd_gguf gguf;
    struct pd_model model;
};

static enum ponder_status read_source(struct source *source, struct pd_arena *scratch,
                                      const struct pd_error *err)
{
    PD_TRY(pd_gguf_open(&source->gguf, source->map.data, source->map.bytes, scratch, err));
    return pd_model_open(&source->model, &source->gguf, scratch, err);
}

static enum ponder_status check_range(const char *what, int value, int min, int max,
                                      const struct pd_error *err)
{
    if (value >= min && value <= max)
        return PONDER_OK;
    return pd_fail(err, PONDER_BAD_ARGUMENT, "%s is %d; it must be between %d and %d", what, value,
                   min, max);
}

/* Defaults, and what the model's context leaves room for. */
static enum ponder_status resolve_options(struct ponder_options *o, const struct pd_hparams *h,
                                          const struct pd_error *err)
{
    int n_context = pd_min_int(h->n_ctx_train, MAX_CONTEXT);
    if (o->n_lanes == 0)
        o->n_lanes = DEFAULT_LANES;
    if (o->n_threads == 0)
        o->n_threads = pd_min_int(pd_core_count(), PONDER_MAX_THREADS);
    if (o->max_prompt_tokens == 0)
        o->max_prompt_tokens =
            pd_max_int(1, pd_min_int(DEFAULT_PROMPT_TOKENS, n_context - o->max_tokens - 1));
    if (o->max_tokens == 0)
        o->max_tokens = pd_max_int(1, pd_min_int(DEFAULT_TOKENS, n_context - o->max_prompt_tokens));
    PD_TRY(check_range("the number of lanes", o->n_lanes, 1, PONDER_MAX_LANES, err));
    PD_TRY(check_range("the number of threads", o->n_threads, 1, PONDER_MAX_THREADS, err));
    PD_TRY(check_range("the longest prompt", o->max_prompt_tokens, 1, MAX_CONTEXT, err));
    PD_TRY(check_range("the longest text", o->max_tokens, 1, MAX_CONTEXT, err));
    if (o->max_prompt_tokens + o->max_tokens > pd_max_int(n_context, 2))
        return pd_fail(err, PONDER_BAD_ARGUMENT,
                       "%d prompt and %d text tokens do not fit the model's context of %d",
                       o->max_prompt_tokens, o->max_tokens, n_context);
    if (o->max_text_bytes == 0)
        o->max_text_bytes = 16 * (size_t)o->max_prompt_tokens + 4096;
    return PONDER_OK;
}

/* ---- layout ---- */

static void add_section(struct ponder_plan *plan, const char *name, size_t bytes)
{
    plan->sections[plan->n_sections].name = name;
    plan->sections[plan->n_sections++].bytes = bytes;
}

/* Places everything but the engine struct and the directory, which come first; `plan` already has
 * them. */
static enum ponder_status layout(struct ponder *p, const struct source *source, struct pd_arena *a,
                                 struct ponder_plan *plan, const struct pd_error *err)
{
    const struct ponder_options *o = &p->options;
    int n_sample_tokens = o->max_tokens + PD_FORCED_TOKENS;
    size_t start = a->used;
    PD_TRY(
        pd_tokenizer_layout(&p->tokenizer, &source->gguf, source->model.hparams.n_vocab, a, err));
    add_section(plan, "vocabulary", a->used - start);

    start = a->used;
    p->pool = pd_pool_layout(a, o->n_threads);
    add_section(plan, "threads", a->used - start);

    struct pd_decoder_bytes bytes;
    struct pd_decoder_size size = {
        .n_lanes = o->n_lanes + 1, /* and one that keeps the prompt */
        .n_batch = pd_max_int(PREFILL_ROWS, o->n_lanes),
        .n_logits = o->n_lanes,
        .max_tokens = o->max_prompt_tokens + n_sample_tokens,
        .n_pages = pd_div_up(o->max_prompt_tokens, PD_KV_PAGE) +
                   o->n_lanes * (pd_div_up(n_sample_tokens, PD_KV_PAGE) + 1),
        .n_threads = o->n_threads,
    };
    pd_decoder_layout(&p->decoder, &source->model, &p->kernels, size, a, &bytes);
    add_section(plan, "weights", bytes.weights);
    add_section(plan, "kv cache", bytes.kv);
    add_section(plan, "activations", bytes.activations);
    add_section(plan, "logits", bytes.logits);

    start = a->used;
    struct pd_search_size search_size = {o->n_lanes, o->max_prompt_tokens, o->max_tokens,
                                         o->max_text_bytes};
    pd_search_layout(&p->search, &p->decoder, p->tokenizer, search_size, a);
    add_section(plan, "search", a->used - start);
    return PONDER_OK;
}

/* The plan for options; `p` is only a place to work in. */
static enum ponder_status measure(struct ponder *p, const struct ponder_options *options,
                                  const struct source *source, size_t directory,
                                  struct ponder_plan *plan_ret, const struct pd_error *err)
{
    struct pd_arena a;
    *p = (struct ponder){.options = *options};
    *plan_ret = (struct ponder_plan){0};
    if (!pd_kernels_init(&p->kernels, options->isa))
        return pd_fail(err, PONDER_BAD_ARGUMENT,
                       "instruction set '%s' is unknown here or this CPU lacks it", options->isa);
    PD_TRY(resolve_options(&p->options, &source->model.hparams, err));
    pd_arena_init_count(&a);
    pd_arena_alloc(&a, 1, sizeof *p);
    add_section(plan_ret, "engine", a.used);
    pd_arena_alloc(&a, 1, directory);
    add_section(plan_ret, "directory", directory);
    PD_TRY(layout(p, source, &a, plan_ret, err));
    plan_ret->total_bytes = pd_arena_block_bytes(&a);
    if (plan_ret->total_bytes == SIZE_MAX)
        return pd_fail(err, PONDER_NO_MEMORY,
                       "the model is too large for this machine's addresses");
    /* What goes to alignment is the engine's: the sections add up to the total. */
    size_t sum = 0;
    for (int i = 0; i < plan_ret->n_sections; i++)
        sum += plan_ret->sections[i].bytes;
    plan_ret->sections[0].bytes += plan_ret->total_bytes - sum;
    return PONDER_OK;
}

static double mebibytes(size_t bytes)
{
    return (double)bytes / 1048576.0;
}

/* Says what is needed, and what would fit into the bytes there are. */
static enum ponder_status too_small(struct ponder *p, const struct source *source, size_t directory,
                                    const struct ponder_plan *plan, size_t bytes,
                                    const struct pd_error *err)
{
    struct ponder_options o = p->options;
    struct ponder_plan smaller = {0};
    int n_lanes = o.n_lanes;
    for (o.n_lanes = n_lanes - 1; o.n_lanes > 0; o.n_lanes--)
        if (measure(p, &o, source, directory, &smaller, NULL) == PONDER_OK &&
            smaller.total_bytes <= bytes)
            break;
    if (o.n_lanes > 0)
        return pd_fail(
            err, PONDER_NO_MEMORY,
            "%d samples of %d tokens need %zu bytes (%.1f MiB) but there are %zu; %d samples "
            "fit (--samples %d)",
            n_lanes, o.max_tokens, plan->total_bytes, mebibytes(plan->total_bytes), bytes,
            o.n_lanes, o.n_lanes);
    return pd_fail(
        err, PONDER_NO_MEMORY,
        "%d samples of %d tokens need %zu bytes (%.1f MiB) but there are %zu; even one needs "
        "%zu (try a shorter --max-tokens and --max-prompt, or a smaller model)",
        n_lanes, o.max_tokens, plan->total_bytes, mebibytes(plan->total_bytes), bytes,
        n_lanes > 1 ? smaller.total_bytes : plan->total_bytes);
}

/* ---- life ---- */

/* Sees to it that a path and options are there at all. */
static enum ponder_status check_call(const char *path, const struct ponder_options *options,
                                     struct ponder_options *options_ret, const struct pd_error *err)
{
    if (path == NULL || path[0] == '\0')
        return pd_fail(err, PONDER_BAD_ARGUMENT, "no model file was named");
    if (options != NULL)
        *options_ret = *options;
    else
        ponder_options_default(options_ret);
    return PONDER_OK;
}

/* Measures with scratch memory of its own, which the file's header says enough about. */
static enum ponder_status measure_file(const struct ponder_options *options, struct source *source,
                                       struct ponder_plan *plan_ret, const struct pd_error *err)
{
    size_t bytes;
    PD_TRY(pd_gguf_scratch_bytes(source->map.data, source->map.bytes, &bytes, err));
    bytes += (size_t)PD_MAX_LAYERS * sizeof(struct pd_layer) + sizeof(struct ponder) +
             (size_t)4 * PD_ARENA_ALIGN;
    void *pages = pd_pages_alloc(bytes);
    if (pages == NULL)
        return pd_fail(err, PONDER_NO_MEMORY, "no memory to read the model's header");
    struct pd_arena scratch;
    pd_arena_init(&scratch, pages, bytes);
    struct ponder *p = PD_NEW(&scratch, struct ponder, 1);
    size_t start = scratch.used;
    enum ponder_status status = read_source(source, &scratch, err);
    if (status == PONDER_OK)
        status = measure(p, options, source, scratch.used - start, plan_ret, err);
    pd_pages_free(pages, bytes);
    return status;
}

enum ponder_status ponder_measure(const char *path, const struct ponder_options *options,
                                  struct ponder_plan *plan_ret, char *err_text, size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_options o;
    struct source source;
    *plan_ret = (struct ponder_plan){0};
    PD_TRY(check_call(path, options, &o, &err));
    PD_TRY(pd_map_open(&source.map, path, &err));
    enum ponder_status status = measure_file(&o, &source, plan_ret, &err);
    pd_map_close(&source.map);
    return status;
}

static void describe(struct ponder *p, const struct pd_model *model, size_t block_bytes)
{
    const struct pd_hparams *h = &model->hparams;
    size_t n = pd_min_size(model->name.bytes, sizeof p->name - 1);
    memcpy(p->name, model->name.data, n);
    p->name[pd_utf8_is_valid(p->name, n) ? n : 0] = '\0';
    p->info = (struct ponder_info){
        .name = p->name,
        .family = model->family->name,
        .format = pd_model_main_format(model),
        .chat = p->chat->name,
        .isa = p->kernels.isa,
        .n_parameters = model->n_parameters,
        .n_layers = h->n_layers,
        .n_embd = h->n_embd,
        .n_heads = h->n_heads,
        .n_kv_heads = h->n_kv_heads,
        .head_dim = h->head_dim,
        .n_ff = h->n_ff,
        .n_vocab = h->n_vocab,
        .n_ctx_train = h->n_ctx_train,
        .n_lanes = p->options.n_lanes,
        .n_threads = p->options.n_threads,
        .max_prompt_tokens = p->options.max_prompt_tokens,
        .max_tokens = p->options.max_tokens,
        .n_batch = p->decoder.size.n_batch,
        .memory_bytes = block_bytes,
    };
}

static enum ponder_status choose_chat(struct ponder *p, const struct source *source,
                                      const struct pd_error *err)
{
    const char *name = p->options.chat;
    p->solve_chat = pd_chat_find("plain");
    if (name == NULL)
        return pd_chat_detect(&source->gguf, &p->chat, err);
    p->chat = pd_chat_find(name);
    if (p->chat == NULL)
        return pd_fail(err, PONDER_BAD_ARGUMENT, "chat template '%s' is unknown; there are: %s",
                       name, pd_chat_list());
    if (!pd_chat_fits(p->chat, p->tokenizer))
        return pd_fail(err, PONDER_BAD_ARGUMENT,
                       "the model's vocabulary lacks the special tokens of chat template '%s'",
                       name);
    return PONDER_OK;
}

/* Fills the placed engine from the open file. */
static enum ponder_status load(struct ponder *p, const struct source *source,
                               const struct pd_error *err)
{
    PD_TRY(choose_chat(p, source, err));
    PD_TRY(pd_pool_start(p->pool, err));
    pd_decoder_load(&p->decoder, &source->model, p->pool);
    enum ponder_status status = pd_prompt_set_forced(&p->search);
    if (status != PONDER_OK)
        p->search.n_forced = 0; /* a vocabulary that has no words for it: nothing is forced */
    if (pd_prompt_set_common(&p->search, p->solve_chat, PD_PROMPT_SOLVE) == PONDER_OK)
        pd_search_warm(&p->search); /* so that a question waits for its own tokens only */
    return PONDER_OK;
}

/* The engine at the front of the arena over the caller's block, then the file's directory, then the
 * rest; the file is open. */
static enum ponder_status build(const struct source *opened, struct pd_arena *a, size_t block_bytes,
                                const struct ponder_options *options, struct ponder **p_ret,
                                const struct pd_error *err)
{
    struct source source = *opened;
    struct ponder_plan plan;
    struct ponder *p = PD_NEW(a, struct ponder, 1);
    size_t start = a->used;
    enum ponder_status status = read_source(&source, a, err);
    if (status == PONDER_NO_MEMORY || a->overflowed)
        return pd_fail(err, PONDER_NO_MEMORY,
                       "%zu bytes do not even hold the model's directory; see ponder_measure()",
                       block_bytes);
    PD_TRY(status);
    size_t directory = a->used - start;
    PD_TRY(measure(p, options, &source, directory, &plan, err));
    if (plan.total_bytes > block_bytes)
        return too_small(p, &source, directory, &plan, block_bytes, err);
    plan.n_sections = 0;
    PD_TRY(layout(p, &source, a, &plan, err));
    if (a->overflowed)
        return pd_fail(err, PONDER_NO_MEMORY, "the plan and the layout disagree");
    PD_TRY(load(p, &source, err));
    describe(p, &source.model, plan.total_bytes);
    p->block_bytes = plan.total_bytes;
    *p_ret = p;
    return PONDER_OK;
}

enum ponder_status ponder_init(void *block, size_t block_bytes, const char *path,
                               const struct ponder_options *options, struct ponder **p_ret,
                               char *err_text, size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_options o;
    struct source source;
    struct pd_arena a;
    *p_ret = NULL;
    PD_TRY(check_call(path, options, &o, &err));
    PD_TRY(pd_map_open(&source.map, path, &err));
    pd_arena_init(&a, block, block_bytes);
    enum ponder_status status = build(&source, &a, block_bytes, &o, p_ret, &err);
    pd_map_close(&source.map);
    return status;
}

enum ponder_status ponder_create(const char *path, const struct ponder_options *options,
                                 size_t memory_limit_bytes, struct ponder **p_ret, char *err_text,
                                 size_t err_bytes)
{
    const struct pd_error err = {err_text, err_bytes};
    struct ponder_plan plan;
    *p_ret = NULL;
    PD_TRY(ponder_measure(path, options, &plan, err_text, err_bytes));
    size_t bytes = plan.total_bytes;
    if (memory_limit_bytes != 0)
        bytes = pd_min_size(bytes, memory_limit_bytes);
    void *block = pd_pages_alloc(bytes);
    if (block == NULL)
        return pd_fail(&err, PONDER_NO_MEMORY, "the system has no %.1f MiB", mebibytes(bytes));
    enum ponder_status status =
        ponder_init(block, bytes, path, options, p_ret, err_text, err_bytes);
    if (status == PONDER_OK)
        (*p_ret)->block = block;
    else
        pd_pages_free(block, bytes);
    return status;
}

void ponder_free(struct ponder *p)
{
    if (p == NULL)
        return;
    pd_pool_stop(p->pool);
    if (p->block != NULL)
        pd_pages_free(p->block, p->block_bytes);
}

void ponder_describe(const struct ponder *p, struct ponder_info *info_ret)
{
    *info_ret = p->info;
}

/* ---- questions ---- */

/* A request's numbers with the defaults in place; false: out of range. */
static bool read_request(const struct ponder *p, const struct ponder_request *request,
                         struct ponder_request *r)
{
    ponder_request_default(r);
    if (request != NULL) {
        struct ponder_request defaults = *r;
        *r = *request;
        r->temperature = r->temperature != 0.0f ? r->temperature : defaults.temperature;
        r->top_k = r->top_k != 0 ? r->top_k : defaults.top_k;
        r->top_p = r->top_p != 0.0f ? r->top_p : defaults.top_p;
        r->repeat_penalty = r->repeat_penalty != 0.0f ? r->repeat_penalty : defaults.repeat_penalty;
        r->confidence = r->confidence != 0.0 ? r->confidence : defaults.confidence;
    }
    r->n_samples = r->n_samples != 0 ? r->n_samples : p->options.n_lanes;
    r->max_tokens = r->max_tokens != 0 ? r->max_tokens : p->options.max_tokens;
    return r->budget_ms >= 0.0 && r->budget_ms < 1e12 && r->n_samples >= 1 &&
           r->n_samples <= PD_MAX_SAMPLES && r->max_tokens >= 1 &&
           r->max_tokens <= p->options.max_tokens && isfinite(r->temperature) && r->top_p > 0.0f &&
           r->min_p >= 0.0f && r->min_p <= 1.0f && r->repeat_penalty > 0.0f && r->confidence > 0.0;
}

static enum ponder_status ask(struct ponder *p, const char *text, size_t text_bytes,
                              const struct ponder_request *request, enum pd_prompt_kind kind,
                              struct ponder_answer *answer_ret)
{
    int64_t start_ns = pd_clock_ns();
    struct ponder_request r;
    bool wants_answer = kind == PD_PROMPT_SOLVE;
    *answer_ret = (struct ponder_answer){.answer = "", .text = "", .strategy = ""};
    if (!read_request(p, request, &r))
        return PONDER_BAD_ARGUMENT;
    if (r.strategy == NULL)
        r.strategy = r.n_samples > 1 ? "majority" : "greedy";
    const struct pd_strategy *strategy = pd_strategy_find(r.strategy);
    if (strategy == NULL)
        return PONDER_BAD_ARGUMENT;
    if (strategy->max_samples > 0)
        r.n_samples = pd_min_int(r.n_samples, strategy->max_samples);
    kind = r.raw ? PD_PROMPT_RAW : kind;
    const struct pd_chat *chat = wants_answer ? p->solve_chat : p->chat;
    PD_TRY(pd_prompt_set(&p->search, chat, kind, text, text_bytes));

    struct pd_task task = {
        .n_samples = r.n_samples,
        .max_tokens = r.max_tokens,
        .how = {.temperature = strategy->is_greedy ? -1.0f : r.temperature,
                .top_k = r.top_k,
                .top_p = r.top_p,
                .min_p = r.min_p,
                .repeat_penalty = r.repeat_penalty,
                .seed = r.seed},
        .confidence = r.confidence < 1.0 ? r.confidence : 2.0,
        .deadline_ns = r.budget_ms > 0.0 ? start_ns + (int64_t)(r.budget_ms * 1e6) : 0,
        .wants_answer = wants_answer,
        .stop = pd_prompt_stop(kind),
        .cancel = r.cancel,
        .on_text = r.on_text,
        .user = r.user,
    };
    struct pd_search *s = &p->search;
    struct pd_outcome outcome;
    enum ponder_status status = pd_search_run(s, &task, strategy, start_ns, &outcome);
    *answer_ret = (struct ponder_answer){
        .answer = outcome.answer,
        .text = outcome.sample >= 0 ? s->text : "",
        .text_bytes = outcome.text_bytes,
        .confidence = outcome.confidence,
        .finish = outcome.finish,
        .strategy = strategy->name,
        .n_samples = outcome.n_ended,
        .n_steps = s->n_steps,
        .n_tokens = s->n_tokens,
        .n_prompt_tokens = s->n_prompt,
        .ms_first_token =
            s->first_token_ns > 0 ? (double)(s->first_token_ns - start_ns) / 1e6 : 0.0,
        .ms_step = (double)(s->longest_step_ns > s->decoder->longest_layer_ns
                                ? s->longest_step_ns
                                : s->decoder->longest_layer_ns) /
                   1e6,
        .ms_needed = outcome.needed_ns / 1e6,
        .seed = r.seed,
    };
    answer_ret->ms_total = (double)(pd_clock_ns() - start_ns) / 1e6;
    if (status == PONDER_OK && wants_answer && outcome.answer[0] == '\0')
        return PONDER_NO_ANSWER;
    return status;
}

enum ponder_status ponder_solve(struct ponder *p, const char *question, size_t question_bytes,
                                const struct ponder_request *request,
                                struct ponder_answer *answer_ret)
{
    return ask(p, question, question_bytes, request, PD_PROMPT_SOLVE, answer_ret);
}

enum ponder_status ponder_generate(struct ponder *p, const char *prompt, size_t prompt_bytes,
                                   const struct ponder_request *request,
                                   struct ponder_answer *answer_ret)
{
    struct ponder_request one = {0};
    if (request != NULL)
        one = *request;
    one.n_samples = 1;
    if (one.strategy == NULL)
        one.strategy = one.temperature < 0.0f ? "greedy" : "best-of-n";
    return ask(p, prompt, prompt_bytes, &one, PD_PROMPT_CHAT, answer_ret);
}

bool ponder_answer_equal(const char *a, const char *b)
{
    return pd_answer_equal(a, b);
}

/* ---- tokens and lanes ---- */

enum ponder_status ponder_tokenize(struct ponder *p, const char *text, size_t text_bytes,
                                   bool add_bos, bool parse_special, int32_t *tokens_ret,
                                   size_t capacity, size_t *n_ret)
{
    *n_ret = 0;
    if (text_bytes > p->options.max_text_bytes)
        return PONDER_TOO_LONG;
    struct pd_tokenize how = {.add_bos = add_bos, .parse_special = parse_special};
    return pd_tokenize(p->tokenizer, text, text_bytes, how, p->search.scratch,
                       p->search.scratch_bytes, tokens_ret, capacity, n_ret);
}

size_t ponder_token_text(const struct ponder *p, int32_t token, char *text_ret, size_t capacity)
{
    if (token < 0 || token >= p->info.n_vocab)
        return 0;
    return pd_token_text(p->tokenizer, token, false, text_ret, capacity);
}

void ponder_reset(struct ponder *p)
{
    pd_search_forget(&p->search);
}

/* One of the caller's: not the trunk that keeps the prompt. */
static bool is_lane(const struct ponder *p, int lane)
{
    const struct pd_kv *kv = &p->decoder.kv;
    return lane >= 0 && lane < kv->n_lanes && kv->lane[lane].is_used && lane != p->search.trunk;
}

enum ponder_status ponder_fork(struct ponder *p, int from, int *lane_ret)
{
    if (from != -1 && !is_lane(p, from))
        return PONDER_BAD_ARGUMENT;
    return pd_kv_fork(&p->decoder.kv, from, lane_ret);
}

void ponder_prune(struct ponder *p, int lane)
{
    if (is_lane(p, lane))
        pd_kv_prune(&p->decoder.kv, lane);
}

enum ponder_status ponder_step(struct ponder *p, const int32_t *tokens, const int *lanes, int n,
                               float *logits_ret)
{
    if (n < 1 || n > p->info.n_batch)
        return PONDER_BAD_ARGUMENT;
    for (int i = 0; i < n; i++)
        if (!is_lane(p, lanes[i]) || tokens[i] < 0 || tokens[i] >= p->info.n_vocab)
            return PONDER_BAD_ARGUMENT;
    struct pd_row *row = p->search.row;
    for (int i = 0; i < n; i++)
        row[i] = (struct pd_row){
            .token = tokens[i], .lane = lanes[i], .wants_logits = logits_ret != NULL};
    PD_TRY(pd_decoder_reserve(&p->decoder, row, n)); /* all or nothing, though it may take parts */
    /* With logits, in parts that the logits buffer holds. */
    int part = logits_ret != NULL ? p->decoder.size.n_logits : n;
    for (int done = 0; done < n; done += part) {
        int n_rows = pd_min_int(part, n - done);
        PD_TRY(pd_decoder_step(&p->decoder, row + done, n_rows, 0));
        for (int i = 0; logits_ret != NULL && i < n_rows; i++)
            memcpy(logits_ret + (size_t)(done + i) * (size_t)p->info.n_vocab,
                   pd_decoder_logits(&p->decoder, i), (size_t)p->info.n_vocab * sizeof(float));
    }
    return PONDER_OK;
}
