// A library for LD_PRELOAD that makes one system call or allocation of a program fail, or kills the
// program at that point. It works below all of lacos, so no call can be overlooked.
//
// The settings are environment variables, so that the program under test needs no code for them:
//   LACOS_FAULT_KINDS    the calls that count, any of: open read write sync rename mkdir unlink
//                        truncate close alloc
//   LACOS_FAULT_FOLDER   only calls on paths and descriptors below this folder count (except alloc)
//   LACOS_FAULT_AT       the number of the call that gets the fault, from 1; 0 = only count calls
//   LACOS_FAULT_ACTION   an errno as a number, "short" (half of the transfer), "kill-before",
//                        "kill-after", or "interrupt" (SIGTERM before the call)
//   LACOS_FAULT_PERSIST  if set, every later call gets the fault, too
//   LACOS_FAULT_REPORT   a file of 16 bytes that receives the number of calls and that of faults.
//                        With 32 bytes, the other half is read at each call: the numbers of the
//                        first and the last call that get the fault, for programs that run for long
// Under AddressSanitizer this library is loaded before the sanitizer's runtime (child.cc), so that
// it sees all allocations. Allocations by oneDNN itself do not count, because version 2.6 writes
// through null pointers when they fail.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
// Under AddressSanitizer, these functions of its runtime allocate memory; otherwise they are null.
#define WEAK __attribute__((weak))
extern void* __interceptor_malloc(size_t) WEAK;
extern void* __interceptor_calloc(size_t, size_t) WEAK;
extern void* __interceptor_realloc(void*, size_t) WEAK;
extern void* __interceptor_memalign(size_t, size_t) WEAK;
extern void __lsan_ignore_object(const void*) WEAK;

enum Kind { kOpen = 1, kRead = 2, kWrite = 4, kSync = 8, kRename = 16, kMkdir = 32, kUnlink = 64 };
enum { kTruncate = 128, kClose = 256, kAlloc = 512 };
enum Action { kNothing, kFail, kShort, kKillBefore, kKillAfter, kInterrupt };

struct Report {
  _Atomic uint64_t calls, faults, first, last;
};

static struct Report own_report;
static struct Report* report = &own_report;
static unsigned kinds;
static const char* folder = "";
static size_t folder_length;
static uint64_t fault_at;
static enum Action action;
static int action_errno, persist;
static atomic_int armed;                    // 1 while main runs
static _Atomic unsigned char inside[4096];  // [descriptor]: 1 if it was opened below the folder

static void ReadSettings(void) {
  static const struct {
    const char* name;
    unsigned kind;
  } names[] = {{"open", kOpen},     {"read", kRead},   {"write", kWrite},   {"sync", kSync},
               {"rename", kRename}, {"mkdir", kMkdir}, {"unlink", kUnlink}, {"truncate", kTruncate},
               {"close", kClose},   {"alloc", kAlloc}};
  const char* list = getenv("LACOS_FAULT_KINDS");
  if (list == NULL) return;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
    if (strstr(list, names[i].name) != NULL) kinds |= names[i].kind;
  }
  if (getenv("LACOS_FAULT_FOLDER") != NULL) folder = getenv("LACOS_FAULT_FOLDER");
  folder_length = strlen(folder);
  if (getenv("LACOS_FAULT_AT") != NULL) fault_at = strtoull(getenv("LACOS_FAULT_AT"), NULL, 10);
  persist = getenv("LACOS_FAULT_PERSIST") != NULL;
  const char* text = getenv("LACOS_FAULT_ACTION");
  if (text == NULL) text = "0";
  action_errno = atoi(text);
  action = action_errno > 0                   ? kFail
           : strcmp(text, "short") == 0       ? kShort
           : strcmp(text, "kill-before") == 0 ? kKillBefore
           : strcmp(text, "kill-after") == 0  ? kKillAfter
           : strcmp(text, "interrupt") == 0   ? kInterrupt
                                              : kNothing;
  const char* path = getenv("LACOS_FAULT_REPORT");
  if (path == NULL) return;
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped =
      (void*)syscall(SYS_mmap, NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) report = mapped;
  syscall(SYS_close, fd);
}

