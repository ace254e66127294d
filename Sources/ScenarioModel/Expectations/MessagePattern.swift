import SIPMessage
import SansIO

/// What a message is like, by parts of it. Values match as a whole and without regard to case; `*` matches any text.
struct MessagePattern: Sendable, Hashable {
  var start = "*"
  var headers: [HeaderPattern] = []
  var without: [String] = []
  var body: String?
  /// Texts that stand anywhere in the message, as they are.
  var containing: [String] = []

  var text: String {
    let parts = headers.map(\.text) + without.map { "no \($0)" } + (body.map { ["the body '\($0)'"] } ?? [])
    return (parts + containing.map { "'\($0)'" }).joined(separator: ", ")
  }

  /// nil when the message matches; else how much of it did, and what did not.
  ///
  /// - Parameter named: the messages that earlier steps have named.
  func difference(_ message: SIPMessage, _ named: [String: SIPMessage] = [:]) -> (score: Int, text: String)? {
    let line = message.startLineText
    guard Wildcard.matches(start, line) else { return (0, "'\(line)'") }
    var score = 1
    for header in headers {
      if let difference = header.difference(message, named) { return (score, "'\(line)', whose \(difference)") }
      score += 1
    }
    for name in without where message.first(HeaderName(name)) != nil { return (score, "'\(line)', which has \(HeaderName(name))") }
    if let body, !Wildcard.matches(body, message.body.text) { return (score, "'\(line)', whose body differs") }
    let whole = message.bytes.text
    for text in containing where !whole.contains(text) { return (score, "'\(line)', which does not contain '\(text)'") }
    return nil
  }
}

/// `*` matches any text, everything else for itself without regard to case.
enum Wildcard {
  static func matches(_ pattern: String, _ text: String) -> Bool {
    let parts = pattern.lowercased().split(separator: "*", omittingEmptySubsequences: false)
    var rest = Substring(text.lowercased())
    for (index, part) in parts.enumerated() {
      if index == 0 {
        guard rest.hasPrefix(part) else { return false }
        rest = rest.dropFirst(part.count)
      } else if index == parts.count - 1 {
        return rest.hasSuffix(part)
      } else if let range = rest.firstRange(of: part) {
        rest = rest[range.upperBound...]
      } else if !part.isEmpty {
        return false
      }
    }
    return rest.isEmpty
  }
}
