/* The same number means one thing at a port and another at a connection: two tables. */
#include "drivers/trouble.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct row {
    int error;
    struct trouble is;
};

static const struct row ports[] = {
    {ENOENT, {"no such port", "is it plugged in? A name in /dev/serial/by-id stays when the number changes"}},
    {ENODEV, {"no such port", "there is a name, but no adapter behind it"}},
    {ENXIO, {"no such port", "there is a name, but no adapter behind it"}},
    {EACCES, {"no permission", "the port's group is mostly dialout: is dustd's user in it?"}},
    {EPERM, {"no permission", "the unit's DeviceAllow= may not name this kind of port"}},
    {EWOULDBLOCK, {"taken by another program", "fuser -v PORT shows which"}},
    {EBUSY, {"taken by another program", "fuser -v PORT shows which"}},
    {ENOTTY, {"not a serial port", "path: names something else"}},
    {EISDIR, {"not a serial port", "path: names a folder"}},
    {EOPNOTSUPP, {"its driver cannot switch the direction", "set rs485: false"}},
    {EIO, {"unplugged", ""}},
    {EMFILE, {"too many open files", "LimitNOFILE= of the unit, and at most 900"}},
};

static const struct row connections[] = {
    {ECONNREFUSED, {"connection refused", "the host is there, but nobody listens at this port"}},
    {ETIMEDOUT, {"no answer from the host", "is it switched on, and on this network?"}},
    {EHOSTUNREACH, {"no way to the host", "is it switched on, and on this network?"}},
    {ENETUNREACH, {"no way to the host", "this gateway has no network to it"}},
    {ECONNRESET, {"hung up", "many devices take one connection only"}},
    {EPIPE, {"hung up", "many devices take one connection only"}},
    {EMFILE, {"too many open files", "LimitNOFILE= of the unit, and at most 900"}},
};

struct trouble trouble_of(enum transport transport, int error)
{
    const struct row *rows = transport == TRANSPORT_RTU ? ports : connections;
    size_t n =
        transport == TRANSPORT_RTU ? sizeof ports / sizeof *ports : sizeof connections / sizeof *connections;
    for (size_t i = 0; i < n; i++)
        if (rows[i].error == error)
            return rows[i].is;
    const char *name = strerrordesc_np(error);
    return (struct trouble){name ? name : "unknown error", ""};
}
