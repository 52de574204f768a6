/* SPDX-License-Identifier: Apache-2.0
 * os_posix.c - os.h on POSIX systems, with what Linux adds where it is there. */
#define _GNU_SOURCE
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

/* strerror() is neither thread-safe nor the same everywhere; these are the ones people meet. */
static const char *errno_words(int error)
{
    switch (error) {
    case ENOENT:
        return "no such file";
    case EACCES:
        return "permission denied";
    case EISDIR:
        return "is a directory";
    case ENOTDIR:
        return "a part of the path is not a directory";
    case ENOMEM:
        return "not enough address space";
    case EMFILE:
    case ENFILE:
        return "too many open files";
    default:
        return "input/output error";
    }
}

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

enum ponder_status pd_map_open(struct pd_map *map, const char *path, const struct pd_error *err)
{
    *map = (struct pd_map){0};
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return pd_fail(err, PONDER_NO_FILE, "%s: %s", path, errno_words(errno));

    struct stat info;
    enum ponder_status status = PONDER_OK;
    void *data = MAP_FAILED;
    if (fstat(fd, &info) != 0)
        status = pd_fail(err, PONDER_NO_FILE, "%s: %s", path, errno_words(errno));
    else if (!S_ISREG(info.st_mode))
        status = pd_fail(err, PONDER_NO_FILE, "%s: not a regular file", path);
    else if (info.st_size <= 0)
        status = pd_fail(err, PONDER_BAD_FILE, "%s: the file is empty", path);
    else if ((uint64_t)info.st_size > SIZE_MAX)
        status = pd_fail(err, PONDER_NO_MEMORY, "%s: too large for this machine", path);
    else if ((data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        status = pd_fail(err, PONDER_NO_FILE, "%s: cannot be mapped: %s", path, errno_words(errno));
    close(fd);
    if (status != PONDER_OK)
        return status;
    map->data = data;
    map->bytes = (size_t)info.st_size;
    map->id = (struct pd_file_id){(uint64_t)info.st_dev, (uint64_t)info.st_ino,
                                  nanoseconds(&info.st_mtim), nanoseconds(&info.st_ctim)};
    madvise(data, map->bytes, MADV_WILLNEED);
    return PONDER_OK;
}

void pd_map_close(struct pd_map *map)
{
    if (map->data != NULL)
        munmap((void *)(uintptr_t)map->data, map->bytes);
    *map = (struct pd_map){0};
}

/* What a read may map around it: the whole folio of the page cache (Linux since 6.18; as large as a huge page, and aligned
 * so in the file), or a window of 64 KiB, aligned in memory. */
enum { FOLIO_BYTES = 1 << 21, WINDOW_BYTES = 1 << 16 };

void pd_map_release(const struct pd_map *map, const void *data, size_t bytes)
{
    size_t begin = (size_t)((const uint8_t *)data - map->data);
    size_t end = begin + bytes;
    begin -= begin % FOLIO_BYTES;
    begin -= pd_min_size(begin, WINDOW_BYTES);
    end += (FOLIO_BYTES - end % FOLIO_BYTES) % FOLIO_BYTES + WINDOW_BYTES;
    madvise((void *)(uintptr_t)(map->data + begin), pd_min_size(end, map->bytes) - begin,
            MADV_DONTNEED);
}

bool pd_map_is_settled(const struct pd_map *map)
{
    enum { COARSEST_NS = 2000000000 };
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(&now) > map->id.changed_ns &&
           nanoseconds(&now) - map->id.changed_ns > COARSEST_NS;
}

void *pd_pages_alloc(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
#ifdef MADV_HUGEPAGE
    madvise(pages, bytes, MADV_HUGEPAGE);
#endif
    return pages;
}

void pd_pages_free(void *pages, size_t bytes)
{
    if (pages != NULL)
        munmap(pages, bytes);
}

int64_t pd_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int pd_core_count(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 65536 ? (int)n : 1;
}
