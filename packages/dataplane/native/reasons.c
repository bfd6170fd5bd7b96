/* Close reasons: code to text and back. */
#include "reasons.h"

#include <string.h>

#define SLUICE_REASON_TEXT(name, text) text,
static const char *const reason_texts[] = {SLUICE_REASONS(SLUICE_REASON_TEXT)};

const char *reason_text(enum reason reason) { return reason_texts[reason]; }

int reason_parse(const char *text) {
  for (int i = 0; i < REASON_COUNT; i++) {
    if (strcmp(text, reason_texts[i]) == 0) return i;
  }
  return -1;
}
