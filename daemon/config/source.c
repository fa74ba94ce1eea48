/* What may come in beside Modbus, by name. */
#include "daemon/base/err.h"
#include "daemon/config/input_kind.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"

#include <string.h>

const struct word input_kind_words[] = {
    {"alive", 1 << INPUT_ALIVE},           {"background", 1 << INPUT_BACKGROUND},
    {"calendar", 1 << INPUT_CALENDAR},     {"camera", 1 << INPUT_CAMERA},
    {"inspection", 1 << INPUT_INSPECTION}, {"maintenance", 1 << INPUT_MAINTENANCE},
    {"passage", 1 << INPUT_PASSAGE},       {"stage", 1 << INPUT_STAGE},
    {"warning", 1 << INPUT_WARNING},       {0}};

const char *input_kind_str(enum input_kind k)
{
    return input_kind_words[k].text;
}

int input_kind_parse(const char *text, enum input_kind *k)
{
    for (int i = 0; i < INPUT__KINDS; i++)
        if (strcmp(input_kind_words[i].text, text) == 0) {
            *k = (enum input_kind)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

const struct input_source *config_source(const struct config *c, const char *name)
{
    for (int i = 0; i < c->nsources; i++)
        if (strcmp(c->sources[i].name, name) == 0)
            return &c->sources[i];
    return NULL;
}
