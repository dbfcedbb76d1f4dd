#include "base/status.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sac_status sac_error_set(sac_error *err, sac_status code, const char *format, ...) {
  if (!err) return code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(err->text, sizeof err->text, format, arguments);
  va_end(arguments);
  err->code = code;
  return code;
}

void sac_assert_failed(const char *condition, const char *file, int line) {
  fprintf(stderr, "sac: internal error: %s is false (%s:%d)\n", condition, file, line);
  abort();
}

enum { WORD_MAX = 96 };

// Levenshtein distance, letters compared without case
static int edit_distance(const char *a, const char *b) {
  int row[WORD_MAX + 1], n_a = (int)strnlen(a, WORD_MAX), n_b = (int)strnlen(b, WORD_MAX);
  for (int j = 0; j <= n_b; j++) row[j] = j;
  for (int i = 1; i <= n_a; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= n_b; j++) {
      int differs = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
      int best = diagonal + differs;
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[n_b];
}

const char *sac_nearest(const char *word, const char *const *choices, int count) {
  const char *nearest = NULL;
  int best = (int)strnlen(word, WORD_MAX) / 2 + 1;
  for (int i = 0; i < count; i++) {
    int distance = edit_distance(word, choices[i]);
    if (distance < best) {
      best = distance;
      nearest = choices[i];
    }
  }
  return nearest;
}
