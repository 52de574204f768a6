/* SPDX-License-Identifier: Apache-2.0
 * main.c - the `ponder-train` program. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>

#include "memory.h"
#include "trainer.h"

static volatile sig_atomic_t caught_signal;

static void on_signal(int number)
{
    caught_signal = number;
}

/* The first one ends the run at its next step; the second does its usual work. */
static void catch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++) {
        struct sigaction inherited;
        if (sigaction(signals[i], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

int main(int argc, char **argv)
{
    struct tr_settings settings;
    int code = tr_settings_parse(&settings, argc > 0 ? argc - 1 : 0, argv + 1);
    if (code == TR_EXIT_OK) {
        catch_signals();
        code = settings.is_bench ? tr_bench(&settings) : tr_train(&settings, &caught_signal);
    } else if (code < 0) {
        code = fflush(stdout) == 0 ? TR_EXIT_OK : TR_EXIT_FILE;
    }
    tr_settings_free(&settings);
    return code;
}
