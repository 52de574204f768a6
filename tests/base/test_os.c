/* SPDX-License-Identifier: Apache-2.0
 * test_os.c - giving back pages of a mapped file: it reads the same again, and nothing beside it is touched. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os.h"

enum { BYTES = 300 * 1000 };

static void test_pages_given_back_read_the_same(void **state)
{
    (void)state;
    char path[] = "/tmp/ponder-os-XXXXXX";
    static unsigned char bytes[BYTES];
    struct pd_map map;
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(i * 31 % 251);
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, bytes, BYTES) == BYTES);
    close(fd);
    assert_int_equal(pd_map_open(&map, path, NULL), PONDER_OK);
    static const size_t begin[] = {0, 1, 70000, 65536, BYTES - 1, BYTES};
    for (size_t i = 0; i < PD_COUNT(begin); i++) {
        assert_memory_equal(map.data, bytes, BYTES);
        pd_map_release(&map, map.data + begin[i], (BYTES - begin[i]) / 2);
        pd_map_release(&map, map.data + begin[i], BYTES - begin[i]);
    }
    assert_memory_equal(map.data, bytes, BYTES);
    pd_map_close(&map);
    unlink(path);
}

/* Memory without a file would be zeros once given back. */
static void test_pages_beside_the_mapping_stay(void **state)
{
    (void)state;
    enum { PAGES = 64 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = PAGES * page;
    unsigned char *all =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(all != MAP_FAILED);
    for (size_t first = 1; first < 40; first++) {
        struct pd_map map = {.data = all + first * page, .bytes = 3 * page + 5};
        memset(all, 1, bytes);
        pd_map_release(&map, map.data + 2 * page, page + 5);
        pd_map_release(&map, map.data, 5);
        for (size_t i = 0; i < PAGES; i++)
            if (i < first || i > first + 3)
                assert_int_equal(all[i * page + page - 1], 1);
    }
    munmap(all, bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_given_back_read_the_same),
        cmocka_unit_test(test_pages_beside_the_mapping_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
