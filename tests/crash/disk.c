/* A disk that can be told what to do: loaded into an unmodified `hygie` by LD_PRELOAD, between the program and libc.
 *
 * Everything that changes a file below HYGIE_CRASH_ROOT is written to a trace (HYGIE_CRASH_TRACE), in the order in which it
 * happened, with its data. From the trace `power.py` makes what a power loss would have left. Rules in a shared page
 * (HYGIE_CRASH_CONTROL, written by `disk.py`) kill the process at a call, or make calls slow, fail, or lie.
 *
 * The layouts of `struct record` and `struct rule` and the numbers of operations and actions are those of `disk.py`. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    OPEN = 1, CREATE = 2, WRITE = 4, SYNC = 8, TRUNCATE = 16, RENAME = 32, LINK = 64, UNLINK = 128, MKDIR = 256, RMDIR = 512,
    SYNC_BEGUN = 1024, UNKNOWN = 2048
};
enum { KILL_BEFORE = 1, KILL_AFTER, KILL_TORN, FAIL, DELAY, LIE, FULL };

struct record {
    uint32_t magic, operation;
    uint64_t number, time, file, offset, length;
    int32_t error;
    uint16_t path, other;
} __attribute__((packed));

struct rule {
    uint32_t operations, action;
    int64_t skip;  /* matches that pass first; for FULL: bytes by which files may still grow */
    int64_t limit; /* matches that are acted on; negative: all that come */
    uint32_t error, delay;
    char pattern[96];
    uint64_t hits;
};

enum { RULES = 8, PAGE = 4096 };

static const uint32_t MAGIC = 0x44524352;
/* What the kernel appends to the name of an open file that was removed. */
static const char REMOVED[] = " (deleted)";
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static struct rule *rules;
static char root[PATH_MAX];
static size_t root_length;
static int trace = -1;
static uint64_t number;

static void stop(const char *why) {
    dprintf(2, "crash laboratory: %s\n", why);
    _exit(97);
}

/* The function of this name in libc. */
static void *libc(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) stop(name);
    return found;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))libc(#name)

__attribute__((constructor)) static void begin(void) {
    const char *directory = getenv("HYGIE_CRASH_ROOT"), *page = getenv("HYGIE_CRASH_CONTROL");
    const char *log = getenv("HYGIE_CRASH_TRACE");
    if (!directory || !page || !log) return;
    int control = syscall(SYS_openat, AT_FDCWD, page, O_RDWR | O_CLOEXEC);
    void *mapped = mmap(NULL, RULES * sizeof(struct rule), PROT_READ | PROT_WRITE, MAP_SHARED, control, 0);
    int opened = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (mapped == MAP_FAILED || opened < 0) stop("no control page or no trace");
    rules = mapped;
    number = (uint64_t)getpid() << 32;
    /* A number that the program does not get for its own files. */
    trace = fcntl(opened, F_DUPFD_CLOEXEC, 900);
    snprintf(root, sizeof root, "%s", directory);
    root_length = strlen(root);
}

/* The path below the root; NULL for what is elsewhere. */
static const char *below(const char *path) {
    if (trace < 0 || strncmp(path, root, root_length)) return NULL;
    if (path[root_length] == '/') return path + root_length + 1;
    return path[root_length] ? NULL : ".";
}

/* The path below the root of an open file, by which it is known now, or was until it was removed; NULL for all that is no
 * file of the root. */
static const char *of_file(int file, char *buffer, struct stat *about) {
    if (trace < 0 || fstat(file, about) || !(S_ISREG(about->st_mode) || S_ISDIR(about->st_mode))) return NULL;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, buffer, PATH_MAX - 1);
    if (length < 0) return NULL;
    buffer[length] = 0;
    const ssize_t name = length - (ssize_t)strlen(REMOVED);
    if (!about->st_nlink && name > 0 && !strcmp(buffer + name, REMOVED)) buffer[name] = 0;
    return below(buffer);
}

