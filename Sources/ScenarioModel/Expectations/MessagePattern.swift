import SIPMessage
import SansIO

/// What a message is like, by parts of it. Values match as a whole and without regard to case; `*` matches any text.
struct MessagePattern: Sendable, Hashable {
  struct Header: Sendable, Hashable {
    var name: String
    var pattern: String
  }

  var start = "*"
  var headers: [Header] = []
  var without: [String] = []
  var body: String?
  /// Texts that stand anywhere in the message, as they are.
  var containing: [String] = []

  var text: String {
    let parts = headers.map { "\($0.name): \($0.pattern)" } + without.map { "no \($0)" } + (body.map { ["the body '\($0)'"] } ?? [])
    return (parts + containing.map { "'\($0)'" }).joined(separator: ", ")
  }

  /// nil when the message matches; else how much of it did, and what did not.
  func difference(_ message: SIPMessage) -> (score: Int, text: String)? {
    let line = message.startLineText
    guard Wildcard.matches(start, line) else { return (0, "'\(line)'") }
    var score = 1
    for header in headers {
      let values = message.all(HeaderName(header.name)).map(\.text)
      guard values.contains(where: { Wildcard.matches(header.pattern, $0) }) else {
        let actual = values.isEmpty ? "is missing" : "is '\(values.joined(separator: "', '"))'"
        return (score, "'\(line)', whose \(header.name) \(actual) instead of '\(header.pattern)'")
      }
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

extension ValueType where Value == [MessagePattern.Header] {
  static var headerPatterns: ValueType {
    ValueType(.named(.text)) { (place, _) throws(SourceProblem) in
      var headers: [MessagePattern.Header] = []
      for (name, _, value) in try place.pairs() {
        for pattern in try value.elementsOrOne() { headers.append(MessagePattern.Header(name: name, pattern: try pattern.text())) }
      }
      return headers
    }
  }
}
