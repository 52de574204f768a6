/* SPDX-License-Identifier: Apache-2.0
 * test_train.c - whole runs on little models: that they learn, that one killed goes on to the bit, that what comes out
 * loads, and what is said about bad input. Messages of the trainer go to a file that tests look into. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "models/train/settings.h"
#include "models/train/trainer.h"
#include "ponder.h"
#include "tests/support/model_file.h"

enum { MOST_WORDS = 40, PATH_BYTES = 256 };

struct fixture {
    char folder[64], base[MODEL_FILE_PATH];
};

static int setup(void **state)
{
    static struct fixture f;
    snprintf(f.folder, sizeof f.folder, "/tmp/ponder-train-XXXXXX");
    *state = &f;
    return mkdtemp(f.folder) && model_file_tiny("llama", PD_F32, f.base) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    unlink(f->base);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    return system(command);
}

static const char *in_folder(const struct fixture *f, const char *name, char path_ret[PATH_BYTES])
{
    snprintf(path_ret, PATH_BYTES, "%s/%s", f->folder, name);
    return path_ret;
}

static void write_text(const struct fixture *f, const char *name, const char *text)
{
    char path[PATH_BYTES];
    FILE *file = fopen(in_folder(f, name, path), "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char *read_text(const struct fixture *f, const char *name, size_t *bytes_ret)
{
    char path[PATH_BYTES];
    FILE *file = fopen(in_folder(f, name, path), "rb");
    if (file == NULL)
        return NULL;
    enum { MOST = 8 << 20 };
    char *text = calloc(1, MOST);
    assert_non_null(text);
    *bytes_ret = fread(text, 1, MOST - 1, file);
    fclose(file);
    return text;
}

/* Sums of small numbers, each of them a row. */
static void write_rows(const struct fixture *f, const char *name, int first, int n)
{
    char text[32768];
    size_t at = 0;
    for (int i = first; i < first + n; i++) {
        int a = i * 7 % 10, b = i * 3 % 9;
        at += (size_t)snprintf(
            text + at, sizeof text - at,
            "{\"id\":%d,\"question\":\"Tom has %d\\n and  gets %d.\",\"answer\":\"%d\","
            "\"steps\":[\"%d+%d=%d\"]}\n",
            i, a, b, a + b, a, b, a + b);
    }
    write_text(f, name, text);
}

static volatile sig_atomic_t stop;