/* The path below the root of a name in a directory. */
static const char *of_name(int directory, const char *path, char *buffer) {
    if (trace < 0) return NULL;
    if (path[0] == '/') return below(path);
    char base[PATH_MAX];
    if (directory == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return NULL;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return NULL;
        base[length] = 0;
    }
    if (snprintf(buffer, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return NULL;
    return below(buffer);
}

struct call {
    uint32_t operation;
    const char *path, *other;
    uint64_t file, offset, length;
    const void *data;
};

/* Appends a call to the trace; `order` is held. */
static uint64_t note(const struct call *call, int error) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct record record = {
        .magic = MAGIC, .operation = call->operation, .number = ++number,
        .time = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec,
        .file = call->file, .offset = call->offset, .length = call->length, .error = error,
        .path = strlen(call->path), .other = call->other ? strlen(call->other) : 0,
    };
    struct iovec parts[] = {
        {&record, sizeof record}, {(void *)call->path, record.path}, {(void *)call->other, record.other},
        {(void *)call->data, call->data && !error ? call->length : 0},
    };
    ssize_t length = 0;
    for (int at = 0; at < 4; at++) length += parts[at].iov_len;
    if (syscall(SYS_writev, trace, parts, 4) != length) stop("the trace cannot be written");
    return record.number;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* The rule that acts on this call, if any: the first that matches and whose time has come. `growth` is by how much the call
 * makes a file longer. `order` is held. */
static struct rule *acting(const struct call *call, uint64_t growth) {
    for (struct rule *rule = rules; rule < rules + RULES; rule++) {
        if (!(rule->operations & call->operation) || !rule->action || fnmatch(rule->pattern, call->path, 0)) continue;
        if (rule->action == FULL) {
            if ((int64_t)growth <= rule->skip) {
                rule->skip -= growth;
                continue;
            }
        } else if (rule->skip > 0) {
            rule->skip--;
            continue;
        }
        if (rule->limit == 0) continue;
        if (rule->limit > 0) rule->limit--;
        rule->hits++;
        return rule;
    }
    return NULL;
}

/* Before a call: waits, kills, or gives the error that it is to fail with. `order` is held. */
static int before(const struct rule *rule, const struct call *call) {
    if (!rule) return 0;
    if (rule->action == KILL_BEFORE || (rule->action == KILL_TORN && call->operation != WRITE)) die();
    if (rule->action == FAIL || rule->action == FULL) {
        note(call, rule->error);
        return rule->error;
    }
    return 0;
}

static void after(const struct rule *rule) {
    if (rule && rule->action == KILL_AFTER) die();
}

static void wait_for(const struct rule *rule) {
    if (rule && rule->action == DELAY) usleep(rule->delay);
}

/* A call on names, between `CALL` and `END`: in the order of the trace, noted when it has succeeded. */
#define CALL(call, act) \
    int failed = 0; \
    pthread_mutex_lock(&order); \
    struct rule *rule = acting(&(call), 0); \
    wait_for(rule); \
    if (!(failed = before(rule, &(call)))) { \
        act; \
        failed = result < 0 ? errno : 0; \
        if (!failed) note(&(call), 0); \
        after(rule); \
    } \
    pthread_mutex_unlock(&order); \
    if (failed) errno = failed; \
    return failed ? -1 : result

static int opened(int directory, const char *path, int flags, mode_t mode) {
    char buffer[PATH_MAX];
    const char *name = of_name(directory, path, buffer);
    int changes = flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
    if (!name || !changes || (flags & O_TMPFILE) == O_TMPFILE) return syscall(SYS_openat, directory, path, flags, mode);
    pthread_mutex_lock(&order);
    struct stat about;
    int is_new = fstatat(directory, path, &about, 0) != 0;
    struct call call = {.operation = is_new ? CREATE : OPEN, .path = name};
    struct rule *rule = acting(&call, 0);
    wait_for(rule);
    int failed = before(rule, &call), result = -1;
    if (!failed) {
        result = syscall(SYS_openat, directory, path, flags, mode);
        failed = result < 0 ? errno : 0;
        if (!failed && !fstat(result, &about) && S_ISREG(about.st_mode)) {
            call.file = about.st_ino;
            if (is_new) note(&call, 0);
            else if (flags & O_TRUNC) {
                call.operation = TRUNCATE;
                note(&call, 0);
            }
        }
        after(rule);
    }
    pthread_mutex_unlock(&order);
    if (failed) errno = failed;
    return result;
}

#define MODE \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, int flags, ...) { MODE return opened(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { MODE return opened(directory, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

/* How much of a write a killed process leaves at worst: the kernel looks for signals between pages. */
static size_t torn(off_t offset, size_t length) {
    off_t half = (offset + (off_t)length / 2) / PAGE * PAGE;
    return half > offset ? (size_t)(half - offset) : length;
}

/* Writes at an offset, or at the file's own place when that is negative. */
static ssize_t written(int file, const void *data, size_t length, off_t offset) {
    char buffer[PATH_MAX];
    struct stat about;
    const char *name = of_file(file, buffer, &about);
    int is_own = offset < 0;
    if (!name) return is_own ? syscall(SYS_write, file, data, length) : syscall(SYS_pwrite64, file, data, length, offset);
    pthread_mutex_lock(&order);
    fstat(file, &about);
    if (is_own) offset = fcntl(file, F_GETFL) & O_APPEND ? about.st_size : lseek(file, 0, SEEK_CUR);
    struct call call = {WRITE, name, NULL, about.st_ino, offset, length, data};
    off_t end = offset + (off_t)length;
    struct rule *rule = acting(&call, end > about.st_size ? end - about.st_size : 0);
    wait_for(rule);
    int failed = before(rule, &call);
    ssize_t result = -1;
    if (!failed) {
        int is_torn = rule && rule->action == KILL_TORN;
        size_t part = is_torn ? torn(offset, length) : length;
        result = is_own ? syscall(SYS_write, file, data, part) : syscall(SYS_pwrite64, file, data, part, offset);
        failed = result < 0 ? errno : 0;
        call.length = result < 0 ? 0 : result;
        if (!failed) note(&call, 0);
        if (is_torn) die();
        after(rule);
    }
    pthread_mutex_unlock(&order);
    if (failed) errno = failed;
    return result;
}

ssize_t write(int file, const void *data, size_t length) { return written(file, data, length, -1); }
ssize_t pwrite(int file, const void *data, size_t length, off_t offset) { return written(file, data, length, offset); }
ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) { return written(file, data, length, offset); }

ssize_t writev(int file, const struct iovec *parts, int count) {
    char buffer[PATH_MAX];
    struct stat about;
    if (!of_file(file, buffer, &about)) return syscall(SYS_writev, file, parts, count);
    /* A short write is allowed: the caller goes on with the rest. */
    for (int at = 0; at < count; at++)
        if (parts[at].iov_len) return written(file, parts[at].iov_base, parts[at].iov_len, -1);
    return 0;
}

/* What is written before a sync begins is durable when it has ended. The disk may take its time: others go on meanwhile. */
static int synced(int file, long kind) {
    char buffer[PATH_MAX];
    struct stat about;
    const char *name = of_file(file, buffer, &about);
    if (!name) return syscall(kind, file);
    struct call call = {.operation = SYNC_BEGUN, .path = name, .file = S_ISREG(about.st_mode) ? about.st_ino : 0};
    pthread_mutex_lock(&order);
    call.offset = note(&call, 0);
    call.operation = SYNC;
    struct rule *rule = acting(&call, 0);
    int failed = before(rule, &call);
    pthread_mutex_unlock(&order);
    if (failed) {
        errno = failed;
        return -1;
    }
    wait_for(rule);
    int is_lie = rule && rule->action == LIE;
    int result = is_lie ? 0 : syscall(kind, file);
    failed = result < 0 ? errno : 0;
    pthread_mutex_lock(&order);
    call.length = is_lie;
    note(&call, failed);
    after(rule);
    pthread_mutex_unlock(&order);
    if (failed) errno = failed;
    return result;
}

int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }

