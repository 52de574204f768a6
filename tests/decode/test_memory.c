/* SPDX-License-Identifier: Apache-2.0
 * test_memory.c - the promise of memory: the size is known before, the block is all there is, and after
 * init nothing is allocated. On a tiny model, and on a real one where it is there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ponder.h"
#include "tests/support/interpose.h"
#include "tests/support/model_file.h"

static const char question[] = "Ann has 3 apples and buys 4 more. How many apples does she have?";

enum { SLACK_BYTES = 4096, SLACK_PATTERN = 0xa5, MAX_TOKENS = 24 };

struct subject {
    char path[MODEL_FILE_PATH];
    bool is_there;
};
static struct subject tiny, real;

static struct ponder_options options_of(const struct subject *subject, int n_threads)
{
    struct ponder_options options;
    ponder_options_default(&options);
    options.n_lanes = 4;
    options.max_prompt_tokens = 800; /* a tiny vocabulary has few words */
    options.max_tokens = MAX_TOKENS;
    options.n_threads = n_threads;
    options.chat = subject == &tiny ? "plain" : NULL;
    return options;
}

static size_t planned_bytes(const struct subject *subject, const struct ponder_options *options)
{
    struct ponder_plan plan;
    char err[PONDER_ERROR_BYTES] = "";
    enum ponder_status status = ponder_measure(subject->path, options, &plan, err, sizeof err);
    if (status != PONDER_OK)
        fail_msg("%s: %s", ponder_status_text(status), err);
    return plan.total_bytes;
}

/* Pages between two that cannot be touched; the block of `bytes` lies in them where the test wants it. */
struct fence {
    unsigned char *map;
    size_t map_bytes, page;
    unsigned char *begin, *end; /* what may be touched */
};

static struct fence fence_make(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inner = (bytes + 2 * SLACK_BYTES + page - 1) / page * page;
    struct fence fence = {.map_bytes = inner + 2 * page, .page = page};
    fence.map = mmap(NULL, fence.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(fence.map != MAP_FAILED);
    fence.begin = fence.map + page;
    fence.end = fence.begin + inner;
    assert_int_equal(mprotect(fence.begin, inner, PROT_READ | PROT_WRITE), 0);
    return fence;
}

static void fence_free(struct fence *fence)
{
    assert_int_equal(munmap(fence->map, fence->map_bytes), 0);
}

static struct ponder *init_ok(const struct subject *subject, const struct ponder_options *options,
                              void *block, size_t block_bytes)
{
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    enum ponder_status status =
        ponder_init(block, block_bytes, subject->path, options, &p, err, sizeof err);
    if (status != PONDER_OK)
        fail_msg("%s: %s", ponder_status_text(status), err);
    assert_non_null(p);
    return p;
}

static void count_event(void *user, const struct ponder_event *event)
{
    (void)user;
    assert_true(event->path >= 0 && event->kind[0] != '\0');
}

/* Everything that the public interface can do. Returns the tokens written, as a check that it did. */
static int use_everything(struct ponder *p, float *logits)
{
    struct ponder_request request;
    struct ponder_answer answer;
    struct ponder_info info;
    static int32_t tokens[512];
    size_t n_tokens = 0;
    int n_written = 0;
    ponder_describe(p, &info);
    ponder_request_default(&request);
    request.n_samples = 6; /* more than lanes: they run in turn */
    request.seed = 7;
    request.on_event = count_event;
    for (int i = 0; (request.strategy = ponder_strategy(i, NULL)) != NULL; i++) {
        enum ponder_status status = ponder_solve(p, question, strlen(question), &request, &answer);
        if (status != PONDER_OK && status != PONDER_NO_ANSWER)
            fail_msg("%s", ponder_status_text(status));
        n_written += answer.n_tokens;
    }
    request.on_event = NULL;
    request.budget_ms = 50;
    ponder_solve(p, question, strlen(question), &request, &answer);
    request.budget_ms = 0;
    request.n_samples = 1;
    assert_int_equal(ponder_generate(p, "Once upon", 9, &request, &answer), PONDER_OK);
    n_written += answer.n_tokens;

    assert_int_equal(ponder_tokenize(p, question, strlen(question), true, false, tokens,
                                     sizeof tokens / sizeof tokens[0], &n_tokens),
                     PONDER_OK);
    int lane = -1, fork = -1;
    ponder_reset(p);
    assert_int_equal(ponder_fork(p, -1, &lane), PONDER_OK);
    assert_int_equal(ponder_step(p, tokens, &lane, 1, logits), PONDER_OK);
    assert_int_equal(ponder_fork(p, lane, &fork), PONDER_OK);
    assert_int_equal(ponder_step(p, tokens + 1, &fork, 1, logits), PONDER_OK);
    assert_int_equal(ponder_score(p, lane, tokens + 1, (int)n_tokens - 1, logits), PONDER_OK);
    request.top_k = -1; /* candidates until top-p has enough */
    assert_int_equal(ponder_decode(p, &fork, 1, tokens + 1, &request, logits), PONDER_OK);
    ponder_prune(p, fork);
    ponder_prune(p, lane);
    char piece[64];
    ponder_token_text(p, tokens[0], piece, sizeof piece);
    ponder_answer_equal("1,000", "1000.0");
    return n_written;
}

static void test_sections_add_up_to_the_total(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there)
        skip();
    struct ponder_options options = options_of(subject, 2);
    struct ponder_plan plan;
    assert_int_equal(ponder_measure(subject->path, &options, &plan, NULL, 0), PONDER_OK);
    size_t sum = 0;
    assert_in_range(plan.n_sections, 1, PONDER_MAX_SECTIONS);
    for (int i = 0; i < plan.n_sections; i++) {
        assert_true(plan.sections[i].name != NULL && plan.sections[i].name[0] != '\0');
        sum += plan.sections[i].bytes;
    }
    assert_int_equal(sum, plan.total_bytes);
}

