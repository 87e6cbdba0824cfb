// From martlet to bubblewrap: a child that shares martlet's memory until it executes (as vfork does), prepares the
// mounts that bubblewrap can't make, and becomes bubblewrap. Between clone and exec it makes system calls only.

#define _GNU_SOURCE
#include <CSandbox.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// <sys/mount.h> of some C libraries clashes with <linux/mount.h>.
int mount(const char *, const char *, const char *, unsigned long, const void *);
#ifndef MS_NOSUID
#define MS_NOSUID 2
#define MS_NODEV 4
#endif
#ifndef MS_REC
#define MS_REC 16384
#define MS_PRIVATE (1 << 18)
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/// One preparation. `tree`: SOURCE becomes visible as /tmp/N, N counting from 0.
/// `overlay`: LOWER, BASE, UPPER and WORK (the last two relative to BASE, which holds both) become /tmp/N.
struct preparation {
    char kind;  // 't' or 'o'
    char *source, *base, *upper, *work;
    int source_tree, base_tree, is_directory;
    char place[32], lower_place[40], base_place[40];
    char *options;
};

struct child {
    csandbox_launch launch;
    struct preparation *preparations;
    int count;
    char **command;
    char *environment[1];
    pid_t parent;
    char user_map[64], group_map[64];
    volatile int error, failed_step, failed_index;
};

static int fail(struct child *child, int step, int index) {
    child->error = errno ? errno : EIO;
    child->failed_step = step;
    child->failed_index = index;
    return 127;
}

static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t written = write(file, text, strlen(text));
    int error = errno;
    close(file);
    errno = error;
    return written < 0 ? -1 : 0;
}

/// A detached copy of the mounts at `path`, seen through the id map if there is one.
static int clone_tree(const char *path, int id_map, int recursive) {
    int tree = (int)syscall(
        SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
    if (tree < 0 || id_map < 0) return tree;
    struct mount_attr attributes;
    memset(&attributes, 0, sizeof(attributes));
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = (unsigned long long)id_map;
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0) {
        int error = errno;
        close(tree);
        errno = error;
        return -1;
    }
    return tree;
}

static int attach(int tree, const char *place) {
    return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH);
}

/// Makes every permitted capability effective again.
static void raise_rights(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return;
    for (int index = 0; index < 2; index++) data[index].effective = data[index].permitted;
    syscall(SYS_capset, &header, data);
}

static int prepare(struct child *child) {
    csandbox_launch *launch = &child->launch;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return fail(child, 'p', 0);
    for (int index = 0; index < child->count; index++) {
        struct preparation *one = &child->preparations[index];
        // An id-mapped clone can't be recursive: a mount below could be of a kind that has no id maps.
        one->source_tree = clone_tree(one->source, launch->id_map, launch->id_map < 0);
        if (one->source_tree < 0) return fail(child, one->kind, index);
        if (one->kind == 'o') {
            one->base_tree = clone_tree(one->base, launch->id_map, 0);
            if (one->base_tree < 0) return fail(child, 'b', index);
        }
    }
    // /tmp is the one directory that every user can enter; what it hides has been cloned above.
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") < 0) return fail(child, 's', 0);
    for (int index = 0; index < child->count; index++) {
        struct preparation *one = &child->preparations[index];
        if (one->is_directory) {
            if (mkdir(one->place, 0755) < 0) return fail(child, 'd', index);
        } else {
            int file = open(one->place, O_CREAT | O_EXCL | O_CLOEXEC | O_WRONLY, 0644);
            if (file < 0) return fail(child, 'd', index);
            close(file);
        }
        if (one->kind == 't') {
            if (attach(one->source_tree, one->place) < 0) return fail(child, 'm', index);
            continue;
        }
        if (mkdir(one->lower_place, 0755) < 0 || mkdir(one->base_place, 0755) < 0) return fail(child, 'd', index);
        if (attach(one->source_tree, one->lower_place) < 0) return fail(child, 'm', index);
        if (attach(one->base_tree, one->base_place) < 0) return fail(child, 'm', index);
        if (launch->user >= 0) {
            // The overlay acts in the name of whoever mounts it: the step's user, as only that one exists in the
            // id-mapped upper. It also needs the rights over files, which the change of user drops, because its
            // work directory has mode 0.
            syscall(SYS_setfsgid, launch->group);
            syscall(SYS_setfsuid, launch->user);
            raise_rights();
        }
        int mounted = mount("overlay", one->place, "overlay", MS_NOSUID | MS_NODEV, one->options);
        int error = errno;
        if (launch->user >= 0) {
            syscall(SYS_setfsuid, 0);
            syscall(SYS_setfsgid, 0);
        }
        errno = error;
        if (mounted < 0) return fail(child, 'o', index);
    }
    return 0;
}

