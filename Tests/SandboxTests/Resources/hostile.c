// One attempt to get out of a sandbox or to disturb the host: `hostile NAME OUTSIDE PID`, where OUTSIDE is a directory
// of the host that is not declared and PID a process of the host. Exits 0 if the attempt was refused, 66 if it
// succeeded. Compiled when the tests run.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REFUSED = 0, GOT_THROUGH = 66, UNKNOWN = 2 };
static const char *outside;
static int outside_pid;

static int verdict(long result) {
    if (result < 0) {
        printf("refused: %s\n", strerror(errno));
        return REFUSED;
    }
    printf("got through\n");
    return GOT_THROUGH;
}

static int opens(const char *path, int flags) {
    int file = open(path, flags, 0644);
    if (file < 0) return verdict(-1);
    char byte = '1';
    ssize_t count = (flags & O_ACCMODE) == O_RDONLY ? read(file, &byte, 1) : write(file, &byte, 1);
    return verdict(count > 0 ? 0 : -1);
}

static int opens_outside(const char *name, int flags) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", outside, name);
    return opens(path, flags);
}

static int connects(const void *address, socklen_t length, int family, int type, int sends) {
    int descriptor = socket(family, type, 0);
    if (descriptor < 0) return verdict(-1);
    long result = sends ? sendto(descriptor, "x", 1, 0, address, length) : connect(descriptor, address, length);
    return verdict(result);
}

static int connects_unix(const char *path, int is_abstract) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    memcpy(address.sun_path + is_abstract, path, length);
    return connects(&address, offsetof(struct sockaddr_un, sun_path) + length + 1, AF_UNIX, SOCK_STREAM, 0);
}

static int connects_inet(int type, int sends) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
    address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1, for documentation
    return connects(&address, sizeof(address), AF_INET, type, sends);
}