// Counts a call of this kind and returns the action for it. For kKillBefore it kills
// the program at once.
static enum Action Count(unsigned kind) {
  if (!atomic_load(&armed) || (kinds & kind) == 0) return kNothing;
  const uint64_t number = atomic_fetch_add(&report->calls, 1) + 1;
  const int is_set = fault_at > 0 && number >= fault_at && (number == fault_at || persist);
  if (!is_set && (number < atomic_load(&report->first) || number > atomic_load(&report->last)))
    return kNothing;
  atomic_fetch_add(&report->faults, 1);
  if (action == kKillBefore) syscall(SYS_kill, getpid(), SIGKILL);
  if (action == kInterrupt) syscall(SYS_kill, getpid(), SIGTERM);
  if (action == kFail) errno = action_errno;
  return action;
}

static long After(enum Action what, long result) {
  if (what == kKillAfter) syscall(SYS_kill, getpid(), SIGKILL);
  return result;
}

static int IsInside(int fd) { return fd >= 0 && fd < (int)sizeof(inside) && inside[fd]; }

static int BelowFolder(int at, const char* path) {
  if (folder_length == 0) return 0;
  if (path[0] != '/') return at == AT_FDCWD ? 0 : IsInside(at);
  if (strncmp(path, folder, folder_length) != 0) return 0;
  return path[folder_length] == '\0' || path[folder_length] == '/';
}

static void Mark(int fd, int is_inside) {
  if (fd >= 0 && fd < (int)sizeof(inside)) inside[fd] = (unsigned char)is_inside;
}

struct Range {
  uintptr_t begin, end;
};
static struct Range onednn, linker;

static int FindLibraries(struct dl_phdr_info* info, size_t size, void* unused) {
  (void)size;
  (void)unused;
  struct Range* range = strstr(info->dlpi_name, "libdnnl.so") != NULL ? &onednn
                        : strstr(info->dlpi_name, "ld-linux") != NULL ? &linker
                                                                      : NULL;
  if (range == NULL) return 0;
  range->begin = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    if (info->dlpi_phdr[i].p_type == PT_LOAD && end > range->end) range->end = end;
  }
  return 0;
}

static int IsIn(struct Range range, const void* place) {
  return (uintptr_t)place >= range.begin && (uintptr_t)place < range.end;
}

static int FailsHere(void* caller) { return IsIn(onednn, caller) ? 0 : Count(kAlloc) == kFail; }

// LeakSanitizer ignores memory that the dynamic linker allocates, but here it would see this
// library as the caller. So memory for the linker is marked to be ignored.
static void* Known(void* memory, const void* caller) {
  if (__lsan_ignore_object && memory != NULL && IsIn(linker, caller)) __lsan_ignore_object(memory);
  return memory;
}
#define CALLER() __builtin_return_address(0)
#define FAILS() FailsHere(CALLER())

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv,
                      int (*init)(int, char**, char**), void (*fini)(void),
                      void (*linker_fini)(void), void* stack_end);
static int (*program_main)(int, char**, char**);
static const char* const kVariables[] = {
    "LD_PRELOAD",         "LACOS_FAULT_KINDS",   "LACOS_FAULT_FOLDER", "LACOS_FAULT_AT",
    "LACOS_FAULT_ACTION", "LACOS_FAULT_PERSIST", "LACOS_FAULT_REPORT"};
static int ArmedMain(int argc, char** argv, char** environment) {
  ReadSettings();
  // Removing the variables keeps the program's record of its environment the
  // same as without faults.
  for (size_t i = 0; i < sizeof(kVariables) / sizeof(kVariables[0]); ++i) unsetenv(kVariables[i]);
  dl_iterate_phdr(FindLibraries, NULL);
  atomic_store(&armed, 1);
  const int status = program_main(argc, argv, environment);
  atomic_store(&armed, 0);
  return status;
}
int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv,
                      int (*init)(int, char**, char**), void (*fini)(void),
                      void (*linker_fini)(void), void* stack_end) {
  program_main = main;
  int (*next)(int (*)(int, char**, char**), int, char**, int (*)(int, char**, char**),
              void (*)(void), void (*)(void), void*) = dlsym(RTLD_NEXT, "__libc_start_main");
  return next(ArmedMain, argc, argv, init, fini, linker_fini, stack_end);
}

