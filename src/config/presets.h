// The presets: files of configs/presets that are a part of the program.
#pragma once

/// Names begin with this, where a configuration or a command line names a preset.
#define SAC_PRESET_PREFIX "preset/"

typedef struct sac_preset {
  const char *name;  // with the prefix: "preset/droq"
  const char *text;  // YAML; its first line is a comment that says what it is
} sac_preset;

/// By name; NULL past the last.
const sac_preset *sac_preset_at(int index);

/// NULL when there is no such preset.
const sac_preset *sac_preset_find(const char *name);

/// The name of the preset that `name` most resembles, or NULL.
const char *sac_preset_nearest(const char *name);
