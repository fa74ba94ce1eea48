/* A line that dustd holds: the loan lasts as long as this connection. */
#include "daemon/ctl/probe.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/loop.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/words.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
    LOAN_S = 900,
    LEAVE_S = 5,       /* so much before its end we leave by ourselves */
    ASK_US = 30000000, /* for the daemon to close the line and to write the row */
};

static int take_line(const char *text, const json_t *data, void *probe)
{
    struct probe *p = probe;
    (void)text;
    const json_t *lent = json_object_get(data, "lent");
    if (json_is_object(lent) && !p->lent) {
        ctl_learn(p->c, data);
        p->lent = json_deep_copy(lent);
    }
    return ERR_OK;
}

static int refused(const struct ctl *c, const json_t *final)
{
    const char *error = text_of(final, "error"), *zh = c->zh ? word_refusal(error) : NULL;
    complain("%s%s%s%s", zh ? zh : error, zh ? "（" : "", zh ? error : "", zh ? "）" : "");
    return ERR_STATE;
}

/* Until the line is ours, or is nobody's (`final`), or not to be had. */
static int await(struct probe *p, json_t **final)
{
    int64_t until_us = clock_wire_us() + ASK_US;
    int rc = ERR_TIMEOUT;
    while (rc == ERR_TIMEOUT && !p->lent && clock_wire_us() < until_us) {
        struct pollfd polls[] = {{.fd = client_fd(p->lender), .events = POLLIN},
                                 {.fd = p->signals, .events = POLLIN}};
        poll(polls, 2, 100);
        if (polls[1].revents && loop_signal_next(p->signals)) {
            p->end = PROBE_SIGNAL;
            return ERR_CLOSED;
        }
        rc = client_take(p->lender, take_line, p, final);
    }
    if (rc != ERR_OK && !p->lent)
        complain(say(p->c, "与 dustd 的对话中断：%s", "the answer of dustd broke off: %s"), err_str(rc));
    return p->lent ? ERR_OK : rc;
}

static void take_loan(struct probe *p)
{
    p->until_us = clock_wire_us() + (int_of(p->lent, "seconds") - LEAVE_S) * 1000000;
    p->path = mem_string(text_of(p->lent, "path"));
    p->port.rs485 = is_true(p->lent, "rs485");
}

static int ask(struct probe *p, const char *what)
{
    json_t *final = NULL, *request = json_pack("{s:s,s:s,s:i}", "do", "lend", "bus", what, "seconds", LOAN_S);
    if (p->c->as)
        json_object_set_new(request, "as", json_string(p->c->as));
    int rc = client_send(p->lender, request);
    if (rc == ERR_OK)
        rc = await(p, &final);
    if (final)
        ctl_learn(p->c, final);
    if (rc == ERR_OK && final && !is_true(final, "ok"))
        rc = refused(p->c, final);
    json_decref(final);
    if (rc == ERR_OK && p->lent) {
        take_loan(p);
        return ERR_OK;
    }
    client_close(p->lender);
    p->lender = NULL;
    return rc;
}

int probe_borrow(struct probe *p, const char *what)
{
    const struct ctl *c = p->c;
    p->until_us = INT64_MAX;
    int rc = client_open(c->socket, &p->lender);
    bool denied = rc == ERR_DENIED;
    if (rc == ERR_OK)
        rc = ask(p, what);
    else
        rc = ERR_OK; /* nobody to ask: the port's lock tells whether it is held */
    if (rc != ERR_OK || p->lender)
        return rc;
    if (!strchr(what, '/')) {
        complain(say(c, "没有名为 \"%s\" 的总线（或 dustd 没有运行）；请写出串口，如 /dev/ttyUSB0",
                     "there is no bus \"%s\" (or no dustd runs): name a port, such as /dev/ttyUSB0"),
                 what);
        return ERR_NOT_FOUND;
    }
    if (denied)
        complain(say(c, "没有权限使用 %s：如果 dustd 占用了此串口，借不到",
                     "no permission to use %s: should dustd hold this port, it cannot be borrowed"),
                 c->socket);
    p->path = mem_string(what);
    return ERR_OK;
}

bool probe_holds(struct probe *p)
{
    json_t *final = NULL;
    if (!p->lender)
        return true;
    if (client_take(p->lender, take_line, p, &final) == ERR_TIMEOUT && clock_wire_us() < p->until_us)
        return true;
    p->end = final || clock_wire_us() >= p->until_us ? PROBE_TIME : PROBE_LENDER;
    json_decref(final);
    return false;
}

void probe_return(struct probe *p)
{
    client_close(p->lender);
    p->lender = NULL;
}
