// Time and randomness of one endpoint, for C libraries that would ask the system.
//
// libssl and libcrypto read clocks through `time` and `gettimeofday`. This target defines both: on a thread that has entered a virtual
// scope they tell the scope's time, on any other the real one. The dynamic linker takes these definitions because the linker exports
// from an executable what its shared libraries refer to. Randomness goes through OpenSSL's own hook, which asks `virtual_random_fill`.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// A key stream of ChaCha20 (RFC 8439 §2.4), counted from block 0.
typedef struct virtual_stream {
  uint64_t next_block;
  uint8_t block[64];
  uint32_t used;
} virtual_stream;

/// An endpoint's generator: two key streams under one seed, with the nonces 0 and 1.
///
/// Draws of `VIRTUAL_RANDOM_LARGE` bytes and more come from the second. Among them are the blinding factors of RSA keys, which show in no
/// result and which a key that connections share renews now and then, out of the randomness of whichever connection is signing: what that
/// connection draws besides must not depend on it.
typedef struct virtual_random {
  uint32_t key[8];
  virtual_stream small;
  virtual_stream large;
} virtual_random;

/// As long as the modulus of the shortest RSA key in use, 1,024 bits; everything else that goes on a wire is shorter, but padding and the
/// private keys of large finite-field groups, each of which is drawn before the key of its connection signs.
#define VIRTUAL_RANDOM_LARGE 128

/// Starts the generator with a seed of 32 bytes.
void virtual_random_start(virtual_random *random, const uint8_t *seed);

/// Makes `random` and `unix_nanoseconds` (since 1970) the randomness and the time of this thread, until `virtual_scope_leave`.
/// Scopes do not nest.
void virtual_scope_enter(virtual_random *random, int64_t unix_nanoseconds);
void virtual_scope_leave(void);

/// Draws from this thread's generator and returns 1; returns 0, having written nothing, outside of a scope.
int virtual_random_fill(uint8_t *bytes, size_t count);
