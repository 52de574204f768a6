/* SPDX-License-Identifier: Apache-2.0
 * engine.c - see engine.h. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "base/utf8.h"
#include "search/prompt.h"
#include "search/verify.h"

enum {
    DEFAULT_LANES = 8,
    DEFAULT_PROMPT_TOKENS = 512,
    DEFAULT_TOKENS = 256,
    PREFILL_ROWS =
        64, /* of a batch: enough to read the weights rarely, small enough to be interrupted */
    MAX_CONTEXT = 1 << 20
};

/* ---- options ---- */

enum ponder_status pd_engine_check_range(const char *what, int value, int min, int max,
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
    PD_TRY(pd_engine_check_range("the number of lanes", o->n_lanes, 1, PONDER_MAX_LANES, err));
    PD_TRY(
        pd_engine_check_range("the number of threads", o->n_threads, 1, PONDER_MAX_THREADS, err));
    PD_TRY(pd_engine_check_range("the longest prompt", o->max_prompt_tokens, 1, MAX_CONTEXT, err));
    PD_TRY(pd_engine_check_range("the longest text", o->max_tokens, 1, MAX_CONTEXT, err));
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

/* With a sidecar its panels are laid out too, while counting to see that they take as much there as here. */
static enum ponder_status layout_decoder(struct ponder *p, const struct pd_source *source,
                                         struct pd_decoder_size size, struct pd_arena *a,
                                         struct pd_decoder_bytes *bytes_ret,
                                         const struct pd_error *err)
{
    struct pd_arena panels;
    const struct pd_decoder_source of = pd_source_of_decoder(source);
    if (!source->has_sidecar) {
        pd_decoder_layout(&p->decoder, &of, &p->kernels, size, a, a, bytes_ret);
        return PONDER_OK;
    }
    if (pd_arena_is_counting(a))
        pd_arena_init_count(&panels);
    else
        pd_sidecar_arena(&source->sidecar, &panels);
    pd_decoder_layout(&p->decoder, &of, &p->kernels, size, a, &panels, bytes_ret);
    return pd_sidecar_fits(&source->sidecar, p->kernels.panel_rows,
                           panels.overflowed ? SIZE_MAX : panels.used, &source->file.map, err);
}

/* Lanes of a verifier, in the policy's decoder or its own. */
static enum ponder_status layout_verifier(struct ponder *p, const struct pd_source *source,
                                          struct pd_decoder_size size, struct pd_arena *a,
                                          const struct pd_error *err)
{
    const struct pd_model *model =
        source->verifier_is_model ? &source->verifier_model : &source->model;
    const struct pd_prm_size prm_size = {p->options.n_lanes, size.max_tokens};
    struct pd_decoder *d = &p->decoder;
    if (source->verifier_is_model) {
        const struct pd_decoder_source of = pd_source_of_verifier(source);
        struct pd_decoder_bytes ignored;
        if (model->hparams.n_ctx_train < size.max_tokens)
            return pd_fail(err, PONDER_OTHER_BASE,
                           "%s: the verifier's context of %d tokens does not hold the %d of prompt "
                           "and text",
                           source->verifier->path, model->hparams.n_ctx_train, size.max_tokens);
        d = &p->verifier;
        pd_decoder_layout(d, &of, &p->kernels, size, a, a, &ignored);
    }
    PD_TRY(pd_source_blame(
        source->verifier->path,
        pd_judge_layout(&p->prm.judge, &source->verifier->file.gguf, model->hparams.n_embd, a, err),
        err));
    /* On the policy's decoder behind the search's own. */
    int first_lane = source->verifier_is_model ? 0 : p->decoder.kv.n_lanes - size.n_lanes;
    pd_prm_layout(&p->prm, d, source->adapter_of[PD_VERIFIER], first_lane, p->tokenizer, prm_size,
                  a);
    p->has_prm = true;
    return PONDER_OK;
}

/* Places everything but the engine struct and the directory, which come first; `plan` already has
 * them. */
static enum ponder_status layout(struct ponder *p, const struct pd_source *source,
                                 struct pd_arena *a, struct ponder_plan *plan,
                                 const struct pd_error *err)
{
    const struct ponder_options *o = &p->options;
    int n_sample_tokens = o->max_tokens + PD_FORCED_TOKENS;
    int n_embd = source->model.hparams.n_embd, policy = source->adapter_of[PD_POLICY];
    size_t start = a->used;
    p->tokenizer = pd_tokenizer_layout(&source->survey, a);
    add_section(plan, "vocabulary", a->used - start);

    start = a->used;
    p->traits = pd_traits_none();
    PD_TRY(pd_traits_layout(&p->traits, &source->file.gguf, n_embd, a, err));
    if (policy > 0) /* which speaks over its base */
        PD_TRY(
            pd_traits_layout(&p->traits, &source->adapter[policy - 1].file.gguf, n_embd, a, err));
    if (a->used > start)
        add_section(plan, "traits", a->used - start);

    start = a->used;
    p->pool = pd_pool_layout(a, o->n_threads);
    add_section(plan, "threads", a->used - start);

    struct pd_decoder_bytes bytes;
    /* Lanes, one that keeps the prompt, and for a verifier of this decoder its own: an adapter shares no keys and values
     * with the base. A reviser needs a prompt of its own. */
    int has_verifier = source->verifier != NULL; /* a token more: it may end texts */
    int prompt_pages = pd_div_up(o->max_prompt_tokens, PD_KV_PAGE);
    int lane_pages = o->n_lanes * (pd_div_up(n_sample_tokens + has_verifier, PD_KV_PAGE) + 1);
    int n_owners = 1 + (source->adapter_of[PD_VERIFIER] > 0);
    int n_more = source->adapter_of[PD_REVISER] > 0;
    int n_search_lanes = o->n_lanes + 1 + n_more;
    struct pd_decoder_size size = {
        .n_lanes = n_owners * (o->n_lanes + 1) + n_more,
        .n_batch = pd_max_int(PREFILL_ROWS, o->n_lanes),
        .max_tokens = o->max_prompt_tokens + n_sample_tokens + has_verifier,
        .n_pages = n_owners * (prompt_pages + lane_pages) + n_more * prompt_pages,
        .n_threads = o->n_threads,
    };
    PD_TRY(layout_decoder(p, source, size, a, &bytes, err));
    add_section(plan, "weights", bytes.weights);
    if (source->n_adapters > 0)
        add_section(plan, "adapters", bytes.adapters);
    add_section(plan, "kv cache", bytes.kv);
    add_section(plan, "activations", bytes.activations);
    add_section(plan, "logits", bytes.logits);

    start = a->used;
    if (has_verifier) {
        size.n_lanes = o->n_lanes + 1;
        size.n_pages = prompt_pages + lane_pages;
        PD_TRY(layout_verifier(p, source, size, a, err));
        add_section(plan, "verifier", a->used - start);
        start = a->used;
    }
    struct pd_search_size search_size = {o->n_lanes, o->max_prompt_tokens, o->max_tokens,
                                         o->max_text_bytes};
    pd_search_layout(&p->search, &p->decoder, p->tokenizer, search_size, a);
    p->search.traits = &p->traits;
    memcpy(p->adapter_of, source->adapter_of, sizeof p->adapter_of);
    p->search.model.adapter = p->adapter_of[PD_POLICY];
    p->search.model.n_lanes = n_search_lanes;
    p->search.model.reviser_adapter = p->adapter_of[PD_REVISER];
    p->search.policy = pd_policy_of_model(&p->search.model);
    add_section(plan, "search", a->used - start);
    return PONDER_OK;
}

enum ponder_status pd_engine_choose_kernels(struct pd_kernels *kernels, const char *isa,
                                            const struct pd_error *err)
{
    if (pd_kernels_init(kernels, isa))
        return PONDER_OK;
    char names[128] = "";
    bool is_available, is_known = false;
    const char *name;
    for (int i = 0; (name = pd_kernels_isa(i, &is_available)) != NULL; i++) {
        size_t n = strlen(names);
        is_known = is_known || strcmp(name, isa) == 0;
        if (is_available && n + strlen(name) + sizeof ", " <= sizeof names)
            snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "", name);
    }
    return pd_fail(err, PONDER_BAD_ARGUMENT,
                   is_known ? "this CPU lacks instruction set '%s'; it has: %s"
                            : "instruction set '%s' is unknown; here there are: %s",
                   isa, names);
}

