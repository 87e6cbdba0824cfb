// Small system calls about processes and descriptors.

#define _GNU_SOURCE
#include <CSandbox.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int32_t csandbox_reap(int32_t pid) {
    int status = 0;
    pid_t ended;
    do ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended < 0 ? -errno : status;
}

int32_t csandbox_kill(int32_t pid_descriptor, int32_t signal) {
    return syscall(SYS_pidfd_send_signal, pid_descriptor, signal, NULL, 0) < 0 ? -errno : 0;
}

int32_t csandbox_pid_descriptor(int32_t pid) {
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int32_t csandbox_own_pid(void) { return getpid(); }
uint32_t csandbox_own_user(void) { return geteuid(); }
uint32_t csandbox_own_group(void) { return getegid(); }
int32_t csandbox_process_exists(int32_t pid) { return kill(pid, 0) == 0 || errno == EPERM; }

int32_t csandbox_memory_file(void) {
    int descriptor = memfd_create("martlet", MFD_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int32_t csandbox_reopen(int32_t descriptor) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    int reopened = open(path, O_RDONLY | O_CLOEXEC);
    return reopened < 0 ? -errno : reopened;
}

int32_t csandbox_rewind(int32_t descriptor) { return lseek(descriptor, 0, SEEK_SET) < 0 ? -errno : 0; }

int32_t csandbox_event_descriptor(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int32_t csandbox_signal_event(int32_t descriptor) {
    uint64_t one = 1;
    return write(descriptor, &one, sizeof(one)) < 0 ? -errno : 0;
}

csandbox_pair csandbox_pipe(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return (csandbox_pair){errno, -1, -1};
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return (csandbox_pair){0, ends[0], ends[1]};
}

csandbox_pair csandbox_socket_pair(void) {
    int ends[2], on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return (csandbox_pair){errno, -1, -1};
    setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return (csandbox_pair){0, ends[0], ends[1]};
}
