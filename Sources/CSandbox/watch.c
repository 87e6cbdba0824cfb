// martlet's side while a command runs: waiting, messages of the stage, system calls that ask for an answer.

#define _GNU_SOURCE
#include <CSandbox.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

csandbox_ready csandbox_wait(
    int32_t output, int32_t control, int32_t notify, int32_t child, int32_t wake, int32_t milliseconds) {
    struct pollfd list[5] = {
        {output, POLLIN, 0}, {control, POLLIN, 0}, {notify, POLLIN, 0}, {child, POLLIN, 0}, {wake, POLLIN, 0}};
    csandbox_ready ready = {0, 0, 0, 0, 0, 0};
    int count = poll(list, 5, milliseconds);
    if (count < 0) {
        ready.error = errno == EINTR ? 0 : errno;
        return ready;
    }
    ready.output = list[0].revents != 0;
    ready.control = list[1].revents != 0;
    // A listener whose last process is gone reports only POLLHUP.
    ready.notify = (list[2].revents & POLLIN) ? 1 : (list[2].revents != 0 ? 2 : 0);
    ready.child = list[3].revents != 0;
    ready.wake = list[4].revents != 0;
    return ready;
}

csandbox_message csandbox_receive(int32_t control) {
    csandbox_message result = {CSANDBOX_SAYS_NOTHING, 0, 0, -1, -1};
    int32_t words[3] = {0, 0, 0};
    struct iovec vector = {words, sizeof(words)};
    union {
        struct cmsghdr header;
        char space[256];
    } room;
    struct msghdr message;
    memset(&message, 0, sizeof(message));
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = &room;
    message.msg_controllen = sizeof(room);
    ssize_t count = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) result.kind = CSANDBOX_SAYS_END_OF_FILE;
        return result;
    }
    for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_level != SOL_SOCKET) continue;
        if (one->cmsg_type == SCM_CREDENTIALS) {
            struct ucred credentials;
            memcpy(&credentials, CMSG_DATA(one), sizeof(credentials));
            result.pid = credentials.pid;
        } else if (one->cmsg_type == SCM_RIGHTS) {
            size_t descriptors = (one->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t index = 0; index < descriptors; index++) {
                int descriptor;
                memcpy(&descriptor, CMSG_DATA(one) + index * sizeof(int), sizeof(int));
                if (result.descriptor < 0) {
                    result.descriptor = descriptor;
                } else {
                    close(descriptor);
                }
            }
        }
    }
    result.kind = count == 0 ? CSANDBOX_SAYS_END_OF_FILE : count == sizeof(words) ? words[0] : CSANDBOX_SAYS_NOTHING;
    result.value = words[1];
    result.detail = words[2];
    return result;
}

csandbox_call csandbox_next_call(int32_t notify) {
    csandbox_call call;
    memset(&call, 0, sizeof(call));
    // The kernel may know a longer structure than this header; it wants it zeroed.
    union {
        struct seccomp_notif notification;
        char space[512];
    } room;
    memset(&room, 0, sizeof(room));
    if (ioctl(notify, SECCOMP_IOCTL_NOTIF_RECV, &room) < 0) {
        call.error = -errno;
        return call;
    }
    call.pid = (int32_t)room.notification.pid;
    call.id = room.notification.id;
    call.number = room.notification.data.nr;
    call.architecture = room.notification.data.arch;
    call.argument0 = room.notification.data.args[0];
    call.argument1 = room.notification.data.args[1];
    call.argument2 = room.notification.data.args[2];
    call.argument3 = room.notification.data.args[3];
    call.argument4 = room.notification.data.args[4];
    call.argument5 = room.notification.data.args[5];
    return call;
}

int32_t csandbox_answer(int32_t notify, uint64_t id, int32_t refusal) {
    union {
        struct seccomp_notif_resp response;
        char space[512];
    } room;
    memset(&room, 0, sizeof(room));
    room.response.id = id;
    if (refusal == 0) {
        room.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } else {
        room.response.error = -refusal;
    }
    return ioctl(notify, SECCOMP_IOCTL_NOTIF_SEND, &room) < 0 ? -errno : 0;
}

