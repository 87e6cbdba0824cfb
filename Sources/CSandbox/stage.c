// The stage: the first program inside the walls, process 1 of the sandbox. It sets limits, loads the filter, hands
// the filter's listener to martlet, starts the command, and reports its exact end.
//
// It is machine code of this library, copied out of the section `martlet_stage` into a file in memory with an ELF
// header before it: no second binary to ship, and it starts in the time of one execve. So the code in that section
// stands alone: no library calls, no constant data, no addresses of symbols; system calls only.

#define _GNU_SOURCE
#include <CSandbox.h>
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const char __start_martlet_stage[] __attribute__((visibility("hidden")));
extern const char __stop_martlet_stage[] __attribute__((visibility("hidden")));

// Unoptimised, or the compiler would find a strlen in a loop and call the library's.
#define IN_STAGE \
    __attribute__((section("martlet_stage"), used, noinline, optnone, visibility("hidden"), no_sanitize("all"), \
        no_profile_instrument_function))
#define INLINE static inline __attribute__((always_inline, no_sanitize("all"), no_profile_instrument_function))

#if defined(__x86_64__)

__asm__(
    ".pushsection martlet_stage,\"ax\",@progbits\n"
    ".globl csandbox_stage_entry\n"
    ".hidden csandbox_stage_entry\n"
    ".type csandbox_stage_entry,@function\n"
    "csandbox_stage_entry:\n"
    "  xor %ebp, %ebp\n"
    "  and $-16, %rsp\n"
    "  call csandbox_stage_main\n"
    "  hlt\n"
    ".popsection\n");
#define STAGE_MACHINE EM_X86_64

INLINE long call6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

__asm__(
    ".pushsection martlet_stage,\"ax\",@progbits\n"
    ".globl csandbox_stage_entry\n"
    ".hidden csandbox_stage_entry\n"
    ".type csandbox_stage_entry,@function\n"
    "csandbox_stage_entry:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  bl csandbox_stage_main\n"
    "  brk #0\n"
    ".popsection\n");
#define STAGE_MACHINE EM_AARCH64

