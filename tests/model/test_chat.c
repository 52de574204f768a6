/* SPDX-License-Identifier: Apache-2.0
 * test_chat.c - templates are recognised by their signs, and put text around a question as they
 * should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/chat.h"
#include "tests/support/little_vocab.h"

/* Parts of templates as model files have them. */
static const char chatml[] =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
    "}}{% endif %}";
static const char llama3[] =
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{{ content }}{% endfor %}";
static const char gemma[] =
    "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + role + '\n' + "
    "message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}";
static const char mistral[] =
    "{{ bos_token }}{% for message in messages %}{{ '[INST] ' + message['content'] + '[/INST]' }}"
    "{% endfor %}";
static const char llama2[] =
    "{{ '[INST] ' + '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + content + ' [/INST]' }}";
static const char zephyr[] = "{{ '<|user|>\n' + message['content'] + eos_token }}";

/* Detects in a file with this template; NULL: without one. */
static enum ponder_status detect(const char *template, const struct pd_chat **chat_ret,
                                 char text_ret[PONDER_ERROR_BYTES])
{
    const struct pd_error err = {text_ret, PONDER_ERROR_BYTES};
    struct gguf_builder *b = gguf_new(3, 32);
    struct pd_gguf gguf;
    struct pd_arena arena;
    size_t n_bytes;
    size_t scratch_bytes;
    gguf_add_string(b, "general.architecture", "llama");
    if (template != NULL)
        gguf_add_string(b, "tokenizer.chat_template", template);
    unsigned char *bytes = gguf_finish(b, &n_bytes);
    assert_int_equal(pd_gguf_scratch_bytes(bytes, n_bytes, &scratch_bytes, &err), PONDER_OK);
    void *scratch = malloc(scratch_bytes);
    pd_arena_init(&arena, scratch, scratch_bytes);
    assert_int_equal(pd_gguf_open(&gguf, bytes, n_bytes, &arena, &err), PONDER_OK);
    enum ponder_status status = pd_chat_detect(&gguf, chat_ret, &err);
    free(scratch);
    free(bytes);
    gguf_free(b);
    return status;
}

static void test_templates_are_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *template, *name;
    } cases[] = {{chatml, "chatml"},   {llama3, "llama3"}, {gemma, "gemma"},
                 {mistral, "mistral"}, {NULL, "plain"},    {"", "plain"}};
    for (size_t i = 0; i < PD_COUNT(cases); i++) {
        const struct pd_chat *chat = NULL;
        char text[PONDER_ERROR_BYTES] = "";
        assert_int_equal(detect(cases[i].template, &chat, text), PONDER_OK);
        assert_string_equal(chat->name, cases[i].name);
    }
}

static void test_an_unknown_template_names_the_option(void **state)
{
    (void)state;
    static const char *const unknown[] = {llama2, zephyr, "x"};
    for (size_t i = 0; i < PD_COUNT(unknown); i++) {
        const struct pd_chat *chat = NULL;
        char text[PONDER_ERROR_BYTES] = "";
        assert_int_equal(detect(unknown[i], &chat, text), PONDER_UNSUPPORTED);
        assert_null(chat);
        assert_non_null(strstr(text, "--chat"));
        assert_non_null(strstr(text, pd_chat_list()));
        assert_null(strchr(text, '\n'));
    }
}

static void test_every_listed_name_is_found(void **state)
{
    (void)state;
    const char *at = pd_chat_list();
    int n = 0;
    for (;;) {
        char name[32] = "";
        size_t bytes = strcspn(at, ",");
        memcpy(name, at, bytes);
        assert_non_null(pd_chat_find(name));
        assert_string_equal(pd_chat_find(name)->name, name);
        n++;
        if (at[bytes] == '\0')
            break;
        at += bytes + 2;
    }
    assert_int_equal(n, 5);
    assert_null(pd_chat_find("chat"));
    assert_null(pd_chat_find(""));
}

static void assert_prompt(const char *name, const char *system, const char *wanted)
{
    char text[512];
    const struct pd_chat *chat = pd_chat_find(name);
    size_t n = pd_chat_before(chat, system, text, sizeof text);
    text[n++] = 'Q';
    n += pd_chat_after(chat, text + n, sizeof text - n);
    text[n] = '\0';
    assert_string_equal(text, wanted);
}

static void test_prompts_are_as_the_templates_write_them(void **state)
{
    (void)state;
    assert_prompt("chatml", "S",
                  "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n"
                  "<|im_start|>assistant\n");
    assert_prompt("chatml", NULL, "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n");
    assert_prompt("llama3", "S",
                  "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
                  "<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|>"
                  "<|start_header_id|>assistant<|end_header_id|>\n\n");
    assert_prompt("llama3", "",
                  "<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|>"
                  "<|start_header_id|>assistant<|end_header_id|>\n\n");
    assert_prompt("gemma", "S", "<start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\n");
    assert_prompt("gemma", NULL, "<start_of_turn>user\nQ<end_of_turn>\n<start_of_turn>model\n");
    assert_prompt("mistral", "S", "[INST] S\n\nQ[/INST]");
    assert_prompt("mistral", NULL, "[INST] Q[/INST]");
    assert_prompt("plain", "S", "S\n\nQ");
    assert_prompt("plain", NULL, "Q");
}

static void test_a_short_buffer_is_filled_and_the_length_said(void **state)
{
    (void)state;
    char text[12] = "############";
    const struct pd_chat *chat = pd_chat_find("gemma");
    assert_int_equal(pd_chat_before(chat, "S", text, 5), strlen("<start_of_turn>user\nS\n\n"));
    assert_memory_equal(text, "<star#######", 12);
    assert_int_equal(pd_chat_before(chat, NULL, NULL, 0), strlen("<start_of_turn>user\n"));
    assert_int_equal(pd_chat_after(chat, text, 0), strlen("<end_of_turn>\n<start_of_turn>model\n"));
    assert_memory_equal(text, "<star#######", 12);
}

static bool fits(const char *chat, const char *const *control, size_t n_control)
{
    struct opened_vocab o;
    struct little_vocab v = {0};
    little_add_byte_tokens(&v);
    for (size_t i = 0; i < n_control; i++)
        little_add(&v, control[i], CONTROL, 0);
    little_open(&o, &v, "llama", NULL);
    bool result = pd_chat_fits(pd_chat_find(chat), o.t);
    vocab_close(&o);
    return result;
}

static void test_a_template_fits_a_vocabulary_with_its_tokens(void **state)
{
    (void)state;
    static const char *const of_chatml[] = {"<|im_start|>", "<|im_end|>"};
    static const char *const of_gemma[] = {"<start_of_turn>", "<end_of_turn>"};
    assert_true(fits("chatml", of_chatml, 2));
    assert_false(fits("chatml", of_chatml, 1));
    assert_false(fits("llama3", of_chatml, 2));
    assert_false(fits("gemma", of_chatml, 2));
    assert_true(fits("gemma", of_gemma, 2));
    assert_true(fits("plain", of_gemma, 0));
    assert_true(fits("mistral", of_gemma, 0));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates_are_recognised),
        cmocka_unit_test(test_an_unknown_template_names_the_option),
        cmocka_unit_test(test_every_listed_name_is_found),
        cmocka_unit_test(test_prompts_are_as_the_templates_write_them),
        cmocka_unit_test(test_a_short_buffer_is_filled_and_the_length_said),
        cmocka_unit_test(test_a_template_fits_a_vocabulary_with_its_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
