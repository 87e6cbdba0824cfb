// System calls that Swift can't call because they are variadic or macros.
#ifndef MARTLET_CHOST_H
#define MARTLET_CHOST_H

#include <stddef.h>
#include <stdint.h>

/// open(2) relative to `directory`, always with O_CLOEXEC; the file descriptor or -1 with errno.
int martlet_openat(int directory, const char *path, int flags, unsigned mode);

/// openat2(2) of a path that may neither leave `directory` nor pass a symbolic link, with O_CLOEXEC; where the system has
/// no such call, openat(2), which checks the last part only. The file descriptor or -1 with errno.
int martlet_open_beneath(int directory, const char *path, int flags);

/// getdents64(2): fills `buffer` with raw directory records; the count of bytes, 0 at the end, or -1 with errno.
ptrdiff_t martlet_getdents(int directory, void *buffer, size_t size);

/// renameat2(2) with RENAME_NOREPLACE, relative to the working directory; 0 or -1 with errno.
int martlet_rename_noreplace(const char *from, const char *to);

/// The processors that this process may use (sched_getaffinity(2)); 1 when that can't be told.
int martlet_processor_count(void);

/// memfd_create(2): a new anonymous file in memory; its descriptor or -1 with errno.
int martlet_memory_file(void);

/// Gives the columns and rows of the terminal behind `descriptor`. 0, or -1 when it is no terminal.
int martlet_terminal_size(int descriptor, int *columns, int *rows);

/// renameat2(2) with RENAME_NOREPLACE; 0 or -1 with errno.
int martlet_renameat_noreplace(int from_directory, const char *from, int to_directory, const char *to);

/// syncfs(2): writes everything of the file system that holds `descriptor` to its disk; 0 or -1 with errno.
int martlet_syncfs(int descriptor);

/// flistxattr(2): the names of the extended attributes of an open file, each with its NUL; their bytes or -1 with errno.
ptrdiff_t martlet_list_attributes(int descriptor, char *buffer, size_t size);

/// fgetxattr(2): the value of an extended attribute of an open file; its bytes or -1 with errno.
ptrdiff_t martlet_get_attribute(int descriptor, const char *name, void *buffer, size_t size);

/// copy_file_range(2) from one descriptor's position to the other's; the bytes copied, 0 at the end, or -1 with errno.
ptrdiff_t martlet_copy_range(int from, int to, size_t size);

/// openat(2) of a directory with O_PATH, links followed: a place that names can be relative to; its descriptor or -1.
int martlet_open_place(int directory, const char *path);

/// fstatfs(2): the magic number of the file system that holds `descriptor`; 0 when that can't be told.
uint32_t martlet_file_system(int descriptor);

/// prctl(2) with PR_SET_DUMPABLE off: no process of the same user may look into this one's memory; 0 or -1 with errno.
int martlet_close_memory(void);

#endif
