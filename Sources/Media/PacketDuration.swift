import Codecs
import SansIO

extension Codec {
  /// How long the audio of a payload lasts, in timestamp units; 0 where the payload does not tell.
  func duration(of payload: Bytes) -> Int {
    switch self {
    // An octet is a tick of 8 kHz (RFC 3551 §4.5.2, §4.5.14).
    case .g711, .g722: payload.count
    case .opus: OpusDuration.ticks(of: payload)
    }
  }
}

/// How long an Opus packet lasts, by its first octets (RFC 6716 §3.1, §3.2), in units of 48 kHz.
enum OpusDuration {
  static func ticks(of payload: Bytes) -> Int {
    guard let first = payload.first else { return 0 }
    let configuration = Int(first >> 3)
    // SILK 10, 20, 40, 60 ms; hybrid 10, 20 ms; CELT 2.5, 5, 10, 20 ms.
    let frame =
      switch configuration {
      case ..<12: [480, 960, 1_920, 2_880][configuration & 3]
      case ..<16: [480, 960][configuration & 1]
      default: [120, 240, 480, 960][configuration & 3]
      }
    let frames =
      switch first & 3 {
      case 0: 1
      case 1, 2: 2
      default: payload.count > 1 ? Int(payload[1] & 63) : 0
      }
    let ticks = frame * frames
    return ticks <= 5_760 ? ticks : 0
  }
}
