/* SPDX-License-Identifier: Apache-2.0
 * cmd_info.c - `ponder info`: the memory plan, and what a model file holds. The plan comes from the file's
 * header alone; only what follows it opens an engine, a small one. */
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/sidecar.h"

static void put_sections(struct pd_json_writer *w, const struct ponder_plan *plan)
{
    pd_json_key(w, "sections");
    pd_json_begin(w, '[');
    for (int i = 0; i < plan->n_sections; i++) {
        pd_json_begin(w, '{');
        pd_json_key(w, "name");
        pd_json_text(w, plan->sections[i].name);
        pd_json_key(w, "bytes");
        pd_json_u64(w, plan->sections[i].bytes);
        pd_json_end(w, '}');
    }
    pd_json_end(w, ']');
}

/* The numbers of a model, in the order in which both outputs show them. */
struct fact {
    const char *key;
    int64_t value;
};

enum { N_FACTS = 9 };

static void collect_facts(const struct ponder_info *info, struct fact facts[N_FACTS])
{
    const struct fact all[N_FACTS] = {
        {"parameters", info->n_parameters},
        {"layers", info->n_layers},
        {"embd", info->n_embd},
        {"heads", info->n_heads},
        {"kv_heads", info->n_kv_heads},
        {"head_dim", info->head_dim},
        {"ff", info->n_ff},
        {"vocab", info->n_vocab},
        {"ctx_train", info->n_ctx_train},
    };
    memcpy(facts, all, sizeof all);
}

static void put_traits(struct pd_json_writer *w, const struct ponder_info *info)
{
    const struct {
        const char *key;
        bool value;
    } facts[] = {{"calculator", info->has_calculator},
                 {"value_head", info->has_value_head},
                 {"difficulty_head", info->has_difficulty_head}};
    const char *const texts[][2] = {
        {"prompt", info->prompt}, {"answer_mark", info->answer}, {"revision_mark", info->revision}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        pd_json_key(w, texts[i][0]);
        pd_json_text(w, texts[i][1][0] != '\0' ? texts[i][1] : NULL);
    }
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        pd_json_key(w, facts[i].key);
        pd_json_bool(w, facts[i].value);
    }
}

/* Line breaks as \n. */
static void print_escaped(const char *text)
{
    for (; *text != '\0'; text++)
        *text == '\n' ? (void)fputs("\\n", stdout) : (void)putchar(*text);
}

static void print_traits(const struct ponder_info *info)
{
    const char *const texts[][2] = {
        {"prompt", info->prompt}, {"answer", info->answer}, {"revision", info->revision}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i][1][0] == '\0')
            continue;
        printf("  %-11s ", texts[i][0]);
        print_escaped(texts[i][1]);
        putchar('\n');
    }
    if (info->has_value_head || info->has_difficulty_head)
        printf("  heads       %s%s%s\n", info->has_value_head ? "value" : "",
               info->has_value_head && info->has_difficulty_head ? ", " : "",
               info->has_difficulty_head ? "difficulty" : "");
    if (info->has_calculator)
        printf("  calculator  yes\n");
}

static void put_length(struct pd_json_writer *w, const char *key, int n_tokens)
{
    pd_json_key(w, key);
    if (n_tokens > 0)
        pd_json_int(w, n_tokens);
    else
        pd_json_text(w, NULL);
}

static void print_json(const char *path, const struct settings *settings,
                       const struct ponder_plan *plan, const struct ponder_info *info,
                       const struct sidecar *sidecar, bool fits)
{
    struct pd_json_writer w;
    struct fact facts[N_FACTS];
    json_to_file(&w, stdout);
    pd_json_begin(&w, '{');
    pd_json_key(&w, "file");
    pd_json_text(&w, path);
    if (info) {
        const char *const texts[][2] = {{"model", model_name(info)},
                                        {"family", info->family},
                                        {"format", info->format},
                                        {"chat", info->chat},
                                        {"isa", info->isa}};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            pd_json_key(&w, texts[i][0]);
            pd_json_text(&w, texts[i][1]);
        }
        collect_facts(info, facts);
        for (int i = 0; i < N_FACTS; i++) {
            pd_json_key(&w, facts[i].key);
            pd_json_int(&w, facts[i].value);
        }
        put_traits(&w, info);
        pd_json_key(&w, "threads");
        pd_json_int(&w, info->n_threads);
    }
    pd_json_key(&w, "lanes");
    pd_json_int(&w, settings->engine.n_lanes);
    put_length(&w, "max_prompt", settings->engine.max_prompt_tokens);
    put_length(&w, "max_tokens", settings->engine.max_tokens);
    pd_json_key(&w, "sidecar");
    pd_json_text(&w, sidecar->path);
    pd_json_key(&w, "mapped_bytes");
    pd_json_u64(&w, plan->mapped_bytes);
    pd_json_key(&w, "memory_bytes");
    pd_json_u64(&w, plan->total_bytes);
    if (settings->memory_limit_bytes > 0) {
        pd_json_key(&w, "fits");
        pd_json_bool(&w, fits);
    }
    put_sections(&w, plan);
    pd_json_end(&w, '}');
    putchar('\n');
}

