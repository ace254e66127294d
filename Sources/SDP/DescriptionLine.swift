import SansIO

extension SessionDescription {
  /// `type=value` (RFC 8866 §5).
  public struct Line: Sendable {
    /// How a line that was read ended.
    enum Ending: UInt8, Sendable {
      case crlf, lf, none
    }

    public var type: Character
    public var value: String { didSet { raw = nil } }
    /// The value where it is no UTF-8: `a=charset` may say otherwise (RFC 8866 §6.10).
    private var raw: [UInt8]?
    private var ending: Ending = .crlf

    public init(_ type: Character, _ value: String) {
      self.type = type
      self.value = value
    }

    /// Reads a line without its end; nil when it is no `type=value`.
    init?(_ bytes: Bytes, _ ending: Ending) {
      guard bytes.count >= 2, bytes[1] == UInt8(ascii: "="), bytes[0] > 32, bytes[0] < 127 else { return nil }
      type = Character(UnicodeScalar(bytes[0]))
      self.ending = ending
      let text = bytes[2..<bytes.count]
      if let valid = text.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) {
        value = valid
      } else {
        value = text.text
        raw = text.array
      }
    }

    func write(to bytes: inout [UInt8]) {
      // The line before was the last one when it was read.
      if let last = bytes.last, last != 10 { bytes += [13, 10] }
      bytes.append(type.asciiValue ?? UInt8(ascii: "?"))
      bytes.append(UInt8(ascii: "="))
      if let raw { bytes += raw } else { bytes += value.utf8 }
      switch ending {
      case .crlf: bytes += [13, 10]
      case .lf: bytes.append(10)
      case .none: break
      }
    }
  }
}

/// Lines are the same when they say the same, whatever ends them.
extension SessionDescription.Line: Hashable {
  public static func == (left: Self, right: Self) -> Bool { left.type == right.type && left.value == right.value && left.raw == right.raw }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    hasher.combine(value)
  }
}
