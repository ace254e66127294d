import COpus
import SansIO

/// Opus (RFC 6716) through libopus, decoded to one channel at 48 kHz whatever was sent.
struct OpusDecoder: Sendable {
  /// 120 ms: more is no packet of Opus (RFC 6716 §3.4 [R5]).
  private static let longest = 5_760

  private var state: StateBlock

  init() {
    state = StateBlock(size: Int(opus_decoder_get_size(1)))
    let result = opus_decoder_init(OpaquePointer(state.pointer), 48_000, 1)
    precondition(result == OPUS_OK, "libopus refuses 48 kHz, one channel")
  }

  /// Puts the samples of a packet into `samples`; silence of no length and the reason where it is none.
  mutating func decode(_ payload: Bytes, into samples: inout [Int16]) -> PayloadFault? {
    guard !payload.isEmpty else {
      samples.removeAll(keepingCapacity: true)
      return .empty
    }
    let state = OpaquePointer(StateBlock.unique(&state))
    return payload.withUnsafeBytes { octets in
      guard let base = octets.bindMemory(to: UInt8.self).baseAddress else { return .empty }
      let length = opus_packet_get_nb_samples(base, Int32(octets.count), 48_000)
      guard length > 0 else {
        samples.removeAll(keepingCapacity: true)
        return Self.isTooLong(base, octets.count) ? .tooLong : .malformed
      }
      let count = Self.fill(&samples, Int(length)) { opus_decode(state, base, Int32(octets.count), $0, length, 0) }
      return count < 0 ? .malformed : nil
    }
  }

  /// Makes up what a lost packet held from what came before it.
  mutating func conceal(_ count: Int, into samples: inout [Int16]) {
    let state = OpaquePointer(StateBlock.unique(&state))
    let whole = Self.whole(count)
    _ = Self.fill(&samples, whole) { opus_decode(state, nil, 0, $0, Int32(whole), 0) }
  }

  /// Takes what a lost packet held from the one behind it; libopus conceals where that one holds nothing of it.
  mutating func recover(_ next: Bytes, _ count: Int, into samples: inout [Int16]) {
    let state = OpaquePointer(StateBlock.unique(&state))
    let whole = Self.whole(count)
    let filled = next.withUnsafeBytes { octets -> Int in
      guard let base = octets.bindMemory(to: UInt8.self).baseAddress else { return -1 }
      return Self.fill(&samples, whole) { opus_decode(state, base, Int32(octets.count), $0, Int32(whole), 1) }
    }
    if filled < 0 { conceal(count, into: &samples) }
  }

  /// libopus counts in steps of 2.5 ms.
  private static func whole(_ count: Int) -> Int { min(max((count + 119) / 120 * 120, 120), longest) }

  /// Has `body` fill room for `count` samples; what it returns, and no samples where that is an error.
  private static func fill(_ samples: inout [Int16], _ count: Int, _ body: (UnsafeMutablePointer<Int16>) -> Int32) -> Int {
    resize(&samples, count)
    let filled = samples.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map { Int(body($0)) } ?? -1 }
    resize(&samples, max(0, filled))
    return filled
  }

  /// Whether the frames that the first octets announce take more than 120 ms.
  private static func isTooLong(_ packet: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let frames = Int(opus_packet_get_nb_frames(packet, Int32(count)))
    return frames > 0 && frames * Int(opus_packet_get_samples_per_frame(packet, 48_000)) > longest
  }
}