static void test_more_lanes_need_more_memory(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there)
        skip();
    size_t before = 0;
    for (int n_lanes = 1; n_lanes <= PONDER_MAX_LANES; n_lanes *= 2) {
        struct ponder_options options = options_of(subject, 1);
        options.n_lanes = n_lanes;
        size_t bytes = planned_bytes(subject, &options);
        assert_true(bytes > before);
        before = bytes;
    }
}

/* Runs in exactly the planned bytes wherever the block starts, touches nothing around it, and answers
 * the same. */
static void test_exactly_the_planned_block_is_enough_at_any_alignment(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there)
        skip();
    struct ponder_options options = options_of(subject, 2);
    size_t bytes = planned_bytes(subject, &options);
    struct fence fence = fence_make(bytes);
    size_t inner = (size_t)(fence.end - fence.begin);
    unsigned char
        *const
            starts
                [] =
                    {
                        fence.begin,           fence.begin + 1,  fence.begin + 8,
                        fence.begin + 31,      fence.begin + 63, fence.begin + 64,
                        fence.end - bytes, /* the last byte lies against the fence */
                        fence.end - bytes - 1,
                    };
    size_t n_starts = subject == &tiny ? sizeof starts / sizeof starts[0] : 2;
    char first[1024] = "";
    for (size_t i = 0; i < n_starts; i++) {
        unsigned char *block = subject == &tiny || i == 0 ? starts[i] : fence.end - bytes;
        memset(fence.begin, SLACK_PATTERN, inner);
        struct ponder *p = init_ok(subject, &options, block, bytes);
        struct ponder_info info;
        ponder_describe(p, &info);
        assert_int_equal(info.memory_bytes, bytes);
        struct ponder_request request;
        struct ponder_answer answer;
        ponder_request_default(&request);
        request.seed = 3;
        request.confidence = 1;
        enum ponder_status status = ponder_solve(p, question, strlen(question), &request, &answer);
        if (status != PONDER_OK && status != PONDER_NO_ANSWER)
            fail_msg("%s", ponder_status_text(status));
        assert_true(answer.n_tokens > 0);
        char text[1024];
        snprintf(text, sizeof text, "%s|%.*s", answer.answer, (int)answer.text_bytes, answer.text);
        if (i == 0)
            memcpy(first, text, sizeof first);
        assert_string_equal(text, first);
        ponder_free(p);
        for (unsigned char *at = fence.begin; at < fence.end; at++) {
            if (at == block)
                at += bytes;
            if (at < fence.end && *at != SLACK_PATTERN)
                fail_msg("byte %td beside the block was written", at - block);
        }
    }
    fence_free(&fence);
}

