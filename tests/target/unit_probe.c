/* Tries what a service may and may not do, and says of each how it went: "PROBE <what>: ALLOWED" or the
 * error. Run once in dustd's own sandbox and once without, by the guest of the boot test. The things named
 * "loose" anybody may use who is in no sandbox, so that a refusal shows the sandbox and not just a file's
 * mode. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tell(const char *what, bool allowed)
{
    printf("PROBE %s: %s\n", what, allowed ? "ALLOWED" : strerror(errno));
    fflush(stdout);
}

static void try_open(const char *how, const char *path, int flags)
{
    char what[160];
    snprintf(what, sizeof what, "%s %s", how, path);
    int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    tell(what, fd >= 0);
    if (fd >= 0)
        close(fd);
}

static void try_files(void)
{
    static const char *const reads[] = {"/etc/dustd/dustd.yaml", "/etc/shadow", "/proc/1/environ",
                                        "/root/.bashrc", "/home/loose"};
    static const char *const writes[] = {"/etc/loose/x",         "/usr/loose/x",     "/var/lib/loose/x",
                                         "/var/lib/dustd/probe", "/run/dustd/probe", "/tmp/probe"};
    static const char *const devices[] = {"/dev/ttyS0",   "/dev/null",       "/dev/mem",       "/dev/kmsg",
                                          "/dev/console", "/dev/loose-zero", "/dev/loose-disk"};
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        try_open("read", reads[i], O_RDONLY);
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        try_open("write", writes[i], O_RDWR | O_CREAT);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        try_open("use", devices[i], O_RDWR);
    try_open("write", "/proc/sys/kernel/panic", O_WRONLY);
    try_open("write", "/sys/fs/cgroup/cgroup.procs", O_WRONLY);
}

static void try_socket(const char *what, int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    tell(what, fd >= 0);
    if (fd >= 0)
        close(fd);
}

static void try_sockets(void)
{
    try_socket("socket AF_UNIX", AF_UNIX, SOCK_DGRAM, 0);
    try_socket("socket AF_INET", AF_INET, SOCK_STREAM, 0);
    try_socket("socket AF_NETLINK", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    try_socket("socket AF_PACKET", AF_PACKET, SOCK_RAW, 0);
}

static void *nothing(void *arg)
{
    return arg;
}

static void try_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    tell("a thread", errno == 0);
    pthread_join(thread, NULL);
}

static void try_shell(void)
{
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
        _exit(errno);
    }
    int status = 0;
    waitpid(child, &status, 0);
    errno = WEXITSTATUS(status);
    tell("run /bin/sh", status == 0);
}

static void try_calls(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tell("memory to write and execute", page != MAP_FAILED);
    tell("unshare", unshare(CLONE_NEWUSER) == 0);
    tell("mount", mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
    tell("set the clock", clock_settime(CLOCK_REALTIME, &now) == 0);
    tell("ask for the clock", adjtimex(&(struct timex){0}) >= 0);
    tell("bpf", syscall(SYS_bpf, 0, NULL, 0) == 0);
    tell("keyctl", syscall(SYS_keyctl, 0, -4, 1) >= 0); /* the user's keyring */
    tell("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    tell("become root", setuid(0) == 0);
}

int main(void)
{
    printf("PROBE uid=%d gid=%d no_new_privs=%d seccomp=%d\n", (int)getuid(), (int)getgid(),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
    try_files();
    try_sockets();
    try_thread();
    try_shell();
    try_calls();
    printf("PROBE done\n");
    return 0;
}
