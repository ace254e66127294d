import SIPMessage
import SansIO

/// A message as engineers name it: `the 2nd 200 INVITE`, `the first 3 INVITE`, `every ACK`, `the BYE`, `the 5th RTP`,
/// `the 50th to 80th RTP`, `the 2nd DTLS`, `the ACK of the 200`.
struct MessageText: Sendable {
  var occurrences: ClosedRange<Int>
  var subject: Label.Subject
  /// Of ACKs: only that of a response with this status; 0 = any.
  var acknowledged: UInt16 = 0

  static func parse(_ text: String) -> MessageText? {
    var words = text.split(separator: " ").map(String.init)
    if words.first == "the" { words.removeFirst() }
    var occurrences = 1...1
    if words.first == "every" {
      occurrences = 1...Int.max
      words.removeFirst()
    } else if words.first == "first", words.count > 1, let count = Int(words[1]), count > 0 {
      occurrences = 1...count
      words.removeFirst(2)
    } else if let first = words.first, let number = ordinal(first) {
      occurrences = number...number
      words.removeFirst()
      if words.first == "to" {
        guard words.count > 1, let last = ordinal(words[1]), last >= number else { return nil }
        occurrences = number...last
        words.removeFirst(2)
      }
    }
    // `ACK of the 200`: an ACK of a 2xx is a request of its own, that of a refusal belongs to the INVITE's transaction.
    var acknowledged: UInt16 = 0
    if words.count == 4, words[0] == "ACK", words[1] == "of", words[2] == "the" {
      guard let status = UInt16(words[3]), (200...699).contains(status) else { return nil }
      acknowledged = status < 300 ? 200 : status
      words.removeLast(3)
    }
    return subject(words).map { MessageText(occurrences: occurrences, subject: $0, acknowledged: acknowledged) }
  }

  private static func ordinal(_ word: String) -> Int? {
    guard ["st", "nd", "rd", "th"].contains(where: word.hasSuffix), let number = Int(word.dropLast(2)), number > 0 else { return nil }
    return number
  }

  private static func subject(_ words: [String]) -> Label.Subject? {
    switch words.count {
    case 1 where words[0] == "RTCP": return .rtcp
    case 1 where words[0] == "DTLS": return .dtls
    case 1 where words[0] == "RTP": return .rtp(payloadType: 0)
    case 1:
      return method(words[0]).map { .request($0) }
    case 2:
      guard let status = UInt16(words[0]), (100...699).contains(status), let method = method(words[1]) else { return nil }
      return .response(status: status, method)
    default: return nil
    }
  }

  /// A method of the standards: labels do not keep the names of others.
  private static func method(_ word: String) -> SIPMethod? {
    let method = SIPMethod(word)
    if case .other = method { return nil }
    return method
  }
}

extension ValueType where Value == MessageText {
  static var message: ValueType {
    ValueType(.quantity(.message)) { (place, _) throws(SourceProblem) in
      try place.value("a message such as 'the 2nd 200 INVITE', 'the first 3 BYE' or 'every INVITE'", MessageText.parse)
    }
  }
}
