/* A broker of the configuration. Plain const data; any thread. */
#ifndef DUST_CONFIG_BROKER_H
#define DUST_CONFIG_BROKER_H

#include <stdbool.h>
#include <stdint.h>

struct mqtt_config {
    const char *name; /* unique; its cursor's name */
    const char *host;
    int port;
    const char *client_id;                      /* default: dustd-<site> */
    const char *username, *password_file;       /* "" none */
    const char *ca_file, *cert_file, *key_file; /* ca_file "": no TLS */
    int keepalive_s;
    bool mqtt5;              /* false: 3.1.1 */
    bool inputs;             /* takes in/<kind>/<source> from there */
    bool commands;           /* and cmd/<mqtt_user> */
    int64_t data_plan_bytes; /* of a month, 0 none: dustd --check warns above it */
};

#endif
