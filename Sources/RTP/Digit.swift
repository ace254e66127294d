/// A key of a telephone by its event code: 0–9, `*`, `#`, A–D, and the flash of the hook (RFC 4733 §3.2).
public struct Digit: Hashable, Sendable {
  /// 0–16.
  public let code: UInt8

  /// The event code of flash, which is no tone (RFC 4733 §3.2).
  public static let flashCode: UInt8 = 16

  private static let characters: [Character] = Array("0123456789*#ABCD!")

  /// nil for an event that is no key.
  public init?(code: UInt8) {
    guard Int(code) < Self.characters.count else { return nil }
    self.code = code
  }

  /// Letters in either case; `!` is flash.
  public init?(_ character: Character) {
    guard let upper = character.uppercased().first, let index = Self.characters.firstIndex(of: upper) else { return nil }
    code = UInt8(index)
  }

  public var character: Character { Self.characters[Int(code)] }
  public var isFlash: Bool { code == Self.flashCode }

  /// The digits of a text; nil where one character is none, or there is none at all.
  public static func list(_ text: String) -> [Digit]? {
    let digits = text.compactMap(Digit.init)
    return digits.isEmpty || digits.count != text.count ? nil : digits
  }
}

extension Digit: CustomStringConvertible {
  public var description: String { String(character) }
}

extension Sequence<Digit> {
  /// `12#`
  public var text: String { String(map(\.character)) }
}

/// How a digit goes from one side to the other.
public enum DigitWay: String, Hashable, Sendable, CaseIterable {
  /// As telephone-event in RTP.
  case rfc4733
  /// In the body of INFO, `application/dtmf-relay` or `application/dtmf`. No standard defines either.
  case info
  /// As the two tones of ITU-T Q.23 in the audio.
  case inBand = "in-band"

  /// In a sentence: `RFC 4733`.
  public var name: String {
    switch self {
    case .rfc4733: "RFC 4733"
    case .info: "INFO"
    case .inBand: "in-band"
    }
  }
}

/// A digit that came, once it is over.
public struct HeardDigit: Hashable, Sendable {
  public var digit: Digit
  public var way: DigitWay
  /// By the clock of the event, as INFO says, or by the audio; nil where an INFO says nothing.
  public var milliseconds: Int?

  public init(_ digit: Digit, _ way: DigitWay, milliseconds: Int?) {
    (self.digit, self.way, self.milliseconds) = (digit, way, milliseconds)
  }
}
