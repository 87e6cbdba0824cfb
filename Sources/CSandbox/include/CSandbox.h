#ifndef CSANDBOX_H
#define CSANDBOX_H

// The system calls under Sandbox that Swift can't make safely. Everything crosses this door by value or through a
// file descriptor, so that no Swift caller ever holds a pointer. Failures are negative errno values.

#include <stdint.h>

// ---- launch.c: from martlet to the program that builds the walls -------------------------------------------------

/// What a child is started with; unused descriptors are -1. The child gets `arguments`, `control`, `stage` and `plan`
/// as its descriptors 3, 4, 5 and 6, `output` as 1 and 2, and nothing else.
typedef struct {
    /// The program to run, open for reading.
    int32_t program;
    /// The argument strings of `program`, each ended by a zero byte.
    int32_t command;
    /// The preparations, each a letter and its fields; every string is ended by a zero byte. See launch.c.
    int32_t preparations;
    int32_t arguments, control, stage, plan, output;
    /// Up to four files into which the child writes "0" to join a control group.
    int32_t group0, group1, group2, group3;
    /// Whether to enter a mount namespace of its own, and a user namespace that owns it.
    int32_t new_mounts, new_user;
    /// The user to become after the preparations, or -1.
    int64_t user, group;
    /// A user namespace for id-mapped mounts, or -1.
    int32_t id_map;
} csandbox_launch;

/// A started child, or `error` (positive errno) and the letter of the preparation that failed.
typedef struct {
    int32_t error;
    int32_t failed_step;
    int32_t failed_index;
    int32_t pid;
    int32_t pid_descriptor;
} csandbox_child;

csandbox_child csandbox_start(csandbox_launch launch);

/// A user namespace in which files of `from` look as if they were of `to`: a descriptor for id-mapped mounts.
int32_t csandbox_id_map(uint32_t user_from, uint32_t user_to, uint32_t group_from, uint32_t group_to);

/// Ends a child that `csandbox_start` made and says how it ended: a wait status, or a negative errno.
int32_t csandbox_reap(int32_t pid);
int32_t csandbox_kill(int32_t pid_descriptor, int32_t signal);
int32_t csandbox_pid_descriptor(int32_t pid);
int32_t csandbox_own_pid(void);
uint32_t csandbox_own_user(void);
uint32_t csandbox_own_group(void);
/// Whether a process of this id exists.
int32_t csandbox_process_exists(int32_t pid);

/// An anonymous file, closed on exec.
int32_t csandbox_memory_file(void);
/// The same file, open for reading only (so that it may be executed), with its own offset at the start.
int32_t csandbox_reopen(int32_t descriptor);
int32_t csandbox_rewind(int32_t descriptor);
int32_t csandbox_event_descriptor(void);
int32_t csandbox_signal_event(int32_t descriptor);

/// Two connected descriptors, both closed on exec, or `error`.
typedef struct {
    int32_t error, first, second;
} csandbox_pair;
/// A pipe: `first` reads without blocking, `second` writes.
csandbox_pair csandbox_pipe(void);
/// Two ends of a packet socket; `first` is told the sender's process id.
csandbox_pair csandbox_socket_pair(void);

// ---- stage.c: the first program inside the walls -----------------------------------------------------------------

/// Writes the stage as an executable file to `descriptor`; 0 or a negative errno.
int32_t csandbox_write_stage(int32_t descriptor);

