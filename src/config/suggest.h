// What a user may have meant by a key that does not exist.
#pragma once

#include <stdbool.h>

/// Our key for `path` (dotted), or two as "A or B": by the name that another program has for it
/// (softlearning, Catalyst, Stable-Baselines3, CleanRL), by the same name in another section, or by
/// edit distance. `section`: it holds further keys. NULL when nothing is near.
const char *sac_config_suggest(const char *path, bool section);

/// Only the first of these, by the last part of `path`: NULL when no other program has such a name.
const char *sac_config_translate(const char *path);

/// Only the second: our first key with the same last part, in whatever section, or NULL.
const char *sac_config_find_elsewhere(const char *path);
