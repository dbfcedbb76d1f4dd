#include "config/presets.h"

#include <string.h>

#include "base/status.h"

// SAC_PRESETS is PRESET(name) for every file of configs/presets, by the Makefile
#define PRESET(name)                                           \
  __asm__(                                                     \
      ".pushsection .rodata\n"                                 \
      "sac_preset_" #name ": .incbin \"configs/presets/" #name \
      ".yaml\"\n"                                              \
      ".byte 0\n"                                              \
      ".popsection\n");                                        \
  extern const char sac_preset_##name[] __attribute__((visibility("hidden")));
SAC_PRESETS
#undef PRESET

#define PRESET(name) {SAC_PRESET_PREFIX #name, sac_preset_##name},
static const sac_preset presets[] = {SAC_PRESETS};
#undef PRESET
enum { N_PRESETS = sizeof presets / sizeof *presets };

const sac_preset *sac_preset_at(int index) {
  return index < N_PRESETS ? &presets[index] : NULL;
}

const sac_preset *sac_preset_find(const char *name) {
  for (int i = 0; i < N_PRESETS; i++)
    if (!strcmp(presets[i].name, name)) return &presets[i];
  return NULL;
}

// without the prefix, whose letters every name shares; else by a part of its name
const char *sac_preset_nearest(const char *name) {
  const char *own[N_PRESETS];
  size_t prefix = strlen(SAC_PRESET_PREFIX);
  if (!strncmp(name, SAC_PRESET_PREFIX, prefix)) name += prefix;
  for (int i = 0; i < N_PRESETS; i++) own[i] = presets[i].name + prefix;
  const char *nearest = sac_nearest(name, own, N_PRESETS);
  for (int i = 0; i < N_PRESETS && !nearest && *name; i++)
    if (strstr(own[i], name)) nearest = own[i];
  return nearest ? nearest - prefix : NULL;
}
