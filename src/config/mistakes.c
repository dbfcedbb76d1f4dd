#include "config/mistakes.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1024, LAST_LINE_BYTES = 32 };

void sac_config_mistake(sac_config_mistakes *mistakes, const char *where, const char *format, ...) {
  char line[LINE_MAX_BYTES];
  int head = snprintf(line, sizeof line, "%s%s: ", mistakes->count ? "\n" : "", where);
  va_list arguments;
  va_start(arguments, format);
  if (head < (int)sizeof line)
    vsnprintf(line + head, sizeof line - (size_t)head, format, arguments);
  va_end(arguments);
  mistakes->count++;
  if (!mistakes->err) return;
  size_t length = strlen(line);
  // once one is left out the later ones are too, so that the lines shown are the first ones
  if (mistakes->hidden || mistakes->used + length + LAST_LINE_BYTES >= sizeof mistakes->err->text) {
    mistakes->hidden++;
    return;
  }
  memcpy(mistakes->err->text + mistakes->used, line, length + 1);
  mistakes->used += length;
}

sac_status sac_config_mistakes_close(sac_config_mistakes *mistakes) {
  if (!mistakes->count) return SAC_OK;
  sac_error *err = mistakes->err;
  if (!err) return SAC_BAD_CONFIG;
  if (mistakes->hidden)
    snprintf(err->text + mistakes->used, sizeof err->text - mistakes->used, "\n... and %d more",
             mistakes->hidden);
  err->code = SAC_BAD_CONFIG;
  return SAC_BAD_CONFIG;
}

void sac_config_show(const char *text, char *shown, size_t size) {
  size_t length = strlen(text), kept = length < size ? length : size - 4;
  // never end within a UTF-8 character
  while (kept < length && kept && ((unsigned char)text[kept] & 0xC0) == 0x80) kept--;
  for (size_t i = 0; i < kept; i++) shown[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
  strcpy(shown + kept, kept < length ? "..." : "");
}
