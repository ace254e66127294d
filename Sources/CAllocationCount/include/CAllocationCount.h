#pragma once

#include <stdint.h>

/// Blocks that this thread has taken from malloc and its kin since it began. A program that links this module has its malloc counted; the
/// memory itself is glibc's as before.
uint64_t allocation_count(void);
