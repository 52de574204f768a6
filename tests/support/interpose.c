/* SPDX-License-Identifier: Apache-2.0
 * interpose.c - see interpose.h. The program's own definitions win over libc's, for libc's callers too;
 * they pass on to glibc's second names of the allocator, and to the next definition of the others. */
#define _GNU_SOURCE
#include "tests/support/interpose.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#endif

size_t interpose_address_space(void)
{
    /* No stdio: it would allocate a buffer, and so change what is measured. */
    char text[64] = {0};
    const char *emulator = getenv("RUN_WITH"); /* of scripts/run-tests.sh */
    if (emulator != NULL && *emulator != '\0')
        return 0;
    int fd = open("/proc/self/statm", O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 ? (size_t)strtoul(text, NULL, 10) : 0;
}

#if defined(__GLIBC__) && !defined(HAS_SANITIZER)

static atomic_bool is_counting;
static atomic_int fail_at;
static atomic_int n_requests, n_allocations, n_frees, n_maps, n_unmaps, n_opens, n_closes, n_stats,
    n_threads;

bool interpose_works(void)
{
    return true;
}

void interpose_begin(int fail_at_request)
{
    atomic_int *all[] = {&n_requests, &n_allocations, &n_frees, &n_maps,   &n_unmaps,
                         &n_opens,    &n_closes,      &n_stats, &n_threads};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        atomic_store(all[i], 0);
    atomic_store(&fail_at, fail_at_request);
    atomic_store(&is_counting, true);
}

struct interpose_counts interpose_end(void)
{
    atomic_store(&is_counting, false);
    return (struct interpose_counts){.n_requests = n_requests,
                                     .n_allocations = n_allocations,
                                     .n_frees = n_frees,
                                     .n_maps = n_maps,
                                     .n_unmaps = n_unmaps,
                                     .n_opens = n_opens,
                                     .n_closes = n_closes,
                                     .n_stats = n_stats,
                                     .n_threads = n_threads};
}

/* Counts a request of one kind; true if it is the one to refuse. */
static bool refuses(atomic_int *kind)
{
    if (!atomic_load(&is_counting))
        return false;
    atomic_fetch_add(kind, 1);
    return atomic_fetch_add(&n_requests, 1) + 1 == atomic_load(&fail_at);
}

static void count(atomic_int *kind)
{
    if (atomic_load(&is_counting))
        atomic_fetch_add(kind, 1);
}

/* The library is built with hidden symbols, and so is this; what stands for libc must be seen. */
#define SEEN __attribute__((visibility("default")))

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);
SEEN void *memalign(size_t alignment, size_t bytes);

static void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

SEEN void *malloc(size_t bytes)
{
    return refuses(&n_allocations) ? out_of_memory() : __libc_malloc(bytes);
}

SEEN void *calloc(size_t n, size_t bytes)
{
    return refuses(&n_allocations) ? out_of_memory() : __libc_calloc(n, bytes);
}

SEEN void *realloc(void *old, size_t bytes)
{
    return refuses(&n_allocations) ? out_of_memory() : __libc_realloc(old, bytes);
}

SEEN void *memalign(size_t alignment, size_t bytes)
{
    return refuses(&n_allocations) ? out_of_memory() : __libc_memalign(alignment, bytes);
}

SEEN void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

SEEN int posix_memalign(void **block_ret, size_t alignment, size_t bytes)
{
    void *block = memalign(alignment, bytes);
    if (block == NULL)
        return ENOMEM;
    *block_ret = block;
    return 0;
}

SEEN void free(void *block)
{
    if (block != NULL)
        count(&n_frees);
    __libc_free(block);
}

/* The definition after ours of the function with this name and type. */
#define NEXT(type, name) type next = (type)(uintptr_t)dlsym(RTLD_NEXT, name)

typedef void *map_fn(void *, size_t, int, int, int, off_t);
typedef void *map64_fn(void *, size_t, int, int, int, off64_t);
typedef int unmap_fn(void *, size_t);
typedef int open_fn(const char *, int, ...);
typedef int close_fn(int);
typedef int stat_fn(int, struct stat *);
typedef int stat64_fn(int, struct stat64 *);
typedef void *break_fn(intptr_t);
typedef int thread_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

SEEN void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    NEXT(map_fn *, "mmap");
    if (!refuses(&n_maps))
        return next(at, bytes, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

SEEN void *mmap64(void *at, size_t bytes, int protection, int flags, int fd, off64_t offset)
{
    NEXT(map64_fn *, "mmap64");
    if (!refuses(&n_maps))
        return next(at, bytes, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

SEEN void *sbrk(intptr_t increment)
{
    NEXT(break_fn *, "sbrk");
    if (!refuses(&n_maps))
        return next(increment);
    errno = ENOMEM;
    return (void *)-1;
}

SEEN int munmap(void *at, size_t bytes)
{
    NEXT(unmap_fn *, "munmap");
    count(&n_unmaps);
    return next(at, bytes);
}

static int open_next(const char *name, const char *path, int flags, int mode)
{
    NEXT(open_fn *, name);
    if (!refuses(&n_opens))
        return next(path, flags, mode);
    errno = EMFILE;
    return -1;
}

/* Whoever does not pass a mode does not create a file, and then it is not looked at. */
#define MODE_ARGUMENT(flags)                                                                       \
    int mode = 0;                                                                                  \
    if (((flags)&O_CREAT) != 0) {                                                                  \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, int);                                                             \
        va_end(arguments);                                                                         \
    }

SEEN int open(const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags)
    return open_next("open", path, flags, mode);
}

SEEN int open64(const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags)
    return open_next("open64", path, flags, mode);
}

SEEN int close(int fd)
{
    NEXT(close_fn *, "close");
    count(&n_closes);
    return next(fd);
}

SEEN int fstat(int fd, struct stat *info)
{
    NEXT(stat_fn *, "fstat");
    if (!refuses(&n_stats))
        return next(fd, info);
    errno = EIO;
    return -1;
}

SEEN int fstat64(int fd, struct stat64 *info)
{
    NEXT(stat64_fn *, "fstat64");
    if (!refuses(&n_stats))
        return next(fd, info);
    errno = EIO;
    return -1;
}

SEEN int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                        void *argument)
{
    NEXT(thread_fn *, "pthread_create");
    return refuses(&n_threads) ? EAGAIN : next(thread, attributes, start, argument);
}

#else

bool interpose_works(void)
{
    return false;
}

void interpose_begin(int fail_at_request)
{
    (void)fail_at_request;
}

struct interpose_counts interpose_end(void)
{
    return (struct interpose_counts){0};
}

#endif