/// The plan that the stage reads from its descriptor 6: 32-bit words in host order, then the bytes they point at.
enum {
    CSANDBOX_PLAN_MAGIC = 0x6d61726c,
    /// Offset and count of the filter's instructions (8 bytes each); no filter if the count is 0.
    CSANDBOX_PLAN_FILTER = 1,
    CSANDBOX_PLAN_FILTER_COUNT = 2,
    /// Offset of argv strings, each ended by a zero byte, and their count; likewise the environment.
    CSANDBOX_PLAN_ARGUMENTS = 3,
    CSANDBOX_PLAN_ARGUMENT_COUNT = 4,
    CSANDBOX_PLAN_ENVIRONMENT = 5,
    CSANDBOX_PLAN_ENVIRONMENT_COUNT = 6,
    CSANDBOX_PLAN_DIRECTORY = 7,
    /// Offset and count of limits: resource, then the value's low and high word.
    CSANDBOX_PLAN_LIMITS = 8,
    CSANDBOX_PLAN_LIMIT_COUNT = 9,
    CSANDBOX_PLAN_FLAGS = 10,
    /// Offset of the search path, ended by a zero byte.
    CSANDBOX_PLAN_SEARCH = 11,
    CSANDBOX_PLAN_WORDS = 12,
    /// Ask for a listener of the filter's notifications and send it to martlet.
    CSANDBOX_PLAN_NOTIFY = 1,
    /// Collect orphans (outside of a process namespace).
    CSANDBOX_PLAN_COLLECT = 2,
};

/// What the stage says on its control socket.
enum {
    CSANDBOX_SAYS_NOTHING = 0,
    /// The walls stand; the listener may come with it.
    CSANDBOX_SAYS_READY = 1,
    /// The command ended: `value` is its wait status, `detail` what it left behind, of the bits below.
    CSANDBOX_SAYS_ENDED = 2,
    /// The command could not be run: `value` is an errno.
    CSANDBOX_SAYS_NOT_RUN = 3,
    /// The stage failed: `value` is an errno, `detail` one of the steps below.
    CSANDBOX_SAYS_FAILED = 4,
    CSANDBOX_SAYS_END_OF_FILE = 5,

    CSANDBOX_LEFT_PROCESSES = 1,
    CSANDBOX_FULL_TEMPORARY = 2,
    CSANDBOX_FULL_SHARED_MEMORY = 4,

    CSANDBOX_STEP_PLAN = 1,
    CSANDBOX_STEP_DIRECTORY = 2,
    CSANDBOX_STEP_FILTER = 3,
    CSANDBOX_STEP_FORK = 4,
    CSANDBOX_STEP_LIMIT = 5,
};

/// A message of the stage, with the sender's process id as martlet sees it and the descriptor that came along, or -1.
typedef struct {
    int32_t kind, value, detail, descriptor, pid;
} csandbox_message;
csandbox_message csandbox_receive(int32_t control);

// ---- watch.c: martlet's side while the command runs --------------------------------------------------------------

/// Which descriptors have something to say; a descriptor of -1 never has.
typedef struct {
    int32_t error;
    int32_t output, control, notify, child, wake;
} csandbox_ready;
csandbox_ready csandbox_wait(
    int32_t output, int32_t control, int32_t notify, int32_t child, int32_t wake, int32_t milliseconds);

/// A system call that waits for an answer, or a negative `error`.
typedef struct {
    int32_t error;
    int32_t pid;
    uint64_t id;
    int32_t number;
    uint32_t architecture;
    uint64_t argument0, argument1, argument2, argument3, argument4, argument5;
} csandbox_call;
csandbox_call csandbox_next_call(int32_t notify);
/// Lets the call proceed (`refusal` 0) or fail with the errno `refusal`.
int32_t csandbox_answer(int32_t notify, uint64_t id, int32_t refusal);

/// What a path or address argument of a waiting call is: the bytes are written to `record`, `length` of them.
typedef struct {
    int32_t error;
    int32_t length;
    /// Whether there is such a file in the caller's own tree, and whether it (or the directory it would be made in)
    /// lies on a read-only mount.
    int32_t found, read_only;
} csandbox_examined;
/// The path at `address`, relative to the call's descriptor `directory`, made absolute as text.
csandbox_examined csandbox_examine_path(
    int32_t notify, uint64_t id, int32_t pid, int32_t directory, uint64_t address, int32_t follow, int32_t record);
/// The socket address at `address`: a word (`unix`, `inet`, `inet6`, `other`), a space, and the address as text.
csandbox_examined csandbox_examine_address(
    int32_t notify, uint64_t id, int32_t pid, uint64_t address, uint64_t length, int32_t record);
/// Whether process `target` exists in the process namespace of `pid`, as seen through its `/proc`.
int32_t csandbox_examine_process(int32_t pid, int32_t target);

#endif