/* What layout() goes by. */
static enum ponder_status prepare(struct ponder *p, const struct ponder_options *options,
                                  struct pd_source *source, const struct pd_error *err)
{
    *p = (struct ponder){.options = *options};
    PD_TRY(pd_engine_choose_kernels(&p->kernels, options->isa, err));
    PD_TRY(resolve_options(&p->options, &source->model.hparams, err));
    if (source->is_surveyed)
        return PONDER_OK;
    PD_TRY(pd_tokenizer_survey(&source->survey, &source->file.gguf, source->model.hparams.n_vocab,
                               err));
    source->is_surveyed = true;
    return PONDER_OK;
}

/* The plan for options; `p` is only a place to work in. */
static enum ponder_status measure(struct ponder *p, const struct ponder_options *options,
                                  struct pd_source *source, size_t directory,
                                  struct ponder_plan *plan_ret, const struct pd_error *err)
{
    struct pd_arena a;
    *plan_ret = (struct ponder_plan){.mapped_bytes = source->sidecar.map.bytes};
    PD_TRY(prepare(p, options, source, err));
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

/* Says what is needed, and what would fit into the bytes there are. */
static enum ponder_status too_small(struct ponder *p, struct pd_source *source, size_t directory,
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
            n_lanes, o.max_tokens, plan->total_bytes, (double)plan->total_bytes / 1048576.0, bytes,
            o.n_lanes, o.n_lanes);
    return pd_fail(
        err, PONDER_NO_MEMORY,
        "%d samples of %d tokens need %zu bytes (%.1f MiB) but there are %zu; even one needs "
        "%zu (try a shorter --max-tokens and --max-prompt, or a smaller model)",
        n_lanes, o.max_tokens, plan->total_bytes, (double)plan->total_bytes / 1048576.0, bytes,
        n_lanes > 1 ? smaller.total_bytes : plan->total_bytes);
}

