// HighwayHash's inner loop for processors with vectors of four 64-bit words.
#ifndef MARTLET_CHIGHWAY_H
#define MARTLET_CHIGHWAY_H

#include <stddef.h>
#include <stdint.h>

/// Whether this processor has what martlet_highway_update needs.
int martlet_highway_is_fast(void);

/// Takes `count` packets of 32 bytes into `state`: v0, v1, mul0 and mul1, four words each.
/// Only where martlet_highway_is_fast says so.
void martlet_highway_update(uint64_t state[16], const uint8_t *packets, size_t count);

#endif
