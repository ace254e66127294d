import Codecs
import SDP

extension AudioCodec {
  /// The codec behind the name; nil where the Lab can neither make nor understand its audio.
  public var spoken: Codec? {
    switch self {
    case .pcmu: .g711(.mu)
    case .pcma: .g711(.a)
    case .g722, .opus: nil
    }
  }

  /// Whether the Lab can make and understand its audio; what it cannot, it does not offer.
  public var isSpoken: Bool { spoken != nil }
}