/* ---- measuring and opening ---- */

/* Measures with scratch memory of its own. */
static enum ponder_status measure_file(const struct ponder_options *options,
                                       struct pd_source *source, struct ponder_plan *plan_ret,
                                       const struct pd_error *err)
{
    size_t directory = 0;
    struct ponder p;
    PD_TRY(pd_source_read_in_pages(source, &directory, err));
    return measure(&p, options, source, directory, plan_ret, err);
}

enum ponder_status pd_engine_measure(const char *path, const struct ponder_options *options,
                                     struct ponder_plan *plan_ret, const struct pd_error *err)
{
    struct pd_source source;
    PD_TRY(pd_source_open(&source, path, options, err));
    enum ponder_status status = measure_file(options, &source, plan_ret, err);
    pd_source_close(&source);
    return status;
}

static void describe(struct ponder *p, const struct pd_source *source)
{
    const struct pd_model *model = &source->model;
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
        .memory_bytes = p->block_bytes,
        .mapped_bytes = source->sidecar.map.bytes,
        .prompt = p->traits.prompt,
        .answer = p->traits.answer,
        .revision = p->traits.revision,
        .has_calculator = p->traits.has_calculator,
        .has_value_head = p->traits.value.weight != NULL,
        .has_difficulty_head = p->traits.difficulty.weight != NULL,
    };
}

