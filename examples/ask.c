/* SPDX-License-Identifier: Apache-2.0
 * ask.c - one question, half a second, one answer: ask MODEL.gguf QUESTION */
#include <stdio.h>
#include <string.h>

#include "ponder.h"

int main(int argc, char **argv)
{
    char err[PONDER_ERROR_BYTES];
    struct ponder *p;
    struct ponder_request request;
    struct ponder_answer answer;
    if (argc != 3) {
        fprintf(stderr, "usage: ask MODEL.gguf QUESTION\n");
        return 2;
    }
    if (ponder_create(argv[1], NULL, 0, &p, err, sizeof err) != PONDER_OK) {
        fprintf(stderr, "ask: %s\n", err);
        return 1;
    }
    ponder_request_default(&request);
    request.budget_ms = 500;
    enum ponder_status status = ponder_solve(p, argv[2], strlen(argv[2]), &request, &answer);
    if (status == PONDER_OK)
        printf("%s (%.0f%% sure, %.0f ms)\n", answer.answer, answer.confidence * 100,
               answer.ms_total);
    else
        fprintf(stderr, "ask: %s\n", ponder_status_text(status));
    ponder_free(p);
    return ponder_status_exit_code(status);
}