static int attempt(const char *name) {
#define IS(text) (strcmp(name, text) == 0)
    char buffer[4096] = {0}, path[4096];
    struct timespec when = {1000000000, 0};
    struct timeval moment = {1000000000, 0};
    if (IS("signer-socket")) {
        snprintf(path, sizeof(path), "%s/s", outside);
        return connects_unix(path, 0);
    }
    if (IS("abstract-socket")) return connects_unix("martlet-signer", 1);
    if (IS("tcp")) return connects_inet(SOCK_STREAM, 0);
    if (IS("udp")) return connects_inet(SOCK_DGRAM, 1);
    if (IS("key-file")) return opens_outside("key", O_RDONLY);
    if (IS("host-name")) return opens("/etc/hostname", O_RDONLY);
    if (IS("shadow")) return opens("/etc/shadow", O_RDONLY);
    if (IS("host-shared-memory-file")) return opens("/dev/shm/martlet-outside", O_RDONLY);
    if (IS("proc-root")) {
        snprintf(path, sizeof(path), "/proc/%d/root/etc/passwd", outside_pid);
        return opens(path, O_RDONLY);
    }
    if (IS("first-process-root")) return opens("/proc/1/root/etc/passwd", O_RDONLY);
    if (IS("first-process-memory")) return opens("/proc/1/mem", O_RDWR);
    if (IS("first-process-environment")) return opens("/proc/1/environ", O_RDONLY);
    if (IS("ptrace")) return verdict(ptrace(PTRACE_ATTACH, 1, 0, 0));
    if (IS("process-memory")) return verdict(syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0));
    if (IS("process-descriptor")) return verdict(syscall(438, 0, 0, 0));
    if (IS("kill")) return verdict(kill(outside_pid, SIGCONT));
    if (IS("keyring")) return verdict(syscall(SYS_keyctl, 0, -3, 1));
    if (IS("add-key")) return verdict(syscall(SYS_add_key, "user", "a", "b", 1, -3));
    if (IS("system-v-memory")) return verdict(shmget(0x6d61726c, 4096, 0600));
    if (IS("store-write")) return opens("/store/blob", O_WRONLY);
    if (IS("store-link")) {
        if (link("/store/blob", "/build/linked") < 0) return opens("/store/blob", O_WRONLY | O_TRUNC);
        return GOT_THROUGH;
    }
    if (IS("store-mode")) return chmod("/store/blob", 0666) < 0 ? opens("/store/blob", O_RDWR) : GOT_THROUGH;
    if (IS("tool-write")) return opens("/usr/bin/evil", O_WRONLY | O_CREAT);
    if (IS("root-write")) return opens("/evil", O_WRONLY | O_CREAT);
    if (IS("device-write")) return opens("/dev/evil", O_WRONLY | O_CREAT);
    if (IS("character-device")) return verdict(mknod("/build/mem", S_IFCHR | 0666, 0x101));
    if (IS("block-device")) return verdict(mknod("/build/disk", S_IFBLK | 0666, 0x800));
    if (IS("false-whiteout")) return verdict(mknod("/build/gone", S_IFCHR, 0));
    if (IS("mount")) return verdict(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0));
    if (IS("unmount")) return verdict(syscall(SYS_umount2, "/store", 2));
    if (IS("pivot-root")) return verdict(syscall(SYS_pivot_root, "/tmp", "/tmp"));
    if (IS("new-mount-calls")) return verdict(syscall(430, "tmpfs", 0));
    if (IS("setuid-mode")) {
        close(open("/build/tool", O_CREAT | O_WRONLY, 0755));
        return verdict(chmod("/build/tool", 04755));
    }
    if (IS("setuid-at-birth")) return verdict(open("/build/tool", O_CREAT | O_WRONLY, 04755));
    if (IS("setgid-mode")) {
        int file = open("/build/tool", O_CREAT | O_WRONLY, 0755);
        return verdict(fchmod(file, 02755));
    }
    if (IS("link-out")) {
        snprintf(path, sizeof(path), "%s/planted", outside);
        if (symlink(path, "/build/out") < 0) return verdict(-1);
        return opens("/build/out", O_WRONLY | O_CREAT);
    }
    if (IS("dot-dot")) return opens("/build/../../../../../../etc/hostname", O_RDONLY);
    if (IS("daemon")) {
        if (fork() == 0) {
            setsid();
            signal(SIGTERM, SIG_IGN);
            signal(SIGHUP, SIG_IGN);
            if (fork() == 0) {
                close(0), close(1), close(2);
                for (;;) pause();
            }
            _exit(0);
        }
        wait(NULL);
        return REFUSED;
    }
    if (IS("fork-bomb")) {
        for (;;) {
            if (fork() < 0) usleep(1000);
        }
    }
    if (IS("thread-of-time")) {
        for (;;) pause();
    }
    if (IS("memory-hog")) {
        for (size_t count = 0;; count++) {
            char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (block == MAP_FAILED) {
                usleep(1000);
                continue;
            }
            memset(block, 1, 1 << 20);
        }
    }
    if (IS("memory-family")) {
        for (int index = 0; index < 8; index++) {
            if (fork() == 0) {
                for (int block = 0; block < 24; block++) {
                    char *bytes = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                    if (bytes != MAP_FAILED) memset(bytes, 1, 1 << 20);
                }
                for (;;) pause();
            }
        }
        for (;;) pause();
    }
    if (IS("big-file")) {
        int file = open("/build/big", O_CREAT | O_WRONLY, 0644);
        memset(buffer, 'x', sizeof(buffer));
        for (int count = 0; count < 1 << 20; count++) {
            if (write(file, buffer, sizeof(buffer)) < 0) return verdict(-1);
        }
        return GOT_THROUGH;
    }
    if (IS("fill-tmp") || IS("fill-shared-memory")) {
        int file = open(IS("fill-tmp") ? "/tmp/big" : "/dev/shm/big", O_CREAT | O_WRONLY, 0644);
        if (ftruncate(file, 0) < 0) return verdict(-1);
        memset(buffer, 'x', sizeof(buffer));
        for (int count = 0; count < 1 << 20; count++) {
            if (write(file, buffer, sizeof(buffer)) < 0) return verdict(-1);
        }
        return GOT_THROUGH;
    }
    if (IS("huge-output")) {
        memset(buffer, 'x', sizeof(buffer));
        for (;;) {
            if (write(1, buffer, sizeof(buffer)) < 0) return verdict(-1);
        }
    }
    if (IS("control-group")) return opens("/sys/fs/cgroup/memory/cgroup.procs", O_WRONLY);
    if (IS("terminal-input")) return verdict(ioctl(0, 0x5412 /* TIOCSTI */, "x"));
    if (IS("terminal-input-high-bits")) return verdict(syscall(SYS_ioctl, 0, 0x100005412UL, "x"));
    if (IS("clock")) return verdict(clock_settime(CLOCK_REALTIME, &when));
    if (IS("time-of-day")) return verdict(syscall(SYS_settimeofday, &moment, 0));
    if (IS("reboot")) return verdict(syscall(SYS_reboot, 0, 0, 0, 0));
    if (IS("bpf")) return verdict(syscall(SYS_bpf, 0, buffer, 64));
    if (IS("perf")) return verdict(syscall(SYS_perf_event_open, buffer, 0, -1, -1, 0));
    if (IS("userfaultfd")) return verdict(syscall(SYS_userfaultfd, 1));
    if (IS("io-uring")) return verdict(syscall(425, 4, buffer));
    if (IS("file-handle")) return verdict(syscall(SYS_open_by_handle_at, 0, buffer, 0));
    if (IS("set-namespace")) return verdict(setns(open("/proc/1/ns/net", O_RDONLY), 0));
    if (IS("unshare-user")) return verdict(unshare(CLONE_NEWUSER));
    if (IS("clone-user")) {
        long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) _exit(0);
        return verdict(child);
    }
    if (IS("kexec")) return verdict(syscall(SYS_kexec_load, 0, 0, 0, 0));
    if (IS("swap-on")) return verdict(syscall(SYS_swapon, "/build/swap", 0));
    if (IS("module")) return verdict(syscall(SYS_init_module, buffer, 4096, ""));
    if (IS("chroot")) return verdict(chroot("/build"));
    if (IS("sysctl")) return opens("/proc/sys/kernel/core_pattern", O_WRONLY);
    if (IS("kernel-memory")) return opens("/proc/kcore", O_RDONLY);
    if (IS("system-request")) return opens("/proc/sysrq-trigger", O_WRONLY);
    if (IS("kernel-log")) return verdict(syscall(SYS_syslog, 3, buffer, 100));
    if (IS("fanotify")) return verdict(syscall(SYS_fanotify_init, 0, 0));
    if (IS("host-name-set")) return verdict(sethostname("evil", 4));
    if (IS("accounting")) return verdict(syscall(SYS_acct, "/build/acct"));
    if (IS("quota")) return verdict(syscall(SYS_quotactl, 0, 0, 0, 0));
    if (IS("vsock")) return verdict(socket(40, SOCK_STREAM, 0));
    if (IS("packet-socket")) return verdict(socket(17, SOCK_RAW, 0));
    if (IS("kernel-crypto-socket")) return verdict(socket(38, SOCK_SEQPACKET, 0));
    if (IS("become-root")) return verdict(setuid(0));
    if (IS("become-group-root")) return verdict(setresgid(-1, 0, -1));
    if (IS("become-root-again")) return verdict(setresuid(-1, -1, 0));
    if (IS("inherited-descriptor")) {
        for (int descriptor = 3; descriptor < 1024; descriptor++) {
            if (fcntl(descriptor, F_GETFD) >= 0) return GOT_THROUGH;
        }
        // Nor has one a path.
        return opens("/proc/self/fd/3", O_RDONLY);
    }
#if defined(__x86_64__)
    if (IS("x32")) return verdict(syscall(0x40000000 | 39));
    if (IS("io-port")) return verdict(syscall(SYS_iopl, 3));
#endif
    return UNKNOWN;
}

int main(int count, char **words) {
    if (count < 4) return UNKNOWN;
    outside = words[2];
    outside_pid = atoi(words[3]);
    return attempt(words[1]);
}
