/* The words for the stages of work, for settings and for messages from outside. Const; any thread. */
#ifndef DUST_STAGE_WORDS_H
#define DUST_STAGE_WORDS_H

#include "daemon/base/schema.h"

/* "demolition" … "suspended" with enum stage as values; ends with {0}. */
extern const struct word stage_words[];

#endif