static int join_group(int descriptor) {
    return descriptor < 0 || write(descriptor, "0\n", 2) == 2;
}

static int run(void *argument) {
    struct child *child = argument;
    csandbox_launch *launch = &child->launch;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < 65; signal++) sigaction(signal, &action, NULL);
    umask(022);
    errno = 0;
    if (!join_group(launch->group0) || !join_group(launch->group1) || !join_group(launch->group2) ||
        !join_group(launch->group3))
        return fail(child, 'g', 0);
    if (launch->new_user) {
        if (write_file("/proc/self/setgroups", "deny") < 0 || write_file("/proc/self/uid_map", child->user_map) < 0 ||
            write_file("/proc/self/gid_map", child->group_map) < 0)
            return fail(child, 'u', 0);
    }
    if (launch->new_mounts) {
        int result = prepare(child);
        if (result != 0) return result;
    }
    if (launch->user >= 0) {
        // The C library's own functions would try to change every thread of martlet.
        if (syscall(SYS_setgroups, 0, NULL) < 0 ||
            syscall(SYS_setresgid, launch->group, launch->group, launch->group) < 0 ||
            syscall(SYS_setresuid, launch->user, launch->user, launch->user) < 0)
            return fail(child, 'i', 0);
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail(child, 'k', 0);
    if (getppid() != child->parent) {
        errno = ESRCH;
        return fail(child, 'k', 0);
    }
    syscall(SYS_setsid);

    // Out of the way first, then into their places, then everything else goes.
    int wanted[7] = {-1, launch->output, launch->output, launch->arguments, launch->control, launch->stage,
                     launch->plan};
    int program = fcntl(launch->program, F_DUPFD_CLOEXEC, 64);
    wanted[0] = open("/dev/null", O_RDONLY);
    if (program < 0 || wanted[0] < 0) return fail(child, 'f', 0);
    for (int index = 0; index < 7; index++) {
        if (wanted[index] < 0) continue;
        wanted[index] = fcntl(wanted[index], F_DUPFD_CLOEXEC, 64);
        if (wanted[index] < 0) return fail(child, 'f', index);
    }
    for (int index = 0; index < 7; index++) {
        if (wanted[index] < 0) {
            close(index);
        } else if (dup2(wanted[index], index) < 0) {
            return fail(child, 'f', index);
        }
    }
    syscall(SYS_close_range, 7, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_execveat, program, "", child->command, child->environment, AT_EMPTY_PATH);
    return fail(child, 'x', 0);
}

