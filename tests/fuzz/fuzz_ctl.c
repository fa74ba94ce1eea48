/* Any bytes as a time, as a text for the terminal and as a file of noted heads. */
#include "daemon/ctl/chain.c"
#include "daemon/ctl/signed.c"
#include "daemon/ctl/table.c"
#include "daemon/ctl/when.c"

#include <locale.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(const char *text)
{
    char *clean = text_clean(text);
    for (const char *c = clean; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            abort();
    char *again = text_clean(clean);
    if (strcmp(clean, again) != 0 || text_width(clean) < 0)
        abort();
    mem_free(again);
    mem_free(clean);
}

/* What is taken for a time can be written, and read again as the same. */
static void check_time(const char *text)
{
    int64_t at_ms = 0, again_ms = 0;
    char written[32];
    if (when_parse(text, 1795392600000, 480, &at_ms) != ERR_OK || at_ms < 0)
        return;
    clock_text(at_ms, 480, written);
    if (when_parse(written, 0, 0, &again_ms) != ERR_OK || again_ms != at_ms)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    char *text = mem_string_n((const char *)data, size);
    check_clean(text);
    check_time(text);
    struct noted_list list = {0};
    int bad_line = 0;
    FILE *in = size ? fmemopen(text, size, "r") : NULL;
    if (in) {
        int rc = noted_read(in, &list, &bad_line);
        if ((rc == ERR_OK) != (bad_line == 0))
            abort();
        fclose(in);
    }
    for (int i = 1; i < list.count; i++)
        if (list.items[i - 1].seq > list.items[i].seq)
            abort();
    noted_finish(&list);
    mem_free(text);
    return 0;
}
