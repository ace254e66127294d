import SansIO

/// How samples become payload: the one place that knows clock rates, frame sizes and what an octet means.
public enum Codec: Hashable, Sendable {
  case g711(G711.Law)

  /// Ticks of the RTP timestamp a second (RFC 3551 §4.5).
  public var clockRate: Int {
    switch self {
    case .g711: 8_000
    }
  }

  /// Samples a second, which is not the clock rate of every codec (RFC 3551 §4.5.2).
  public var sampleRate: Int {
    switch self {
    case .g711: 8_000
    }
  }

  /// Samples in a frame of so many milliseconds.
  public func samples(milliseconds: Int) -> Int { sampleRate * milliseconds / 1_000 }

  /// What the RTP timestamp moves on by in so many milliseconds.
  public func ticks(milliseconds: Int) -> UInt32 { UInt32(clockRate * milliseconds / 1_000) }

  /// The same for nanoseconds, towards zero.
  public func ticks(nanoseconds: Int64) -> Int64 { nanoseconds * Int64(clockRate) / 1_000_000_000 }

  public var encoder: AudioEncoder {
    switch self {
    case .g711(let law): .g711(law)
    }
  }

  public var decoder: AudioDecoder {
    switch self {
    case .g711(let law): .g711(law)
    }
  }
}

/// From samples to payload; what a codec remembers from frame to frame is in here.
public enum AudioEncoder: Hashable, Sendable {
  case g711(G711.Law)

  /// Appends the payload of a frame at the codec's sample rate.
  public mutating func encode(_ frame: AudioFrame, into payload: inout [UInt8]) {
    switch self {
    case .g711(let law): G711.encode(frame.samples, law, into: &payload)
    }
  }
}

/// From payload to samples.
public enum AudioDecoder: Hashable, Sendable {
  case g711(G711.Law)

  public var codec: Codec {
    switch self {
    case .g711(let law): .g711(law)
    }
  }

  /// Puts the samples of a payload into a frame; any payload is one.
  public mutating func decode(_ payload: Bytes, into frame: inout AudioFrame) {
    frame.sampleRate = codec.sampleRate
    switch self {
    case .g711(let law): G711.decode(payload, law, into: &frame.samples)
    }
  }
}
