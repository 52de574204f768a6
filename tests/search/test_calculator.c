/* SPDX-License-Identifier: Apache-2.0
 * test_calculator.c - what the calculator writes behind an equals sign, and where it keeps silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/json.h"
#include "search/calculator.h"
#include "search/verify_arithmetic.h"

struct entry {
    const char *text, *result; /* NULL: it keeps silent */
};

static const struct entry entries[] = {
    {"48/2=", "24"},
    {"48/2=24\n48+24=", "72"},
    {"3*4+2=", "14"},
    {"2+3*4=", "14"},
    {"(2+3)*4=", "20"},
    {"5-8=", "-3"},
    {"-5+3=", "-2"},
    {"10/3=", "3.33"},
    {"1/8=", "0.125"},
    {"0.2*50=", "10"},
    {"1.50*2=", "3"},
    {"2/3*3=", "2"}, /* exact on the way */
    {"12 + 3 =", " 15"},
    {"12 + 3=", "15"},
    {"She has 12 + 3 =", " 15"},
    {"$5 x 3 =", " 15"},
    {"12 apples + 3 apples =", " 15"},
    {"1,000+2,000=", "3000"},
    {"20% of 50 =", " 10"},
    {"She sold 48/2 = <<48/2=", "24"},
    {"<<1+1=2>>2 and <<2+2=", "4"},
    {"5 + 3 = 8, 8 * 2 =", " 16"},
    {"2+2=4=", NULL}, /* no operation */
    {"48=", NULL},
    {"=", NULL},
    {"", NULL},
    {"48/2", NULL},
    {"48/2=2", NULL},
    {"48/2= ", NULL},
    {"48/2\n=", NULL},
    {"x+2=", NULL},
    {"x = 2y + 3 =", NULL},
    {"5/0=", NULL},
    {"999999999999*999999999999=", NULL},
    {"1/90000000000=", NULL},
    {"48/=", NULL},
    {"/2=", NULL},
    {"7:30 + 1=", NULL},
    {"3 dozen + 2 =", NULL},
    {"half of 6 + 4 =", NULL},
    {"2+2!=", NULL},
    {"2+2<=", NULL},
    {"2+2==", NULL},
};

static void test_results_and_silence(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(entries); i++) {
        const struct entry *e = &entries[i];
        char result[PD_CALCULATOR_BYTES];
        /* On the heap and without a NUL, so that a sanitizer sees a byte read too many. */
        size_t bytes = strlen(e->text);
        char *text = malloc(bytes + 1);
        assert_non_null(text);
        char *exact = realloc(memcpy(text, e->text, bytes), bytes > 0 ? bytes : 1);
        size_t n = pd_calculator_result(exact, bytes, result);
        free(exact);
        if ((n > 0) != (e->result != NULL) || (n > 0 && strcmp(result, e->result) != 0))
            fail_msg("behind '%s' comes '%s', not '%s'", e->text, n > 0 ? result : "(nothing)",
                     e->result ? e->result : "(nothing)");
        if (n > 0)
            assert_int_equal(n, strlen(result));
    }
}

/* What the calculator writes, the checker believes. */
static void test_the_checker_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < PD_COUNT(entries); i++) {
        char text[256];
        if (!entries[i].result)
            continue;
        int n = snprintf(text, sizeof text, "%s%s", entries[i].text, entries[i].result);
        assert_int_equal(pd_arithmetic_check(text, (size_t)n), PD_ARITHMETIC_TRUE);
    }
}

/* In the annotations of gsm8k_train, every "expression=" has one right continuation: the one that stands there. */
static void test_annotations_of_people_are_completed_as_they_are(void **state)
{
    (void)state;
    static char row[1 << 16];
    static char text[1 << 16];
    char path[512];
    const char *folder = getenv("PONDER_DATA");
    snprintf(path, sizeof path, "%s/gsm8k_train.jsonl", folder ? folder : "../shared/data");
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("no %s\n", path);
        skip();
    }
    int n_all = 0, n_silent = 0, n_same = 0;
    while (fgets(row, sizeof row, file)) {
        size_t bytes = pd_json_unescape(pd_json_field(row, strlen(row), "solution"), text);
        text[bytes] = '\0';
        for (char *at = text; (at = strstr(at, "<<")) != NULL; at += 2) {
            char result[PD_CALCULATOR_BYTES];
            const char *equals = strchr(at, '=');
            assert_non_null(equals);
            const char *end = strstr(equals, ">>");
            assert_non_null(end);
            struct pd_rational said, found;
            size_t said_bytes = (size_t)(end - equals) - 1;
            n_all++;
            if (pd_calculator_result(text, (size_t)(equals + 1 - text), result) == 0) {
                n_silent++;
                continue;
            }
            assert_true(pd_rational_read(equals + 1, said_bytes, &said) || equals[1] == '-');
            if (equals[1] == '-') {
                assert_true(pd_rational_read(equals + 2, said_bytes - 1, &said));
                said.numerator = -said.numerator;
            }
            bool is_negative = result[0] == '-';
            assert_true(
                pd_rational_read(result + is_negative, strlen(result) - is_negative, &found));
            if (is_negative)
                found.numerator = -found.numerator;
            n_same += pd_rational_is_equal(said, found);
        }
    }
    fclose(file);
    print_message("%d annotations, %d completed alike, %d left alone\n", n_all, n_same, n_silent);
    assert_int_equal(n_same + n_silent, n_all);
    assert_true(n_silent * 50 < n_all); /* those without an operation: "<<20=20>>" */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_and_silence),
        cmocka_unit_test(test_the_checker_agrees),
        cmocka_unit_test(test_annotations_of_people_are_completed_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
