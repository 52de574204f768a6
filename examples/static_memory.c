/* SPDX-License-Identifier: Apache-2.0
 * static_memory.c - no heap: the engine lives in a block that the linker laid out, and says beforehand how
 * much of it it takes: static_memory MODEL.gguf QUESTION */
#include <stdio.h>
#include <string.h>

#include "ponder.h"

enum { BLOCK_BYTES = 160 << 20 };

static _Alignas(64) unsigned char block[BLOCK_BYTES];

int main(int argc, char **argv)
{
    char err[PONDER_ERROR_BYTES] = "";
    struct ponder *p;
    struct ponder_options options;
    struct ponder_plan plan;
    struct ponder_request request;
    struct ponder_answer answer;
    if (argc != 3) {
        fprintf(stderr, "usage: static_memory MODEL.gguf QUESTION\n");
        return 2;
    }
    ponder_options_default(&options);
    options.n_lanes = 4;
    options.max_tokens = 128;
    enum ponder_status status = ponder_measure(argv[1], &options, &plan, err, sizeof err);
    if (status == PONDER_OK) {
        for (int i = 0; i < plan.n_sections; i++)
            printf("%-12s %10zu bytes\n", plan.sections[i].name, plan.sections[i].bytes);
        printf("%-12s %10zu of %d bytes\n", "total", plan.total_bytes, BLOCK_BYTES);
        status = ponder_init(block, sizeof block, argv[1], &options, &p, err, sizeof err);
    }
    if (status != PONDER_OK) {
        fprintf(stderr, "static_memory: %s\n", err);
        return ponder_status_exit_code(status);
    }
    ponder_request_default(&request);
    request.budget_ms = 1000;
    status = ponder_solve(p, argv[2], strlen(argv[2]), &request, &answer);
    printf("%s\n", status == PONDER_OK ? answer.answer : ponder_status_text(status));
    ponder_free(p); /* stops the threads; the block is ours */
    return ponder_status_exit_code(status);
}
