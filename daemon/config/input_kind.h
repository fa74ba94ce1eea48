/* What may come in beside Modbus, and who may send it over MQTT. Plain const data; any thread. */
#ifndef DUST_CONFIG_INPUT_KIND_H
#define DUST_CONFIG_INPUT_KIND_H

/* What may come in beside Modbus. */
enum input_kind {
    INPUT_ALIVE, /* the source has watched from .. to: without it silence proves nothing */
    INPUT_BACKGROUND,
    INPUT_CALENDAR,
    INPUT_CAMERA,
    INPUT_INSPECTION,
    INPUT_MAINTENANCE,
    INPUT_PASSAGE,
    INPUT_STAGE,
    INPUT_WARNING,
    INPUT__KINDS
};

/* Who may send such messages over MQTT, in/<kind>/<name>. */
struct input_source {
    const char *name;
    const char *title_zh, *title_en;
    unsigned kinds;     /* set of 1 << enum input_kind */
    const char *person; /* whose word it is: person.name; "" the source's own */
};

const char *input_kind_str(enum input_kind k); /* "passage" */

/* ERR_NOT_FOUND: the text is no kind. */
int input_kind_parse(const char *text, enum input_kind *k);

#endif
