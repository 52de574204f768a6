/* SPDX-License-Identifier: Apache-2.0
 * fuzz_sidecar.c - libFuzzer target: any bytes as the header of a sidecar. See README.md. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "decode/sidecar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SUM_AT = 88 }; /* of the header's own sum */

static void try_bytes(const unsigned char *bytes, size_t size)
{
    char text[PONDER_ERROR_BYTES] = "";
    const struct pd_error err = {text, sizeof text};
    struct pd_sidecar_header header;
    unsigned char again[PD_SIDECAR_HEADER_BYTES];
    enum ponder_status status = pd_sidecar_read(&header, bytes, size, &err);
    if (status == PONDER_OK) { /* what was read is all that it says */
        pd_sidecar_write(&header, again);
        if (size < sizeof again || memcmp(again, bytes, sizeof again) != 0)
            abort();
        return;
    }
    if (status != PONDER_BAD_SIDECAR || text[0] == '\0')
        abort();
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char whole[PD_SIDECAR_HEADER_BYTES + 256] = {0};
    try_bytes(data, size);
    /* The same behind a right beginning and before a right sum, which no fuzzer guesses. */
    pd_sidecar_write(&(struct pd_sidecar_header){.panel_rows = 16}, whole);
    memcpy(whole + 12, data, size < SUM_AT - 12 ? size : SUM_AT - 12);
    uint64_t sum = pd_checksum_part(whole, SUM_AT, 0);
    for (int i = 0; i < 8; i++)
        whole[SUM_AT + i] = (unsigned char)(sum >> 8 * i);
    try_bytes(whole, PD_SIDECAR_HEADER_BYTES + (size > 0 ? data[size - 1] : 0));
    return 0;
}
