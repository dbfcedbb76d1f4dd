// Values of keys as text: what a key accepts, and what it holds.
#pragma once

#include "config/values.h"

/// What a field accepts, to follow "must be": "in [0, 1]", "true or false", "min, first or mean".
/// After SAC_CONFIG_WRONG_KIND it also names the type; after SAC_CONFIG_NOT_AVAILABLE it is what
/// this version has.
void sac_config_allowed(const sac_config_field *field, sac_config_verdict verdict, char *text,
                        size_t size);

/// The shortest text that reads back as `number`, with a decimal point.
void sac_config_number_format(double number, char *text, size_t size);

/// Write the field's value in YAML, on one line; keyword arguments as a flow mapping.
void sac_config_value_write(const sac_config *cfg, const sac_config_field *field, FILE *out);

/// Write the value of one keyword argument.
void sac_config_kwarg_write(const sac_config_kwarg *kwarg, FILE *out);
