/* SPDX-License-Identifier: Apache-2.0
 * test_sidecar.c - packed weights in a file: the same logits as packing at start, exact memory, and a clear refusal of
 * whatever does not belong to the model. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/kernels.h"
#include "decode/sidecar.h"
#include "ponder.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/interpose.h"
#include "tests/support/model_file.h"

enum { HEADER = PD_SIDECAR_HEADER_BYTES, MAX_BYTES = 4 << 20, N_STEPS = 5, MAX_VOCAB = 1024 };

/* A model on disk, and its sidecar in memory and on disk. */
static struct {
    char model[MODEL_FILE_PATH], sidecar[MODEL_FILE_PATH + 8];
    unsigned char *bytes; /* [MAX_BYTES] */
    size_t n_bytes;
    int n_pieces, refuse_at; /* refuse_at: the piece that is not taken; -1: all are */
} file;

static char err[PONDER_ERROR_BYTES];

static bool take_piece(void *user, const void *data, size_t bytes, size_t bytes_left)
{
    (void)user;
    if (file.n_pieces++ == file.refuse_at)
        return false;
    assert_true(file.n_bytes + bytes + bytes_left <= MAX_BYTES);
    memcpy(file.bytes + file.n_bytes, data, bytes);
    file.n_bytes += bytes;
    return true;
}

static struct ponder_options options_of(const char *isa, int n_threads)
{
    struct ponder_options options;
    ponder_options_default(&options);
    options.n_lanes = 2;
    options.max_prompt_tokens = 64;
    options.max_tokens = 16;
    options.n_threads = n_threads;
    options.chat = "plain";
    options.isa = isa;
    return options;
}

static enum ponder_status pack(const struct ponder_options *options)
{
    file.n_bytes = 0;
    file.n_pieces = 0;
    err[0] = '\0';
    return ponder_pack(file.model, options, take_piece, NULL, err, sizeof err);
}

static void put_on_disk(size_t n_bytes)
{
    assert_true(gguf_write(file.sidecar, file.bytes, n_bytes));
}

static void pack_ok(const struct ponder_options *options)
{
    if (pack(options) != PONDER_OK)
        fail_msg("%s", err);
    put_on_disk(file.n_bytes);
}

static enum ponder_status create(const struct ponder_options *options, struct ponder **p_ret)
{
    err[0] = '\0';
    return ponder_create(file.model, options, 0, p_ret, err, sizeof err);
}

/* The status of making an engine with the sidecar, which is let go at once. */
static enum ponder_status open_status(const char *isa)
{
    struct ponder_options options = options_of(isa, 2);
    struct ponder *p = NULL;
    options.sidecar = file.sidecar;
    enum ponder_status status = create(&options, &p);
    assert_true((p != NULL) == (status == PONDER_OK));
    ponder_free(p);
    return status;
}

/* One line about the sidecar, fit for `sidecar PATH ...`. */
static void assert_refused(enum ponder_status status, const char *text)
{
    if (status != PONDER_BAD_SIDECAR || strstr(err, text) == NULL || strchr(err, '\n') != NULL)
        fail_msg("%s: %s", ponder_status_text(status), err);
}

static void run(struct ponder *p, float *logits)
{
    struct ponder_info info;
    int lane = -1;
    ponder_describe(p, &info);
    assert_true(info.n_vocab <= MAX_VOCAB);
    ponder_reset(p);
    assert_int_equal(ponder_fork(p, -1, &lane), PONDER_OK);
    for (int32_t i = 0; i < N_STEPS; i++) {
        int32_t token = 7 * i + 5;
        assert_int_equal(ponder_step(p, &token, &lane, 1, logits + i * MAX_VOCAB), PONDER_OK);
    }
}

static void read_model(unsigned char *bytes_ret, size_t *n_ret)
{
    FILE *f = fopen(file.model, "rb");
    assert_non_null(f);
    *n_ret = fread(bytes_ret, 1, MAX_BYTES, f);
    fclose(f);
    assert_in_range(*n_ret, 1, MAX_BYTES - 1);
}

static int make_model_of(enum pd_format_id format)
{
    if (!model_file_tiny("llama", format, file.model))
        return -1;
    snprintf(file.sidecar, sizeof file.sidecar, "%s.ponder", file.model);
    file.bytes = malloc(MAX_BYTES);
    file.refuse_at = -1;
    return file.bytes ? 0 : -1;
}