/* Runs the program with words parted by blanks ("@x" is file x of the folder); what it says goes to the file "says". */
static int run(const struct fixture *f, const char *words)
{
    static char text[2048], paths[MOST_WORDS][PATH_BYTES + 8];
    char *word[MOST_WORDS], says[PATH_BYTES];
    int n = 0;
    snprintf(text, sizeof text, "%s", words);
    for (char *w = strtok(text, " "); w && n < MOST_WORDS; w = strtok(NULL, " ")) {
        if (w[0] == '@')
            snprintf(paths[n], sizeof paths[n], "%s/%s", f->folder, w + 1);
        word[n] = w[0] == '@' ? paths[n] : strcmp(w, "BASE") == 0 ? (char *)(uintptr_t)f->base : w;
        n++;
    }
    fflush(stderr);
    int old = dup(2), fd = open(in_folder(f, "says", says), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(old >= 0 && fd >= 0);
    dup2(fd, 2);
    struct tr_settings settings;
    int code = tr_settings_parse(&settings, n, word);
    if (code == 0)
        code = tr_train(&settings, &stop);
    tr_settings_free(&settings);
    fflush(stderr);
    dup2(old, 2);
    close(old);
    close(fd);
    return code;
}

static void check_says(const struct fixture *f, const char *piece)
{
    size_t bytes = 0;
    char *text = read_text(f, "says", &bytes);
    assert_non_null(text);
    if (!strstr(text, piece))
        fail_msg("'%s' is not in: %s", piece, text);
    free(text);
}

static void check_same_file(const struct fixture *f, const char *a, const char *b)
{
    size_t a_bytes = 0, b_bytes = 0;
    char *x = read_text(f, a, &a_bytes), *y = read_text(f, b, &b_bytes);
    assert_non_null(x);
    assert_non_null(y);
    assert_true(a_bytes > 0 && a_bytes == b_bytes);
    /* The names in the files differ in their last letter, and have one length. */
    size_t n = 0;
    for (size_t i = 0; i < a_bytes; i++)
        n += x[i] != y[i];
    assert_true(n <= 1);
    free(x);
    free(y);
}

#define SMALL "--batch 256 --micro 128 --context 64 --threads 2 --quiet "

static double last_loss(const struct fixture *f, const char *csv, int column)
{
    size_t bytes = 0;
    char *text = read_text(f, csv, &bytes);
    assert_non_null(text);
    text[bytes - 1] = '\0';
    char *line = strrchr(text, '\n');
    assert_non_null(line);
    for (int i = 0; i < column; i++)
        line = strchr(line + 1, ',');
    double loss = strtod(line + 1, NULL);
    free(text);
    return loss;
}

static void test_it_learns_and_its_files_load(void **state)
{
    const struct fixture *f = *state;
    write_rows(f, "rows", 0, 40);
    write_rows(f, "held-out", 3, 20);
    assert_int_equal(run(f,
                         "sft --base BASE --data @rows --eval @held-out --out @a.gguf --steps 150 "
                         "--lr 1e-2 --evals 3 --type q8_0 " SMALL),
                     0);
    assert_true(last_loss(f, "a.gguf.csv", 4) < 0.3);
    assert_true(last_loss(f, "a.gguf.csv", 5) < 0.3);
    char path[PATH_BYTES], err[PONDER_ERROR_BYTES] = "";
    struct ponder_options options = {.max_prompt_tokens = 64, .max_tokens = 32, .n_threads = 1};
    struct ponder *p;
    in_folder(f, "a.gguf", path);
    if (ponder_create(path, &options, 0, &p, err, sizeof err) != PONDER_OK)
        fail_msg("%s", err);
    struct ponder_request request = {.temperature = -1, .n_samples = 1, .raw = true};
    struct ponder_answer answer;
    static const char prompt[] = "Tom has 7 and gets 3.\n";
    assert_int_equal(ponder_generate(p, prompt, strlen(prompt), &request, &answer), PONDER_OK);
    assert_string_equal(answer.text, "7+3=10\n#10");
    ponder_free(p);
    size_t bytes = 0;
    char *svg = read_text(f, "a.gguf.svg", &bytes);
    assert_non_null(svg);
    assert_non_null(strstr(svg, "</svg>"));
    free(svg);
}

static void pause_ms(long ms)
{
    struct timespec time = {0, ms * 1000000};
    nanosleep(&time, NULL);
}

/* Kills a run as soon as its log has ten steps. */
static void kill_in_the_middle(const struct fixture *f, const char *words, const char *csv)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run(f, words);
        _exit(0);
    }
    for (int tries = 0; tries < 20000; tries++) {
        size_t bytes = 0;
        char *text = read_text(f, csv, &bytes);
        bool is_there = text && strstr(text, "\n10,");
        free(text);
        if (is_there)
            break;
        pause_ms(1);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void test_a_killed_run_goes_on_to_the_bit(void **state)
{
    const struct fixture *f = *state;
    static const char *const kinds[] = {"--lr 3e-3", "--lora 4 --lr 3e-3"};
    write_rows(f, "rows", 0, 40);
    for (int i = 0; i < 2; i++) {
        char words[512];
        static const char form[] = "sft --base BASE --data @rows:1.5 --out @%s.gguf --steps 60 "
                                   "--checkpoint 0.001s --seed 3 --resume --type f32 %s " SMALL;
        snprintf(words, sizeof words, form, i ? "la" : "fa", kinds[i]);
        assert_int_equal(run(f, words), 0);
        snprintf(words, sizeof words, form, i ? "lb" : "fb", kinds[i]);
        kill_in_the_middle(f, words, i ? "lb.gguf.csv" : "fb.gguf.csv");
        assert_int_equal(run(f, words), 0);
        check_says(f, "going on from step");
        check_same_file(f, i ? "la.gguf" : "fa.gguf", i ? "lb.gguf" : "fb.gguf");
        size_t bytes = 0;
        char *text = read_text(f, i ? "lb.gguf.csv" : "fb.gguf.csv", &bytes);
        int n_lines = 0;
        for (size_t k = 0; k < bytes; k++)
            n_lines += text[k] == '\n';
        free(text);
        assert_int_equal(n_lines, 61);
        assert_int_equal(run(f, words), 0);
        check_says(f, "finished already");
    }
}

static void test_a_signal_stops_at_the_next_step_with_a_checkpoint(void **state)
{
    const struct fixture *f = *state;
    write_rows(f, "rows", 0, 40);
    stop = 15;
    int code = run(f, "sft --base BASE --data @rows --out @t.gguf --steps 5 --resume " SMALL);
    stop = 0;
    assert_int_equal(code, 128 + 15);
    check_says(f, "stopped at step 1; --resume goes on");
    assert_int_equal(run(f, "sft --base BASE --data @rows --out @t.gguf --steps 5 --resume " SMALL),
                     0);
    check_says(f, "going on from step 1");
}

static void test_a_checkpoint_of_another_run_is_refused(void **state)
{
    const struct fixture *f = *state;
    write_rows(f, "rows", 0, 40);
    assert_int_equal(run(f, "sft --base BASE --data @rows --out @c.gguf --steps 2 " SMALL), 0);
    assert_int_equal(
        run(f, "sft --base BASE --data @rows --out @c.gguf --steps 4 --seed 5 --resume " SMALL), 2);
    check_says(f, "seed=0, now seed=5");
    char path[PATH_BYTES];
    in_folder(f, "c.gguf.ckpt", path);
    assert_int_equal(truncate(path, 100000), 0);
    assert_int_equal(run(f, "sft --base BASE --data @rows --out @c.gguf --steps 4 --resume " SMALL),
                     3);
    check_says(f, "is damaged");
}

static void test_an_adapter_is_trained_on_and_its_rank_checked(void **state)
{
    const struct fixture *f = *state;
    write_rows(f, "rows", 0, 40);
    assert_int_equal(
        run(f, "sft --base BASE --data @rows --out @d.gguf --steps 60 --lr 1e-2 --lora 8 " SMALL),
        0);
    double before = last_loss(f, "d.gguf.csv", 4);
    assert_int_equal(run(f,
                         "sft --base BASE --adapter @d.gguf --data @rows --out @e.gguf --steps 3 "
                         "--lr 1e-3 --lora 8 --warmup 0 " SMALL),
                     0);
    assert_true(last_loss(f, "e.gguf.csv", 4) < 1.3 * before);
    assert_int_equal(
        run(f, "sft --base BASE --adapter @d.gguf --data @rows --out @e.gguf --lora 4 " SMALL), 2);
    check_says(f, "the adapter's rank is 8, --lora asks for 4");
    assert_int_equal(
        run(f, "sft --base BASE --adapter BASE --data @rows --out @e.gguf --lora 4 " SMALL), 3);
    check_says(f, "holds no adapter");
    assert_int_equal(run(f, "sft --base @d.gguf --data @rows --out @e.gguf " SMALL), 3);
    check_says(f, "not a whole model");
}

static void test_a_diverging_loss_stops_and_keeps_the_best(void **state)
{
    const struct fixture *f = *state;
    write_rows(f, "rows", 0, 40);
    assert_int_equal(
        run(f, "sft --base BASE --data @rows --eval @rows --out @g.gguf --steps 4000 --evals 4000 "
               "--lr 1 --warmup 2000 --clip 0 " SMALL),
        1);
    check_says(f, "diverged at step");
    size_t bytes = 0;
    char *text = read_text(f, "g.gguf", &bytes);
    assert_non_null(text);
    free(text);
}

static void test_bad_rows_are_named_and_left_out(void **state)
{
    const struct fixture *f = *state;
    write_text(f, "bad",
               "{\"id\":1,\"question\":\"a\",\"answer\":\"2\",\"steps\":[\"1+1=2\"]}\n"
               "\n"
               "{\"id\":2,\n"
               "{\"id\":3,\"question\":\"a\",\"answer\":\"2\"}\n"
               "{\"id\":4,\"answer\":\"2\",\"steps\":[]}\n"
               "{\"id\":5,\"question\":\"b\",\"answer\":2,\"steps\":[\"1+1=2\", 3]}\n");
    assert_int_equal(run(f, "sft --base BASE --data @bad --out @h.gguf --steps 1 " SMALL), 0);
    check_says(f, "/bad:3: ");
    check_says(f, "/bad:4: neither \"steps\" nor \"samples\": left out");
    check_says(f, "/bad:5: there is no text in \"question\": left out");
    check_says(f, "/bad:6: \"steps\" holds something that is no text: left out");
    write_text(f, "none", "\n");
    assert_int_equal(run(f, "sft --base BASE --data @none --out @h.gguf " SMALL), 2);
    check_says(f, "/none: no row to learn from");
    assert_int_equal(run(f, "sft --base BASE --data @missing --out @h.gguf " SMALL), 3);
    check_says(f, "/missing: No such file");
}

static void test_a_full_disk_leaves_the_last_checkpoint(void **state)
{
    const struct fixture *f = *state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    write_rows(f, "rows", 0, 40);
    assert_int_equal(run(f, "sft --base BASE --data @rows --out @i.gguf --steps 2 " SMALL), 0);
    char path[PATH_BYTES], link_path[PATH_BYTES];
    size_t bytes = 0, later = 0;
    char *before = read_text(f, "i.gguf.ckpt", &bytes);
    in_folder(f, "i.gguf.ckpt.tmp", path);
    assert_int_equal(symlink("/dev/full", path), 0);
    in_folder(f, "i.gguf.tmp", link_path);
    assert_int_equal(symlink("/dev/full", link_path), 0);
    assert_int_equal(run(f, "sft --base BASE --data @rows --out @i.gguf --steps 4 --resume " SMALL),
                     3);
    check_says(f, "i.gguf.ckpt: No space left on device; the last checkpoint stays");
    char *after = read_text(f, "i.gguf.ckpt", &later);
    assert_true(bytes == later && memcmp(before, after, bytes) == 0);
    free(before);
    free(after);
}

/* Rollouts: two samples of each sum, one of them wrong by one. */
static void write_rollouts(const struct fixture *f, const char *name, int n)
{
    char text[32768];
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        int a = i * 7 % 10, b = i * 3 % 9, c = a + b;
        at += (size_t)snprintf(
            text + at, sizeof text - at,
            "{\"id\":%d,\"question\":\"%d and %d.\",\"answer\":\"%d\",\"pass\":%s,\"samples\":["
            "{\"text\":\"%d+%d=%d\\n#%d\",\"right\":true,\"labels\":[1,1]},"
            "{\"text\":\"%d*%d=%d\\n#%d\",\"right\":false,\"labels\":[0.1,0]}]}\n",
            i, a, b, c, a > 4 ? "0.1" : "0.9", a, b, c, c, a, b, a * b, a * b);
    }
    write_text(f, name, text);
}