static enum ponder_status choose_chat(struct ponder *p, const struct pd_source *source,
                                      const struct pd_error *err)
{
    const char *name = p->options.chat;
    p->solve_chat = p->traits.prompt[0] == '\0' ? pd_chat_find("plain") : NULL;
    if (name == NULL)
        return pd_chat_detect(&source->file.gguf, &p->chat, err);
    p->chat = pd_chat_find(name);
    if (p->chat == NULL)
        return pd_fail(err, PONDER_BAD_ARGUMENT, "chat template '%s' is unknown; there are: %s",
                       name, pd_chat_list());
    if (!pd_chat_fits(p->chat, p->tokenizer))
        return pd_fail(err, PONDER_BAD_ARGUMENT,
                       "the model's vocabulary lacks the special tokens of chat template '%s'",
                       name);
    p->solve_chat = p->chat;
    return PONDER_OK;
}

/* What there is to do at a start, as tasks for all threads. */
struct loading {
    struct ponder *p;
    const struct pd_source *source;
    struct pd_decoder_load decoder, verifier;
    struct pd_sidecar_check check;
    struct pd_pool_task task[1 + PD_SIDECAR_TASKS + 2 * PD_DECODER_TASKS];
    int n_tasks;
};

static void fill_vocabulary(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)chunk, (void)thread;
    const struct loading *loading = context;
    pd_tokenizer_fill(loading->p->tokenizer, &loading->source->file.gguf);
}

/* With the pool running. The vocabulary is one task of one chunk, so it goes first. */
static enum ponder_status load_all(struct ponder *p, const struct pd_source *source,
                                   const struct pd_error *err)
{
    struct loading l = {.p = p, .source = source};
    const struct pd_decoder_source of = pd_source_of_decoder(source);
    const struct pd_decoder_source of_verifier = pd_source_of_verifier(source);
    bool is_packed = source->has_sidecar;
    l.task[l.n_tasks++] = (struct pd_pool_task){1, fill_vocabulary, &l};
    l.n_tasks += pd_decoder_load_tasks(&l.decoder, &p->decoder, &of, p->pool, &source->file.map,
                                       is_packed, l.task + l.n_tasks);
    if (source->verifier_is_model)
        l.n_tasks += pd_decoder_load_tasks(&l.verifier, &p->verifier, &of_verifier, p->pool,
                                           &source->verifier->file.map, false, l.task + l.n_tasks);
    if (is_packed)
        l.n_tasks += pd_sidecar_begin_check(&l.check, &source->sidecar, &source->file.map, false,
                                            l.task + l.n_tasks);
    pd_pool_run_tasks(p->pool, l.task, l.n_tasks);
    PD_TRY(choose_chat(p, source, err));
    PD_TRY(pd_decoder_loaded(&p->decoder, err));
    if (p->has_prm)
        PD_TRY(pd_source_blame(source->verifier->path,
                               pd_judge_resolve(&p->prm.judge, p->tokenizer, p->search.scratch,
                                                p->search.scratch_bytes, err),
                               err));
    return is_packed ? pd_sidecar_end_check(&l.check, err) : PONDER_OK;
}

/* Fills the placed engine from the open file. */
static enum ponder_status load(struct ponder *p, const struct pd_source *source,
                               const struct pd_error *err)
{
    PD_TRY(pd_pool_start(p->pool, err));
    enum ponder_status status = load_all(p, source, err);
    if (status != PONDER_OK) {
        pd_pool_stop(p->pool);
        return status;
    }
    if (pd_prompt_set_forced(&p->search, p->solve_chat) != PONDER_OK)
        p->search.n_forced = 0; /* a vocabulary that has no words for it: nothing is forced */
    if (pd_prompt_set_revision(&p->search, p->traits.revision) != PONDER_OK)
        p->search.n_revision = 0; /* the model was not made to revise */
    if (p->has_prm)
        pd_search_add_verifier(&p->search,
                               (struct pd_verifier_use){p->prm.judge.is_calibrated
                                                            ? &pd_verifier_prm
                                                            : &pd_verifier_prm_uncalibrated,
                                                        &p->prm});
    if (p->traits.value.weight != NULL)
        pd_search_add_verifier(&p->search,
                               (struct pd_verifier_use){&pd_verifier_value, &p->traits.value});
    return PONDER_OK;
}