static int make_model(void **state)
{
    (void)state;
    return make_model_of(PD_Q4_0);
}

static int remove_model(void **state)
{
    (void)state;
    free(file.bytes);
    unlink(file.sidecar);
    return unlink(file.model);
}

static void test_logits_are_those_of_packing_at_start(void **state)
{
    (void)state;
    static float packed[N_STEPS * MAX_VOCAB], mapped[N_STEPS * MAX_VOCAB];
    int n_levels = 0;
    for (int format = 0; format < PD_FORMATS; format++) {
        assert_int_equal(make_model_of((enum pd_format_id)format), 0);
        bool is_available;
        const char *isa;
        for (int i = 0; (isa = pd_kernels_isa(i, &is_available)) != NULL; i++) {
            if (!is_available)
                continue;
            n_levels++;
            struct ponder_options options = options_of(isa, 1 + i % 3);
            struct ponder *p = NULL;
            pack_ok(&options);
            assert_int_equal(create(&options, &p), PONDER_OK);
            run(p, packed);
            ponder_free(p);
            options.sidecar = file.sidecar;
            assert_int_equal(create(&options, &p), PONDER_OK);
            run(p, mapped);
            ponder_free(p);
            if (memcmp(packed, mapped, sizeof packed) != 0)
                fail_msg("%s, %s: other logits", pd_format_get((enum pd_format_id)format)->name,
                         isa);
        }
        remove_model(NULL);
    }
    assert_true(n_levels >= PD_FORMATS);
}

static void test_packing_is_the_same_for_any_threads(void **state)
{
    (void)state;
    static unsigned char first[MAX_BYTES];
    struct ponder_options options = options_of(NULL, 1);
    pack_ok(&options);
    memcpy(first, file.bytes, file.n_bytes);
    for (int n_threads = 2; n_threads <= 5; n_threads++) {
        options.n_threads = n_threads;
        pack_ok(&options);
        assert_memory_equal(first, file.bytes, file.n_bytes);
    }
}

/* Panels that changed without a new version would be taken for what kernels read now. When this fails, panels of
 * the same model have become others: raise PD_SIDECAR_VERSION, then write the new sum here. */
static void test_a_version_means_one_layout(void **state)
{
    (void)state;
    uint64_t sum = 0;
    for (int format = 0; format < PD_FORMATS; format++) {
        struct pd_sidecar_header header;
        struct ponder_options options = options_of("generic", 1);
        assert_int_equal(make_model_of((enum pd_format_id)format), 0);
        assert_int_equal(pack(&options), PONDER_OK);
        assert_int_equal(pd_sidecar_read(&header, file.bytes, file.n_bytes, NULL), PONDER_OK);
        sum = sum * 31 + header.panel_sum;
        remove_model(NULL);
    }
    assert_int_equal(PD_SIDECAR_VERSION, 1);
    if (sum != UINT64_C(0x4F3D161F63BA5CD8))
        fail_msg("the sum is 0x%016llX", (unsigned long long)sum);
}

static void test_memory_is_exact_and_the_mapping_beside_it(void **state)
{
    (void)state;
    struct ponder_options options = options_of(NULL, 2);
    struct ponder_plan plan, without;
    struct ponder_info info;
    struct ponder *p = NULL;
    pack_ok(&options);
    assert_int_equal(ponder_measure(file.model, &options, &without, NULL, 0), PONDER_OK);
    options.sidecar = file.sidecar;
    assert_int_equal(ponder_measure(file.model, &options, &plan, NULL, 0), PONDER_OK);
    assert_int_equal(without.mapped_bytes, 0);
    assert_int_equal(plan.mapped_bytes, file.n_bytes);
    assert_int_equal(without.total_bytes - plan.total_bytes, file.n_bytes - HEADER);
    size_t sum = 0;
    for (int i = 0; i < plan.n_sections; i++)
        sum += plan.sections[i].bytes;
    assert_int_equal(sum, plan.total_bytes);

    unsigned char *block = malloc(plan.total_bytes);
    assert_non_null(block);
    assert_int_equal(
        ponder_init(block, plan.total_bytes - 1, file.model, &options, &p, err, sizeof err),
        PONDER_NO_MEMORY);
    assert_int_equal(
        ponder_init(block, plan.total_bytes, file.model, &options, &p, err, sizeof err), PONDER_OK);
    ponder_describe(p, &info);
    assert_int_equal(info.memory_bytes, plan.total_bytes);
    assert_int_equal(info.mapped_bytes, plan.mapped_bytes);
    ponder_free(p);
    free(block);
}

