#include "daemon/base/loop.h"

#include "daemon/base/err.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

int loop_signals(void)
{
    int null = open("/dev/null", O_RDWR);
    while (null >= 0 && null <= 2)
        null = open("/dev/null", O_RDWR);
    if (null > 2)
        close(null);
    signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return ERR_IO;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? ERR_IO : fd;
}

int loop_signal_next(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

int loop_timer(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return fd < 0 ? ERR_IO : fd;
}

void loop_timer_set(int fd, int64_t in_us)
{
    if (in_us < 1)
        in_us = 1;
    struct itimerspec t = {
        .it_value = {.tv_sec = (time_t)(in_us / 1000000), .tv_nsec = (long)(in_us % 1000000) * 1000}};
    timerfd_settime(fd, 0, &t, NULL);
}

void loop_timer_woken(int fd)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0) {
        /* EAGAIN: set again in the meantime */
    }
}
