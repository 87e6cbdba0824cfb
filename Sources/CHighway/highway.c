#include "CHighway.h"

#if defined(__x86_64__)
#include <immintrin.h>

int martlet_highway_is_fast(void) { return __builtin_cpu_supports("avx2") != 0; }

__attribute__((target("avx2")))
void martlet_highway_update(uint64_t state[16], const uint8_t *packets, size_t count) {
    // The bytes of each pair of words in the order in which they are added to the other pair.
    const __m256i zipped = _mm256_setr_epi8(
        3, 12, 2, 5, 14, 1, 15, 0, 11, 4, 10, 13, 9, 6, 8, 7,
        3, 12, 2, 5, 14, 1, 15, 0, 11, 4, 10, 13, 9, 6, 8, 7);
    __m256i *const words = (__m256i *)state;
    __m256i v0 = _mm256_loadu_si256(words), v1 = _mm256_loadu_si256(words + 1);
    __m256i mul0 = _mm256_loadu_si256(words + 2), mul1 = _mm256_loadu_si256(words + 3);
    for (size_t i = 0; i < count; i++) {
        const __m256i packet = _mm256_loadu_si256((const __m256i *)packets + i);
        v1 = _mm256_add_epi64(v1, _mm256_add_epi64(mul0, packet));
        mul0 = _mm256_xor_si256(mul0, _mm256_mul_epu32(v1, _mm256_srli_epi64(v0, 32)));
        v0 = _mm256_add_epi64(v0, mul1);
        mul1 = _mm256_xor_si256(mul1, _mm256_mul_epu32(v0, _mm256_srli_epi64(v1, 32)));
        v0 = _mm256_add_epi64(v0, _mm256_shuffle_epi8(v1, zipped));
        v1 = _mm256_add_epi64(v1, _mm256_shuffle_epi8(v0, zipped));
    }
    _mm256_storeu_si256(words, v0);
    _mm256_storeu_si256(words + 1, v1);
    _mm256_storeu_si256(words + 2, mul0);
    _mm256_storeu_si256(words + 3, mul1);
}

#else

int martlet_highway_is_fast(void) { return 0; }

void martlet_highway_update(uint64_t state[16], const uint8_t *packets, size_t count) {
    (void)state; (void)packets; (void)count;
    __builtin_trap();
}

#endif
