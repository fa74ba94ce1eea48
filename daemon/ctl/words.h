/* The daemon's short English words as site people read them. Pure; every text is static. */
#ifndef DUST_WORDS_H
#define DUST_WORDS_H

#include <stdbool.h>

/* A data flag of HJ 212 ("N"): "正常", "normal"; the letter itself when unknown. */
const char *word_quality(const char *letter, bool zh);

/* Why a reading failed ("no answer"); the text itself when unknown. */
const char *word_line(const char *state, bool zh); /* of a bus */
const char *word_why(const char *why, bool zh);

/* "up", "green", "limit" …: states, lights, kinds; the text itself when unknown. */
const char *word_state(const char *state, bool zh);

/* What an issue of a limit is about, where that is several points ("mean", "max"); the text itself when it is
 * one. */
const char *word_place(const char *cause, bool zh);

/* What somebody should look after ("bus_down"), and whose certificate it is ("ca"); the text itself when
 * unknown. */
const char *word_warning(const char *what, bool zh);
const char *word_certificate(const char *what, bool zh);

/* "pass" "breach" "unknown"; "met" "failed" …; the text itself when unknown. */
const char *word_verdict(const char *verdict, bool zh);
const char *word_outcome(const char *outcome, bool zh);

/* A verb of a step ("rectify": 整改); the text itself when unknown. */
const char *word_verb(const char *verb, bool zh);

/* Whether a person may ask for it: one of confirm … note. */
bool word_is_verb(const char *verb);

/* What a refusal of the daemon (English) means, in Chinese; NULL when it is not known. */
const char *word_refusal(const char *error);

#endif
