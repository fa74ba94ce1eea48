#include "daemon/ctl/csv.h"

#include "daemon/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* What starts a formula: OWASP's list (owasp.org, "CSV Injection"), with the full-width forms that Excel
 * takes for the same where Chinese or Japanese is set. */
static bool is_formula(const char *text)
{
    static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void put_cell(struct buf *b, const char *text)
{
    bool formula = is_formula(text);
    if (!formula && !strpbrk(text, ",\"\r\n")) {
        buf_text(b, text);
        return;
    }
    buf_text(b, formula ? "\"'" : "\"");
    for (; *text; text++)
        buf_add(b, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    buf_text(b, "\"");
}

void csv_begin(struct buf *b)
{
    buf_text(b, "\xEF\xBB\xBF");
}

void csv_line(struct buf *b, const char *const *cells, int n)
{
    for (int i = 0; i < n; i++) {
        if (i)
            buf_text(b, ",");
        put_cell(b, cells[i] ? cells[i] : "");
    }
    buf_text(b, "\r\n");
}
