/* What a device is: data, read from config/devices/<profile>.yaml and from the site's configuration. Plain
 * structs that nobody changes once loaded; any thread may read them. */
#ifndef DUST_DEVICE_H
#define DUST_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/* The read function code of Modbus Application Protocol V1.1b3, 6.1 to 6.4. */
enum modbus_table { TABLE_COIL = 1, TABLE_DISCRETE_INPUT = 2, TABLE_HOLDING = 3, TABLE_INPUT_REGISTER = 4 };

enum point_type {
    TYPE_BIT,
    TYPE_U16,
    TYPE_I16,
    TYPE_U32,
    TYPE_I32,
    TYPE_F32,
    TYPE_U64,
    TYPE_F64,
    TYPE_BCD16,
    TYPE_BCD32,
    TYPE__COUNT
};

/* Byte order on the wire of a value ABCD (most significant first). For 16 bit types only BADC and DCBA
 * differ: they swap the two bytes. */
enum word_order { ORDER_ABCD, ORDER_CDAB, ORDER_BADC, ORDER_DCBA, ORDER__COUNT };

/* What the first register is called where `address` comes from; once loaded every address is counted from 0.
 */
enum address_base { BASE_UNSAID, BASE_0, BASE_1, BASE_40001 };

enum { POINT_INVALID_MAX = 8, PROFILE_POINTS_MAX = 64 };

struct point {
    const char *name; /* "pm10"; unique in the profile */
    const char *title_zh, *title_en;
    const char *unit; /* "ug/m3", "" for a bare number or a switch */
    const char *role; /* "pm10", "tsp", "wind_speed", "spray_feedback"; "" for none */
    enum modbus_table table;
    uint16_t address; /* protocol address, from 0 */
    enum point_type type;
    enum word_order order;
    int bit;              /* 0 to 15: this bit of a 16 bit register; -1 for the whole */
    double scale, offset; /* value = raw * scale + offset */
    int decimals;         /* shown and published */
    double low, high;     /* legal range in `unit`; NaN: no such end */
    double usual_low,
        usual_high; /* where a value is believable, for guessing what a device is; NaN: no end */
    uint64_t invalid[POINT_INVALID_MAX]; /* raw values (after word order) that mean "no value" */
    int ninvalid;
    bool writable;
    int64_t period_ms; /* site time between two reads, 0: the device's */
    double spike; /* in `unit`: a value further than this from the one before is read again at once; 0 or NaN:
                     never */
    bool watch;   /* a setting of the device, such as a calibration factor: read rarely, a change is a row */
};

/* Frames of a manual, and what they mean: a proof that the profile reads what the manual says. Texts as in
 * the file, in hexadecimal: "01 03 00 10 00 08 45 C9". */
struct example {
    const char *title, *source;
    const char *request, *response; /* response "": not known */
    const char *misprint;           /* the request as the manual shows it, wrongly; "": it does not */
    const char **values;            /* "pm10 66 ug/m3"; "pm10 -": no value */
    int nvalues;
};

struct profile {
    const char *name; /* file name without .yaml */
    const char *title_zh, *title_en, *vendor, *source, *doubt;
    int baud;                      /* factory setting, for hints; 0 unknown */
    const char *parity;            /* "8N1" */
    int unit_id;                   /* factory setting */
    enum address_base base;        /* BASE_0 once loaded */
    int turnaround_ms, timeout_ms; /* wire time; 0: the bus's own */
    int max_registers;             /* per request; 125 unless the device takes less */
    struct point *points;
    int npoints;
    struct example *examples;
    int nexamples;
};

/* Whether a value is one that such a point reads on an ordinary day: within its usual range, where it has
 * none within its legal one. NaN is not. */
bool point_is_usual(const struct point *p, double value);

/* Registers a type occupies: 1, 2 or 4; 1 for a coil or input. */
int point_registers(const struct point *p);

/* How a device stands with its bus: down when its line is, quarantined when it does not answer itself and is
 * only probed. */
enum device_state { DEVICE_UNKNOWN, DEVICE_UP, DEVICE_DOWN, DEVICE_QUARANTINED };

/* "unknown", "up", "down" or "quarantined", static: as rows, topics and answers name it. */
const char *device_state_str(enum device_state state);

/* Whether it is known not to answer, by its own fault or its line's. */
bool device_fails(enum device_state state);

struct device {
    const char *name; /* unique on the site */
    const char *title_zh, *title_en;
    const struct profile *profile;
    int unit_id;
    int64_t period_ms;                                  /* site time between two reads, 100 ms to 60 s */
    const char *serial, *certificate, *calibration_due; /* as the site wrote them; "" or NULL: it did not */
    int64_t calibrated_ms;                              /* site time at which it is over; 0: not said */
    int first_point; /* index of its first point in config.points; the rest follow in profile order */
    int index;       /* own index in config.devices */
};

/* Site time between two reads of a point: its own, but never shorter than its device's. */
int64_t point_period_ms(const struct device *d, const struct point *p);

/* Jammed: the port is open, but somebody talks on the line without end. */
enum line_state { LINE_UNKNOWN, LINE_UP, LINE_DOWN, LINE_JAMMED };

/* "unknown", "up", "down" or "jammed", static. */
const char *line_state_str(enum line_state state);

enum transport { TRANSPORT_RTU, TRANSPORT_TCP, TRANSPORT_RTU_OVER_TCP };

/* Whether an adapter hears what it sends itself: found out from its answers, or said. */
enum echo { ECHO_AUTO, ECHO_YES, ECHO_NO };

struct bus_config {
    const char *name;
    enum transport transport;
    const char *path; /* RTU: the serial port */
    const char *host; /* TCP: numeric address */
    int port;
    int baud;
    char parity; /* 'N', 'E', 'O' */
    int data_bits, stop_bits;
    int turnaround_ms;    /* wire: silence we leave after an answer, beyond 3.5 characters */
    int timeout_ms;       /* wire: longest a unit may think before its answer starts */
    int timeout_floor_ms; /* wire: as long is waited for at least, however fast the unit has been; 0:
                             timeout_ms */
    enum echo echo;       /* serial lines and converters */
    /* TCP, wire; 0: the system's own. Longest a connection may take to come about; and what is sent may stay
     * without acknowledgement; and silence after which the host is asked whether it is still there. */
    int connect_ms, half_open_ms, keepalive_s;
    bool rs485; /* the kernel's driver switches the direction (TIOCSRS485) */
    const struct device *const *devices;
    int ndevices;
    int index; /* own index in config.buses */
};

#endif