/* Opens a file of the folder and looks for a key in it. */
static void check_key(const struct fixture *f, const char *name, const char *key, bool is_there)
{
    size_t bytes = 0, n = strlen(key);
    char *text = read_text(f, name, &bytes);
    assert_non_null(text);
    bool found = false;
    for (size_t i = 8; !found && i + n + 4 <= bytes;
         i++) /* its length stands before it, its type behind */
        found = (unsigned char)text[i - 8] == n && memcmp(text + i, key, n) == 0;
    free(text);
    if (found != is_there)
        fail_msg("%s in %s: %s", key, name, found ? "found" : "not found");
}

static void test_heads_learn_and_go_into_the_file(void **state)
{
    const struct fixture *f = *state;
    write_rollouts(f, "rollouts", 40);
    assert_int_equal(run(f,
                         "verify --base BASE --data @rollouts --out @v.gguf --steps 150 --lr 1e-2 "
                         "--language 0.2 " SMALL),
                     0);
    assert_true(last_loss(f, "v.gguf.csv", 4) < 0.4);
    check_key(f, "v.gguf", "ponder.head.value", true);
    check_key(f, "v.gguf", "ponder.head.value.bias", true);
    check_key(f, "v.gguf", "ponder.head.difficulty", false);
    check_key(f, "v.gguf", "ponder.prompt", false); /* it was not trained to write */

    assert_int_equal(
        run(f, "difficulty --base @v.gguf --data @rollouts --out @w.gguf --steps 100 --lr 3e-2 "
               "--head-only " SMALL),
        0);
    check_key(f, "w.gguf", "ponder.head.value", true); /* goes on */
    check_key(f, "w.gguf", "ponder.head.difficulty", true);
    assert_true(last_loss(f, "w.gguf.csv", 4) < 0.3);
}

