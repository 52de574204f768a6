/* SPDX-License-Identifier: Apache-2.0
 * chat.c - see chat.h. */
#include <string.h>

#include "model/chat.h"

static const struct pd_chat chats[] = {
    {
        .name = "chatml",
        .sign = "<|im_start|>",
        .marker = {"<|im_start|>", "<|im_end|>"},
        .system_open = "<|im_start|>system\n",
        .system_close = "<|im_end|>\n",
        .user_open = "<|im_start|>user\n",
        .user_close = "<|im_end|>\n",
        .assistant_open = "<|im_start|>assistant\n",
    },
    {
        .name = "llama3",
        .sign = "<|start_header_id|>",
        .marker = {"<|start_header_id|>", "<|eot_id|>"},
        .system_open = "<|start_header_id|>system<|end_header_id|>\n\n",
        .system_close = "<|eot_id|>",
        .user_open = "<|start_header_id|>user<|end_header_id|>\n\n",
        .user_close = "<|eot_id|>",
        .assistant_open = "<|start_header_id|>assistant<|end_header_id|>\n\n",
    },
    {
        .name = "gemma",
        .sign = "<start_of_turn>",
        .marker = {"<start_of_turn>", "<end_of_turn>"},
        .system_close = "\n\n",
        .user_open = "<start_of_turn>user\n",
        .user_close = "<end_of_turn>\n",
        .assistant_open = "<start_of_turn>model\n",
    },
    {
        /* As of v0.3, where "[INST]" is a special token; in v0.1 it is plain text. Llama 2
         * shares it. */
        .name = "mistral",
        .sign = "[INST]",
        .not_sign = "<<SYS>>",
        .system_close = "\n\n",
        .user_open = "[INST] ",
        .user_close = "[/INST]",
        .assistant_open = "",
    },
    {
        .name = "plain",
        .system_close = "\n\n",
        .user_open = "",
        .user_close = "",
        .assistant_open = "",
    },
};

const char *pd_chat_list(void)
{
    return "chatml, llama3, gemma, mistral, plain";
}

const struct pd_chat *pd_chat_find(const char *name)
{
    for (size_t i = 0; i < PD_COUNT(chats); i++)
        if (strcmp(name, chats[i].name) == 0)
            return &chats[i];
    return NULL;
}

static bool contains(struct pd_string text, const char *part)
{
    size_t bytes = strlen(part);
    for (size_t i = 0; i + bytes <= text.bytes; i++)
        if (memcmp(text.data + i, part, bytes) == 0)
            return true;
    return false;
}

enum ponder_status pd_chat_detect(const struct pd_gguf *gguf, const struct pd_chat **chat_ret,
                                  const struct pd_error *err)
{
    struct pd_string text = {0};
    PD_TRY(pd_gguf_get_string(gguf, "tokenizer.chat_template", false, &text, err));
    if (text.bytes == 0) {
        *chat_ret = pd_chat_find("plain");
        return PONDER_OK;
    }
    for (size_t i = 0; i < PD_COUNT(chats); i++) {
        if (chats[i].sign == NULL || !contains(text, chats[i].sign))
            continue;
        if (chats[i].not_sign != NULL && contains(text, chats[i].not_sign))
            continue;
        *chat_ret = &chats[i];
        return PONDER_OK;
    }
    return pd_fail(err, PONDER_UNSUPPORTED,
                   "the model's chat template is not known; choose one with --chat: %s",
                   pd_chat_list());
}

bool pd_chat_fits(const struct pd_chat *chat, const struct pd_tokenizer *t)
{
    for (size_t i = 0; i < PD_COUNT(chat->marker); i++)
        if (chat->marker[i] != NULL && pd_tokenizer_special(t, chat->marker[i]) < 0)
            return false;
    return true;
}

struct writer {
    char *text;
    size_t capacity;
    size_t n; /* what would be written if it fitted */
};

static void append(struct writer *w, const char *text)
{
    size_t bytes = text == NULL ? 0 : strlen(text);
    if (bytes > 0 && w->n < w->capacity)
        memcpy(w->text + w->n, text, pd_min_size(bytes, w->capacity - w->n));
    w->n += bytes;
}

size_t pd_chat_before(const struct pd_chat *chat, const char *system_text, char *text_ret,
                      size_t capacity)
{
    struct writer w = {text_ret, capacity, 0};
    bool has_system = system_text != NULL && system_text[0] != '\0';
    bool has_turn = chat->system_open != NULL;
    if (!has_turn)
        append(&w, chat->user_open);
    if (has_system) {
        append(&w, chat->system_open);
        append(&w, system_text);
        append(&w, chat->system_close);
    }
    if (has_turn)
        append(&w, chat->user_open);
    return w.n;
}

size_t pd_chat_after(const struct pd_chat *chat, char *text_ret, size_t capacity)
{
    struct writer w = {text_ret, capacity, 0};
    append(&w, chat->user_close);
    append(&w, chat->assistant_open);
    return w.n;
}
