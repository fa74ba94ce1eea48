/* libmosquitto 2.0.11 as Debian builds it has its assertions on, and a MQTT 5 packet with a property it does
 * not know runs into one: the log call it makes then asserts that there is a client to log for. One such
 * packet, from a broken broker or from anybody on an unencrypted line, would end the daemon and the polling
 * with it. So an assertion that fails while the library reads ends the connection instead. The library holds
 * no lock there; what the packet had allocated is lost. An assertion anywhere else ends the program as
 * always. */
#include "daemon/uplink/mqtt_private.h"

#include "daemon/base/log.h"

#include <mosquitto.h>
#include <setjmp.h>
#include <stdlib.h>

static _Thread_local jmp_buf *armed;

void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
    __attribute__((noreturn));

/* The C library's, called by assert() everywhere in the process. */
void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
    log_error("%s:%u: %s: assertion failed: %s", file, line, function, what);
    if (armed)
        longjmp(*armed, 1);
    abort();
}

int mqtt_guarded_read(struct mosquitto *handle)
{
    jmp_buf back;
    if (setjmp(back) != 0) {
        armed = NULL;
        return MOSQ_ERR_MALFORMED_PACKET;
    }
    armed = &back;
    int rc = mosquitto_loop_read(handle, 1);
    armed = NULL;
    return rc;
}