static void test_heads_go_beside_an_adapter(void **state)
{
    const struct fixture *f = *state;
    write_rollouts(f, "rollouts", 40);
    assert_int_equal(
        run(f, "sft --base BASE --data @rollouts --out @l.gguf --lora 4 --steps 20 " SMALL), 0);
    check_key(f, "l.gguf", "ponder.prompt", true);
    assert_int_equal(
        run(f, "verify --base BASE --adapter @l.gguf --data @rollouts --out @lv.gguf --head-only "
               "--steps 30 --lr 1e-2 " SMALL),
        0);
    assert_int_equal(
        run(f,
            "difficulty --base BASE --adapter @lv.gguf --data @rollouts --out @lw.gguf --head-only "
            "--steps 30 --lr 1e-2 " SMALL),
        0);
    static const char *const keys[] = {"ponder.prompt", "ponder.head.value",
                                       "ponder.head.difficulty", "adapter.lora.alpha",
                                       "blk.0.attn_q.weight.lora_a"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        check_key(f, "lw.gguf", keys[i], true);
    check_key(f, "lw.gguf", "blk.0.attn_q.weight", false);
    assert_int_equal(
        run(f, "verify --base BASE --adapter @lw.gguf --data @rollouts --out @lx.gguf --lora 4 "
               "--merge --steps 2 " SMALL),
        0);
    check_key(f, "lx.gguf", "blk.0.attn_q.weight", true);
    check_key(f, "lx.gguf", "ponder.head.difficulty", false); /* of another trunk now */
}

static void test_a_reviser_and_a_student_learn(void **state)
{
    const struct fixture *f = *state;
    write_rollouts(f, "rollouts", 40);
    assert_int_equal(
        run(f, "revise --base BASE --data @rollouts --out @r.gguf --steps 150 --lr 1e-2 " SMALL),
        0);
    assert_true(last_loss(f, "r.gguf.csv", 4) < 0.5);
    check_key(f, "r.gguf", "ponder.revision", true);
    assert_int_equal(
        run(f, "distill --base BASE --teacher @r.gguf --data @rollouts --out @s.gguf --steps 100 "
               "--lr 1e-2 --batch 128 " SMALL),
        0);
    assert_true(last_loss(f, "s.gguf.csv", 4) < 0.5);
}

static void test_usage_errors_are_one_clear_line(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        const char *words, *says;
        int code;
    } cases[] = {
        {"sft", "--base FILE or --new SPEC is needed", 2},
        {"sft --base BASE --out @x", "--data FILE is needed", 2},
        {"sft --base BASE --data @rows --out @x --lr fast",
         "--lr wants a number from 1e-07 to 1, not 'fast'", 2},
        {"sft --base BASE --data @rows --out @x --time 2", "a time such as 90s", 2},
        {"sft --bas BASE", "unknown option '--bas'", 2},
        {"paint", "'paint' is no objective", 2},
        {"sft --new layers=2,embd=30,heads=4,ff=64,vocab=x --data @rows --out @x",
         "x: no such file", 3},
        {"sft --base @nothing --data @rows --out @x", "nothing: no such file", 3},
        {"sft --base BASE --data @rows --out @x --lora 4 --lora-on q,z", "'z' is none of", 2},
        {"sft --base BASE --data @rows --out /nowhere/x", "/nowhere/x.csv.tmp: No such file", 3},
    };
    write_rows(f, "rows", 0, 40);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run(f, cases[i].words), cases[i].code);
        check_says(f, cases[i].says);
        size_t bytes = 0;
        char *text = read_text(f, "says", &bytes);
        assert_true(bytes > 0 && strchr(text, '\n') == text + bytes - 1);
        free(text);
    }
}

