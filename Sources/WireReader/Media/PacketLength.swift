import SDP
import SansIO

/// How much time a payload holds, for codecs whose payload says it.
public enum PacketLength: Hashable, Sendable {
  /// A byte a tick, as G.711 and G.722 (RFC 3551 §4.5.14, §4.5.2).
  case bytes
  /// Linear samples of so many bytes, all channels of a sample counted (RFC 3551 §4.5.11).
  case samples(bytes: Int)
  /// Frames of so many bytes and ticks (GSM, G.729); a shorter one at the end is comfort noise and lasts as long.
  case frames(bytes: Int, ticks: Int)
  /// RFC 6716 §3.1: the first byte says it.
  case opus

  public init?(_ name: String, channels: Int) {
    switch name.uppercased() {
    case "PCMU", "PCMA", "G722": self = .bytes
    case "L16": self = .samples(bytes: 2 * max(channels, 1))
    case "GSM": self = .frames(bytes: 33, ticks: 160)
    case "G729": self = .frames(bytes: 10, ticks: 80)
    case "OPUS": self = .opus
    default: return nil
    }
  }

  /// Ticks of the RTP clock in a payload; 0 = it does not say.
  public func ticks(_ payload: Bytes) -> Int {
    switch self {
    case .bytes: payload.count
    case .samples(let bytes): payload.count / bytes
    case .frames(let bytes, let ticks): (payload.count + bytes - 1) / bytes * ticks
    case .opus: Self.opusTicks(payload)
    }
  }

  private static func opusTicks(_ payload: Bytes) -> Int {
    guard let first = payload.first else { return 0 }
    let frames =
      switch first & 3 {
      case 0: 1
      case 1, 2: 2
      default: payload.count > 1 ? Int(payload[1] & 63) : 0
      }
    let configuration = Int(first >> 3)
    let frame =
      switch configuration {
      case 0..<12: configuration & 3 == 3 ? 2_880 : 480 << (configuration & 3)
      case 12..<16: configuration & 1 == 0 ? 480 : 960
      default: 120 << (configuration & 3)
      }
    return frames * frame
  }
}
