/* SPDX-License-Identifier: Apache-2.0
 * engine.c - see engine.h. */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
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

/* ---- opening a file ---- */

/* A model file while it is open, and its sidecar, if one is used. */
struct source {
    struct pd_map map;
    struct pd_gguf gguf;
    struct pd_model model;
    bool is_read; /* the directory is, into pages that live as long as this */
    void *pages;
    size_t pages_bytes;
    bool is_surveyed;
    struct pd_tokenizer_survey survey;
    bool has_sidecar;
    struct pd_sidecar sidecar;
};

static enum ponder_status open_source(struct source *source, const char *path, const char *sidecar,
                                      const struct pd_error *err)
{
    *source = (struct source){.has_sidecar = sidecar != NULL};
    PD_TRY(pd_map_open(&source->map, path, err));
    enum ponder_status status = PONDER_OK;
    if (sidecar != NULL)
        status = pd_sidecar_open(&source->sidecar, sidecar, err);
    if (status != PONDER_OK)
        pd_map_close(&source->map);
    return status;
}

static void close_source(struct source *source)
{
    pd_sidecar_close(&source->sidecar);
    pd_pages_free(source->pages, source->pages_bytes);
    pd_map_close(&source->map);
}

/* Reads the directory into the arena; a second time, into another, it is only copied. */
static enum ponder_status read_source(struct source *source, struct pd_arena *a,
                                      const struct pd_error *err)
{
    if (source->is_read) {
        const struct pd_gguf first = source->gguf;
        PD_TRY(pd_gguf_copy(&source->gguf, &first, a, err));
    } else {
        PD_TRY(pd_gguf_open(&source->gguf, source->map.data, source->map.bytes, a, err));
    }
    return pd_model_open(&source->model, &source->gguf, a, err);
}