/* The engine at the front of the arena over the caller's block, then the file's directory, then the
 * rest; the file is open. */
static enum ponder_status build(struct pd_source *source, void *block, size_t block_bytes,
                                const struct ponder_options *options, struct ponder **p_ret,
                                const struct pd_error *err)
{
    struct pd_arena arena;
    struct pd_arena *a = &arena;
    pd_arena_init(a, block, block_bytes);
    struct ponder *p = PD_NEW(a, struct ponder, 1);
    size_t start = a->used;
    enum ponder_status status = pd_source_read(source, a, err);
    if (status == PONDER_NO_MEMORY || a->overflowed)
        return pd_fail(
            err, PONDER_NO_MEMORY,
            "%zu bytes do not even hold the model's directory; `ponder info` says what is needed",
            block_bytes);
    PD_TRY(status);
    size_t directory = a->used - start;
    struct ponder_plan plan = {0};
    PD_TRY(prepare(p, options, source, err));
    status = layout(p, source, a, &plan, err);
    if (status == PONDER_NO_MEMORY || a->overflowed || pd_arena_block_bytes(a) > block_bytes) {
        PD_TRY(measure(p, options, source, directory, &plan, err));
        return too_small(p, source, directory, &plan, block_bytes, err);
    }
    PD_TRY(status);
    p->block_bytes = pd_arena_block_bytes(a);
    PD_TRY(load(p, source, err));
    describe(p, source);
    p->sidecar = source->sidecar; /* stays mapped for as long as the engine lives */
    source->sidecar = (struct pd_sidecar){0};
    *p_ret = p;
    return PONDER_OK;
}

enum ponder_status pd_engine_open(void *block, size_t block_bytes, const char *path,
                                  const struct ponder_options *options, struct ponder **p_ret,
                                  const struct pd_error *err)
{
    struct pd_source source;
    PD_TRY(pd_source_open(&source, path, options, err));
    enum ponder_status status = build(&source, block, block_bytes, options, p_ret, err);
    pd_source_close(&source);
    return status;
}

/* The same with the file already open, in pages of its own. */
static enum ponder_status create(struct pd_source *source, const struct ponder_options *options,
                                 size_t limit_bytes, struct ponder **p_ret,
                                 const struct pd_error *err)
{
    struct ponder_plan plan;
    PD_TRY(measure_file(options, source, &plan, err));
    size_t bytes = plan.total_bytes;
    if (limit_bytes != 0)
        bytes = pd_min_size(bytes, limit_bytes);
    void *block = pd_pages_alloc(bytes);
    if (block == NULL)
        return pd_fail(err, PONDER_NO_MEMORY, "the system has no %.1f MiB",
                       (double)bytes / 1048576.0);
    enum ponder_status status = build(source, block, bytes, options, p_ret, err);
    if (status == PONDER_OK)
        (*p_ret)->block = block;
    else
        pd_pages_free(block, bytes);
    return status;
}

enum ponder_status pd_engine_create(const char *path, const struct ponder_options *options,
                                    size_t limit_bytes, struct ponder **p_ret,
                                    const struct pd_error *err)
{
    struct pd_source source;
    PD_TRY(pd_source_open(&source, path, options, err));
    enum ponder_status status = create(&source, options, limit_bytes, p_ret, err);
    pd_source_close(&source);
    return status;
}

void pd_engine_close(struct ponder *p)
{
    pd_pool_stop(p->pool);
    pd_sidecar_close(&p->sidecar);
    if (p->block != NULL)
        pd_pages_free(p->block, p->block_bytes);
}
