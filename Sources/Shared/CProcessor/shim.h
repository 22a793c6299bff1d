#ifndef CPROCESSOR_SHIM_H
#define CPROCESSOR_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// CRC-32C by the processor's own instruction, which Swift cannot name: a step of 8 bytes. The functions are
// compiled for processors that have it, whatever the rest is compiled for, so they may be called only when
// cprocessor_has_crc32c() says so. `crc` goes in and out as it is between two steps: not inverted.

#if defined(__x86_64__)

static inline bool cprocessor_has_crc32c(void) { return __builtin_cpu_supports("sse4.2"); }

#define CPROCESSOR_CRC32C __attribute__((target("sse4.2")))
#define CPROCESSOR_STEP_8(crc, word) (uint32_t)__builtin_ia32_crc32di(crc, word)
#define CPROCESSOR_STEP_1(crc, byte) __builtin_ia32_crc32qi(crc, byte)

#elif defined(__aarch64__)

#include <sys/auxv.h>

// HWCAP_CRC32 of Linux.
static inline bool cprocessor_has_crc32c(void) { return getauxval(AT_HWCAP) >> 7 & 1; }

#define CPROCESSOR_CRC32C __attribute__((target("crc")))
#define CPROCESSOR_STEP_8(crc, word) __builtin_arm_crc32cd(crc, word)
#define CPROCESSOR_STEP_1(crc, byte) __builtin_arm_crc32cb(crc, byte)

#else

static inline bool cprocessor_has_crc32c(void) { return false; }

#define CPROCESSOR_CRC32C
#define CPROCESSOR_STEP_8(crc, word) (crc)
#define CPROCESSOR_STEP_1(crc, byte) (crc)

#endif

CPROCESSOR_CRC32C
static inline uint32_t cprocessor_crc32c(uint32_t crc, const void *bytes, size_t count)
{
    const unsigned char *next = bytes;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        crc = CPROCESSOR_STEP_8(crc, word);
    }
    for (; count > 0; count--, next++)
        crc = CPROCESSOR_STEP_1(crc, *next);
    return crc;
}

#endif
