#include "daemon/ledger/step.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Means have 4 decimals: 15 digits print them as they are, 17 would print 250.00010000000003. */
#define PRINT_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

bool number_parse(const char *id, struct number *n)
{
    size_t length = strlen(id);
    size_t digits = 0;
    while (digits < length && id[length - digits - 1] >= '0' && id[length - digits - 1] <= '9')
        digits++;
    if (length >= sizeof((struct issue *)0)->id || digits < 4 || digits > 9 || length < digits + 7)
        return false;
    const char *count = id + length - digits, *year = count - 5;
    if (count[-1] != '-' || year[-1] != '-' || strspn(year, "0123456789") != 4)
        return false;
    for (const char *c = id; *c; c++)
        if ((unsigned char)*c <= ' ' || strchr("/+#\"\\\x7f", *c))
            return false;
    n->year = (int)strtol(year, NULL, 10);
    n->count = (int)strtol(count, NULL, 10);
    return true;
}

int number_compare(struct number a, struct number b)
{
    if (a.year != b.year)
        return a.year < b.year ? -1 : 1;
    return (a.count > b.count) - (a.count < b.count);
}

json_t *step_new(const struct step *s)
{
    json_t *root = json_pack("{s:I,s:s,s:s,s:s}", "ts", (json_int_t)s->ts, "kind", "issue", "subject",
                             s->issue, "step", verb_str(s->verb));
    json_object_set_new(root, "from",
                        s->from == ISSUE__STATES ? json_null() : json_string(issue_state_str(s->from)));
    json_object_set_new(root, "to", json_string(issue_state_str(s->to)));
    json_object_set_new(root, "by", json_string(s->by));
    return root;
}

void step_add_text(json_t *step, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(step, key, json_string(text));
}

json_t *step_text(const char *text)
{
    char copy[STEP_TITLE_MAX + 1];
    size_t n = text ? strlen(text) : 0;
    if (n > STEP_TITLE_MAX) {
        n = STEP_TITLE_MAX;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) /* not inside a code point */
            n--;
    }
    memcpy(copy, n ? text : "", n);
    copy[n] = 0;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)copy[i] < ' ')
            copy[i] = ' ';
    json_t *string = json_stringn(copy, n);
    return string ? string : json_string("?"); /* no UTF-8 */
}

void step_add_title(json_t *step, const char *zh, const char *en)
{
    json_t *title = json_object();
    json_object_set_new(title, "zh", step_text(zh));
    json_object_set_new(title, "en", step_text(en));
    json_object_set_new(step, "title", title);
}

int step_print(json_t *step, char **body)
{
    size_t length = json_dumpb(step, NULL, 0, PRINT_FLAGS);
    if (length == 0 || length > LEDGER_STEP_MAX) {
        json_decref(step);
        return ERR_RANGE;
    }
    *body = mem_array(length + 1, 1);
    json_dumpb(step, *body, length, PRINT_FLAGS);
    json_decref(step);
    return ERR_OK;
}

const char *step_string(const json_t *object, const char *key, size_t size)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return "";
    if (!json_is_string(value) || json_string_length(value) >= size ||
        strlen(json_string_value(value)) != json_string_length(value))
        return NULL;
    return json_string_value(value);
}

static int read_state(const json_t *value, enum issue_state *s)
{
    if (json_is_null(value)) {
        *s = ISSUE__STATES;
        return ERR_OK;
    }
    return json_is_string(value) ? state_parse(json_string_value(value), s) : ERR_FORMAT;
}

int step_read(const json_t *root, struct step *s)
{
    const json_t *ts = json_object_get(root, "ts");
    const char *kind = step_string(root, "kind", 8);
    const char *verb = step_string(root, "step", 16);
    s->issue = step_string(root, "subject", sizeof((struct issue *)0)->id);
    s->by = step_string(root, "by", sizeof((struct issue *)0)->person);
    if (!json_is_integer(ts) || !kind || strcmp(kind, "issue") != 0 || !s->issue || !verb || !s->by ||
        !*s->by)
        return ERR_FORMAT;
    s->ts = json_integer_value(ts);
    if (verb_parse(verb, &s->verb) || read_state(json_object_get(root, "from"), &s->from) ||
        read_state(json_object_get(root, "to"), &s->to) || s->to == ISSUE__STATES)
        return ERR_FORMAT;
    return ERR_OK;
}

/* Of ASCII but for a new line and a tab, DEL, and the C1 ones, which a terminal may obey too. */
static bool is_control(const unsigned char *c)
{
    return (c[0] < ' ' && c[0] != '\n' && c[0] != '\t') || c[0] == 0x7f ||
           (c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9f);
}

int step_check_text(const char *text, char *why, size_t why_size)
{
    size_t n = strlen(text);
    if (n > STEP_TEXT_MAX) {
        snprintf(why, why_size, "the text has %zu bytes; at most %d (about %d Chinese characters)", n,
                 STEP_TEXT_MAX, STEP_TEXT_MAX / 3);
        return ERR_FORMAT;
    }
    for (size_t i = 0; i < n; i++)
        if (is_control((const unsigned char *)text + i)) {
            snprintf(why, why_size, "the text has a control character at byte %zu", i + 1);
            return ERR_FORMAT;
        }
    json_t *string = json_string(text);
    if (!string) {
        snprintf(why, why_size, "the text is not valid UTF-8");
        return ERR_FORMAT;
    }
    json_decref(string);
    return ERR_OK;
}
