/* SPDX-License-Identifier: Apache-2.0
 * fuzz_table.c - libFuzzer target: any bytes as a table of plans. What is read must be safe to plan by. See README.md. */
#include <math.h>
#include <stdlib.h>

#include "search/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pd_table table;
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    enum ponder_status status = pd_table_read(&table, (const char *)data, size, &err);
    if (status != PONDER_OK && (table.n_plans != 0 || text[0] == '\0'))
        abort();
    const struct pd_cost guess = {.row_ns = 1e5};
    const struct pd_cost *cost = table.cost.n_points > 0 ? &table.cost : &guess;
    for (int i = 0; i < table.n_plans; i++) {
        int bin = pd_table_bin(&table, i / 8.0);
        if (bin < 0 || bin >= table.n_bins ||
            !isfinite(pd_table_plan_ns(&table, cost, bin, i, 100.0)))
            abort();
    }
    return 0;
}
