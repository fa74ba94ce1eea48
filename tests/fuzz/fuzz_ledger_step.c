/* Whatever a journal body says, the ledger takes it whole or not at all. The input is a list of bodies, one a
 * line. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config config = {.site = {.issue_prefix = "LQ", .zone_min = 480}};
    struct ledger *l = ledger_create(&config);
    char *text = mem_string_n((const char *)data, size), *rest = text, *line;
    int64_t seq = 0;
    while ((line = strsep(&rest, "\n"))) {
        int before = ledger_count(l), error = ledger_apply(l, ++seq, line);
        if (error && (error != ERR_FORMAT || ledger_count(l) != before))
            abort();
    }
    for (int i = 0; i < ledger_count(l); i++) {
        json_t *shown = issue_json(ledger_at(l, i), 1773417600000);
        if (!shown || json_dumpb(shown, NULL, 0, JSON_COMPACT) > LEDGER_ISSUE_MAX)
            abort();
        json_decref(shown);
    }
    ledger_destroy(l);
    mem_free(text);
    return 0;
}