static void print_people(const char *path, const struct settings *settings,
                         const struct ponder_plan *plan, const struct ponder_info *info,
                         const struct sidecar *sidecar)
{
    char size[24];
    struct fact facts[N_FACTS];
    printf("%s\n", path);
    if (info) {
        printf("  model       %s\n  family      %s\n  format      %s\n  chat        %s\n",
               model_name(info), info->family, info->format, info->chat);
        collect_facts(info, facts);
        for (int i = 0; i < N_FACTS; i++)
            printf("  %-11s %lld\n", facts[i].key, (long long)facts[i].value);
        print_traits(info);
        printf("  isa         %s\n  threads     %d\n", info->isa, info->n_threads);
    }
    if (sidecar->path)
        printf("  sidecar     %s, %s mapped\n", sidecar->path, size_text(plan->mapped_bytes, size));
    else
        printf("  sidecar     %s%s\n", sidecar->why[0] ? "not used: it " : "none", sidecar->why);
    printf("memory for %d lanes", settings->engine.n_lanes);
    if (settings->engine.max_prompt_tokens > 0)
        printf(", prompts of %d tokens", settings->engine.max_prompt_tokens);
    if (settings->engine.max_tokens > 0)
        printf(", %d tokens a sample", settings->engine.max_tokens);
    putchar('\n');
    for (int i = 0; i < plan->n_sections; i++)
        printf("  %-20s %12zu  %s\n", plan->sections[i].name, plan->sections[i].bytes,
               size_text(plan->sections[i].bytes, size));
    printf("  %-20s %12zu  %s\n", "total", plan->total_bytes, size_text(plan->total_bytes, size));
}

/* What the plan is for; a length that the model decides is only known with an engine: 0. */
static void take_lengths(struct settings *settings, const struct ponder_info *info)
{
    settings->engine.max_prompt_tokens = info->max_prompt_tokens;
    settings->engine.max_tokens = info->max_tokens;
}

/* Whether it will be used, after a look at all of it; then settings say so to who opens an engine. */
static int look_at_sidecar(struct settings *settings, const char *path, struct sidecar *sidecar)
{
    char err[PONDER_ERROR_BYTES] = "";
    sidecar_find(sidecar, settings, path);
    settings->engine.sidecar = sidecar->path;
    settings->sidecar = "none";
    if (!sidecar->path)
        return EXIT_OK;
    enum ponder_status status = ponder_check(path, &settings->engine, err, sizeof err);
    if (sidecar_gives_way(sidecar, settings, status, err)) {
        settings->engine.sidecar = NULL;
        return EXIT_OK;
    }
    if (sidecar_is_blamed(status)) {
        complain("sidecar %s %s", sidecar->path, err);
        return ponder_status_exit_code(status);
    }
    settings->sidecar = sidecar->path;
    return status == PONDER_OK ? EXIT_OK : complain_open(status, path, err);
}

/* An engine that can say what the file holds. */
static int open_small(const struct settings *settings, struct ponder **p_ret)
{
    struct settings small = *settings;
    small.engine.n_lanes = 1;
    return open_engine(&small, p_ret);
}

int cmd_info(struct settings *settings)
{
    char err[PONDER_ERROR_BYTES] = "";
    char needed[24], limit[24];
    struct ponder_plan plan;
    struct ponder_info info;
    struct sidecar sidecar;
    struct ponder *p = NULL;
    if (settings->n_words > 0) {
        complain("info takes the file with -m, not '%s'; see ponder info --help",
                 settings->words[0]);
        return EXIT_USAGE;
    }
    settle_lanes(settings, 8);
    const char *path = find_model(settings);
    if (!path)
        return EXIT_FILE;
    int code = look_at_sidecar(settings, path, &sidecar);
    if (code != EXIT_OK)
        return code;
    enum ponder_status status = ponder_measure(path, &settings->engine, &plan, err, sizeof err);
    if (status != PONDER_OK)
        return complain_open(status, path, err);
    bool fits =
        settings->memory_limit_bytes == 0 || plan.total_bytes <= settings->memory_limit_bytes;
    code = fits ? open_small(settings, &p) : EXIT_OK;
    if (p) {
        ponder_describe(p, &info);
        take_lengths(settings, &info);
    }
    if (settings->is_json)
        print_json(path, settings, &plan, p ? &info : NULL, &sidecar, fits);
    else
        print_people(path, settings, &plan, p ? &info : NULL, &sidecar);
    ponder_free(p);
    code = finish_output(stdout, "standard output", code);
    if (code != EXIT_OK || fits)
        return code;
    complain("the plan needs %s (%zu bytes) and --memory allows %s; lower --samples, --lanes, "
             "--max-prompt or --max-tokens",
             size_text(plan.total_bytes, needed), plan.total_bytes,
             size_text(settings->memory_limit_bytes, limit));
    return ponder_status_exit_code(PONDER_NO_MEMORY);
}