INLINE long call6(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#else
#error "The stage is written for x86_64 and aarch64."
#endif

extern const char csandbox_stage_entry[] __attribute__((visibility("hidden")));

#define CALL(number, a, b, c, d) call6((number), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CONTROL 4

// Kernel structures spelt out, so that no header brings a library call along.
struct stage_vector {
    void *base;
    unsigned long length;
};
struct stage_message {
    void *name;
    unsigned int name_length;
    struct stage_vector *vectors;
    unsigned long vector_count;
    void *control;
    unsigned long control_length;
    int flags;
};
struct stage_rights {
    unsigned long length;
    int level, type;
    int descriptor, padding;
};
struct stage_filter {
    unsigned short count;
    const void *instructions;
};
struct stage_limit {
    unsigned long current, maximum;
};

INLINE void say(int kind, long value, int detail, int descriptor) {
    int words[3];
    words[0] = kind;
    words[1] = (int)value;
    words[2] = detail;
    struct stage_vector vector;
    vector.base = words;
    vector.length = sizeof(words);
    struct stage_rights rights;
    rights.length = 20;
    rights.level = 1;  // SOL_SOCKET
    rights.type = 1;   // SCM_RIGHTS
    rights.descriptor = descriptor;
    rights.padding = 0;
    struct stage_message message;
    message.name = 0;
    message.name_length = 0;
    message.vectors = &vector;
    message.vector_count = 1;
    message.control = descriptor >= 0 ? &rights : 0;
    message.control_length = descriptor >= 0 ? 24 : 0;
    message.flags = 0;
    CALL(SYS_sendmsg, CONTROL, &message, 0x4000 /* MSG_NOSIGNAL */, 0);
}

INLINE void leave(int status) {
    for (;;) CALL(SYS_exit_group, status, 0, 0, 0);
}

INLINE char **pointers(char *text, unsigned int count, char **room) {
    unsigned int index = 0;
    while (index < count) {
        room[index++] = text;
        while (*text) text++;
        text++;
    }
    room[index] = 0;
    return room;
}

/// Replaces the child by the command: `name` as it is if it has a slash, else tried in every directory of `search`.
INLINE long execute(const char *name, char **arguments, char **environment, const char *search) {
    const char *end = name;
    int slash = 0;
    while (*end) slash |= *end++ == '/';
    if (slash) return CALL(SYS_execve, name, arguments, environment, 0);
    long result = -2;  // ENOENT
    char candidate[4096];
    while (*search) {
        unsigned long length = 0;
        while (*search && *search != ':' && length < 3000) candidate[length++] = *search++;
        candidate[length++] = '/';
        for (const char *byte = name; *byte && length < 4094; byte++) candidate[length++] = *byte;
        candidate[length] = 0;
        long failure = CALL(SYS_execve, candidate, arguments, environment, 0);
        if (failure != -2 && failure != -20) result = failure;
        while (*search && *search != ':') search++;
        if (*search) search++;
    }
    return result;
}

/// Whether a file system has no room for another block or another file; not when it has no bound or cannot be asked.
INLINE int is_full(const char *place) {
    unsigned long figures[64];  // struct statfs: type, block size, blocks, free blocks, available, files, free files
    figures[2] = 0;
    if (CALL(SYS_statfs, place, figures, 0, 0) < 0 || figures[2] == 0) return 0;
    return figures[3] == 0 || figures[6] == 0;
}

IN_STAGE __attribute__((noreturn)) void csandbox_stage_main(void) {
    long size = CALL(SYS_lseek, 6, 0, 2, 0);
    long map = size < 0 ? size : call6(SYS_mmap, 0, size, 3, 2 /* MAP_PRIVATE */, 6, 0);
    unsigned int *plan = (unsigned int *)map;
    if (map < 0 && map > -4096) {
        say(CSANDBOX_SAYS_FAILED, -map, CSANDBOX_STEP_PLAN, -1);
        leave(1);
    }
    if (plan[0] != CSANDBOX_PLAN_MAGIC) {
        say(CSANDBOX_SAYS_FAILED, 22, CSANDBOX_STEP_PLAN, -1);
        leave(1);
    }
    char *bytes = (char *)plan;
    unsigned int flags = plan[CSANDBOX_PLAN_FLAGS];

    unsigned int argument_count = plan[CSANDBOX_PLAN_ARGUMENT_COUNT];
    unsigned int environment_count = plan[CSANDBOX_PLAN_ENVIRONMENT_COUNT];
    long room = call6(
        SYS_mmap, 0, ((long)argument_count + environment_count + 2) * 8, 3, 0x22 /* PRIVATE, ANONYMOUS */, -1, 0);
    if (room < 0 && room > -4096) {
        say(CSANDBOX_SAYS_FAILED, -room, CSANDBOX_STEP_PLAN, -1);
        leave(1);
    }
    char **arguments = pointers(bytes + plan[CSANDBOX_PLAN_ARGUMENTS], argument_count, (char **)room);
    char **environment =
        pointers(bytes + plan[CSANDBOX_PLAN_ENVIRONMENT], environment_count, (char **)room + argument_count + 1);

    CALL(SYS_umask, 022, 0, 0, 0);
    // Not dumpable, so that the command can't write the memory of process 1 through /proc.
    CALL(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 0, 0, 0);
    CALL(SYS_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0);
    CALL(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */, 0, 0, 0);
    if (flags & CSANDBOX_PLAN_COLLECT) CALL(SYS_prctl, 36 /* PR_SET_CHILD_SUBREAPER */, 1, 0, 0);
    long result = CALL(SYS_chdir, bytes + plan[CSANDBOX_PLAN_DIRECTORY], 0, 0, 0);
    if (result < 0) {
        say(CSANDBOX_SAYS_FAILED, -result, CSANDBOX_STEP_DIRECTORY, -1);
        leave(1);
    }
    unsigned int *limits = (unsigned int *)(bytes + plan[CSANDBOX_PLAN_LIMITS]);
    for (unsigned int index = 0; index < plan[CSANDBOX_PLAN_LIMIT_COUNT]; index++) {
        struct stage_limit current;
        struct stage_limit limit;
        unsigned long value =
            (unsigned long)limits[index * 3 + 1] | ((unsigned long)limits[index * 3 + 2] << 32);
        CALL(SYS_prlimit64, 0, limits[index * 3], 0, &current);
        // Never above what martlet itself may have.
        limit.maximum = value < current.maximum ? value : current.maximum;
        limit.current = limit.maximum;
        result = CALL(SYS_prlimit64, 0, limits[index * 3], &limit, 0);
        if (result < 0) {
            say(CSANDBOX_SAYS_FAILED, -result, CSANDBOX_STEP_LIMIT, -1);
            leave(1);
        }
    }

    int listener = -1;
    if (plan[CSANDBOX_PLAN_FILTER_COUNT]) {
        struct stage_filter filter;
        filter.count = (unsigned short)plan[CSANDBOX_PLAN_FILTER_COUNT];
        filter.instructions = bytes + plan[CSANDBOX_PLAN_FILTER];
        // SECCOMP_SET_MODE_FILTER; SECCOMP_FILTER_FLAG_NEW_LISTENER
        result = CALL(SYS_seccomp, 1, (flags & CSANDBOX_PLAN_NOTIFY) ? 8 : 0, &filter, 0);
        if (result < 0) {
            say(CSANDBOX_SAYS_FAILED, -result, CSANDBOX_STEP_FILTER, -1);
            leave(1);
        }
        if (flags & CSANDBOX_PLAN_NOTIFY) listener = (int)result;
    }
    say(CSANDBOX_SAYS_READY, 0, 0, listener);

    long child = call6(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0, 0);
    if (child < 0) {
        say(CSANDBOX_SAYS_FAILED, -child, CSANDBOX_STEP_FORK, -1);
        leave(1);
    }
    if (child == 0) {
        // Everything but the standard streams closes on exec; the control socket only says why there was no exec.
        CALL(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */, 0);
        if (flags & CSANDBOX_PLAN_COLLECT) {
            CALL(SYS_prctl, 1 /* PR_SET_PDEATHSIG */, 9, 0, 0);
        }
        result = execute(arguments[0], arguments, environment, bytes + plan[CSANDBOX_PLAN_SEARCH]);
        say(CSANDBOX_SAYS_NOT_RUN, -result, 0, -1);
        leave(127);
    }
    CALL(SYS_close_range, 0, 3, 0, 0);
    CALL(SYS_close_range, 5, ~0U, 0, 0);
    int status = 0;
    for (;;) {
        int one = 0;
        long ended = CALL(SYS_wait4, -1, &one, 0x40000000 /* __WALL */, 0);
        if (ended == child) {
            status = one;
            break;
        }
        if (ended < 0 && ended != -4) break;
    }
    long left;
    do left = CALL(SYS_wait4, -1, 0, 0x40000001 /* __WALL, WNOHANG */, 0);
    while (left > 0);
    int detail = left == 0 ? CSANDBOX_LEFT_PROCESSES : 0;
    if (!(flags & CSANDBOX_PLAN_COLLECT)) {
        // Letter by letter, since there is no constant data here.
        char place[9];
        place[0] = '/', place[1] = 't', place[2] = 'm', place[3] = 'p', place[4] = 0;
        if (is_full(place)) detail |= CSANDBOX_FULL_TEMPORARY;
        place[1] = 'd', place[2] = 'e', place[3] = 'v', place[4] = '/';
        place[5] = 's', place[6] = 'h', place[7] = 'm', place[8] = 0;
        if (is_full(place)) detail |= CSANDBOX_FULL_SHARED_MEMORY;
    }
    say(CSANDBOX_SAYS_ENDED, status, detail, -1);
    if ((flags & CSANDBOX_PLAN_COLLECT) && left == 0) {
        // martlet ends what is left; until then this process keeps it findable.
        do left = CALL(SYS_wait4, -1, 0, 0x40000000, 0);
        while (left > 0 || left == -4);
    }
    leave(0);
    __builtin_unreachable();
}

static int32_t write_all(int32_t descriptor, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -errno;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

int32_t csandbox_write_stage(int32_t descriptor) {
    enum { code_offset = 0x1000, base = 0x10000000 };
    char head[code_offset];
    size_t length = (size_t)(__stop_martlet_stage - __start_martlet_stage);
    memset(head, 0, sizeof(head));
    Elf64_Ehdr file;
    memset(&file, 0, sizeof(file));
    memcpy(file.e_ident, ELFMAG, SELFMAG);
    file.e_ident[EI_CLASS] = ELFCLASS64;
    file.e_ident[EI_DATA] = ELFDATA2LSB;
    file.e_ident[EI_VERSION] = EV_CURRENT;
    file.e_type = ET_EXEC;
    file.e_machine = STAGE_MACHINE;
    file.e_version = EV_CURRENT;
    file.e_entry = base + code_offset + (Elf64_Addr)(csandbox_stage_entry - __start_martlet_stage);
    file.e_phoff = sizeof(file);
    file.e_ehsize = sizeof(file);
    file.e_phentsize = sizeof(Elf64_Phdr);
    file.e_phnum = 2;
    Elf64_Phdr segments[2];
    memset(segments, 0, sizeof(segments));
    segments[0].p_type = PT_LOAD;
    segments[0].p_flags = PF_R | PF_X;
    segments[0].p_vaddr = base;
    segments[0].p_paddr = base;
    segments[0].p_filesz = code_offset + length;
    segments[0].p_memsz = code_offset + length;
    segments[0].p_align = 0x1000;
    segments[1].p_type = PT_GNU_STACK;
    segments[1].p_flags = PF_R | PF_W;
    segments[1].p_align = 16;
    memcpy(head, &file, sizeof(file));
    memcpy(head + sizeof(file), segments, sizeof(segments));
    int32_t result = write_all(descriptor, head, sizeof(head));
    return result < 0 ? result : write_all(descriptor, __start_martlet_stage, length);
}