static void test_one_byte_less_fails_and_says_what_would_fit(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there)
        skip();
    struct ponder_options options = options_of(subject, 2);
    size_t bytes = planned_bytes(subject, &options);
    struct fence fence = fence_make(bytes);
    memset(fence.begin, SLACK_PATTERN, (size_t)(fence.end - fence.begin));
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    assert_int_equal(ponder_init(fence.end - (bytes - 1), bytes - 1, subject->path, &options, &p,
                                 err, sizeof err),
                     PONDER_NO_MEMORY);
    assert_null(p);
    print_message("%s\n", err);
    char needed[32];
    snprintf(needed, sizeof needed, "%zu", bytes);
    assert_non_null(strstr(err, needed));

    /* And what it names does fit. */
    static const char advice[] = "--samples ";
    const char *fits = strstr(err, advice);
    assert_non_null(fits);
    int n_lanes = atoi(fits + strlen(advice));
    assert_in_range(n_lanes, 1, options.n_lanes - 1);
    options.n_lanes = n_lanes;
    assert_true(planned_bytes(subject, &options) < bytes);
    ponder_free(init_ok(subject, &options, fence.end - (bytes - 1), bytes - 1));

    /* With every smaller size it fails, too, and never crashes. */
    options = options_of(subject, 2);
    for (size_t less = bytes / 2; less > 0; less /= 4) {
        assert_int_equal(
            ponder_init(fence.end - less, less, subject->path, &options, &p, err, sizeof err),
            PONDER_NO_MEMORY);
    }
    assert_int_equal(ponder_init(NULL, 0, subject->path, &options, &p, err, sizeof err),
                     PONDER_NO_MEMORY);
    fence_free(&fence);
}

static void test_a_memory_limit_holds_to_the_byte(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there)
        skip();
    struct ponder_options options = options_of(subject, 1);
    size_t bytes = planned_bytes(subject, &options);
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    assert_int_equal(ponder_create(subject->path, &options, bytes - 1, &p, err, sizeof err),
                     PONDER_NO_MEMORY);
    assert_null(p);
    assert_true(err[0] != '\0');
    assert_int_equal(ponder_create(subject->path, &options, bytes, &p, err, sizeof err), PONDER_OK);
    ponder_free(p);
}

static void test_nothing_is_allocated_after_init(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there || !interpose_works())
        skip();
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        struct ponder_options options = options_of(subject, n_threads);
        size_t bytes = planned_bytes(subject, &options);
        struct fence fence = fence_make(bytes);
        struct ponder *p = init_ok(subject, &options, fence.begin, bytes);
        struct ponder_info info;
        ponder_describe(p, &info);
        float *logits = malloc((size_t)info.n_vocab * sizeof *logits);
        assert_non_null(logits);

        size_t pages = interpose_address_space();
        interpose_begin(0);
        int n_written = use_everything(p, logits);
        struct interpose_counts counts = interpose_end();
        assert_int_equal(interpose_address_space(), pages);
        assert_int_equal(counts.n_requests, 0);
        assert_int_equal(counts.n_frees, 0);
        assert_int_equal(counts.n_unmaps, 0);
        assert_true(n_written > 0);
#ifdef __x86_64__
        assert_true(pages > 0); /* 0 in an emulator */
#endif

        ponder_free(p);
        free(logits);
        fence_free(&fence);
    }
}

