import COpus
import SansIO

/// Opus (RFC 6716) through libopus: one channel, 48 kHz, made for speech.
///
/// It allocates when it is made and when a copy begins to differ, never with a frame. Its bytes depend on input, parameters, library and
/// the kind of processor alone.
struct OpusEncoder: Sendable {
  /// More than one frame of Opus never takes (RFC 6716 §3.2.1).
  static let largestPayload = 1_275
  /// A receiver that gets in-band FEC is taken to need it: libopus adds none for a line that loses nothing. Percent.
  private static let assumedLoss: Int32 = 10

  /// The state of libopus, and room for a payload behind it.
  private var state: StateBlock
  private let usesDTX: Bool

  init(_ parameters: OpusParameters) {
    let size = Int(opus_encoder_get_size(1))
    state = StateBlock(size: size + Self.largestPayload)
    usesDTX = parameters.usesDTX
    let encoder = OpaquePointer(state.pointer)
    let result = opus_encoder_init(encoder, 48_000, 1, OPUS_APPLICATION_VOIP)
    precondition(result == OPUS_OK, "libopus refuses 48 kHz, one channel")
    func set(_ request: Int32, _ value: Int32) {
      let result = copus_encoder_set(encoder, request, value)
      assert(result == OPUS_OK, "libopus refuses \(value) for \(request)")
    }
    set(OPUS_SET_BITRATE_REQUEST, min(max(parameters.averageBitrate, 6_000), 510_000))
    set(OPUS_SET_MAX_BANDWIDTH_REQUEST, Self.bandwidth(parameters.maximumPlaybackRate))
    set(OPUS_SET_VBR_REQUEST, parameters.isConstantBitrate ? 0 : 1)
    set(OPUS_SET_INBAND_FEC_REQUEST, parameters.usesFEC ? 1 : 0)
    set(OPUS_SET_PACKET_LOSS_PERC_REQUEST, parameters.usesFEC ? Self.assumedLoss : 0)
    set(OPUS_SET_DTX_REQUEST, parameters.usesDTX ? 1 : 0)
    // The least work by which libopus finds room for FEC; below 24 kbit/s it leaves it out. Quality is not what the Lab sells.
    set(OPUS_SET_COMPLEXITY_REQUEST, parameters.usesFEC && parameters.averageBitrate < 28_000 ? 1 : 0)
  }

  /// The audio bandwidth that a sampling rate can carry (RFC 6716 Table 1).
  private static func bandwidth(_ rate: Int32) -> Int32 {
    switch rate {
    case ..<12_000: OPUS_BANDWIDTH_NARROWBAND
    case ..<16_000: OPUS_BANDWIDTH_MEDIUMBAND
    case ..<24_000: OPUS_BANDWIDTH_WIDEBAND
    case ..<48_000: OPUS_BANDWIDTH_SUPERWIDEBAND
    default: OPUS_BANDWIDTH_FULLBAND
    }
  }

  /// Appends the payload of a frame of 2.5, 5, 10, 20, 40 or 60 ms; a frame of another length appends nothing.
  ///
  /// - Returns: whether the payload is worth a packet; not what DTX leaves out (RFC 7587 §3.1.3).
  mutating func encode(_ samples: [Int16], into payload: inout [UInt8]) -> Bool {
    let pointer = StateBlock.unique(&state)
    let room = (pointer + state.size - Self.largestPayload).assumingMemoryBound(to: UInt8.self)
    let count = samples.withUnsafeBufferPointer { samples -> Int in
      guard let base = samples.baseAddress else { return 0 }
      return Int(opus_encode(OpaquePointer(pointer), base, Int32(samples.count), room, Int32(Self.largestPayload)))
    }
    guard count > 0 else { return false }
    payload.append(contentsOf: UnsafeBufferPointer(start: room, count: count))
    return !(usesDTX && count <= 2)
  }
}
