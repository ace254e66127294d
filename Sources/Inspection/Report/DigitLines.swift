import RTP
import SansIO
import WireReader

// Digits in the report: those of a stream, and those that INFO brought in a dialog.
extension InspectionReport {
  /// `digits 12# (RFC 4733)`, a way each; empty where there are none.
  static func words(_ digits: [SeenDigit]) -> [String] {
    DigitWay.allCases.compactMap { way in
      let own = digits.filter { $0.way == way }
      return own.isEmpty ? nil : "digits \(own.map(\.digit).text) (\(way.name))"
    }
  }

  /// Those of INFO, by their sender.
  func digitLines(_ conversation: Conversation) -> [String] {
    var senders: [TransportAddress] = []
    for (_, source) in conversation.infoDigits where !senders.contains(source) { senders.append(source) }
    return senders.flatMap { sender in
      Self.words(conversation.infoDigits.filter { $0.source == sender }.map(\.digit)).map { "\($0) from \(sender)" }
    }
  }

  func digitsJSON(_ digits: [SeenDigit]) -> JSONValue {
    .array(
      digits.map { digit in
        .object([
          ("digit", .string("\(digit.digit)")), ("way", .string(digit.way.rawValue)), ("at", stampJSON(digit.stamp)),
          ("milliseconds", JSONValue(digit.milliseconds)),
        ])
      })
  }
}