static void test_nothing_is_allocated_after_init_and_all_is_given_back(void **state)
{
    (void)state;
    if (!interpose_works())
        skip();
    static float logits[N_STEPS * MAX_VOCAB];
    struct ponder_options options = options_of(NULL, 3);
    pack_ok(&options);
    options.sidecar = file.sidecar;
    size_t pages = 0;
    for (int round = 0; round < 3; round++) {
        struct ponder *p = NULL;
        struct ponder_answer answer;
        assert_int_equal(create(&options, &p), PONDER_OK);
        interpose_begin(0);
        run(p, logits);
        ponder_warm(p);
        ponder_generate(p, "Once", 4, NULL, &answer);
        struct interpose_counts counts = interpose_end();
        assert_int_equal(counts.n_requests, 0);
        ponder_free(p);
        open_status("generic"); /* OTHER_SIDECAR, where its panels differ */
        if (round == 0)
            pages = interpose_address_space(); /* glibc keeps some of the first threads' */
    }
    assert_int_equal(interpose_address_space(), pages);
}

static void test_engines_share_a_sidecar(void **state)
{
    (void)state;
    static float one[N_STEPS * MAX_VOCAB], other[N_STEPS * MAX_VOCAB];
    struct ponder_options options = options_of(NULL, 2);
    struct ponder *p = NULL, *q = NULL;
    pack_ok(&options);
    options.sidecar = file.sidecar;
    assert_int_equal(create(&options, &p), PONDER_OK);
    assert_int_equal(create(&options, &q), PONDER_OK);
    run(p, one);
    ponder_free(p);
    unlink(file.sidecar); /* what is mapped stays */
    run(q, other);
    ponder_free(q);
    assert_memory_equal(one, other, sizeof one);
}

static void test_a_changed_model_is_refused(void **state)
{
    (void)state;
    static unsigned char model[MAX_BYTES];
    size_t n;
    struct ponder_options options = options_of(NULL, 2);
    pack_ok(&options);
    assert_int_equal(open_status(NULL), PONDER_OK);
    read_model(model, &n);
    for (size_t at = n - 1; at > n / 2; at -= n / 16) { /* tensor data, at the same size */
        model[at] ^= 1;
        assert_true(gguf_write(file.model, model, n));
        assert_refused(open_status(NULL), "stale");
        options.sidecar = file.sidecar;
        assert_refused(ponder_check(file.model, &options, err, sizeof err), "stale");
        model[at] ^= 1;
    }
    /* The same bytes in a file that was written again are the same model. */
    assert_true(gguf_write(file.model, model, n));
    assert_int_equal(open_status(NULL), PONDER_OK);
}

static void test_another_model_is_refused(void **state)
{
    (void)state;
    struct ponder_options options = options_of(NULL, 2);
    pack_ok(&options);
    char kept[sizeof file.model];
    memcpy(kept, file.model, sizeof kept);
    assert_true(model_file_tiny("qwen3", PD_Q8_0, file.model));
    enum ponder_status status = open_status(NULL);
    unlink(file.model);
    memcpy(file.model, kept, sizeof kept);
    assert_refused(status, "stale");
}

/* The model's checksum is left out where the file is the very one that was packed: then a wrong one in the header is
 * not seen but by ponder_check(). Touching the file is enough to have it compared. */
