/* Whatever comes to cmd/<user>, it is read whole or refused in words; what is read is a request for a verb
 * that people may send, with its own id and within its ten minutes, and in nobody's name. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/command.h"

#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1777593600000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct command *c)
{
    const char *verb = json_string_value(json_object_get(c->request, "do"));
    const json_t *input = json_object_get(c->request, "input");
    if (!c->id[0] || c->expires_ms <= NOW_MS || c->expires_ms > NOW_MS + COMMAND_AHEAD_MS || !verb)
        abort();
    if (strcmp(verb, "act") != 0 && strcmp(verb, "open") != 0 && strcmp(verb, "input") != 0)
        abort();
    if (json_object_get(c->request, "as") || json_object_get(c->request, "id"))
        abort();
    if (input && strcmp(json_string_value(json_object_get(input, "id")), c->id) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct command c;
    char why[COMMAND_WHY_SIZE];
    char *text = mem_string_n((const char *)data, size);
    int error = command_read(text, NOW_MS, &c, why);
    if (error && (c.request || !why[0] || (error != ERR_FORMAT && error != ERR_RANGE)))
        abort();
    if (!error)
        check(&c);
    json_decref(c.request);
    mem_free(text);
    return 0;
}