int ftruncate(int file, off_t length) {
    char buffer[PATH_MAX];
    struct stat about;
    const char *name = of_file(file, buffer, &about);
    if (!name) return syscall(SYS_ftruncate, file, length);
    struct call call = {.operation = TRUNCATE, .path = name, .file = about.st_ino, .offset = length};
    int result;
    CALL(call, result = syscall(SYS_ftruncate, file, length));
}
int ftruncate64(int file, off64_t length) { return ftruncate(file, length); }

static int renamed(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    char one[PATH_MAX], two[PATH_MAX];
    const char *old = of_name(from_directory, from, one), *new = of_name(to_directory, to, two);
    if (!old || !new) return syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
    struct call call = {.operation = flags ? UNKNOWN : RENAME, .path = old, .other = new};
    int result;
    CALL(call, result = syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return renamed(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return renamed(a, from, b, to, flags); }

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    char one[PATH_MAX], two[PATH_MAX];
    const char *old = of_name(from_directory, from, one), *new = of_name(to_directory, to, two);
    if (!old || !new) return syscall(SYS_linkat, from_directory, from, to_directory, to, flags);
    struct call call = {.operation = LINK, .path = old, .other = new};
    int result;
    CALL(call, result = syscall(SYS_linkat, from_directory, from, to_directory, to, flags));
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int directory, const char *path, int flags) {
    char buffer[PATH_MAX];
    const char *name = of_name(directory, path, buffer);
    if (!name) return syscall(SYS_unlinkat, directory, path, flags);
    struct call call = {.operation = flags & AT_REMOVEDIR ? RMDIR : UNLINK, .path = name};
    int result;
    CALL(call, result = syscall(SYS_unlinkat, directory, path, flags));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int directory, const char *path, mode_t mode) {
    char buffer[PATH_MAX];
    const char *name = of_name(directory, path, buffer);
    if (!name) return syscall(SYS_mkdirat, directory, path, mode);
    struct call call = {.operation = MKDIR, .path = name};
    int result;
    CALL(call, result = syscall(SYS_mkdirat, directory, path, mode));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* Ways to change a file that the program does not use so far, and that the trace does not explain: the harness stops when it
 * meets one. */
#define UNKNOWN_CALL(file) do { \
    char buffer[PATH_MAX]; \
    struct stat about; \
    const char *name = of_file(file, buffer, &about); \
    if (name) { \
        struct call call = {.operation = UNKNOWN, .path = name}; \
        pthread_mutex_lock(&order); \
        note(&call, 0); \
        pthread_mutex_unlock(&order); \
    } \
} while (0)

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t length, unsigned flags) {
    UNKNOWN_CALL(to);
    return syscall(SYS_copy_file_range, from, at, to, there, length, flags);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t length) {
    UNKNOWN_CALL(to);
    return syscall(SYS_sendfile, to, from, at, length);
}

int fallocate64(int file, int mode, off64_t offset, off64_t length) {
    UNKNOWN_CALL(file);
    return syscall(SYS_fallocate, file, mode, offset, length);
}
int posix_fallocate64(int file, off64_t offset, off64_t length) {
    return fallocate64(file, 0, offset, length) ? errno : 0;
}
int sync_file_range(int file, off64_t offset, off64_t length, unsigned flags) {
    UNKNOWN_CALL(file);
    return syscall(SYS_sync_file_range, file, offset, length, flags);
}

void *mmap64(void *at, size_t length, int protection, int flags, int file, off64_t offset) {
    REAL(mmap64);
    /* The index of the write-ahead log is memory that processes share; it is made anew from the log. */
    if (file >= 0 && trace >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE)) {
        char buffer[PATH_MAX];
        struct stat about;
        const char *name = of_file(file, buffer, &about);
        if (name && fnmatch("*.db-shm", name, 0)) UNKNOWN_CALL(file);
    }
    return real(at, length, protection, flags, file, offset);
}
