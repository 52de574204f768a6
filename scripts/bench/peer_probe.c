/* SPDX-License-Identifier: Apache-2.0
 * peer_probe.c - what llama.cpp's own tools do not time, through its C interface (libllama):
 *
 *     peer_probe score MODEL TOKENS THREADS on|off     log-probabilities of TOKENS given tokens
 *     peer_probe start MODEL TOKENS THREADS on|off     from the file to the first token behind TOKENS
 *
 * The last word is flash attention. One JSON object on standard output. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "llama.h"

enum { MAX_THREADS = 256 };

static double clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

static void fail(const char *what)
{
    fprintf(stderr, "peer_probe: %s\n", what);
    exit(1);
}

/* The tokens that ponder bench takes too. */
static llama_token token_of(int position, int n_vocab)
{
    return (llama_token)((position * 37 + 11) % n_vocab);
}

struct peer {
    struct llama_model *model;
    struct llama_context *context;
    struct llama_batch batch;
    int n_vocab, n_tokens, n_threads;
};

static void open_peer(struct peer *peer, const char *path, bool is_flash, bool wants_all)
{
    struct llama_model_params how = llama_model_default_params();
    struct llama_context_params context = llama_context_default_params();
    llama_log_set(quiet, NULL);
    llama_backend_init();
    peer->model = llama_model_load_from_file(path, how);
    if (!peer->model)
        fail("cannot load the model");
    context.n_ctx = (uint32_t)peer->n_tokens + 64;
    context.n_batch = 512;
    context.n_ubatch = 512;
    context.n_threads = peer->n_threads;
    context.n_threads_batch = peer->n_threads;
    context.flash_attn_type =
        is_flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    peer->context = llama_init_from_model(peer->model, context);
    if (!peer->context)
        fail("cannot make a context");
    peer->n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(peer->model));
    peer->batch = llama_batch_init(peer->n_tokens, 0, 1);
    peer->batch.n_tokens = peer->n_tokens;
    for (int i = 0; i < peer->n_tokens; i++) {
        peer->batch.token[i] = token_of(i, peer->n_vocab);
        peer->batch.pos[i] = i;
        peer->batch.n_seq_id[i] = 1;
        peer->batch.seq_id[i][0] = 0;
        peer->batch.logits[i] = wants_all || i == peer->n_tokens - 1;
    }
}

static void decode(struct peer *peer)
{
    llama_memory_clear(llama_get_memory(peer->context), false);
    if (llama_decode(peer->context, peer->batch) != 0)
        fail("llama_decode failed");
    llama_synchronize(peer->context);
}

/* Rows thread, thread + n_threads, ... of the logits. */
struct share {
    const struct peer *peer;
    int thread;
    double sum;
    pthread_t id;
};

/* log softmax of the token that follows; single precision and a vectorised exp, which is the fast way. */
static void *score_rows(void *user)
{
    struct share *share = user;
    const struct peer *peer = share->peer;
    for (int i = share->thread; i < peer->n_tokens; i += peer->n_threads) {
        const float *logits = llama_get_logits_ith(peer->context, i);
        float max = logits[0];
        float sum = 0;
        for (int j = 1; j < peer->n_vocab; j++)
            max = logits[j] > max ? logits[j] : max;
        for (int j = 0; j < peer->n_vocab; j++)
            sum += expf(logits[j] - max);
        share->sum += logits[token_of(i + 1, peer->n_vocab)] - max - logf(sum);
    }
    return NULL;
}

static double score(struct peer *peer)
{
    struct share shares[MAX_THREADS];
    double sum = 0;
    decode(peer);
    for (int i = 0; i < peer->n_threads; i++) {
        shares[i] = (struct share){.peer = peer, .thread = i};
        if (i > 0 && pthread_create(&shares[i].id, NULL, score_rows, &shares[i]) != 0)
            fail("cannot start a thread");
    }
    score_rows(&shares[0]);
    for (int i = 0; i < peer->n_threads; i++) {
        if (i > 0)
            pthread_join(shares[i].id, NULL);
        sum += shares[i].sum;
    }
    return sum;
}

static void run_score(struct peer *peer)
{
    score(peer); /* makes its buffers */
    double begin = clock_ms();
    double sum = score(peer);
    double ms = clock_ms() - begin;
    printf("{\"score_tps\":%.3f,\"mean_logprob\":%.6f}\n", peer->n_tokens * 1000.0 / ms,
           sum / peer->n_tokens);
}

static void run_start(struct peer *peer, double begin)
{
    double loaded = clock_ms();
    decode(peer);
    const float *logits = llama_get_logits_ith(peer->context, peer->n_tokens - 1);
    int best = 0;
    for (int i = 1; i < peer->n_vocab; i++)
        best = logits[i] > logits[best] ? i : best;
    printf("{\"load_ms\":%.3f,\"file_to_token_ms\":%.3f,\"token\":%d}\n", loaded - begin,
           clock_ms() - begin, best);
}

int main(int argc, char **argv)
{
    double begin = clock_ms();
    if (argc != 6)
        fail("usage: peer_probe score|start MODEL TOKENS THREADS on|off");
    bool is_score = strcmp(argv[1], "score") == 0;
    struct peer peer = {.n_tokens = atoi(argv[3]), .n_threads = atoi(argv[4])};
    if (peer.n_tokens < 1 || peer.n_tokens > 512 || peer.n_threads < 1 ||
        peer.n_threads > MAX_THREADS)
        fail("tokens from 1 to 512, threads from 1 to 256");
    open_peer(&peer, argv[2], strcmp(argv[5], "on") == 0, is_score);
    if (is_score)
        run_score(&peer);
    else
        run_start(&peer, begin);
    llama_batch_free(peer.batch);
    llama_free(peer.context);
    llama_model_free(peer.model);
    llama_backend_free();
    return 0;
}