static void test_a_new_model_takes_the_vocabulary_of_a_file(void **state)
{
    const struct fixture *f = *state;
    char words[1024];
    write_rows(f, "rows", 0, 40);
    snprintf(words, sizeof words,
             "sft --new layers=2,embd=64,heads=4,kv=2,ff=96,vocab=%s --data @rows --out @n.gguf "
             "--steps 120 "
             "--lr 1e-2 " SMALL,
             f->base);
    assert_int_equal(run(f, words), 0);
    assert_true(last_loss(f, "n.gguf.csv", 4) < 1);
    assert_int_equal(
        run(f, "sft --base @n.gguf --data @rows --out @o.gguf --steps 2 --warmup 0 " SMALL), 0);
    assert_true(last_loss(f, "o.gguf.csv", 4) < 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_learns_and_its_files_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_new_model_takes_the_vocabulary_of_a_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_run_goes_on_to_the_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_signal_stops_at_the_next_step_with_a_checkpoint,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_checkpoint_of_another_run_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_adapter_is_trained_on_and_its_rank_checked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_diverging_loss_stops_and_keeps_the_best, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_bad_rows_are_named_and_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_last_checkpoint, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_heads_learn_and_go_into_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heads_go_beside_an_adapter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reviser_and_a_student_learn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_usage_errors_are_one_clear_line, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
