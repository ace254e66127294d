#include "CVirtualTime.h"

#include <string.h>
#include <sys/time.h>
#include <time.h>

static _Thread_local virtual_random *current_random;
static _Thread_local int64_t current_nanoseconds;

void virtual_scope_enter(virtual_random *random, int64_t unix_nanoseconds) {
  current_random = random;
  current_nanoseconds = unix_nanoseconds;
}

void virtual_scope_leave(void) { current_random = NULL; }

// Time

static int64_t floor_seconds(int64_t nanoseconds) {
  int64_t seconds = nanoseconds / 1000000000;
  return nanoseconds % 1000000000 < 0 ? seconds - 1 : seconds;
}

time_t time(time_t *result) {
  time_t seconds;
  if (current_random != NULL) {
    seconds = (time_t)floor_seconds(current_nanoseconds);
  } else {
    struct timespec real;
    // The coarse clock is what the C library's own `time` reads.
    clock_gettime(CLOCK_REALTIME_COARSE, &real);
    seconds = real.tv_sec;
  }
  if (result != NULL) *result = seconds;
  return seconds;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
  if (zone != NULL) memset(zone, 0, sizeof(struct timezone));
  if (current_random != NULL) {
    int64_t seconds = floor_seconds(current_nanoseconds);
    result->tv_sec = (time_t)seconds;
    result->tv_usec = (suseconds_t)((current_nanoseconds - seconds * 1000000000) / 1000);
    return 0;
  }
  struct timespec real;
  if (clock_gettime(CLOCK_REALTIME, &real) != 0) return -1;
  result->tv_sec = real.tv_sec;
  result->tv_usec = (suseconds_t)(real.tv_nsec / 1000);
  return 0;
}

// Randomness

static uint32_t rotated(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
  *a += *b; *d = rotated(*d ^ *a, 16);
  *c += *d; *b = rotated(*b ^ *c, 12);
  *a += *b; *d = rotated(*d ^ *a, 8);
  *c += *d; *b = rotated(*b ^ *c, 7);
}

// RFC 8439 §2.3, with the 64-bit block counter and nonce of the original design.
static void next_block(const virtual_random *random, virtual_stream *stream, uint32_t nonce) {
  uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  memcpy(start + 4, random->key, sizeof random->key);
  start[12] = (uint32_t)stream->next_block;
  start[13] = (uint32_t)(stream->next_block >> 32);
  start[14] = nonce;
  uint32_t x[16];
  memcpy(x, start, sizeof x);
  for (int round = 0; round < 10; round++) {
    quarter_round(&x[0], &x[4], &x[8], &x[12]);
    quarter_round(&x[1], &x[5], &x[9], &x[13]);
    quarter_round(&x[2], &x[6], &x[10], &x[14]);
    quarter_round(&x[3], &x[7], &x[11], &x[15]);
    quarter_round(&x[0], &x[5], &x[10], &x[15]);
    quarter_round(&x[1], &x[6], &x[11], &x[12]);
    quarter_round(&x[2], &x[7], &x[8], &x[13]);
    quarter_round(&x[3], &x[4], &x[9], &x[14]);
  }
  for (int word = 0; word < 16; word++) {
    uint32_t sum = x[word] + start[word];
    for (int byte = 0; byte < 4; byte++) stream->block[word * 4 + byte] = (uint8_t)(sum >> (8 * byte));
  }
  stream->next_block++;
  stream->used = 0;
}

void virtual_random_start(virtual_random *random, const uint8_t *seed) {
  memset(random, 0, sizeof *random);
  for (int word = 0; word < 8; word++) {
    const uint8_t *part = seed + word * 4;
    random->key[word] = (uint32_t)part[0] | (uint32_t)part[1] << 8 | (uint32_t)part[2] << 16 | (uint32_t)part[3] << 24;
  }
  random->small.used = sizeof random->small.block;
  random->large.used = sizeof random->large.block;
}

int virtual_random_fill(uint8_t *bytes, size_t count) {
  virtual_random *random = current_random;
  if (random == NULL) return 0;
  int is_large = count >= VIRTUAL_RANDOM_LARGE;
  virtual_stream *stream = is_large ? &random->large : &random->small;
  while (count > 0) {
    if (stream->used == sizeof stream->block) next_block(random, stream, (uint32_t)is_large);
    size_t part = sizeof stream->block - stream->used;
    if (part > count) part = count;
    memcpy(bytes, stream->block + stream->used, part);
    stream->used += (uint32_t)part;
    bytes += part;
    count -= part;
  }
  return 1;
}