/// All of a small file; NULL with errno.
static char *slurp(int descriptor, size_t *length) {
    struct stat status;
    if (fstat(descriptor, &status) < 0) return NULL;
    char *bytes = malloc((size_t)status.st_size + 1);
    if (!bytes) return NULL;
    size_t count = 0;
    while (count < (size_t)status.st_size) {
        ssize_t got = pread(descriptor, bytes + count, (size_t)status.st_size - count, (off_t)count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        count += (size_t)got;
    }
    bytes[count] = 0;
    *length = count;
    return bytes;
}

/// The strings of a buffer as an array that ends with NULL.
static char **strings(char *bytes, size_t length, int *count) {
    size_t total = 0;
    for (size_t index = 0; index < length; index++) total += bytes[index] == 0;
    char **list = calloc(total + 1, sizeof(char *));
    if (!list) return NULL;
    char *next = bytes;
    for (size_t index = 0; index < total; index++) {
        list[index] = next;
        next += strlen(next) + 1;
    }
    *count = (int)total;
    return list;
}

static int read_preparations(struct child *child, char **words, int count) {
    struct preparation *list = calloc((size_t)count + 1, sizeof(*list));
    if (!list) return -1;
    child->preparations = list;
    int used = 0;
    for (int index = 0; index < count;) {
        struct preparation *one = &list[used];
        one->kind = words[index][0];
        int fields = one->kind == 'o' ? 5 : 2;
        if (index + fields > count) break;
        one->source = words[index + 1];
        struct stat status;
        if (stat(one->source, &status) < 0) {
            child->error = errno;
            child->failed_step = one->kind;
            child->failed_index = used;
            return -1;
        }
        one->is_directory = S_ISDIR(status.st_mode);
        snprintf(one->place, sizeof(one->place), "/tmp/%d", used);
        if (one->kind == 'o') {
            one->base = words[index + 2];
            one->upper = words[index + 3];
            one->work = words[index + 4];
            snprintf(one->lower_place, sizeof(one->lower_place), "/tmp/%dl", used);
            snprintf(one->base_place, sizeof(one->base_place), "/tmp/%db", used);
            // volatile: without it, the end of every step waits until the whole file system of the upper directory is
            // on the disk. What a step wrote is synced, where it matters, when it is stored.
            if (asprintf(&one->options, "volatile,lowerdir=%s,upperdir=%s%s%s,workdir=%s%s%s%s", one->lower_place,
                    one->base_place, one->upper[0] ? "/" : "", one->upper, one->base_place, one->work[0] ? "/" : "",
                    one->work, child->launch.new_user ? ",userxattr" : ",redirect_dir=off,metacopy=off") < 0) {
                one->options = NULL;
                return -1;
            }
        }
        used++;
        index += fields;
    }
    child->count = used;
    return 0;
}

csandbox_child csandbox_start(csandbox_launch launch) {
    csandbox_child result = {0, 0, 0, -1, -1};
    enum { stack_size = 256 * 1024 };
    struct child child;
    memset(&child, 0, sizeof(child));
    child.launch = launch;
    child.parent = getpid();
    snprintf(child.user_map, sizeof(child.user_map), "%u %u 1", geteuid(), geteuid());
    snprintf(child.group_map, sizeof(child.group_map), "%u %u 1", getegid(), getegid());
    size_t length = 0, preparation_length = 0;
    int count = 0;
    char *command = slurp(launch.command, &length), *preparations = NULL, **words = NULL;
    char *stack = MAP_FAILED;
    child.command = command ? strings(command, length, &count) : NULL;
    if (!child.command || count == 0) goto failed;
    if (launch.preparations >= 0) {
        preparations = slurp(launch.preparations, &preparation_length);
        words = preparations ? strings(preparations, preparation_length, &count) : NULL;
        if (!words || read_preparations(&child, words, count) < 0) goto failed;
    }
    stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) goto failed;

    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
    if (launch.new_mounts) flags |= CLONE_NEWNS;
    if (launch.new_user) flags |= CLONE_NEWUSER;
    // No handler of martlet may run in the child, which shares its memory.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int descriptor = -1;
    int pid = clone(run, stack + stack_size, flags, &child, &descriptor);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        result.error = error;
        result.failed_step = 'c';
    } else if (child.error != 0) {
        csandbox_reap(pid);
        close(descriptor);
        result.error = child.error;
        result.failed_step = child.failed_step;
        result.failed_index = child.failed_index;
    } else {
        result.pid = pid;
        result.pid_descriptor = descriptor;
    }
    goto done;
failed:
    result.error = child.error ? child.error : (errno ? errno : EIO);
    result.failed_step = child.failed_step ? child.failed_step : 'a';
    result.failed_index = child.failed_index;
done:
    if (stack != MAP_FAILED) munmap(stack, stack_size);
    if (child.preparations) {
        for (int index = 0; index < child.count; index++) free(child.preparations[index].options);
    }
    free(child.preparations);
    free(words);
    free(preparations);
    free(child.command);
    free(command);
    return result;
}

static int wait_for_ever(void *argument) {
    (void)argument;
    // If martlet dies between here and the kill below, this goes too.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
    return 0;
}

int32_t csandbox_id_map(uint32_t user_from, uint32_t user_to, uint32_t group_from, uint32_t group_to) {
    enum { stack_size = 64 * 1024 };
    char *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // Without CLONE_VM: the child is a copy that only waits.
    int pid = clone(wait_for_ever, stack + stack_size, CLONE_NEWUSER | SIGCHLD, NULL);
    int result = pid < 0 ? -errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid > 0) {
        char path[64], map[64];
        snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
        snprintf(map, sizeof(map), "%u %u 1", user_from, user_to);
        if (write_file(path, map) < 0) result = -errno;
        snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
        snprintf(map, sizeof(map), "%u %u 1", group_from, group_to);
        if (result == 0 && write_file(path, map) < 0) result = -errno;
        if (result == 0) {
            snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
            result = open(path, O_RDONLY | O_CLOEXEC);
            if (result < 0) result = -errno;
        }
        kill(pid, SIGKILL);
        csandbox_reap(pid);
    }
    munmap(stack, stack_size);
    return result;
}
