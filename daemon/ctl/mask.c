#include "daemon/ctl/mask.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"
#include "daemon/base/utf8.h"
#include "daemon/judge/plate.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    NUMBER_LEAST = 7, /* digits of a telephone number: a local one has seven or eight */
    RUN_MOST = 32,    /* digits looked at */
    PLATE_LEAST = 6,  /* letters and digits after the province: 晋J12345 */
    PLATE_MOST = 7,   /* 晋AD12345 */
    NAME_LEAST = 2,   /* characters: a shorter one is in too many words */
};

/* The first characters of plates (GA 36 [memory]), and of those of police and embassies. */
static const char provinces[] = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领";

/* A digit, also a full-width one (U+FF10); its length in bytes, 0 for none. */
static size_t digit_at(const char *text, char *digit)
{
    uint32_t code = 0;
    size_t n = utf8_next(text, strlen(text), &code);
    if (code >= 0xFF10 && code <= 0xFF19)
        code -= 0xFF10 - '0';
    *digit = (char)code;
    return n && code >= '0' && code <= '9' ? n : 0;
}

/* A separator within a plate or a number: its length in bytes, 0 for none. */
static size_t gap_at(const char *text)
{
    static const char *const gaps[] = {"-", " ", "·", "•", "．", "－", "—"};
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
        if (strncmp(text, gaps[i], strlen(gaps[i])) == 0)
            return strlen(gaps[i]);
    return 0;
}

/* Digits with single gaps between. `unbroken`: the longest row of digits without one. */
struct run {
    size_t bytes;
    char digits[RUN_MOST + 1];
    int n, unbroken, first; /* first: digits before the first gap */
};

static struct run run_at(const char *text)
{
    struct run r = {0};
    int row = 0;
    char digit;
    for (size_t at = 0, n; text[at];) {
        n = digit_at(text + at, &digit);
        if (!n && r.n && row) { /* a gap counts where a digit follows */
            size_t gap = gap_at(text + at);
            n = gap && digit_at(text + at + gap, &digit) ? gap : 0;
            if (!n)
                break;
            r.first = r.first ? r.first : r.n;
            row = 0;
            at += n;
            continue;
        }
        if (!n)
            break;
        if (r.n < RUN_MOST)
            r.digits[r.n++] = digit;
        at += n;
        r.bytes = at;
        row++;
        r.unbroken = row > r.unbroken ? row : r.unbroken;
    }
    r.first = r.first ? r.first : r.n;
    return r;
}

/* Seven digits in a row; or with gaps what starts like a mobile, an area code, 400 or 86. A date (2026-03-14)
 * and an issue's number (2026-0001) start with a year. */
static bool is_number(const struct run *r)
{
    static const char *const starts[] = {"0", "1", "400", "800", "86"};
    if (r->unbroken >= NUMBER_LEAST)
        return true;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (r->n >= NUMBER_LEAST && strncmp(r->digits, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* A plate at the start of `text`, without its gaps, into `plate`; its length in bytes, 0 for none. */
static size_t plate_at(const char *text, char plate[static 16])
{
    uint32_t code;
    size_t at = utf8_next(text, strlen(text), &code), used, n = 0;
    char province[5] = "";
    if (at != 3)
        return 0;
    memcpy(province, text, at);
    if (!strstr(provinces, province))
        return 0;
    memcpy(plate, province, at);
    for (used = at; n < PLATE_MOST && text[at];) {
        size_t gap = n ? gap_at(text + at) : 0;
        const char *c = text + at + gap;
        if (!isalnum((unsigned char)*c) || (n == 0 && !isalpha((unsigned char)*c)))
            break;
        plate[3 + n++] = (char)toupper((unsigned char)*c);
        at += gap + 1;
        used = at;
    }
    plate[3 + n] = 0;
    return n >= PLATE_LEAST ? used : 0;
}

/* The name at the start of `text`: its length, 0 for none. Of two the longer one. */
static size_t name_at(const char *text, const char *const *names, int n)
{
    size_t longest = 0;
    for (int i = 0; i < n; i++) {
        size_t length = strlen(names[i]);
        if (length > longest && length > NAME_LEAST && strncmp(text, names[i], length) == 0)
            longest = length;
    }
    return longest;
}

char *mask_text(const char *text, const char *const *names, int n, bool zh)
{
    struct buf b = {0};
    char plate[16], masked[32];
    while (*text) {
        uint32_t code;
        size_t step = name_at(text, names, n);
        struct run run = {0};
        if (!step)
            run = run_at(text);
        if (step) {
            buf_text(&b, zh ? "某某" : "N.N.");
        } else if (run.bytes) {
            step = run.bytes;
            if (is_number(&run))
                buf_text(&b, "***");
            else
                buf_add(&b, text, step);
        } else if ((step = plate_at(text, plate))) {
            plate_mask(plate, masked, sizeof masked);
            buf_text(&b, masked);
        } else {
            step = utf8_next(text, strlen(text), &code);
            step = step ? step : 1;
            buf_add(&b, text, step);
        }
        text += step;
    }
    return buf_take(&b);
}
