#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

int martlet_openat(int directory, const char *path, int flags, unsigned mode) {
    return openat(directory, path, flags | O_CLOEXEC, mode);
}

int martlet_open_beneath(int directory, const char *path, int flags) {
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC), .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int opened = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (opened < 0 && errno == ENOSYS) return martlet_openat(directory, path, flags | O_NOFOLLOW, 0);
    return opened;
}

ptrdiff_t martlet_getdents(int directory, void *buffer, size_t size) {
    return syscall(SYS_getdents64, directory, buffer, size);
}

int martlet_rename_noreplace(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int martlet_processor_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int martlet_memory_file(void) {
    return memfd_create("martlet", MFD_CLOEXEC);
}

int martlet_renameat_noreplace(int from_directory, const char *from, int to_directory, const char *to) {
    return renameat2(from_directory, from, to_directory, to, RENAME_NOREPLACE);
}

int martlet_syncfs(int descriptor) {
    return syncfs(descriptor);
}

ptrdiff_t martlet_list_attributes(int descriptor, char *buffer, size_t size) {
    return flistxattr(descriptor, buffer, size);
}

ptrdiff_t martlet_get_attribute(int descriptor, const char *name, void *buffer, size_t size) {
    return fgetxattr(descriptor, name, buffer, size);
}

ptrdiff_t martlet_copy_range(int from, int to, size_t size) {
    return copy_file_range(from, NULL, to, NULL, size, 0);
}

uint32_t martlet_file_system(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (uint32_t)status.f_type : 0;
}

int martlet_open_place(int directory, const char *path) {
    return openat(directory, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int martlet_close_memory(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
