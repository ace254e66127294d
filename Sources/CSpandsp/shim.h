// G.722 of libspandsp for Swift. Of its many headers only what G.722 needs; the private one says how large a state is, so that it can be copied.
#pragma once

#include <stdint.h>
#include <stddef.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
#include <spandsp/private/g722.h>

static inline size_t cspandsp_g722_encoder_size(void) { return sizeof(struct g722_encode_state_s); }
static inline size_t cspandsp_g722_decoder_size(void) { return sizeof(struct g722_decode_state_s); }
