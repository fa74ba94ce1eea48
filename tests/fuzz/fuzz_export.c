/* Any bytes as an export that is to be adopted; and as the insides of rows whose chain is right, because no
 * mutation hits a hash: each line of the input is one, its first letter says of which kind. What is taken
 * hangs together. */
#include "daemon/adopt.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/lines.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void adopt(char *bytes, size_t length)
{
    struct adopted a;
    char why[256] = "";
    FILE *in = fmemopen(bytes, length, "r");
    int rc = adopted_read(in, "export", &a, why, sizeof why);
    fclose(in);
    if ((rc != ERR_OK) != (why[0] != 0) || strchr(why, '\n'))
        abort();
    for (int i = 0; rc == ERR_OK && i < a.nsteps; i++)
        if (strcmp(a.steps[i].kind, "issue") != 0 || !a.steps[i].body || a.steps[i].seq > a.head.seq)
            abort();
    adopted_finish(&a);
}

static void add_row(struct journal *head, const char *line, struct buf *out)
{
    static const char *const kinds[] = {"head", "issue", "minute", "boot"};
    const char *kind = kinds[(unsigned char)line[0] % 4];
    struct row row;
    char *body = mem_printf("{\"ts\":5,\"kind\":\"%s\",\"subject\":\"\"%s%s}", kind,
                            line[0] && line[1] ? "," : "", line[0] ? line + 1 : "");
    journal_append(head, &row, 5, kind, "", body);
    row_line(&row, out);
    buf_text(out, "\n");
    row_finish(&row);
}

/* A chain around the input's lines. */
static void adopt_chained(const char *text)
{
    struct journal head = {.id = "0123456789abcdef0123456789abcdef"};
    struct buf rows = {0}, whole = {0};
    char *copy = mem_string(text), *rest = copy, *line, hash[65];
    int n = 0;
    while ((line = strsep(&rest, "\n")) && n++ < 100)
        add_row(&head, line, &rows);
    hash_hex(head.hash, hash);
    buf_printf(&whole, "{\"export\":1,\"journal\":\"%s\",\"head\":{\"seq\":%lld,\"hash\":\"%s\"}}\n", head.id,
               (long long)head.seq, hash);
    buf_add(&whole, rows.data, rows.length);
    buf_printf(&whole, "{\"end\":true,\"rows\":%lld,\"samples\":0}\n", (long long)head.seq);
    adopt(whole.data, whole.length);
    buf_finish(&rows);
    buf_finish(&whole);
    mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_string_n((const char *)data, size);
    adopt(text, size + 1);
    adopt_chained(text);
    mem_free(text);
    return 0;
}