static void test_an_untouched_model_is_known_by_its_file(void **state)
{
    (void)state;
    struct pd_sidecar_header header;
    struct ponder_options options = options_of(NULL, 2);
    nanosleep(&(struct timespec){2, 100000000}, NULL); /* younger files are not trusted */
    pack_ok(&options);
    assert_int_equal(pd_sidecar_read(&header, file.bytes, file.n_bytes, NULL), PONDER_OK);
    assert_true(header.model_id.changed_ns != 0);
    header.model_sum ^= 1;
    pd_sidecar_write(&header, file.bytes);
    put_on_disk(file.n_bytes);
    assert_int_equal(open_status(NULL), PONDER_OK);
    options.sidecar = file.sidecar;
    assert_refused(ponder_check(file.model, &options, err, sizeof err), "stale");
    /* The old time of modification does not hide that the file was touched. */
    struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    struct stat info;
    assert_int_equal(stat(file.model, &info), 0);
    times[1] = info.st_mtim;
    assert_int_equal(utimensat(AT_FDCWD, file.model, times, 0), 0);
    assert_refused(open_status(NULL), "stale");
}

static void test_a_young_model_is_not_known_by_its_file(void **state)
{
    (void)state;
    struct pd_sidecar_header header;
    struct ponder_options options = options_of(NULL, 1);
    static unsigned char model[MAX_BYTES];
    size_t n;
    read_model(model, &n);
    assert_true(gguf_write(file.model, model, n)); /* now */
    pack_ok(&options);
    assert_int_equal(pd_sidecar_read(&header, file.bytes, file.n_bytes, NULL), PONDER_OK);
    assert_int_equal(header.model_id.changed_ns, 0);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    struct ponder_options options = options_of(NULL, 1);
    pack_ok(&options);
    size_t whole = file.n_bytes;
    for (size_t n = 0; n < whole; n += n < 128 ? 1 : n < HEADER ? 61 : whole / 64) {
        put_on_disk(n);
        assert_refused(open_status(NULL), n == 0 ? "is empty" : "");
    }
    put_on_disk(whole - 1);
    assert_refused(open_status(NULL), "bytes of panels");
    file.bytes[whole] = 0;
    put_on_disk(whole + 1);
    assert_refused(open_status(NULL), "bytes of panels");
    put_on_disk(whole);
    assert_int_equal(open_status(NULL), PONDER_OK);
}

