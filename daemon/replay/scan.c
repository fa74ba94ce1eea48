#include "daemon/replay/scan.h"

#include "daemon/base/err.h"
#include "daemon/replay/stamp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without escapes; the cursor on the first quote, then behind the last. */
static bool read_string(const char **at, struct span *out)
{
    if (**at != '"')
        return false;
    out->text = *at + 1;
    out->length = strcspn(out->text, "\"\\");
    *at = out->text + out->length;
    if (**at != '"')
        return false;
    (*at)++;
    return true;
}

/* An object or array, whatever is in it. */
static bool read_nested(const char **at, struct span *out)
{
    int depth = 0;
    out->text = *at;
    do {
        struct span ignored;
        if (**at == '"') {
            if (!read_string(at, &ignored))
                return false;
            continue;
        }
        depth += **at == '{' || **at == '[';
        depth -= **at == '}' || **at == ']';
        if (!**at)
            return false;
        (*at)++;
    } while (depth);
    out->length = (size_t)(*at - out->text);
    return true;
}

static bool read_value(const char **at, struct span *out)
{
    if (**at == '"')
        return read_string(at, out);
    if (**at == '{' || **at == '[')
        return read_nested(at, out);
    out->text = *at;
    out->length = strcspn(*at, ",}] \t");
    *at += out->length;
    return out->length > 0;
}

enum scanned scan_member(const char **at, struct span *key, struct span *value)
{
    bool first = **at == '{';
    if (**at == '}')
        return SCAN_END;
    if (!first && **at != ',')
        return SCAN_STRANGE;
    (*at)++;
    if (first && **at == '}')
        return SCAN_END;
    if (!read_string(at, key) || *(*at)++ != ':')
        return SCAN_STRANGE;
    return read_value(at, value) ? SCAN_MEMBER : SCAN_STRANGE;
}

bool span_is(struct span s, const char *text)
{
    return strncmp(s.text, text, s.length) == 0 && !text[s.length];
}

double span_number(struct span s)
{
    char text[40];
    double value;
    if (s.length >= sizeof text)
        return NAN;
    memcpy(text, s.text, s.length);
    text[s.length] = 0;
    return number_read(text, &value) == ERR_OK ? value : (double)NAN;
}

long long span_integer(struct span s)
{
    return strtoll(s.text, NULL, 10);
}
