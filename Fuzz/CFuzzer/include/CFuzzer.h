// The door to libFuzzer, which the toolchain links in where a target is built with -sanitize=fuzzer.
#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

// Runs libFuzzer with its command line; `callback` gets each input and returns 0. Returns the exit code.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