/* Reads the directory into pages of its own, of a size that the file's header says enough about. */
static enum ponder_status read_in_pages(struct source *source, size_t *directory_ret,
                                        const struct pd_error *err)
{
    size_t bytes;
    struct pd_arena a;
    PD_TRY(pd_gguf_scratch_bytes(source->map.data, source->map.bytes, &bytes, err));
    bytes += (size_t)PD_MAX_LAYERS * sizeof(struct pd_layer) + (size_t)3 * PD_ARENA_ALIGN;
    source->pages = pd_pages_alloc(bytes);
    source->pages_bytes = bytes;
    if (source->pages == NULL)
        return pd_fail(err, PONDER_NO_MEMORY, "no memory to read the model's header");
    pd_arena_init(&a, source->pages, bytes);
    PD_TRY(read_source(source, &a, err));
    source->is_read = true;
    *directory_ret = a.used;
    return PONDER_OK;
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

/* With a sidecar its panels are laid out too, while counting to see that they take as much there as here. */
static enum ponder_status layout_decoder(struct ponder *p, const struct source *source,
                                         struct pd_decoder_size size, struct pd_arena *a,
                                         struct pd_decoder_bytes *bytes_ret,
                                         const struct pd_error *err)
{
    struct pd_arena panels;
    if (!source->has_sidecar) {
        pd_decoder_layout(&p->decoder, &source->model, &p->kernels, size, a, a, bytes_ret);
        return PONDER_OK;
    }
    if (pd_arena_is_counting(a))
        pd_arena_init_count(&panels);
    else
        pd_sidecar_arena(&source->sidecar, &panels);
    pd_decoder_layout(&p->decoder, &source->model, &p->kernels, size, a, &panels, bytes_ret);
    return pd_sidecar_fits(&source->sidecar, p->kernels.panel_rows,
                           panels.overflowed ? SIZE_MAX : panels.used, &source->map, err);
}

/* Places everything but the engine struct and the directory, which come first; `plan` already has
 * them. */
static enum ponder_status layout(struct ponder *p, const struct source *source, struct pd_arena *a,
                                 struct ponder_plan *plan, const struct pd_error *err)
{
    const struct ponder_options *o = &p->options;
    int n_sample_tokens = o->max_tokens + PD_FORCED_TOKENS;
    size_t start = a->used;
    p->tokenizer = pd_tokenizer_layout(&source->survey, a);
    add_section(plan, "vocabulary", a->used - start);

    start = a->used;
    p->traits = pd_traits_none();
    PD_TRY(pd_traits_layout(&p->traits, &source->gguf, source->model.hparams.n_embd, a, err));
    if (a->used > start)
        add_section(plan, "traits", a->used - start);

    start = a->used;
    p->pool = pd_pool_layout(a, o->n_threads);
    add_section(plan, "threads", a->used - start);

    struct pd_decoder_bytes bytes;
    struct pd_decoder_size size = {
        .n_lanes = o->n_lanes + 1, /* and one that keeps the prompt */
        .n_batch = pd_max_int(PREFILL_ROWS, o->n_lanes),
        .max_tokens = o->max_prompt_tokens + n_sample_tokens,
        .n_pages = pd_div_up(o->max_prompt_tokens, PD_KV_PAGE) +
                   o->n_lanes * (pd_div_up(n_sample_tokens, PD_KV_PAGE) + 1),
        .n_threads = o->n_threads,
    };
    PD_TRY(layout_decoder(p, source, size, a, &bytes, err));
    add_section(plan, "weights", bytes.weights);
    add_section(plan, "kv cache", bytes.kv);
    add_section(plan, "activations", bytes.activations);
    add_section(plan, "logits", bytes.logits);

    start = a->used;
    struct pd_search_size search_size = {o->n_lanes, o->max_prompt_tokens, o->max_tokens,
                                         o->max_text_bytes};
    pd_search_layout(&p->search, &p->decoder, p->tokenizer, search_size, a);
    p->search.traits = &p->traits;
    add_section(plan, "search", a->used - start);
    return PONDER_OK;
}

static enum ponder_status choose_kernels(struct pd_kernels *kernels, const char *isa,
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
                                  struct source *source, const struct pd_error *err)
{
    *p = (struct ponder){.options = *options};
    PD_TRY(choose_kernels(&p->kernels, options->isa, err));
    PD_TRY(resolve_options(&p->options, &source->model.hparams, err));
    if (source->is_surveyed)
        return PONDER_OK;
    PD_TRY(pd_tokenizer_survey(&source->survey, &source->gguf, source->model.hparams.n_vocab, err));
    source->is_surveyed = true;
    return PONDER_OK;
}

/* The plan for options; `p` is only a place to work in. */
static enum ponder_status measure(struct ponder *p, const struct ponder_options *options,
                                  struct source *source, size_t directory,
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
static enum ponder_status too_small(struct ponder *p, struct source *source, size_t directory,
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
static enum ponder_status measure_file(const struct ponder_options *options, struct source *source,
                                       struct ponder_plan *plan_ret, const struct pd_error *err)
{
    size_t directory = 0;
    struct ponder p;
    PD_TRY(read_in_pages(source, &directory, err));
    return measure(&p, options, source, directory, plan_ret, err);
}

enum ponder_status pd_engine_measure(const char *path, const struct ponder_options *options,
                                     struct ponder_plan *plan_ret, const struct pd_error *err)
{
    struct source source;
    PD_TRY(open_source(&source, path, options->sidecar, err));
    enum ponder_status status = measure_file(options, &source, plan_ret, err);
    close_source(&source);
    return status;
}

static void describe(struct ponder *p, const struct source *source)
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

static enum ponder_status choose_chat(struct ponder *p, const struct source *source,
                                      const struct pd_error *err)
{
    const char *name = p->options.chat;
    p->solve_chat = p->traits.prompt[0] == '\0' ? pd_chat_find("plain") : NULL;
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
    p->solve_chat = p->chat;
    return PONDER_OK;
}

/* What there is to do at a start, as tasks for all threads. */
struct loading {
    struct ponder *p;
    const struct source *source;
    struct pd_decoder_load decoder;
    struct pd_sidecar_check check;
    struct pd_pool_task task[1 + PD_SIDECAR_TASKS + PD_DECODER_TASKS];
    int n_tasks;
};

static void fill_vocabulary(void *context, int phase, int chunk, int thread)
{
    (void)phase, (void)chunk, (void)thread;
    const struct loading *loading = context;
    pd_tokenizer_fill(loading->p->tokenizer, &loading->source->gguf);
}

/* With the pool running. The vocabulary is one task of one chunk, so it goes first. */
static enum ponder_status load_all(struct ponder *p, const struct source *source,
                                   const struct pd_error *err)
{
    struct loading l = {.p = p, .source = source};
    bool is_packed = source->has_sidecar;
    l.task[l.n_tasks++] = (struct pd_pool_task){1, fill_vocabulary, &l};
    l.n_tasks += pd_decoder_load_tasks(&l.decoder, &p->decoder, &source->model, p->pool,
                                       &source->map, is_packed, l.task + l.n_tasks);
    if (is_packed)
        l.n_tasks += pd_sidecar_begin_check(&l.check, &source->sidecar, &source->map, false,
                                            l.task + l.n_tasks);
    pd_pool_run_tasks(p->pool, l.task, l.n_tasks);
    PD_TRY(choose_chat(p, source, err));
    return is_packed ? pd_sidecar_end_check(&l.check, err) : PONDER_OK;
}

/* Fills the placed engine from the open file. */
static enum ponder_status load(struct ponder *p, const struct source *source,
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
    if (p->traits.value.weight != NULL)
        pd_search_add_verifier(
            &p->search, (struct pd_verifier_use){&pd_verifier_value, &p->traits.value});
    return PONDER_OK;
}

/* The engine at the front of the arena over the caller's block, then the file's directory, then the
 * rest; the file is open. */
static enum ponder_status build(struct source *source, void *block, size_t block_bytes,
                                const struct ponder_options *options, struct ponder **p_ret,
                                const struct pd_error *err)
{
    struct pd_arena arena;
    struct pd_arena *a = &arena;
    pd_arena_init(a, block, block_bytes);
    struct ponder *p = PD_NEW(a, struct ponder, 1);
    size_t start = a->used;
    enum ponder_status status = read_source(source, a, err);
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
    struct source source;
    PD_TRY(open_source(&source, path, options->sidecar, err));
    enum ponder_status status = build(&source, block, block_bytes, options, p_ret, err);
    close_source(&source);
    return status;
}

/* The same with the file already open, in pages of its own. */
static enum ponder_status create(struct source *source, const struct ponder_options *options,
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
    struct source source;
    PD_TRY(open_source(&source, path, options->sidecar, err));
    enum ponder_status status = create(&source, options, limit_bytes, p_ret, err);
    close_source(&source);
    return status;
}

void pd_engine_close(struct ponder *p)
{
    pd_pool_stop(p->pool);
    pd_sidecar_close(&p->sidecar);
    if (p->block != NULL)
        pd_pages_free(p->block, p->block_bytes);
}

/* ---- packing ---- */

/* What it takes to pack a model, and to check a sidecar, in pages of its own. */
struct packer {
    struct source source;
    void *pages;
    size_t pages_bytes;
    struct pd_kernels kernels;
    struct pd_pool *pool;
    bool is_started;
    struct pd_weights weights;
    unsigned char *panels;
    size_t panel_bytes;
};

/* Counts, which says panel_bytes too, and then places; without panels a sidecar is checked. */
static void layout_packer(struct packer *packer, int n_threads, bool has_panels, struct pd_arena *a)
{
    struct pd_arena panels;
    bool is_counting = pd_arena_is_counting(a);
    packer->pool = pd_pool_layout(a, n_threads);
    pd_arena_init_count(&panels);
    if (has_panels && !is_counting) {
        packer->panels = pd_arena_alloc(a, 1, packer->panel_bytes);
        pd_arena_init(&panels, packer->panels, packer->panel_bytes);
    }
    pd_weights_layout(&packer->weights, &packer->source.model, packer->kernels.panel_rows, a,
                      &panels);
    if (!is_counting)
        return;
    packer->panel_bytes = panels.overflowed ? SIZE_MAX : panels.used;
    if (has_panels)
        pd_arena_alloc(a, 1, packer->panel_bytes);
}

static enum ponder_status open_packer(struct packer *packer, const struct ponder_options *options,
                                      bool has_panels, const struct pd_error *err)
{
    struct pd_arena a;
    size_t directory;
    int n_threads = options->n_threads != 0 ? options->n_threads
                                            : pd_min_int(pd_core_count(), PONDER_MAX_THREADS);
    PD_TRY(check_range("the number of threads", n_threads, 1, PONDER_MAX_THREADS, err));
    PD_TRY(choose_kernels(&packer->kernels, options->isa, err));
    PD_TRY(read_in_pages(&packer->source, &directory, err));
    pd_arena_init_count(&a);
    layout_packer(packer, n_threads, has_panels, &a);
    packer->pages_bytes = pd_arena_block_bytes(&a);
    packer->pages = packer->pages_bytes < SIZE_MAX ? pd_pages_alloc(packer->pages_bytes) : NULL;
    if (packer->pages == NULL)
        return pd_fail(err, PONDER_NO_MEMORY, "the system has no memory for the packed weights");
    pd_arena_init(&a, packer->pages, packer->pages_bytes);
    layout_packer(packer, n_threads, has_panels, &a);
    PD_TRY(pd_pool_start(packer->pool, err));
    packer->is_started = true;
    return PONDER_OK;
}

static void close_packer(struct packer *packer)
{
    if (packer->is_started)
        pd_pool_stop(packer->pool);
    pd_pages_free(packer->pages, packer->pages_bytes);
    close_source(&packer->source);
}

static enum ponder_status pack(struct packer *packer, pd_write_fn *write, void *user,
                               const struct pd_error *err)
{
    enum { PIECE_BYTES = 1 << 20 };
    const struct pd_map *map = &packer->source.map;
    unsigned char bytes[PD_SIDECAR_HEADER_BYTES];
    struct pd_weights_pack packing;
    struct pd_pool_task task = pd_weights_pack_task(
        &packing, &packer->weights, &packer->source.model, packer->kernels.panel_rows, map);
    pd_pool_run_tasks(packer->pool, &task, 1);
    struct pd_sidecar_header header = {
        .panel_rows = (uint32_t)packer->kernels.panel_rows,
        .panel_bytes = packer->panel_bytes,
        .panel_sum = pd_checksum(packer->pool, packer->panels, packer->panel_bytes),
        .model_bytes = map->bytes,
        .model_sum = pd_checksum(packer->pool, map->data, map->bytes),
    };
    if (pd_map_is_settled(map))
        header.model_id = map->id;
    pd_sidecar_write(&header, bytes);
    bool is_written = write(user, bytes, sizeof bytes, packer->panel_bytes);
    for (size_t done = 0; done < packer->panel_bytes && is_written;) {
        size_t n = pd_min_size(PIECE_BYTES, packer->panel_bytes - done);
        is_written = write(user, packer->panels + done, n, packer->panel_bytes - done - n);
        done += n;
    }
    return is_written ? PONDER_OK
                      : pd_fail(err, PONDER_CANCELLED, "the packed weights were not taken");
}

enum ponder_status pd_engine_pack(const char *path, const struct ponder_options *options,
                                  pd_write_fn *write, void *user, const struct pd_error *err)
{
    struct packer packer = {.pages = NULL};
    PD_TRY(open_source(&packer.source, path, NULL, err));
    enum ponder_status status = open_packer(&packer, options, true, err);
    if (status == PONDER_OK)
        status = pack(&packer, write, user, err);
    close_packer(&packer);
    return status;
}

static enum ponder_status check_whole(const struct packer *packer, const struct pd_error *err)
{
    struct pd_sidecar_check check;
    struct pd_pool_task task[PD_SIDECAR_TASKS];
    int n =
        pd_sidecar_begin_check(&check, &packer->source.sidecar, &packer->source.map, true, task);
    pd_pool_run_tasks(packer->pool, task, n);
    return pd_sidecar_end_check(&check, err);
}

enum ponder_status pd_engine_check(const char *path, const struct ponder_options *options,
                                   const struct pd_error *err)
{
    struct packer packer = {.pages = NULL};
    const struct source *source = &packer.source;
    PD_TRY(open_source(&packer.source, path, options->sidecar, err));
    enum ponder_status status = open_packer(&packer, options, false, err);
    if (status == PONDER_OK)
        status = pd_sidecar_fits(&source->sidecar, packer.kernels.panel_rows, packer.panel_bytes,
                                 &source->map, err);
    if (status == PONDER_OK)
        status = check_whole(&packer, err);
    close_packer(&packer);
    return status;
}