static void test_init_maps_the_file_and_lets_it_go(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there || !interpose_works())
        skip();
    struct ponder_options options = options_of(subject, 1);
    size_t bytes = planned_bytes(subject, &options);
    struct fence fence = fence_make(bytes);
    interpose_begin(0);
    struct ponder *p = init_ok(subject, &options, fence.begin, bytes);
    struct interpose_counts counts = interpose_end();
    assert_int_equal(counts.n_allocations, 0);
    assert_int_equal(counts.n_threads, 0);
    assert_true(counts.n_opens > 0);
    assert_int_equal(counts.n_opens, counts.n_closes);
    assert_true(counts.n_maps > 0);
    assert_int_equal(counts.n_maps, counts.n_unmaps);
    ponder_free(p);
    fence_free(&fence);
}

static void test_free_gives_everything_back(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there || !interpose_works())
        skip();
    struct ponder_options options = options_of(subject, 3);
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES];
    /* The first round lets glibc build what it keeps for threads. */
    size_t pages = 0;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ponder_create(subject->path, &options, 0, &p, err, sizeof err), PONDER_OK);
        ponder_free(p);
        if (round == 0)
            pages = interpose_address_space();
    }
    assert_int_equal(interpose_address_space(), pages);
}

/* Refuses each request of measure, init and create in turn, until a run gets all it asks for. Each
 * refusal is a status and a text, never a crash, and leaves nothing open or mapped. */
static void test_every_refused_request_is_a_clean_error(void **state)
{
    const struct subject *subject = *state;
    if (!subject->is_there || !interpose_works())
        skip();
    struct ponder_options options = options_of(subject, 3);
    size_t pages = 0;
    int n_refused = 0;
    for (int fail_at = 1;; fail_at++) {
        struct ponder *p = NULL;
        struct ponder_plan plan;
        char err[PONDER_ERROR_BYTES] = "";
        interpose_begin(fail_at);
        enum ponder_status status = ponder_measure(subject->path, &options, &plan, err, sizeof err);
        if (status == PONDER_OK)
            status = ponder_create(subject->path, &options, 0, &p, err, sizeof err);
        struct interpose_counts counts = interpose_end();
        bool is_refused = counts.n_requests >= fail_at;
        ponder_free(p);
        if (!is_refused) {
            assert_int_equal(status, PONDER_OK);
            break;
        }
        n_refused++;
        if (status != PONDER_NO_MEMORY && status != PONDER_NO_FILE)
            fail_msg("request %d refused: %s: %s", fail_at, ponder_status_text(status), err);
        assert_null(p);
        assert_true(err[0] != '\0');
        if (pages == 0)
            pages = interpose_address_space();
        assert_int_equal(interpose_address_space(), pages);
    }
    assert_true(n_refused >= 4); /* a file twice opened and mapped, at least */
}

static int find_models(void **state)
{
    (void)state;
    real.is_there = model_file_real("smollm2-135m", real.path);
    tiny.is_there = model_file_tiny("llama", PD_Q4_0, tiny.path);
    return tiny.is_there ? 0 : -1;
}

static int remove_models(void **state)
{
    (void)state;
    return unlink(tiny.path);
}

#define ON(subject, test)                                                                          \
    {                                                                                              \
        .name = #test " (" #subject ")", .test_func = test, .initial_state = &subject              \
    }
#define ON_BOTH(test) ON(tiny, test), ON(real, test)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_BOTH(test_sections_add_up_to_the_total),
        ON_BOTH(test_more_lanes_need_more_memory),
        ON_BOTH(test_exactly_the_planned_block_is_enough_at_any_alignment),
        ON_BOTH(test_one_byte_less_fails_and_says_what_would_fit),
        ON_BOTH(test_a_memory_limit_holds_to_the_byte),
        ON_BOTH(test_nothing_is_allocated_after_init),
        ON_BOTH(test_init_maps_the_file_and_lets_it_go),
        ON_BOTH(test_free_gives_everything_back),
        ON(tiny, test_every_refused_request_is_a_clean_error),
    };
    return cmocka_run_group_tests(tests, find_models, remove_models);
}