// --- allocations

static void* AllocateAligned(size_t alignment, size_t size) {
  return __interceptor_memalign ? __interceptor_memalign(alignment, size)
                                : __libc_memalign(alignment, size);
}
void* malloc(size_t size) {
  if (FAILS()) return NULL;
  return Known(__interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size), CALLER());
}
void* calloc(size_t count, size_t size) {
  if (FAILS()) return NULL;
  return Known(
      __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size),
      CALLER());
}
void* realloc(void* old, size_t size) {
  if (size > 0 && FAILS()) return NULL;
  return Known(__interceptor_realloc ? __interceptor_realloc(old, size) : __libc_realloc(old, size),
               CALLER());
}
void* memalign(size_t alignment, size_t size) {
  return FAILS() ? NULL : AllocateAligned(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return FAILS() ? NULL : AllocateAligned(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  const int saved = errno;
  void* data = FAILS() ? NULL : AllocateAligned(alignment, size);
  errno = saved;
  if (data == NULL) return ENOMEM;
  *out = data;
  return 0;
}
void* mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  if (FAILS()) return MAP_FAILED;
  return (void*)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
void* mmap64(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap(address, length, protection, flags, fd, offset);
}

// --- files: paths

int openat(int at, const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & (O_CREAT | O_TMPFILE)) {
    va_list rest;
    va_start(rest, flags);
    mode = (mode_t)va_arg(rest, int);
    va_end(rest);
  }
  const int below = BelowFolder(at, path);
  // Opening a file for reading cannot fail for lack of space or on a read-only file system.
  const int reads = (flags & (O_CREAT | O_WRONLY | O_RDWR)) == 0;
  const int spared = reads && (action_errno == ENOSPC || action_errno == EROFS);
  const enum Action what = below && !spared ? Count(kOpen) : kNothing;
  if (what == kFail) return -1;
  const int fd = (int)syscall(SYS_openat, at, path, flags, mode);
  Mark(fd, below);
  return (int)After(what, fd);
}
#define OPEN_WITH_MODE(at)             \
  mode_t mode = 0;                     \
  if (flags & (O_CREAT | O_TMPFILE)) { \
    va_list rest;                      \
    va_start(rest, flags);             \
    mode = (mode_t)va_arg(rest, int);  \
    va_end(rest);                      \
  }                                    \
  return openat(at, path, flags, mode)
int open(const char* path, int flags, ...) { OPEN_WITH_MODE(AT_FDCWD); }
int open64(const char* path, int flags, ...) { OPEN_WITH_MODE(AT_FDCWD); }
int openat64(int at, const char* path, int flags, ...) { OPEN_WITH_MODE(at); }
int creat(const char* path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

// fopen opens files inside the C library, without a call that could be intercepted, so fopen itself
// is replaced.
static FILE* OpenStream(const char* name, const char* path, const char* mode) {
  FILE* (*next)(const char*, const char*) = dlsym(RTLD_NEXT, name);
  const int below = BelowFolder(AT_FDCWD, path);
  const enum Action what = below ? Count(kOpen) : kNothing;
  if (what == kFail) return NULL;
  FILE* stream = next(path, mode);
  if (stream != NULL) Mark(fileno(stream), below);
  After(what, 0);
  return stream;
}
FILE* fopen(const char* path, const char* mode) { return OpenStream("fopen", path, mode); }
FILE* fopen64(const char* path, const char* mode) { return OpenStream("fopen64", path, mode); }
int fclose(FILE* stream) {
  int (*next)(FILE*) = dlsym(RTLD_NEXT, "fclose");
  const int fd = fileno(stream);
  const enum Action what = IsInside(fd) ? Count(kClose) : kNothing;
  Mark(fd, 0);
  const int result = next(stream);
  if (what == kFail) errno = action_errno;
  return (int)After(what, what == kFail ? EOF : result);
}

int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) {
  const enum Action what =
      BelowFolder(to_at, to) || BelowFolder(from_at, from) ? Count(kRename) : kNothing;
  if (what == kFail) return -1;
  return (int)After(what, syscall(SYS_renameat2, from_at, from, to_at, to, flags));
}
int renameat(int from_at, const char* from, int to_at, const char* to) {
  return renameat2(from_at, from, to_at, to, 0);
}
int rename(const char* from, const char* to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int mkdirat(int at, const char* path, mode_t mode) {
  const enum Action what = BelowFolder(at, path) ? Count(kMkdir) : kNothing;
  if (what == kFail) return -1;
  return (int)After(what, syscall(SYS_mkdirat, at, path, mode));
}
int mkdir(const char* path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int unlinkat(int at, const char* path, int flags) {
  const enum Action what = BelowFolder(at, path) ? Count(kUnlink) : kNothing;
  if (what == kFail) return -1;
  return (int)After(what, syscall(SYS_unlinkat, at, path, flags));
}
int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) {
  const int result = unlink(path);
  return result != 0 && errno == EISDIR ? rmdir(path) : result;
}

// --- files: descriptors

static size_t Some(enum Action what, size_t size) {
  return what == kShort && size > 1 ? size / 2 : size;
}

ssize_t read(int fd, void* buffer, size_t size) {
  const enum Action what = IsInside(fd) ? Count(kRead) : kNothing;
  return what == kFail ? -1 : After(what, syscall(SYS_read, fd, buffer, Some(what, size)));
}
ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  const enum Action what = IsInside(fd) ? Count(kRead) : kNothing;
  return what == kFail ? -1
                       : After(what, syscall(SYS_pread64, fd, buffer, Some(what, size), offset));
}
ssize_t pread64(int fd, void* buffer, size_t size, off_t offset) {
  return pread(fd, buffer, size, offset);
}
ssize_t write(int fd, const void* buffer, size_t size) {
  const enum Action what = IsInside(fd) ? Count(kWrite) : kNothing;
  return what == kFail ? -1 : After(what, syscall(SYS_write, fd, buffer, Some(what, size)));
}
ssize_t pwrite(int fd, const void* buffer, size_t size, off_t offset) {
  const enum Action what = IsInside(fd) ? Count(kWrite) : kNothing;
  return what == kFail ? -1
                       : After(what, syscall(SYS_pwrite64, fd, buffer, Some(what, size), offset));
}
ssize_t pwrite64(int fd, const void* buffer, size_t size, off_t offset) {
  return pwrite(fd, buffer, size, offset);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  const enum Action what = IsInside(fd) ? Count(kWrite) : kNothing;
  if (what == kFail) return -1;
  if (what == kShort && count > 0 && parts[0].iov_len > 1) {
    return syscall(SYS_write, fd, parts[0].iov_base, parts[0].iov_len / 2);
  }
  return After(what, syscall(SYS_writev, fd, parts, count));
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  const enum Action what = IsInside(fd) ? Count(kWrite) : kNothing;
  return what == kFail ? -1 : (int)After(what, syscall(SYS_fallocate, fd, mode, offset, length));
}
int fallocate64(int fd, int mode, off_t offset, off_t length) {
  return fallocate(fd, mode, offset, length);
}
int fsync(int fd) {
  const enum Action what = IsInside(fd) ? Count(kSync) : kNothing;
  return what == kFail ? -1 : (int)After(what, syscall(SYS_fsync, fd));
}
int fdatasync(int fd) { return fsync(fd); }
int ftruncate(int fd, off_t length) {
  const enum Action what = IsInside(fd) ? Count(kTruncate) : kNothing;
  return what == kFail ? -1 : (int)After(what, syscall(SYS_ftruncate, fd, length));
}
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }
int close(int fd) {
  const enum Action what = IsInside(fd) ? Count(kClose) : kNothing;
  Mark(fd, 0);
  const int result = (int)syscall(SYS_close, fd);  // the descriptor is closed even if close fails
  if (what == kFail) errno = action_errno;
  return (int)After(what, what == kFail ? -1 : result);
}
