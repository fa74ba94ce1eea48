/* The channels over which people are told. Plain const data; any thread. */
#ifndef DUST_CONFIG_CHANNEL_H
#define DUST_CONFIG_CHANNEL_H

#include <stdbool.h>

/* Where alerts go. */
enum channel_kind {
    CHANNEL_WECOM,    /* group robots: 企业微信, */
    CHANNEL_DINGTALK, /* 钉钉, */
    CHANNEL_FEISHU,   /* 飞书 */
    CHANNEL_WEBHOOK,  /* a plain POST */
    CHANNEL_SMTP,
    CHANNEL_MQTT, /* topic alert/<person> of a broker */
    CHANNEL__KINDS
};

enum mail_tls { MAIL_STARTTLS, MAIL_TLS, MAIL_PLAIN };

struct channel_config {
    const char *name; /* unique */
    enum channel_kind kind;
    const char *url_file; /* first line: the whole address, which holds the robot's key; "" by other kinds */
    const char *secret_file; /* of the signature; "" none */
    bool mention;            /* the robot gets the person's telephone number */
    const char *ca_file;     /* "": the system's */
    int per_minute;          /* messages in any 60 s */
    const char *host;        /* of the mail server, and so on */
    int port;
    enum mail_tls tls;
    const char *username, *password_file; /* "" none */
    const char *from;                     /* e-mail address */
    const char *broker;                   /* mqtt_config.name */
};

const char *channel_kind_str(enum channel_kind k); /* "wecom" */

#endif
