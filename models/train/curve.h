/* SPDX-License-Identifier: Apache-2.0
 * curve.h - a picture of a log: the loss by tokens, thin and smoothed, and the held-out loss. */
#ifndef TRAIN_CURVE_H
#define TRAIN_CURVE_H

#include "base/base.h"

/* From the CSV file of log.h to an SVG file. NO_FILE. */
enum ponder_status tr_curve_draw(const char *csv, const char *svg, const struct pd_error *err);

#endif
