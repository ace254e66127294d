import CSpandsp
import SansIO

/// G.722 (ITU-T, 2012) at 64 kbit/s through spandsp: an octet for two samples of 16 kHz, one tick of the RTP timestamp (RFC 3551 §4.5.2).
struct G722Encoder: Sendable {
  /// 200 ms (RFC 3551 §4.2).
  private static let largestPayload = 1_600

  /// The state of spandsp, and room for a payload behind it.
  private var state: StateBlock

  init() {
    state = StateBlock(size: cspandsp_g722_encoder_size() + Self.largestPayload)
    let made = g722_encode_init(state.pointer.assumingMemoryBound(to: g722_encode_state_t.self), 64_000, 0)
    precondition(made != nil, "spandsp refuses 64 kbit/s")
  }

  /// Appends an octet for each two samples; an odd last one is left out, and so is what comes after 200 ms.
  mutating func encode(_ samples: [Int16], into payload: inout [UInt8]) {
    let pointer = StateBlock.unique(&state)
    let room = (pointer + state.size - Self.largestPayload).assumingMemoryBound(to: UInt8.self)
    let count = samples.withUnsafeBufferPointer { samples -> Int in
      let length = min(samples.count / 2, Self.largestPayload) * 2
      guard length > 0, let base = samples.baseAddress else { return 0 }
      return Int(g722_encode(pointer.assumingMemoryBound(to: g722_encode_state_t.self), room, base, Int32(length)))
    }
    payload.append(contentsOf: UnsafeBufferPointer(start: room, count: count))
  }
}

/// The way back; any octets are a payload.
struct G722Decoder: Sendable {
  private var state: StateBlock

  init() {
    state = StateBlock(size: cspandsp_g722_decoder_size())
    let made = g722_decode_init(state.pointer.assumingMemoryBound(to: g722_decode_state_t.self), 64_000, 0)
    precondition(made != nil, "spandsp refuses 64 kbit/s")
  }

  mutating func decode(_ payload: Bytes, into samples: inout [Int16]) {
    let state = StateBlock.unique(&state).assumingMemoryBound(to: g722_decode_state_t.self)
    resize(&samples, payload.count * 2)
    samples.withUnsafeMutableBufferPointer { samples in
      payload.withUnsafeBytes { octets in
        guard let output = samples.baseAddress, let input = octets.bindMemory(to: UInt8.self).baseAddress, octets.count > 0 else { return }
        _ = g722_decode(state, output, input, Int32(octets.count))
      }
    }
  }
}