/// Whether the call still waits: only then was what we read its own memory, and not that of a later process.
static int waits(int32_t notify, uint64_t id) { return ioctl(notify, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

/// Up to `limit` bytes at `address` of process `pid`, page by page, as the last page may be missing.
static ssize_t peek(int32_t pid, uint64_t address, char *bytes, size_t limit) {
    size_t count = 0;
    while (count < limit) {
        size_t chunk = 4096 - ((address + count) & 4095);
        if (chunk > limit - count) chunk = limit - count;
        struct iovec local = {bytes + count, chunk}, remote = {(void *)(uintptr_t)(address + count), chunk};
        ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
        if (got <= 0) return count > 0 ? (ssize_t)count : -errno;
        count += (size_t)got;
        if (memchr(bytes + count - got, 0, (size_t)got)) break;
    }
    return (ssize_t)count;
}

static int32_t keep(int32_t record, const char *bytes, size_t length) {
    return pwrite(record, bytes, length, 0) == (ssize_t)length ? (int32_t)length : -EIO;
}

/// Opens `path` in the tree of `pid`, as a place only, never leaving that tree.
static int place_in_root(int32_t pid, const char *path, int follow) {
    char root[64];
    snprintf(root, sizeof(root), "/proc/%d/root", pid);
    int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -errno;
    struct open_how how;
    memset(&how, 0, sizeof(how));
    how.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    int place = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
    int error = errno;
    close(directory);
    return place < 0 ? -error : place;
}

csandbox_examined csandbox_examine_path(
    int32_t notify, uint64_t id, int32_t pid, int32_t directory, uint64_t address, int32_t follow, int32_t record) {
    csandbox_examined result = {0, 0, 0, 0};
    char path[4097], whole[8400];
    ssize_t count = peek(pid, address, path, 4096);
    if (count < 0) {
        result.error = (int32_t)count;
        return result;
    }
    path[count] = 0;
    if (path[0] == '/') {
        snprintf(whole, sizeof(whole), "%s", path);
    } else {
        char link[64], base[4097];
        if (directory == AT_FDCWD) {
            snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
        } else {
            snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, directory);
        }
        // The kernel gives the path relative to our root, and the sandbox's root is a mount that we don't see, so
        // this is the path as the sandbox sees it.
        ssize_t length = readlink(link, base, sizeof(base) - 1);
        if (length < 0) {
            result.error = -errno;
            return result;
        }
        base[length] = 0;
        snprintf(whole, sizeof(whole), path[0] ? "%s/%s" : "%s%s", base, path);
    }
    int place = place_in_root(pid, whole, follow);
    result.found = place >= 0 || place == -ELOOP || place == -EXDEV;
    if (place < 0) {
        char parent[8400];
        snprintf(parent, sizeof(parent), "%s", whole);
        char *slash = strrchr(parent, '/');
        if (slash) {
            slash[slash == parent] = 0;
            place = place_in_root(pid, parent, 1);
        }
    }
    if (place >= 0) {
        struct statvfs file_system;
        if (fstatvfs(place, &file_system) == 0) result.read_only = (file_system.f_flag & ST_RDONLY) != 0;
        close(place);
    }
    if (!waits(notify, id)) {
        result.error = -ESRCH;
        return result;
    }
    result.length = keep(record, whole, strlen(whole));
    return result;
}

csandbox_examined csandbox_examine_address(
    int32_t notify, uint64_t id, int32_t pid, uint64_t address, uint64_t length, int32_t record) {
    csandbox_examined result = {0, 0, 0, 0};
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in inet;
        struct sockaddr_in6 inet6;
        char space[256];
    } room;
    memset(&room, 0, sizeof(room));
    if (length > sizeof(room) - 1) length = sizeof(room) - 1;
    struct iovec local = {&room, length}, remote = {(void *)(uintptr_t)address, length};
    ssize_t count = length > 0 ? process_vm_readv(pid, &local, 1, &remote, 1, 0) : 0;
    if (count < 2) {
        result.error = count < 0 ? -errno : -EINVAL;
        return result;
    }
    if (!waits(notify, id)) {
        result.error = -ESRCH;
        return result;
    }
    char text[512], host[INET6_ADDRSTRLEN] = "?";
    if (room.any.sa_family == AF_UNIX) {
        size_t size = (size_t)count - offsetof(struct sockaddr_un, sun_path);
        if (room.local.sun_path[0] == 0) {
            snprintf(text, sizeof(text), "unix @%.*s", (int)(size > 0 ? size - 1 : 0), room.local.sun_path + 1);
        } else {
            snprintf(text, sizeof(text), "unix %.*s", (int)size, room.local.sun_path);
            int place = room.local.sun_path[0] == '/' ? place_in_root(pid, room.local.sun_path, 1) : 0;
            result.found = place >= 0;
            if (place > 0) close(place);
        }
    } else if (room.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &room.inet.sin_addr, host, sizeof(host));
        // Its own loopback interface is the sandbox's.
        result.found = (ntohl(room.inet.sin_addr.s_addr) >> 24) == 127 || room.inet.sin_addr.s_addr == 0;
        snprintf(text, sizeof(text), "inet %s port %d", host, ntohs(room.inet.sin_port));
    } else if (room.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &room.inet6.sin6_addr, host, sizeof(host));
        result.found = IN6_IS_ADDR_LOOPBACK(&room.inet6.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&room.inet6.sin6_addr);
        snprintf(text, sizeof(text), "inet6 %s port %d", host, ntohs(room.inet6.sin6_port));
    } else {
        result.found = room.any.sa_family == AF_UNSPEC || room.any.sa_family == AF_NETLINK;
        snprintf(text, sizeof(text), "other family %d", room.any.sa_family);
    }
    result.length = keep(record, text, strlen(text));
    return result;
}

int32_t csandbox_examine_process(int32_t pid, int32_t target) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d", target);
    int place = place_in_root(pid, path, 1);
    if (place < 0) return place != -ENOENT;
    close(place);
    return 1;
}
