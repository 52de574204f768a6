/* SPDX-License-Identifier: Apache-2.0
 * test_reviser.c - a reviser of its own: attempts with others in view are written by its adapter, first attempts are not;
 * the same bytes for any number of threads and lanes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine.h"
#include "tests/support/model_file.h"
#include "tests/support/tiny_adapter.h"

enum { TRANSCRIPT = 1 << 16 };

static void add_keys(void *user, struct gguf_builder *b)
{
    (void)user;
    gguf_add_string(b, "ponder.prompt", "{question}\n");
    gguf_add_string(b, "ponder.revision", "~");
}

/* What happened, told in order, with what runs the lanes at each event. */
struct transcript {
    struct ponder *p;
    char text[TRANSCRIPT];
    size_t bytes;
    int n_first, n_revised; /* texts */
    int n_on_reviser;       /* most lanes at once, but its prompt's */
};

static int count_lanes(const struct ponder *p, int adapter)
{
    int n = 0;
    for (int i = 0; i < p->decoder.kv.n_lanes; i++)
        n += p->decoder.kv.lane[i].is_used && p->decoder.kv.lane[i].adapter == adapter;
    return n;
}

static void listen(void *user, const struct ponder_event *event)
{
    struct transcript *t = user;
    int adapter = t->p->adapter_of[PD_REVISER];
    if (adapter > 0)
        t->n_on_reviser = pd_max_int(t->n_on_reviser, count_lanes(t->p, adapter) - 1);
    if (strcmp(event->kind, "end") != 0)
        return;
    t->n_first += event->parent < 0;
    t->n_revised += event->parent >= 0;
    int n = snprintf(t->text + t->bytes, sizeof t->text - t->bytes, "%d<%d:%.*s|", event->path,
                     event->parent, (int)event->text_bytes, event->text);
    t->bytes += (size_t)n;
    assert_true(t->bytes < sizeof t->text);
}

static void run(const char *path, const char *reviser, int n_threads, struct transcript *t)
{
    struct ponder_options options;
    struct ponder_request request;
    struct ponder_answer answer;
    struct ponder *p = NULL;
    char err[PONDER_ERROR_BYTES] = "";
    ponder_options_default(&options);
    options.n_lanes = 2;
    options.n_threads = n_threads;
    options.max_prompt_tokens = 32;
    options.max_tokens = 150;
    options.reviser = reviser;
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    ponder_request_default(&request);
    request.strategy = "revise";
    request.n_samples = 8;
    request.n_chains = 2;
    request.max_tokens = 24;
    request.seed = 2; /* attempts that end, in both chains */
    request.temperature = 3.0f;
    request.top_k = -1;
    request.top_p = 1.0f;
    request.confidence = 1.0;
    request.on_event = listen;
    request.user = t;
    for (int again = 0; again < 2; again++) {
        *t = (struct transcript){.p = p};
        enum ponder_status status = ponder_solve(p, "2 + 2?", 6, &request, &answer);
        assert_true(status == PONDER_OK || status == PONDER_NO_ANSWER);
    }
    ponder_free(p);
}

static void test_attempts_are_revised_by_the_reviser(void **state)
{
    (void)state;
    struct tiny_options model;
    struct tiny_adapter_options options;
    char path[MODEL_FILE_PATH], reviser[MODEL_FILE_PATH];
    static struct transcript plain, with, other;
    tiny_options_default(&model, "llama", PD_Q8_0);
    model.add_keys = add_keys;
    assert_true(model_file_of(&model, path));
    tiny_adapter_default(&options, &model);
    struct tiny_adapter *adapter = tiny_adapter_new(&options);
    assert_true(model_file_bytes(adapter->bytes, adapter->n_bytes, reviser));
    tiny_adapter_free(adapter);

    run(path, NULL, 1, &plain);
    run(path, reviser, 1, &with);
    assert_true(with.n_revised > 0 && with.n_first > 0);
    assert_int_equal(plain.n_on_reviser, 0);
    assert_int_equal(with.n_on_reviser, 2);
    /* First attempts are the policy's: alike up to the first revision. */
    size_t n_same = 0;
    while (n_same < plain.bytes && plain.text[n_same] == with.text[n_same])
        n_same++;
    assert_true(n_same > 0 && n_same < plain.bytes);
    for (int n_threads = 2; n_threads <= 3; n_threads++) {
        run(path, reviser, n_threads, &other);
        assert_string_equal(other.text, with.text);
    }
    unlink(path);
    unlink(reviser);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attempts_are_revised_by_the_reviser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
