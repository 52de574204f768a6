/* SPDX-License-Identifier: Apache-2.0
 * engine_source.h - the files that an engine is made of, while they are open: a model, its adapters, a sidecar. */
#ifndef PD_ENGINE_SOURCE_H
#define PD_ENGINE_SOURCE_H

#include "base/os.h"
#include "decode/decoder.h"
#include "decode/sidecar.h"
#include "model/tokenizer.h"

/* A GGUF file. */
struct pd_source_file {
    struct pd_map map;
    struct pd_gguf gguf;
};

/* What an adapter may be for; the policy's changes everything that the engine writes. */
enum pd_role { PD_POLICY, PD_REVISER, PD_VERIFIER, PD_ROLES };

struct pd_source_adapter {
    const char *path;
    struct pd_source_file file;
    struct pd_adapter adapter;
};

struct pd_source {
    struct pd_source_file file;
    struct pd_model model;
    struct pd_source_adapter
        adapter[PD_MAX_ADAPTERS]; /* the first n_files, in the order of roles */
    int n_files, n_adapters;      /* the last one, a verifier's, may be a model instead */
    int adapter_of[PD_ROLES];     /* 1..n_adapters; 0: the role has none */
    const struct pd_source_adapter *verifier; /* NULL: none */
    struct pd_model verifier_model;           /* if it is one */
    bool verifier_is_model;
    bool is_read; /* the directories are, into pages that live as long as this */
    void *pages;
    size_t pages_bytes;
    bool is_surveyed;
    struct pd_tokenizer_survey survey;
    bool has_sidecar;
    struct pd_sidecar sidecar;
};

/* Maps what the options name beside the model. On failure nothing is left open. */
enum ponder_status pd_source_open(struct pd_source *source, const char *path,
                                  const struct ponder_options *options, const struct pd_error *err);
void pd_source_close(struct pd_source *source);

/* Reads the directories into the arena; a second time, into another, they are only copied. */
enum ponder_status pd_source_read(struct pd_source *source, struct pd_arena *a,
                                  const struct pd_error *err);

/* Reads them into pages of its own, of a size that the files' headers say enough about. */
enum ponder_status pd_source_read_in_pages(struct pd_source *source, size_t *directory_ret,
                                           const struct pd_error *err);

/* The same status, with an error text that names the file it is about. */
enum ponder_status pd_source_blame(const char *path, enum ponder_status status,
                                   const struct pd_error *err);

/* What the policy's decoder is made of, and a verifier's. */
struct pd_decoder_source pd_source_of_decoder(const struct pd_source *source);
struct pd_decoder_source pd_source_of_verifier(const struct pd_source *source);

#endif
