/* SPDX-License-Identifier: Apache-2.0
 * output.c - an answer as JSON and as lines for people. */
#include "cli/output.h"

static void put_to_file(void *user, const char *text, size_t bytes)
{
    /* A failure stays in ferror(), which the end of each command looks at. */
    if (fwrite(text, 1, bytes, user) != bytes)
        return;
}

void json_to_file(struct pd_json_writer *w, FILE *file)
{
    pd_json_writer_init(w, put_to_file, file);
}

const char *model_name(const struct ponder_info *info)
{
    return info->name && info->name[0] != '\0' ? info->name : info->family;
}

static void put_int(struct pd_json_writer *w, const char *key, int64_t value)
{
    pd_json_key(w, key);
    pd_json_int(w, value);
}

static void put_double(struct pd_json_writer *w, const char *key, double value)
{
    pd_json_key(w, key);
    pd_json_double(w, value, 3);
}

static void put_text(struct pd_json_writer *w, const char *key, const char *value)
{
    pd_json_key(w, key);
    pd_json_text(w, value);
}

void put_answer_fields(struct pd_json_writer *w, const struct ponder *p,
                       const struct ponder_answer *answer, bool has_answer)
{
    struct ponder_info info;
    ponder_describe(p, &info);
    if (has_answer)
        put_text(w, "answer", answer->answer);
    pd_json_key(w, "text");
    pd_json_string(w, answer->text, answer->text_bytes);
    if (has_answer)
        put_double(w, "confidence", answer->confidence);
    put_text(w, "status", ponder_finish_text(answer->finish));
    if (has_answer) {
        put_text(w, "strategy", answer->strategy);
        if (answer->plan[0] != '\0') {
            put_text(w, "plan", answer->plan);
            put_double(w, "difficulty", answer->difficulty);
            put_double(w, "ms_planned", answer->ms_planned);
        }
        if (answer->note[0] != '\0')
            put_text(w, "note", answer->note);
        put_int(w, "samples", answer->n_samples);
    }
    put_int(w, "steps", answer->n_steps);
    put_int(w, "tokens", answer->n_tokens);
    put_int(w, "prompt_tokens", answer->n_prompt_tokens);
    put_double(w, "ms_total", answer->ms_total);
    put_double(w, "ms_first_token", answer->ms_first_token);
    pd_json_key(w, "memory_bytes");
    pd_json_u64(w, info.memory_bytes);
    pd_json_key(w, "seed");
    pd_json_u64(w, answer->seed);
    put_text(w, "model", model_name(&info));
}

const char *size_text(size_t bytes, char text[24])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    int unit = 0;
    for (; size >= 1024 && unit < 4; unit++)
        size /= 1024;
    snprintf(text, 24, unit > 0 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return text;
}

void print_answer_details(FILE *file, const struct ponder *p, const struct ponder_answer *answer)
{
    struct ponder_info info;
    char memory[24];
    ponder_describe(p, &info);
    fprintf(file, "  confidence  %.0f%% (%s, %s)\n", answer->confidence * 100, answer->strategy,
            ponder_finish_text(answer->finish));
    fprintf(file, "  spent       %d %s, %d tokens, %.0f ms (first token after %.0f ms), %s\n",
            answer->n_samples, answer->n_samples == 1 ? "sample" : "samples", answer->n_tokens,
            answer->ms_total, answer->ms_first_token, size_text(info.memory_bytes, memory));
}
