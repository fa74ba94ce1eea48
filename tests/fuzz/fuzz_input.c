/* Whatever a source says, it is taken whole or refused in words; what is taken reads back from its row as it
 * was. The first byte is the kind. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/judge/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1777593600000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct input *i)
{
    struct input back = {0};
    json_t *body =
        json_pack("{s:I,s:s,s:s}", "ts", (json_int_t)NOW_MS, "kind", input_kind_str(i->kind), "subject", "x");
    input_json(i, body);
    if (input_restore(i->kind, body, &back) != ERR_OK || back.from_ms != i->from_ms ||
        back.to_ms != i->to_ms || strcmp(back.what, i->what) != 0 || strcmp(back.about, i->about) != 0 ||
        strcmp(back.reason, i->reason) != 0 ||
        (isnan(i->value) ? !isnan(back.value) : back.value != i->value))
        abort();
    json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config config = {.site = {.zone_min = 480}};
    struct input i;
    char why[400] = "";
    if (size == 0)
        return 0;
    json_t *message = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
    if (!message)
        return 0;
    int error = input_read((enum input_kind)(data[0] % INPUT__KINDS), message, NOW_MS, &i, why, sizeof why);
    if (error && (!why[0] || (error != ERR_FORMAT && error != ERR_RANGE)))
        abort();
    if (!error) {
        struct record *r = record_create(&config);
        check_row(&i);
        record_input(r, &i, 0);
        record_destroy(r);
    }
    json_decref(message);
    return 0;
}
