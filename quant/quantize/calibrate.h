/* SPDX-License-Identifier: Apache-2.0
 * calibrate.h - a model's matrices rounded with regard to the inputs that they get from calibration texts.
 *
 * Layer by layer: the texts' activations go through the layer while the inputs of its matrices are seen; the matrices
 * are rounded; the activations go through what has become of it, so that the next layer is rounded for the inputs that it
 * will really get (as Frantar et al. do). */
#ifndef QUANTIZE_CALIBRATE_H
#define QUANTIZE_CALIBRATE_H

#include "base/pool.h"
#include "quant/quantize/source.h"
#include "quant/quantize/texts.h"
#include "quant/quantize/writer.h"

struct calibration {
    const struct source *source;
    const struct sequences *sequences;
    const enum pd_format_id *formats; /* [tensors] wanted */
    struct writer *writer;
    struct pd_pool *pool;
    bool makes_up;  /* for its errors: gptq.h; otherwise importances only */
    double damping; /* see gptq.h */
    bool *is_done;  /* [tensors]: out: its data has been written */
    bool shows_progress;
};

/* NO_FILE, CANCELLED, BAD_FILE, and the statuses of reading a model. */
enum ponder_status calibrate(struct calibration *c, const struct pd_error *err);

#endif