static void test_every_flipped_bit_of_the_header_is_refused(void **state)
{
    (void)state;
    struct ponder_options options = options_of(NULL, 1);
    struct pd_sidecar_header header;
    const struct pd_error error = {err, sizeof err};
    pack_ok(&options);
    for (size_t bit = 0; bit < 8 * (size_t)HEADER; bit++) {
        file.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_refused(pd_sidecar_read(&header, file.bytes, file.n_bytes, &error), "");
        file.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    file.bytes[8]++; /* the version */
    put_on_disk(file.n_bytes);
    assert_refused(open_status(NULL), "has version 2, this program reads version 1");
}

static void test_a_flipped_bit_of_the_panels_is_refused(void **state)
{
    (void)state;
    struct ponder_options options = options_of(NULL, 1);
    pack_ok(&options);
    for (int i = 0; i < 40; i++) {
        size_t at = HEADER + (file.n_bytes - HEADER - 1) * (size_t)i / 39;
        file.bytes[at] ^= (unsigned char)(1 << i % 8);
        put_on_disk(file.n_bytes);
        assert_refused(open_status(NULL), "damaged");
        file.bytes[at] ^= (unsigned char)(1 << i % 8);
    }
}

/* Headers that are whole but lie. */
static void test_a_header_is_held_against_the_model(void **state)
{
    (void)state;
    struct pd_sidecar_header right, header;
    struct ponder_options options = options_of(NULL, 1);
    pack_ok(&options);
    assert_int_equal(pd_sidecar_read(&right, file.bytes, file.n_bytes, NULL), PONDER_OK);
    header = right;
    header.panel_rows = right.panel_rows == 8 ? 16 : 8;
    pd_sidecar_write(&header, file.bytes);
    put_on_disk(file.n_bytes);
    assert_int_equal(open_status(NULL), PONDER_OTHER_SIDECAR);
    assert_non_null(strstr(err, "panels of"));
    header = right;
    header.panel_bytes -= 64;
    pd_sidecar_write(&header, file.bytes);
    put_on_disk(file.n_bytes - 64);
    assert_refused(open_status(NULL), "stale");
    header.panel_bytes += 128;
    pd_sidecar_write(&header, file.bytes);
    memset(file.bytes + file.n_bytes, 0, 64);
    put_on_disk(file.n_bytes + 64);
    assert_refused(open_status(NULL), "stale");
    header = right;
    header.model_bytes++;
    pd_sidecar_write(&header, file.bytes);
    put_on_disk(file.n_bytes);
    assert_refused(open_status(NULL), "stale");
}

static void test_what_is_no_sidecar_is_refused(void **state)
{
    (void)state;
    unlink(file.sidecar);
    assert_int_equal(open_status(NULL), PONDER_NO_FILE);
    struct ponder_options options = options_of(NULL, 1);
    struct ponder *p = NULL;
    options.sidecar = file.model; /* a model is none */
    assert_refused(create(&options, &p), "is no sidecar");
    options.sidecar = "/";
    assert_int_equal(create(&options, &p), PONDER_NO_FILE);
    options.sidecar = NULL;
    assert_int_equal(ponder_check(file.model, &options, err, sizeof err), PONDER_BAD_ARGUMENT);
    options.n_threads = 10000;
    assert_int_equal(pack(&options), PONDER_BAD_ARGUMENT);
    options.n_threads = 1;
    options.isa = "z80";
    assert_int_equal(pack(&options), PONDER_BAD_ARGUMENT);
}

static void test_packing_ends_when_nobody_takes_it(void **state)
{
    (void)state;
    struct ponder_options options = options_of(NULL, 2);
    pack_ok(&options);
    int n_pieces = file.n_pieces;
    assert_true(n_pieces >= 2);
    for (file.refuse_at = 0; file.refuse_at < n_pieces; file.refuse_at++)
        assert_int_equal(pack(&options), PONDER_CANCELLED);
    assert_int_equal(pack(&options), PONDER_OK);
}

/* Refuses each request in turn to who packs, and to who opens with a sidecar. */
static void test_every_refused_request_is_a_clean_error(void **state)
{
    (void)state;
    if (!interpose_works())
        skip();
    struct ponder_options options = options_of(NULL, 3);
    pack_ok(&options);
    for (int packs = 0; packs < 2; packs++) {
        size_t pages = 0;
        options.sidecar = packs ? NULL : file.sidecar;
        int fail_at = 1;
        for (bool is_refused = true; is_refused; fail_at++) {
            struct ponder *p = NULL;
            interpose_begin(fail_at);
            enum ponder_status status = packs ? pack(&options) : create(&options, &p);
            struct interpose_counts counts = interpose_end();
            ponder_free(p);
            is_refused = counts.n_requests >= fail_at;
            if (!is_refused)
                assert_int_equal(status, PONDER_OK);
            else if (status != PONDER_NO_MEMORY && status != PONDER_NO_FILE)
                fail_msg("request %d refused: %s: %s", fail_at, ponder_status_text(status), err);
            if (pages == 0)
                pages = interpose_address_space();
            assert_int_equal(interpose_address_space(), pages);
        }
        assert_true(fail_at > 5);
    }
}

#define ON_A_MODEL(test) cmocka_unit_test_setup_teardown(test, make_model, remove_model)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits_are_those_of_packing_at_start),
        cmocka_unit_test(test_a_version_means_one_layout),
        ON_A_MODEL(test_packing_is_the_same_for_any_threads),
        ON_A_MODEL(test_memory_is_exact_and_the_mapping_beside_it),
        ON_A_MODEL(test_nothing_is_allocated_after_init_and_all_is_given_back),
        ON_A_MODEL(test_engines_share_a_sidecar),
        ON_A_MODEL(test_a_changed_model_is_refused),
        ON_A_MODEL(test_another_model_is_refused),
        ON_A_MODEL(test_an_untouched_model_is_known_by_its_file),
        ON_A_MODEL(test_a_young_model_is_not_known_by_its_file),
        ON_A_MODEL(test_every_truncation_is_refused),
        ON_A_MODEL(test_every_flipped_bit_of_the_header_is_refused),
        ON_A_MODEL(test_a_flipped_bit_of_the_panels_is_refused),
        ON_A_MODEL(test_a_header_is_held_against_the_model),
        ON_A_MODEL(test_what_is_no_sidecar_is_refused),
        ON_A_MODEL(test_packing_ends_when_nobody_takes_it),
        ON_A_MODEL(test_every_refused_request_is_a_clean_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
