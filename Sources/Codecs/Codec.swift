import SansIO

/// How samples become payload: the one place that knows clock rates, frame sizes and what an octet means.
public enum Codec: Hashable, Sendable {
  case g711(G711.Law)
  case g722
  /// With what the other side asks of our encoder; nothing of it concerns the decoder.
  case opus(OpusParameters)

  /// Ticks of the RTP timestamp a second (RFC 3551 §4.5; RFC 7587 §4.1: 48,000 whatever is sampled).
  public var clockRate: Int {
    switch self {
    case .g711, .g722: 8_000
    case .opus: 48_000
    }
  }

  /// Samples a second, which is not the clock rate of every codec (RFC 3551 §4.5.2).
  public var sampleRate: Int {
    switch self {
    case .g711: 8_000
    case .g722: 16_000
    case .opus: 48_000
    }
  }

  /// Samples in a frame of so many milliseconds.
  public func samples(milliseconds: Int) -> Int { sampleRate * milliseconds / 1_000 }

  /// What the RTP timestamp moves on by in so many milliseconds.
  public func ticks(milliseconds: Int) -> UInt32 { UInt32(clockRate * milliseconds / 1_000) }

  /// The same for nanoseconds, towards zero.
  public func ticks(nanoseconds: Int64) -> Int64 { nanoseconds * Int64(clockRate) / 1_000_000_000 }

  /// Room that a payload of so many milliseconds usually needs.
  public func usualPayload(milliseconds: Int) -> Int {
    switch self {
    case .g711, .g722: 8 * milliseconds
    case .opus(let parameters): Int(parameters.averageBitrate) / 8 * milliseconds / 1_000 * 3 / 2
    }
  }

  public var encoder: AudioEncoder { AudioEncoder(self) }
  public var decoder: AudioDecoder { AudioDecoder(self) }
}

/// From samples to payload; what a codec remembers from frame to frame is in here.
///
/// A value: a copy carries on from the same state by itself. No frame allocates anything but what `payload` grows by, but the first one of
/// a copy of G.722 or Opus does.
public struct AudioEncoder: Sendable {
  public let codec: Codec
  private var g722: G722Encoder?
  private var opus: OpusEncoder?

  init(_ codec: Codec) {
    self.codec = codec
    switch codec {
    case .g711: break
    case .g722: g722 = G722Encoder()
    case .opus(let parameters): opus = OpusEncoder(parameters)
    }
  }

  /// Appends the payload of a frame at the codec's sample rate, of a length that the codec has: Opus 2.5, 5, 10, 20, 40 or 60 ms.
  ///
  /// - Returns: whether the payload is worth a packet: not what DTX leaves out (RFC 7587 §3.1.3).
  @discardableResult
  public mutating func encode(_ frame: AudioFrame, into payload: inout [UInt8]) -> Bool {
    switch codec {
    case .g711(let law): G711.encode(frame.samples, law, into: &payload)
    case .g722: g722?.encode(frame.samples, into: &payload)
    case .opus: return opus?.encode(frame.samples, into: &payload) ?? false
    }
    return true
  }
}

/// From payload to samples.
///
/// A value: a copy carries on from the same state by itself.
public struct AudioDecoder: Sendable {
  public let codec: Codec
  private var g722: G722Decoder?
  private var opus: OpusDecoder?
  /// Since the first loss; Opus conceals by itself.
  private var concealment: LossConcealment?

  /// 200 ms of G.711 and of G.722 are as many octets (RFC 3551 §4.2).
  private static let longestPayload = 1_600

  init(_ codec: Codec) {
    self.codec = codec
    switch codec {
    case .g711: break
    case .g722: g722 = G722Decoder()
    case .opus: opus = OpusDecoder()
    }
  }

  /// Puts the samples of a payload into a frame; no samples where it is none of this codec.
  @discardableResult
  public mutating func decode(_ payload: Bytes, into frame: inout AudioFrame) -> PayloadFault? {
    frame.sampleRate = codec.sampleRate
    if case .opus = codec { return opus?.decode(payload, into: &frame.samples) }
    guard !payload.isEmpty, payload.count <= Self.longestPayload else {
      frame.resize(0)
      return payload.isEmpty ? .empty : .tooLong
    }
    if case .g711(let law) = codec { G711.decode(payload, law, into: &frame.samples) } else { g722?.decode(payload, into: &frame.samples) }
    if concealment != nil { own().hear(&frame.samples) }
    return nil
  }

  /// Makes up so many milliseconds of audio that did not come, after what came before: Opus by itself, the others by ``LossConcealment``.
  ///
  /// - Parameter frame: the one that ``decode(_:into:)`` filled last: what is in it is all that the first loss has to go by, so that
  ///   streams which lose nothing keep nothing.
  public mutating func conceal(milliseconds: Int, into frame: inout AudioFrame) {
    let count = codec.samples(milliseconds: min(max(milliseconds, 0), 120))
    defer { frame.sampleRate = codec.sampleRate }
    if case .opus = codec {
      opus?.conceal(count, into: &frame.samples)
    } else {
      if concealment == nil {
        let heard = frame.sampleRate == codec.sampleRate ? frame.samples : []
        concealment = LossConcealment(sampleRate: codec.sampleRate, heard: heard)
      }
      frame.resize(count)
      own().conceal(&frame.samples)
    }
    frame.resize(count)
  }

  /// Takes so many milliseconds of audio that did not come from the packet behind them, which is still to be decoded itself (in-band FEC,
  /// RFC 6716 §2.1.7); where that has nothing of it, as ``conceal(milliseconds:into:)`` does.
  public mutating func recover(_ next: Bytes, milliseconds: Int, into frame: inout AudioFrame) {
    guard case .opus = codec else { return conceal(milliseconds: milliseconds, into: &frame) }
    let count = codec.samples(milliseconds: min(max(milliseconds, 0), 120))
    opus?.recover(next, count, into: &frame.samples)
    frame.resize(count)
    frame.sampleRate = codec.sampleRate
  }

  /// The concealment for changing: a copy of it where another value has it too.
  private mutating func own() -> LossConcealment {
    if !isKnownUniquelyReferenced(&concealment), let shared = concealment { concealment = LossConcealment(copying: shared) }
    return concealment ?? LossConcealment(sampleRate: codec.sampleRate, heard: [])
  }
}
